"""Products and stock: written to a draft, audited, listed; stock by delta."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.base.errors import Conflict, Invalid, NotFound, RateLimited, Rejected
from adapters.mini_program_store import (
    DraftState,
    MiniProgramStoreAdapter,
    Product,
    ProductStatus,
    SkuChange,
    SkuDraft,
    SkuStock,
)
from sandbox.server import Sandbox
from tests.adapters.mini_program_store.conftest import NAME, Act
from tests.adapters.mini_program_store.scenes import SKU, content, goods


async def test_a_product_is_seen_after_its_audit(store: MiniProgramStoreAdapter, platform: Sandbox, act: Act) -> None:
    number = await store.product_add(content(), list_it=True)
    draft = await store.product_draft(number)
    assert draft is not None
    assert (draft.title, draft.state) == ("山岚新款羽绒服", DraftState.IN_AUDIT)
    assert isinstance((await store.products([number]))[0], NotFound)
    assert number not in (await store.product_ids()).items
    await act("product_audit", product_id=number, passed=True)
    (product,) = await store.products([number])
    assert isinstance(product, Product)
    assert (product.on_sale, product.spu, product.skus[0].price) == (True, "SL-NEW-1", 89900)
    assert number in (await store.product_ids(status=ProductStatus.ON_SALE)).items
    assert await store.product_draft(number) is None


async def test_a_change_waits_in_the_draft_and_can_be_taken_back(
    store: MiniProgramStoreAdapter, platform: Sandbox, act: Act
) -> None:
    number, sku = goods(platform)
    draft = SkuDraft(SKU, (("尺码", "M"),), 70000, 10, "https://mmecimage.cn/p/x", sku_id=sku)
    await store.product_update(number, content(title="山岚羽绒服二代", skus=(draft,)), list_it=True)
    with pytest.raises(Conflict) as busy:
        await store.product_update(number, content())
    with pytest.raises(Conflict) as stock:
        await store.stock_change(number, sku, 1)
    assert {busy.value.upstream_code, stock.value.upstream_code} == {"10020217"}
    (live,) = await store.products([number])
    assert isinstance(live, Product)
    assert live.title != "山岚羽绒服二代"
    await store.product_audit_cancel(number)
    waiting = await store.product_draft(number)
    assert waiting is not None
    assert (waiting.state, waiting.title) == (DraftState.EDITING, "山岚羽绒服二代")
    await store.product_list(number)
    await act("product_audit", product_id=number, passed=False)
    refused = await store.product_draft(number)
    assert refused is not None
    assert refused.state is DraftState.REJECTED


async def test_prices_change_without_an_audit_on_sale_only(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    number, sku = goods(platform)
    await store.product_change(number, [SkuChange(sku, price=66600, stock=5)])
    (product,) = await store.products([number])
    assert isinstance(product, Product)
    changed = next(each for each in product.skus if each.sku_id == sku)
    assert (changed.price, changed.stock) == (66600, 5)
    await store.product_delist(number)
    with pytest.raises(Conflict, match="never on sale"):
        await store.product_change(number, [SkuChange(sku, price=1)])


async def test_off_the_shelf_and_on_again_and_gone(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    number, _ = goods(platform)
    await store.product_delist(number)
    await store.product_delist(number)
    assert (await store.product_ids(status=ProductStatus.DELISTED)).items == [number]
    await store.product_list(number)
    assert (await store.product_ids(status=ProductStatus.DELISTED)).items == []
    kinds = [effect.kind for effect in platform.kit.journal.effects if effect.kind.startswith("product_")]
    assert kinds == ["product_delisted", "product_listed"]
    await store.product_delete(number)
    assert number not in (await store.product_ids()).items
    with pytest.raises(NotFound):
        await store.product_list(number)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "ABC-123"},
        {"title": "短"},
        {"images": ()},
        {"freight_template": ""},
        {"skus": (SkuDraft("X", (), 100, 1, "u", market_price=100),)},
        {"skus": (SkuDraft("X" * 21, (), 100, 1, "u"),)},
        {"skus": (SkuDraft("X", (), 10_000_001, 1, "u"),)},
    ],
)
async def test_what_the_store_does_not_take(
    store: MiniProgramStoreAdapter, platform: Sandbox, changes: dict[str, Any]
) -> None:
    with pytest.raises(Invalid) as error:
        await store.product_add(content(**changes))
    assert error.value.upstream_code == "10020051"
    assert platform.kit.journal.of_kind(NAME, "product_added") == []


async def test_stock_moves_by_delta_and_leaves_a_book(
    store: MiniProgramStoreAdapter, platform: Sandbox, act: Act
) -> None:
    number, sku = goods(platform)
    before = await store.stock(number, sku)
    await store.stock_change(number, sku, 5)
    await store.stock_change(number, sku, -2)
    order = (await act("order_new", person="protagonist", sku=SKU, quantity=1))["order_id"]
    assert await store.stock(number, sku) == before + 2
    now = platform.kit.clock.now()
    moved = (await store.stock_movements(number, sku, now - timedelta(hours=1), now)).items
    assert [each.delta for each in moved] == [5, -2, -1]
    assert [each.order_id for each in moved] == [None, None, order]
    assert (moved[0].before, moved[-1].after) == (before, before + 2)
    with pytest.raises(Rejected) as short:
        await store.stock_change(number, sku, -before - 100)
    assert (short.value.reason, short.value.upstream_code) == ("stock_short", "10020219")
    with pytest.raises(Invalid):
        await store.stock_change(number, sku, 0)


async def test_a_variant_can_be_changed_too_often(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    platform.kit.faults.add(NAME, "code", endpoint="*/stock/update", value=10020112)
    with pytest.raises(RateLimited) as error:
        await store.stock_change(*goods(platform), 1)
    assert (error.value.reason, error.value.retry_after) == ("stock_too_often", 60)


async def test_stock_of_a_draft_cannot_be_changed(store: MiniProgramStoreAdapter) -> None:
    number = await store.product_add(content())
    draft = await store.product_draft(number)
    assert draft is not None
    with pytest.raises(Conflict) as error:
        await store.stock_change(number, draft.skus[0].sku_id, 1)
    assert error.value.reason == "never_listed"


async def test_stock_of_many_products_in_few_calls(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    ids = [product.store_product_id for product in platform.world.products]
    found = await store.stocks([*ids, "99999999999999", *ids])
    assert set(found) == {
        SkuStock(product.store_product_id, sku.store_sku_id, sku.stock, 0)
        for product in platform.world.products
        for sku in product.skus
    }
    assert platform.kit.journal.count(NAME, "POST /channels/ec/product/stock/batchget") == 1
    await store.stocks([str(10**13 + n) for n in range(41)])
    assert platform.kit.journal.count(NAME, "POST /channels/ec/product/stock/batchget") == 4
