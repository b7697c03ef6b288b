"""The member's timeline: the fact log, told in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from gateway.context import Context
from gateway.database.tables.facts import fact
from gateway.database.tables.members import identity
from gateway.resolvers.members import MemberRecord
from gateway.resolvers.paging import OwnedList, PageArgs, Slice


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """One fact of a member's life with the brand. ``tool`` is None for the gateway's own facts."""

    id: str
    kind: str
    at: datetime
    tool: str | None
    summary: str
    amount: int | None
    source: str


#: Facts that tell a story; the others (links, lines) are for the books.
_TOLD: Mapping[str, str] = {
    "follow": "关注公众号{scene}",
    "unfollow": "取消关注公众号",
    "contact.added": "添加导购为好友",
    "contact.deleted_by_customer": "删除了导购",
    "contact.deleted_by_guide": "被导购删除",
    "group.joined": "加入客户群「{group}」",
    "ad.click": "点击广告",
    "coupon.received": "领取优惠券「{name}」",
    "coupon.locked": "下单占用优惠券",
    "coupon.used": "核销优惠券 {amount}",
    "coupon.conflict": "优惠券已在门店核销",
    "payment.late": "订单关闭后付款",
    "order.created": "下单 {amount}",
    "order.paid": "支付订单 {amount}",
    "order.shipped": "订单发货",
    "order.completed": "订单完成",
    "order.closed": "订单关闭",
    "order.picked_up": "到店自提",
    "payment.captured": "微信支付 {amount}",
    "refund.succeeded": "退款 {amount}",
    "after_sale.changed": "售后处理中",
    "after_sale.completed": "售后完成",
    "file.stored": "存入文件",
    "message.accepted": "导购收到付款提醒",
    "mini_program.authorised": "登录小程序",
    "member.created": "成为会员",
    "lead": "留下线索",
}


def _entry(row: Row[Any]) -> EntryRecord:
    payload = row.payload or {}
    values = {
        "scene": f"（场景 {payload['scene']}）" if payload.get("scene") else "",
        "group": payload.get("group", ""),
        "name": payload.get("name", ""),
        "amount": f"¥{row.amount_fen / 100:.2f}" if row.amount_fen is not None else "",
    }
    summary = _TOLD[row.kind].format(**values).strip()
    return EntryRecord(row.id, row.kind, row.occurred_at, row.tool, summary, row.amount_fen, row.source)


MEMBER_TIMELINE = OwnedList(
    "member.timeline",
    select(fact).join(identity, identity.c.id == fact.c.identity).where(fact.c.kind.in_(_TOLD)),
    identity.c.member,
    [(fact.c.occurred_at, True), (fact.c.id, True)],
    _entry,
)


async def timeline(ctx: Context, member: MemberRecord, args: PageArgs) -> Slice[EntryRecord]:
    """Newest first."""
    return await MEMBER_TIMELINE.page(ctx, member.id, args)
