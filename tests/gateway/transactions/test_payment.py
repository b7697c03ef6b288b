"""Money comes in: once, twice, late, wrong, or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import update

from adapters.payments import Payment, PaymentsAdapter, PaymentState
from gateway.access.principal import Principal
from gateway.database.tables.jobs import job as jobs
from gateway.database.tables.projections import offer
from gateway.database.tables.projections import payment as payment_table
from gateway.database.tables.sagas import saga
from gateway.jobs import State
from gateway.transactions.checkout import CheckoutDone
from gateway.transactions.records import OrderPayment, Problem
from gateway.transactions.runner import SagaBusy
from tests.gateway.transactions.conftest import OpenShop
from tests.gateway.transactions.shop import COAT, FRANCHISE_MCHID, STORE, Shop

CLOSE = "POST */close"


async def test_a_doubled_notification_has_one_effect(any_shop: Shop) -> None:
    shop = any_shop
    await shop.allow_ads()
    done = await shop.flagship(click="wx07ptidwiwn5fde")
    payment = await shop.pay(done)
    await asyncio.gather(shop.notify(payment), shop.notify(payment))
    assert isinstance(await shop.checkout.sync(shop.buyer, done.order_id), OrderPayment)
    await shop.worker.drain()
    await shop.notify(payment)
    await shop.worker.drain()
    assert (await shop.view(done)).state == "COMPLETED"
    assert await shop.pieces() == (2, 0)
    assert shop.effects("payments", "coupon_use") == 1
    assert shop.effects("enterprise_chat", "app_message") == 1
    assert shop.effects("social_ads", "user_action.PURCHASE") == 1
    assert len(await shop.facts("order.paid")) == 1
    assert len(await shop.facts("payment.captured")) == 1
    assert len(await shop.facts("order.line")) == 1


async def test_without_a_notification_a_query_finds_the_payment(shop: Shop) -> None:
    done = await shop.flagship()
    assert await shop.checkout.sync(shop.buyer, done.order_id) == OrderPayment("NOTPAY")
    await shop.pay(done)
    assert await shop.checkout.sync(shop.buyer, done.order_id) == OrderPayment("SUCCESS")
    assert (await shop.order(done.order_id)).state == "PAID"
    [captured] = await shop.facts("payment.captured")
    assert captured.source == "poll"


@pytest.mark.parametrize("change", [{"total": 81800}, {"mchid": FRANCHISE_MCHID}, {"appid": "wx0000000000000000"}])
async def test_money_that_does_not_match_needs_attention_and_changes_nothing(
    shop: Shop, change: dict[str, object]
) -> None:
    done = await shop.flagship()
    payment = await shop.pay(done)
    await shop.notify(replace(payment, **change))  # type: ignore[arg-type]
    assert (await shop.view(done)).state == "NEEDS_ATTENTION"
    order = await shop.order(done.order_id)
    assert (order.state, order.paid_at, order.payer_paid) == ("UNPAID", None, None)
    assert await shop.pieces() == (3, 1)
    [mismatch] = await shop.facts("payment.mismatch")
    assert mismatch.reason == ("AMOUNT" if "total" in change else "ACCOUNT")
    assert await shop.facts("order.paid", "payment.captured") == []
    await shop.worker.drain()
    assert shop.effects("payments", "coupon_use") == 0
    assert shop.effects("enterprise_chat", "app_message") == 0


async def test_a_payment_that_is_not_of_the_gateway_is_only_noted(shop: Shop) -> None:
    appid = shop.sandbox.world.mini_programs[0].appid
    old = next(each for each in shop.sandbox.world.payments if each.appid == appid)
    known = await shop.tools.get(PaymentsAdapter, old.mchid).payment(old.out_trade_no)
    assert isinstance(known, Payment)
    await shop.notify(known)
    row = await shop.database.one(payment_table.select().where(payment_table.c.out_trade_no == old.out_trade_no))
    assert row is not None
    assert (row.purchase, row.total) == (None, old.total)


# Expiry -----------------------------------------------------------------------------------------


async def test_an_order_that_nobody_paid_is_closed_and_given_back(any_shop: Shop) -> None:
    shop = any_shop
    done = await shop.flagship()
    await shop.worker.drain()
    assert (await shop.view(done)).state == "AWAITING_PAYMENT"
    shop.pass_time(minutes=31)
    await shop.worker.drain()
    order = await shop.order(done.order_id)
    assert (order.state, order.fulfilment_state) == ("CLOSED", "CANCELLED")
    assert await shop.pieces() == (3, 0)
    assert (await shop.counts())["locks"] == 0
    assert (await shop.view(done)).state == "COMPENSATED"
    assert (await shop.steps(done))["payment.prepay"] == "UNDONE"
    assert shop.effects("payments", "close") == 1
    [closed] = await shop.facts("order.closed")
    assert (closed.reason, closed.amount_fen) == ("EXPIRED", 81900)
    replayed = await shop.ask(shop.basket(coupon=await shop.coupon()), 81900)
    assert isinstance(replayed, Problem)
    assert replayed.code == "ORDER_NOT_PAYABLE"


async def test_an_order_that_was_paid_unheard_is_found_at_its_expiry(shop: Shop) -> None:
    done = await shop.flagship()
    await shop.pay(done)
    shop.pass_time(minutes=31)
    await shop.worker.drain()
    assert (await shop.order(done.order_id)).state == "PAID"
    assert (await shop.view(done)).state == "COMPLETED"
    assert shop.effects("payments", "close") == 0
    assert await shop.pieces() == (2, 0)


async def test_a_payment_between_query_and_close_wins(shop: Shop) -> None:
    done = await shop.flagship()
    number = done.order_id.rsplit(":", 1)[-1]
    shop.sandbox.kit.faults.add("payments", "latency", endpoint=CLOSE, value=0.3)
    [job] = await shop.queue.list(state=State.QUEUED, kind="checkout.expire")
    # Early, so that 微信支付 still takes the money while the job asks and closes.
    now = shop.sandbox.kit.clock.now()
    async with shop.database.write() as connection:
        await connection.execute(update(jobs).where(jobs.c.id == job.id).values(run_at=now))
        await connection.execute(update(saga).where(saga.c.id == done.transaction_id).values(deadline=now))
    draining = asyncio.create_task(shop.worker.drain())
    while not shop.sandbox.kit.journal.count("payments", f"GET /v3/pay/transactions/out-trade-no/{number}"):  # noqa: ASYNC110 — there is no event to wait for
        await asyncio.sleep(0.01)
    await shop.act("payments", "pay", out_trade_no=number)
    await draining
    assert (await shop.order(done.order_id)).state == "PAID"
    assert shop.effects("payments", "close") == 0
    assert await shop.pieces() == (2, 0)


async def test_while_the_platform_is_down_nothing_is_given_back(shop: Shop) -> None:
    done = await shop.flagship()
    shop.sandbox.kit.faults.add("payments", "status", value=503)
    shop.pass_time(minutes=31)
    await shop.worker.drain()
    assert (await shop.view(done)).state == "AWAITING_PAYMENT"
    assert await shop.pieces() == (3, 1)
    shop.sandbox.kit.faults.clear()
    shop.pass_time(minutes=5)
    await shop.worker.drain()
    assert (await shop.view(done)).state == "COMPENSATED"
    assert await shop.pieces() == (3, 0)


@pytest.mark.long
async def test_a_platform_that_tells_nothing_for_a_day_does_not_park_the_expiry(shop: Shop) -> None:
    done = await shop.flagship()
    # Not 503: the breaker that this trips counts its pause in real seconds.
    shop.sandbox.kit.faults.add("payments", "code", value="FREQUENCY_LIMITED")
    for _ in range(30):
        shop.pass_time(hours=1)
        await shop.worker.drain()
    [job] = await shop.queue.list(kind="checkout.expire")
    assert (job.state, job.attempts) == (State.QUEUED, 30)
    assert (await shop.view(done)).state == "AWAITING_PAYMENT"
    shop.sandbox.kit.faults.clear()
    shop.pass_time(hours=1)
    await shop.worker.drain()
    assert (await shop.view(done)).state == "COMPENSATED"
    assert await shop.pieces() == (3, 0)


async def test_a_process_that_died_before_the_prepay_is_cleaned_up_at_the_expiry(shop: Shop) -> None:
    """What is left of a crash: a saga that is RUNNING, with its order and no word from 微信支付."""
    done = await shop.buy(shop.basket(), 89900)
    async with shop.database.write() as connection:
        await connection.execute(update(saga).where(saga.c.id == done.transaction_id).values(state="RUNNING"))
    shop.pass_time(minutes=31)
    await shop.worker.drain()
    assert (await shop.view(done)).state == "COMPENSATED"
    assert (await shop.order(done.order_id)).state == "CLOSED"
    assert await shop.pieces() == (3, 0)


async def test_the_open_order_of_an_erased_shopper_gives_its_stock_back(shop: Shop) -> None:
    done = await shop.flagship()
    assert shop.buyer.member is not None
    assert await shop.database.keyring.destroy(shop.buyer.member)
    shop.pass_time(minutes=31)
    await shop.worker.drain()
    assert (await shop.view(done)).state == "COMPENSATED"
    assert await shop.pieces() == (3, 0)
    assert (await shop.counts())["locks"] == 0


async def test_a_payment_of_a_closed_order_is_never_lost(shop: Shop) -> None:
    done = await shop.flagship()
    shop.pass_time(minutes=31)
    await shop.worker.drain()
    order = await shop.order(done.order_id)
    late = Payment(
        mchid=order.mchid,
        appid=order.account,
        out_trade_no=order.out_trade_no,
        transaction_id="4200001234202611119999999999",
        state=PaymentState.SUCCESS,
        trade_type="JSAPI",
        total=81900,
        payer_total=81900,
        currency="CNY",
        paid_at=shop.sandbox.kit.clock.now(),
        payer_openid=shop.sandbox.world.people["linxiaowen"].openids[order.account],
        attach="",
        promotion=(),
    )
    await shop.notify(late)
    await shop.notify(late)
    assert (await shop.view(done)).state == "NEEDS_ATTENTION"
    assert (await shop.order(done.order_id)).state == "CLOSED"
    assert await shop.pieces() == (3, 0)
    [fact] = await shop.facts("payment.late")
    assert (fact.amount_fen, fact.order_ref) == (81900, done.order_id)
    assert len(await shop.facts("payment.captured")) == 1
    await shop.worker.drain()
    assert shop.effects("payments", "coupon_use") == 0


async def test_a_payment_of_an_order_that_needs_attention_is_never_lost(any_shop: Shop) -> None:
    """Somebody else's money came first, and the right money then."""
    shop = any_shop
    done = await shop.flagship()
    payment = await shop.pay(done)
    await shop.notify(replace(payment, total=81800, transaction_id="4200001234202611119999999998"))
    assert (await shop.view(done)).state == "NEEDS_ATTENTION"
    assert (await shop.order(done.order_id)).state == "UNPAID"
    await asyncio.gather(shop.notify(payment), shop.notify(payment))
    await shop.notify(payment)
    view = await shop.view(done)
    assert view.state == "NEEDS_ATTENTION"
    assert {each.name: each.state for each in view.steps}["payment.capture"] == "DONE"
    order = await shop.order(done.order_id)
    assert (order.state, order.payer_paid, order.transaction_id) == ("PAID", 81900, payment.transaction_id)
    assert order.paid_at == payment.paid_at
    assert await shop.pieces() == (2, 0)
    [late] = await shop.facts("payment.late")
    assert (late.amount_fen, late.order_ref, late.reason) == (81900, done.order_id, "NEEDS_ATTENTION")
    assert len(await shop.facts("order.paid")) == 1
    assert len(await shop.facts("payment.captured")) == 1
    row = await shop.database.one(payment_table.select().where(payment_table.c.out_trade_no == order.out_trade_no))
    assert row is not None
    assert (row.purchase, row.total, row.state) == (done.order_id, 81900, "SUCCESS")
    # A person looks first.
    await shop.worker.drain()
    assert shop.effects("payments", "coupon_use") == 0
    assert shop.effects("enterprise_chat", "app_message") == 0


