"""Callbacks end to end: pushed by the emulated platform over HTTP, received and read by the adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.base.webhooks import InboundEvent, Received, WebhookRefused, WebhookRequest
from adapters.official_account import (
    TOOL,
    DeliveryStatus,
    FollowerChanged,
    Interacted,
    OfficialAccountAdapter,
    QrScanned,
    TemplateDelivered,
    TemplateMessage,
)
from adapters.official_account.sandbox import Sandbox as Platform
from adapters.official_account.webhooks import EVENTS, delivery_status, inbound, interpret
from adapters.wechat.subscribe import SubscribeAnswered
from sandbox.server import Sandbox
from sandbox.server import _serve as serve
from tests.adapters.official_account.contract import known
from tests.conftest import OpenTool


class Receiver:
    """A loopback server that hands the platform's requests to an adapter."""

    def __init__(self, adapter: OfficialAccountAdapter) -> None:
        self.adapter = adapter
        self.requests: list[WebhookRequest] = []
        self.received: list[Received] = []
        self.failures = 0
        self.app = Starlette(routes=[Route("/hooks", self.handle, methods=["GET", "POST"])])

    async def handle(self, request: Request) -> Response:
        arrived = WebhookRequest(
            request.method, dict(request.query_params), dict(request.headers), await request.body()
        )
        self.requests.append(arrived)
        if self.failures:
            self.failures -= 1
            return Response(status_code=500)
        received = await self.adapter.receive(arrived)
        self.received.append(received)
        reply = received.reply
        return Response(reply.body, reply.status, media_type=reply.media_type)

    @property
    def events(self) -> list[InboundEvent]:
        return [event for received in self.received for event in received.events]

    def records(self) -> list[object]:
        return [record for event in self.events for record in self.adapter.interpret(event)]


class Hooks:
    """Starts receivers and enters their URLs in the platform's console."""

    def __init__(self, sandbox: Sandbox, stack: AsyncExitStack) -> None:
        self._sandbox = sandbox
        self._stack = stack

    async def open(self, adapter: OfficialAccountAdapter) -> Receiver:
        receiver = Receiver(adapter)
        servers: list[Any] = []
        url = await serve(receiver.app, "127.0.0.1", 0, servers)
        ((server, task),) = servers

        async def stop() -> None:
            server.should_exit = server.force_exit = True
            await task

        self._stack.push_async_callback(stop)
        self._sandbox.kit.pusher.targets[("official_account", adapter.account)] = url + "/hooks"
        return receiver


@pytest.fixture
async def hooks(sandbox: Sandbox) -> AsyncIterator[Hooks]:
    async with AsyncExitStack() as stack:
        yield Hooks(sandbox, stack)


async def act(sandbox: Sandbox, platform: Platform, action: str, **given: str) -> None:
    await platform.actions()[action](given)
    await sandbox.kit.pusher.settle()


def second(sandbox: Sandbox) -> datetime:
    return sandbox.kit.clock.now().replace(microsecond=0)


@pytest.mark.parametrize("alias", ["main", "outlet"])
async def test_the_console_accepts_our_url_in_both_modes(
    alias: str, sandbox: Sandbox, platform: Platform, hooks: Hooks, open_tool: OpenTool
) -> None:
    adapter: OfficialAccountAdapter = await open_tool(TOOL, sandbox, alias)
    receiver = await hooks.open(adapter)
    assert await platform.actions()["check_url"]({"appid": adapter.account}) == {"ok": True}
    assert receiver.events == []
    assert receiver.received[0].reply.media_type == "text/plain"


