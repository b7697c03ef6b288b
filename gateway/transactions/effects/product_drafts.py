"""Drafts (草稿) of products of the 微信小店: a new product, or other words for one there is, and their audit (审核).

Shoppers see a draft once the platform's staff have let it pass. An event tells what the audit came to; what was done
here is read into our rows at once.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import Final

import msgspec
from sqlalchemy import select, union

from adapters.base.errors import NotFound, UpstreamError
from adapters.mini_program_store import (
    DraftState,
    MiniProgramStoreAdapter,
    ProductContent,
    ProductDraft,
    ProductStatus,
    Sku,
)
from gateway.database.tables.projections import product, product_draft
from gateway.events.projections import mini_program_store
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.overtaking import made_by_others, overtaken
from gateway.transactions.effects.shelves import TOOL, Listed, product_fact
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Fen, and pieces: what the platform takes.
MOST: Final = 10_000_000
MOST_VARIANTS: Final = 500
#: The platform's: pictures at the top, and characters of a title and of a variant's code.
MOST_IMAGES: Final = 9
TITLE: Final = (3, 60)
CODE: Final = 20
#: Ours: pictures of the description, its characters, and properties.
MOST_DETAILS: Final = 50
DETAILS_LENGTH: Final = 5_000
MOST_ATTRIBUTES: Final = 100

#: With these there is a draft that shoppers do not see.
_OPEN: Final = frozenset({DraftState.EDITING, DraftState.REJECTED})
_SENT: Final = frozenset({DraftState.IN_AUDIT, DraftState.UPLOADING})


class New(msgspec.Struct, frozen=True):
    """What the client asked for; ``account`` an appid, or empty: the first shop of the settings."""

    account: str
    content: ProductContent
    submit: bool


class Other(msgspec.Struct, frozen=True):
    """What the client asked for. Variants have no numbers of the platform's yet."""

    appid: str
    product: str
    content: ProductContent
    submit: bool


class Add(msgspec.Struct, frozen=True):
    """The product to write; ``known`` are those of its spu that are gone, and all that were never on sale before it."""

    appid: str
    content: ProductContent
    submit: bool
    known: tuple[str, ...] = ()


class Replace(msgspec.Struct, frozen=True):
    """The draft to write, whose variants have the platform's numbers where it has them."""

    appid: str
    product: str
    content: ProductContent
    submit: bool


class Move(msgspec.Struct, frozen=True):
    """A draft that goes to the audit, or comes back from it, and where it stood before."""

    appid: str
    product: str
    before: DraftState


class Written(msgspec.Struct, frozen=True):
    """The product, by the platform's number, and where its draft stands; None: it could not be read."""

    appid: str
    product: str
    state: str | None


# Writing -------------------------------------------------------------------------------------------


async def _plan_add(planning: Planning, asked: New) -> Effect:
    adapter = shop_of(planning, asked.account)
    _check(asked.content)
    gone = await _must_be_free(planning, adapter, asked.content.spu)
    known = (*gone, *await _never_listed(adapter))
    return Effect(Add(adapter.account, asked.content, asked.submit, known), values={"account": adapter.account})


async def _must_be_free(planning: Planning, adapter: MiniProgramStoreAdapter, spu: str) -> list[str]:
    """Products of this spu that only our rows still have: nothing tells of what is deleted in the platform's console.

    Raises StepRefused for one that is there.
    """
    mine = [
        select(table.c.product_id).where(table.c.appid == adapter.account, table.c.spu == spu)
        for table in (product, product_draft)
    ]
    mine[1] = mine[1].where(product_draft.c.state != "DELETED")
    gone = [str(row.product_id) for row in await planning.database.fetch(union(*mine))]
    for number in gone:
        with suppress(NotFound):
            await adapter.product_draft(number)
            raise StepRefused("SPU_TAKEN", f"The shop has a product {spu!r} already; change that one by productUpdate.")
    return gone


