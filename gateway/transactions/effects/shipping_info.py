"""Shipping information (发货信息管理) beside shipping: the reminder of receipt, and the page behind its messages."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from adapters.base.errors import NotFound
from adapters.mini_program_store import MiniProgramStoreAdapter, PaidOrderState, Payment
from gateway.members.consent import Purpose
from gateway.members.gate import Asked
from gateway.members.reach import Channel
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.messages import message_fact, must_be_allowed, sending
from gateway.transactions.effects.shipments import order_row
from gateway.transactions.effects.shop_orders import TOOL, buyer
from gateway.transactions.effects.wechat_apps import mini_program
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: A page of a mini-program, with its query.
PAGE_LENGTH: Final = 128
_PAGE: Final = re.compile(r"[^\s/]\S*", re.ASCII)


class Received(msgspec.Struct, frozen=True):
    """What the client asked for: the order, and when it arrived."""

    order: str
    at: datetime


class Remind(msgspec.Struct, frozen=True):
    """The payment, by the platform's names, and the member whom the gate is asked about."""

    order: str
    account: str
    mchid: str
    out_trade_no: str
    member: str
    at: datetime
    key: str


class Reminded(msgspec.Struct, frozen=True):
    """The platform took it."""


class Page(msgspec.Struct, frozen=True):
    """What the client asked for. ``account`` None: not said."""

    account: str | None
    page: str


class SetPage(msgspec.Struct, frozen=True):
    """The page, of one mini-program."""

    account: str
    page: str


class PageSet(msgspec.Struct, frozen=True):
    """The platform has it."""

    account: str


async def _plan(planning: Planning, asked: Received) -> Effect:
    row = await planning.database.one(order_row(asked.order))
    if row is None:
        raise StepRefused("ORDER_UNKNOWN", "There is no such order; pass an id as you received it.")
    if row.source != "MINI_PROGRAM" or row.mchid is None:
        raise StepRefused("ORDER_NOT_SHIPPED", "Only own orders, of which shipping information was told, are reminded.")
    if asked.at.tzinfo is None or asked.at > planning.projector.clock.now():
        raise StepRefused("BAD_USER_INPUT", "receivedAt is an instant with an offset, and not to come.")
    payment = Payment(mchid=row.mchid, out_trade_no=row.out_trade_no)
    try:
        paid = await planning.tools.get(MiniProgramStoreAdapter, row.account).paid_order(payment)
    except NotFound as error:
        raise StepRefused("ORDER_NOT_SHIPPED", "The platform knows of no payment of this order.") from error
    if paid.state is not PaidOrderState.SHIPPED:
        raise StepRefused("ORDER_NOT_SHIPPED", f"The platform has this payment as {paid.state}: nobody is reminded.")
    member = await buyer(planning, row)
    remind = Remind(
        row.id, row.account, row.mchid, row.out_trade_no, member, asked.at, f"orderReceiptRemind:{planning.key}"
    )
    return Effect(remind, values={"order": row.id})


# ONCE: it writes to the shopper, and the platform has neither a key nor a question.
@step(name="order.receipt_remind", tool=TOOL, kind=Kind.RETRIABLE, delivery=Delivery.ONCE)
async def remind(ctx: StepContext, intent: Remind) -> Reminded:
    """Through the gate, then to the platform, which words it itself and sends one per payment."""
    about = Asked(
        purpose=Purpose.SERVICE,
        channel=Channel.RECEIPT_REMINDER,
        key=intent.key,
        account=intent.account,
        order_ref=intent.order,
    )
    [decision] = await ctx.gate.decide(about, [intent.member])
    must_be_allowed(decision)
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    payment = Payment(mchid=intent.mchid, out_trade_no=intent.out_trade_no)
    told = {"tool": TOOL, "key": intent.key, "purpose": "SERVICE", "channel": Channel.RECEIPT_REMINDER.value}

    async def nothing(reason: str) -> None:
        """No place was taken."""
        del reason

    async with sending(ctx, decision, told, nothing):
        await adapter.remind_receipt(payment, int(intent.at.timestamp()))
    ctx.facts.append(message_fact(ctx, decision, "message.accepted", **told))
    return Reminded()


async def _plan_page(planning: Planning, asked: Page) -> Effect:
    if len(asked.page) > PAGE_LENGTH or not _PAGE.fullmatch(asked.page):
        raise StepRefused(
            "BAD_USER_INPUT",
            f"page is a path without a leading slash, up to {PAGE_LENGTH} characters: pages/order/detail.",
        )
    found = mini_program(planning, asked.account)
    return Effect(SetPage(found.account, asked.page), values={"appid": found.account})


# KEYED by the mini-program: the same page again is the same.
@step(name="shipping.page_set", tool=TOOL, kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def set_page(ctx: StepContext, intent: SetPage) -> PageSet:
    """One call; the platform shows nobody which page it has."""
    await ctx.tools.get(MiniProgramStoreAdapter, intent.account).shipping_page_set(intent.page)
    return PageSet(intent.account)


REMIND: Final = Action("orderReceiptRemind", remind, _plan)
SET_PAGE: Final = Action("shippingPageSet", set_page, _plan_page)
