"""Every kind of push (消息推送) that mini-programs and 微信小店 document, and its use here."""

from __future__ import annotations

from typing import Final

from adapters.base.webhooks import EventKind

_ORDER: Final = "the order is read again"
_PRODUCT: Final = "the product is read again"
_AUDIT: Final = "the product and its draft are read again, and what the audit came to is a fact"
_COUPON: Final = "coupons are read when they are asked for"
_CARD: Final = "the sync reads all cards"
_FUNDS: Final = "the ledger is read when it is asked for"

EVENT_KINDS: Final = (
    EventKind("channels_ec_order_new", "下单", "OrderChanged", _ORDER),
    EventKind("channels_ec_order_cancel", "取消", "OrderChanged", _ORDER),
    EventKind("channels_ec_order_pay", "支付", "OrderChanged", _ORDER),
    EventKind("channels_ec_order_wait_shipping", "待发货", "OrderChanged", _ORDER),
    EventKind("channels_ec_order_deliver", "发货", "OrderChanged", _ORDER),
    EventKind("channels_ec_order_confirm", "确认收货", "OrderChanged", _ORDER),
    EventKind("channels_ec_order_settle", "结算", "OrderChanged", _ORDER),
    EventKind("channels_ec_order_ext_info_update", "其他信息更新", "OrderChanged", _ORDER),
    EventKind("product_order_status_update", "订单状态变更", "OrderChanged", _ORDER),
    EventKind("channels_ec_aftersale_update", "售后单更新", "AfterSaleChanged", "the after-sale is read again"),
    EventKind("channels_ec_complaint_update", "纠纷更新", "", "complaints are dealt with in the console"),
    EventKind("channels_ec_coupon_receive", "领券", "", _COUPON),
    EventKind("channels_ec_coupon_create", "创建优惠券", "", _COUPON),
    EventKind("channels_ec_coupon_delete", "删除优惠券", "", _COUPON),
    EventKind("channels_ec_coupon_expire", "优惠券过期", "", _COUPON),
    EventKind("channels_ec_coupon_info_change", "优惠券更新", "", _COUPON),
    EventKind("channels_ec_coupon_invalid", "作废优惠券", "", _COUPON),
    EventKind("channels_ec_user_coupon_expire", "用户优惠券过期", "", _COUPON),
    EventKind("channels_ec_user_coupon_use", "用户优惠券使用", "", _COUPON),
    EventKind("channels_ec_user_coupon_unuse", "用户优惠券使用返还", "", _COUPON),
    EventKind("product_spu_audit", "商品审核", "ProductChanged", _AUDIT),
    EventKind("product_spu_listing", "商品上下架", "ProductChanged", _PRODUCT),
    EventKind("product_spu_update", "商品更新", "ProductChanged", "the product and its draft are read again"),
    EventKind("product_category_audit", "类目审核", "", "categories are dealt with in the console"),
    EventKind("channels_ec_stock_no_enough", "库存不足", "ProductChanged", _PRODUCT),
    EventKind("channels_ec_brand", "品牌资质", "", "brands are dealt with in the console"),
    EventKind("channels_ec_vip_join", "用户入会", "", _CARD),
    EventKind("channels_ec_vip_close", "用户退会", "", _CARD),
    EventKind("channels_ec_vip_grade_info_update", "会员等级更新", "", _CARD),
    EventKind("channels_ec_vip_score_update", "会员积分更新", "", _CARD),
    EventKind("channels_ec_vip_score_exchange", "积分兑换", "", _CARD),
    EventKind("channels_ec_acct_notify", "资金变动", "", _FUNDS),
    EventKind("channels_ec_withdraw_notify", "提现", "", _FUNDS),
    EventKind("qrcode_status", "提现二维码", "", _FUNDS),
    EventKind("channels_ec_close_store", "店铺注销", "", "the operator knows"),
    EventKind("set_shop_nickname", "店铺改名", "", "the name is in the settings"),
    EventKind("cooperation_shop_order", "合作店铺订单", "", "orders of other shops are not read"),
    EventKind("related_shop_order_submission", "关联店铺下单", "", "orders of other shops are not read"),
    EventKind("subscribe_msg_popup_event", "订阅消息弹框", "SubscribeAnswered", "one grant more, or a refusal"),
    EventKind(
        "subscribe_msg_change_event",
        "订阅消息管理",
        "SubscribeEnded",
        "a template that was switched off has no grants left",
    ),
    EventKind(
        "subscribe_msg_sent_event",
        "订阅消息发送",
        "SubscribeEnded",
        "a refused message ends the grants; one that arrived is no news",
    ),
    EventKind("trade_manage_remind_access_api", "提醒接入发货信息管理", "", "said once, to the operator"),
    EventKind("trade_manage_remind_shipping", "提醒上传发货信息", "", "the order's own steps ship it"),
    EventKind("trade_manage_order_settlement", "订单将要结算", "", "settlements are read from bills"),
)
