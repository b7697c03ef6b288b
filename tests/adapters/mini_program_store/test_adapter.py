"""Records against the world, over real HTTP."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

import pytest

from adapters.base.errors import Conflict, Invalid, NotFound, Rejected
from adapters.mini_program_store import (
    TOOL,
    AfterSale,
    AfterSaleKind,
    AfterSaleState,
    MiniProgramStoreAdapter,
    Order,
    OrderState,
    PhoneNumber,
    Product,
    Sku,
    VipMember,
)
from sandbox.server import Sandbox
from tests.adapters.mini_program_store.conftest import NAME, Act
from tests.conftest import OpenTool

LIST = "POST /channels/ec/order/list/get"


async def test_login_tells_who_holds_the_code(flagship: MiniProgramStoreAdapter, platform: Sandbox, act: Act) -> None:
    person = platform.world.people["linxiaowen"]
    code = (await act("login_code", appid=flagship.account, person="protagonist"))["code"]
    login = await flagship.login(code)
    assert (login.appid, login.openid) == (flagship.account, person.openids[flagship.account])
    assert login.unionid == person.unionid
    assert len(base64.b64decode(login.session_key.reveal())) == 16
    assert "***" in repr(login)


async def test_login_without_unionid(open_tool: OpenTool, platform: Sandbox, act: Act) -> None:
    scan = await open_tool(TOOL, platform, "scan")
    code = (await act("login_code", appid=scan.account, person="no_unionid"))["code"]
    assert (await scan.login(code)).unionid is None


async def test_a_login_code_works_once_and_for_five_minutes(
    flagship: MiniProgramStoreAdapter, platform: Sandbox, act: Act
) -> None:
    code = (await act("login_code", appid=flagship.account, person="protagonist"))["code"]
    await flagship.login(code)
    with pytest.raises(Rejected) as used:
        await flagship.login(code)
    assert (used.value.reason, used.value.upstream_code) == ("code_used", "40163")
    late = (await act("login_code", appid=flagship.account, person="protagonist"))["code"]
    platform.kit.clock.advance(timedelta(minutes=5, seconds=1))
    with pytest.raises(Rejected) as error:
        await flagship.login(late)
    assert (error.value.reason, error.value.upstream_code) == ("code_invalid", "40029")
    assert len(platform.kit.journal.of_kind(NAME, "login_code_used")) == 1


async def test_phone_number(flagship: MiniProgramStoreAdapter, platform: Sandbox, act: Act) -> None:
    phone = platform.world.people["linxiaowen"].phone
    code = (await act("phone_code", appid=flagship.account, person="linxiaowen"))["code"]
    number = await flagship.phone_number(code)
    assert number == PhoneNumber(phone, "86")
    assert phone not in repr(number)
    with pytest.raises(Rejected):
        await flagship.phone_number(code)


async def test_calls_of_the_other_kind_are_refused_before_any_request(
    flagship: MiniProgramStoreAdapter, store: MiniProgramStoreAdapter, platform: Sandbox
) -> None:
    with pytest.raises(Invalid, match="This account is a store; the call needs a mini_program") as error:
        await store.login("code")
    assert error.value.reason == "account_kind"
    with pytest.raises(Invalid, match="This account is a mini_program; the call needs a store"):
        await flagship.orders(["1"])
    assert platform.kit.journal.calls == []


async def test_products_carry_the_worlds_words_and_numbers(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    page = await store.product_ids()
    assert page.items == [item.store_product_id for item in platform.world.products]
    assert page.next_cursor is None
    products = await store.products(page.items)
    for product, item in zip(products, platform.world.products, strict=True):
        assert isinstance(product, Product)
        assert (product.appid, product.product_id) == (store.account, item.store_product_id)
        assert (product.spu, product.title, product.category) == (item.spu, item.title, item.category)
        assert (product.image, product.on_sale) == (item.image, True)
        assert product.updated_at == platform.world.now.replace(microsecond=0) - timedelta(days=100)
        assert product.skus == tuple(
            Sku(s.store_sku_id, s.code, tuple(s.attributes.items()), s.price, s.stock) for s in item.skus
        )


async def test_a_category_is_asked_for_once(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    ids = [item.store_product_id for item in platform.world.products]
    await store.products(ids)
    await store.products(ids)
    assert platform.kit.journal.count(NAME, "POST /channels/ec/product/get") == 2 * len(ids)
    assert platform.kit.journal.count(NAME, "POST /channels/ec/category/detail") == len(ids)


async def test_products_survive_a_category_that_is_gone(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    platform.kit.faults.add(NAME, "code", endpoint="*/category/detail", value=40097)
    item = platform.world.products[0]
    (product,) = await store.products([item.store_product_id])
    assert isinstance(product, Product)
    assert (product.title, product.category) == (item.title, "")


async def test_stock_falls_with_an_order_and_returns_with_its_cancelling(
    store: MiniProgramStoreAdapter, platform: Sandbox, act: Act
) -> None:
    item = platform.world.products[0]
    sku = item.skus[0]
    assert await store.stock(item.store_product_id, sku.store_sku_id) == sku.stock
    made = await act("order_new", person="protagonist", sku=sku.code, quantity=2)
    assert await store.stock(item.store_product_id, sku.store_sku_id) == sku.stock - 2
    await act("order_cancel", order_id=made["order_id"])
    assert await store.stock(item.store_product_id, sku.store_sku_id) == sku.stock
    with pytest.raises(NotFound):
        await store.stock(item.store_product_id, "99")


async def test_the_protagonists_order_in_full(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    world = platform.world
    row = next(o for o in world.store_orders if o.person == "linxiaowen" and o.discount)
    person, sku = world.people["linxiaowen"], world.sku("YL-SHELL-2M")
    (order,) = await store.orders([row.order_id])
    assert isinstance(order, Order)
    assert (order.order_id, order.state) == (row.order_id, OrderState.COMPLETED)
    assert (order.openid, order.unionid) == (person.openids[store.account], person.unionid)
    assert (order.created_at, order.updated_at) == (row.created_at, row.updated_at)
    assert (order.paid_at, order.shipped_at) == (row.paid_at, row.shipped_at)
    assert (order.list_total, order.discount, order.freight, order.payable) == (129900, 15000, 0, 114900)
    assert (order.transaction_id, order.carrier) == (row.transaction_id, "顺丰速运")
    assert (order.tracking_number, order.scene) == (row.waybill, "SHORT_VIDEO")
    assert order.receiver_name == "林**"
    assert order.receiver_phone == f"{person.phone[:3]}****{person.phone[-4:]}"
    assert order.receiver_city in {f"{s.city}市" for s in world.stores}
    (line,) = order.lines
    assert (line.sku_code, line.sku_id, line.quantity) == ("YL-SHELL-2M", sku.store_sku_id, 1)
    assert (line.title, line.list_amount, line.paid_amount) == ("屿岭三合一冲锋衣", 129900, 114900)


async def test_a_gift_names_its_receiver_and_its_giver(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    people = platform.world.people
    row = next(o for o in platform.world.store_orders if o.receiver != o.person)
    (order,) = await store.orders([row.order_id])
    assert isinstance(order, Order)
    assert order.openid == people["hejia"].openids[store.account]
    assert order.giver_openid == people["guoran"].openids[store.account]
    assert order.giver_unionid == people["guoran"].unionid
    assert order.receiver_name == "何**"


async def test_orders_are_listed_by_update_or_by_creation(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    world = platform.world
    begin = world.now - timedelta(days=30)
    for name in ("updated", "created"):
        span = {f"{name}_from": begin, f"{name}_to": begin + timedelta(days=7)}
        page = await store.order_ids(**span)  # type: ignore[arg-type]
        first, last = int(begin.timestamp()), int(begin.timestamp()) + 604800
        expected = {o.order_id for o in world.store_orders if first <= _at(o, name).timestamp() <= last}
        assert expected
        assert set(page.items) == expected
        assert page.next_cursor is None


def _at(order: object, name: str) -> datetime:
    at: datetime = getattr(order, f"{name}_at")
    return at


async def test_order_pages_follow_the_platforms_cursor(
    store: MiniProgramStoreAdapter, platform: Sandbox, act: Act
) -> None:
    for _ in range(6):
        for product in platform.world.products:
            for sku in product.skus:
                await act("order_new", person="protagonist", sku=sku.code, quantity=1)
    now = platform.kit.clock.now()
    span = {"created_from": now - timedelta(hours=1), "created_to": now + timedelta(seconds=1)}
    seen: list[str] = []
    sizes, cursor = [], None
    while True:
        page = await store.order_ids(**span, cursor=cursor)
        seen += page.items
        sizes.append(len(page.items))
        cursor = page.next_cursor
        if cursor is None:
            break
    expected = {o for o, row in platform.platforms[NAME].state.orders.items() if row.status == 10}  # type: ignore[attr-defined]
    assert set(seen) == expected
    assert len(seen) == len(expected) == 6 * sum(len(p.skus) for p in platform.world.products)
    assert sizes == [100, 100, len(expected) - 200]
    assert platform.kit.journal.count(NAME, LIST) == 3


async def test_a_cursor_of_another_question_is_a_conflict(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    now = platform.world.now
    with pytest.raises(Conflict) as error:
        await store.order_ids(updated_from=now - timedelta(days=7), updated_to=now, cursor="Zm9yZWlnbjoxMDA=")
    assert (error.value.reason, error.value.upstream_code) == ("cursor_mismatch", "606006")


@pytest.mark.parametrize(
    ("days", "naive", "reason"),
    [(7.001, False, "window_too_wide"), (-1, False, "window_too_wide"), (1, True, "window")],
)
async def test_windows_are_checked_before_the_platform_is_asked(
    store: MiniProgramStoreAdapter, platform: Sandbox, days: float, naive: bool, reason: str
) -> None:
    begin = platform.world.now
    end = begin + timedelta(days=days)
    if naive:
        begin, end = begin.replace(tzinfo=None), end.replace(tzinfo=None)
    with pytest.raises(Invalid) as error:
        await store.order_ids(updated_from=begin, updated_to=end)
    assert error.value.reason == reason
    with pytest.raises(Invalid):
        await store.after_sale_ids(begin, begin + timedelta(hours=24, seconds=1))
    with pytest.raises(Invalid, match="created_from and created_to"):
        await store.order_ids(updated_from=begin, updated_to=end, created_from=begin, created_to=end)
    with pytest.raises(Invalid):
        await store.order_ids()
    assert platform.kit.journal.calls == []


async def test_an_order_goes_through_its_states(store: MiniProgramStoreAdapter, act: Act) -> None:
    made = (await act("order_new", person="protagonist", sku="SL-DOWN-1M", quantity=1))["order_id"]
    states = []
    for action in ("", "order_paid", "order_ship", "order_confirm"):
        if action:
            await act(action, order_id=made)
        (order,) = await store.orders([made])
        assert isinstance(order, Order)
        states.append(order.state)
    assert states == ["UNPAID", "AWAITING_SHIPMENT", "SHIPPED", "COMPLETED"]


async def test_after_sales(store: MiniProgramStoreAdapter, platform: Sandbox, act: Act) -> None:
    row = platform.world.after_sales[0]
    (record,) = await store.after_sales([row.after_sale_id])
    assert isinstance(record, AfterSale)
    assert record == AfterSale(
        appid=store.account,
        after_sale_id=row.after_sale_id,
        order_id=row.order_id,
        openid=platform.world.people["linxiaowen"].openids[store.account],
        kind=AfterSaleKind.EXCHANGE,
        state=AfterSaleState.SUCCEEDED,
        reason="尺码不合适",
        sku_id=platform.world.sku(row.sku).store_sku_id,
        quantity=1,
        refund=0,
        created_at=row.created_at,
        updated_at=row.updated_at,
        product_id=next(p.store_product_id for p in platform.world.products if row.sku in {s.code for s in p.skus}),
        status="MERCHANT_EXCHANGE_SUCCESS",
    )
    made = (await act("after_sale_new", order_id=row.order_id, type="REFUND"))["after_sale_id"]
    now = platform.kit.clock.now()
    page = await store.after_sale_ids(now - timedelta(hours=24), now)
    assert page.items == [made]
    (asked,) = await store.after_sales([made])
    assert isinstance(asked, AfterSale)
    assert (asked.kind, asked.state, asked.refund) == ("REFUND", "AWAITING_MERCHANT", 35900)
    (order,) = await store.orders([row.order_id])
    assert isinstance(order, Order)
    assert order.lines[0].after_sale_quantity == 2


async def test_members_with_and_without_what_must_be_asked_for(
    store: MiniProgramStoreAdapter, platform: Sandbox
) -> None:
    person = platform.world.people["linxiaowen"]
    plain = await store.vip_members()
    assert plain.items[0] == VipMember(
        store.account, person.openids[store.account], person.unionid, 3, 8260, None, None
    )
    assert platform.kit.journal.count(NAME, "POST /channels/ec/vip/user/score/get") == 0
    full = await store.vip_members(with_scores=True, with_phones=True)
    assert (full.items[0].score, full.items[0].phone) == (3260, person.phone)
    assert platform.kit.journal.count(NAME, "POST /channels/ec/vip/user/score/get") == len(full.items)


async def test_member_pages_end(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    platform.platforms[NAME].state.vip_cards *= 3  # type: ignore[attr-defined]
    total = len(platform.world.vip_cards) * 3
    assert total > 100
    sizes, page = [], await store.vip_members()
    while page.next_cursor is not None:
        sizes.append(len(page.items))
        page = await store.vip_members(page.next_cursor)
    sizes.append(len(page.items))
    assert sum(sizes) == total
    assert all(size == 50 for size in sizes[:-1])
    with pytest.raises(Invalid):
        await store.vip_members("0")


async def test_product_pages_end_without_a_has_more(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    state = platform.platforms[NAME].state  # type: ignore[attr-defined]
    extra = {str(20_000_000_000_000 + number): 5 for number in range(52)}
    state.listing.update(extra)
    pages, cursor = [], None
    while True:
        page = await store.product_ids(cursor)
        pages.append(len(page.items))
        cursor = page.next_cursor
        if cursor is None:
            break
    # Sixty ids fill two pages exactly: the count says that there is no third.
    assert pages == [30, 30]
    with pytest.raises(Invalid):
        await store.product_ids("nonsense")
