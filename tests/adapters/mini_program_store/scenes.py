"""Situations in which the contract suite calls the adapter, and one call in each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from adapters.base.secrets import Secret
from adapters.mini_program_store import (
    Address,
    AfterSaleAccept,
    AfterSaleKind,
    AfterSaleProposal,
    AfterSaleRequest,
    CouponKind,
    CouponOffer,
    CouponStatus,
    LinePrice,
    OrderQuery,
    Parcel,
    ParcelLine,
    Payment,
    ProductContent,
    Shipment,
    ShippedParcel,
    ShippingMethod,
    SkuChange,
    SkuDraft,
    SubscribeMessage,
)
from sandbox.server import Sandbox

NAME = "mini_program_store"
SKU = "SL-DOWN-1M"
ADDRESS = Address("林晓雯", "13800000001", "上海市", "上海市", "徐汇区", "安福路 1 号")
PICKED_UP = Shipment(Payment(), ShippingMethod.PICKUP, (ShippedParcel("山岚轻羽绒服"),))


async def act(sandbox: Sandbox, action: str, **given: Any) -> Mapping[str, Any]:
    """Somebody does something at the platform."""
    return await sandbox.platforms[NAME].actions()[action](given)


def goods(sandbox: Sandbox) -> tuple[str, str]:
    """Product and variant that the orders here are of."""
    for product in sandbox.world.products:
        for sku in product.skus:
            if sku.code == SKU:
                return product.store_product_id, sku.store_sku_id
    raise LookupError(SKU)


def parcel(sandbox: Sandbox, number: str = "SF1000000000001", quantity: int = 1) -> Parcel:
    """Everything in one parcel."""
    return Parcel((ParcelLine(*goods(sandbox), quantity),), "SF", number)


def content(**changes: Any) -> ProductContent:
    """A product of one variant."""
    given: dict[str, Any] = {
        "spu": "SL-NEW-1",
        "title": "山岚新款羽绒服",
        "images": ("https://mmecimage.cn/p/x",),
        "categories": ("10001", "10002", "10100"),
        "skus": (SkuDraft("SL-NEW-1M", (("尺码", "M"),), 89900, 10, "https://mmecimage.cn/p/x"),),
        "freight_template": "1",
    }
    return ProductContent(**{**given, **changes})


def offer(sandbox: Sandbox, **changes: Any) -> CouponOffer:
    """80 off from 600, for everybody, for a month."""
    now = sandbox.world.now
    given: dict[str, Any] = {
        "kind": CouponKind.STORE_THRESHOLD_OFF,
        "name": "满600减80",
        "total": 100,
        "per_person": 1,
        "take_from": now - timedelta(days=1),
        "take_to": now + timedelta(days=30),
        "valid_days": 7,
        "off": 8000,
        "from_amount": 60000,
    }
    return CouponOffer(**{**given, **changes})


async def unpaid(sandbox: Sandbox, quantity: int = 1) -> str:
    """An order that waits for its money; there is always stock for it."""
    state: Any = sandbox.platforms[NAME]
    state.state.stock[goods(sandbox)[1]] = 50
    return str((await act(sandbox, "order_new", person="protagonist", sku=SKU, quantity=quantity))["order_id"])


async def paid(sandbox: Sandbox, quantity: int = 1) -> str:
    """An order that waits to be shipped."""
    order = await unpaid(sandbox, quantity)
    await act(sandbox, "order_paid", order_id=order)
    return order


async def shipped(sandbox: Sandbox) -> str:
    """An order on its way."""
    order = await paid(sandbox)
    await act(sandbox, "order_ship", order_id=order)
    return order


async def after_sale(sandbox: Sandbox, kind: str, status: str = "") -> str:
    """An after-sale of a shipped order's, in a state."""
    case = str((await act(sandbox, "after_sale_new", order_id=await shipped(sandbox), type=kind))["after_sale_id"])
    if status:
        await act(sandbox, "after_sale_update", after_sale_id=case, status=status)
    return case


async def trade(sandbox: Sandbox) -> tuple[Payment, str]:
    """A payment in the flagship that the platform knows, and its payer."""
    appid = sandbox.world.mini_programs[0].appid
    made = await act(sandbox, "trade_paid", appid=appid, person="protagonist", amount=81900)
    sandbox.kit.clock.advance(timedelta(minutes=2))
    return Payment(transaction_id=made["transaction_id"]), str(made["openid"])


async def session(adapter: Any, sandbox: Sandbox) -> tuple[str, Secret]:
    """Somebody who is logged in."""
    login = await adapter.login((await act(sandbox, "login_code", appid=adapter.account, person="protagonist"))["code"])
    return login.openid, login.session_key


def yesterday(sandbox: Sandbox) -> date:
    """The last day with figures."""
    return (sandbox.kit.clock.now() + timedelta(hours=8) - timedelta(days=1)).date()


def template(sandbox: Sandbox) -> str:
    """A template of the flagship's."""
    known: dict[str, Any] = sandbox.describe()["platforms"][NAME]["known"]
    return str(known["templates"]["flagship"]["order_ready"])


