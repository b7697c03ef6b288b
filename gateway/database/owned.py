"""A member's rows, through all merges: what hangs on an identity follows it, what hangs on none is added up.

A merge re-points the identity's row and sets ``merged_into``, straight to the winner, and touches nothing else; so
these reads alone make points and totals add on a merge, and come apart again when it is undone.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Subquery, Table, select, union_all

from gateway.database.tables.files import file_ledger
from gateway.database.tables.ledger import identity_total, level_entry, member_total, points_entry
from gateway.database.tables.members import identity, member


def _owned(name: str, followed: Table, kept: Table, columns: tuple[str, ...]) -> Subquery:
    """``owner`` and the columns: of rows with an identity in ``followed``, of those without in ``kept``.

    Three plain branches, and no expression for the owner, so that a condition on it reaches an index in each.
    """
    bare = kept.c.identity.is_(None) if "identity" in kept.c else None
    by_identity = select(identity.c.member.label("owner"), *(followed.c[each] for each in columns)).join(
        identity, identity.c.id == followed.c.identity
    )
    own, merged = _kept(kept, columns)
    if bare is not None:
        own, merged = own.where(bare), merged.where(bare)
    return union_all(by_identity, own, merged).subquery(name)


def _kept(table: Table, columns: tuple[str, ...]) -> tuple[Select[Any], Select[Any]]:
    """Rows under the ids that they were written under, and under those that these lead to."""
    return (
        select(table.c.member.label("owner"), *(table.c[each] for each in columns)),
        select(member.c.merged_into.label("owner"), *(table.c[each] for each in columns))
        .join(member, member.c.id == table.c.member)
        .where(member.c.merged_into.is_not(None)),
    )


def _all(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns)


#: Points entries of each ``owner``, the member whom they count for now.
POINTS = _owned("owned_points", points_entry, points_entry, _all(points_entry))
#: Level entries of each ``owner``.
LEVELS = _owned("owned_levels", level_entry, level_entry, _all(level_entry))
#: Totals of each ``owner``, a row per subject, month and tool.
TOTALS = _owned("owned_totals", identity_total, member_total, _all(member_total)[1:])
#: Files of the ledger of each ``owner``, without what opens doors.
UPLOADS = union_all(
    *_kept(file_ledger, tuple(each for each in _all(file_ledger) if each not in {"grant", "asked_by"}))
).subquery("owned_uploads")