async def test_a_repeated_payment_of_a_paid_order_that_needs_attention_is_not_late(shop: Shop) -> None:
    done = await shop.flagship()
    payment = await shop.pay(done)
    shop.sandbox.kit.faults.add("enterprise_chat", "code", endpoint="POST /cgi-bin/message/send", value="81013")
    await shop.notify(payment)
    await shop.worker.drain()
    assert (await shop.view(done)).state == "NEEDS_ATTENTION"
    await shop.notify(payment)
    assert await shop.facts("payment.late") == []
    assert len(await shop.facts("order.paid")) == 1
    assert await shop.pieces() == (2, 0)


async def test_a_payment_that_overtakes_its_own_checkout_is_tried_again(shop: Shop) -> None:
    done = await shop.flagship()
    payment = await shop.pay(done)
    async with shop.database.write() as connection:
        await connection.execute(update(saga).where(saga.c.id == done.transaction_id).values(state="RUNNING"))
    with pytest.raises(SagaBusy):
        await shop.notify(payment)
    assert (await shop.order(done.order_id)).state == "UNPAID"


# Renew and sync ---------------------------------------------------------------------------------


async def test_renew_signs_the_same_prepay_afresh(shop: Shop) -> None:
    done = await shop.flagship()
    again = await shop.checkout.renew(shop.buyer, done.order_id)
    assert isinstance(again, CheckoutDone)
    assert done.payment_request is not None
    assert again.payment_request is not None
    assert again.payment_request.package == done.payment_request.package
    assert again.payment_request.pay_sign != done.payment_request.pay_sign
    assert shop.effects("payments", "order") == 1
    await shop.pay(again)