@pytest.mark.parametrize("alias", ["main", "outlet"])
async def test_what_followers_do_in_both_modes(
    alias: str, sandbox: Sandbox, platform: Platform, hooks: Hooks, open_tool: OpenTool
) -> None:
    adapter: OfficialAccountAdapter = await open_tool(TOOL, sandbox, alias)
    receiver = await hooks.open(adapter)
    appid = adapter.account
    account = platform.accounts[appid]
    openid = next(o for o in account.unionids if o not in account.followers)
    person = sandbox.world.person_by_openid(openid)
    assert person is not None
    before = second(sandbox)
    for action, scene in (("scan", "store_88"), ("scan", "12345"), ("unfollow", ""), ("follow", "")):
        await act(sandbox, platform, action, appid=appid, person=person.key, scene=scene)
    await platform.actions()["unfollow"]({"appid": appid, "person": person.key})
    await act(sandbox, platform, "follow", appid=appid, person=person.key, scene="77")
    records = receiver.records()
    assert [(type(r), getattr(r, "subscribed", None), getattr(r, "scene_key", "")) for r in records[:4]] == [
        (FollowerChanged, True, "store_88"),
        (QrScanned, None, "12345"),
        (FollowerChanged, False, ""),
        (FollowerChanged, True, ""),
    ]
    assert {(r.appid, r.openid) for r in records} == {(appid, openid)}  # type: ignore[attr-defined] # all have both
    assert all(before <= e.occurred_at <= second(sandbox) for e in receiver.events)
    assert all(r.reply.body == b"success" for r in receiver.received)
    assert account.followers[openid].qr_scene == 77
    encrypted = [b"<Encrypt>" in r.body for r in receiver.requests]
    assert encrypted == [alias == "main"] * 6


async def test_a_template_ends_with_its_delivery(
    main: OfficialAccountAdapter, sandbox: Sandbox, platform: Platform, hooks: Hooks
) -> None:
    receiver = await hooks.open(main)
    ids = known(sandbox)
    await platform.actions()["template_status"]({"status": "failed:user block"})
    sent = await main.send_template(
        TemplateMessage(
            ids["followers"]["protagonist"],
            ids["templates"]["points_changed"],
            {"thing1": "积分到账", "number2": "899"},
            "points-1",
        )
    )
    await sandbox.kit.pusher.settle()
    (record,) = receiver.records()
    assert isinstance(record, TemplateDelivered)
    assert (record.appid, record.message_id, record.status) == (
        main.account,
        sent.message_id,
        DeliveryStatus.BLOCKED_BY_USER,
    )
    assert receiver.events[0].entity == f"follower:{ids['followers']['protagonist']}"


async def test_deliveries_are_repeated_with_equal_keys(
    main: OfficialAccountAdapter, sandbox: Sandbox, platform: Platform, hooks: Hooks
) -> None:
    receiver = await hooks.open(main)
    sandbox.kit.pusher.pace = 0.0
    sandbox.kit.pusher.modes["official_account"] = "double"
    receiver.failures = 2
    await act(sandbox, platform, "unfollow", appid=main.account, person="protagonist")
    assert len(receiver.requests) == 4
    assert len({r.body for r in receiver.requests}) == 1
    assert len({r.query["msg_signature"] for r in receiver.requests}) == 4
    assert len(receiver.events) == 2
    assert receiver.events[0].dedupe_key == receiver.events[1].dedupe_key


async def test_the_platform_gives_up_after_three_attempts(
    main: OfficialAccountAdapter, sandbox: Sandbox, platform: Platform, hooks: Hooks
) -> None:
    receiver = await hooks.open(main)
    sandbox.kit.pusher.pace = 0.0
    receiver.failures = 9
    await act(sandbox, platform, "unfollow", appid=main.account, person="protagonist")
    assert (len(receiver.requests), sandbox.kit.pusher.deliveries[0].state) == (3, "failed")


async def test_a_captured_push_is_refused_when_forged_moved_or_stale(
    main: OfficialAccountAdapter,
    outlet: OfficialAccountAdapter,
    sandbox: Sandbox,
    platform: Platform,
    hooks: Hooks,
) -> None:
    receiver = await hooks.open(main)
    await act(sandbox, platform, "scan", appid=main.account, person="protagonist", scene="a")
    (push,) = receiver.requests
    again = await main.receive(push)
    assert again.events[0].dedupe_key == receiver.events[0].dedupe_key

    tampered = WebhookRequest("POST", {**push.query, "nonce": "1"}, {}, push.body)
    swapped = WebhookRequest("POST", push.query, {}, push.body.replace(b"<Encrypt><![CDATA[", b"<Encrypt><![CDATA[A"))
    bare = WebhookRequest("POST", {**push.query, "msg_signature": push.query["signature"]}, {}, push.body)
    for request in (tampered, swapped, bare):
        with pytest.raises(WebhookRefused) as refused:
            await main.receive(request)
        assert refused.value.reason == "signature"
    with pytest.raises(WebhookRefused) as refused:
        await outlet.receive(push)
    assert refused.value.reason == "signature"

    sandbox.kit.clock.advance(timedelta(minutes=6))
    with pytest.raises(WebhookRefused) as refused:
        await main.receive(push)
    assert refused.value.reason == "stale"


