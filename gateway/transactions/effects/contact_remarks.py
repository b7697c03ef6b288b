"""What a guide notes about a customer (客户备注): a name, a description, a company and phones.

They are personal, and sealed under the customer's own key like every intent that holds such.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.events.projections import enterprise_chat
from gateway.events.projector import Batch
from gateway.members.family import present_id
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.customers import Pair, contacts_of, external_userids, is_own
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Characters of a remark and of a company, and of a description; phones of one customer.
SHORT: Final = 20
LONG: Final = 150
MOST_PHONES: Final = 5
_PHONE: Final = re.compile(r"\+?[0-9][0-9 -]{4,19}")


class Note(msgspec.Struct, frozen=True):
    """What is noted; None: stays as it is, empty: is taken away."""

    remark: str | None = None
    description: str | None = None
    company: str | None = None
    phones: tuple[str, ...] | None = None


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for, of the contact of one guide."""

    member: str
    corpid: str
    userid: str
    note: Note


class Write(msgspec.Struct, frozen=True):
    """The note, and whose it is."""

    pair: Pair
    note: Note


class Written(msgspec.Struct, frozen=True):
    """The contact."""

    pair: Pair


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    _check(asked.note)
    planning.tools.get(EnterpriseChatAdapter, asked.corpid)
    member = await present_id(planning.database.fetch, asked.member)
    if member is None:
        raise StepRefused("MEMBER_UNKNOWN", "There is no such member.")
    pairs = (await contacts_of(planning.database, [member]))[member]
    pair = next((each for each in pairs if (each.corpid, each.userid) == (asked.corpid, asked.userid)), None)
    if pair is None or not is_own(planning, pair):
        raise _not_a_contact()
    return Effect(Write(pair, asked.note), member, {"member": member})


def _check(note: Note) -> None:
    if note == Note():
        raise StepRefused("BAD_USER_INPUT", "Give a remark, a description, a company or phones.")
    sizes = (
        ("remark", note.remark, SHORT),
        ("company", note.company, SHORT),
        ("description", note.description, LONG),
    )
    for name, text, limit in sizes:
        if len(text or "") > limit:
            raise StepRefused("BAD_USER_INPUT", f"{name} has {len(text or '')} characters: {limit} are possible.")
    if len(note.phones or ()) > MOST_PHONES or not all(_PHONE.fullmatch(each) for each in note.phones or ()):
        raise StepRefused("BAD_USER_INPUT", f"phones are {MOST_PHONES} numbers at most, of 5 to 20 digits each.")


def _not_a_contact() -> StepRefused:
    return StepRefused("CONTACT_UNKNOWN", "The guide does not have the member as a contact; Member.chat says who has.")


# KEYED: the same words again change nothing. RETRIABLE: the platform does not tell the company that was noted before.
@step(
    name="contact.remark",
    tool="enterprise_chat",
    kind=Kind.RETRIABLE,
    delivery=Delivery.KEYED,
    personal=True,
)
async def write(ctx: StepContext, intent: Write) -> Written:
    """One call. Our row has the remark then; phones are hints, which the next reading of the contact links."""
    pair, note = intent.pair, intent.note
    external = (await external_userids(ctx.projector.database, [pair.identity])).get(pair.identity)
    if external is None:
        raise _not_a_contact()
    adapter = ctx.tools.get(EnterpriseChatAdapter, pair.corpid)
    await adapter.remark(
        pair.userid,
        external,
        remark=note.remark,
        description=note.description,
        company=note.company,
        mobiles=note.phones,
    )
    _follow(ctx, intent)
    return Written(pair)


def _follow(ctx: StepContext, intent: Write) -> None:
    remark, pair = intent.note.remark, intent.pair
    if remark is None:
        return

    async def follow(batch: Batch) -> None:
        await enterprise_chat.remarked(batch, pair.corpid, pair.userid, pair.identity, remark)

    ctx.on_done.append(follow)


WRITE: Final = Action("contactRemark", write, _plan)
