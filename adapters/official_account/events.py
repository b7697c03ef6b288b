"""Every kind of message and event that the platform documents (接收普通消息, 接收事件推送), and its use here."""

from __future__ import annotations

from typing import Final

from adapters.base.webhooks import EventKind

_SPOKE: Final = "the 48 hours in which the account may answer begin anew"
_TAPPED: Final = "the account may answer for a minute"
_TAP: Final = "a tap that opens no window for an answer"

EVENT_KINDS: Final = (
    EventKind("text", "文本消息", "Interacted", _SPOKE),
    EventKind("image", "图片消息", "Interacted", _SPOKE),
    EventKind("voice", "语音消息", "Interacted", _SPOKE),
    EventKind("video", "视频消息", "Interacted", _SPOKE),
    EventKind("shortvideo", "小视频消息", "Interacted", _SPOKE),
    EventKind("location", "地理位置消息", "Interacted", _SPOKE),
    EventKind("link", "链接消息", "Interacted", _SPOKE),
    EventKind("subscribe", "关注", "FollowerChanged", "they follow; the scene of the code is kept"),
    EventKind("unsubscribe", "取消关注", "FollowerChanged", "they follow no more"),
    EventKind("SCAN", "已关注时扫码", "QrScanned", "a scan, and the account may answer for a minute"),
    EventKind("LOCATION", "上报地理位置", "", "where somebody is, is not kept"),
    EventKind("CLICK", "点击菜单拉取消息", "Interacted", _TAPPED),
    EventKind("VIEW", "点击菜单跳转链接", "", _TAP),
    EventKind("view_miniprogram", "点击菜单跳转小程序", "", _TAP),
    EventKind("scancode_push", "扫码推事件", "Interacted", _TAPPED),
    EventKind("scancode_waitmsg", "扫码推事件且弹出提示", "Interacted", _TAPPED),
    EventKind("pic_sysphoto", "弹出系统拍照发图", "", _TAP),
    EventKind("pic_photo_or_album", "弹出拍照或者相册发图", "", _TAP),
    EventKind("pic_weixin", "弹出微信相册发图器", "", _TAP),
    EventKind("location_select", "弹出地理位置选择器", "", _TAP),
    EventKind("TEMPLATESENDJOBFINISH", "模板消息送达", "TemplateDelivered", "it arrived, or why it did not"),
    EventKind("MASSSENDJOBFINISH", "群发结果", "MassDelivered", "how many got it, or why the platform stopped it"),
    EventKind("FREEPUBLISHJOBFINISH", "发布结果", "ArticlesPublished", "a publication ended, or why not"),
    EventKind("subscribe_msg_popup_event", "订阅通知弹窗", "SubscribeAnswered", "one grant more, or a refusal"),
    EventKind(
        "subscribe_msg_change_event",
        "订阅通知管理",
        "SubscribeEnded",
        "a template that was switched off has no grants left",
    ),
    EventKind(
        "subscribe_msg_sent_event",
        "订阅通知发送",
        "SubscribeEnded",
        "a refused message ends the grants; one that arrived is no news",
    ),
    EventKind("user_authorization_revoke", "授权用户撤回", "", "stored; a person's erasure is ordered by an operator"),
    EventKind("user_info_modified", "授权用户资料变更", "", "stored; the follower's sync reads what changed"),
)