def payload(**elements: object) -> dict[str, object]:
    return {"ToUserName": "gh_1", "FromUserName": "oA", "CreateTime": "1700000000", **elements}


def test_keys_of_messages_and_events() -> None:
    text = inbound(payload(MsgType="text", MsgId="4561255354251345929", Content="hi"), "gh_1")
    assert (text.kind, text.dedupe_key) == ("text", "message|4561255354251345929")
    click = inbound(payload(MsgType="event", Event="click", EventKey="MENU_1"), "gh_1")
    assert (click.kind, click.dedupe_key) == ("CLICK", "event|oA|1700000000|CLICK|MENU_1|")
    assert click.occurred_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert click.entity == "follower:oA"
    place = inbound(payload(MsgType="location", MsgId="1"), "gh_1")
    move = inbound(payload(MsgType="event", Event="location"), "gh_1")
    assert (place.kind, move.kind) == ("location", "LOCATION")


@pytest.mark.parametrize(
    ("elements", "kind"),
    [
        ({"MsgType": "text", "MsgId": "1", "Content": "在吗"}, "MESSAGE"),
        ({"MsgType": "voice", "MsgId": "2"}, "MESSAGE"),
        ({"MsgType": "event", "Event": "CLICK", "EventKey": "MENU_1"}, "MENU"),
        ({"MsgType": "event", "Event": "scancode_push"}, "MENU"),
    ],
)
def test_who_writes_or_taps_interacts(elements: dict[str, str], kind: str) -> None:
    event = inbound(payload(**elements), "gh_1")
    assert interpret(event, "wx1") == (Interacted("wx1", "oA", kind, event.occurred_at),)  # type: ignore[arg-type]


async def test_a_follower_writes_and_answers(
    main: OfficialAccountAdapter, sandbox: Sandbox, platform: Platform, hooks: Hooks
) -> None:
    receiver = await hooks.open(main)
    openid = known(sandbox)["followers"]["protagonist"]
    who = {"appid": main.account, "person": "protagonist"}
    await act(sandbox, platform, "say", **who, text="在吗")
    await act(sandbox, platform, "subscribe_answer", **who, template="TPL", answer="accept")
    at = second(sandbox)
    assert receiver.records() == [
        Interacted(main.account, openid, "MESSAGE", at),
        SubscribeAnswered(main.account, openid, "TPL", True, at),
    ]


def test_jobs_that_end_in_the_same_second_differ() -> None:
    one = inbound(payload(MsgType="event", Event="TEMPLATESENDJOBFINISH", MsgID="1"), "gh_1")
    two = inbound(payload(MsgType="event", Event="TEMPLATESENDJOBFINISH", MsgID="2"), "gh_1")
    assert one.dedupe_key != two.dedupe_key


def test_another_accounts_payload_is_refused() -> None:
    with pytest.raises(WebhookRefused) as refused:
        inbound(payload(MsgType="event", Event="SCAN"), "gh_2")
    assert (refused.value.reason, refused.value.status) == ("path", 400)


@pytest.mark.parametrize("missing", ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event"])
def test_incomplete_payloads_are_errors(missing: str) -> None:
    whole = payload(MsgType="event", Event="SCAN")
    del whole[missing]
    with pytest.raises((KeyError, ValueError)):
        inbound(whole, "gh_1")


USED = {
    *(
        "subscribe",
        "unsubscribe",
        "SCAN",
        "TEMPLATESENDJOBFINISH",
        "MASSSENDJOBFINISH",
        "CLICK",
        "scancode_push",
        "scancode_waitmsg",
    ),
}


@pytest.mark.parametrize("name", sorted(EVENTS - USED))
def test_other_events_are_known_and_unused(name: str) -> None:
    event = inbound(payload(MsgType="event", Event=name.upper(), EventKey="k"), "gh_1")
    assert event.kind == name
    assert interpret(event, "wx1") == ()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("success", DeliveryStatus.DELIVERED),
        ("failed:user block", DeliveryStatus.BLOCKED_BY_USER),
        ("failed: user block", DeliveryStatus.BLOCKED_BY_USER),
        ("failed: system failed", DeliveryStatus.FAILED),
        ("Failed:something new", DeliveryStatus.FAILED),
        ("", DeliveryStatus.OTHER),
    ],
)
def test_delivery_statuses_are_normalised(status: str, expected: DeliveryStatus) -> None:
    assert delivery_status(status) is expected