async def _never_listed(adapter: MiniProgramStoreAdapter) -> list[str]:
    """One call per thirty."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await adapter.product_ids(cursor, ProductStatus.NEVER_LISTED)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def shop_of(planning: Planning, account: str) -> MiniProgramStoreAdapter:
    """The shop, or the first one of the settings where ``account`` is empty. Raises StepRefused, ToolNotConfigured."""
    if account:
        adapter = planning.tools.get(MiniProgramStoreAdapter, account)
        if adapter.kind != "store":
            raise StepRefused("BAD_USER_INPUT", f"The account {account} is a mini-program; name a shop (微信小店).")
        return adapter
    for each in planning.tools.all(MiniProgramStoreAdapter):
        if each.kind == "store":
            return each
    return planning.tools.get(MiniProgramStoreAdapter, None)


def _check(content: ProductContent) -> None:
    """Raises StepRefused for what the platform would refuse without saying where."""
    codes = [each.code for each in content.skus]
    texts = [name for pair in content.attributes for name in pair]
    wrong = (
        "spu must have 1 to 64 characters." if not 1 <= len(content.spu) <= 64 else "",
        f"title must have {TITLE[0]} to {TITLE[1]} characters, some of them Chinese."
        if not TITLE[0] <= len(content.title) <= TITLE[1] or not re.search(r"[\u2e80-\uffff]", content.title)
        else "",
        _number("images", len(content.images), 1, MOST_IMAGES),
        _number("detailImages", len(content.detail_images), 0, MOST_DETAILS),
        _number("characters of details", len(content.details), 0, DETAILS_LENGTH),
        _number("attributes", len(content.attributes), 0, MOST_ATTRIBUTES),
        "Names and values of attributes must have 1 to 100 characters."
        if not all(1 <= len(each) <= 100 for each in texts)
        else "",
        _number("categories", len(content.categories), 3, 3),
        "freightTemplate is missing (运费模板)." if not content.freight_template else "",
        _number("weightGrams", content.weight_grams, 0, MOST),
        _number("variants", len(codes), 1, MOST_VARIANTS),
        "Two variants have one code." if len(set(codes)) < len(codes) else "",
        *(_wrong_variant(content, place) for place in range(len(codes))),
    )
    for each in wrong:
        if each:
            raise StepRefused("BAD_USER_INPUT", each)


def _wrong_variant(content: ProductContent, place: int) -> str:
    sku = content.skus[place]
    if not 1 <= len(sku.code) <= CODE:
        return f"The code of variant {place + 1} must have 1 to {CODE} characters."
    if sku.market_price is not None and not sku.price < sku.market_price <= MOST:
        return f"marketPrice of {sku.code} must be above its price, {MOST} fen at most."
    return _number(f"The price of {sku.code}", sku.price, 1, MOST) or _number(
        f"Pieces of {sku.code}", sku.stock, 0, MOST
    )


def _number(what: str, number: int, least: int, most: int) -> str:
    return "" if least <= number <= most else f"{what}: {number}; {least} to {most} are possible."


async def _ask_added(ctx: StepContext, intent: Add) -> Written | None:
    """By its spu, among our rows where it has passed meanwhile, and among what was never on sale and is new.

    Raises StepRefused where another transaction was faster: there is to be one product of the spu.
    """
    others = await made_by_others(ctx, "product.added", intent.appid, "product")
    number = await _added(ctx, intent, others)
    if number is not None:
        return await _followed(ctx, intent.appid, number, "product.added")
    if others and await _added(ctx, intent, set()) is not None:
        raise StepRefused("SPU_TAKEN", "The shop got a product of this code meanwhile; change that one.")
    return None


async def _added(ctx: StepContext, intent: Add, others: set[str]) -> str | None:
    """What was there before is not ours: staff write products in the platform's console too, and no row has these."""
    spu, known = intent.content.spu, others.union(intent.known)
    rows = await ctx.projector.database.fetch(
        select(product.c.product_id).where(product.c.appid == intent.appid, product.c.spu == spu)
    )
    passed = [str(row.product_id) for row in rows if row.product_id not in known]
    if passed:
        return passed[0]
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    for number in await _never_listed(adapter):
        if number not in known:
            # Somebody else's may be deleted between the two calls.
            with suppress(NotFound):
                draft = await adapter.product_draft(number)
                if draft is not None and draft.spu == spu:
                    return number
    return None


