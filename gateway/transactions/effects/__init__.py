"""What mutations do to platforms and to our own book: one module per noun, each with its steps and actions."""

from __future__ import annotations

from typing import Final

from gateway.transactions.actions import AnyAction
from gateway.transactions.effects import (
    after_sales,
    app_messages,
    coupons,
    customer_service_messages,
    files,
    handovers,
    member_tags,
    pickups,
    points,
    shipments,
    stock_adjustments,
    subscribe_messages,
    template_messages,
)

#: Every mutation that is an action; two of them may be one step. A step that is not here cannot be run.
ACTIONS: Final[tuple[AnyAction, ...]] = (
    after_sales.ACCEPT,
    after_sales.REJECT,
    app_messages.SEND,
    coupons.ISSUE,
    coupons.RETURN,
    coupons.USE,
    customer_service_messages.SEND,
    files.DELETE,
    pickups.CONFIRM,
    handovers.HAND_OVER,
    member_tags.TAG,
    member_tags.UNTAG,
    points.ADJUST,
    shipments.SHIP,
    stock_adjustments.ADJUST,
    subscribe_messages.SEND,
    template_messages.SEND,
)
