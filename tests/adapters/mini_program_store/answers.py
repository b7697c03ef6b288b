"""A documented answer for every method of the clients, for the tests of spoilt ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from adapters.base.http import Upstream
from adapters.base.runtime import Runtime
from adapters.base.secrets import Secret
from adapters.base.tokens import AccessTokens
from adapters.base.transport import Response
from adapters.mini_program_store import MiniProgramStoreConfig
from adapters.mini_program_store import client as clients
from adapters.mini_program_store.errors import FAULTS
from adapters.mini_program_store.models import after_sales, coupons, mini_program, orders, shipping
from adapters.wechat.api import TokenApi

APPID = "wx0000000000000001"
_CONFIG = MiniProgramStoreConfig(
    kind="store",
    appid=APPID,
    secret=Secret("invented"),
    gh_id="gh_0001",
    callback_token=Secret("invented"),
    aes_key=Secret("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"),
)
_WIRE = Path(__file__).parent / "wire"
CLIENTS = (
    clients.AfterSalesClient,
    clients.CouponsClient,
    clients.FundsClient,
    clients.LiveClient,
    clients.MiniProgramClient,
    clients.OrdersClient,
    clients.ProductsClient,
    clients.ShippingClient,
    clients.ShopClient,
    clients.VisitsClient,
)


async def _token(refused: str | None) -> tuple[str, float]:
    """A token that is always there, so that every answer is the endpoint's own."""
    del refused
    return "T", 7200.0


def _api(runtime: Runtime) -> TokenApi:
    upstream = Upstream(runtime, "mini_program_store", APPID)
    return TokenApi(upstream, AccessTokens(runtime, "test", _token), _CONFIG.base_url, FAULTS)


def _shoppers(runtime: Runtime) -> clients.MiniProgramClient:
    return clients.MiniProgramClient(Upstream(runtime, "mini_program_store", APPID), _CONFIG, _api(runtime))


def _of(kind: type[Any]) -> Callable[[Runtime], Any]:
    return lambda runtime: kind(_api(runtime))


def _on_the_day(name: str) -> Callable[[Any], Any]:
    return lambda client: getattr(client, name)(_DAY, _DAY)


def _recorded(name: str) -> Response:
    return Response(200, {"content-type": "application/json"}, (_WIRE / f"{name}.json").read_bytes())


def _said(**answer: Any) -> Response:
    body = {"errcode": 0, "errmsg": "ok", **answer}
    return Response(200, {"content-type": "application/json"}, json.dumps(body, ensure_ascii=False).encode())


