"""What this tool tells the contract suite: one case per kind of account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.mini_program_store import TOOL, CouponStatus
from sandbox.server import Sandbox
from tests.adapters.contract_case import Batch, Case, Operation
from tests.adapters.mini_program_store import scenes

_SHOP = "POST /channels/ec"
_SEC = "POST /wxa/sec/order"
_CUBE = "POST /datacube/getweanalysisappid"
_LIVE = "POST /channels/finderlive"


def _secrets(settings: Mapping[str, Any]) -> list[str]:
    return [str(settings[name]) for name in ("secret", "callback_token", "aes_key")]


async def _revoke_store(sandbox: Sandbox) -> None:
    await scenes.act(sandbox, "token_revoke", appid=sandbox.world.wechat_store.appid)


async def _revoke_flagship(sandbox: Sandbox) -> None:
    await scenes.act(sandbox, "token_revoke", appid=sandbox.world.mini_programs[0].appid)


CASE = Case(
    spec=TOOL,
    alias="store",
    operations=(
        Operation("ping", "read", lambda a, _: a.ping(), "GET /channels/ec/basics/info/get"),
        Operation("product_ids", "read", lambda a, _: a.product_ids(), f"{_SHOP}/product/list/get"),
        Operation("product_draft", "read", lambda a, s: a.product_draft(scenes.goods(s)[0]), f"{_SHOP}/product/get"),
        Operation("product_add", "once", scenes.product_add, f"{_SHOP}/product/add", "product_added", 1),
        Operation("product_update", "once", scenes.product_update, f"{_SHOP}/product/update", "product_updated", 1),
        Operation(
            "product_change", "idempotent", scenes.product_change, f"{_SHOP}/product/auditfree", "product_changed", 1
        ),
        Operation("product_list", "idempotent", scenes.product_list, f"{_SHOP}/product/listing", "product_listed", 1),
        Operation(
            "product_delist", "idempotent", scenes.product_delist, f"{_SHOP}/product/delisting", "product_delisted", 1
        ),
        Operation(
            "product_audit_cancel",
            "once",
            scenes.product_audit_cancel,
            f"{_SHOP}/product/audit/cancel",
            "product_audit_cancelled",
            1,
        ),
        Operation("product_delete", "once", scenes.product_delete, f"{_SHOP}/product/delete", "product_deleted", 1),
        Operation("stock", "read", lambda a, s: a.stock(*scenes.goods(s)), f"{_SHOP}/product/stock/get"),
        Operation("stocks", "read", lambda a, s: a.stocks([scenes.goods(s)[0]]), f"{_SHOP}/product/stock/batchget"),
        Operation("stock_change", "once", scenes.stock_change, f"{_SHOP}/product/stock/update", "stock_updated", 1),
        Operation("stock_movements", "read", scenes.stock_movements, f"{_SHOP}/product/stock/getflow"),
        Operation("order_ids", "read", scenes.order_ids, f"{_SHOP}/order/list/get"),
        Operation("order_search", "read", scenes.order_search, f"{_SHOP}/order/search"),
        Operation(
            "order_note", "idempotent", scenes.order_note, f"{_SHOP}/order/merchantnotes/update", "order_noted", 1
        ),
        Operation(
            "order_price_change",
            "idempotent",
            scenes.order_price_change,
            f"{_SHOP}/order/price/update",
            "order_repriced",
            1,
        ),
        Operation(
            "order_address_change",
            "idempotent",
            scenes.order_address_change,
            f"{_SHOP}/order/address/update",
            "order_readdressed",
            1,
        ),
        Operation(
            "order_address_accept",
            "once",
            scenes.order_address_accept,
            f"{_SHOP}/order/addressmodify/accept",
            "order_readdressed",
            1,
        ),
        Operation(
            "order_address_refuse",
            "once",
            scenes.order_address_refuse,
            f"{_SHOP}/order/addressmodify/reject",
            "order_address_refused",
            1,
        ),
        Operation(
            "order_address",
            "read",
            lambda a, s: a.order_address(s.world.store_orders[0].order_id),
            f"{_SHOP}/order/sensitiveinfo/decode",
        ),
        Operation(
            "order_relay_number",
            "read",
            lambda a, s: a.order_relay_number(s.world.store_orders[0].order_id),
            f"{_SHOP}/order/virtualtelnumber/get",
        ),
        Operation("carriers", "read", lambda a, _: a.carriers(), f"{_SHOP}/order/deliverycompanylist/new/get"),
        Operation("order_ship", "once", scenes.order_ship, f"{_SHOP}/order/delivery/send", "order_shipped", 1),
        Operation(
            "order_parcels_correct",
            "once",
            scenes.order_parcels_correct,
            f"{_SHOP}/order/deliveryinfo/update",
            "order_reparcelled",
            1,
        ),
        Operation(
            "order_parcel_extra",
            "once",
            scenes.order_parcel_extra,
            f"{_SHOP}/order/delivery/compensation",
            "order_parcel_added",
            1,
        ),
        Operation("after_sale_ids", "read", scenes.after_sale_ids, f"{_SHOP}/aftersale/getaftersalelist"),
        *(
            Operation(name, "once", scene, f"{_SHOP}/aftersale/{path}", "after_sale_decided", 1)
            for name, scene, path in (
                ("after_sale_accept", scenes.after_sale_accept, "acceptapply"),
                ("after_sale_reject", scenes.after_sale_reject, "rejectapply"),
                ("after_sale_refund_proof", scenes.after_sale_refund_proof, "uploadrefundcertificate"),
                ("after_sale_propose", scenes.after_sale_propose, "merchantupdateaftersale"),
                ("after_sale_exchange_ship", scenes.after_sale_exchange_ship, "acceptexchangereship"),
                ("after_sale_exchange_refuse", scenes.after_sale_exchange_refuse, "rejectexchangereship"),
            )
        ),
        Operation(
            "after_sale_open",
            "idempotent",
            scenes.after_sale_open,
            f"{_SHOP}/aftersale/genaftersaleorder",
            "after_sale_opened",
            1,
        ),
        Operation(
            "after_sale_reject_reasons",
            "read",
            lambda a, _: a.after_sale_reject_reasons(),
            f"{_SHOP}/aftersale/rejectreason/get",
        ),
        Operation("coupon_create", "once", scenes.coupon_create, f"{_SHOP}/coupon/create", "coupon_created", 1),
        Operation("coupon_update", "idempotent", scenes.coupon_update, f"{_SHOP}/coupon/update", "coupon_updated", 1),
        Operation(
            "coupon_status_set",
            "idempotent",
            scenes.coupon_status_set,
            f"{_SHOP}/coupon/update_status",
            "coupon_status",
            1,
        ),
        Operation("coupon_ids", "read", lambda a, _: a.coupon_ids(CouponStatus.ACTIVE), f"{_SHOP}/coupon/get_list"),
        Operation(
            "user_coupon_ids",
            "read",
            lambda a, s: a.user_coupon_ids(s.describe()["platforms"][scenes.NAME]["known"]["storeOpenid"]),
            f"{_SHOP}/coupon/get_user_coupon_list",
        ),
        Operation("user_coupon", "read", scenes.user_coupon, f"{_SHOP}/coupon/get_user_coupon"),
        Operation("store_balance", "read", lambda a, _: a.store_balance(), f"{_SHOP}/funds/getbalance"),
        Operation("funds_flow_ids", "read", scenes.funds_flow_ids, f"{_SHOP}/funds/getfundsflowlist"),
        Operation("order_settlements", "read", scenes.order_settlements, f"{_SHOP}/funds/listorderflow"),
        Operation("withdrawal_ids", "read", lambda a, _: a.withdrawal_ids(), f"{_SHOP}/funds/getwithdrawlist"),
        Operation("vip_members", "read", lambda a, _: a.vip_members(), f"{_SHOP}/vip/user/list/get"),
        Operation("channel", "read", lambda a, _: a.channel(), f"{_LIVE}/get_finder_attr_by_appid"),
        Operation("live_now", "read", lambda a, _: a.live_now(), f"{_SHOP}/finderlive/getfinderliverecordlist"),
        Operation(
            "live_notices", "read", lambda a, _: a.live_notices(), f"{_SHOP}/finderlive/getfinderlivenoticerecordlist"
        ),
        Operation("live_sessions", "read", scenes.live_sessions, f"{_LIVE}/get_finder_live_data_list"),
        Operation(
            "store_day", "read", lambda a, s: a.store_day(scenes.yesterday(s)), f"{_SHOP}/compass/shop/overall/get"
        ),
        Operation(
            "store_lives",
            "read",
            lambda a, s: a.store_lives(scenes.yesterday(s), "sphYujian"),
            f"{_SHOP}/compass/shop/live/list/get",
        ),
    ),
    batches=(
        Batch(
            "products",
            lambda adapter, ids: adapter.products(ids),
            lambda sandbox: [product.store_product_id for product in sandbox.world.products],
            "99999999999999",
            0,
            f"{_SHOP}/product/get",
        ),
        Batch(
            "orders",
            lambda adapter, ids: adapter.orders(ids),
            lambda sandbox: [order.order_id for order in sandbox.world.store_orders],
            "9999999999999999999",
            0,
            f"{_SHOP}/order/get",
        ),
        Batch(
            "after_sales",
            lambda adapter, ids: adapter.after_sales(ids),
            lambda sandbox: [row.after_sale_id for row in sandbox.world.after_sales],
            "9999999999999999",
            0,
            f"{_SHOP}/aftersale/getaftersaleorder",
        ),
        Batch(
            "funds_flows",
            lambda adapter, ids: adapter.funds_flows(ids),
            lambda sandbox: [str(10_000_057_741_240_001 + n) for n in range(5)],
            "99999999999999999",
            0,
            f"{_SHOP}/funds/getfundsflowdetail",
        ),
        Batch(
            "withdrawals",
            lambda adapter, ids: adapter.withdrawals(ids),
            lambda _: ["1000000001"],
            "9999999999",
            0,
            f"{_SHOP}/funds/getwithdrawdetail",
        ),
    ),
    secrets=_secrets,
    refused_token=_revoke_store,
)

#: The other kind of account; the codes that it uses up make its calls writes.
MINI_PROGRAM = Case(
    spec=TOOL,
    alias="flagship",
    operations=(
        Operation("ping", "read", lambda a, _: a.ping(), "POST /cgi-bin/openapi/quota/get"),
        Operation("login", "once", scenes.login, "GET /sns/jscode2session", "login_code_used", 1),
        Operation("session_check", "read", scenes.session_check, "GET /wxa/checksession"),
        Operation("session_reset", "once", scenes.session_reset, "GET /wxa/resetusersessionkey", "session_reset", 1),
        Operation("paid_unionid", "read", scenes.paid_unionid, "GET /wxa/getpaidunionid"),
        Operation(
            "phone_number", "once", scenes.phone_number, "POST /wxa/business/getuserphonenumber", "phone_code_used", 1
        ),
        Operation("scene_code", "read", lambda a, _: a.scene_code("s=1", "pages/index"), "POST /wxa/getwxacodeunlimit"),
        Operation(
            "send_subscribe", "once", scenes.send_subscribe, "POST /cgi-bin/message/subscribe/send", "subscribe_sent", 1
        ),
        Operation(
            "subscribe_templates", "read", lambda a, _: a.subscribe_templates(), "GET /wxaapi/newtmpl/gettemplate"
        ),
        Operation(
            "subscribe_template_add",
            "once",
            lambda a, _: a.subscribe_template_add("401", [1, 2], "取货提醒"),
            "POST /wxaapi/newtmpl/addtemplate",
            "template_added",
            1,
        ),
        Operation(
            "subscribe_template_delete",
            "once",
            scenes.subscribe_template_delete,
            "POST /wxaapi/newtmpl/deltemplate",
            "template_deleted",
            1,
        ),
        Operation(
            "shipping_upload", "once", scenes.shipping_upload, f"{_SEC}/upload_shipping_info", "shipping_uploaded", 1
        ),
        Operation(
            "shipping_upload_combined",
            "once",
            scenes.shipping_upload_combined,
            f"{_SEC}/upload_combined_shipping_info",
            "shipping_uploaded",
            1,
        ),
        Operation("paid_order", "read", scenes.paid_order, f"{_SEC}/get_order"),
        Operation("paid_orders", "read", lambda a, _: a.paid_orders(), f"{_SEC}/get_order_list"),
        Operation(
            "remind_receipt", "once", scenes.remind_receipt, f"{_SEC}/notify_confirm_receive", "receipt_asked", 1
        ),
        Operation(
            "shipping_page_set",
            "idempotent",
            lambda a, _: a.shipping_page_set("pages/order/detail"),
            f"{_SEC}/set_msg_jump_path",
            "jump_path_set",
            1,
        ),
        Operation("shipping_managed", "read", lambda a, _: a.shipping_managed(), f"{_SEC}/is_trade_managed"),
        Operation(
            "shipping_confirmed",
            "read",
            lambda a, _: a.shipping_confirmed(),
            f"{_SEC}/is_trade_management_confirmation_completed",
        ),
        Operation(
            "shipping_carriers",
            "read",
            lambda a, _: a.shipping_carriers(),
            "POST /cgi-bin/express/delivery/open_msg/get_delivery_list",
        ),
        *(
            Operation(name, "read", lambda a, s, name=name: getattr(a, name)(scenes.yesterday(s)), f"{_CUBE}{path}")  # type: ignore[misc]
            for name, path in (
                ("visit_totals", "dailysummarytrend"),
                ("visit_trend", "dailyvisittrend"),
                ("visit_retention", "dailyretaininfo"),
                ("visit_distribution", "visitdistribution"),
                ("visited_pages", "visitpage"),
                ("visitor_portrait", "userportrait"),
            )
        ),
    ),
    secrets=_secrets,
    refused_token=_revoke_flagship,
)

CASES = (CASE, MINI_PROGRAM)
