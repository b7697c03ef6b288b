"""productPriceChange and productDelete: set at once, undone, and gone."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select

from adapters.base.errors import NotFound
from adapters.mini_program_store import SkuChange
from gateway.database.tables.projections import offer, product, product_draft
from gateway.database.tables.stock import store_allotment, store_stock
from gateway.events.projections import mini_program_store
from gateway.members.gate import Gate
from gateway.transactions.effects.product_drafts import UPDATE, Other
from gateway.transactions.effects.product_prices import (
    CHANGE,
    DELETE,
    MOST,
    Change,
    Changed,
    Price,
    Reprice,
    Wanted,
)
from gateway.transactions.effects.shelves import UNSHELVE, Listed
from gateway.transactions.steps import StepContext
from sandbox.faults import FaultKind
from tests.adapters.mini_program_store.scenes import SKU, content, goods
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import TOOL, begun, code, do, misbehave, part, rolled_back, store
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

SET = "POST /channels/ec/product/auditfree"
GONE = "POST /channels/ec/product/delete"
READ = "POST /channels/ec/product/get"
LOST: list[FaultKind] = ["reset_after", "reset_before", "truncate", "hang"]


def coat(shop: Shop) -> Listed:
    return Listed(store(shop).account, goods(shop.sandbox)[0])


def wanted(shop: Shop, *prices: Price) -> Wanted:
    asked = coat(shop)
    return Wanted(asked.appid, asked.product, prices or (Price(SKU, 66600),))


async def price(shop: Shop) -> int:
    """By our rows."""
    row = await shop.database.one(select(offer.c.price).where(offer.c.sku_id == goods(shop.sandbox)[1]))
    assert row is not None
    return int(row.price)


async def theirs(shop: Shop) -> int:
    """By the platform's."""
    [found] = await store(shop).products([coat(shop).product])
    assert not isinstance(found, NotFound)
    return next(each.price for each in found.skus if each.code == SKU)


async def again(shop: Shop, action: Any, asked: object) -> Any:
    """Its answer is lost; two minutes later the same request comes once more."""
    with hurried():
        await do(shop, action, asked)
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    return await do(shop, action, asked)


def context(shop: Shop) -> StepContext:
    gate, now = Gate(shop.projector, shop.settings.reach), shop.projector.clock.now()
    return StepContext("saga", None, shop.projector, now, gate, open_tools=shop.tools)


async def test_a_price_changes_at_once(any_shop: Shop) -> None:
    shop = any_shop
    asked = wanted(shop)
    for _ in range(2):
        assert await do(shop, CHANGE, asked) == Changed(asked.appid, asked.product)
    assert (await price(shop), await theirs(shop), shop.effects(TOOL, "product_changed")) == (66600, 66600, 1)
    [fact] = await shop.facts("product.repriced")
    assert (fact.payload["product"], fact.reason) == (asked.product, None)


@pytest.mark.parametrize("fault", LOST)
async def test_an_answer_that_is_lost_sets_it(shop: Shop, fault: FaultKind) -> None:
    misbehave(shop, fault, SET)
    asked = wanted(shop)
    assert await again(shop, CHANGE, asked) == Changed(asked.appid, asked.product)
    assert (await price(shop), shop.effects(TOOL, "product_changed")) == (66600, 1)
    assert len(await shop.facts("product.repriced")) == 1


async def test_the_former_price_is_put_back_where_it_is_still_ours(shop: Shop) -> None:
    before, asked = await theirs(shop), wanted(shop)
    done = await do(shop, CHANGE, asked)
    intent = Change(asked.appid, asked.product, (Reprice(goods(shop.sandbox)[1], 66600, before),))
    assert CHANGE.step.undo is not None
    ctx = context(shop)
    await CHANGE.step.undo(ctx, intent, done)
    assert (await theirs(shop), await price(shop), ctx.facts[0].reason) == (before, before, "UNDONE")
    await store(shop).product_change(asked.product, [SkuChange(goods(shop.sandbox)[1], price=12300)])
    await CHANGE.step.undo(context(shop), intent, None)
    assert await theirs(shop) == 12300


async def test_a_price_that_came_later_stays(any_shop: Shop) -> None:
    """The first one got no answer, and its job comes when the second one is there."""
    shop = any_shop
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=SET, value=500)
    with hurried():
        assert code(await do(shop, CHANGE, wanted(shop))) == "TRANSACTION_IN_PROGRESS"
    shop.sandbox.kit.faults.clear()
    shop.pass_time(minutes=2)
    second = Wanted(coat(shop).appid, coat(shop).product, (Price(SKU, 55500),))
    assert isinstance(await do(shop, CHANGE, second, "a-later-key"), Changed)
    await shop.worker.drain()
    assert (await theirs(shop), await price(shop)) == (55500, 55500)
    assert code(await do(shop, CHANGE, wanted(shop))) == "OUTCOME_UNKNOWN"


