"""Consent (同意): what a member allows, as it stands and as it was answered; and answers to record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from gateway.context import Context
from gateway.database.statements import upsert
from gateway.database.tables.members import consent
from gateway.database.tables.reach import minor
from gateway.members.consent import ConsentRefused, Purpose, Said, Standing, answers_of, record, standing
from gateway.members.family import families
from gateway.resolvers import ids
from gateway.resolvers.paging import aware

#: Whoever may record what shoppers said in a shop, on the phone, or in an older system.
SCOPE = "consents:write"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRecord:
    """What somebody sends to be recorded. ``member`` is a global id; None for the shopper of the session."""

    purpose: str
    given: bool
    policy_version: str
    guardian: bool
    key: str
    member: str | None = None
    channel: str = "MINI_PROGRAM"
    proof: str = field(default="", repr=False)
    at: datetime | None = None


async def record_own(ctx: Context, given: GivenRecord) -> Standing:
    """What the shopper of this session gives or withdraws. Raises ConsentRefused."""
    member = ctx.principal.member
    if member is None:
        raise ConsentRefused("SESSION_REQUIRED", "Consent is the shopper's own: call sessionCreate and send its token.")
    session = ctx.principal.session_identity
    return await _record(ctx, given, member, by=f"session:{member}", proof=f"session {session}", identity=session)


async def record_for(ctx: Context, given: GivenRecord) -> Standing:
    """What a shopper said to staff, or to another system. Needs consents:write. Raises ConsentRefused."""
    ctx.principal.require(SCOPE)
    if given.at is not None:
        aware(given.at, "givenAt")
    if not given.proof:
        raise ConsentRefused("PROOF_REQUIRED", "Say what proves the answer: a form, a call, a row of an export.")
    member = ids.decode_as("mb", given.member or "")[1]
    return await _record(ctx, given, member, by=ctx.principal.id, proof=given.proof, identity=None)


async def _record(
    ctx: Context, given: GivenRecord, member: str, *, by: str, proof: str, identity: str | None
) -> Standing:
    said = Said(
        member=member,
        purpose=Purpose(given.purpose),
        given=given.given,
        policy_version=given.policy_version,
        channel=given.channel,
        recorded_by=by,
        guardian=given.guardian,
        at=given.at,
        identity=identity,
        proof=proof,
        key=given.key,
    )
    await record(ctx.services.projector, said)
    [stands] = await standings(ctx, [member])
    return next(each for each in stands if each.purpose is said.purpose)


async def standings(ctx: Context, member_ids: Sequence[str]) -> Sequence[Sequence[Standing]]:
    """Batch: every purpose of each member, in their own order. Four statements; none for a member who is gone."""
    database, now = ctx.database, ctx.clock.now()
    found = await families(database.fetch, database.keyring, member_ids)
    answers = await answers_of(database.fetch, {each.member: each for each in found.values()}.values())
    return [
        [standing(family, answers.get(family.member, ()), purpose, now) for purpose in Purpose]
        if (family := found.get(each)) is not None and not family.erased
        else []
        for each in member_ids
    ]


async def proofs(ctx: Context, answer_ids: Sequence[str]) -> Sequence[str | None]:
    """Batch: what proves each answer. One statement; the members' keys were loaded with the answers."""
    rows = await ctx.database.fetch(select(consent.c.id, consent.c.proof).where(consent.c.id.in_(answer_ids)))
    found = {row.id: row.proof if isinstance(row.proof, str) else None for row in rows}
    return [found.get(each) for each in answer_ids]


async def set_minor(ctx: Context, member: str, *, is_minor: bool) -> None:
    """What staff know of a member's age. Needs consents:write. Raises ConsentRefused."""
    ctx.principal.require(SCOPE)
    database, asked = ctx.database, ids.decode_as("mb", member)[1]
    family = (await families(database.fetch, database.keyring, [asked])).get(asked)
    if family is None or family.erased:
        raise ConsentRefused("MEMBER_UNKNOWN", "There is no such member.")
    row = {
        "member": family.member,
        "minor": is_minor,
        "decided_at": ctx.clock.now(),
        "decided_by": ctx.principal.id,
    }
    async with database.write() as connection:
        await upsert(connection, minor, [row], keys=("member",), unless_newer="decided_at")