# The mini-program's ------------------------------------------------------------------------------


async def login(adapter: Any, sandbox: Sandbox) -> object:
    return await session(adapter, sandbox)


async def session_reset(adapter: Any, sandbox: Sandbox) -> object:
    state: Any = sandbox.platforms[NAME]
    openid = sandbox.world.people["linxiaowen"].openids[adapter.account]
    key = state.state.new_session_key(adapter.account, openid)
    return await adapter.session_reset(openid, Secret(key))


async def session_check(adapter: Any, sandbox: Sandbox) -> object:
    state: Any = sandbox.platforms[NAME]
    openid = sandbox.world.people["linxiaowen"].openids[adapter.account]
    return await adapter.session_check(openid, Secret(state.state.new_session_key(adapter.account, openid)))


async def phone_number(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.phone_number(
        (await act(sandbox, "phone_code", appid=adapter.account, person="protagonist"))["code"]
    )


async def paid_unionid(adapter: Any, sandbox: Sandbox) -> object:
    payment, openid = await trade(sandbox)
    return await adapter.paid_unionid(openid, payment)


async def send_subscribe(adapter: Any, sandbox: Sandbox) -> object:
    given = {"appid": adapter.account, "person": "protagonist", "template": template(sandbox), "answer": "accept"}
    openid = (await act(sandbox, "subscribe_answer", **given))["openid"]
    data = {"thing1": "山岚轻羽绒服", "time2": "2026-11-12 10:00"}
    return await adapter.send_subscribe(SubscribeMessage(openid, template(sandbox), data))


async def subscribe_template_delete(adapter: Any, sandbox: Sandbox) -> object:
    state: Any = sandbox.platforms[NAME]
    state.state.added_templates[(adapter.account, "T")] = {"priTmplId": "T", "title": "t", "content": ""}
    return await adapter.subscribe_template_delete("T")


async def shipping_upload(adapter: Any, sandbox: Sandbox) -> object:
    payment, openid = await trade(sandbox)
    shipment = Shipment(payment, PICKED_UP.method, PICKED_UP.parcels)
    return await adapter.shipping_upload(shipment, openid, sandbox.kit.clock.now())


async def shipping_upload_combined(adapter: Any, sandbox: Sandbox) -> object:
    payment, openid = await trade(sandbox)
    shipment = Shipment(payment, PICKED_UP.method, PICKED_UP.parcels)
    return await adapter.shipping_upload_combined(payment, [shipment], openid, sandbox.kit.clock.now())


async def paid_order(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.paid_order((await trade(sandbox))[0])


async def remind_receipt(adapter: Any, sandbox: Sandbox) -> object:
    payment, _ = await trade(sandbox)
    state: Any = sandbox.platforms[NAME]
    state.state.trades[-1].state = 2
    return await adapter.remind_receipt(payment, int(sandbox.kit.clock.now().timestamp()))


# The store's -------------------------------------------------------------------------------------


async def order_ids(adapter: Any, sandbox: Sandbox) -> object:
    now = sandbox.world.now
    return await adapter.order_ids(updated_from=now - timedelta(days=7), updated_to=now)


async def after_sale_ids(adapter: Any, sandbox: Sandbox) -> object:
    now = sandbox.world.now
    return await adapter.after_sale_ids(now - timedelta(hours=24), now)


async def stock_movements(adapter: Any, sandbox: Sandbox) -> object:
    now = sandbox.kit.clock.now()
    return await adapter.stock_movements(*goods(sandbox), now - timedelta(days=1), now)


async def order_search(adapter: Any, sandbox: Sandbox) -> object:
    del sandbox
    return await adapter.order_search(OrderQuery(phone_last4="0001"))


async def order_ship(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.order_ship(await paid(sandbox), [parcel(sandbox)])


async def order_parcels_correct(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.order_parcels_correct(await shipped(sandbox), [parcel(sandbox, "SF2")])


async def order_parcel_extra(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.order_parcel_extra(await shipped(sandbox), [parcel(sandbox, "SF3")], "漏发配件")


async def order_note(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.order_note(await paid(sandbox), "老客户")


async def order_price_change(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.order_price_change(await unpaid(sandbox), [LinePrice(*goods(sandbox), 80000)], freight=0)


async def order_address_change(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.order_address_change(await paid(sandbox), ADDRESS)


async def order_address_accept(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.order_address_request(await asked_address(sandbox), accept=True)


async def order_address_refuse(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.order_address_request(await asked_address(sandbox), accept=False)


async def asked_address(sandbox: Sandbox) -> str:
    """An order whose buyer wants it sent elsewhere."""
    order = await paid(sandbox)
    fields = {"user_name": "林晓雯", "tel_number": "13800000002", "province_name": "上海市", "city_name": "上海市"}
    await act(sandbox, "order_address_ask", order_id=order, address={**fields, "detail_info": "武康路 2 号"})
    return order


async def after_sale_accept(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.after_sale_accept(await after_sale(sandbox, "REFUND"), AfterSaleAccept.REFUND)


async def after_sale_reject(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.after_sale_reject(await after_sale(sandbox, "REFUND"), 1)


async def after_sale_refund_proof(adapter: Any, sandbox: Sandbox) -> object:
    case = await after_sale(sandbox, "REFUND", "PLATFORM_REFUND_FAIL")
    return await adapter.after_sale_refund_proof(case, ["media"], "已线下退款")


async def after_sale_propose(adapter: Any, sandbox: Sandbox) -> object:
    case = await after_sale(sandbox, "RETURN")
    return await adapter.after_sale_propose(AfterSaleProposal(case, AfterSaleKind.REFUND, 5000, 1, 1, "部分退款"))


async def after_sale_exchange_ship(adapter: Any, sandbox: Sandbox) -> object:
    case = await after_sale(sandbox, "EXCHANGE", "MERCHANT_WAIT_RECEIPT")
    return await adapter.after_sale_exchange_ship(case, "SF", "SF9")


async def after_sale_exchange_refuse(adapter: Any, sandbox: Sandbox) -> object:
    case = await after_sale(sandbox, "EXCHANGE", "MERCHANT_WAIT_RECEIPT")
    return await adapter.after_sale_exchange_refuse(case, 4)


async def after_sale_open(adapter: Any, sandbox: Sandbox) -> object:
    order = await shipped(sandbox)
    request = AfterSaleRequest(f"R{order}", order, *goods(sandbox), 1, 100, AfterSaleKind.REFUND, "1")
    return await adapter.after_sale_open(request)


async def product_add(adapter: Any, sandbox: Sandbox) -> object:
    del sandbox
    return await adapter.product_add(content())


async def product_update(adapter: Any, sandbox: Sandbox) -> object:
    product, sku = goods(sandbox)
    draft = SkuDraft(SKU, (("尺码", "M"),), 88800, 10, "https://mmecimage.cn/p/x", sku_id=sku)
    return await adapter.product_update(product, content(skus=(draft,)))


async def product_change(adapter: Any, sandbox: Sandbox) -> object:
    product, sku = goods(sandbox)
    state: Any = sandbox.platforms[NAME]
    state.state.published.pop(product, None)
    return await adapter.product_change(product, [SkuChange(sku, price=88800)])


async def product_list(adapter: Any, sandbox: Sandbox) -> object:
    product, _ = goods(sandbox)
    state: Any = sandbox.platforms[NAME]
    state.state.listing[product] = 11
    return await adapter.product_list(product)


async def product_delist(adapter: Any, sandbox: Sandbox) -> object:
    product, _ = goods(sandbox)
    state: Any = sandbox.platforms[NAME]
    state.state.listing[product] = 5
    return await adapter.product_delist(product)


async def product_audit_cancel(adapter: Any, sandbox: Sandbox) -> object:
    product, _ = goods(sandbox)
    state: Any = sandbox.platforms[NAME]
    state.state.edit_status[product] = 2
    return await adapter.product_audit_cancel(product)


async def product_delete(adapter: Any, sandbox: Sandbox) -> object:
    product, _ = goods(sandbox)
    state: Any = sandbox.platforms[NAME]
    state.state.listing[product] = 11
    return await adapter.product_delete(product)


async def stock_change(adapter: Any, sandbox: Sandbox) -> object:
    state: Any = sandbox.platforms[NAME]
    state.state.stock[goods(sandbox)[1]] = 50
    return await adapter.stock_change(*goods(sandbox), -1)


async def coupon(adapter: Any, sandbox: Sandbox) -> str:
    """A coupon that is still being edited, and one effect of another kind."""
    del adapter
    state: Any = sandbox.platforms[NAME]
    number = str(10**14 + len(state.state.coupons))
    state.state.coupons[number] = {
        "coupon_id": number,
        "type": 102,
        "status": 1,
        "coupon_info": {"name": "old"},
        "stock_info": {"issued_num": 1, "receive_num": 0, "used_num": 0},
    }
    return number


async def coupon_create(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.coupon_create(offer(sandbox))


async def coupon_update(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.coupon_update(await coupon(adapter, sandbox), offer(sandbox))


async def coupon_status_set(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.coupon_status_set(await coupon(adapter, sandbox), CouponStatus.ACTIVE)


async def user_coupon(adapter: Any, sandbox: Sandbox) -> object:
    state: Any = sandbox.platforms[NAME]
    openid = state.state.store_openid("linxiaowen")
    row = {"openid": openid, "user_coupon_id": "7", "coupon_id": "8", "status": 100}
    state.state.user_coupons["7"] = row
    return await adapter.user_coupon(openid, "7")


async def funds_flow_ids(adapter: Any, sandbox: Sandbox) -> object:
    now = sandbox.world.now
    return await adapter.funds_flow_ids(now - timedelta(days=60), now)


async def order_settlements(adapter: Any, sandbox: Sandbox) -> object:
    now = sandbox.world.now
    return await adapter.order_settlements(now - timedelta(days=30), now)


async def live_sessions(adapter: Any, sandbox: Sandbox) -> object:
    now = sandbox.world.now
    return await adapter.live_sessions(now - timedelta(days=30), now)
