"""Reach (可触达): where a member may be spoken to, and grants that the client brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from gateway.context import Context
from gateway.database.tables.reach import subscribe_grant
from gateway.database.ulid import Ulids
from gateway.events.projector import Linked
from gateway.members import grants
from gateway.members.consent import Purpose
from gateway.members.reach import Circumstances, Endpoint, circumstances, listed
from gateway.resolvers.errors import UserError

#: A mini-program asks about a few templates at once.
MOST_ANSWERS = 20


@dataclass(frozen=True, slots=True)
class GrantRecord:
    """How many messages may still be sent by a template."""

    template: str
    remaining: int


class SessionRequired(UserError):
    """Only a shopper's own session may do this."""

    code = "SESSION_REQUIRED"


class KeyRequired(UserError):
    """The mutation moves money, stock or messages, or is counted, and came without a key."""

    code = "IDEMPOTENCY_KEY_REQUIRED"


async def reach(ctx: Context, member_id: str, purpose: str) -> Sequence[Endpoint]:
    """The ways to one member; statements are those of the batch, whatever the purposes."""
    known: Circumstances | None = await ctx.loaders.load(_known, member_id)
    if known is None:
        return []
    return list(listed(known, Purpose(purpose), ctx.clock.now(), ctx.settings.reach))


async def _known(ctx: Context, member_ids: Sequence[str]) -> Sequence[Circumstances | None]:
    """Batch: nine statements however many members."""
    found = await circumstances(ctx.database.fetch, ctx.database.keyring, member_ids, ctx.clock.now())
    return [found.get(each) for each in member_ids]


async def record_grants(ctx: Context, answers: Mapping[str, bool], key: str | None) -> Sequence[GrantRecord]:
    """What the shopper of this session answered: template → accepted. Returns what is left of these templates.

    Raises UserError. The same key again counts nothing.
    """
    who = ctx.principal
    if who.member is None or who.session_identity is None or who.app is None:
        raise SessionRequired("A grant is the shopper's own: call sessionCreate and send its token.")
    if not key:
        raise KeyRequired("Send idempotencyKey: one per question that the shopper answered.")
    if not 1 <= len(answers) <= MOST_ANSWERS:
        raise UserError(f"answers must have 1 to {MOST_ANSWERS} templates.")
    if any(not 1 <= len(template) <= 64 or "\0" in template for template in answers) or len(key) > 64:
        raise UserError("A template's id and idempotencyKey have 1 to 64 characters.")
    now, ulids, linked = ctx.clock.now(), Ulids(ctx.clock), Linked(who.session_identity, who.member, None)
    async with ctx.services.projector.batch() as batch:
        for template, accepted in answers.items():
            answer = grants.Answered(who.app, linked.identity, template, accepted, now, key)
            await grants.tell(batch, ulids, answer, linked, "CLIENT")
    rows = await ctx.database.fetch(
        select(subscribe_grant.c.template, subscribe_grant.c.remaining).where(
            subscribe_grant.c.appid == who.app,
            subscribe_grant.c.identity == linked.identity,
            subscribe_grant.c.template.in_(list(answers)),
        )
    )
    return [GrantRecord(row.template, row.remaining) for row in sorted(rows, key=lambda row: str(row.template))]
