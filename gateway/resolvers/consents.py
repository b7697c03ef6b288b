"""Consent (同意): what a shopper allows, with purpose, policy version, channel and proof."""

from __future__ import annotations

from gateway.context import Context
from gateway.database.facts import Fact
from gateway.database.statements import insert_new
from gateway.database.tables.members import consent
from gateway.resolvers.errors import UserError

PURPOSES = ("SERVICE", "MARKETING", "PROFILING", "AD_MATCHING", "SHARE_FRANCHISEE")


async def record(ctx: Context, purpose: str, policy_version: str, *, given: bool) -> str:
    """Write what the shopper of this session gives or withdraws; returns the member's id.

    History is kept: the newest row of a purpose counts. Raises UserError without a session.
    """
    member = ctx.principal.member
    if member is None:
        raise UserError("Consent is the shopper's own: send the session token of sessionCreate.")
    if not 1 <= len(policy_version) <= 40:
        raise UserError("policyVersion must have 1 to 40 characters.")
    now = ctx.clock.now()
    row = {
        "member": member,
        "purpose": purpose,
        "given_at": now,
        "allowed": "GIVEN" if given else "WITHDRAWN",
        "policy_version": policy_version,
        "channel": "MINI_PROGRAM",
        "proof": ctx.database.keyring.seal(f"session {ctx.principal.session_identity}", subject=member),
    }
    async with ctx.services.projector.batch() as batch:
        await insert_new(batch.connection, consent, [row], keys=("member", "purpose", "given_at"))
        batch.facts.append(
            Fact(
                kind="consent.given" if given else "consent.withdrawn",
                occurred_at=now,
                source="own",
                source_key=f"{member}:{purpose}:{now.isoformat()}",
                member=member,
                identity=ctx.principal.session_identity,
                reason=purpose,
                payload={"policyVersion": policy_version},
            )
        )
    return member
