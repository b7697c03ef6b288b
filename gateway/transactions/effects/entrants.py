"""Members who take part in activations of licensed works (泛娱乐IP): who they are to the tool, and who may not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from gateway.database.clock import BUSINESS_ZONE
from gateway.database.engine import Database
from gateway.database.reading import Fetch
from gateway.database.rows import AnyRow
from gateway.database.tables.members import identity, member
from gateway.database.tables.projections import purchase
from gateway.members.family import Family, families
from gateway.transactions.actions import Planning
from gateway.transactions.steps import StepContext, StepRefused


@dataclass(frozen=True, slots=True)
class Entrant:
    """A member, and our id of the identity under whose unionid they take part."""

    member: str
    identity: str
    family: Family


async def entrant(planning: Planning, member_id: str, *, chance: bool) -> Entrant:
    """Who takes part. ``chance``: what they get is drawn.

    Raises StepRefused: MEMBER_UNKNOWN, also once erased; UNDER_AGE where chance decides for somebody under 14;
    MEMBER_WITHOUT_UNIONID.
    """
    database = planning.database
    family = (await families(_fetch(database), database.keyring, [member_id])).get(member_id)
    if family is None or family.erased:
        raise StepRefused("MEMBER_UNKNOWN", "There is no such member.")
    if chance and family.under_age(planning.projector.clock.now()):
        raise StepRefused("UNDER_AGE", "The member is under 14; nobody that young takes part in draws.")
    row = await database.one(
        select(identity.c.id)
        .where(identity.c.member == family.member, identity.c.kind == "UNIONID", identity.c.superseded_by.is_(None))
        .order_by(identity.c.linked_at, identity.c.id)
        .limit(1)
    )
    if row is None:
        raise StepRefused(
            "MEMBER_WITHOUT_UNIONID", "The member has no unionid, by which entries are counted; have them log in first."
        )
    return Entrant(family.member, row.id, family)


def _fetch(database: Database) -> Fetch:
    return database.fetch


async def unionid_of(ctx: StepContext, identity_id: str) -> str:
    """Raises StepRefused when the member was erased meanwhile."""
    row = await ctx.projector.database.one(select(identity.c.value).where(identity.c.id == identity_id))
    if row is None or not row.value:
        raise StepRefused("SUBJECT_ERASED", "The member was erased: nobody takes part under this name any more.")
    return str(row.value)


async def bought(planning: Planning, who: Entrant, order: str, first: date, after: date) -> None:
    """That the order is the member's own, and was paid from ``first`` on and before ``after``. Raises StepRefused."""
    row: AnyRow | None = await planning.database.one(
        select(purchase.c.state, purchase.c.paid_at, purchase.c.refunded, purchase.c.payable, identity.c.member)
        .join(identity, identity.c.id == purchase.c.identity)
        .where(purchase.c.id == order)
    )
    if row is None or row.member not in who.family.ids:
        raise StepRefused("ORDER_UNKNOWN", "There is no such order; pass an id as you received it.")
    if row.paid_at is None or row.state == "CLOSED" or 0 < row.payable <= row.refunded:
        raise StepRefused("ENTRY_INVALID", "The order is not paid, or its money went back; it gives no entry.")
    if not first <= row.paid_at.astimezone(BUSINESS_ZONE).date() < after:
        raise StepRefused("ENTRY_INVALID", "The order was not paid on the activation's days; it gives no entry.")


async def not_risky(planning: Planning, who: Entrant, *, phone: bool, member_days: int) -> None:
    """The anti-bot rules of a limited edition. Raises StepRefused RISK_REJECTED."""
    if phone and not who.family.has_phone:
        raise StepRefused("RISK_REJECTED", "Only members with a checked phone may enter; bind the phone first.")
    row = await planning.database.one(select(member.c.joined_at, member.c.created_at).where(member.c.id == who.member))
    now: datetime = planning.projector.clock.now()
    since = now if row is None else row.joined_at or row.created_at
    if (now - since).days < member_days:
        raise StepRefused("RISK_REJECTED", f"Only members of at least {member_days} days may enter.")
