"""refundRedirect: once to the card whatever is lost, and the card is kept nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text, update

from adapters.base.errors import NotFound
from adapters.payments import PaymentsAdapter, RefundNotice
from gateway.database.tables.projections import refund
from gateway.database.tables.refunds import refund_card
from gateway.database.tables.sagas import saga, saga_step
from gateway.transactions.effects.refund_redirects import REDIRECT, Card, Redirected, Wanted
from gateway.transactions.records import RefundDone, RefundInput
from gateway.transactions.states import Attention, SagaState
from sandbox.faults import FaultKind
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import HQ, bought, code, do
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import MCHID, Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

TOOL = "payments"
APPLY = "POST /v3/refund/domestic/refunds/*/apply-abnormal-refund"
CARD = Card("ICBC_DEBIT", "6222020200000000000", "林晓雯")


async def abnormal(shop: Shop, status: str = "ABNORMAL") -> RefundDone:
    """A refund that the payer's account does not take, as our rows have it."""
    return await refused(shop, await bought(shop), status)


async def refused(shop: Shop, order: str, status: str = "ABNORMAL") -> RefundDone:
    """As ``abnormal``, of this order."""
    done = await shop.checkout.refunds.refund(HQ, RefundInput(order, None, "七天无理由", "refund-key"))
    assert isinstance(done, RefundDone), done
    await shop.worker.drain()
    await shop.act(TOOL, "settle_refund", out_refund_no=done.number, status=status)
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    return done


async def state(shop: Shop) -> str:
    row = await shop.database.one(select(refund.c.state))
    assert row is not None
    return str(row.state)


def sent(shop: Shop, done: RefundDone) -> Any:
    """Where the platform sends it."""
    book: Any = shop.sandbox.platforms[TOOL].books[MCHID]  # type: ignore[attr-defined]
    return book.refunds[done.number][1].redirected


async def cards(shop: Shop) -> int:
    return len(await shop.database.fetch(select(refund_card.c.saga)))


async def test_it_goes_to_the_payers_card_and_then_arrives(any_shop: Shop) -> None:
    shop = any_shop
    done = await abnormal(shop)
    for _ in range(2):
        assert await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1") == Redirected(MCHID, done.number)
    assert (sent(shop, done)["bank_account"], sent(shop, done)["real_name"]) == (CARD.number, CARD.holder)
    assert (await state(shop), await cards(shop)) == ("PROCESSING", 0)
    # Who sends it there has its own transaction tried again.
    await shop.worker.drain()
    view = await shop.checkout.transaction(done.transaction_id)
    assert view is not None
    assert (view.state, view.attention) == ("COMPLETING", None)
    [told] = await shop.facts("transaction.retried")
    assert (told.payload["by"], told.payload["because"]) == (HQ.id, "refundRedirect")
    await shop.act(TOOL, "settle_refund", out_refund_no=done.number, status="SUCCESS")
    for _ in range(3):
        shop.pass_time(minutes=2)
        await shop.worker.drain()
    view = await shop.checkout.transaction(done.transaction_id)
    assert view is not None
    assert (view.state, await state(shop)) == ("COMPLETED", "SUCCESS")


async def test_a_refund_of_which_something_is_still_under_way_is_tried_again_when_that_has_ended(shop: Shop) -> None:
    done = await abnormal(shop)

    async def stands(state: SagaState, attention: Attention | None) -> None:
        async with shop.database.write() as connection:
            of = saga.c.id == done.transaction_id
            await connection.execute(update(saga).where(of).values(state=state, attention=attention))

    # As before the end of a step that runs beside the one that failed.
    await stands(SagaState.COMPLETING, None)
    await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1")
    await shop.worker.drain()
    assert await shop.facts("transaction.retried") == []
    await stands(SagaState.NEEDS_ATTENTION, Attention.STEP_FAILED)
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert len(await shop.facts("transaction.retried")) == 1


async def test_a_late_redirect_is_given_its_time_too(shop: Shop) -> None:
    done = await abnormal(shop)
    shop.pass_time(days=11)
    await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1")
    await shop.worker.drain()
    shop.pass_time(days=9)
    await shop.worker.drain()
    view = await shop.checkout.transaction(done.transaction_id)
    assert view is not None
    assert view.state == "COMPLETING"
    shop.pass_time(days=2)
    await shop.worker.drain()
    view = await shop.checkout.transaction(done.transaction_id)
    assert view is not None
    assert view.state == "NEEDS_ATTENTION"
    assert {each.name: each.reason for each in view.steps}["refund.settle"] == "REFUND_UNDECIDED"


async def test_a_notice_hastens_what_was_tried_again(shop: Shop) -> None:
    done = await abnormal(shop)
    shop.pass_time(hours=12)
    await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1")
    await shop.worker.drain()
    await shop.act(TOOL, "settle_refund", out_refund_no=done.number, status="SUCCESS")
    status = await shop.tools.get(PaymentsAdapter, MCHID).refund_status(done.number)
    assert not isinstance(status, NotFound)
    await shop.checkout.refunds.on_refunds(MCHID, [RefundNotice(status)])
    for _ in range(2):
        shop.pass_time(minutes=2)
        await shop.worker.drain()
    view = await shop.checkout.transaction(done.transaction_id)
    assert view is not None
    assert view.state == "COMPLETED"