async def test_renew_of_an_old_prepay_sends_the_stored_bytes_again(opens: OpenShop, sqlite_url: str) -> None:
    shop = await opens(sqlite_url, expires_minutes=24 * 60)
    done = await shop.flagship()
    shop.pass_time(hours=3)
    again = await shop.checkout.renew(shop.buyer, done.order_id)
    assert isinstance(again, CheckoutDone)
    assert done.payment_request is not None
    assert again.payment_request is not None
    assert again.payment_request.package != done.payment_request.package
    assert shop.effects("payments", "order") == 1
    await shop.pay(again)


async def test_renew_is_refused_for_what_is_paid_closed_or_anothers(shop: Shop) -> None:
    done = await shop.flagship()
    other = await shop.person("xuli")
    for asked in (shop.checkout.renew(other, done.order_id), shop.checkout.sync(other, done.order_id)):
        found = await asked
        assert isinstance(found, Problem)
        assert found.code == "ORDER_UNKNOWN"
    await shop.notify(await shop.pay(done))
    paid = await shop.checkout.renew(shop.buyer, done.order_id)
    assert isinstance(paid, Problem)
    assert paid.code == "ORDER_NOT_PAYABLE"
    nobody = Principal("key", "frontend", frozenset({"checkout"}))
    unsigned = await shop.checkout.renew(nobody, done.order_id)
    assert isinstance(unsigned, Problem)
    assert unsigned.code == "SESSION_REQUIRED"
    operator = Principal("hq", "hq", frozenset({"operations"}))
    assert await shop.checkout.sync(operator, done.order_id) == OrderPayment("SUCCESS")
    assert await shop.checkout.transaction("01ARZ3NDEKTSV4RRFFQ69G5FAV") is None
    assert await shop.checkout.transaction(done.transaction_id, other) is None
    assert await shop.checkout.transaction(done.transaction_id, shop.buyer) is not None
    assert await shop.checkout.transaction(done.transaction_id, operator) is not None


