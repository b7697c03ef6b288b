"""productAdd, productUpdate and the audit's two: written once, read back into our rows, undone where they can be."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from adapters.base.errors import Invalid, NotFound
from adapters.mini_program_store import DraftState, ProductContent, SkuDraft
from gateway.database.tables.projections import product_draft
from gateway.database.tables.sagas import saga
from gateway.events.projections import mini_program_store
from gateway.members.gate import Gate
from gateway.transactions.effects.product_drafts import (
    ADD,
    SUBMIT,
    UPDATE,
    WITHDRAW,
    Add,
    Move,
    New,
    Other,
    Written,
)
from gateway.transactions.effects.product_prices import CHANGE, Changed, Price, Wanted
from gateway.transactions.effects.shelves import Listed
from gateway.transactions.steps import StepContext
from sandbox.faults import FaultKind
from tests.adapters.mini_program_store.scenes import SKU, content, goods
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import TOOL, begun, code, do, misbehave, ordered, part, rolled_back, store
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

ADDING = "POST /channels/ec/product/add"
UPDATING = "POST /channels/ec/product/update"
LISTING = "POST /channels/ec/product/listing"
CANCELLING = "POST /channels/ec/product/audit/cancel"
READ = "POST /channels/ec/product/get"
LOST: list[FaultKind] = ["reset_after", "reset_before", "truncate", "hang"]


def new(*, submit: bool = False, **changes: Any) -> New:
    return New("", content(**changes), submit)


def coat(shop: Shop) -> Listed:
    """The product that shoppers buy."""
    return Listed(store(shop).account, goods(shop.sandbox)[0])


def other(shop: Shop, *, submit: bool = False, title: str = "山岚羽绒服二代") -> Other:
    """Other words for the coat, and a variant more."""
    mine = (
        SkuDraft(SKU, (("尺码", "M"),), 88800, 999, "https://mmecimage.cn/p/x"),
        SkuDraft("SL-DOWN-1XL", (("尺码", "XL"),), 88800, 5, "https://mmecimage.cn/p/x"),
    )
    return Other(coat(shop).appid, coat(shop).product, content(spu="SL-DOWN-1", title=title, skus=mine), submit)


async def row(shop: Shop, number: str) -> Any:
    """Of a draft, by our rows."""
    return await shop.database.one(select(product_draft).where(product_draft.c.product_id == number))


async def told(shop: Shop, *kinds: str) -> list[tuple[Any, ...]]:
    return [(each.kind, each.payload["product"], each.reason) for each in await shop.facts(*kinds)]


def context(shop: Shop) -> StepContext:
    gate, now = Gate(shop.projector, shop.settings.reach), shop.projector.clock.now()
    return StepContext("saga", None, shop.projector, now, gate, open_tools=shop.tools)


async def undo(shop: Shop, action: Any, intent: object, outcome: Written | None) -> None:
    """As a rolled back transaction does."""
    await action.step.undo(context(shop), intent, outcome)


async def asked_about(shop: Shop, action: Any, intent: object) -> Any:
    """What becomes of an attempt whose process died."""
    return await action.step.ask(context(shop), intent)


async def again(shop: Shop, action: Any, asked: object) -> Any:
    """Its answer is lost; two minutes later the same request comes once more."""
    with hurried():
        await do(shop, action, asked)
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    return await do(shop, action, asked)


async def test_a_product_is_added_and_audited(any_shop: Shop) -> None:
    shop = any_shop
    for _ in range(2):
        written = await do(shop, ADD, new(submit=True), "add-key-1")
        assert written == Written(store(shop).account, written.product, "IN_AUDIT")
    assert shop.effects(TOOL, "product_added") == 1
    kept = await row(shop, written.product)
    assert (kept.spu, kept.title, kept.state) == ("SL-NEW-1", "山岚新款羽绒服", "IN_AUDIT")
    assert kept.skus == [["SL-NEW-1M", [["尺码", "M"]], 89900, 10]]
    assert await told(shop, "product.added") == [("product.added", written.product, None)]
    assert code(await do(shop, ADD, new(), "add-key-2")) == "SPU_TAKEN"


@pytest.mark.parametrize("fault", LOST)
async def test_an_answer_that_is_lost_adds_one(shop: Shop, fault: FaultKind) -> None:
    misbehave(shop, fault, ADDING)
    written = await again(shop, ADD, new())
    assert (written.state, shop.effects(TOOL, "product_added")) == ("EDITING", 1)
    assert await told(shop, "product.added") == [("product.added", written.product, None)]


async def test_a_product_of_another_transaction_is_not_taken_for_its_own(any_shop: Shop) -> None:
    """Nor deleted with it: there is one of a code, and who was faster has it."""
    shop = any_shop
    opened = await begun(shop)
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=ADDING, value=500)
    with hurried():
        assert code(await do(shop, ADD, new(), "an-earlier-key")) == "TRANSACTION_IN_PROGRESS"
        assert code(await part(opened, "add", ADD, new())) == "OUTCOME_UNKNOWN"
    shop.sandbox.kit.faults.clear()
    shop.pass_time(minutes=2)
    theirs = await do(shop, ADD, new(), "a-later-key")
    assert await rolled_back(opened) == "TRANSACTION_ROLLED_BACK"
    await shop.worker.drain()
    assert code(await do(shop, ADD, new(), "an-earlier-key")) == "SPU_TAKEN"
    draft = await store(shop).product_draft(theirs.product)
    assert draft is not None
    assert (shop.effects(TOOL, "product_added"), shop.effects(TOOL, "product_deleted")) == (1, 0)


@pytest.mark.parametrize("fault", [None, "reset_after", "reset_before"])
async def test_what_was_deleted_in_the_console_leaves_its_code_free(shop: Shop, fault: FaultKind | None) -> None:
    """No event tells of it: our rows still have it."""
    gone = await do(shop, ADD, new(submit=True), "add-key-1")
    await shop.act(TOOL, "product_audit", product_id=gone.product)
    found = await store(shop).products([gone.product])
    await mini_program_store.products(shop.projector, [each for each in found if not isinstance(each, NotFound)])
    assert code(await do(shop, ADD, new(), "add-key-2")) == "SPU_TAKEN"
    await store(shop).product_delete(gone.product)
    if fault is not None:
        misbehave(shop, fault, ADDING)
    written = await again(shop, ADD, new())
    assert (written.product != gone.product, shop.effects(TOOL, "product_added")) == (True, 2)


@pytest.mark.parametrize("fault", ["reset_after", "reset_before"])
async def test_a_draft_of_the_same_code_that_was_there_before_is_somebody_elses(shop: Shop, fault: FaultKind) -> None:
    """Written in the platform's console, so that no row of ours has it."""
    theirs = await store(shop).product_add(content())
    misbehave(shop, fault, ADDING)
    written = await again(shop, ADD, new())
    assert (written.product != theirs, shop.effects(TOOL, "product_added")) == (True, 2)


