"""What is refused at the webhooks' door, and what happens behind it when something breaks."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from sqlalchemy import select

from adapters.base.errors import Malformed
from adapters.mini_program_store import MiniProgramStoreAdapter, OrderChanged
from gateway.database.tables.facts import fact
from gateway.database.tables.inbox import inbox
from gateway.database.tables.jobs import job
from gateway.database.tables.projections import purchase
from gateway.events.projections import mini_program_store
from gateway.jobs import State
from gateway.jobs.backoff import Backoff
from sandbox.http1 import Answer, request
from sandbox.pusher import Push
from tests.gateway.events.conftest import Flow, StartFlow
from tests.gateway.events.test_hooks import PUSHES

#: Tool → a push of it.
ONE_EACH = {
    "official_account": PUSHES["follow, encrypted"],
    "mini_program_store": PUSHES["order"],
    "payments": PUSHES["payment"],
    "social_ads": PUSHES["click"],
    "enterprise_chat": PUSHES["contact"],
}


async def _captured(flow: Flow, tool: str) -> Push:
    """A genuine request of the platform that never reached us."""
    flow.sandbox.kit.pusher.modes[tool] = "lose"
    await ONE_EACH[tool].act(flow)
    assert await flow.rows(inbox) == []
    return flow.sandbox.kit.pusher.deliveries[-1].build()


async def _send(push: Push) -> Answer:
    return await request(push.method, push.url, push.headers, push.body)


def _with_query(push: Push, change: Callable[[dict[str, str]], Mapping[str, str]]) -> Push:
    parts = urlsplit(push.url)
    query = change(dict(parse_qsl(parts.query, keep_blank_values=True)))
    return Push(push.method, parts._replace(query=urlencode(query)).geturl(), push.headers, push.body)


def _forged(tool: str, push: Push) -> Push:
    """The same request by somebody who has not the secret."""
    if tool == "payments":
        signature = push.headers["Wechatpay-Signature"]
        other = ("A" if signature[0] != "A" else "B") + signature[1:]
        return Push(push.method, push.url, {**push.headers, "Wechatpay-Signature": other}, push.body)
    if tool == "social_ads":
        return _with_query(push, lambda query: query | {"k": "x" * len(query["k"])})
    name = "msg_signature"
    return _with_query(push, lambda query: query | {name: "0" * 40})


async def _nothing_happened(flow: Flow) -> None:
    await flow.quiet()
    for table in (inbox, job, fact):
        assert await flow.rows(table) == [], table.name


@pytest.mark.parametrize("tool", ONE_EACH)
async def test_a_forged_request_is_refused_and_counted(
    start_flow: StartFlow, tool: str, caplog: pytest.LogCaptureFixture
) -> None:
    flow = await start_flow(tool, served=True)
    genuine = await _captured(flow, tool)

    answer = await _send(_forged(tool, genuine))

    status, reason = (404, "path") if tool == "social_ads" else (401, "signature")
    assert (answer.status, answer.body) == (status, b'{"code":"HOOK_REFUSED"}')
    await _nothing_happened(flow)
    assert (await flow.health())["webhooksRefused"] == {f"{tool}:{reason}": 1}
    assert [each.message for each in caplog.records if each.name == "gateway.events.inbox"] == [
        f"webhook of {tool}/{_alias(genuine)} refused: {reason}"
    ]

    assert (await _send(genuine)).status == ONE_EACH[tool].reply[0]
    assert len(await flow.rows(inbox)) == 1


def _alias(push: Push) -> str:
    return urlsplit(push.url).path.split("/")[3]


@pytest.mark.parametrize("tool", ["official_account", "mini_program_store", "payments", "enterprise_chat"])
async def test_a_stale_request_is_refused(start_flow: StartFlow, tool: str) -> None:
    """Somebody who recorded a genuine request repeats it later. 微信小店 itself repeats for four hours."""
    flow = await start_flow(tool, served=True)
    genuine = await _captured(flow, tool)
    late = timedelta(hours=4, minutes=6)
    flow.sandbox.kit.clock.advance(late)
    flow.gateway.clock.advance(late)

    answer = await _send(genuine)

    assert (answer.status, answer.body) == (401, b'{"code":"HOOK_REFUSED"}')
    await _nothing_happened(flow)
    assert (await flow.health())["webhooksRefused"] == {f"{tool}:stale": 1}


@pytest.mark.parametrize(
    ("tool", "status", "reason"),
    [
        ("official_account", 400, "shape"),
        ("mini_program_store", 400, "shape"),
        # Here the signature covers the body.
        ("payments", 401, "signature"),
        ("enterprise_chat", 400, "shape"),
    ],
)
async def test_a_wrong_body_is_refused(start_flow: StartFlow, tool: str, status: int, reason: str) -> None:
    flow = await start_flow(tool, served=True)
    genuine = await _captured(flow, tool)
    bodies = (
        b"",
        b"not a callback",
        b"<xml><a>",
        b'{"a":',
        b"\xff\xfe\x00",
        b'<!DOCTYPE x [<!ENTITY e "e">]><xml>&e;</xml>',
    )

    for body in bodies:
        answer = await _send(Push(genuine.method, genuine.url, genuine.headers, body))
        assert (answer.status, answer.body) == (status, b'{"code":"HOOK_REFUSED"}'), body

    await _nothing_happened(flow)
    assert (await flow.health())["webhooksRefused"] == {f"{tool}:{reason}": len(bodies)}


async def test_a_click_with_a_wrong_number_is_refused(start_flow: StartFlow) -> None:
    flow = await start_flow("social_ads", served=True)
    genuine = await _captured(flow, "social_ads")
    answer = await _send(_with_query(genuine, lambda query: query | {"adgroup_id": "1 OR 1=1"}))
    assert (answer.status, answer.body) == (400, b'{"code":"HOOK_REFUSED"}')
    await _nothing_happened(flow)


@pytest.mark.parametrize(
    "path",
    ["payments/nobody", "nobody/main", "cloud_storage/members", "ip_content/main", "payments/main2/deeper"],
)
async def test_an_unknown_account_is_not_found(start_flow: StartFlow, path: str) -> None:
    flow = await start_flow("payments", "cloud_storage", "ip_content", served=True)
    for method in ("POST", "GET"):
        answer = await flow.send(path, b"{}" if method == "POST" else b"", method=method)
        assert (answer.status, answer.body) == (404, b'{"code":"HOOK_UNKNOWN"}')
    await _nothing_happened(flow)
    assert (await flow.health())["webhooksRefused"] == {}


async def test_other_methods_are_refused(start_flow: StartFlow) -> None:
    flow = await start_flow("payments", served=True)
    assert (await flow.send("payments/main", method="PUT")).status == 405
    assert (await flow.send("payments/main", method="GET")).status == 405
    await _nothing_happened(flow)


async def test_a_body_that_is_too_large_is_refused(start_flow: StartFlow) -> None:
    flow = await start_flow("payments", served=True)
    answer = await flow.send("payments/main", b"x" * (2 * 1024 * 1024))
    assert (answer.status, answer.body) == (413, b'{"code":"BODY_TOO_LARGE"}')
    await _nothing_happened(flow)

    # One byte less than too much is read, and refused for what it is.
    limit = flow.settings.limits.webhook_bytes
    assert (await flow.send("payments/main", b"x" * limit)).status == 401
    assert (await flow.send("payments/main", b"x" * (limit + 1))).status == 413


@pytest.mark.parametrize(
    ("tool", "action", "key"),
    [
        ("official_account", "check_url", "ok"),
        ("mini_program_store", "verify_url", "verified"),
        ("enterprise_chat", "verify_callback", "verified"),
    ],
)
async def test_the_consoles_check_of_the_address_is_answered(
    start_flow: StartFlow, tool: str, action: str, key: str
) -> None:
    flow = await start_flow(tool, served=True)
    world = flow.sandbox.world
    appids = {
        "official_account": [each.appid for each in world.official_accounts],
        "mini_program_store": [*(each.appid for each in world.mini_programs), world.wechat_store.appid],
        "enterprise_chat": [world.corp.corpid],
    }[tool]
    for appid in appids:
        assert (await flow.act(tool, action, appid=appid))[key] is True
    await _nothing_happened(flow)


class LaterOnly(Backoff):
    """A pause that is over when the test says so: the usual one begins at nothing, and its job may be done again by the
    time that somebody looks."""

    def wait(self, attempt: int, random: Random, error: BaseException, now: datetime) -> timedelta:
        return timedelta(minutes=5)


async def test_an_event_whose_object_cannot_be_read_is_tried_again_and_not_lost(start_flow: StartFlow) -> None:
    flow = await start_flow("mini_program_store", served=True)
    flow.gateway.worker.backoff = LaterOnly()
    endpoint = "POST /channels/ec/order/get"
    flow.sandbox.kit.faults.add("mini_program_store", "garbage", endpoint=endpoint)

    await flow.act("mini_program_store", "order_new", person="linxiaowen", sku="CX-CAP-1均码", quantity=1)
    await flow.sandbox.kit.pusher.settle()
    await _until_failed(flow)

    assert await flow.rows(purchase) == []
    [stored] = await flow.rows(inbox)
    assert stored.state == "NEW"
    [waiting] = [row for row in await flow.rows(job) if row.state == State.QUEUED]
    assert (waiting.kind, waiting.error_code) == ("inbox.handle", "MALFORMED")

    flow.sandbox.kit.faults.clear()
    flow.gateway.clock.advance(timedelta(minutes=10))
    flow.gateway.services.queue.wake()
    await flow.quiet()

    [row] = await flow.rows(purchase, "state", "payable")
    assert tuple(row) == ("UNPAID", 15900)
    [stored] = await flow.rows(inbox)
    assert stored.state == "DONE"


async def _until_failed(flow: Flow) -> None:
    while not any(row.error_code for row in await flow.rows(job)):  # noqa: ASYNC110 - a job tells nobody of its end.
        await asyncio.sleep(0.01)


async def test_events_of_one_entity_keep_their_order(start_flow: StartFlow) -> None:
    """The first event's read fails; the later ones of the same order wait for it, those of another do not."""
    flow = await start_flow("mini_program_store", served=True)
    flow.gateway.worker.backoff = LaterOnly()
    await flow.gateway.worker.stop(0)
    first = await flow.act("mini_program_store", "order_new", person="linxiaowen", sku="CX-CAP-1均码", quantity=1)
    await flow.act("mini_program_store", "order_paid", order_id=first["order_id"])
    other = await flow.act("mini_program_store", "order_new", person="guoran", sku="CX-CAP-1均码", quantity=1)
    await flow.sandbox.kit.pusher.settle()
    assert len(await flow.rows(inbox)) == 4
    together = flow.gateway.inbox.handling.together
    read, asked = together[OrderChanged], list[list[str]]()

    async def unreadable(account: str, events: Sequence[OrderChanged]) -> None:
        asked.append([each.order_id for each in events])
        if first["order_id"] in asked[-1]:
            raise Malformed("mini_program_store", "unreadable", "an answer that nobody can read")
        await read(account, events)

    together[OrderChanged] = unreadable

    await flow.gateway.worker.drain()

    # Both orders came to one round; it failed, and then each was asked for alone.
    assert sorted(map(sorted, asked)) == sorted(
        [sorted([first["order_id"], other["order_id"]]), [first["order_id"]], [other["order_id"]]]
    )
    rows = await flow.rows(job)
    [failed] = [row for row in rows if row.error_code]
    assert (failed.state, failed.error_code, failed.attempts) == ("QUEUED", "MALFORMED", 1)
    same = [row for row in rows if row.entity == failed.entity]
    assert [(row.state, row.attempts) for row in same] == [("QUEUED", 1), ("QUEUED", 0), ("QUEUED", 0)]
    assert [row.state for row in rows if row.entity != failed.entity] == ["DONE"]

    together[OrderChanged] = read
    flow.gateway.clock.advance(timedelta(minutes=10))
    await flow.gateway.worker.drain()
    states = {row.native_id: row.state for row in await flow.rows(purchase)}
    assert states == {first["order_id"]: "AWAITING_SHIPMENT", other["order_id"]: "UNPAID"}
    finished = [row.finished_at for row in await flow.rows(job) if row.entity == failed.entity]
    assert finished == sorted(finished)
    kinds = await flow.database.fetch(select(fact.c.kind).where(fact.c.order_ref.endswith(first["order_id"])))
    assert sorted(row.kind for row in kinds) == ["order.created", "order.line", "order.paid"]


