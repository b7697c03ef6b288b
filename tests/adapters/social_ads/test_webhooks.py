"""Pushed clicks: who may push, what is null, what makes two pushes the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest

from adapters.base.webhooks import InboundEvent, WebhookRefused, WebhookRequest
from adapters.social_ads import AdClick
from tests.adapters.social_ads.conftest import Ads

PUSH: Mapping[str, str] = {
    "account_id": "20458",
    "click_id": "24oi6xq2aaakvagnqu7a",
    "click_time": "1769826000",
    "imp_id": "imp0001",
    "imp_time": "1769825998",
    "adgroup_id": "13397328752",
    "creative_id": "880001",
    "rid": "req0001",
    "wxopenid": "oTestOpenid0000000000000001",
    "muid": "__MUID__",
    "callback": "https://api.e.qq.com/v3.0/user_actions/add?cb=MTIz%2B&conv_id=12345678",
}


def push(ads: Ads, *, method: str = "GET", tail: str = "", **changes: str) -> WebhookRequest:
    query = {"k": ads.platform.click_key, **PUSH, **changes}
    return WebhookRequest(method, {name: text for name, text in query.items() if text != "-"}, {}, b"", tail)


async def event(ads: Ads, **changes: str) -> InboundEvent:
    (only,) = (await ads.adapter.receive(push(ads, **changes))).events
    return only


async def test_a_push_is_answered_exactly_and_becomes_a_claimed_click(ads: Ads) -> None:
    received = await ads.adapter.receive(push(ads))
    assert (received.reply.status, received.reply.body, received.reply.media_type) == (
        200,
        b'{"ret":0,"msg":"success"}',
        "application/json",
    )
    (only,) = received.events
    assert (only.kind, only.claim) == ("ad_click", True)
    assert only.dedupe_key == "20458:24oi6xq2aaakvagnqu7a"
    assert ads.adapter.interpret(only) == [
        AdClick(
            account_id=20458,
            click_id="24oi6xq2aaakvagnqu7a",
            adgroup_id=13397328752,
            creative_id="880001",
            at=datetime(2026, 1, 31, 2, 20, tzinfo=UTC),
            impression_id="imp0001",
            request_id="req0001",
            wechat_openid="oTestOpenid0000000000000001",
            # Decoded once, by whoever read the query: %2B stays.
            callback="https://api.e.qq.com/v3.0/user_actions/add?cb=MTIz%2B&conv_id=12345678",
        )
    ]


async def test_the_key_may_stand_in_the_path(ads: Ads) -> None:
    assert len((await ads.adapter.receive(push(ads, k="-", tail=ads.platform.click_key))).events) == 1


@pytest.mark.parametrize("changes", [{"k": "-"}, {"k": "0" * 32}, {"k": "é"}, {"k": "-", "tail": "wrong"}])
async def test_without_the_key_nothing_is_believed(ads: Ads, changes: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused) as refused:
        await ads.adapter.receive(push(ads, **changes))
    assert (refused.value.reason, refused.value.status) == ("path", 404)


@pytest.mark.parametrize(
    ("changes", "reason", "status"),
    [
        ({"method": "POST"}, "method", 405),
        ({"account_id": "me"}, "shape", 400),
        ({"adgroup_id": "1e9"}, "shape", 400),
        ({"click_time": "99999999999"}, "shape", 400),
        ({"click_time": "-1"}, "shape", 400),
    ],
)
async def test_what_cannot_be_a_click_is_refused(ads: Ads, changes: dict[str, str], reason: str, status: int) -> None:
    with pytest.raises(WebhookRefused) as refused:
        await ads.adapter.receive(push(ads, **changes))
    assert (refused.value.reason, refused.value.status) == (reason, status)


async def test_macros_left_in_place_and_empty_values_are_null(ads: Ads) -> None:
    only = await event(ads, wxopenid="__WECHAT_OPEN_ID__", creative_id="", adgroup_id="__ADGROUP_ID__", callback="")
    (click,) = ads.adapter.interpret(only)
    assert (click.wechat_openid, click.creative_id, click.adgroup_id, click.callback) == (None,) * 4
    assert not set(only.payload) & {"wxopenid", "creative_id", "adgroup_id", "callback", "muid", "k"}


async def test_a_click_is_the_same_however_often_it_is_pushed(ads: Ads) -> None:
    first, again = await event(ads), await event(ads, callback="https://other.example")
    assert first.dedupe_key == again.dedupe_key
    assert (await event(ads, click_id="other")).dedupe_key != first.dedupe_key
    assert (await event(ads, account_id="20459")).dedupe_key != first.dedupe_key


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"click_id": ""}, "20458:imp0001@1769826000"),
        ({"click_id": "__CLICK_ID__", "imp_id": ""}, "20458:req0001@1769826000"),
    ],
)
async def test_without_a_click_id_impression_and_time_stand_for_it(ads: Ads, changes: dict[str, str], key: str) -> None:
    only = await event(ads, **changes)
    assert only.dedupe_key == key
    assert ads.adapter.interpret(only)[0].click_id is None


async def test_a_probe_with_no_macro_replaced_is_answered_and_brings_nothing(ads: Ads) -> None:
    parts = dict(parse_qsl(urlsplit(ads.adapter.click_link("https://gw.example/h")).query))
    received = await ads.adapter.receive(WebhookRequest("GET", parts, {}, b""))
    assert (received.reply.status, received.events) == (200, ())


async def test_a_click_without_time_happened_when_it_came(ads: Ads, now: datetime) -> None:
    only = await event(ads, click_time="")
    assert 0 <= (only.occurred_at - now).total_seconds() <= 5


async def test_the_person_is_not_in_a_clicks_repr(ads: Ads) -> None:
    only = await event(ads)
    assert PUSH["wxopenid"] not in repr(only) + repr(ads.adapter.interpret(only))


class Receiver:
    """The gateway's webhook route, as small as can be: one GET per connection."""

    def __init__(self, ads: Ads) -> None:
        self.ads = ads
        self.targets: list[str] = []
        self.events: list[InboundEvent] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split(" ", 2)
        self.targets.append(target)
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        received = await self.ads.adapter.receive(WebhookRequest(method, query, {}, b""))
        self.events.extend(received.events)
        reply = received.reply
        writer.write(b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n" % (reply.status, len(reply.body)))
        writer.write(reply.body)
        await writer.drain()
        writer.close()

    def clicks(self) -> list[AdClick]:
        """What the pushes claimed."""
        return [click for event in self.events for click in self.ads.adapter.interpret(event)]


@pytest.fixture
async def receiver(ads: Ads) -> AsyncIterator[Receiver]:
    """Listens on loopback, and its address is entered in the platform's console."""
    made = Receiver(ads)
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        ads.sandbox.kit.pusher.targets[("social_ads", "20458")] = f"http://127.0.0.1:{port}/hooks/social_ads/main"
        yield made


async def test_a_click_at_the_platform_arrives(ads: Ads, receiver: Receiver, now: datetime) -> None:
    told = await ads.act("click", person="linxiaowen", adgroup_id=13397328752)
    await ads.sandbox.kit.pusher.settle()
    (click,) = receiver.clicks()
    flagship = ads.sandbox.world.mini_programs[0].appid
    assert (click.account_id, click.adgroup_id, click.click_id) == (20458, 13397328752, told["click_id"])
    assert click.wechat_openid == ads.sandbox.world.people["linxiaowen"].openids[flagship]
    assert click.callback is not None
    assert click.callback.startswith("https://api.e.qq.com/v3.0/user_actions/add?cb=")
    # Encoded once on the way, decoded once on arrival: what was %2B is still %2B.
    assert click.callback.endswith("%2B&conv_id=1")
    assert told["gdt_vid"] != click.click_id
    assert ads.sandbox.kit.pusher.deliveries[0].state == "done"
    assert "muid=__MUID__" in receiver.targets[0]


async def test_the_link_that_the_adapter_gives_works_in_the_console(ads: Ads, receiver: Receiver) -> None:
    targets = ads.sandbox.kit.pusher.targets
    bare = targets[("social_ads", "20458")]
    targets[("social_ads", "20458")] = ads.adapter.click_link(bare)
    await ads.act("click", person="linxiaowen", adgroup_id=13397328752)
    await ads.sandbox.kit.pusher.settle()
    assert [click.adgroup_id for click in receiver.clicks()] == [13397328752]


async def test_doubled_pushes_are_one_event_by_key(ads: Ads, receiver: Receiver) -> None:
    ads.sandbox.kit.pusher.modes["social_ads"] = "double"
    await ads.act("click", person="linxiaowen", adgroup_id=13397328752)
    await ads.sandbox.kit.pusher.settle()
    assert len(receiver.events) == 2
    assert len({event.dedupe_key for event in receiver.events}) == 1


async def test_two_clicks_are_two_events(ads: Ads, receiver: Receiver) -> None:
    for person in ("linxiaowen", "xuli"):
        await ads.act("click", person=person, adgroup_id=13397328753)
    await ads.sandbox.kit.pusher.settle()
    assert len({event.dedupe_key for event in receiver.events}) == 2


async def test_a_click_of_somebody_unknown_to_the_mini_program(ads: Ads, receiver: Receiver) -> None:
    await ads.act("click", person="zhouqing", adgroup_id=13397328752, empty=["CLICK_ID"])
    await ads.sandbox.kit.pusher.settle()
    (click,) = receiver.clicks()
    assert (click.wechat_openid, click.click_id) == (None, None)


async def test_a_click_on_no_ad_is_refused(ads: Ads) -> None:
    with pytest.raises(ValueError, match="no adgroup 1"):
        await ads.act("click", person="linxiaowen", adgroup_id=1)
    assert ads.sandbox.kit.journal.effects == []
