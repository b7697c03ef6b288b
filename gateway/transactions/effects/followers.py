"""Whom a member is at an official account (公众号)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from gateway.database.engine import Database
from gateway.database.tables.members import identity
from gateway.database.tables.projections import follower
from gateway.members.family import present_id
from gateway.transactions.steps import StepRefused


async def follows(database: Database, member: str, account: str | None) -> tuple[str, Sequence[str]]:
    """The account that they follow, and our ids of the member as its follower. Raises StepRefused."""
    rows = await _rows(database, member)
    found = [row for row in rows if row.subscribed and account in {None, row.appid}]
    accounts = {row.appid for row in found}
    if not accounts:
        raise follows_not()
    if len(accounts) > 1:
        raise StepRefused("ACCOUNT_NEEDED", "The member follows several accounts; say by account which is meant.")
    return accounts.pop(), [row.identity for row in found]


async def known_to(database: Database, member: str, appid: str) -> Sequence[str]:
    """Our ids of the member as somebody who follows the account, or followed it once. Raises StepRefused."""
    found = [row.identity for row in await _rows(database, member) if row.appid == appid]
    if not found:
        raise follows_not()
    return found


def follows_not() -> StepRefused:
    """Of a member who is none of the account's followers."""
    return StepRefused(
        "FOLLOWER_UNKNOWN", "The member does not follow the account; Member.officialAccount says whether they do."
    )


async def _rows(database: Database, member: str) -> Sequence[Row[Any]]:
    who = await present_id(database.fetch, member)
    if who is None:
        raise StepRefused("MEMBER_UNKNOWN", "There is no such member.")
    return await database.fetch(
        select(follower.c.appid, follower.c.identity, follower.c.subscribed)
        .join(identity, identity.c.id == follower.c.identity)
        .where(identity.c.member == who)
        .order_by(follower.c.identity)
    )
