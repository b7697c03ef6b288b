"""The brand's own remark (商家备注) on an order of the 微信小店, which the buyer does not see."""

from __future__ import annotations

from typing import Final

import msgspec

from adapters.base.errors import NotFound
from adapters.mini_program_store import MiniProgramStoreAdapter
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.shop_orders import TOOL, buyer, found
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Characters of a remark. Our choice: the platform documents none.
MOST: Final = 500


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for."""

    order: str
    text: str

    def __repr__(self) -> str:
        return f"Wanted({self.order!r}, …)"


class Note(msgspec.Struct, frozen=True):
    """The remark, and the one that it replaces."""

    account: str
    native: str
    text: str
    former: str

    def __repr__(self) -> str:
        return f"Note({self.native!r}, …)"


class Noted(msgspec.Struct, frozen=True):
    """The platform has it."""


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if len(asked.text) > MOST:
        raise StepRefused("BAD_USER_INPUT", f"text has {len(asked.text)} characters; shorten it to {MOST}.")
    row, now = await found(planning, asked.order)
    note = Note(row.account, row.native_id, asked.text, now.merchant_notes)
    return Effect(note, await buyer(planning, row), values={"order": row.id})


async def _put_back(ctx: StepContext, intent: Note, outcome: Noted | None) -> None:
    """The former remark, where nobody has written another one meanwhile; also where it may never have been replaced."""
    del outcome
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    [now] = await adapter.orders([intent.native])
    if not isinstance(now, NotFound) and now.merchant_notes == intent.text:
        await adapter.order_note(intent.native, intent.former)


@step(
    name="order.note",
    tool=TOOL,
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.KEYED,
    undo=_put_back,
    personal=True,
)
async def note(ctx: StepContext, intent: Note) -> Noted:
    """Replace it. We keep none: whoever wants it reads it at the platform.

    Raises StepRefused where somebody has written another one since it was asked for.
    """
    adapter = ctx.tools.get(MiniProgramStoreAdapter, intent.account)
    [now] = await adapter.orders([intent.native])
    if not isinstance(now, NotFound) and now.merchant_notes not in {intent.former, intent.text}:
        raise StepRefused(
            "CHANGED_MEANWHILE", "Somebody else has written another remark meanwhile; look, and ask again."
        )
    await adapter.order_note(intent.native, intent.text)
    return Noted()


SET: Final = Action("orderNoteSet", note, _plan)
