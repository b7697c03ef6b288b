"""Points and levels of platform cards (会员卡), as entries of the ledgers.

A platform tells a card's balance and not what moved it. So an entry is the difference between the balance that was
read last and what the ledger holds for the card: their sum is the card's balance, and reading it again adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, ScalarSelect, func, literal, select

from adapters.base.runtime import Clock
from gateway.database.ledgers import LevelEntry, PointsEntry, append_levels, append_points, refresh_levels
from gateway.database.rows import AnyRow
from gateway.database.tables.ledger import level_entry, points_entry
from gateway.database.tables.projections import membership_card
from gateway.events.projector import Batch, Linked

REASON: Final = "card"


async def follow_cards(batch: Batch, cards: Sequence[tuple[str, Linked]], clock: Clock) -> None:
    """Bring the ledgers to what is stored of these cards, given as (appid, whose). Six statements at most.

    Call it after the cards are written: their rows are locked then, so two readers of a card go one after the other,
    and a stale answer, which was not stored, changes nothing.
    """
    people = {
        (appid, linked.identity): (linked.identity, linked.member)
        for appid, linked in cards
        if linked.member is not None
    }
    found = await batch.connection.execute(
        _STANDING.where(
            membership_card.c.appid.in_({appid for appid, _ in people}),
            membership_card.c.identity.in_({who for _, who in people}),
        )
    )
    pairs = [(row, people[row.appid, row.identity]) for row in found.all() if (row.appid, row.identity) in people]
    points = [_points(*pair) for pair in pairs if pair[0].points is not None and pair[0].points != pair[0].held]
    levels = [_level(*pair) for pair in pairs if (pair[0].grade, pair[0].growth) != (pair[0].was, pair[0].worth)]
    await append_points(batch.connection, points, clock=clock, via="poll")
    await append_levels(batch.connection, levels, clock=clock, via="poll")
    await refresh_levels(batch.connection, (who for _, who in people.values()), clock.now())


def _points(row: AnyRow, whose: tuple[str, str]) -> PointsEntry:
    return PointsEntry(
        member=whose[1],
        identity=whose[0],
        kind="CARD",
        delta=int(row.points - (row.held or 0)),
        reason=REASON,
        source=f"card:{row.appid}",
        source_key=f"{row.identity}:{row.moves}",
        occurred_at=row.as_of,
    )


def _level(row: AnyRow, whose: tuple[str, str]) -> LevelEntry:
    return LevelEntry(
        member=whose[1],
        identity=whose[0],
        grade=row.grade,
        growth=row.growth,
        previous=row.was,
        reason=REASON,
        source=f"card:{row.appid}",
        source_key=f"{row.identity}:{row.steps}",
        occurred_at=row.as_of,
    )


_SOURCE = literal("card:") + membership_card.c.appid
_ENTRIES = (points_entry.c.identity == membership_card.c.identity, points_entry.c.source == _SOURCE)
_LEVELS = (level_entry.c.identity == membership_card.c.identity, level_entry.c.source == _SOURCE)


def _latest(column: ColumnElement[int]) -> ScalarSelect[int]:
    ordered = select(column).where(*_LEVELS).order_by(level_entry.c.occurred_at.desc(), level_entry.c.id.desc())
    return ordered.limit(1).scalar_subquery()


#: A card beside what the ledgers hold for it: balance and number of points entries, level and number of those.
_STANDING = select(
    membership_card,
    select(func.sum(points_entry.c.delta)).where(*_ENTRIES).scalar_subquery().label("held"),
    select(func.count()).where(*_ENTRIES).scalar_subquery().label("moves"),
    _latest(level_entry.c.grade).label("was"),
    _latest(level_entry.c.growth).label("worth"),
    select(func.count()).where(*_LEVELS).scalar_subquery().label("steps"),
)