async def test_a_newer_answer_is_not_overwritten_by_one_that_was_asked_for_earlier(start_flow: StartFlow) -> None:
    """A sync asks, is held up, and writes after a webhook has brought a newer state."""
    flow = await start_flow("mini_program_store", served=True)
    bought = await flow.act("mini_program_store", "order_new", person="linxiaowen", sku="CX-CAP-1均码", quantity=1)
    await flow.quiet()
    adapter = flow.gateway.services.tools.named(MiniProgramStoreAdapter, "store")
    early = flow.gateway.services.projector.asking()
    answer = await adapter.orders([bought["order_id"]])
    await flow.act("mini_program_store", "order_paid", order_id=bought["order_id"])
    await flow.quiet()

    await mini_program_store.orders(early, answer)

    [row] = await flow.rows(purchase)
    assert row.state == "AWAITING_SHIPMENT"


async def test_what_cannot_be_stored_is_not_answered_with_success(start_flow: StartFlow) -> None:
    """The database is held by somebody else for longer than we wait; the platform's next attempt succeeds."""
    flow = await start_flow("official_account", served=True)
    await flow.gateway.worker.stop(0)
    path = flow.settings.database_url.removeprefix("sqlite:///")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    genuine = await _captured(flow, "official_account")

    answer = await _send(genuine)

    assert (answer.status, answer.body) == (503, b'{"code":"DATABASE_LOCKED"}')
    holder.execute("ROLLBACK")
    holder.close()
    assert await flow.rows(inbox) == []
    assert (await _send(genuine)).status == 200
    assert len(await flow.rows(inbox)) == 1
