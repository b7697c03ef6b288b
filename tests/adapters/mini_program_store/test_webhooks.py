"""Message push from the emulated platform, whose signing and AES are its own, into the adapter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from adapters.base.secrets import Secret
from adapters.base.webhooks import InboundEvent, Received, WebhookRefused, WebhookRequest
from adapters.mini_program_store import (
    TOOL,
    AfterSaleChanged,
    MiniProgramStoreAdapter,
    MiniProgramStoreConfig,
    OrderChanged,
    ProductChanged,
)
from adapters.mini_program_store.sandbox.push import as_xml, encrypt, signature
from adapters.mini_program_store.webhooks import MessagePush
from sandbox.pusher import Push
from sandbox.server import Sandbox
from tests.adapters.mini_program_store.conftest import NAME, Act
from tests.adapters.mini_program_store.scenes import content
from tests.conftest import OpenTool

Modes = tuple[bool, Literal["xml", "json"]]
MODES: list[Modes] = [(True, "json"), (True, "xml"), (False, "json"), (False, "xml")]

# Token, key and id of the vendor's published sample around a message of ours.
TOKEN, KEY, APPID = "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7"
MESSAGE = (
    b'{"ToUserName":"gh_demo0001","FromUserName":"oDemo-user-1","CreateTime":1700000000,"MsgType":"event",'
    b'"Event":"channels_ec_order_pay","order_info":{"order_id":"3705115058471208928","pay_time":1700000000}}'
)
SEALED = (
    "7ho9XWI/HTOA1L6oduAxX1DTGggz1DbYIHg27MYrept/cw6h0/bye1M2lGg4WKO5TgofKU6Q0Ok8gp1/Mf8O+NfhN0JmJL+brWbRHfyvhR6T"
    "JcISlqYSCG9A+nzqC77opW0rSdmDY6xXXoP0geMHTNZ0dX4rDnzJCipSg5cqwL/zvisA+OUzMfqA9UvncigX26QhRjcd9tzWjRgTIRZnTCNq"
    "yO5Y8hpQaiR9ws2xIpJisVoTt9ovW8GHfmcL4UTg1Qww96WCW82W/aRw6Kv9PzogdYs1cfw3Lurl4Wyn4ZXfwHAIBKgXN4GVd1sQ6UzIg29p"
    "cGonRV5sWF1zWx1niA=="
)
SIGNED = "1be9f4cbb247b36436e047049cba5b2305b4ab9c"
SENT = datetime.fromtimestamp(1700000000, UTC)


def vector(**changed: str) -> WebhookRequest:
    query = {"timestamp": "1700000000", "nonce": "n0nce42", "msg_signature": SIGNED, **changed}
    body = orjson.dumps({"ToUserName": "gh_demo0001", "Encrypt": SEALED})
    return WebhookRequest("POST", query, {}, body)


def vector_push(**changed: Any) -> MessagePush:
    settings: dict[str, Any] = {
        "kind": "store",
        "appid": APPID,
        "secret": Secret("s"),
        "gh_id": "gh_demo0001",
        "callback_token": Secret(TOKEN),
        "aes_key": Secret(KEY),
    }
    return MessagePush.of(MiniProgramStoreConfig(**{**settings, **changed}))


def test_the_emulated_platform_seals_the_vector() -> None:
    assert len(MESSAGE) == 202
    assert encrypt(KEY, APPID, MESSAGE, b"abcdefghijklmnop") == SEALED
    assert signature(TOKEN, "1700000000", "n0nce42", SEALED) == SIGNED


def test_the_adapter_opens_the_vector() -> None:
    received = vector_push().receive(vector(), SENT)
    assert received.reply.body == b"success"
    (event,) = received.events
    assert (event.kind, event.entity) == ("channels_ec_order_pay", "order:3705115058471208928")
    assert event.occurred_at == SENT
    assert event.payload == orjson.loads(MESSAGE)


@pytest.mark.parametrize(
    ("late", "fresh"),
    [
        (timedelta(0), True),
        (timedelta(hours=4), True),
        (timedelta(hours=4, seconds=1), False),
        (timedelta(minutes=-4), True),
        (timedelta(minutes=-6), False),
    ],
)
def test_a_push_is_good_for_as_long_as_the_platform_tries(late: timedelta, fresh: bool) -> None:
    if fresh:
        assert len(vector_push().receive(vector(), SENT + late).events) == 1
    else:
        with pytest.raises(WebhookRefused) as refused:
            vector_push().receive(vector(), SENT + late)
        assert refused.value.reason == "stale"


@pytest.mark.parametrize(
    "changed",
    [
        {"msg_signature": "0" * 40},
        {"nonce": "n0nce43"},
        {"timestamp": "1700000001"},
        {"timestamp": "9" * 30},
        {"timestamp": "١٧٠٠٠٠٠٠٠٠"},
        {"msg_signature": ""},
    ],
)
def test_a_forged_push_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused) as refused:
        vector_push().receive(vector(**changed), SENT)
    assert refused.value.reason == "signature"


def test_a_push_for_somebody_else_is_refused() -> None:
    with pytest.raises(WebhookRefused):
        vector_push(appid="wx0000000000000000").receive(vector(), SENT)
    with pytest.raises(WebhookRefused) as refused:
        vector_push(gh_id="gh_other").receive(vector(), SENT)
    assert refused.value.reason == "shape"


def test_an_encrypted_account_takes_no_plain_push() -> None:
    query = {"timestamp": "1700000000", "nonce": "n", "signature": signature(TOKEN, "1700000000", "n")}
    plain = WebhookRequest("POST", query, {}, MESSAGE)
    with pytest.raises(WebhookRefused) as refused:
        vector_push().receive(plain, SENT)
    assert refused.value.reason == "shape"
    assert len(vector_push(encrypted=False).receive(plain, SENT).events) == 1


# Pushes of the emulated platform ------------------------------------------------------------------


def arrived(push: Push) -> WebhookRequest:
    """A push as our web server hands it over."""
    query = dict(parse_qsl(urlsplit(push.url).query))
    return WebhookRequest(push.method, query, {name.lower(): text for name, text in push.headers.items()}, push.body)


async def opened(platform: Sandbox, open_tool: OpenTool, modes: Modes) -> MiniProgramStoreAdapter:
    """The store, its console set to a mode; pushes are held back for the test to take."""
    app = platform.platforms[NAME].state.apps[platform.world.wechat_store.appid]  # type: ignore[attr-defined]
    app.encrypted, app.push_format = modes
    platform.kit.pusher.modes[NAME] = "hold"
    platform.kit.pusher.targets[(NAME, app.owner.appid)] = "http://127.0.0.1:1/hooks?x=1"
    adapter: MiniProgramStoreAdapter = await open_tool(TOOL, platform, "store")
    return adapter


async def taken(adapter: MiniProgramStoreAdapter, platform: Sandbox) -> list[InboundEvent]:
    """The events of all held pushes."""
    found: list[InboundEvent] = []
    for delivery in platform.kit.pusher.deliveries:
        received = await adapter.receive(arrived(delivery.build()))
        assert (received.reply.status, received.reply.body) == (200, b"success")
        found += received.events
    return found


@pytest.mark.parametrize("modes", MODES)
async def test_every_mode_tells_the_same_story(platform: Sandbox, open_tool: OpenTool, act: Act, modes: Modes) -> None:
    store = await opened(platform, open_tool, modes)
    product = platform.world.products[1].store_product_id
    made = (await act("order_new", person="protagonist", sku="SL-DOWN-1M", quantity=1))["order_id"]
    await act("order_paid", order_id=made)
    await act("order_ship", order_id=made)
    await act("order_confirm", order_id=made)
    case = (await act("after_sale_new", order_id=made, type="RETURN"))["after_sale_id"]
    await act("after_sale_update", after_sale_id=case, status="USER_WAIT_RETURN")
    await act("product_delist", product_id=product)
    dropped = (await act("order_new", person="protagonist", sku="SL-DOWN-1M", quantity=1))["order_id"]
    await act("order_cancel", order_id=dropped)

    events = await taken(store, platform)
    hints = [store.interpret(event) for event in events]
    at = [event.occurred_at for event in events]
    appid = store.account
    assert hints == [
        (OrderChanged(appid, made, "CREATED", at[0]),),
        (OrderChanged(appid, made, "PAID", at[1]),),
        (OrderChanged(appid, made, "AWAITING_SHIPMENT", at[2]),),
        (OrderChanged(appid, made, "SHIPPED", at[3]),),
        (OrderChanged(appid, made, "CONFIRMED", at[4]),),
        (AfterSaleChanged(appid, case, made, "AWAITING_MERCHANT", at[5]),),
        (AfterSaleChanged(appid, case, made, "AWAITING_BUYER", at[6]),),
        (ProductChanged(appid, product, "DELISTED", at[7]),),
        (OrderChanged(appid, dropped, "CREATED", at[8]),),
        (OrderChanged(appid, dropped, "CANCELLED", at[9]),),
    ]
    assert [event.entity for event in events[:6]] == [f"order:{made}"] * 5 + [f"after_sale:{case}"]
    assert len({event.dedupe_key for event in events}) == 10
    assert not any(event.claim for event in events)


async def test_an_audit_tells_what_it_came_to(platform: Sandbox, open_tool: OpenTool, act: Act) -> None:
    store = await opened(platform, open_tool, (True, "json"))
    number = await store.product_add(content(), list_it=True)
    await act("product_audit", product_id=number, passed=False, reason="主图有水印")
    await store.product_list(number)
    await act("product_audit", product_id=number)
    events = await taken(store, platform)
    told = [store.interpret(event)[0] for event in events]
    assert told == [
        ProductChanged(store.account, number, "AUDITED", events[0].occurred_at, False, "主图有水印"),
        ProductChanged(store.account, number, "AUDITED", events[1].occurred_at, True, ""),
        ProductChanged(store.account, number, "LISTED", events[2].occurred_at),
    ]


async def test_each_attempt_is_signed_anew_and_is_the_same_event(
    platform: Sandbox, open_tool: OpenTool, act: Act
) -> None:
    store = await opened(platform, open_tool, (True, "json"))
    await act("order_new", person="protagonist", sku="SL-DOWN-1M", quantity=1)
    (delivery,) = platform.kit.pusher.deliveries
    first, second = arrived(delivery.build()), arrived(delivery.build())
    assert first.query["msg_signature"] != second.query["msg_signature"]
    keys = {(await store.receive(each)).events[0].dedupe_key for each in (first, second)}
    assert len(keys) == 1
    spoilt = replace(first, body=first.body.replace(b"Encrypt", b"encrypt"))
    with pytest.raises(WebhookRefused):
        await store.receive(spoilt)
    with pytest.raises(WebhookRefused) as crossed:
        await store.receive(replace(first, body=second.body))
    assert crossed.value.reason == "signature"


def test_quoted_and_bare_numbers_are_one_event() -> None:
    event = orjson.loads(MESSAGE)
    loose = {**event, "order_info": {"order_id": 3705115058471208928, "pay_time": "1700000000"}}
    push = vector_push(encrypted=False)
    query = {"timestamp": "1700000000", "nonce": "n", "signature": signature(TOKEN, "1700000000", "n")}
    bodies = (MESSAGE, orjson.dumps(loose), as_xml(event))
    keys = {push.receive(WebhookRequest("POST", query, {}, b), SENT).events[0].dedupe_key for b in bodies}
    assert len(keys) == 1
    moved = orjson.dumps({**event, "order_info": {"order_id": 3705115058471208928, "pay_time": 1700000001}})
    other = push.receive(WebhookRequest("POST", query, {}, moved), SENT).events[0]
    assert other.dedupe_key not in keys


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        (
            "CHANNELS_EC_ORDER_DELIVER",
            {"order_info": {"order_id": 1, "finish_delivery": 0}},
            "PARTLY_SHIPPED",
        ),
        ("channels_ec_order_deliver", {"order_info": {"order_id": 1, "finish_delivery": "1"}}, "SHIPPED"),
        ("product_order_status_update", {"ProductOrderStatusUpdate": {"order_id": "1"}}, "UPDATED"),
        ("product_spu_audit", {"ProductSpuAudit": {"product_id": "1", "status": 3}}, "AUDITED"),
        ("product_spu_listing", {"ProductSpuListing": {"product_id": "1", "status": "5"}}, "LISTED"),
        ("channels_ec_stock_no_enough", {"channels_ec_stock_no_enough": {"product_id": 1}}, "STOCK_LOW"),
        ("channels_ec_vip_join", {"user_info": {"join_time": 1}}, None),
        ("cooperation_shop_order", {"Data": {"order_id": "opaque"}}, None),
        ("channels_ec_order_new", {"order_info": ""}, None),
    ],
)
async def test_what_events_mean(
    store: MiniProgramStoreAdapter, kind: str, payload: Mapping[str, object], expected: str | None
) -> None:
    hints = store.interpret(InboundEvent(kind, "k", "e", SENT, payload))
    assert [getattr(hint, "kind", None) for hint in hints] == ([expected] if expected else [])


@asynccontextmanager
async def our_server(adapter: MiniProgramStoreAdapter, received: list[Received]) -> AsyncIterator[str]:
    """The least of a web server: one request per connection, answered by the adapter."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.split("\r\n")
        method, target, _ = line.split(" ")
        headers = {name.lower(): text.strip() for name, _, text in (f.partition(":") for f in fields if f)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        query = dict(parse_qsl(urlsplit(target).query))
        status, answer = 401, b""
        try:
            received.append(await adapter.receive(WebhookRequest(method, query, headers, body)))
            status, answer = 200, received[-1].reply.body
        except WebhookRefused as refused:
            status = refused.status
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks/{NAME}/store"


async def test_over_the_wire_with_the_consoles_check_first(
    platform: Sandbox, store: MiniProgramStoreAdapter, act: Act
) -> None:
    received: list[Received] = []
    async with our_server(store, received) as url:
        platform.kit.pusher.targets[(NAME, store.account)] = url
        assert await act("verify_url", appid=store.account) == {"verified": True}
        assert received[0].events == ()
        platform.kit.pusher.modes[NAME] = "double"
        await act("order_new", person="protagonist", sku="SL-DOWN-1M", quantity=1)
        await platform.kit.pusher.settle()
    (delivery,) = platform.kit.pusher.deliveries
    assert (delivery.state, delivery.attempts) == ("done", [200, 200])
    assert len({each.events[0].dedupe_key for each in received[1:]}) == 1
    assert len(received) == 3


async def test_the_platform_tries_ten_times(platform: Sandbox, store: MiniProgramStoreAdapter, act: Act) -> None:
    platform.kit.pusher.pace = 0
    platform.kit.pusher.targets[(NAME, store.account)] = "http://127.0.0.1:1/"
    await act("order_new", person="protagonist", sku="SL-DOWN-1M", quantity=1)
    await platform.kit.pusher.settle()
    (delivery,) = platform.kit.pusher.deliveries
    assert (delivery.state, delivery.attempts) == ("failed", [0] * 10)
    assert delivery.retry_after == (0, 0, 10, 60, 300, 1800, 3600, 3600, 3600)
