"""The evening of 双11: a coat, a coupon, a payment, and everything that follows."""

from __future__ import annotations

from tests.gateway.transactions.shop import COAT, MCHID, STORE, Shop


async def test_the_flagship_purchase_from_quote_to_completed(any_shop: Shop) -> None:
    shop = any_shop
    await shop.allow_ads()
    done = await shop.flagship(click="wx07ptidwiwn5fde")
    assert done.payment_request is not None
    order = await shop.order(done.order_id)
    assert (order.list_total, order.discount, order.freight, order.payable) == (89900, 8000, 0, 81900)
    assert (order.state, order.form, order.method, order.store, order.guide, order.mchid) == (
        "UNPAID", "GUIDE", "PICKUP", STORE, shop.guide, MCHID,
    )  # fmt: skip
    assert len(order.pickup_code) == 8
    assert order.pickup_code.isdigit()
    assert await shop.pieces() == (3, 1)
    assert (await shop.view(done)).state == "AWAITING_PAYMENT"

    payment = await shop.pay(done)
    await shop.notify(payment)
    await shop.worker.drain()

    order = await shop.order(done.order_id)
    assert (order.state, order.fulfilment_state, order.payer_paid) == ("PAID", "READY", 81900)
    assert order.paid_at == payment.paid_at
    assert order.transaction_id == payment.transaction_id
    assert await shop.pieces() == (2, 0)
    assert await shop.steps(done) == dict.fromkeys(
        (
            "stock.reserve", "order.place", "payment.prepay", "payment.capture",
            "coupon.use", "guide.notify", "conversion.report",
        ),
        "DONE",
    )  # fmt: skip
    assert (await shop.view(done)).state == "COMPLETED"
    assert shop.effects("payments", "coupon_use") == 1
    [message] = shop.sandbox.kit.journal.of_kind("enterprise_chat", "app_message")
    assert message.data["to"] == ["chenyutong"]
    assert message.data["content"]["content"].startswith("您的顾客已付款，到店自提\n山岚轻羽绒服")
    [reported] = shop.sandbox.kit.journal.of_kind("social_ads", "user_action.PURCHASE")
    assert (reported.data["value"], reported.data["click_id"]) == (81900, "wx07ptidwiwn5fde")


async def test_its_facts(shop: Shop) -> None:
    done = await shop.flagship()
    await shop.notify(await shop.pay(done))
    await shop.worker.drain()
    kinds = (
        "order.created", "coupon.locked", "order.paid", "order.line", "payment.captured", "coupon.used",
        "message.attempted", "message.accepted", "order.closed",
    )  # fmt: skip
    found = await shop.facts(*kinds)
    assert sorted((each.kind, each.amount_fen) for each in found) == [
        ("coupon.locked", 8000),
        ("coupon.used", 8000),
        ("message.accepted", None),
        ("message.attempted", None),
        ("order.created", 81900),
        ("order.line", 81900),
        ("order.paid", 81900),
        ("payment.captured", 81900),
    ]
    assert {each.order_ref for each in found} == {done.order_id}
    assert {each.member for each in found} == {shop.buyer.member}
    own = [each for each in found if each.kind != "payment.captured"]
    assert {(each.store, each.guide) for each in own} == {(STORE, shop.guide)}
    [line] = [each for each in found if each.kind == "order.line"]
    assert (line.line, line.quantity, line.payload) == (COAT, 1, {"list": 89900, "discount": 8000})