async def test_what_is_somebody_elses_is_not_deleted_with_it(shop: Shop) -> None:
    theirs = await store(shop).product_add(content())
    opened = await begun(shop)
    misbehave(shop, "reset_before", ADDING)
    with hurried():
        assert code(await part(opened, "add", ADD, new())) == "OUTCOME_UNKNOWN"
    # Ours could still come for a minute.
    assert await rolled_back(opened) == "TRANSACTION_IN_PROGRESS"
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    [row] = await shop.database.fetch(select(saga.c.state).where(saga.c.id == opened.id))
    assert row.state == "COMPENSATED"
    draft = await store(shop).product_draft(theirs)
    assert draft is not None
    assert shop.effects(TOOL, "product_deleted") == 0


async def test_one_that_has_passed_before_it_was_asked_for(shop: Shop) -> None:
    """The audit's event has it in our rows then."""
    number = await store(shop).product_add(content(), list_it=True)
    await shop.act(TOOL, "product_audit", product_id=number)
    found = await store(shop).products([number])
    await mini_program_store.products(shop.projector, [each for each in found if not isinstance(each, NotFound)])
    assert await asked_about(shop, ADD, Add(store(shop).account, content(), True)) == Written(
        store(shop).account, number, "PASSED"
    )


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_what_was_added_is_deleted_again(shop: Shop, known: bool) -> None:
    written = await do(shop, ADD, new())
    intent = Add(store(shop).account, content(), False)
    await undo(shop, ADD, intent, written if known else None)
    assert (shop.effects(TOOL, "product_deleted"), (await row(shop, written.product)).state) == (1, "DELETED")
    await undo(shop, ADD, intent, written if known else None)
    assert shop.effects(TOOL, "product_deleted") == 1
    # Its name is free again.
    assert (await do(shop, ADD, new(), "add-key-2")).state == "EDITING"


