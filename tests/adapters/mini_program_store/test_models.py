"""Answers as the vendor documents them, quoted and unquoted numbers mixed, through models and records."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.base.errors import FaultTable
from adapters.base.transport import Response
from adapters.mini_program_store import AfterSaleState, Fulfilment, OrderLine, OrderState, after_sales, orders, shop
from adapters.mini_program_store.client.orders import ORDER_LIST_GET
from adapters.mini_program_store.models import after_sales as after_sale_models
from adapters.mini_program_store.models import mini_program as mini_program_models
from adapters.mini_program_store.models import orders as order_models
from adapters.mini_program_store.models import products as product_models
from adapters.mini_program_store.models import shop as shop_models
from adapters.wechat.envelope import Envelope, decode
from adapters.wechat.tokens import StableToken

WIRE = Path(__file__).parent / "wire"
KINDS: dict[str, Any] = {
    "stable_token": StableToken,
    "jscode2session": mini_program_models.JsCode2Session,
    "getuserphonenumber": mini_program_models.GetUserPhoneNumber,
    "openapi_quota_get": Envelope,
    "subscribe_send": Envelope,
    "basics_info_get": shop_models.StoreInfoGet,
    "category_detail": product_models.CategoryDetail,
    "product_list_get": product_models.ProductList,
    "product_get": product_models.ProductGet,
    "product_stock_get": product_models.StockGet,
    "order_list_get": order_models.OrderList,
    "order_get": order_models.OrderGet,
    "getaftersalelist": after_sale_models.AfterSaleList,
    "getaftersaleorder": after_sale_models.AfterSaleGet,
    "vip_user_list_get": shop_models.VipUserList,
    "vip_user_score_get": shop_models.VipScore,
}


def wire(name: str) -> Any:
    """A recorded answer, decoded as the client decodes it."""
    body = (WIRE / f"{name}.json").read_bytes()
    table = FaultTable("mini_program_store", {})
    return decode(Response(200, {}, body), KINDS[name], table, ORDER_LIST_GET, "wx0000000000000001")


def test_every_recorded_answer_has_a_model_and_decodes() -> None:
    assert {path.stem for path in WIRE.glob("*.json")} == set(KINDS)
    for name, kind in KINDS.items():
        assert isinstance(wire(name), kind)


def test_ids_come_as_text_or_number() -> None:
    assert wire("product_list_get").product_ids == ("10000000000001", 10000000000002)
    assert wire("order_list_get").order_id_list == ("3705115058471208001", 3705115058471208928)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"order_id_list":[3705115058471208001.0]}', type=order_models.OrderList)


def test_an_order_becomes_a_record() -> None:
    order = orders._order("wx0000000000000001", wire("order_get").order)
    assert order.order_id == "3705115058471208001"
    assert order.state is OrderState.PARTLY_SHIPPED
    assert order.created_at == datetime(2024, 5, 29, 16, 26, 40, tzinfo=UTC)
    assert order.paid_at == datetime(2024, 5, 29, 16, 27, 40, tzinfo=UTC)
    assert order.lines == (OrderLine("10000000000001", "1000000001", "MUG-WHITE", "Mug", 2, 9800, 9300, 1),)
    assert (order.list_total, order.discount, order.freight, order.payable) == (9800, 500, 500, 9800)
    assert (order.receiver_name, order.receiver_phone, order.receiver_city) == (
        "陈**",
        "138****0001",
        "广州市",
    )
    assert order.fulfilment is Fulfilment.EXPRESS
    assert (order.carrier, order.tracking_number) == ("SF", "SF1000000000001")
    # Not everything has left: the first parcel's time stands in.
    assert order.shipped_at == datetime(2024, 5, 29, 17, 26, 40, tzinfo=UTC)
    assert order.scene == "LIVE_ROOM"
    assert order.giver_openid is None


def test_personal_data_stays_out_of_repr() -> None:
    text = repr(orders._order("wx0000000000000001", wire("order_get").order))
    assert "陈" not in text
    assert "138****" not in text
    member = shop._member("wx0000000000000001", wire("vip_user_list_get").list[0], 1)
    assert member.phone == "13800000001"
    assert "13800000001" not in repr(member)


@pytest.mark.parametrize(
    ("status", "pay_time", "state"),
    [
        (10, 0, OrderState.UNPAID),
        (12, 1717000060, OrderState.OTHER),
        (13, 1717000060, OrderState.OTHER),
        (20, 1717000060, OrderState.AWAITING_SHIPMENT),
        (21, 1717000060, OrderState.PARTLY_SHIPPED),
        (30, 1717000060, OrderState.SHIPPED),
        (100, 1717000060, OrderState.COMPLETED),
        (190, 1717000060, OrderState.CANCELLED),
        (200, 1717000060, OrderState.AFTER_SALE_CLOSED),
        (250, 0, OrderState.CANCELLED),
        (250, 1717000060, OrderState.AFTER_SALE_CLOSED),
        (777, 1717000060, OrderState.OTHER),
    ],
)
def test_order_states(status: int, pay_time: int, state: OrderState) -> None:
    order = wire("order_get").order
    order.status, order.order_detail.pay_info.pay_time = status, pay_time
    assert orders._order("wx0000000000000001", order).state is state


@pytest.mark.parametrize(
    ("method", "city", "expected"),
    [
        (None, None, Fulfilment.EXPRESS),
        (0, None, Fulfilment.EXPRESS),
        (1, None, Fulfilment.VIRTUAL),
        (3, None, Fulfilment.VIRTUAL),
        (9, None, Fulfilment.UNKNOWN),
        (0, {"shop_id": "7"}, Fulfilment.UNKNOWN),
    ],
)
def test_fulfilment(method: int | None, city: dict[str, object] | None, expected: Fulfilment) -> None:
    order = wire("order_get").order
    order.order_detail.delivery_info.deliver_method, order.intra_city_order_info = method, city
    assert orders._order("wx0000000000000001", order).fulfilment is expected


def test_an_after_sale_becomes_a_record_and_unknown_states_stay_visible() -> None:
    row = wire("getaftersaleorder").after_sale_order
    record = after_sales._after_sale("wx0000000000000001", row)
    assert (record.kind, record.state, record.reason) == ("RETURN", AfterSaleState.CANCELLED, "不想要了")
    assert (record.quantity, record.refund, record.sku_id) == (1, 4650, "1000000001")
    row.status, row.type, row.reason_text = "MERCHANT_MAILING", "REPAIR", ""
    record = after_sales._after_sale("wx0000000000000001", row)
    assert (record.kind, record.state, record.reason) == ("OTHER", "OTHER", "1005")


def test_a_score_is_found_in_both_documented_places() -> None:
    assert shop._score(wire("vip_user_score_get")) == 3260
    assert shop._score(msgspec.json.decode(b'{"score":12}', type=shop_models.VipScore)) == 12
    assert shop._score(shop_models.VipScore()) is None


@pytest.mark.parametrize(
    ("told", "waits"), [("null", False), ("{}", False), ("0", False), ("1", True), ('{"city_name": "上海市"}', True)]
)
def test_a_wish_for_another_address_is_an_address_or_a_flag(told: str, waits: bool) -> None:
    found = wire("order_get").order
    found.order_detail.delivery_info = msgspec.json.decode(
        f'{{"address_under_review": {told}}}', type=order_models.DeliveryInfo
    )
    assert orders._order("wx1", found).address_change_waits is waits