async def _unadd(ctx: StepContext, intent: Add, outcome: Written | None) -> None:
    """Delete it again: shoppers have not seen it, or only for moments."""
    others = await made_by_others(ctx, "product.added", intent.appid, "product")
    number = await _added(ctx, intent, others) if outcome is None else outcome.product
    if number is None:
        return
    with suppress(NotFound):
        await ctx.tools.get(MiniProgramStoreAdapter, intent.appid).product_delete(number)
    async with ctx.projector.batch() as batch:
        await mini_program_store.product_deleted(batch, intent.appid, number)
    ctx.facts.append(product_fact(ctx, intent.appid, number, "product.deleted", undone=True))


# ASKABLE: the platform has no key, but lists what was never on sale.
@step(
    name="product.add", tool=TOOL, kind=Kind.COMPENSATABLE, delivery=Delivery.ASKABLE, idempotent=False,
    ask=_ask_added, undo=_unadd,
)  # fmt: skip
async def add(ctx: StepContext, intent: Add) -> Written:
    """Write a new product (添加商品)."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    number = await adapter.product_add(intent.content, list_it=intent.submit)
    return await _told(ctx, adapter, number, "product.added")


async def _plan_replace(planning: Planning, asked: Other) -> Effect:
    _check(asked.content)
    adapter = planning.tools.get(MiniProgramStoreAdapter, asked.appid)
    draft = await adapter.product_draft(asked.product)
    if draft is not None and draft.state in _SENT:
        raise StepRefused(
            "DRAFT_STATE",
            f"The product's draft is {draft.state}; wait for the audit, or take it back by productDraftWithdraw.",
            state=draft.state,
        )
    [live] = await adapter.products([asked.product])
    known = [] if isinstance(live, NotFound) else list(live.skus)
    # What is on sale counts its pieces; a draft has those of when it was written.
    content = _numbered(asked.content, [*(() if draft is None else draft.skus), *known])
    return Effect(Replace(asked.appid, asked.product, content, asked.submit), values=_values(asked))


def _numbered(content: ProductContent, known: list[Sku]) -> ProductContent:
    """Variants that are there keep their numbers, and their pieces: these are not the draft's to change."""
    theirs = {each.code: each for each in known if each.code}
    return replace(
        content,
        skus=tuple(
            replace(each, sku_id=theirs[each.code].sku_id, stock=theirs[each.code].stock)
            if each.code in theirs
            else each
            for each in content.skus
        ),
    )


async def _ask_replaced(ctx: StepContext, intent: Replace) -> Written:
    """In audit: it was not before. Else nobody can tell, since the draft cannot be read whole; it is written again,
    which is the same."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    draft = await adapter.product_draft(intent.product)
    if not intent.submit or draft is None or draft.state not in _SENT:
        if await overtaken(ctx, "product.updated", intent.appid, product=intent.product):
            # Somebody has replaced all of it since: it is as if ours had come before, whether it did or not.
            return Written(intent.appid, intent.product, None)
        await adapter.product_update(intent.product, intent.content, list_it=intent.submit)
    return await _told(ctx, adapter, intent.product, "product.updated")


# A PIVOT: what the draft said before cannot be read whole, so it cannot be put back.
@step(name="product.update", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_ask_replaced)
async def change(ctx: StepContext, intent: Replace) -> Written:
    """Replace the draft (更新商品)."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    await adapter.product_update(intent.product, intent.content, list_it=intent.submit)
    return await _told(ctx, adapter, intent.product, "product.updated")


# The audit -----------------------------------------------------------------------------------------


async def _plan_submit(planning: Planning, asked: Listed) -> Effect:
    draft = await _draft(planning, asked)
    if draft.state not in _OPEN:
        raise StepRefused("DRAFT_STATE", f"The product's draft is {draft.state} already.", state=draft.state)
    return Effect(Move(asked.appid, asked.product, draft.state), values=_values(asked))


async def _plan_withdraw(planning: Planning, asked: Listed) -> Effect:
    draft = await _draft(planning, asked)
    if draft.state is not DraftState.IN_AUDIT:
        raise StepRefused("DRAFT_STATE", f"The product's draft is {draft.state}, not in audit.", state=draft.state)
    return Effect(Move(asked.appid, asked.product, draft.state), values=_values(asked))


