"""The brand's own note about a follower (备注名) at an official account."""

from __future__ import annotations

from typing import Final

import msgspec

from adapters.base.errors import Conflict, Invalid, NotFound, OutcomeUnknown, Rejected, UpstreamError
from adapters.official_account import OfficialAccountAdapter
from gateway.events.projections import official_account
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.customers import must_be_own
from gateway.transactions.effects.followers import follows, follows_not
from gateway.transactions.effects.people import platform_names
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: What the platform says of one name for good.
_FINAL: Final = (Rejected, Invalid, NotFound, Conflict)
#: Characters of a note.
TEXT_LENGTH: Final = 30


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for; an empty text takes the note off. ``account`` None: not said."""

    member: str
    text: str
    account: str | None


class Note(msgspec.Struct, frozen=True):
    """The note, and our ids of the follower; ``key`` is the name under which the fact log knows it."""

    appid: str
    identities: tuple[str, ...]
    text: str
    key: str


class Noted(msgspec.Struct, frozen=True):
    """By this account."""

    appid: str


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if len(asked.text) > TEXT_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"text has {len(asked.text)} characters: {TEXT_LENGTH} at most.")
    await must_be_own(planning, asked.member)
    appid, identities = await follows(planning.database, asked.member, asked.account)
    planning.tools.get(OfficialAccountAdapter, appid)
    intent = Note(appid, tuple(identities), asked.text, planning.key)
    return Effect(intent, asked.member, {"member": asked.member, "appid": appid})


# KEYED: the same note again is the same note. RETRIABLE: what stood there before is a person's, and kept nowhere.
@step(
    name="follower.remark",
    tool="official_account",
    kind=Kind.RETRIABLE,
    delivery=Delivery.KEYED,
    personal=True,
)
async def remark(ctx: StepContext, intent: Note) -> Noted:
    """One call per name of theirs; our row follows in the commit of the outcome."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    openids = await platform_names(ctx.projector.database, intent.identities, "OPENID")
    if not openids:
        raise follows_not()
    done: list[str] = []
    failure: UpstreamError | None = None
    for who, openid in openids.items():
        try:
            await adapter.remark(openid, intent.text)
            done.append(who)
        except _FINAL as error:
            # Of one who left the account meanwhile; they are noted about by their other name all the same.
            failure = error
        except UpstreamError as error:
            if not done:
                raise
            # Part of it happened, so nobody may be told that nothing did.
            raise OutcomeUnknown(error.tool, error.reason, "Only some of the notes were written.") from error
    if failure is not None and not done:
        raise failure

    async def follow(batch: Batch) -> None:
        await official_account.remarked(batch, intent.appid, done, intent.text, intent.key)

    ctx.on_done.append(follow)
    return Noted(intent.appid)


REMARK: Final = Action("followerRemark", remark, _plan)
