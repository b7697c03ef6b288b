"""What mutations do to platforms and to our own book: one module per noun, each with its steps and actions."""

from __future__ import annotations

from typing import Final

from gateway.transactions.actions import AnyAction
from gateway.transactions.effects import (
    ads,
    after_sales,
    app_messages,
    audiences,
    conversions,
    coupons,
    customer_service_messages,
    files,
    follower_tag_book,
    follower_tags,
    handovers,
    lead_statuses,
    mass_messages,
    member_tags,
    pickups,
    points,
    scene_codes,
    shipments,
    stock_adjustments,
    stock_allotments,
    subscribe_messages,
    template_messages,
)

#: Every mutation that is an action; two of them may be one step, and one of them two actions of one kind, for two
#: tools. A step that is not here cannot be run.
ACTIONS: Final[tuple[AnyAction, ...]] = (
    ads.EDIT,
    ads.LIMIT,
    ads.LIMIT_ACCOUNT,
    ads.SWITCH,
    after_sales.ACCEPT,
    after_sales.REJECT,
    app_messages.SEND,
    audiences.CREATE,
    audiences.DELETE,
    audiences.REDUCE,
    audiences.UPDATE,
    audiences.UPLOAD,
    conversions.REPORT,
    coupons.ISSUE,
    coupons.RETURN,
    coupons.USE,
    customer_service_messages.SEND,
    files.DELETE,
    follower_tag_book.CREATE,
    follower_tag_book.DELETE,
    follower_tag_book.RENAME,
    follower_tags.TAG,
    follower_tags.UNTAG,
    pickups.CONFIRM,
    handovers.HAND_OVER,
    mass_messages.PREVIEW,
    mass_messages.SEND,
    mass_messages.TAKE_BACK,
    lead_statuses.REPORT,
    member_tags.TAG,
    member_tags.UNTAG,
    points.ADJUST,
    scene_codes.CREATE,
    shipments.SHIP,
    stock_adjustments.ADJUST,
    stock_allotments.ALLOT,
    subscribe_messages.SEND,
    template_messages.SEND,
)
