"""Other addresses (修改收货地址) of orders of the 微信小店: set by the brand, or wished for by the buyer.

An address is in no intent. It is a sealed row that is deleted in the commit in which the platform is known to have it;
one that was refused is deleted by the retention job.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from sqlalchemy import delete, select

from adapters.base.errors import NotFound, OutcomeUnknown
from adapters.mini_program_store import Address, MiniProgramStoreAdapter, OrderState
from gateway.database import ERASED
from gateway.database.tables.sagas import order_address
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.overtaking import must_not_be_overtaken
from gateway.transactions.effects.shop_orders import TOOL, buyer, fact, found, read_again
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Characters of the parts of an address. Our choice: the platform documents none.
SHORT: Final = 64
DETAIL: Final = 200
_PHONE: Final = re.compile(r"\+?[0-9][0-9 -]{4,19}", re.ASCII)
_POSTAL: Final = re.compile(r"[0-9]{0,10}", re.ASCII)
CHANGED: Final = "order.address_changed"
#: States of an order that has not left.
_HERE: Final = frozenset({OrderState.UNPAID, OrderState.AWAITING_SHIPMENT})


class To(msgspec.Struct, frozen=True):
    """Where an order is to go."""

    name: str
    phone: str
    province: str
    city: str
    county: str
    detail: str
    house_number: str = ""
    postal_code: str = ""

    def __repr__(self) -> str:
        return "To(…)"


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for."""

    order: str
    to: To


class Readdress(msgspec.Struct, frozen=True):
    """Which order; where it is to go is the row of this transaction and order."""

    order: str
    account: str
    native: str
    identity: str | None


class Readdressed(msgspec.Struct, frozen=True):
    """The platform has it."""


class Wish(msgspec.Struct, frozen=True):
    """What the client says to a buyer's wish."""

    order: str
    accept: bool


class Answer(msgspec.Struct, frozen=True):
    """The same, as the platform names the order, and its codes of the address that it had and of the wished one."""

    order: str
    account: str
    native: str
    identity: str | None
    accept: bool
    before: str = ""
    wished: str = ""


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    _check(asked.to)
    row, now = await found(planning, asked.order)
    if now.state not in _HERE:
        raise StepRefused("ORDER_ADDRESS_FIXED", f"This order is {now.state}: it goes where it was sent.")
    member = await buyer(planning, row)
    value = msgspec.to_builtins(asked.to)

    async def book(batch: Batch, saga: str) -> None:
        sealed = planning.database.keyring.seal_json(value, subject=member or None)
        given = {"saga": saga, "purchase": row.id, "address": sealed, "asked_at": batch.now}
        await batch.connection.execute(order_address.insert().values(**given))

    return Effect(
        Readdress(row.id, row.account, row.native_id, row.identity), member, values={"order": row.id}, book=book
    )


def _check(to: To) -> None:
    """Raises StepRefused. What was typed is not repeated."""
    for name, text, least, most in (
        ("name", to.name, 1, SHORT),
        ("province", to.province, 1, SHORT),
        ("city", to.city, 1, SHORT),
        ("county", to.county, 0, SHORT),
        ("detail", to.detail, 1, DETAIL),
        ("houseNumber", to.house_number, 0, SHORT),
    ):
        if not least <= len(text.strip()) <= len(text) <= most:
            raise StepRefused("BAD_USER_INPUT", f"{name} has {len(text)} characters; it needs {least} to {most}.")
    if not _PHONE.fullmatch(to.phone) or not _POSTAL.fullmatch(to.postal_code):
        raise StepRefused(
            "BAD_USER_INPUT", "phone is 5 to 20 digits, blanks and hyphens, postalCode up to 10 digits; one is neither."
        )