async def test_a_transaction_that_is_undone_tells_of_both(any_shop: Shop) -> None:
    shop = any_shop
    before, opened = await theirs(shop), await begun(shop)
    assert isinstance(await part(opened, "price", CHANGE, wanted(shop)), Changed)
    assert await rolled_back(opened) == "TRANSACTION_ROLLED_BACK"
    assert await theirs(shop) == before
    told = [(each.payload["transaction"], each.reason) for each in await shop.facts("product.repriced")]
    assert told == [(opened.id, None), (opened.id, "UNDONE")]


async def test_where_it_cannot_be_read_again_it_is_done_all_the_same(shop: Shop) -> None:
    # The first read is the plan's, the second one comes before the change.
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=READ, value=500, calls=(3, 4, 5, 6))
    with hurried():
        assert isinstance(await do(shop, CHANGE, wanted(shop)), Changed)
    assert len(await shop.facts("product.repriced")) == 1


@pytest.mark.parametrize(
    "prices",
    [
        (Price("NOT-IN-IT", 1),),
        (Price(SKU, 0),),
        (Price(SKU, MOST + 1),),
        (Price(SKU, 1), Price(SKU, 2)),
    ],
)
async def test_what_cannot_be_is_refused(shop: Shop, prices: tuple[Price, ...]) -> None:
    assert code(await do(shop, CHANGE, wanted(shop, *prices))) == "BAD_USER_INPUT"
    asked = coat(shop)
    assert code(await do(shop, CHANGE, Wanted(asked.appid, asked.product, ()), "no-prices")) == "BAD_USER_INPUT"
    assert shop.effects(TOOL, "product_changed") == 0


async def test_only_what_is_on_sale_changes_at_once(shop: Shop) -> None:
    await do(shop, UNSHELVE, coat(shop), "unshelve-key")
    assert code(await do(shop, CHANGE, wanted(shop))) == "PRODUCT_STATE"
    assert code(await do(shop, CHANGE, Wanted(coat(shop).appid, "1", (Price(SKU, 1),)), "unknown-1")) == "NOT_FOUND"


@pytest.mark.parametrize("fault", [None, *LOST])
async def test_a_product_is_deleted_once(shop: Shop, fault: FaultKind | None) -> None:
    asked = coat(shop)
    assert code(await do(shop, DELETE, asked, "delete-key-0")) == "PRODUCT_STATE"
    await do(shop, UNSHELVE, asked, "unshelve-key")
    if fault is not None:
        misbehave(shop, fault, GONE)
    assert await again(shop, DELETE, asked) == Changed(asked.appid, asked.product)
    assert shop.effects(TOOL, "product_deleted") == 1
    for table in (product, offer):
        assert await shop.database.one(select(table).where(table.c.product_id == asked.product)) is None
    assert len(await shop.facts("product.deleted")) == 1
    assert code(await do(shop, DELETE, asked, "delete-key-2")) == "NOT_FOUND"


async def test_what_is_in_audit_or_has_pieces_stays(shop: Shop) -> None:
    asked = coat(shop)
    await do(shop, UNSHELVE, asked, "unshelve-key")
    await do(shop, UPDATE, Other(asked.appid, asked.product, content(spu="SL-DOWN-1"), True), "update-key")
    assert code(await do(shop, DELETE, asked, "delete-key-1")) == "DRAFT_STATE"
    await store(shop).product_audit_cancel(asked.product)
    async with shop.database.write() as connection:
        row = {"appid": asked.appid, "sku": SKU}
        ours = {"product_id": asked.product, "sku_id": goods(shop.sandbox)[1], "since": shop.projector.clock.now()}
        await connection.execute(insert(store_stock).values(**row, **ours))
        await connection.execute(insert(store_allotment).values(**row, location="CENTRAL", pieces=3))
    assert code(await do(shop, DELETE, asked, "delete-key-2")) == "PRODUCT_ALLOTTED"
    assert shop.effects(TOOL, "product_deleted") == 0


async def test_an_older_answer_does_not_bring_a_draft_back(shop: Shop) -> None:
    """A read that began before the deletion and is written after it."""
    asked = coat(shop)
    await do(shop, UNSHELVE, asked, "unshelve-key")
    await do(shop, UPDATE, Other(asked.appid, asked.product, content(spu="SL-DOWN-1"), False), "update-key")
    early, draft = shop.projector.asking(), await store(shop).product_draft(asked.product)
    shop.pass_time(seconds=1)
    await do(shop, DELETE, asked)
    await mini_program_store.drafts(early, asked.appid, {asked.product: draft})
    kept = await shop.database.one(select(product_draft.c.state).where(product_draft.c.product_id == asked.product))
    assert kept is not None
    assert kept.state == "DELETED"
