"""A refund as a scenario: of the whole order, and of two parts of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from gateway.access.principal import Principal
from gateway.database.tables.projections import payment, refund
from gateway.database.tables.sagas import saga
from gateway.transactions.records import CouponRef, RefundDone, RefundInput
from sandbox.journal import Effect
from tests.crashes.checkout import PAYABLE, give_coupon
from tests.crashes.matrix import LATER
from tests.crashes.playing import Stage
from tests.gateway.transactions.shop import Shop

_HQ = Principal("hq", "hq", frozenset({"operations"}))


async def _refund(stage: Stage, values: dict[str, Any], amount: int | None, part: int) -> None:
    asked = RefundInput(values["order"], amount, "七天无理由", f"{values['key']}-{part}")
    done = await stage.gateway.services.checkout.refunds.refund(_HQ, asked)
    assert isinstance(done, RefundDone), done
    await stage.work()
    stage.act("payments", "settle_refund", out_refund_no=done.number, status="SUCCESS")
    await stage.notified()
    await stage.work()


class Whole:
    """All of it goes back, the coupon and the coat too."""

    async def act(self, stage: Stage, values: dict[str, Any]) -> None:
        await _refund(stage, values, None, 1)


class Parts:
    """Two parts of it go back, a minute apart."""

    async def act(self, stage: Stage, values: dict[str, Any]) -> None:
        await _refund(stage, values, 10000, 1)
        stage.pass_time(61)
        await _refund(stage, values, 5000, 2)


class RefundCase:
    """Refunds an order that was paid before."""

    later = LATER

    def __init__(self, plays: type) -> None:
        self.plays = f"{plays.__module__}:{plays.__name__}"

    async def prepare(self, shop: Shop, number: int) -> dict[str, Any]:
        basket = shop.basket(coupon=CouponRef(*give_coupon(shop.sandbox, 10_000 + number)))
        done = await shop.buy(basket, PAYABLE, f"bought-{self.plays}-{number}")
        await shop.notify(await shop.pay(done))
        await shop.worker.drain()
        held, reserved = await shop.pieces()
        return {
            "order": done.order_id,
            "trade": done.order_id.rsplit(":", 1)[-1],
            "key": f"refund-{self.plays[-6:]}-{number}",
            "held": held,
            "reserved": reserved,
        }

    async def settle(self, shop: Shop, values: dict[str, Any]) -> None:
        """The bank gives back what was asked for, also when nobody is there to hear of it."""
        rows = await shop.database.fetch(select(refund).where(refund.c.out_trade_no == values["trade"]))
        book = shop.sandbox.platforms["payments"].books  # type: ignore[attr-defined]
        for row in rows:
            known = book[row.mchid].refunds.get(row.out_refund_no)
            if known is not None and known[1].status == "PROCESSING":
                await shop.act("payments", "settle_refund", out_refund_no=row.out_refund_no, status="SUCCESS")

    async def check(self, shop: Shop, values: dict[str, Any], effects: Sequence[Effect], *, died: bool) -> None:
        mine = [each for each in effects if each.kind in {"refund", "coupon_return"}]
        doubled = [pair for pair, n in Counter((each.kind, each.key) for each in mine).items() if n > 1]
        assert not doubled, f"twice at a platform: {doubled}"
        rows = await shop.database.fetch(select(refund).where(refund.c.out_trade_no == values["trade"]))
        # Each refund of our book is one of the platform's, and the other way round.
        assert sorted((row.out_refund_no, row.amount) for row in rows) == sorted(
            (each.key, each.data["amount"]) for each in mine if each.kind == "refund"
        )
        assert died or rows
        assert {row.state for row in rows} <= {"SUCCESS"}
        total = sum(row.amount for row in rows)
        order = await shop.order(values["order"])
        assert order.refunded == total
        paid = await shop.database.one(select(payment.c.refunded).where(payment.c.out_trade_no == values["trade"]))
        assert paid is not None
        assert paid.refunded == total
        whole = total == PAYABLE
        assert len([each for each in mine if each.kind == "coupon_return"]) == (1 if whole else 0)
        assert await shop.pieces() == (values["held"] + (1 if whole else 0), values["reserved"])
        assert order.fulfilment_state == ("CANCELLED" if whole else "READY")
        states = await shop.database.fetch(select(saga.c.state).where(saga.c.kind == "refund"))
        assert {each.state for each in states} <= {"COMPLETED"}
        facts = [each for each in await shop.facts("refund.succeeded") if each.order_ref == values["order"]]
        assert sum(each.amount_fen for each in facts) == total
        assert await shop.queue.due() == 0
