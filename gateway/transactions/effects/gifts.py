"""What giving a member something of value has in common: to which openid of theirs, and whether they allow it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from adapters.payments import PaymentsAdapter
from gateway.database.tables.members import identity
from gateway.events.projector import Projector
from gateway.members.gate import Decision
from gateway.transactions.actions import Planning
from gateway.transactions.steps import StepRefused


@dataclass(frozen=True, slots=True)
class Receiver:
    """One of our identities, and the app that its openid belongs to."""

    identity: str
    appid: str


async def receiver(planning: Planning, adapter: PaymentsAdapter, member: str, appid: str = "") -> Receiver:
    """Where the member was seen last in an app of this merchant's, or in the given one. Raises StepRefused."""
    if appid and appid not in adapter.appids:
        raise StepRefused("BAD_USER_INPUT", "appid is none of the apps that this merchant is bound to.")
    apps = [appid] if appid else list(adapter.appids)
    row = await planning.database.one(
        select(identity.c.id, identity.c.issuer)
        .where(identity.c.kind == "OPENID", identity.c.issuer.in_(apps), identity.c.member == member)
        .where(identity.c.superseded_by.is_(None))
        .order_by(identity.c.linked_at.desc(), identity.c.id)
        .limit(1)
    )
    if row is None:
        raise StepRefused(
            "MEMBER_UNKNOWN_TO_MERCHANT",
            "The member was never seen in an app of this merchant's.",
        )
    return Receiver(row.id, row.issuer)


def must_be_allowed(decision: Decision) -> None:
    """Raises StepRefused NOT_ALLOWED, with the gate's reason."""
    if not decision.allowed:
        raise StepRefused(
            "NOT_ALLOWED",
            f"The member cannot be given this: {decision.reason}; Member.consents says what they allow.",
            reason=str(decision.reason),
        )


async def openid_of(projector: Projector, identity_id: str) -> tuple[str, str]:
    """(openid, appid). Raises StepRefused when the member was erased meanwhile."""
    row = await projector.database.one(select(identity.c.value, identity.c.issuer).where(identity.c.id == identity_id))
    if row is None or not row.value:
        raise StepRefused("SUBJECT_ERASED", "The member was erased: the platform cannot be told whose it is.")
    return str(row.value), row.issuer