_AFTER_SALES, _COUPONS, _FUNDS, _LIVE, _, _ORDERS, _PRODUCTS, _SHIPPING, _SHOP, _VISITS = (_of(k) for k in CLIENTS)
_DAY = date(2024, 5, 1)
_OK = _said()
_PNG = Response(200, {"content-type": "image/png"}, b"\x89PNG\r\n\x1a\n" + b"-" * 8 + b"IEND\xaeB`\x82")
_TREND = {"ref_date": "20240501", "session_cnt": 5, "visit_pv": 9, "visit_uv": 3, "stay_time_uv": 1.5, "visit_depth": 2}
_COUNTS = [{"key": 0, "value": 5464}, {"key": 1, "value": 55}]
_SIDE = {"province": [{"id": 31, "name": "上海市", "value": 5}], "ages": [{"id": 1, "name": "17岁以下", "value": 2}]}
_PAID = {
    "transaction_id": "42000",
    "merchant_trade_no": "N",
    "merchant_id": "19",
    "paid_amount": 100,
    "openid": "o",
    "pay_time": 1717000000,
    "order_state": 2,
    "shipping": {"delivery_mode": 1, "shipping_list": [{"tracking_no": "SF1", "upload_time": 1717000000}]},
}
_STOCK = {"sku_id": "1", "normal_stock_num": 998, "limited_discount_stock_num": 0, "total_stock_num": 1008}
_MOVED = {"amount": 1, "beginning_amount": 9, "ending_amount": 8, "op_type": 1, "update_time": 1717000000}
_COUPON = {
    "coupon_id": "111",
    "type": 2,
    "status": 2,
    "create_time": 1717000000,
    "coupon_info": {"name": "Spring", "discount_info": {"discount_condition": {"product_price": 100}}},
    "stock_info": {"issued_num": 9, "receive_num": 1},
}
_USERS = {"user_coupon_id": "1", "coupon_id": 111, "status": 102, "ext_info": {"use_time": 1717000000}, "order_id": 7}
_FLOW = {
    "flow_id": "10000057741240502",
    "funds_type": 3,
    "funds_type_desc": "订单退款",
    "flow_type": 2,
    "amount": 9300,
    "balance": 1203300,
    "related_info_list": [
        {"related_type": 2, "aftersale_id": "2000000000000001", "transaction_id": "4200001"},
        {"related_type": "RelatedType_Order", "order_id": 3705115058471208001},
    ],
    "bookkeeping_time": "2024-05-01 16:43:16",
    "remark": "",
}
_SETTLED = {"order_id": "37", "order_settle_state": 60, "mch_settle_amount": 99, "mch_settle_time": "1717000000"}
_PARCELS = [orders.Delivery(1, (orders.DeliveryProduct("1", "2", 1),), "SF", "SF1")]
_KEY = shipping.OrderKey(2, transaction_id="42000")
_SENT = (shipping.Shipped("Mug"),)
_UPLOAD = shipping.UploadShippingInfo(_KEY, 4, 1, True, _SENT, "2024-05-01T13:29:35.120+08:00", shipping.Payer("o"))
_PART = shipping.SubOrder(_KEY, 4, 1, True, _SENT)
_COMBINED = shipping.UploadCombinedShippingInfo(_KEY, (_PART,), "2024-05-01T13:29:35.120+08:00", shipping.Payer("o"))
_OFFER = coupons.CouponWrite(
    102,
    "Spring",
    coupons.Discount(),
    coupons.Promotion(),
    coupons.Receiving(),
    coupons.Validity(),
    coupons.AutoValid(),
    coupons.Extra(),
)
_ASKED = after_sales.AfterSaleRequest("R", "1", "2", "3", 1, 100, "1", "REFUND")
_PROPOSED = after_sales.AfterSaleUpdate("1", "REFUND", 100, 1, 1, "")
_MESSAGE = mini_program.SubscribeSendRequest("o", "T", {})

