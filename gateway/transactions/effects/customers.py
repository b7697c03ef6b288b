"""Customers of guides (外部联系人): which contacts a member is, and by which name the platform knows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec
from sqlalchemy import select

from gateway.database.engine import Database
from gateway.database.reading import chunks
from gateway.database.tables.dimensions import guide
from gateway.database.tables.members import identity
from gateway.database.tables.projections import contact
from gateway.members.family import present_ids
from gateway.runtime import ToolNotConfigured
from gateway.transactions.actions import Planning
from gateway.transactions.effects.people import platform_names
from gateway.transactions.steps import StepRefused

TOOL = "enterprise_chat"


class Pair(msgspec.Struct, frozen=True):
    """A contact: a guide, and our id of the customer, which leads to nobody once the member is erased."""

    corpid: str
    userid: str
    identity: str


async def contacts_of(database: Database, members: Collection[str]) -> Mapping[str, Sequence[Pair]]:
    """Member's id as asked → their contacts that nobody ended, the oldest first. One round per 500 members."""
    present = await present_ids(database.fetch, list(members))
    found: dict[str, list[Pair]] = {each: [] for each in present.values()}
    for some in chunks(sorted(found)):
        rows = await database.fetch(
            select(contact.c.corpid, contact.c.userid, contact.c.identity, identity.c.member)
            .join(identity, identity.c.id == contact.c.identity)
            .where(identity.c.member.in_(some), contact.c.removed_by.is_(None))
            .order_by(contact.c.added_at, contact.c.userid)
        )
        for row in rows:
            found[row.member].append(Pair(row.corpid, row.userid, row.identity))
    return {asked: found[now] for asked, now in present.items()}


def is_own(planning: Planning, pair: Pair) -> bool:
    """Whether the caller may write on the contact: with a guide's session only on the guide's own."""
    return planning.principal.guide in {None, f"{pair.corpid}:{pair.userid}"}


async def must_be_own(planning: Planning, member: str) -> None:
    """Raises StepRefused where the caller has a guide's session, and the member is no contact of the guide's.

    For what is written about members elsewhere than on a contact.
    """
    if planning.principal.guide is None:
        return
    found = await contacts_of(planning.database, [member])
    if not any(is_own(planning, pair) for pairs in found.values() for pair in pairs):
        raise StepRefused(
            "CONTACT_UNKNOWN", "The guide does not have the member as a contact; Member.chat says who has."
        )


async def external_userids(database: Database, identities: Collection[str]) -> Mapping[str, str]:
    """Our ids → the platform's; whoever was erased meanwhile is left out."""
    return await platform_names(database, identities, "EXTERNAL_USERID")


async def guide_state(database: Database, corpid: str, userid: str) -> str | None:
    """ACTIVE or LEFT; None for one whom our book does not know, such as one who left before the first sync."""
    row = await database.one(
        select(guide.c.state).where(guide.c.corpid == corpid, guide.c.userid == userid, guide.c.valid_to.is_(None))
    )
    return None if row is None else str(row.state)


def one_corp(pairs: Collection[Pair]) -> str:
    """The corp of these contacts. Raises StepRefused ACCOUNT_NEEDED for several."""
    corps = {each.corpid for each in pairs}
    if len(corps) > 1:
        raise StepRefused("ACCOUNT_NEEDED", "The member has guides in several corps; say by account which is meant.")
    if not corps:
        raise ToolNotConfigured(TOOL)
    return corps.pop()
