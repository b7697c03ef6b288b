"""productShelve and productUnshelve: done once, read back, each undone by the other."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from gateway.database.tables.projections import product
from gateway.members.gate import Gate
from gateway.transactions.effects.shelves import SHELVE, UNSHELVE, Listed, Shelf, Shelved
from gateway.transactions.steps import StepContext, StepRefused
from sandbox.faults import FaultKind
from tests.adapters.mini_program_store.scenes import content, goods
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import TOOL, code, do, misbehave, store
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

DELIST = "POST /channels/ec/product/delisting"
READ = "POST /channels/ec/product/get"
LIST = "POST /channels/ec/product/listing"


def wanted(shop: Shop) -> Listed:
    return Listed(store(shop).account, goods(shop.sandbox)[0])


async def on_sale(shop: Shop) -> bool:
    """By our rows."""
    row = await shop.database.one(
        select(product.c.on_sale).where(product.c.product_id == wanted(shop).product)
    )  # fmt: skip
    assert row is not None
    return bool(row.on_sale)


def effects(shop: Shop) -> tuple[int, int]:
    return shop.effects(TOOL, "product_delisted"), shop.effects(TOOL, "product_listed")


async def told(shop: Shop) -> list[tuple[Any, ...]]:
    facts = await shop.facts("product.shelved", "product.unshelved")
    return [(each.kind, each.payload["product"], each.reason) for each in facts]


async def test_a_product_is_taken_off_and_put_on_sale(any_shop: Shop) -> None:
    shop, asked = any_shop, wanted(any_shop)
    assert code(await do(shop, SHELVE, asked, "shelve-key-0")) == "PRODUCT_STATE"
    for _ in range(2):
        assert await do(shop, UNSHELVE, asked, "unshelve-key") == Shelved(on_sale=False)
    assert await on_sale(shop) is False
    assert code(await do(shop, UNSHELVE, asked, "unshelve-key-2")) == "PRODUCT_STATE"
    shop.pass_time(seconds=1)
    for _ in range(2):
        assert await do(shop, SHELVE, asked, "shelve-key-1") == Shelved(on_sale=True)
    assert (await on_sale(shop), effects(shop)) == (True, (1, 1))
    assert await told(shop) == [
        ("product.unshelved", asked.product, None),
        ("product.shelved", asked.product, None),
    ]


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])
async def test_an_answer_that_is_lost_moves_it_once(shop: Shop, fault: FaultKind) -> None:
    for endpoint in (DELIST, LIST):
        misbehave(shop, fault, endpoint)

    async def twice(action: Shelf, key: str) -> Any:
        with hurried():
            await do(shop, action, wanted(shop), key)
        shop.pass_time(minutes=2)
        await shop.worker.drain()
        return await do(shop, action, wanted(shop), key)

    assert await twice(UNSHELVE, "unshelve-key") == Shelved(on_sale=False)
    assert await on_sale(shop) is False
    assert await twice(SHELVE, "shelve-key") == Shelved(on_sale=True)
    assert (await on_sale(shop), effects(shop), len(await told(shop))) == (True, (1, 1), 2)


async def test_where_it_cannot_be_read_again_it_is_done_all_the_same(shop: Shop) -> None:
    # The first read is the plan's.
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=READ, value=500, calls=(2, 3, 4, 5))
    with hurried():
        assert await do(shop, UNSHELVE, wanted(shop)) == Shelved(on_sale=None)
    assert (effects(shop), len(await told(shop))) == ((1, 0), 1)


async def test_a_draft_is_not_sent_to_the_audit(shop: Shop) -> None:
    """Neither by putting the product on sale, nor by undoing that it was taken off."""
    asked = wanted(shop)
    assert await do(shop, UNSHELVE, asked, "unshelve-key") == Shelved(on_sale=False)
    await store(shop).product_update(asked.product, content())
    refused = await do(shop, SHELVE, asked, "shelve-key-1")
    assert (code(refused), refused.details["state"]) == ("PRODUCT_HAS_DRAFT", "EDITING")
    with pytest.raises(StepRefused, match="audit"):
        await undo(shop, UNSHELVE)
    assert (effects(shop), await on_sale(shop)) == ((1, 0), False)


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_each_is_undone_by_the_other(shop: Shop, known: bool) -> None:
    asked = wanted(shop)
    off = await do(shop, UNSHELVE, asked, "unshelve-key")
    shop.pass_time(seconds=1)
    assert await undo(shop, UNSHELVE, off if known else None) == "UNDONE"
    assert (effects(shop), await on_sale(shop)) == ((1, 1), True)
    shop.pass_time(seconds=1)
    await do(shop, UNSHELVE, asked, "unshelve-again")
    shop.pass_time(seconds=1)
    on = await do(shop, SHELVE, asked, "shelve-key")
    shop.pass_time(seconds=1)
    assert await undo(shop, SHELVE, on if known else None) == "UNDONE"
    assert (effects(shop), await on_sale(shop)) == ((3, 2), False)


async def test_what_the_store_does_not_have(shop: Shop) -> None:
    account = store(shop).account
    for asked, refusal in (
        (Listed(account, "1"), "NOT_FOUND"),
        (Listed("wx0000000000000000", wanted(shop).product), "TOOL_NOT_CONFIGURED"),
    ):
        assert code(await do(shop, UNSHELVE, asked, f"key-of-{refusal}")) == refusal
    assert (effects(shop), await told(shop)) == ((0, 0), [])


async def undo(shop: Shop, action: Shelf, outcome: Shelved | None = None) -> str | None:
    """As a rolled back transaction does; what its fact says of it."""
    gate, now = Gate(shop.projector, shop.settings.reach), shop.projector.clock.now()
    ctx = StepContext("saga", None, shop.projector, now, gate, open_tools=shop.tools)
    assert action.step.undo is not None
    await action.step.undo(ctx, wanted(shop), outcome)
    [fact] = ctx.facts
    return fact.reason
