"""Checkout as a scenario: paid, unpaid, and refused by the payment platform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from gateway.database.tables.projections import payment
from gateway.database.tables.sagas import saga, saga_step
from gateway.jobs import State
from gateway.transactions.records import BasketLine, CheckoutDone, CheckoutInput, CouponRef, QuoteInput
from sandbox.journal import Effect
from sandbox.server import Sandbox
from tests.crashes.matrix import LATER
from tests.crashes.playing import Stage
from tests.gateway.transactions.shop import COAT, MCHID, STORE, Shop

CLICK = "wx07ptidwiwn5fde"
PAYABLE = 81900


async def _buy(stage: Stage, values: dict[str, Any], *, by_code: bool = False) -> CheckoutDone | None:
    buyer = await stage.shopper(values["appid"], values["openid"])
    basket = QuoteInput((BasketLine(COAT, 1),), CouponRef(*values["coupon"]), "PICKUP", STORE, values["guide"])
    asked = CheckoutInput(basket, PAYABLE, values["key"], CLICK, by_code)
    done = await stage.gateway.services.checkout.checkout(buyer, asked)
    return done if isinstance(done, CheckoutDone) else None


class Paid:
    """The shopper pays, 微信支付 notifies, and everything that follows is done."""

    async def act(self, stage: Stage, values: dict[str, Any]) -> None:
        done = await _buy(stage, values)
        assert done is not None
        stage.act("payments", "pay", out_trade_no=done.order_id.rsplit(":", 1)[-1])
        await stage.notified()
        await stage.work()


class Scanned:
    """The shopper is shown a code and another phone pays it, which 微信支付 notifies."""

    async def act(self, stage: Stage, values: dict[str, Any]) -> None:
        done = await _buy(stage, values, by_code=True)
        assert done is not None
        stage.act("payments", "pay", code_url=done.code_url, payer_openid=values["payer"])
        await stage.notified()
        await stage.work()


class Unpaid:
    """Nobody pays; the order's time ends."""

    async def act(self, stage: Stage, values: dict[str, Any]) -> None:
        assert await _buy(stage, values) is not None
        stage.pass_time(31 * 60)
        await stage.work()


class Refused:
    """微信支付 does not take the order, and it is undone at once."""

    async def act(self, stage: Stage, values: dict[str, Any]) -> None:
        assert await _buy(stage, values) is None


class CheckoutCase:
    """Buys one coat with a coupon, from the platforms to the books."""

    later = LATER

    def __init__(self, plays: type) -> None:
        self.plays = f"{plays.__module__}:{plays.__name__}"
        self._refuses = plays is Refused

    async def prepare(self, shop: Shop, number: int) -> dict[str, Any]:
        world = shop.sandbox.world
        appid = world.mini_programs[0].appid
        held, reserved = await shop.pieces()
        if self._refuses:
            shop.sandbox.kit.faults.add("payments", "code", endpoint="POST /v3/pay/transactions/jsapi", value="NO_AUTH")
        return {
            "key": f"purchase-{number}",
            "appid": appid,
            "openid": world.people["linxiaowen"].openids[appid],
            "payer": world.people["xuli"].openids[appid],
            "guide": shop.guide,
            "coupon": give_coupon(shop.sandbox, number),
            "held": held,
            "reserved": reserved,
            "orders": len(await shop.own_orders()),
        }

    async def settle(self, shop: Shop, values: dict[str, Any]) -> None:
        """Nothing that others still do."""

    async def check(self, shop: Shop, values: dict[str, Any], effects: Sequence[Effect], *, died: bool) -> None:
        happened = Counter(each.kind for each in effects)
        doubled = [pair for pair, n in Counter((each.kind, each.key) for each in effects).items() if n > 1]
        assert not doubled, f"twice at a platform: {doubled}"
        orders = list(await shop.own_orders())[values["orders"] :]
        if not orders:
            assert died, "there is no order"
            assert not happened, f"lost: {happened}"
            assert await shop.pieces() == (values["held"], values["reserved"])
            return
        [order] = orders
        paid = happened["payment"] == 1
        await _ended(shop, order, paid=paid)
        await _steps(shop, order, happened)
        wanted = (values["held"] - 1, values["reserved"]) if paid else (values["held"], values["reserved"])
        assert await shop.pieces() == wanted
        once = 1 if paid else 0
        tail = {kind: happened[kind] for kind in ("coupon_use", "app_message", "user_action.PURCHASE")}
        assert tail == dict.fromkeys(tail, once)
        assert await shop.queue.due() == 0
        assert await shop.queue.list(state=State.PARKED) == []


def give_coupon(sandbox: Sandbox, number: int) -> list[str]:
    """The shopper gets another 满600减80."""
    coupons = sandbox.platforms["payments"].books[MCHID].coupons  # type: ignore[attr-defined]
    now = sandbox.kit.clock.now()
    old = next(
        each
        for each in coupons.values()
        if each.person is sandbox.world.people["linxiaowen"] and each.stock.discount == 8000 and each.begins_at <= now
    )
    code = f"{9 * 10**21 + number}"
    coupons[code] = replace(
        old, code=code, state="SENDED", used_at=None, use_request_no="", expires_at=now + timedelta(days=9)
    )
    return [MCHID, old.stock.stock_id, code]


async def _ended(shop: Shop, order: Any, *, paid: bool) -> None:
    """The order, its transaction, its facts and the platform say the same."""
    row = await shop.database.one(select(saga.c.state).where(saga.c.id == order.saga))
    assert row is not None
    expected = ("COMPLETED", "PAID", PAYABLE) if paid else ("COMPENSATED", "CLOSED", None)
    assert (row.state, order.state, order.payer_paid) == expected
    kinds = Counter(each.kind for each in await shop.facts("order.created", "order.paid", "order.closed")
                    if each.order_ref == order.id)  # fmt: skip
    assert kinds == Counter(["order.created", "order.paid" if paid else "order.closed"])
    book = shop.sandbox.platforms["payments"].books[MCHID]  # type: ignore[attr-defined]
    known = book.orders.get(order.native_id)
    if known is not None:
        assert known.paid_state == ("SUCCESS" if paid else "CLOSED")
    taken = await shop.database.fetch(select(payment.c.total).where(payment.c.out_trade_no == order.native_id))
    assert [each.total for each in taken] == ([PAYABLE] if paid else [])


#: Which effect a step leaves at a platform.
_EFFECTS = {
    "payment.prepay": "order",
    "payment.code": "order",
    "payment.capture": "payment",
    "coupon.use": "coupon_use",
    "guide.notify": "app_message",
    "conversion.report": "user_action.PURCHASE",
}


async def _steps(shop: Shop, order: Any, happened: Counter[str]) -> None:
    """A step that is DONE left its effect, and what left one is DONE or was taken back."""
    rows = await shop.database.fetch(
        select(saga_step.c.name, saga_step.c.state).where(saga_step.c.saga_id == order.saga)
    )
    for row in rows:
        effect = _EFFECTS.get(row.name)
        if effect is not None and row.state == "DONE":
            assert happened[effect] == 1, f"{row.name} is DONE without an effect"
        if effect is not None and row.state in {"SKIPPED", "FAILED", "PENDING"}:
            assert happened[effect] == 0, f"{row.name} is {row.state} and had its effect"