async def _draft(planning: Planning, asked: Listed) -> ProductDraft:
    found = await planning.tools.get(MiniProgramStoreAdapter, asked.appid).product_draft(asked.product)
    if found is None:
        raise StepRefused("DRAFT_STATE", "The product has no draft; write one by productUpdate.", state="NONE")
    return found


async def _ask_submitted(ctx: StepContext, intent: Move) -> Written | None:
    draft = await ctx.tools.get(MiniProgramStoreAdapter, intent.appid).product_draft(intent.product)
    moved = draft is None or draft.state not in _OPEN
    # Refused by an audit that was quick.
    decided = draft is not None and draft.state is DraftState.REJECTED and intent.before is DraftState.EDITING
    return await _followed(ctx, intent.appid, intent.product, "product.submitted") if moved or decided else None


async def _ask_withdrawn(ctx: StepContext, intent: Move) -> Written | None:
    draft = await ctx.tools.get(MiniProgramStoreAdapter, intent.appid).product_draft(intent.product)
    if draft is None or draft.state is not DraftState.EDITING:
        return None
    return await _followed(ctx, intent.appid, intent.product, "product.withdrawn")


async def _back_to_editing(ctx: StepContext, intent: Move, outcome: Written | None) -> None:
    """What the audit decided meanwhile stays decided: the platform refuses then."""
    del outcome
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    draft = await adapter.product_draft(intent.product)
    if draft is not None and draft.state in _OPEN:
        return
    await adapter.product_audit_cancel(intent.product)
    await _told(ctx, adapter, intent.product, "product.withdrawn", undone=True)


async def _back_to_audit(ctx: StepContext, intent: Move, outcome: Written | None) -> None:
    del outcome
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    draft = await adapter.product_draft(intent.product)
    if draft is None or draft.state is not DraftState.EDITING:
        return
    await adapter.product_list(intent.product)
    await _told(ctx, adapter, intent.product, "product.submitted", undone=True)


@step(
    name="product.submit",
    tool=TOOL,
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.ASKABLE,
    ask=_ask_submitted,
    undo=_back_to_editing,
)
async def submit(ctx: StepContext, intent: Move) -> Written:
    """Send the draft to the audit (提交审核); once it passes, the product is on sale."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    await adapter.product_list(intent.product)
    return await _told(ctx, adapter, intent.product, "product.submitted")


@step(
    name="product.withdraw",
    tool=TOOL,
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.ASKABLE,
    ask=_ask_withdrawn,
    undo=_back_to_audit,
)
async def withdraw(ctx: StepContext, intent: Move) -> Written:
    """Take the draft back from the audit (撤回审核)."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.appid)
    await adapter.product_audit_cancel(intent.product)
    return await _told(ctx, adapter, intent.product, "product.withdrawn")


# After it ------------------------------------------------------------------------------------------


async def _followed(ctx: StepContext, appid: str, number: str, kind: str, *, undone: bool = False) -> Written:
    """Read the draft into our rows, since the platform calls nobody back for what we told it."""
    asking = ctx.projector.asking()
    draft = await ctx.tools.get(MiniProgramStoreAdapter, appid).product_draft(number)
    await mini_program_store.drafts(asking, appid, {number: draft})
    ctx.facts.append(product_fact(ctx, appid, number, kind, undone=undone))
    return Written(appid, number, DraftState.PASSED if draft is None else draft.state)


async def _told(
    ctx: StepContext, adapter: MiniProgramStoreAdapter, number: str, kind: str, *, undone: bool = False
) -> Written:
    """After the platform took it: where the draft cannot be read now, its event has it read."""
    with suppress(UpstreamError):
        return await _followed(ctx, adapter.account, number, kind, undone=undone)
    ctx.facts.append(product_fact(ctx, adapter.account, number, kind, undone=undone))
    return Written(adapter.account, number, None)


def _values(asked: Other | Listed) -> dict[str, str]:
    return {"account": asked.appid, "product": asked.product}


ADD: Final = Action("productAdd", add, _plan_add)
UPDATE: Final = Action("productUpdate", change, _plan_replace)
SUBMIT: Final = Action("productDraftSubmit", submit, _plan_submit)
WITHDRAW: Final = Action("productDraftWithdraw", withdraw, _plan_withdraw)
