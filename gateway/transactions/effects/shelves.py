"""Products (商品) of the 微信小店: put on sale (上架), and taken off (下架).

The platform has no key for either, and both are told by the product's own state: what is lost is read, not repeated.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import msgspec

from adapters.base.errors import NotFound, UpstreamError
from adapters.mini_program_store import DraftState, MiniProgramStoreAdapter, Product
from gateway.database.facts import Fact
from gateway.events.projections import mini_program_store
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

TOOL: Final = "mini_program_store"
#: Drafts that are what shoppers see already. With any other one 上架 would send the draft to the audit.
_SEEN: Final = frozenset({DraftState.PASSED, DraftState.OTHER})


class Listed(msgspec.Struct, frozen=True):
    """A product of a shop, by the platform's number. Asked for, and the intent."""

    appid: str
    product: str


class Shelved(msgspec.Struct, frozen=True):
    """Whether shoppers can buy it then. None where the platform took the change and could not be read."""

    on_sale: bool | None


async def _plan_shelve(planning: Planning, asked: Listed) -> Effect:
    adapter = await _standing(planning, asked, on_sale=False)
    await _must_be_published(adapter, asked.product)
    return Effect(asked, values={"account": asked.appid, "product": asked.product})


async def _plan_unshelve(planning: Planning, asked: Listed) -> Effect:
    await _standing(planning, asked, on_sale=True)
    return Effect(asked, values={"account": asked.appid, "product": asked.product})


async def _standing(planning: Planning, asked: Listed, *, on_sale: bool) -> MiniProgramStoreAdapter:
    """Raises StepRefused for a product that is as it should be: what was not done here must not be undone here."""
    adapter = planning.tools.get(MiniProgramStoreAdapter, asked.appid)
    [found] = await adapter.products([asked.product])
    if isinstance(found, NotFound):
        raise found
    if found.on_sale is not on_sale:
        raise StepRefused("PRODUCT_STATE", f"This product is {'on' if found.on_sale else 'off'} sale already.")
    return adapter


async def _must_be_published(adapter: MiniProgramStoreAdapter, product: str) -> None:
    """Raises StepRefused for a draft that would go to the audit, and what the platform answers."""
    draft = await adapter.product_draft(product)
    if draft is not None and draft.state not in _SEEN:
        raise StepRefused(
            "PRODUCT_HAS_DRAFT",
            f"The product has a draft that shoppers do not see ({draft.state}), which would go to the audit with it;"
            " send it there by productDraftSubmit, or delete it in the store's console.",
            state=draft.state,
        )


async def _seen(ctx: StepContext, adapter: MiniProgramStoreAdapter, intent: Listed) -> Product | None:
    """The product as the platform has it now, which our rows then have too."""
    asking = ctx.projector.asking()
    [found] = await adapter.products([intent.product])
    if isinstance(found, NotFound):
        return None
    await mini_program_store.products(asking, [found])
    return found


async def _followed(
    ctx: StepContext, adapter: MiniProgramStoreAdapter, intent: Listed, kind: str, *, undone: bool = False
) -> Shelved:
    """The platform took it. Where the product cannot be read now, its event or the next sync has it read."""
    ctx.facts.append(product_fact(ctx, intent.appid, intent.product, kind, undone=undone))
    with suppress(UpstreamError):
        found = await _seen(ctx, adapter, intent)
        return Shelved(None if found is None else found.on_sale)
    return Shelved(None)


async def _asked(ctx: StepContext, intent: Listed, *, on_sale: bool) -> Shelved | None:
    found = await _seen(ctx, ctx.tools.get(MiniProgramStoreAdapter, intent.appid), intent)
    if found is None or found.on_sale is not on_sale:
        return None
    ctx.facts.append(
        product_fact(ctx, intent.appid, intent.product, "product.shelved" if on_sale else "product.unshelved")
    )
    return Shelved(on_sale)


async def _is_on(ctx: StepContext, intent: Listed) -> Shelved | None:
    return await _asked(ctx, intent, on_sale=True)


async def _is_off(ctx: StepContext, intent: Listed) -> Shelved | None:
    return await _asked(ctx, intent, on_sale=False)


async def _off_again(ctx: StepContext, intent: Listed, outcome: Shelved | None) -> None:
    """Also where nobody knows whether it went on sale: it was off before."""
    del outcome
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    await adapter.product_delist(intent.product)
    await _followed(ctx, adapter, intent, "product.unshelved", undone=True)


async def _on_again(ctx: StepContext, intent: Listed, outcome: Shelved | None) -> None:
    """Raises StepRefused for a product that got a draft meanwhile."""
    del outcome
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    await _must_be_published(adapter, intent.product)
    await adapter.product_list(intent.product)
    await _followed(ctx, adapter, intent, "product.shelved", undone=True)


@step(
    name="product.shelve", tool=TOOL, kind=Kind.COMPENSATABLE, delivery=Delivery.ASKABLE, ask=_is_on, undo=_off_again
)  # fmt: skip
async def shelve(ctx: StepContext, intent: Listed) -> Shelved:
    """Put it on sale (上架)."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    await adapter.product_list(intent.product)
    return await _followed(ctx, adapter, intent, "product.shelved")


@step(
    name="product.unshelve", tool=TOOL, kind=Kind.COMPENSATABLE, delivery=Delivery.ASKABLE, ask=_is_off, undo=_on_again
)  # fmt: skip
async def unshelve(ctx: StepContext, intent: Listed) -> Shelved:
    """Take it off (下架)."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    await adapter.product_delist(intent.product)
    return await _followed(ctx, adapter, intent, "product.unshelved")


def product_fact(ctx: StepContext, appid: str, number: str, kind: str, *, undone: bool = False) -> Fact:
    """What was done with a product, by the platform's number, or taken back."""
    return Fact(
        kind=kind,
        occurred_at=ctx.now,
        source="own",
        source_key=f"{ctx.saga}:{ctx.key}:undone" if undone else f"{ctx.saga}:{ctx.key}",
        account=appid,
        tool=TOOL,
        reason="UNDONE" if undone else None,
        payload={"product": number, "transaction": ctx.saga},
    )


Shelf = Action[Listed, Shelved]
SHELVE: Final[Shelf] = Action("productShelve", shelve, _plan_shelve)
UNSHELVE: Final[Shelf] = Action("productUnshelve", unshelve, _plan_unshelve)