async def _address(ctx: StepContext, intent: Readdress) -> Address:
    """Raises StepRefused where the row was deleted, or cannot be read any more."""
    row: Any = await ctx.projector.database.one(
        select(order_address.c.address).where(
            order_address.c.saga == ctx.saga, order_address.c.purchase == intent.order
        )
    )
    if row is None or row.address is ERASED:
        raise StepRefused("ADDRESS_FORGOTTEN", "It was kept for a day, or its buyer was erased; give it again.")
    to = msgspec.convert(row.address, To)
    return Address(
        to.name, to.phone, to.province, to.city, to.county, to.detail, to.house_number, to.postal_code
    )  # fmt: skip


# KEYED by the order: the same address again is the same, unless there is a newer one. A PIVOT: the former one is not
# kept here.
@step(name="order.readdress", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def readdress(ctx: StepContext, intent: Readdress) -> Readdressed:
    """Set the address; the platform refuses it once the order has left."""
    await must_not_be_overtaken(ctx, CHANGED, intent.account, order_ref=intent.order)
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    await adapter.order_address_change(intent.native, await _address(ctx, intent))

    async def forget(batch: Batch) -> None:
        await batch.connection.execute(
            delete(order_address).where(order_address.c.saga == ctx.saga, order_address.c.purchase == intent.order)
        )

    ctx.on_done.append(forget)
    ctx.facts.append(_fact(ctx, intent, CHANGED))
    await read_again(ctx, adapter, intent.native)
    return Readdressed()


async def _plan_answer(planning: Planning, asked: Wish) -> Effect:
    row, now = await found(planning, asked.order)
    if not now.address_change_waits:
        raise StepRefused("ORDER_ADDRESS_NOT_ASKED", "The buyer asks for no other address of this order, or no more.")
    codes = (now.address_code, now.wished_address_code)
    answer = Answer(row.id, row.account, row.native_id, row.identity, asked.accept, *codes)
    return Effect(answer, await buyer(planning, row), values={"order": row.id})


async def _answered(ctx: StepContext, intent: Answer) -> Readdressed | None:
    """By the wish, which waits no longer then, and by where the order goes: to the wished address after a yes.

    Whoever gave the same answer, it is given. Where the platform has no code of both addresses, or one for both, a wish
    that waits no longer is taken for answered as we did. Raises StepRefused where it ended otherwise, which somebody
    does in the console, or the buyer by giving it up, and OutcomeUnknown where the order goes somewhere else by now.
    """
    [order] = await ctx.tools.get(MiniProgramStoreAdapter, intent.account).orders([intent.native])
    if isinstance(order, NotFound) or order.address_change_waits:
        return None
    if intent.before and intent.wished and intent.before != intent.wished:
        if order.address_code not in {intent.before, intent.wished}:
            raise OutcomeUnknown(TOOL, "address_changed", "The order has got an address which is neither of the two.")
        if (order.address_code == intent.wished) is not intent.accept:
            raise StepRefused("CHANGED_MEANWHILE", "The wish ended otherwise meanwhile; look where the order goes.")
    return await _told(ctx, intent)


# Sealed, since the codes are of a buyer's addresses.
@step(
    name="order.address_answer", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_answered, personal=True
)  # fmt: skip
async def answer(ctx: StepContext, intent: Answer) -> Readdressed:
    """Say yes or no to the buyer's wish."""
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    await adapter.order_address_request(intent.native, accept=intent.accept)
    return await _told(ctx, intent)


async def _told(ctx: StepContext, intent: Answer) -> Readdressed:
    ctx.facts.append(_fact(ctx, intent, CHANGED if intent.accept else "order.address_refused"))
    await read_again(ctx, ctx.tools.get(MiniProgramStoreAdapter, intent.account), intent.native)
    return Readdressed()


def _fact(ctx: StepContext, intent: Readdress | Answer, kind: str) -> Any:
    return fact(ctx, kind, account=intent.account, order=intent.order, identity_id=intent.identity)


CHANGE: Final = Action("orderAddressChange", readdress, _plan)
ANSWER: Final = Action("orderAddressAnswer", answer, _plan_answer)
