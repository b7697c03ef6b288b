"""Webhooks, pushed by the emulated platforms over HTTP: what each of them changes, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from adapters.official_account import OfficialAccountAdapter, TemplateMessage
from adapters.payments import PaymentsAdapter, PrepayIntent, RefundIntent
from gateway.database.tables.dimensions import guide, guide_store
from gateway.database.tables.facts import fact
from gateway.database.tables.inbox import inbox
from gateway.database.tables.jobs import job
from gateway.database.tables.members import identity
from gateway.database.tables.projections import (
    ad_click,
    after_sale,
    contact,
    contact_tag,
    coupon,
    customer_group,
    customer_group_member,
    dialogue,
    follower,
    payment,
    product,
    purchase,
    refund,
)
from gateway.database.tables.reach import subscribe_grant
from gateway.events.projector import Evidence
from sandbox.http1 import request
from tests.gateway.events.conftest import Flow, StartFlow

SHE = "linxiaowen"


async def facts(flow: Flow, *kinds: str) -> list[tuple[str, str, str]]:
    """(kind, source, account) of those kinds, oldest first."""
    rows = await flow.database.fetch(
        select(fact.c.kind, fact.c.source, fact.c.account).where(fact.c.kind.in_(kinds)).order_by(fact.c.occurred_at)
    )
    return [tuple(row) for row in rows]


@dataclass(frozen=True)
class Push:
    """Something that a platform calls back, and what comes of it."""

    tool: str
    act: Callable[[Flow], Awaitable[None]]
    #: (status, body, media type) of the answer.
    reply: tuple[int, bytes, str]
    #: Kinds of the facts that it adds, with the source webhook.
    adds: Sequence[str]
    seen: Callable[[Flow], Awaitable[Sequence[object]]]
    expected: Callable[[Flow], Sequence[object]]


async def _prepaid(flow: Flow, number: str) -> PaymentsAdapter:
    """An order at the payment platform that the shopper has not paid yet."""
    adapter = flow.gateway.services.tools.named(PaymentsAdapter, "main")
    world = flow.sandbox.world
    appid = world.mini_programs[0].appid
    body = adapter.prepay_body(
        PrepayIntent(
            appid=appid,
            out_trade_no=number,
            description="山岚轻羽绒服",
            notify_url=f"{flow.url}/hooks/payments/main",
            expires_at=flow.gateway.clock.now() + timedelta(minutes=30),
            attach="",
            total=81900,
            payer_openid=world.people[SHE].openids[appid],
        )
    )
    await adapter.prepay(body)
    return adapter


async def _follow_main(flow: Flow) -> None:
    await flow.act("official_account", "follow", appid=_oa(flow, 0), person="guoran", scene="store_SH-AFL")


async def _follow_outlet(flow: Flow) -> None:
    await flow.act("official_account", "follow", appid=_oa(flow, 1), person="guoran")


def _oa(flow: Flow, number: int) -> str:
    return flow.sandbox.world.official_accounts[number].appid


async def _followers(flow: Flow) -> Sequence[object]:
    return [tuple(row) for row in await flow.rows(follower, "appid", "subscribed", "qr_scene", "tag_ids")]


async def _order_new(flow: Flow) -> None:
    await flow.act("mini_program_store", "order_new", person=SHE, sku="CX-CAP-1均码", quantity=2)


async def _purchases(flow: Flow) -> Sequence[object]:
    return [tuple(row) for row in await flow.rows(purchase, "source", "state", "payable", "payer_paid")]


async def _after_sale(flow: Flow) -> None:
    order = next(o for o in flow.sandbox.world.store_orders if o.person == SHE and o.status == 100)
    await flow.act("mini_program_store", "after_sale_new", order_id=order.order_id, type="RETURN")


async def _after_sales(flow: Flow) -> Sequence[object]:
    return [tuple(row) for row in await flow.rows(after_sale, "kind", "state", "quantity", "refund")]


async def _delist(flow: Flow) -> None:
    number = flow.sandbox.world.products[0].store_product_id
    await flow.act("mini_program_store", "product_delist", product_id=number)


async def _products(flow: Flow) -> Sequence[object]:
    return [tuple(row) for row in await flow.rows(product, "product_id", "on_sale")]


async def _pay(flow: Flow) -> None:
    await _prepaid(flow, "HOOK0001")
    await flow.act("payments", "pay", out_trade_no="HOOK0001")


async def _payments(flow: Flow) -> Sequence[object]:
    return [tuple(row) for row in await flow.rows(payment, "mchid", "out_trade_no", "state", "total", "payer_total")]


async def _click(flow: Flow) -> None:
    await flow.act("social_ads", "click", person=SHE, adgroup_id=13397328752)


async def _clicks(flow: Flow) -> Sequence[object]:
    return [tuple(row) for row in await flow.rows(ad_click, "account_id", "adgroup_id")]


async def _add_contact(flow: Flow) -> None:
    await flow.act("enterprise_chat", "add_contact", userid="zhaominghui", person="guoran", state="store_SH-AFL")


async def _contacts(flow: Flow) -> Sequence[object]:
    return [tuple(row) for row in await flow.rows(contact, "userid", "name", "state", "removed_by")]


async def _join(flow: Flow) -> None:
    group = flow.sandbox.world.groups[0]
    await flow.act("enterprise_chat", "join_group", chat_id=group.chat_id, person="guoran")


async def _groups(flow: Flow) -> Sequence[object]:
    members = len(await flow.rows(customer_group_member))
    return [*(tuple(row) for row in await flow.rows(customer_group, "name", "member_count")), members]


async def _rename_tag(flow: Flow) -> None:
    tag = next(iter(flow.sandbox.world.corp.tag_groups["偏好"]))
    await flow.act("enterprise_chat", "rename_tag", tag_id=tag, name="雾灰")


async def _tags(flow: Flow) -> Sequence[object]:
    return sorted(row.name for row in await flow.rows(contact_tag))


async def _template(flow: Flow, status: str) -> None:
    known = flow.sandbox.describe()["platforms"]["official_account"]["known"]["main"]
    await flow.act("official_account", "template_status", status=status)
    content = {"thing1": "积分到账", "number2": "899"}
    who, template = known["followers"]["protagonist"], known["templates"]["points_changed"]
    adapter = flow.gateway.services.tools.named(OfficialAccountAdapter, "main")
    await adapter.send_template(TemplateMessage(who, template, content, "points-1"))


async def _template_arrives(flow: Flow) -> None:
    await _template(flow, "success")


async def _template_is_blocked(flow: Flow) -> None:
    await _template(flow, "failed:user block")


async def _reasons(flow: Flow) -> Sequence[object]:
    rows = await flow.database.fetch(
        select(fact.c.reason, identity.c.kind)
        .join(identity, identity.c.id == fact.c.identity)
        .where(fact.c.kind.in_(["message.delivered", "message.failed", "handover.refused"]))
    )
    return [tuple(row) for row in rows]


async def _take_coupon(flow: Flow) -> None:
    """The shopper is known already, by the app in which the platform knows them too."""
    adapter = flow.gateway.services.tools.named(PaymentsAdapter, "main")
    stock = next(each for each in flow.sandbox.world.coupon_stocks if each.mchid == adapter.account)
    openids = flow.sandbox.world.people[SHE].openids
    appid = next(each for each in adapter.appids if each in openids)
    projector = flow.gateway.services.projector
    handles = projector.handles(appid=appid, openid=openids[appid], unionid=None)
    async with projector.batch([Evidence(handles, "test", flow.gateway.clock.now(), via="webhook")]):
        pass
    url = f"{flow.url}/hooks/payments/main"
    await flow.act("payments", "take_coupon", person=SHE, stock_id=stock.stock_id, notify_url=url)


async def _coupons(flow: Flow) -> Sequence[object]:
    return [tuple(row) for row in await flow.rows(coupon, "mchid", "state")]


async def _refuse_handover(flow: Flow) -> None:
    await flow.act("enterprise_chat", "refuse_handover", userid="zhaominghui", person=SHE)


XML, EMPTY = (200, b"success", "text/plain; charset=utf-8"), (200, b"", "text/plain; charset=utf-8")
PUSHES = {
    "follow, encrypted": Push(
        "official_account",
        _follow_main,
        XML,
        ["follow"],
        _followers,
        lambda flow: [(_oa(flow, 0), True, "store_SH-AFL", [])],
    ),
    "follow, plain": Push(
        "official_account", _follow_outlet, XML, ["follow"], _followers, lambda flow: [(_oa(flow, 1), True, "", [])]
    ),
    "order": Push(
        "mini_program_store",
        _order_new,
        XML,
        ["order.created"],
        _purchases,
        lambda flow: [("STORE", "UNPAID", 2 * 15900, None)],
    ),
    "after-sale": Push(
        "mini_program_store",
        _after_sale,
        XML,
        ["after_sale.changed"],
        _after_sales,
        lambda flow: [("RETURN", "AWAITING_MERCHANT", 1, 129900 - 15000)],
    ),
    "product": Push(
        "mini_program_store",
        _delist,
        XML,
        [],
        _products,
        lambda flow: [(flow.sandbox.world.products[0].store_product_id, False)],
    ),
    "payment": Push(
        "payments",
        _pay,
        (204, b"", "application/json"),
        ["payment.captured"],
        _payments,
        lambda flow: [(flow.sandbox.world.merchants[0].mchid, "HOOK0001", "SUCCESS", 81900, 81900)],
    ),
    "click": Push(
        "social_ads",
        _click,
        (200, b'{"ret":0,"msg":"success"}', "application/json"),
        ["ad.click"],
        _clicks,
        lambda flow: [("20458", "13397328752")],
    ),
    "contact": Push(
        "enterprise_chat",
        _add_contact,
        EMPTY,
        ["contact.added"],
        _contacts,
        lambda flow: [("zhaominghui", "郭然", "store_SH-AFL", None)],
    ),
    "group": Push(
        "enterprise_chat",
        _join,
        EMPTY,
        ["group.joined"] * 20,
        _groups,
        lambda flow: [("安福路店·会员福利群", 21), 20],
    ),
    "template, delivered": Push(
        "official_account",
        _template_arrives,
        XML,
        ["message.delivered"],
        _reasons,
        lambda flow: [(None, "OPENID")],
    ),
    "template, blocked": Push(
        "official_account",
        _template_is_blocked,
        XML,
        ["message.failed"],
        _reasons,
        lambda flow: [("BLOCKED_BY_USER", "OPENID")],
    ),
    "coupon": Push(
        "payments",
        _take_coupon,
        (204, b"", "application/json"),
        ["coupon.received"],
        _coupons,
        lambda flow: [(flow.gateway.services.tools.named(PaymentsAdapter, "main").account, "USABLE")],
    ),
    "handover": Push(
        "enterprise_chat",
        _refuse_handover,
        EMPTY,
        ["handover.refused"],
        _reasons,
        lambda flow: [("customer_refused", "EXTERNAL_USERID")],
    ),
    "tag": Push(
        "enterprise_chat", _rename_tag, EMPTY, [], _tags, lambda flow: sorted(["金卡", "银卡", "雾灰", "徒步"])
    ),
}


@pytest.fixture(params=PUSHES.values(), ids=PUSHES.keys())
def push(request: pytest.FixtureRequest) -> Push:
    found: Push = request.param
    return found


async def _state(flow: Flow) -> Mapping[str, Any]:
    """Everything that a delivery could change."""
    tables = (inbox, job, fact, follower, purchase, after_sale, product, payment, ad_click, contact, customer_group)
    return {table.name: await flow.rows(table) for table in tables}


async def test_a_push_is_stored_answered_and_applied(start_flow: StartFlow, push: Push) -> None:
    flow = await start_flow(push.tool, served=True)

    await push.act(flow)
    await flow.quiet()

    assert [each.state for each in flow.sandbox.kit.pusher.deliveries] == ["done"]
    assert flow.sandbox.kit.pusher.deliveries[0].attempts == [push.reply[0]]
    [stored] = await flow.rows(inbox)
    assert (stored.tool, stored.state, stored.attempts, stored.version) == (push.tool, "DONE", 1, 1)
    [ran] = await flow.rows(job, "kind", "state", "attempts")
    assert tuple(ran) == ("inbox.handle", "DONE", 1)
    assert list(await push.seen(flow)) == list(push.expected(flow))
    appended = await flow.database.fetch(
        select(fact.c.kind, fact.c.source).where(fact.c.kind.not_in(["member.created", "identity.linked"]))
    )
    assert [tuple(row) for row in appended] == [(kind, "webhook") for kind in push.adds]
    people = await facts(flow, "member.created", "identity.linked", "member.merged")
    assert {source for _, source, _ in people} <= {"webhook"}


async def test_the_same_delivery_again_gets_the_same_answer_and_changes_nothing(
    start_flow: StartFlow, push: Push
) -> None:
    flow = await start_flow(push.tool, served=True)
    await push.act(flow)
    await flow.quiet()
    before, mark = await _state(flow), flow.mark()

    for _ in range(2):
        again = flow.sandbox.kit.pusher.deliveries[0].build()
        answer = await request(again.method, again.url, again.headers, again.body)
        assert (answer.status, answer.body, answer.headers.get("content-type")) == push.reply

    await flow.quiet()
    assert await _state(flow) == before
    assert not flow.calls(mark)


async def test_a_doubled_delivery_is_one_event(start_flow: StartFlow, push: Push) -> None:
    """Both copies arrive at once, as they do when the platform did not see the first answer."""
    flow = await start_flow(push.tool, served=True)
    flow.sandbox.kit.pusher.modes[push.tool] = "double"

    await push.act(flow)
    await flow.quiet()

    assert flow.sandbox.kit.pusher.deliveries[0].attempts == [push.reply[0]] * 2
    assert len(await flow.rows(inbox)) == len(await flow.rows(job)) == 1
    assert list(await push.seen(flow)) == list(push.expected(flow))
    assert len(await facts(flow, *push.adds)) == len(push.adds)


async def test_it_is_stored_before_it_is_answered(start_flow: StartFlow, push: Push) -> None:
    """With no worker the platform hears its yes all the same, and the event waits."""
    flow = await start_flow(push.tool, served=True)
    await flow.gateway.worker.stop(0)

    await push.act(flow)
    await flow.sandbox.kit.pusher.settle()

    assert [each.state for each in flow.sandbox.kit.pusher.deliveries] == ["done"]
    [stored] = await flow.rows(inbox)
    assert (stored.state, stored.attempts) == ("NEW", 0)
    [waiting] = await flow.rows(job, "kind", "state", "entity")
    assert (waiting.kind, waiting.state, waiting.entity) == ("inbox.handle", "QUEUED", stored.entity)

    await flow.gateway.worker.drain()
    assert list(await push.seen(flow)) == list(push.expected(flow))


async def test_unfollowing_and_following_again(start_flow: StartFlow) -> None:
    flow = await start_flow("official_account", served=True)
    appid = _oa(flow, 0)
    await flow.act("official_account", "follow", appid=appid, person="guoran", scene="7")
    await flow.quiet()
    [first] = await flow.rows(follower)

    await flow.act("official_account", "unfollow", appid=appid, person="guoran")
    await flow.quiet()
    [left] = await flow.rows(follower)
    assert (left.subscribed, left.subscribed_at, left.qr_scene) == (False, first.subscribed_at, "7")
    assert sorted(await facts(flow, "follow", "unfollow")) == [
        ("follow", "webhook", appid),
        ("unfollow", "webhook", appid),
    ]

    # The next sync knows the same follow, and adds no second fact of it.
    flow.sandbox.kit.clock.advance(timedelta(seconds=5))
    flow.gateway.clock.advance(timedelta(seconds=5))
    await flow.act("official_account", "follow", appid=appid, person="guoran")
    await flow.quiet()
    await flow.sync()
    rows = [row for row in await flow.rows(follower) if row.identity == first.identity]
    assert [row.subscribed for row in rows] == [True]
    sources = [source for kind, source, account in await facts(flow, "follow") if source == "webhook"]
    assert len(sources) == 2


async def test_a_follower_writes_and_accepts_a_subscribe_message(start_flow: StartFlow) -> None:
    flow = await start_flow("official_account", served=True)
    who = {"appid": _oa(flow, 0), "person": "guoran"}
    await flow.act("official_account", "follow", **who)
    await flow.act("official_account", "say", **who, text="在吗")
    await flow.act("official_account", "subscribe_answer", **who, template="TPL", answer="accept")
    await flow.quiet()
    [shopper] = {row.identity for row in await flow.rows(follower)}
    assert [(row.identity, row.kind) for row in await flow.rows(dialogue)] == [
        (shopper, "FOLLOW"),
        (shopper, "MESSAGE"),
    ]
    [grant] = await flow.rows(subscribe_grant)
    assert (grant.appid, grant.identity, grant.template, grant.remaining) == (_oa(flow, 0), shopper, "TPL", 1)
    assert sorted(await facts(flow, "official_account.message", "subscribe.granted")) == [
        ("official_account.message", "webhook", _oa(flow, 0)),
        ("subscribe.granted", "webhook", _oa(flow, 0)),
    ]


async def test_a_customer_who_deleted_a_guide_stays_deleted(start_flow: StartFlow) -> None:
    """The platform goes on listing the pair, so neither an edit nor a sync may bring the contact back."""
    flow = await start_flow("enterprise_chat", served=True)
    corpid = flow.sandbox.world.corp.corpid
    await flow.act("enterprise_chat", "add_contact", userid="zhaominghui", person="guoran")
    await flow.quiet()
    await flow.act("enterprise_chat", "delete_contact", userid="zhaominghui", person="guoran", by="CUSTOMER")
    await flow.quiet()
    [row] = await flow.rows(contact)
    assert row.removed_by == "CUSTOMER"
    assert row.removed_at.microsecond == 0

    _pass(flow, minutes=1)
    await flow.sync()
    [row] = [
        each for each in await flow.rows(contact) if each.userid == "zhaominghui" and each.identity == row.identity
    ]
    assert row.removed_by == "CUSTOMER"

    _pass(flow, minutes=1)
    await flow.act("enterprise_chat", "add_contact", userid="zhaominghui", person="guoran")
    await flow.quiet()
    [row] = [each for each in await flow.rows(contact) if each.identity == row.identity]
    assert (row.removed_by, row.removed_at) == (None, None)
    assert await facts(flow, "contact.deleted_by_customer") == [("contact.deleted_by_customer", "webhook", corpid)]


def _pass(flow: Flow, **span: float) -> None:
    flow.sandbox.kit.clock.advance(timedelta(**span))
    flow.gateway.clock.advance(timedelta(**span))


async def test_who_leaves_a_group_is_not_in_it(start_flow: StartFlow) -> None:
    flow = await start_flow("enterprise_chat", served=True)
    group = flow.sandbox.world.groups[0]
    await flow.act("enterprise_chat", "join_group", chat_id=group.chat_id, person="guoran")
    await flow.quiet()
    assert len(await flow.rows(customer_group_member)) == len(group.members) + 1

    await flow.act("enterprise_chat", "leave_group", chat_id=group.chat_id, person="guoran")
    await flow.quiet()

    assert len(await flow.rows(customer_group_member)) == len(group.members)
    [row] = await flow.rows(customer_group)
    assert row.member_count == len(group.members) + 1


async def test_a_guide_who_resigned_belongs_to_no_store(start_flow: StartFlow) -> None:
    flow = await start_flow("enterprise_chat", served=True)
    corpid = flow.sandbox.world.corp.corpid
    await flow.sync()

    await flow.act("enterprise_chat", "remove_employee", userid="zhaominghui")
    await flow.quiet()

    where = (guide.c.userid == "zhaominghui", guide.c.valid_to.is_(None))
    [row] = await flow.database.fetch(select(guide.c.state, guide.c.name).where(*where))
    assert tuple(row) == ("LEFT", "赵明辉")
    posts = await flow.database.fetch(
        select(guide_store.c.store).where(
            guide_store.c.guide == f"{corpid}:zhaominghui", guide_store.c.valid_to.is_(None)
        )
    )
    assert posts == []
    assert await facts(flow, "guide.left") == [("guide.left", "webhook", corpid)]
    # The sync that finds them gone as well tells it no second time.
    await flow.sync()
    assert len(await facts(flow, "guide.left")) == 1


async def test_a_refund_changes_what_was_paid(start_flow: StartFlow) -> None:
    flow = await start_flow("payments", served=True)
    adapter = await _prepaid(flow, "HOOK0002")
    await flow.act("payments", "pay", out_trade_no="HOOK0002")
    await flow.quiet()
    _pass(flow, minutes=2)
    await adapter.refund(
        RefundIntent("HOOK0002", "RFHOOK0002", "尺码不合适", f"{flow.url}/hooks/payments/main", 31900, 81900)
    )
    await flow.act("payments", "settle_refund", out_refund_no="RFHOOK0002", status="SUCCESS")
    await flow.quiet()

    [row] = await flow.rows(refund, "out_trade_no", "out_refund_no", "state", "amount")
    assert tuple(row) == ("HOOK0002", "RFHOOK0002", "SUCCESS", 31900)
    [paid] = await flow.rows(payment, "out_trade_no", "total", "refunded")
    assert tuple(paid) == ("HOOK0002", 81900, 31900)
    assert await facts(flow, "refund.succeeded") == [
        ("refund.succeeded", "webhook", flow.sandbox.world.merchants[0].mchid)
    ]