async def test_without_a_card_it_goes_to_the_merchants_own_account(shop: Shop) -> None:
    done = await abnormal(shop)
    assert await do(shop, REDIRECT, Wanted(done.number, None), "redirect-1") == Redirected(MCHID, done.number)
    assert (sent(shop, done)["type"], await cards(shop)) == ("MERCHANT_BANK_CARD", 0)


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])
async def test_an_answer_that_is_lost_sends_it_once(shop: Shop, fault: FaultKind) -> None:
    done = await abnormal(shop)
    shop.sandbox.kit.faults.add(TOOL, fault, endpoint=APPLY, calls=(1,))
    with hurried():
        await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1")
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1") == Redirected(MCHID, done.number)
    assert sent(shop, done)["bank_account"] == CARD.number
    assert (await state(shop), await cards(shop)) == ("PROCESSING", 0)


async def test_the_card_is_in_no_intent_no_file_and_no_log(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    done = await abnormal(shop)
    shop.sandbox.kit.faults.add(TOOL, "reset_before", endpoint=APPLY)
    with hurried():
        waiting = await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1")
    assert code(waiting) == "TRANSACTION_IN_PROGRESS"
    [row] = await shop.database.fetch(select(refund_card.c.card, refund_card.c.member))
    assert (row.card["number"], row.member) == (CARD.number, shop.buyer.member)
    intents = await shop.database.fetch(select(saga_step.c.intent, saga_step.c.outcome))
    for written in (str([tuple(each) for each in intents]), repr(CARD), caplog.text, repr(waiting)):
        assert CARD.number not in written
        assert CARD.holder not in written
    rows = await shop.database.fetch(text("SELECT card FROM refund_card"))
    assert CARD.number.encode() not in rows[0].card


async def test_a_refusal_keeps_no_card(shop: Shop) -> None:
    done = await abnormal(shop)
    shop.sandbox.kit.faults.add(TOOL, "code", endpoint=APPLY, value="INVALID_REQUEST")
    assert code(await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1")) in {"REJECTED", "INVALID"}
    assert (await cards(shop), await state(shop)) == (0, "ABNORMAL")


@pytest.mark.parametrize("refusal", ["NO_AUTH", "SIGN_ERROR"])
async def test_what_is_tried_again_keeps_its_card(shop: Shop, refusal: str) -> None:
    done = await abnormal(shop)
    shop.sandbox.kit.faults.add(TOOL, "reset_before", endpoint=APPLY)
    with hurried():
        assert code(await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1")) == "TRANSACTION_IN_PROGRESS"
    shop.sandbox.kit.faults.clear()
    shop.sandbox.kit.faults.add(TOOL, "code", endpoint=APPLY, value=refusal)
    shop.pass_time(minutes=2)
    with hurried():
        await shop.worker.drain()
    shop.sandbox.kit.faults.clear()
    assert (await cards(shop), sent(shop, done)) == (1, {})
    for _ in range(2):
        shop.pass_time(hours=1)
        await shop.worker.drain()
    assert await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1") == Redirected(MCHID, done.number)
    assert (sent(shop, done)["bank_account"], await cards(shop)) == (CARD.number, 0)


async def test_a_refund_that_is_closed_meanwhile_went_nowhere(shop: Shop) -> None:
    done = await abnormal(shop)
    shop.sandbox.kit.faults.add(TOOL, "reset_before", endpoint=APPLY)
    with hurried():
        await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1")
    shop.sandbox.kit.faults.clear()
    await shop.act(TOOL, "settle_refund", out_refund_no=done.number, status="CLOSED")
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    ended = await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1")
    assert (code(ended), sent(shop, done), await state(shop), await cards(shop)) == ("REFUND_CLOSED", {}, "CLOSED", 0)


async def test_the_card_is_the_payers_who_scanned_a_code(shop: Shop) -> None:
    order = await shop.buy(shop.basket(), 89900, by_code=True)
    await shop.notify(await shop.pay(order, payer_openid=shop.openid("xuli")))
    await shop.worker.drain()
    shop.pass_time(minutes=2)
    done = await refused(shop, order.order_id)
    shop.sandbox.kit.faults.add(TOOL, "reset_before", endpoint=APPLY)
    with hurried():
        await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1")
    [row] = await shop.database.fetch(select(refund_card.c.member))
    assert row.member == (await shop.person("xuli")).member


async def test_an_erased_shoppers_card_is_not_sent(shop: Shop) -> None:
    done = await abnormal(shop)
    shop.sandbox.kit.faults.add(TOOL, "reset_before", endpoint=APPLY)
    with hurried():
        await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1")
    shop.sandbox.kit.faults.clear()
    assert await shop.database.keyring.destroy(shop.buyer.member or "")
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert (sent(shop, done), await cards(shop)) == ({}, 0)


async def test_what_cannot_be_is_refused(shop: Shop) -> None:
    done = await abnormal(shop, "SUCCESS")
    settled = await do(shop, REDIRECT, Wanted(done.number, CARD), "redirect-1")
    assert (code(settled), settled.details["state"]) == ("REFUND_NOT_ABNORMAL", "SUCCESS")
    assert code(await do(shop, REDIRECT, Wanted("RF1", CARD), "redirect-2")) == "REFUND_UNKNOWN"
    for number, wrong in enumerate((Card("icbc", "6222020200000000000", "x"), Card("ICBC_DEBIT", "62 22", "x"))):
        bad = await do(shop, REDIRECT, Wanted(done.number, wrong), f"bad-card-{number}")
        assert code(bad) == "BAD_USER_INPUT"
        assert wrong.number not in bad.message
    assert await cards(shop) == 0
