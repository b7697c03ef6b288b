"""An activation's way from plan to measurement, and what must hold before works may be seen in stores.

A1: for the whole window, grants in force cover every store's territory for a channel that is seen there. A2: two works
share a store in the same days only if both works' grants permit it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Row, bindparam, insert, select, update

from adapters.base.errors import UpstreamError
from adapters.base.runtime import Sql
from adapters.ip_content.clearance import Days, GrantRights
from adapters.ip_content.errors import FAULTS
from adapters.ip_content.ledger import days_of, grants_by_property, micros
from adapters.ip_content.records import ActivationMoved
from adapters.ip_content.tables import activation, activation_move

#: State → those that may follow it. What was blocked may be cleared once the licences are there.
MOVES: Final[Mapping[str, frozenset[str]]] = {
    "planned": frozenset({"cleared", "blocked"}),
    "blocked": frozenset({"cleared"}),
    "cleared": frozenset({"installed"}),
    "installed": frozenset({"live"}),
    "live": frozenset({"closed", "pulled"}),
    "closed": frozenset({"measured"}),
}
#: States that licences must bear: the first says that they do, the second shows the work to people.
_JUDGED: Final = frozenset({"cleared", "live"})
#: States in which a work has its place in a store.
_PRESENT: Final = frozenset({"cleared", "installed", "live"})
#: Channels that are seen in a store.
_SEEN: Final = frozenset({"offline_store", "ooh_display"})

_LOCKED: Final = (
    select(activation)
    .where(activation.c.licensee == bindparam("licensee"), activation.c.code == bindparam("code"))
    .with_for_update()
)
_EARLIER: Final = select(activation_move).where(
    activation_move.c.licensee == bindparam("licensee"), activation_move.c.key == bindparam("key")
)
_BESIDE: Final = select(activation).where(
    activation.c.licensee == bindparam("licensee"),
    activation.c.property != bindparam("property"),
    activation.c.state.in_(sorted(_PRESENT)),
    activation.c.starts < bindparam("ends"),
    activation.c.ends > bindparam("starts"),
)
_MOVE: Final = update(activation).where(
    activation.c.licensee == bindparam("of"), activation.c.code == bindparam("which")
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A move that somebody wants. ``territories`` says where each store is, by ISO 3166-2; ``key`` is its name."""

    code: str
    target: str
    user: str
    key: str
    territories: Mapping[str, str]


def covered(days: Days, territory: str, grants: Iterable[GrantRights]) -> bool:
    """A1 of one store: on each of the days some grant lets the work be seen there."""
    seen = [g for g in grants if g.scope.reaches(territory) and not g.scope.channels.isdisjoint(_SEEN)]
    edges = {days.starts, days.ends}
    for grant in seen:
        for part in (grant.days, *grant.blackouts):
            edges |= {day for day in (part.starts, part.ends) if day in days}
    return all(
        any(starts in g.days and not any(starts in b for b in g.blackouts) for g in seen)
        for starts, _ in pairwise(sorted(edges))
    )


def shared(days: Days, territory: str, *works: Iterable[GrantRights]) -> bool:
    """A2 of one store: the grants that let each of the works be seen there permit others beside it."""
    return all(
        all(
            g.co_presence
            for g in grants
            if g.scope.reaches(territory) and not g.scope.channels.isdisjoint(_SEEN) and _meet(days, g.days)
        )
        for grants in works
    )


def _meet(one: Days, other: Days) -> bool:
    return one.starts < other.ends and other.starts < one.ends


class MoveDesk:
    """Moves activations of one licensee."""

    def __init__(self, sql: Sql, licensee: str) -> None:
        self._sql = sql
        self._licensee = licensee

    async def move(self, asked: Asked, now: datetime) -> ActivationMoved:
        """Move it, or say what was moved under this key before."""
        ids = {"licensee": self._licensee, "code": asked.code, "key": asked.key}
        grants = await grants_by_property(self._sql, self._licensee)
        async with self._sql.write() as connection:
            found: Row[Any] | None = (await connection.execute(_LOCKED, ids)).first()
            if found is None:
                raise self._refusal("not_found")
            earlier: Row[Any] | None = (await connection.execute(_EARLIER, ids)).first()
            if earlier is not None:
                return ActivationMoved(earlier.activation, earlier.source, earlier.target, already=True)
            if asked.target not in MOVES.get(found.state, ()):
                raise self._refusal("illegal_transition")
            if asked.target in _JUDGED:
                beside = {"licensee": self._licensee, "property": found.property}
                window = {"starts": found.starts, "ends": found.ends}
                others = (await connection.execute(_BESIDE, {**beside, **window})).all()
                self._judge(found, others, grants, asked.territories)
            which = {"of": self._licensee, "which": asked.code}
            await connection.execute(_MOVE.values(state=asked.target), which)
            moved = {"licensee": self._licensee, "key": asked.key, "activation": asked.code, "source": found.state}
            row = {**moved, "target": asked.target, "user": asked.user, "moved_at": micros(now)}
            await connection.execute(insert(activation_move), row)
        return ActivationMoved(asked.code, found.state, asked.target, already=False)

    def _judge(
        self,
        found: Row[Any],
        others: Sequence[Row[Any]],
        grants: Mapping[str, Sequence[GrantRights]],
        territories: Mapping[str, str],
    ) -> None:
        days, mine = days_of(found.starts, found.ends), grants.get(found.property, ())
        for store in found.stores:
            territory = territories.get(store, "")
            if not covered(days, territory, mine):
                raise self._refusal("store_not_in_territory")
            for other in others:
                if store in other.stores and not shared(
                    days_of(max(found.starts, other.starts), min(found.ends, other.ends)),
                    territory,
                    mine,
                    grants.get(other.property, ()),
                ):
                    raise self._refusal("co_presence_denied")

    def _refusal(self, code: str) -> UpstreamError:
        return FAULTS.error(code, endpoint="move_activation", account=self._licensee)
