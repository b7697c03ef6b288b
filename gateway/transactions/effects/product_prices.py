"""Products (商品) of the 微信小店: other prices at once, without an audit (免审更新), and its end (删除).

Pieces are not set here, though the platform could: its number is moved by differences (``stock_allotments``), since
sales go on while we ask.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import msgspec
from sqlalchemy import func, select

from adapters.base.errors import NotFound, UpstreamError
from adapters.mini_program_store import DraftState, MiniProgramStoreAdapter, SkuChange
from gateway.database.tables.stock import store_allotment, store_stock
from gateway.events.projections import mini_program_store
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.product_drafts import MOST, MOST_VARIANTS
from gateway.transactions.effects.shelves import TOOL, Listed, product_fact
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step


class Price(msgspec.Struct, frozen=True):
    """The new price of a variant, fen, by the brand's code."""

    sku: str
    amount: int


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for; variants that are not named keep their prices."""

    appid: str
    product: str
    prices: tuple[Price, ...]


class Reprice(msgspec.Struct, frozen=True):
    """A variant's new price, and the one it has."""

    sku_id: str
    amount: int
    before: int


class Change(msgspec.Struct, frozen=True):
    """The prices to set."""

    appid: str
    product: str
    prices: tuple[Reprice, ...]


class Changed(msgspec.Struct, frozen=True):
    """The product, by the platform's number."""

    appid: str
    product: str


# Prices --------------------------------------------------------------------------------------------


async def _plan_change(planning: Planning, asked: Wanted) -> Effect:
    if not 1 <= len(asked.prices) <= MOST_VARIANTS or len({each.sku for each in asked.prices}) < len(asked.prices):
        raise StepRefused("BAD_USER_INPUT", f"Give 1 to {MOST_VARIANTS} prices, each of another sku.")
    if not all(1 <= each.amount <= MOST for each in asked.prices):
        raise StepRefused("BAD_USER_INPUT", f"amount must be 1 to {MOST} fen.")
    [found] = await planning.tools.get(MiniProgramStoreAdapter, asked.appid).products([asked.product])
    if isinstance(found, NotFound):
        raise found
    if not found.on_sale:
        raise StepRefused("PRODUCT_STATE", "Prices change without an audit on sale only; use productUpdate.")
    prices = []
    for each in asked.prices:
        mine = [sku for sku in found.skus if sku.code == each.sku]
        if len(mine) != 1:
            raise StepRefused(
                "BAD_USER_INPUT", f"The product has {len(mine)} variants of {each.sku!r}; it must be one."
            )
        prices.append(Reprice(mine[0].sku_id, each.amount, mine[0].price))
    values = {"account": asked.appid, "product": asked.product}
    return Effect(Change(asked.appid, asked.product, tuple(prices)), values=values)


async def _put_back(ctx: StepContext, intent: Change, outcome: Changed | None) -> None:
    """The former prices, where nobody has set another one meanwhile."""
    del outcome
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    [found] = await adapter.products([intent.product])
    if isinstance(found, NotFound):
        return
    now = {each.sku_id: each.price for each in found.skus}
    back = [SkuChange(each.sku_id, price=each.before) for each in intent.prices if now.get(each.sku_id) == each.amount]
    if back:
        await adapter.product_change(intent.product, back)
        await _followed(ctx, adapter, intent, undone=True)


# KEYED: a price that is set twice is the same, where nobody has set another one in between.
@step(name="product.reprice", tool=TOOL, kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_put_back)
async def change(ctx: StepContext, intent: Change) -> Changed:
    """Set prices of a product on sale (免审更新). Raises StepRefused where others were set since it was asked for."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    [found] = await adapter.products([intent.product])
    now = {} if isinstance(found, NotFound) else {each.sku_id: each.price for each in found.skus}
    if any(now.get(each.sku_id, each.before) not in {each.before, each.amount} for each in intent.prices):
        raise StepRefused("CHANGED_MEANWHILE", "Somebody else has set another price meanwhile; look, and ask again.")
    wanted = [SkuChange(each.sku_id, price=each.amount) for each in intent.prices]
    await adapter.product_change(intent.product, wanted)
    await _followed(ctx, adapter, intent)
    return Changed(intent.appid, intent.product)


async def _followed(
    ctx: StepContext, adapter: MiniProgramStoreAdapter, intent: Change, *, undone: bool = False
) -> None:
    """Read the product into our rows. Where it cannot be read now, its event or the next sync has it read."""
    ctx.facts.append(product_fact(ctx, intent.appid, intent.product, "product.repriced", undone=undone))
    with suppress(UpstreamError):
        asking = ctx.projector.asking()
        [found] = await adapter.products([intent.product])
        if not isinstance(found, NotFound):
            await mini_program_store.products(asking, [found])


# The end -------------------------------------------------------------------------------------------


async def _plan_delete(planning: Planning, asked: Listed) -> Effect:
    adapter = planning.tools.get(MiniProgramStoreAdapter, asked.appid)
    draft = await adapter.product_draft(asked.product)
    [live] = await adapter.products([asked.product])
    if not isinstance(live, NotFound) and live.on_sale:
        raise StepRefused("PRODUCT_STATE", "This product is on sale; take it off first (productUnshelve).")
    if draft is not None and draft.state is DraftState.IN_AUDIT:
        raise StepRefused(
            "DRAFT_STATE", "The product's draft is in audit; take it back first (productDraftWithdraw).",
            state=draft.state,
        )  # fmt: skip
    held = await planning.database.one(
        select(func.coalesce(func.sum(store_allotment.c.pieces), 0).label("pieces"))
        .join(
            store_stock, (store_stock.c.appid == store_allotment.c.appid) & (store_stock.c.sku == store_allotment.c.sku)
        )
        .where(store_stock.c.appid == asked.appid, store_stock.c.product_id == asked.product)
    )
    if held is not None and held.pieces:
        raise StepRefused(
            "PRODUCT_ALLOTTED", f"{held.pieces} pieces are allotted to it; take them back first (stockAllot)."
        )
    return Effect(asked, values={"account": asked.appid, "product": asked.product})


# KEYED: what is deleted twice is deleted. RETRIABLE, since nothing brings it back.
@step(name="product.delete", tool=TOOL, kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def remove(ctx: StepContext, intent: Listed) -> Changed:
    """Delete it (删除商品). Its orders stay."""
    # Gone by an attempt before this one, or by somebody else's doing: gone.
    with suppress(NotFound):
        await ctx.tools.get(MiniProgramStoreAdapter, intent.appid).product_delete(intent.product)
    _follow_deletion(ctx, intent)
    return Changed(intent.appid, intent.product)


def _follow_deletion(ctx: StepContext, intent: Listed) -> None:
    async def follow(batch: Batch) -> None:
        await mini_program_store.product_deleted(batch, intent.appid, intent.product)

    ctx.on_done.append(follow)
    ctx.facts.append(product_fact(ctx, intent.appid, intent.product, "product.deleted"))


CHANGE: Final = Action("productPriceChange", change, _plan_change)
DELETE: Final = Action("productDelete", remove, _plan_delete)
