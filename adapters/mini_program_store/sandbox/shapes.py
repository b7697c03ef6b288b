"""Wire shapes of the store's objects, in the platform's field names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from adapters.mini_program_store.sandbox.state import State
from sandbox.world import AfterSale, Line, Person, Product, Sku, StoreOrder

_MUNICIPALITIES: Final = {"上海", "北京", "天津", "重庆"}
_REASONS: Final = {"SIZE_NOT_FIT": "尺码不合适", "NO_LONGER_WANT": "拍错/多拍/不喜欢"}
#: After-sale states in which nothing moves any more.
SUCCEEDED: Final = {"MERCHANT_REFUND_SUCCESS", "MERCHANT_RETURN_SUCCESS", "MERCHANT_EXCHANGE_SUCCESS"}
ENDED: Final = {*SUCCEEDED, "USER_CANCELD", "RETURN_CLOSED"}
ROOTS: Final = {10001: "运动户外", 10002: "户外服饰"}


def seconds(at: datetime | None) -> int:
    """Epoch seconds; 0 for never, as the platform writes it."""
    return int(at.timestamp()) if at is not None else 0


def categories(state: State) -> dict[int, str]:
    """Category id → name: two levels above, and one leaf per category of the brand."""
    names = dict.fromkeys(product.category for product in state.world.products)
    return {**ROOTS, **{10100 + number: name for number, name in enumerate(names)}}


def product(state: State, number: str) -> dict[str, Any] | None:
    """``product`` of /channels/ec/product/get: what shoppers see, None for what was never audited."""
    item = state.products.get(number)
    shape = state.published.get(number) or (_product(state, item) if item else None)
    if shape is None:
        return None
    return {
        **shape,
        "product_id": number,
        "status": state.listing[number],
        "edit_status": state.edit_status.get(number, 4),
        "skus": [{**sku, "stock_num": state.stock[str(sku["sku_id"])]} for sku in shape["skus"]],
        "edit_time": seconds(state.edited_at[number]),
    }


def draft(state: State, number: str) -> dict[str, Any] | None:
    """``edit_product``, where there is one."""
    shape = state.drafts.get(number)
    edit = {"product_id": number, "status": state.listing[number], "edit_status": state.edit_status.get(number, 1)}
    return {**shape, **edit} if shape else None


def _product(state: State, item: Product) -> dict[str, Any]:
    leaf = next(number for number, name in categories(state).items() if name == item.category)
    return {
        "product_id": item.store_product_id,
        "out_product_id": item.spu,
        "title": item.title,
        "sub_title": "",
        "head_imgs": [item.image],
        "desc_info": {"imgs": [item.image], "desc": ""},
        "cats": [],
        "cats_v2": [{"cat_id": str(number)} for number in (*ROOTS, leaf)],
        "attrs": [],
        "spu_code": item.spu,
        "brand_id": "2100000000",
        "deliver_method": 0,
        "express_info": {"template_id": "1", "weight": 500},
        "status": state.listing[item.store_product_id],
        "edit_status": 4,
        "min_price": min(sku.price for sku in item.skus),
        "skus": [_sku(state, sku, item) for sku in item.skus],
        "extra_service": {"seven_day_return": 1, "freight_insurance": 0},
        "product_type": 1,
        "edit_time": seconds(state.edited_at[item.store_product_id]),
        "total_sold_num": 0,
    }


def _sku(state: State, sku: Sku, item: Product) -> dict[str, Any]:
    return {
        "sku_id": sku.store_sku_id,
        "out_sku_id": sku.code,
        "thumb_img": item.image,
        "sale_price": sku.price,
        "market_price": sku.price + 1000,
        "stock_num": state.stock[sku.store_sku_id],
        "sku_code": sku.code,
        "bar_code": sku.gtin,
        "sku_attrs": _attributes(sku),
        "status": 5,
        "sku_deliver_info": {"stock_type": 0},
    }


def _attributes(sku: Sku) -> list[dict[str, str]]:
    return [{"attr_key": key, "attr_value": value} for key, value in sku.attributes.items()]


def order(state: State, row: StoreOrder) -> dict[str, Any]:
    """``order`` of /channels/ec/order/get. For a gift ``openid`` is the receiver, the giver stands beside."""
    receiver = state.world.people[row.receiver or row.person]
    gift = receiver.key != row.person
    open_cases = [a for a in _cases(state, row) if a.status not in ENDED]
    shape: dict[str, Any] = {
        "order_id": row.order_id,
        "status": row.status,
        "create_time": seconds(row.created_at),
        "update_time": seconds(row.updated_at),
        "openid": state.store_openid(receiver.key),
        "is_present": gift,
        "order_detail": _detail(state, row, receiver),
        "aftersale_detail": {
            "aftersale_order_list": [{"aftersale_order_id": a.after_sale_id} for a in _cases(state, row)],
            "on_aftersale_order_cnt": len(open_cases),
        },
    }
    if receiver.unionid:
        shape["unionid"] = receiver.unionid
    if gift:
        giver = state.world.people[row.person]
        shape["present_giver_openid"] = state.store_openid(giver.key)
        shape["present_giver_unionid"] = giver.unionid
    return shape


def _cases(state: State, row: StoreOrder) -> list[AfterSale]:
    return [case for case in state.after_sales.values() if case.order_id == row.order_id]


def _detail(state: State, row: StoreOrder, receiver: Person) -> dict[str, Any]:
    listed = sum(line.list_amount for line in row.lines)
    paid = {} if row.paid_at is None else {"transaction_id": row.transaction_id, "payment_method": 1}
    return {
        "product_infos": [_line(state, row, line) for line in row.lines],
        "pay_info": {
            "prepay_id": f"wx{row.order_id}",
            "prepay_time": seconds(row.created_at),
            **({"pay_time": seconds(row.paid_at)} if row.paid_at else {}),
            **paid,
        },
        "price_info": {
            "product_price": listed,
            "order_price": row.payable,
            "freight": row.freight,
            "discounted_price": row.discount,
            "is_discounted": row.discount > 0,
            "original_order_price": listed + row.freight,
            "merchant_receieve_price": listed + row.freight - row.discount,
        },
        "delivery_info": {
            "address_info": masked(state.addresses.get(row.order_id) or address(state, receiver)),
            **_wished(state.address_requests.get(row.order_id)),
            "delivery_product_info": parcels(state, row),
            **({"ship_done_time": seconds(row.shipped_at)} if row.shipped_at else {}),
            "deliver_method": 0,
        },
        "ext_info": {
            "customer_notes": "",
            "merchant_notes": state.notes.get(row.order_id, ""),
            "order_scene": row.scene,
            **({"confirm_receipt_time": seconds(row.finished_at)} if row.finished_at else {}),
        },
        "settle_info": {"predict_commission_fee": row.payable // 100},
    }


def _wished(asked: Mapping[str, Any] | None) -> dict[str, Any]:
    """The address that the buyer asks for; it becomes the order's own when staff agree."""
    return {} if asked is None else {"address_under_review": masked(asked)}


