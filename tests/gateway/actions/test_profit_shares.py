"""profitShare and what belongs to it: one sharing per request whatever is lost, and rows say what became of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from adapters.payments import FundAccount, ShareNotice
from gateway.database.clock import BUSINESS_ZONE
from gateway.database.tables.projections import payment
from gateway.database.tables.sharing import profit_receiver, profit_share, profit_share_return
from gateway.members.gate import Gate
from gateway.reconciliation import Reconciliation, State
from gateway.transactions.effects.profit_receivers import ADD, DELETE, Add, Entered, Strike
from gateway.transactions.effects.profit_receivers import Wanted as Receiver
from gateway.transactions.effects.profit_shares import (
    RETURN,
    SHARE,
    UNFREEZE,
    Part,
    Rest,
    Shared,
    Wanted,
    WantedReturn,
)
from gateway.transactions.profit_shares import ProfitShares
from gateway.transactions.steps import StepContext
from sandbox.faults import FaultKind
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import code, do
from tests.gateway.transactions.conftest import OpenShop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import FRANCHISE_MCHID, MCHID, Shop, hurried

__all__ = ["opens", "shop", "sqlite_url"]

TOOL = "payments"
ORDERS = "/v3/profitsharing/orders"
RETURNS = "/v3/profitsharing/return-orders"
PRICE = 89900


@pytest_asyncio.fixture
async def market(opens: OpenShop, database_url: str) -> Shop:
    """A shop whose payments may be shared, on both databases."""
    return await opens(database_url, profit_sharing=[MCHID])


async def bought(shop: Shop, key: str = "key-of-a-test") -> str:
    """An own order that was paid two minutes ago; its id."""
    done = await shop.buy(shop.basket(), PRICE, key)
    await shop.notify(await shop.pay(done))
    await shop.worker.drain()
    shop.pass_time(minutes=2)
    return done.order_id


def receiver(account: str = FRANCHISE_MCHID, **more: Any) -> Receiver:
    return Receiver(account, "屿见加盟有限公司", **({"relation": "STORE"} | more))


def wanted(order: str, amount: int = 9000, *, unfreeze: bool = False) -> Wanted:
    return Wanted(order, (Part(FRANCHISE_MCHID, amount, "门店分成"),), unfreeze)


async def shared(shop: Shop, order: str, key: str = "share-key-1", **more: Any) -> Shared:
    """A part that is accepted."""
    await do(shop, ADD, receiver(), f"receiver-{key}")
    done = await do(shop, SHARE, wanted(order, **more), key)
    assert isinstance(done, Shared), done
    return done


async def rows(shop: Shop) -> list[tuple[Any, ...]]:
    c = profit_share.c
    found = await shop.database.fetch(select(c.receiver, c.kind, c.amount, c.state, c.reason).order_by(c.asked_at))
    return [tuple(each) for each in found]


async def returns(shop: Shop) -> list[tuple[Any, ...]]:
    c = profit_share_return.c
    found = await shop.database.fetch(select(c.receiver, c.amount, c.state, c.reason).order_by(c.asked_at))
    return [tuple(each) for each in found]


async def facts(shop: Shop) -> list[tuple[Any, ...]]:
    found = await shop.facts("share.arrived", "share.closed", "share.returned")
    return [(each.kind, each.account, each.amount_fen, each.order_ref, each.payload["receiver"]) for each in found]


def settling(shop: Shop) -> ProfitShares:
    return ProfitShares(shop.projector, shop.tools, shop.queue)


def effects(shop: Shop, *kinds: str) -> list[int]:
    return [shop.effects(TOOL, each) for each in kinds or ("sharing", "share_return")]


# Receivers ----------------------------------------------------------------------------------------


async def test_receivers_are_entered_once_and_struck_off(market: Shop) -> None:
    shop = market
    for key in ("receiver-1", "receiver-1", "receiver-2"):
        assert await do(shop, ADD, receiver(), key) == Entered(MCHID, FRANCHISE_MCHID)
    c = profit_receiver.c
    [row] = await shop.database.fetch(select(c.mchid, c.account, c.relation, c.custom))
    assert tuple(row) == (MCHID, FRANCHISE_MCHID, "STORE", None)
    strike = Strike(FRANCHISE_MCHID)
    for _ in range(2):
        assert await do(shop, DELETE, strike, "strike-key-1") == Entered(MCHID, FRANCHISE_MCHID)
    assert code(await do(shop, DELETE, strike, "strike-key-2")) == "SHARE_RECEIVER_UNKNOWN"
    assert await shop.database.fetch(select(c.account)) == []
    assert effects(shop, "receiver", "receiver_deleted") == [1, 1]


@pytest.mark.parametrize("known", [True, False], ids=["before", "new"])
async def test_undoing_strikes_off_who_is_new(market: Shop, known: bool) -> None:
    shop = market
    await do(shop, ADD, receiver(), "receiver-1")
    intent = Add(MCHID, shop.payments.appids[0], FRANCHISE_MCHID, "屿见加盟有限公司", "STORE", "", known=known)
    gate, now = Gate(shop.projector, shop.settings.reach), shop.projector.clock.now()
    assert ADD.step.undo is not None
    await ADD.step.undo(StepContext("saga", None, shop.projector, now, gate, open_tools=shop.tools), intent, None)
    left = await shop.database.fetch(select(profit_receiver.c.account))
    assert (len(left), effects(shop, "receiver_deleted")) == ((1, [0]) if known else (0, [1]))


@pytest.mark.parametrize(
    "more", [{"relation": "CUSTOM"}, {"custom": "友商"}, {"custom": "长" * 11, "relation": "CUSTOM"}]
)
async def test_a_relation_of_ones_own_has_words(market: Shop, more: dict[str, str]) -> None:
    assert code(await do(market, ADD, receiver(**more), "receiver-1")) == "BAD_USER_INPUT"
    assert code(await do(market, ADD, receiver(MCHID), "receiver-2")) == "BAD_USER_INPUT"
    assert effects(market, "receiver") == [0]


# Sharing ------------------------------------------------------------------------------------------


async def test_a_part_is_accepted_and_then_arrives(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    done = await shared(shop, order)
    assert await do(shop, SHARE, wanted(order), "share-key-1") == done
    assert (await rows(shop), await facts(shop)) == ([(FRANCHISE_MCHID, "SHARE", 9000, "PENDING", None)], [])
    await settling(shop).settle()
    assert (await rows(shop))[0][3] == "PENDING"
    await shop.act(TOOL, "settle_sharing", out_order_no=done.number)
    for _ in range(2):
        await settling(shop).settle()
    assert await rows(shop) == [(FRANCHISE_MCHID, "SHARE", 9000, "SUCCESS", None)]
    assert await facts(shop) == [("share.arrived", MCHID, 9000, order, FRANCHISE_MCHID)]
    assert effects(shop) == [1, 0]
    calls = shop.calls(TOOL)
    await settling(shop).settle()
    assert shop.calls(TOOL) == calls


async def test_a_part_that_does_not_arrive_says_why(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    done = await shared(shop, order)
    await shop.act(TOOL, "settle_sharing", out_order_no=done.number, fail_reason="ACCOUNT_ABNORMAL")
    await settling(shop).settle()
    assert await rows(shop) == [(FRANCHISE_MCHID, "SHARE", 9000, "CLOSED", "ACCOUNT_ABNORMAL")]
    assert await facts(shop) == [("share.closed", MCHID, 9000, order, FRANCHISE_MCHID)]


async def test_the_receivers_notice_moves_the_part_too(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    done = await shared(shop, order)
    await shop.act(TOOL, "settle_sharing", out_order_no=done.number)
    at = shop.projector.clock.now().replace(microsecond=0)
    told = ShareNotice(MCHID, "42", "3008", done.number, FRANCHISE_MCHID, 9000, returned=False, at=at)
    other = ShareNotice("1999999999", "43", "3009", "OF-OTHERS", FRANCHISE_MCHID, 500, returned=False, at=at)
    for _ in range(2):
        await settling(shop).notices(FRANCHISE_MCHID, [told, other])
    await settling(shop).settle()
    assert await rows(shop) == [(FRANCHISE_MCHID, "SHARE", 9000, "SUCCESS", None)]
    assert await facts(shop) == [
        ("share.arrived", MCHID, 9000, order, FRANCHISE_MCHID),
        ("share.arrived", "1999999999", 500, None, FRANCHISE_MCHID),
    ]


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])
@pytest.mark.parametrize("endpoint", [ORDERS, f"{ORDERS}/unfreeze"])
async def test_an_answer_that_is_lost_shares_once(market: Shop, fault: FaultKind, endpoint: str) -> None:
    shop = market
    order = await bought(shop)
    await do(shop, ADD, receiver(), "receiver-1")
    action, asked = (SHARE, wanted(order)) if endpoint == ORDERS else (UNFREEZE, Rest(order, "解冻"))
    shop.sandbox.kit.faults.add(TOOL, fault, endpoint=f"POST {endpoint}", calls=(1,))
    with hurried():
        await do(shop, action, asked, "share-key-1")
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert isinstance(await do(shop, action, asked, "share-key-1"), Shared)
    assert (effects(shop), len(await rows(shop))) == ([1, 0], 1)


async def test_the_rest_is_unfrozen_and_nothing_more_is_shared(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    await shared(shop, order)
    assert isinstance(await do(shop, UNFREEZE, Rest(order, "解冻"), "unfreeze-1"), Shared)
    assert await rows(shop) == [
        (FRANCHISE_MCHID, "SHARE", 9000, "PENDING", None),
        (MCHID, "REST", PRICE - 9000, "SUCCESS", None),
    ]
    # What was unfrozen arrived nowhere.
    assert await facts(shop) == []
    assert code(await do(shop, SHARE, wanted(order), "share-key-2")) == "REJECTED"
    assert len(await rows(shop)) == 2


async def test_a_refusal_leaves_nothing(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    await do(shop, ADD, receiver(), "receiver-1")
    for amount in (PRICE, 40000):
        refused = await do(shop, SHARE, wanted(order, amount), "share-key-1")
        assert (code(refused), refused.tool) == ("REJECTED", TOOL)
    assert (await rows(shop), effects(shop)) == ([], [0, 0])
    assert isinstance(await do(shop, SHARE, wanted(order), "share-key-1"), Shared)


async def test_what_cannot_be_is_refused_before_it_is_asked(market: Shop) -> None:
    shop = market
    done = await shop.buy(shop.basket(), PRICE)
    await do(shop, ADD, receiver(), "receiver-1")
    unpaid = await do(shop, SHARE, wanted(done.order_id), "share-key-1")
    await shop.notify(await shop.pay(done))
    recent = await do(shop, SHARE, wanted(done.order_id), "share-key-2")
    shop.pass_time(minutes=2)
    part = Part("1999999999", 1, "门店分成")
    stranger = await do(shop, SHARE, Wanted(done.order_id, (part,), unfreeze=False), "share-key-3")
    bad = [
        (), (part, part), (Part(FRANCHISE_MCHID, 0, "门店分成"),), (Part(FRANCHISE_MCHID, 1, ""),),
        (Part(FRANCHISE_MCHID, 1, "长" * 81),),
    ]  # fmt: skip
    answers = [
        await do(shop, SHARE, Wanted(done.order_id, each, unfreeze=False), f"bad-share-{number}")
        for number, each in enumerate(bad)
    ]
    shop.pass_time(hours=24 * 31)
    late = await do(shop, UNFREEZE, Rest(done.order_id, "解冻"), "unfreeze-1")
    assert [code(each) for each in (unpaid, recent, stranger, late)] == [
        "ORDER_NOT_SHAREABLE", "PAYMENT_TOO_RECENT", "SHARE_RECEIVER_UNKNOWN", "ORDER_NOT_SHAREABLE",
    ]  # fmt: skip
    assert [code(each) for each in answers] == ["BAD_USER_INPUT"] * len(bad)
    assert (effects(shop), await rows(shop)) == ([0, 0], [])


async def test_only_payments_that_declared_it_can_be_shared(shop: Shop) -> None:
    order = await bought(shop)
    await do(shop, ADD, receiver(), "receiver-1")
    assert code(await do(shop, SHARE, wanted(order), "share-key-1")) == "REJECTED"
    assert await rows(shop) == []


async def test_what_was_never_taken_on_leaves_its_row_after_a_day(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    await do(shop, ADD, receiver(), "receiver-1")
    shop.sandbox.kit.faults.add(TOOL, "reset_before", endpoint=f"POST {ORDERS}")
    with hurried():
        assert code(await do(shop, SHARE, wanted(order), "share-key-1")) == "TRANSACTION_IN_PROGRESS"
    await settling(shop).settle()
    assert [each[3] for each in await rows(shop)] == ["REQUESTED"]
    shop.pass_time(hours=25)
    await settling(shop).settle()
    assert (await rows(shop), effects(shop)) == ([], [0, 0])


async def test_more_than_was_paid_is_refused_before_it_is_asked(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    await do(shop, ADD, receiver(), "receiver-1")
    # Also what no row could have.
    for amount in (PRICE + 1, 2**31, 2**53 - 1):
        refused = await do(shop, SHARE, wanted(order, amount), f"share-key-{amount}")
        assert (code(refused), refused.tool) == ("BAD_USER_INPUT", None)
    assert (await rows(shop), effects(shop)) == ([], [0, 0])


async def test_a_merchant_that_left_shares_nothing(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    done = await arrived(shop, order)
    gone = "1999999999"
    async with shop.database.write() as connection:
        for table in (payment, profit_receiver, profit_share):
            await connection.execute(update(table).values(mchid=gone))
    answers = [
        await do(shop, SHARE, wanted(order), "share-key-2"),
        await do(shop, UNFREEZE, Rest(order, "解冻"), "unfreeze-1"),
        await do(shop, RETURN, WantedReturn(gone, done.number, FRANCHISE_MCHID, 1, "退款回退"), "return-1"),
    ]
    assert [code(each) for each in answers] == ["TOOL_NOT_CONFIGURED"] * 3
    assert (len(await rows(shop)), await returns(shop)) == (1, [])


async def test_one_that_cannot_be_asked_about_keeps_no_other_from_being_settled(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    first = await shared(shop, order)
    shop.pass_time(seconds=1)
    second = await shared(shop, order, "share-key-2")
    for each in (first, second):
        await shop.act(TOOL, "settle_sharing", out_order_no=each.number)
    shop.sandbox.kit.faults.add(TOOL, "code", endpoint=f"GET {ORDERS}/{first.number}", value="INVALID_REQUEST")
    await settling(shop).settle()
    assert [each[3] for each in await rows(shop)] == ["PENDING", "SUCCESS"]


async def test_a_merchant_that_does_not_answer_is_asked_again(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    done = await shared(shop, order)
    await shop.act(TOOL, "settle_sharing", out_order_no=done.number)
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=f"GET {ORDERS}/*", value=503)
    with hurried():
        await settling(shop).settle()
    assert (await rows(shop))[0][3] == "PENDING"
    shop.sandbox.kit.faults.clear()
    await settling(shop).settle()
    assert (await rows(shop))[0][3] == "SUCCESS"


# Taking back --------------------------------------------------------------------------------------


async def arrived(shop: Shop, order: str) -> Shared:
    done = await shared(shop, order)
    await shop.act(TOOL, "settle_sharing", out_order_no=done.number)
    await settling(shop).settle()
    return done


def back(done: Shared, amount: int = 4000) -> WantedReturn:
    return WantedReturn(MCHID, done.number, FRANCHISE_MCHID, amount, "退款回退")


async def test_a_part_comes_back(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    done = await arrived(shop, order)
    for _ in range(2):
        assert await do(shop, RETURN, back(done), "return-1") == done
    assert await returns(shop) == [(FRANCHISE_MCHID, 4000, "PROCESSING", None)]
    over = await do(shop, RETURN, back(done, 5001), "return-2")
    assert (code(over), over.details["left"]) == ("SHARE_NOT_RETURNABLE", 5000)
    [row] = await shop.database.fetch(select(profit_share_return.c.number))
    await shop.act(TOOL, "settle_share_return", out_return_no=row.number)
    at = shop.projector.clock.now().replace(microsecond=0)
    told = ShareNotice(MCHID, "42", "3008", done.number, FRANCHISE_MCHID, 4000, returned=True, at=at)
    await settling(shop).notices(FRANCHISE_MCHID, [told])
    await settling(shop).settle()
    assert await returns(shop) == [(FRANCHISE_MCHID, 4000, "SUCCESS", None)]
    assert (await facts(shop))[1:] == [("share.returned", MCHID, 4000, order, FRANCHISE_MCHID)]
    assert effects(shop) == [1, 1]


async def test_returns_at_once_never_ask_for_more_than_arrived(market: Shop) -> None:
    shop = market
    done = await arrived(shop, await bought(shop))
    answers = await asyncio.gather(*(do(shop, RETURN, back(done, 5000), f"return-{n}") for n in range(3)))
    assert [each for each in answers if isinstance(each, Shared)] == [done]
    refused = [each for each in answers if each != done]
    assert [(code(each), each.details["left"]) for each in refused] == [("SHARE_NOT_RETURNABLE", 4000)] * 2
    assert (await returns(shop), effects(shop)) == ([(FRANCHISE_MCHID, 5000, "PROCESSING", None)], [1, 1])
    assert shop.sandbox.kit.journal.count(TOOL, f"POST {RETURNS}") == 1


async def test_one_that_fails_leaves_all_of_the_part(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    done = await arrived(shop, order)
    await do(shop, RETURN, back(done, 9000), "return-1")
    [row] = await shop.database.fetch(select(profit_share_return.c.number))
    await shop.act(TOOL, "settle_share_return", out_return_no=row.number, fail_reason="PAYER_ACCOUNT_ABNORMAL")
    await settling(shop).settle()
    assert await returns(shop) == [(FRANCHISE_MCHID, 9000, "FAILED", "PAYER_ACCOUNT_ABNORMAL")]
    assert isinstance(await do(shop, RETURN, back(done, 9000), "return-2"), Shared)


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])
async def test_a_lost_answer_takes_back_once(market: Shop, fault: FaultKind) -> None:
    shop = market
    order = await bought(shop)
    done = await arrived(shop, order)
    shop.sandbox.kit.faults.add(TOOL, fault, endpoint=f"POST {RETURNS}", calls=(1,))
    with hurried():
        await do(shop, RETURN, back(done), "return-1")
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert await do(shop, RETURN, back(done), "return-1") == done
    assert (effects(shop), len(await returns(shop))) == ([1, 1], 1)


async def test_a_notice_of_another_gives_up_no_return_on_its_way(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    done = await arrived(shop, order)
    shop.sandbox.kit.faults.add(TOOL, "reset_before", endpoint=f"POST {RETURNS}")
    with hurried():
        assert code(await do(shop, RETURN, back(done), "return-1")) == "TRANSACTION_IN_PROGRESS"
    at = shop.projector.clock.now().replace(microsecond=0)
    other = ShareNotice(MCHID, "42", "3008", done.number, FRANCHISE_MCHID, 1, returned=True, at=at)
    await settling(shop).notices(FRANCHISE_MCHID, [other])
    assert await returns(shop) == [(FRANCHISE_MCHID, 4000, "REQUESTED", None)]
    over = await do(shop, RETURN, back(done, 9000), "return-2")
    assert (code(over), over.details["left"]) == ("SHARE_NOT_RETURNABLE", 5000)


async def test_what_has_not_arrived_cannot_come_back(market: Shop) -> None:
    shop = market
    order = await bought(shop)
    done = await shared(shop, order)
    assert code(await do(shop, RETURN, back(done), "return-1")) == "SHARE_NOT_RETURNABLE"
    assert code(await do(shop, RETURN, back(Shared(MCHID, "PS1", "")), "return-2")) == "SHARE_UNKNOWN"
    assert code(await do(shop, RETURN, back(done, 0), "return-3")) == "BAD_USER_INPUT"
    assert (await returns(shop), effects(shop)) == ([], [1, 0])


async def test_what_others_give_back_is_a_fact(market: Shop) -> None:
    at = market.projector.clock.now().replace(microsecond=0)
    notice = ShareNotice("1999999999", "43", "3009", "OF-OTHERS", FRANCHISE_MCHID, 500, returned=True, at=at)
    for _ in range(2):
        await settling(market).notices(FRANCHISE_MCHID, [notice])
    assert await facts(market) == [("share.returned", "1999999999", 500, None, FRANCHISE_MCHID)]


# The books ----------------------------------------------------------------------------------------


async def test_a_day_with_shares_is_reconciled(market: Shop) -> None:
    shop = market
    day = shop.sandbox.kit.clock.now().astimezone(BUSINESS_ZONE).date()
    order = await bought(shop)
    done = await arrived(shop, order)
    await do(shop, RETURN, back(done), "return-1")
    [row] = await shop.database.fetch(select(profit_share_return.c.number))
    await shop.act(TOOL, "settle_share_return", out_return_no=row.number)
    now = shop.sandbox.kit.clock.now().astimezone(BUSINESS_ZONE)
    shop.sandbox.kit.clock.advance(now.replace(hour=10, minute=30, second=0, microsecond=0) + timedelta(days=1) - now)
    service = Reconciliation(shop.projector, shop.queue, shop.tools, shop.checkout)
    [run] = [each for each in await service.run(day) if each.account == MCHID]
    assert (run.state, run.left) == (State.CLEAN, [])
    names = [
        (each.kind, each.amount)
        for each in await shop.payments.fund_flows(day, FundAccount.BASIC)
        if "分账" in each.kind
    ]
    assert sorted(names) == [("分账", -9000), ("分账回退", 4000)]