async def test_a_draft_is_replaced(any_shop: Shop) -> None:
    shop, number = any_shop, coat(any_shop).product
    [before] = await store(shop).products([number])
    assert not isinstance(before, NotFound)
    for _ in range(2):
        assert (await do(shop, UPDATE, other(shop))).state == "EDITING"
    draft = await store(shop).product_draft(number)
    assert draft is not None
    kept, added = draft.skus
    [theirs] = [each for each in before.skus if each.code == SKU]
    # The variant that is there keeps its number and its pieces.
    assert (kept.sku_id, kept.stock, kept.price) == (theirs.sku_id, theirs.stock, 88800)
    assert (added.code, added.stock) == ("SL-DOWN-1XL", 5)
    assert shop.effects(TOOL, "product_updated") == 1
    # Another time, the variant that was new has a number too.
    await do(shop, UPDATE, other(shop, title="山岚羽绒服三代"), "update-key-2")
    third = await store(shop).product_draft(number)
    assert third is not None
    assert [each.sku_id for each in third.skus] == [kept.sku_id, added.sku_id]
    # What was sold since the first draft was written is not for sale again by the next one.
    await ordered(shop)
    await do(shop, UPDATE, other(shop, title="山岚羽绒服三代"), "update-key-3")
    [now] = await store(shop).products([number])
    fourth = await store(shop).product_draft(number)
    assert fourth is not None
    assert not isinstance(now, NotFound)
    assert fourth.skus[0].stock == next(each.stock for each in now.skus if each.code == SKU) < theirs.stock
    assert (await row(shop, number)).title == "山岚羽绒服三代"


@pytest.mark.parametrize("submit", [True, False])
@pytest.mark.parametrize("fault", LOST)
async def test_an_answer_that_is_lost_replaces_it_as_well(shop: Shop, fault: FaultKind, submit: bool) -> None:
    misbehave(shop, fault, UPDATING)
    asked = other(shop, submit=submit)
    assert (await again(shop, UPDATE, asked)).state == ("IN_AUDIT" if submit else "EDITING")
    assert shop.effects(TOOL, "product_audit_asked") == int(submit)
    assert len(await told(shop, "product.updated")) == 1


async def test_words_that_came_later_stay(any_shop: Shop) -> None:
    """The first ones got no answer, and their job comes when the second ones are there."""
    shop = any_shop
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=UPDATING, value=500)
    with hurried():
        assert code(await do(shop, UPDATE, other(shop))) == "TRANSACTION_IN_PROGRESS"
    shop.sandbox.kit.faults.clear()
    shop.pass_time(minutes=2)
    later = await do(shop, UPDATE, other(shop, title="山岚羽绒服三代"), "a-later-key")
    await shop.worker.drain()
    draft = await store(shop).product_draft(later.product)
    assert draft is not None
    assert (draft.title, (await row(shop, later.product)).title) == ("山岚羽绒服三代",) * 2
    assert await do(shop, UPDATE, other(shop)) == Written(later.appid, later.product, None)


@pytest.mark.parametrize("fault", ["reset_after", "reset_before"])
async def test_under_atomic_nobody_says_that_a_draft_was_not_replaced_that_was(shop: Shop, fault: FaultKind) -> None:
    """Its words cannot be told from others: it is written again, and the rest stays."""
    opened, asked = await begun(shop), coat(shop)
    price = Wanted(asked.appid, asked.product, (Price(SKU, 66600),))
    assert isinstance(await part(opened, "price", CHANGE, price), Changed)
    for call in (1, 2):
        misbehave(shop, fault, UPDATING, call=call)
    with hurried():
        assert code(await part(opened, "words", UPDATE, other(shop))) == "OUTCOME_UNKNOWN"
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    draft = await store(shop).product_draft(asked.product)
    assert draft is not None
    found = await shop.database.one(select(saga.c.state).where(saga.c.id == opened.id))
    assert (draft.title, found.state) == ("山岚羽绒服二代", "COMPLETED")
    assert len(await told(shop, "product.updated")) == 1


async def test_a_draft_goes_to_the_audit_and_comes_back(any_shop: Shop) -> None:
    shop, asked = any_shop, coat(any_shop)
    assert code(await do(shop, SUBMIT, asked, "submit-key-0")) == "DRAFT_STATE"
    await do(shop, UPDATE, other(shop))
    for _ in range(2):
        assert (await do(shop, SUBMIT, asked, "submit-key-1")).state == "IN_AUDIT"
    refused = await do(shop, UPDATE, other(shop), "update-key-2")
    assert (code(refused), refused.details["state"]) == ("DRAFT_STATE", "IN_AUDIT")
    assert code(await do(shop, SUBMIT, asked, "submit-key-2")) == "DRAFT_STATE"
    for _ in range(2):
        assert (await do(shop, WITHDRAW, asked, "withdraw-key")).state == "EDITING"
    assert code(await do(shop, WITHDRAW, asked, "withdraw-key-2")) == "DRAFT_STATE"
    assert (await row(shop, asked.product)).state == "EDITING"
    counted = shop.effects(TOOL, "product_audit_asked"), shop.effects(TOOL, "product_audit_cancelled")
    assert counted == (1, 1)
    assert await told(shop, "product.submitted", "product.withdrawn") == [
        ("product.submitted", asked.product, None),
        ("product.withdrawn", asked.product, None),
    ]