# Other orders -----------------------------------------------------------------------------------


async def test_a_franchise_store_collects_by_itself(shop: Shop) -> None:
    done = await shop.buy(shop.basket(store="XA-ZL", guide=None), 89900)
    order = await shop.order(done.order_id)
    assert (order.mchid, order.form) == (FRANCHISE_MCHID, "FLAGSHIP")
    payment = await shop.pay(done)
    assert payment.mchid == FRANCHISE_MCHID
    assert payment.attach == f"{done.transaction_id}|XA-ZL"
    await shop.notify(payment)
    assert (await shop.order(done.order_id)).state == "PAID"
    assert await shop.pieces(location="XA-ZL") == (2, 0)


async def test_a_parcel_is_taken_from_the_central_warehouse(shop: Shop) -> None:
    before = await shop.pieces(location="CENTRAL")
    done = await shop.buy(shop.basket(("CX-CAP-1均码", 1), method="EXPRESS", store=STORE), 17100)
    order = await shop.order(done.order_id)
    assert (order.store, order.freight, order.pickup_code) == (STORE, 1200, None)
    assert await shop.pieces() == (3, 0)
    assert await shop.pieces(COAT, "CENTRAL") == before
    await shop.notify(await shop.pay(done))
    assert (await shop.order(done.order_id)).fulfilment_state == "PENDING"
    await shop.worker.drain()
    [message] = shop.sandbox.kit.journal.of_kind("enterprise_chat", "app_message")
    assert message.data["content"]["content"].startswith("您的顾客已付款，快递发货")


async def test_an_order_of_nothing_is_paid_at_once(shop: Shop) -> None:
    """A cap that the coupon pays for wholly."""
    async with shop.database.write() as connection:
        await connection.execute(update(offer).where(offer.c.sku == "CX-CAP-1均码").values(price=0))
    done = await shop.buy(shop.basket(("CX-CAP-1均码", 1), guide=None), 0)
    assert done.payment_request is None
    order = await shop.order(done.order_id)
    assert (order.state, order.payable, order.payer_paid) == ("PAID", 0, 0)
    assert await shop.steps(done) == {
        "stock.reserve": "DONE",
        "order.place": "DONE",
        "payment.prepay": "SKIPPED",
        "payment.capture": "DONE",
        "coupon.use": "SKIPPED",
        "guide.notify": "SKIPPED",
        "conversion.report": "SKIPPED",
    }
    assert (await shop.view(done)).state == "COMPLETED"
    assert await shop.pieces("CX-CAP-1均码") == (2, 0)
    assert shop.effects("payments", "order") == 0
    assert await shop.checkout.sync(shop.buyer, done.order_id) == OrderPayment("SUCCESS")
    shop.pass_time(minutes=31)
    await shop.worker.drain()
    assert (await shop.view(done)).state == "COMPLETED"
