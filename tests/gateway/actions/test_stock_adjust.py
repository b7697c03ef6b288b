"""Corrections of the stock book: once per key, never below what is promised, and undone by their opposite."""

from __future__ import annotations

import asyncio

import pytest

from gateway.access.principal import Principal
from gateway.members.gate import Gate
from gateway.transactions.actions import Performed
from gateway.transactions.effects.stock_adjustments import ADJUST, Adjust, Adjusted, Adjustment
from gateway.transactions.records import Problem
from gateway.transactions.states import SagaState
from gateway.transactions.steps import StepContext, StepRefused
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import begun, part
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import COAT, STORE, Shop

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

HQ = Principal("hq", "hq", frozenset({"stock:write"}))


async def adjust(shop: Shop, delta: int, key: str, **changes: str) -> Adjusted | Problem:
    asked = {"sku": COAT, "location": STORE, "channel": "MINI_PROGRAM", "reason": "counted"} | changes
    done = await shop.checkout.actions.perform(HQ, ADJUST, Adjustment(delta=delta, **asked), key)
    return done.outcome if isinstance(done, Performed) else done


async def test_a_repetition_changes_nothing(any_shop: Shop) -> None:
    shop = any_shop
    answers = await asyncio.gather(*(adjust(shop, 2, "the-same-key") for _ in range(3)))
    # Beside the first one the others may be told that it is still under way.
    assert [each for each in answers if isinstance(each, Adjusted)]
    assert await adjust(shop, 2, "the-same-key") == Adjusted(5, 0)
    assert await shop.pieces() == (5, 0)
    [moved] = await shop.facts("stock.adjusted")
    assert (moved.quantity, moved.line, moved.store, moved.source) == (2, COAT, STORE, "own")
    assert "counted" not in str(moved.payload)
    other = await adjust(shop, 3, "the-same-key")
    assert isinstance(other, Problem)
    assert other.code == "IDEMPOTENCY_MISMATCH"


async def test_what_is_promised_stays(any_shop: Shop) -> None:
    """Three on the shelf, one of them reserved: two may go."""
    shop = any_shop
    await shop.flagship()
    refused = await adjust(shop, -3, "three-of-them")
    assert isinstance(refused, Problem)
    assert refused.code == "STOCK_SHORT"
    assert await shop.pieces() == (3, 1)
    assert await shop.facts("stock.adjusted") == []
    assert await adjust(shop, -2, "two-of-them") == Adjusted(1, 1)
    both = await asyncio.gather(adjust(shop, 1, "one-more"), adjust(shop, -1, "one-less"))
    assert await shop.pieces() in {(1, 1), (2, 1)}
    assert any(isinstance(each, Adjusted) for each in both)


@pytest.mark.parametrize(
    ("delta", "changes", "code"),
    [
        (0, {}, "BAD_USER_INPUT"),
        (100_001, {}, "BAD_USER_INPUT"),
        (1, {"reason": ""}, "BAD_USER_INPUT"),
        (1, {"reason": "x" * 201}, "BAD_USER_INPUT"),
        (1, {"sku": "NOT-A-SKU"}, "SKU_UNKNOWN"),
        (1, {"location": "NOWHERE"}, "LOCATION_UNKNOWN"),
    ],
)
async def test_what_cannot_be_is_refused(shop: Shop, delta: int, changes: dict[str, str], code: str) -> None:
    refused = await adjust(shop, delta, "refused-key", **changes)
    assert isinstance(refused, Problem)
    assert refused.code == code
    assert await shop.pieces() == (3, 0)


async def test_a_channel_without_a_row_begins_with_nothing(shop: Shop) -> None:
    short = await adjust(shop, -1, "from-nothing", channel="STORE")
    assert isinstance(short, Problem)
    assert short.code == "STOCK_SHORT"
    assert await adjust(shop, 4, "the-first-four", channel="STORE") == Adjusted(4, 0)


async def test_undoing_is_the_opposite(shop: Shop) -> None:
    assert await adjust(shop, 2, "to-be-undone") == Adjusted(5, 0)
    intent = Adjust(Adjustment(COAT, STORE, "MINI_PROGRAM", 2, "counted"), "key")

    async def undo() -> None:
        assert ADJUST.step.undo is not None
        async with shop.projector.batch() as batch:
            gate = Gate(shop.projector, shop.settings.reach)
            ctx = StepContext("saga", None, shop.projector, batch.as_of, gate, open_batch=batch)
            await ADJUST.step.undo(ctx, intent, Adjusted(5, 0))
            batch.facts += ctx.facts

    await undo()
    assert await shop.pieces() == (3, 0)
    assert [(each.quantity, each.reason) for each in await shop.facts("stock.adjusted")] == [
        (2, "ADJUSTED"),
        (-2, "UNDONE"),
    ]
    await shop.buy(shop.basket((COAT, 3)), 89900 * 3)
    with pytest.raises(StepRefused, match="sold or reserved"):
        await undo()
    assert await shop.pieces() == (3, 3)


async def test_what_a_person_resolves_is_told_like_any_other_undoing(any_shop: Shop) -> None:
    shop = any_shop
    opened = await begun(shop)
    added = Adjustment(COAT, STORE, "MINI_PROGRAM", 2, "counted")
    assert await part(opened, "stock", ADJUST, added) == Adjusted(5, 0)
    await shop.checkout.atomics.give_to_a_person(opened.id)
    await shop.checkout.desk.resolve(HQ, opened.id, SagaState.COMPENSATED, "nothing of it happened")
    assert await shop.pieces() == (3, 0)
    assert [(each.quantity, each.reason) for each in await shop.facts("stock.adjusted")] == [
        (2, "ADJUSTED"),
        (-2, "UNDONE"),
    ]


async def test_a_sale_is_a_movement(shop: Shop) -> None:
    done = await shop.flagship()
    await shop.notify(await shop.pay(done))
    [sold] = await shop.facts("stock.sold")
    assert (sold.quantity, sold.line, sold.order_ref) == (-1, COAT, done.order_id)
    counted = [each for each in await shop.facts("stock.counted") if each.line == COAT and each.store == STORE]
    assert sum(each.quantity for each in counted) + sold.quantity == (await shop.pieces())[0]