@pytest.mark.parametrize("fault", LOST)
async def test_an_answer_that_is_lost_moves_the_draft_once(shop: Shop, fault: FaultKind) -> None:
    asked = coat(shop)
    await do(shop, UPDATE, other(shop), "update-key")
    misbehave(shop, fault, LISTING)
    misbehave(shop, fault, CANCELLING)
    assert (await again(shop, SUBMIT, asked)).state == "IN_AUDIT"
    assert (await again(shop, WITHDRAW, asked)).state == "EDITING"
    counted = shop.effects(TOOL, "product_audit_asked"), shop.effects(TOOL, "product_audit_cancelled")
    assert (counted, len(await told(shop, "product.submitted", "product.withdrawn"))) == ((1, 1), 2)


async def test_a_quick_refusal_is_no_second_audit(shop: Shop) -> None:
    asked = coat(shop)
    await store(shop).product_update(asked.product, content(), list_it=True)
    await shop.act(TOOL, "product_audit", product_id=asked.product, passed=False)
    for before, state in ((DraftState.EDITING, "REJECTED"), (DraftState.REJECTED, None)):
        found = await asked_about(shop, SUBMIT, Move(asked.appid, asked.product, before))
        assert (None if found is None else found.state) == state


async def test_each_way_is_undone_by_the_other(shop: Shop) -> None:
    asked = coat(shop)
    await do(shop, UPDATE, other(shop), "update-key")
    sent = await do(shop, SUBMIT, asked, "submit-key")
    there = Move(asked.appid, asked.product, DraftState.EDITING)
    for outcome in (sent, None):
        await undo(shop, SUBMIT, there, outcome)
        assert (await row(shop, asked.product)).state == "EDITING"
    await do(shop, SUBMIT, asked, "submit-again")
    back = await do(shop, WITHDRAW, asked, "withdraw-key")
    for outcome in (back, None):
        await undo(shop, WITHDRAW, Move(asked.appid, asked.product, DraftState.IN_AUDIT), outcome)
        assert (await row(shop, asked.product)).state == "IN_AUDIT"
    # What the audit decided stays decided.
    await shop.act(TOOL, "product_audit", product_id=asked.product)
    with pytest.raises(Invalid):
        await undo(shop, SUBMIT, there, sent)


async def test_where_the_draft_cannot_be_read_again_it_is_done_all_the_same(shop: Shop) -> None:
    # Two reads are the plan's.
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=READ, value=500, calls=(3, 4, 5, 6))
    with hurried():
        written = await do(shop, UPDATE, other(shop))
    assert (written.state, await row(shop, written.product)) == (None, None)
    assert len(await told(shop, "product.updated")) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"spu": ""},
        {"title": "ABC-123"},
        {"title": "短"},
        {"images": ()},
        {"images": ("x",) * 10},
        {"categories": ("1", "2")},
        {"freight_template": ""},
        {"attributes": (("", "x"),)},
        {"details": "长" * 5_001},
        {"skus": ()},
        {"skus": (SkuDraft("X", (), 100, 1, "u"), SkuDraft("X", (), 100, 1, "u"))},
        {"skus": (SkuDraft("X", (), 0, 1, "u"),)},
        {"skus": (SkuDraft("X", (), 100, -1, "u"),)},
        {"skus": (SkuDraft("X", (), 100, 1, "u", market_price=100),)},
        {"skus": (SkuDraft("X" * 21, (), 100, 1, "u"),)},
    ],
)
async def test_what_the_shop_would_not_take(shop: Shop, changes: dict[str, Any]) -> None:
    assert code(await do(shop, ADD, new(**changes))) == "BAD_USER_INPUT"
    given: ProductContent = content(**changes)
    refused = await do(shop, UPDATE, Other(coat(shop).appid, coat(shop).product, given, False), "update-key")
    assert code(refused) == "BAD_USER_INPUT"
    assert (shop.effects(TOOL, "product_added"), shop.effects(TOOL, "product_updated")) == (0, 0)


async def test_what_the_shop_does_not_have(shop: Shop) -> None:
    account = store(shop).account
    for action, asked, refusal in (
        (UPDATE, Other(account, "1", content(), False), "NOT_FOUND"),
        (SUBMIT, Listed(account, "1"), "NOT_FOUND"),
        (WITHDRAW, Listed("wx0000000000000000", "1"), "TOOL_NOT_CONFIGURED"),
        (ADD, New("wx0000000000000000", content(), False), "TOOL_NOT_CONFIGURED"),
        (ADD, New(shop.sandbox.world.mini_programs[0].appid, content(), False), "BAD_USER_INPUT"),
    ):
        assert code(await do(shop, action, asked, f"key-of-{action.mutation}-{refusal}")) == refusal