def _line(state: State, row: StoreOrder, line: Line) -> dict[str, Any]:
    item, sku = state.sku(line.sku)
    cases = [case for case in _cases(state, row) if case.sku == line.sku]
    return {
        "product_id": item.store_product_id,
        "sku_id": sku.store_sku_id,
        "sku_code": sku.code,
        "out_product_id": item.spu,
        "out_sku_id": sku.code,
        "sku_cnt": line.quantity,
        "on_aftersale_sku_cnt": sum(case.quantity for case in cases if case.status not in ENDED),
        "finish_aftersale_sku_cnt": sum(case.quantity for case in cases if case.status in SUCCEEDED),
        "title": item.title,
        "thumb_img": item.image,
        "sku_attrs": _attributes(sku),
        "sale_price": line.list_amount // line.quantity,
        "market_price": line.list_amount // line.quantity + 1000,
        "real_price": line.paid_amount,
        "estimate_price": line.paid_amount,
        "is_discounted": line.paid_amount < line.list_amount,
    }


def parcels(state: State, row: StoreOrder) -> list[dict[str, Any]]:
    """``delivery_product_info``: as sent through the API, else everything in one."""
    if row.order_id in state.parcels:
        return state.parcels[row.order_id]
    if row.shipped_at is None:
        return []
    goods = []
    for line in row.lines:
        item, sku = state.sku(line.sku)
        goods.append(
            {
                "product_id": item.store_product_id,
                "sku_id": sku.store_sku_id,
                "product_cnt": line.quantity,
            }
        )
    return [
        {
            "waybill_id": row.waybill,
            "delivery_id": "SF",
            "delivery_name": "顺丰速运",
            "delivery_time": seconds(row.shipped_at),
            "deliver_type": 1,
            "product_infos": goods,
        }
    ]


def home(state: State, person: Person) -> tuple[str, str]:
    """Province and city where a person lives: always the same for the same person."""
    stores = state.world.stores
    store = stores[hashlib.sha256(person.key.encode()).digest()[0] % len(stores)]
    province = store.province + ("市" if store.province in _MUNICIPALITIES else "省")
    return province, store.city + "市"


def address(state: State, person: Person) -> dict[str, Any]:
    """Where a person lives, in the clear."""
    province, city = home(state, person)
    return {
        "user_name": person.name,
        "tel_number": person.phone,
        "postal_code": "",
        "province_name": province,
        "city_name": city,
        "county_name": "",
        "detail_info": "中山路 1 号",
        "house_number": "",
    }


def masked(clear: Mapping[str, Any]) -> dict[str, Any]:
    """``address_info`` of an order: nobody reads the name, the number or the street."""
    return {
        **clear,
        "user_name": str(clear["user_name"])[:1] + "**",
        "tel_number": masked_phone(str(clear["tel_number"])),
        "detail_info": "***",
        "use_tel_number": 1,
        "hash_code": hashlib.sha256(repr(sorted(clear.items())).encode()).hexdigest()[:16],
    }


def masked_phone(phone: str) -> str:
    """138****0001."""
    return f"{phone[:3]}****{phone[-4:]}"


def after_sale(state: State, row: AfterSale) -> dict[str, Any]:
    """``after_sale_order`` of /channels/ec/aftersale/getaftersaleorder."""
    item, sku = state.sku(row.sku)
    person = state.world.people[row.person]
    union = {"unionid": person.unionid} if person.unionid else {}
    return {
        "after_sale_order_id": row.after_sale_id,
        "order_id": row.order_id,
        "status": row.status,
        "type": row.type,
        "reason": row.reason,
        "reason_text": _REASONS.get(row.reason, row.reason),
        "openid": state.store_openid(row.person),
        **union,
        "create_time": seconds(row.created_at),
        "update_time": seconds(row.updated_at),
        "product_info": {
            "product_id": item.store_product_id,
            "sku_id": sku.store_sku_id,
            "sku_code": sku.code,
            "count": row.quantity,
            "fast_refund": False,
        },
        "details": {"desc": "", "receive_product": row.type != "REFUND", "media_id_list": []},
        "refund_info": {"amount": row.refund, "refund_reason": 3 if row.refund else 0},
        **({"deadline": 172800} if row.status == "MERCHANT_PROCESSING" else {}),
        **state.after_sale_extras.get(row.after_sale_id, {}),
    }