Entry = tuple[Callable[[Runtime], Any], str, Callable[[Any], Any], Response]
#: Maker of the client, method, call, answer.
METHODS: list[Entry] = [
    (_shoppers, "jscode2session", lambda c: c.jscode2session("c"), _recorded("jscode2session")),
    (_shoppers, "checksession", lambda c: c.checksession("o", "s"), _OK),
    (_shoppers, "resetusersessionkey", lambda c: c.resetusersessionkey("o", "s"), _said(openid="o", session_key="k")),
    (_shoppers, "getpaidunionid", lambda c: c.getpaidunionid("o", {"transaction_id": "1"}), _said(unionid="u")),
    (_shoppers, "getuserphonenumber", lambda c: c.getuserphonenumber("c"), _recorded("getuserphonenumber")),
    (
        _shoppers,
        "getwxacodeunlimit",
        lambda c: c.getwxacodeunlimit(mini_program.SceneCodeRequest("s")),
        _PNG,
    ),
    (_shoppers, "subscribe_send", lambda c: c.subscribe_send(_MESSAGE), _recorded("subscribe_send")),
    (
        _shoppers,
        "gettemplate",
        lambda c: c.gettemplate(),
        _said(data=[{"priTmplId": "T", "title": "t", "content": "c", "example": "e", "type": 2}]),
    ),
    (_shoppers, "addtemplate", lambda c: c.addtemplate("1", [1, 2], "s"), _said(priTmplId="T")),
    (_shoppers, "deltemplate", lambda c: c.deltemplate("T"), _OK),
    (_shoppers, "openapi_quota_get", lambda c: c.openapi_quota_get("/a"), _recorded("openapi_quota_get")),
    *(
        (_VISITS, f"getweanalysisappid{name}", _on_the_day(f"getweanalysisappid{name}"), _said(**answer))
        for name, answer in (
            ("dailysummarytrend", {"list": [{"ref_date": "20240501", "visit_total": 391, "share_pv": 57}]}),
            ("dailyvisittrend", {"list": [_TREND]}),
            ("weeklyvisittrend", {"list": [_TREND]}),
            ("monthlyvisittrend", {"list": [_TREND]}),
            ("dailyretaininfo", {"ref_date": "20240501", "visit_uv_new": _COUNTS, "visit_uv": _COUNTS}),
            ("weeklyretaininfo", {"ref_date": "20240501", "visit_uv_new": _COUNTS, "visit_uv": _COUNTS}),
            ("monthlyretaininfo", {"ref_date": "202405", "visit_uv_new": _COUNTS, "visit_uv": _COUNTS}),
            ("visitdistribution", {"ref_date": "20240501", "list": [{"index": "a", "item_list": _COUNTS}]}),
            ("visitpage", {"list": [{"page_path": "pages/a", "page_visit_pv": 9, "page_staytime_pv": 1.5}]}),
            ("userportrait", {"ref_date": "20240501-20240530", "visit_uv_new": _SIDE, "visit_uv": _SIDE}),
        )
    ),
    (_SHIPPING, "upload_shipping_info", lambda c: c.upload_shipping_info(_UPLOAD), _OK),
    (_SHIPPING, "upload_combined_shipping_info", lambda c: c.upload_combined_shipping_info(_COMBINED), _OK),
    (_SHIPPING, "get_order", lambda c: c.get_order({"transaction_id": "1"}), _said(order=_PAID)),
    (_SHIPPING, "get_order_list", lambda c: c.get_order_list({}), _said(order_list=[_PAID], has_more=False)),
    (_SHIPPING, "notify_confirm_receive", lambda c: c.notify_confirm_receive({"transaction_id": "1"}, 1), _OK),
    (_SHIPPING, "set_msg_jump_path", lambda c: c.set_msg_jump_path("pages/a"), _OK),
    (_SHIPPING, "is_trade_managed", lambda c: c.is_trade_managed("wx"), _said(is_trade_managed=True)),
    (
        _SHIPPING,
        "is_trade_management_confirmation_completed",
        lambda c: c.is_trade_management_confirmation_completed("wx"),
        _said(completed=True),
    ),
    (
        _SHIPPING,
        "get_delivery_list",
        lambda c: c.get_delivery_list(),
        _said(delivery_list=[{"delivery_id": "SF", "delivery_name": "顺丰"}], count=1),
    ),
    (_PRODUCTS, "category_detail", lambda c: c.category_detail("1"), _recorded("category_detail")),
    (_PRODUCTS, "product_list_get", lambda c: c.product_list_get(30, ""), _recorded("product_list_get")),
    (_PRODUCTS, "product_get", lambda c: c.product_get("1"), _recorded("product_get")),
    (_PRODUCTS, "product_add", lambda c: c.product_add({}), _said(data={"product_id": "1", "create_time": "x"})),
    (_PRODUCTS, "product_update", lambda c: c.product_update({}), _said(data={"product_id": 1, "update_time": "x"})),
    (_PRODUCTS, "product_auditfree", lambda c: c.product_auditfree("1", []), _OK),
    (_PRODUCTS, "product_listing", lambda c: c.product_listing("1"), _OK),
    (_PRODUCTS, "product_delisting", lambda c: c.product_delisting("1"), _OK),
    (_PRODUCTS, "product_audit_cancel", lambda c: c.product_audit_cancel("1"), _OK),
    (_PRODUCTS, "product_delete", lambda c: c.product_delete("1"), _OK),
    (_PRODUCTS, "product_stock_get", lambda c: c.product_stock_get("1", "2"), _recorded("product_stock_get")),
    (
        _PRODUCTS,
        "product_stock_batchget",
        lambda c: c.product_stock_batchget(["1"]),
        _said(data={"spu_stock_list": [{"product_id": "1", "sku_stock": [_STOCK]}]}),
    ),
    (_PRODUCTS, "product_stock_update", lambda c: c.product_stock_update("1", "2", 1, 1), _OK),
    (
        _PRODUCTS,
        "product_stock_getflow",
        lambda c: c.product_stock_getflow({}),
        _said(data={"stock_flow_info_list": [_MOVED], "next_key": "K"}),
    ),
    (_ORDERS, "order_list_get", lambda c: c.order_list_get({}, 100, ""), _recorded("order_list_get")),
    (_ORDERS, "order_search", lambda c: c.order_search({}, 100, ""), _said(orders=["1", 2], has_more=False)),
    (_ORDERS, "order_get", lambda c: c.order_get("1"), _recorded("order_get")),
    (_ORDERS, "merchantnotes_update", lambda c: c.merchantnotes_update("1", "n"), _OK),
    (_ORDERS, "price_update", lambda c: c.price_update("1", [], 0), _OK),
    (_ORDERS, "address_update", lambda c: c.address_update("1", orders.AddressInfo("n")), _OK),
    (_ORDERS, "addressmodify_accept", lambda c: c.addressmodify_accept("1"), _OK),
    (_ORDERS, "addressmodify_reject", lambda c: c.addressmodify_reject("1"), _OK),
    (
        _ORDERS,
        "sensitiveinfo_decode",
        lambda c: c.sensitiveinfo_decode("1"),
        _said(address_info={"user_name": "陈", "tel_number": "13800000001"}),
    ),
    (
        _ORDERS,
        "virtualtelnumber_get",
        lambda c: c.virtualtelnumber_get("1"),
        _said(virtual_tel_number="170", virtual_tel_expire_time=1717000000, get_virtual_tel_cnt=1),
    ),
    (
        _ORDERS,
        "deliverycompanylist_new_get",
        lambda c: c.deliverycompanylist_new_get(),
        _said(company_list=[{"delivery_id": "SF", "delivery_name": "顺丰速运"}]),
    ),
    (_ORDERS, "delivery_send", lambda c: c.delivery_send("1", _PARCELS), _OK),
    (_ORDERS, "deliveryinfo_update", lambda c: c.deliveryinfo_update("1", _PARCELS), _OK),
    (_ORDERS, "delivery_compensation", lambda c: c.delivery_compensation("1", _PARCELS, "r"), _OK),
    (_AFTER_SALES, "getaftersalelist", lambda c: c.getaftersalelist(1, 2, ""), _recorded("getaftersalelist")),
    (_AFTER_SALES, "getaftersaleorder", lambda c: c.getaftersaleorder("1"), _recorded("getaftersaleorder")),
    (_AFTER_SALES, "acceptapply", lambda c: c.acceptapply("1", "", 2), _OK),
    (_AFTER_SALES, "rejectapply", lambda c: c.rejectapply("1", 1, ""), _OK),
    (
        _AFTER_SALES,
        "rejectreason_get",
        lambda c: c.rejectreason_get(),
        _said(reason_list=[{"reject_reason_type": 1, "reject_reason_type_text": "t", "reject_scene": 4}]),
    ),
    (_AFTER_SALES, "uploadrefundcertificate", lambda c: c.uploadrefundcertificate("1", ["m"], ""), _OK),
    (_AFTER_SALES, "merchantupdateaftersale", lambda c: c.merchantupdateaftersale(_PROPOSED), _OK),
    (_AFTER_SALES, "acceptexchangereship", lambda c: c.acceptexchangereship("1", "SF", "SF1"), _OK),
    (_AFTER_SALES, "rejectexchangereship", lambda c: c.rejectexchangereship("1", 1, ""), _OK),
    (_AFTER_SALES, "genaftersaleorder", lambda c: c.genaftersaleorder(_ASKED), _said(after_sale_order_id="2")),
    (_COUPONS, "coupon_create", lambda c: c.coupon_create(_OFFER), _said(data={"coupon_id": "111"})),
    (_COUPONS, "coupon_update", lambda c: c.coupon_update(_OFFER), _OK),
    (_COUPONS, "coupon_update_status", lambda c: c.coupon_update_status("1", 2), _OK),
    (_COUPONS, "coupon_get", lambda c: c.coupon_get("1"), _said(coupon=_COUPON)),
    (
        _COUPONS,
        "coupon_get_list",
        lambda c: c.coupon_get_list(2, 1, 200, ""),
        _said(coupons=[{"coupon_id": "111"}], total_num=10, page_ctx="C2"),
    ),
    (
        _COUPONS,
        "coupon_get_user_coupon_list",
        lambda c: c.coupon_get_user_coupon_list("o", 1, 200, ""),
        _said(user_coupon_list=[{"user_coupon_id": "1", "coupon_id": "111"}], page_ctx="C2"),
    ),
    (
        _COUPONS,
        "coupon_get_user_coupon",
        lambda c: c.coupon_get_user_coupon("o", "1"),
        _said(openid="o", user_coupon=_USERS),
    ),
    (
        _FUNDS,
        "getbalance",
        lambda c: c.getbalance(),
        _said(available_amount=1, pending_amount=2, sub_mchid="16"),
    ),
    (
        _FUNDS,
        "getfundsflowlist",
        lambda c: c.getfundsflowlist({}),
        _said(flow_ids=["10000057741240501"], has_more=True, next_key="CAAQABgBIhE"),
    ),
    (_FUNDS, "getfundsflowdetail", lambda c: c.getfundsflowdetail("1"), _said(funds_flow=_FLOW)),
    (_FUNDS, "listorderflow", lambda c: c.listorderflow({}), _said(data_list=[_SETTLED], total_count=1, page_ctx="1")),
    (_FUNDS, "getwithdrawlist", lambda c: c.getwithdrawlist(1, 20), _said(withdraw_ids=["1"], total_num=1)),
    (
        _FUNDS,
        "getwithdrawdetail",
        lambda c: c.getwithdrawdetail("1"),
        _said(amount=100, create_time=1717000000, update_time=1717000000, status="SUCCESS"),
    ),
    (_SHOP, "basics_info_get", lambda c: c.basics_info_get(), _recorded("basics_info_get")),
    (_SHOP, "vip_user_list_get", lambda c: c.vip_user_list_get(1, 50, True), _recorded("vip_user_list_get")),
    (_SHOP, "vip_user_score_get", lambda c: c.vip_user_score_get("o"), _recorded("vip_user_score_get")),
    (
        _LIVE,
        "getfinderliverecordlist",
        lambda c: c.getfinderliverecordlist(),
        _said(live_list=[{"export_id": "export/1", "description": "d", "cover_url": "u", "nickname": "n"}]),
    ),
    (
        _LIVE,
        "getfinderlivenoticerecordlist",
        lambda c: c.getfinderlivenoticerecordlist(),
        _said(live_notice_list=[{"notice_id": "1", "status": 0, "start_time": 1717000000, "description": "d"}]),
    ),
    (
        _LIVE,
        "get_finder_attr_by_appid",
        lambda c: c.get_finder_attr_by_appid(),
        _said(finder_attr={"uniq_id": "sphDemo", "nickname": "n", "fans_count": 1}),
    ),
    (
        _LIVE,
        "get_finder_live_data_list",
        lambda c: c.get_finder_live_data_list({}),
        _said(item=[{"export_id": "1", "live_start_time": 1717000000}], last_buffer="b", continue_flag=True),
    ),
    (_LIVE, "compass_shop_overall_get", lambda c: c.compass_shop_overall_get(_DAY), _said(data={"pay_gmv": "100"})),
    (
        _LIVE,
        "compass_shop_live_list_get",
        lambda c: c.compass_shop_live_list_get(_DAY, "sph"),
        _said(live_list=[{"live_id": "1", "live_title": "t", "live_time": "1717000000", "live_duration": "7200"}]),
    ),
]
