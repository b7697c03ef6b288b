"""The vocabulary of the fact log: every kind that is written, and how a member's timeline tells it.

A kind that is missing here cannot be told, so a test compares this list with what the source writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FactKind:
    """A kind of fact.

    ``summary`` is the timeline's sentence with places for ``{scene}``, ``{group}``, ``{name}``, ``{amount}``,
    ``{quantity}`` and ``{whom}``; ``family`` says which type of entry it is. Kinds without a family are for the
    books only: the timeline never shows them. ``acts`` is True for what the shopper did and nobody else: it counts
    as activity.
    """

    name: str
    summary: str
    family: str | None = None
    acts: bool = False


def _told(family: str, *kinds: tuple[str, str], acts: bool = False) -> list[FactKind]:
    return [FactKind(name, summary, family, acts) for name, summary in kinds]


def _books(*kinds: tuple[str, str]) -> list[FactKind]:
    return [FactKind(name, summary) for name, summary in kinds]


_KINDS: Final = (
    *_told("FOLLOW", ("follow", "关注公众号{scene}"), ("unfollow", "取消关注公众号"), acts=True),
    *_told("FOLLOW", ("follower.tagged", "打上粉丝标签「{name}」"), ("follower.untagged", "取消粉丝标签「{name}」")),
    *_told("FOLLOW", ("follower.blocked", "拉入公众号黑名单"), ("follower.unblocked", "移出公众号黑名单")),
    *_told("CONTACT", ("contact.added", "添加导购为好友"), ("contact.deleted_by_customer", "删除了导购"), acts=True),
    *_told(
        "CONTACT",
        ("contact.deleted_by_guide", "被导购删除"),
        ("contact.tagged", "打上标签「{name}」"),
        ("contact.untagged", "取消标签「{name}」"),
        ("contact.deleted_by_transfer", "转由其他导购服务"),
        ("guide.assigned", "分配导购"),
        ("handover.requested", "申请导购接替"),
        ("handover.done", "导购接替完成"),
        ("handover.refused", "导购接替未成"),
    ),
    *_told("GROUP", ("group.joined", "加入客户群「{group}」"), ("group.left", "退出客户群「{group}」"), acts=True),
    *_told("AD", ("ad.click", "点击广告"), acts=True),
    *_told("LEAD", ("lead", "留下线索"), acts=True),
    *_told(
        "VISIT",
        ("mini_program.authorised", "登录小程序"),
        ("web_page.authorised", "登录公众号网页"),
        ("mini_program.visit", "访问小程序{scene}"),
        ("qr.scan", "扫描二维码{scene}"),
        acts=True,
    ),
    *_told(
        "ORDER",
        ("order.created", "下单 {amount}"),
        ("order.paid", "支付订单 {amount}"),
        ("order.picked_up", "到店自提"),
        ("pos.ticket", "门店消费 {amount}"),
        acts=True,
    ),
    *_told(
        "ORDER",
        ("order.shipped", "订单发货"),
        ("order.shipment_corrected", "更正发货信息"),
        ("order.repriced", "订单改价"),
        ("order.address_changed", "修改收货地址"),
        ("order.address_refused", "拒绝修改收货地址"),
        ("order.parcel_added", "订单补发"),
        ("order.completed", "订单完成"),
        ("order.closed", "订单关闭"),
        ("after_sale.changed", "售后处理中"),
        ("after_sale.completed", "售后完成"),
    ),
    *_told("PAYMENT", ("payment.captured", "微信支付 {amount}"), ("payment.late", "订单关闭后付款"), acts=True),
    *_told("PAYMENT", ("refund.requested", "申请退款 {amount}"), ("refund.succeeded", "退款 {amount}")),
    *_told("COUPON", ("coupon.received", "领取优惠券「{name}」"), ("coupon.used", "核销优惠券 {amount}"), acts=True),
    *_told(
        "COUPON",
        ("coupon.locked", "下单占用优惠券"),
        ("coupon.conflict", "优惠券已在门店核销"),
        ("coupon.returned", "退回优惠券"),
        ("coupon.expired", "优惠券过期"),
    ),
    *_told(
        "MESSAGE",
        ("message.accepted", "{whom}"),
        ("message.delivered", "消息送达"),
        ("message.failed", "消息未送达"),
        ("message.capped", "消息因频次上限未发送"),
        ("message.refused", "消息未获许可，没有发送"),
    ),
    *_told(
        "CONSENT",
        ("consent.given", "同意授权"),
        ("consent.withdrawn", "撤回授权"),
        ("subscribe.granted", "允许订阅消息"),
        ("subscribe.refused", "拒绝订阅消息"),
        acts=True,
    ),
    *_told(
        "STANDING",
        ("points.changed", "积分变动 {quantity}"),
        ("level.changed", "会员等级变更{name}"),
    ),
    *_told(
        "MEMBER",
        ("member.created", "成为会员"),
        ("phone.bound", "绑定手机号"),
    ),
    *_told("FILE", ("file.stored", "存入文件")),
    *_told(
        "IP",
        ("card.drawn", "集卡抽到「{name}」"),
        ("ballot.cast", "参与投票竞猜「{name}」"),
        ("drop.entered", "参加限定发售「{name}」"),
        ("reward.claimed", "领取奖励「{name}」"),
        acts=True,
    ),
    *_told(
        "IP",
        ("drop.won", "获得限定购买资格「{name}」"),
        ("drop.lost", "限定发售未中签「{name}」"),
        ("drop.withdrawn", "限定购买资格退回「{name}」"),
        ("reward.reserved", "获得奖励「{name}」"),
        ("reward.expired", "奖励过期「{name}」"),
        ("reward.withdrawn", "撤回奖励「{name}」"),
        ("reward.failed", "奖励未到账「{name}」"),
    ),
    *_books(
        ("ad.changed", "调整广告"),
        ("activation.moved", "主题活动状态变更"),
        ("ad.cost", "广告花费"),
        ("article.published", "发布图文"),
        ("audience.reduced", "移出人群包 {quantity} 人"),
        ("audience.refused", "未获许可，不入人群包"),
        ("audience.uploaded", "上传人群包 {quantity} 人"),
        ("cash_stock.paused", "暂停代金券批次"),
        ("cash_stock.started", "开始发放代金券批次"),
        ("conversion.reported", "回传转化"),
        ("export.refused", "未获许可，不予导出"),
        ("follower.remarked", "修改粉丝备注"),
        ("gateway.refused", "拒绝请求"),
        ("group_send.asked", "请导购群发"),
        ("group_send.confirmed", "导购确认群发"),
        ("group_send.result", "群发结果"),
        ("guide.left", "导购离职"),
        ("identity.linked", "身份关联"),
        ("identity.unlinked", "解除身份关联"),
        ("mass_message.finished", "群发结束"),
        ("lead.reported", "回传线索状态"),
        ("member.merged", "合并会员档案"),
        ("member.unmerged", "拆分会员档案"),
        ("message.attempted", "尝试发送消息"),
        ("order.line", "订单商品"),
        ("payment.mismatch", "支付金额不符"),
        ("personal_data.searched", "按个人信息查找会员"),
        ("privacy.sealed_read", "调阅封存记录"),
        ("product.added", "添加商品"),
        ("product.audited", "商品审核结果"),
        ("product.deleted", "删除商品"),
        ("product.repriced", "商品改价"),
        ("product.shelved", "商品上架"),
        ("product.submitted", "商品提交审核"),
        ("product.unshelved", "商品下架"),
        ("product.updated", "修改商品草稿"),
        ("product.withdrawn", "撤回商品审核"),
        ("reward.refused", "未获许可，不予奖励"),
        ("share.arrived", "分账到账"),
        ("share.closed", "分账关闭"),
        ("share.returned", "分账回退"),
        ("stock.adjusted", "库存调整"),
        ("stock.allotted", "渠道库存分配"),
        ("stock.counted", "库存盘点"),
        ("stock.differs", "渠道库存差异"),
        ("stock.missing", "缺货"),
        ("stock.returned", "库存退回"),
        ("stock.sold", "库存售出"),
        ("store_coupon.created", "创建小店优惠券"),
        ("store_coupon.moved", "小店优惠券状态变更"),
        ("store_coupon.updated", "修改小店优惠券"),
        ("transaction.awaiting_payment", "交易等待付款"),
        ("transaction.compensated", "交易已撤销"),
        ("transaction.compensating", "交易撤销中"),
        ("transaction.completed", "交易完成"),
        ("transaction.completing", "交易完成中"),
        ("transaction.needs_attention", "交易需人工处理"),
        ("transaction.progress", "交易步骤已处理 {quantity} 人"),
        ("transaction.resolved", "交易已人工处理"),
        ("transaction.retried", "交易人工重试"),
        ("transaction.running", "交易开始"),
        ("transaction.step", "交易步骤结束"),
    ),
)

#: Every kind by its name.
FACT_KINDS: Final = {kind.name: kind for kind in _KINDS}
#: What the timeline shows.
TOLD: Final = {name: kind for name, kind in FACT_KINDS.items() if kind.family is not None}
#: What the shopper did, and what moves their last activity.
ACTIVITY: Final = frozenset(name for name, kind in FACT_KINDS.items() if kind.acts)
#: Families of told kinds, in the order of the list.
FAMILIES: Final = tuple(dict.fromkeys(kind.family for kind in TOLD.values() if kind.family is not None))
