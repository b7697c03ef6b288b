"""Votes and quizzes: one entry casts one ballot, ballots stay, and a closed count has a hash that proves it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, func, insert, or_, select

from adapters.base.errors import UpstreamError
from adapters.base.runtime import Sql
from adapters.ip_content.draws import BEIJING
from adapters.ip_content.errors import FAULTS
from adapters.ip_content.ledger import instant, micros
from adapters.ip_content.records import BallotCast, Contest, ContestTally
from adapters.ip_content.tables import ballot, contest

_CONTEST: Final = select(contest).where(
    contest.c.licensee == bindparam("licensee"), contest.c.code == bindparam("contest")
)
_SOME: Final = (
    select(contest)
    .where(contest.c.licensee == bindparam("licensee"), contest.c.code.in_(bindparam("codes", expanding=True)))
    .order_by(contest.c.opens_at, contest.c.code)
)
_OF_ACTIVATIONS: Final = (
    select(contest)
    .where(contest.c.licensee == bindparam("licensee"), contest.c.activation.in_(bindparam("codes", expanding=True)))
    .order_by(contest.c.opens_at, contest.c.code)
)
# Ballots of one contest wait for each other, or two could pass a limit.
_LOCKED: Final = _CONTEST.with_for_update()
_BALLOTS: Final[Select[Any]] = select(ballot).where(
    ballot.c.licensee == bindparam("licensee"), ballot.c.contest == bindparam("contest")
)
_OF_SOME: Final = (ballot.c.licensee == bindparam("licensee")) & ballot.c.contest.in_(
    bindparam("codes", expanding=True)
)
_BALLOTS_OF: Final = select(ballot).where(_OF_SOME)
_COUNTS: Final = (
    select(ballot.c.contest, ballot.c.choice, func.count().label("times"))
    .where(_OF_SOME)
    .group_by(ballot.c.contest, ballot.c.choice)
)
_MINE: Final = _BALLOTS.where(
    or_(ballot.c.participant == bindparam("participant"), ballot.c.entry_ref == bindparam("entry_ref"))
)


class ContestDesk:
    """Takes ballots for one licensee."""

    def __init__(self, sql: Sql, licensee: str) -> None:
        self._sql = sql
        self._licensee = licensee

    async def contests(self, codes: Sequence[str]) -> Mapping[str, Contest]:
        """By code, in one statement."""
        wanted = {"licensee": self._licensee, "codes": list(set(codes))}
        return {row.code: _contest(row) for row in (await self._sql.fetch(_SOME, wanted) if codes else [])}

    async def of_activations(self, codes: Sequence[str]) -> Mapping[str, Sequence[Contest]]:
        """By activation, the one that opens first first; in one statement."""
        found: dict[str, list[Contest]] = {}
        wanted = {"licensee": self._licensee, "codes": list(set(codes))}
        for row in await self._sql.fetch(_OF_ACTIVATIONS, wanted) if codes else []:
            found.setdefault(row.activation, []).append(_contest(row))
        return found

    async def cast(self, code: str, participant: str, entry_ref: str, choice: str, now: datetime) -> BallotCast:
        """Spend the entry on a choice, or say what it chose before."""
        ids = {"licensee": self._licensee, "contest": code, "participant": participant, "entry_ref": entry_ref}
        async with self._sql.write() as connection:
            found: Row[Any] | None = (await connection.execute(_LOCKED, ids)).first()
            if found is None:
                raise self._refusal("not_found")
            rows: Sequence[Row[Any]] = (await connection.execute(_MINE, ids)).all()
            spent = next((row for row in rows if row.entry_ref == entry_ref), None)
            if spent is not None:
                if spent.participant != participant:
                    raise self._refusal("entry_used")
                return BallotCast(spent.choice, already=True)
            self._check(found, rows, choice, now)
            await connection.execute(insert(ballot), {**ids, "choice": choice, "cast_at": micros(now)})
        return BallotCast(choice, already=False)

    async def tally(self, code: str, now: datetime) -> ContestTally:
        """The count so far; once closed it does not change, and ``proof`` is the hash of its ballots."""
        ids = {"licensee": self._licensee, "contest": code}
        rows = await self._sql.fetch(_CONTEST, ids)
        if not rows:
            raise self._refusal("not_found")
        ballots = await self._sql.fetch(_BALLOTS, ids)
        closed = micros(now) >= rows[0].closes_at
        counts = Counter(row.choice for row in ballots)
        return ContestTally(
            code,
            {option["id"]: counts[option["id"]] for option in rows[0].options},
            closed,
            _proof([_line(row) for row in ballots]) if closed else None,
            rows[0].correct if closed else None,
        )

    async def tallies(self, codes: Sequence[str], now: datetime) -> Mapping[str, ContestTally]:
        """The same of several, by code; three statements."""
        ids = {"licensee": self._licensee, "codes": list(set(codes))}
        rows = await self._sql.fetch(_SOME, ids) if codes else []
        counted = await self._sql.fetch(_COUNTS, ids) if rows else []
        counts = {(row.contest, row.choice): row.times for row in counted}
        over = [row.code for row in rows if micros(now) >= row.closes_at]
        lines: dict[str, list[str]] = {code: [] for code in over}
        for row in await self._sql.fetch(_BALLOTS_OF, {**ids, "codes": over}) if over else []:
            lines[row.contest].append(_line(row))
        return {
            row.code: ContestTally(
                row.code,
                {option["id"]: counts.get((row.code, option["id"]), 0) for option in row.options},
                row.code in lines,
                _proof(lines[row.code]) if row.code in lines else None,
                row.correct if row.code in lines else None,
            )
            for row in rows
        }

    def _check(self, found: Row[Any], rows: Sequence[Row[Any]], choice: str, now: datetime) -> None:
        if choice not in {option["id"] for option in found.options}:
            raise self._refusal("bad_choice")
        if not found.opens_at <= micros(now) < found.closes_at:
            raise self._refusal("closed")
        if found.per_member is not None and len(rows) >= found.per_member:
            raise self._refusal("limit_reached", resets_at=instant(found.closes_at))
        midnight = now.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
        today = sum(1 for row in rows if row.cast_at >= micros(midnight))
        if found.per_day is not None and today >= found.per_day:
            raise self._refusal("limit_reached", resets_at=midnight + timedelta(days=1))

    def _refusal(self, code: str, *, resets_at: datetime | None = None) -> UpstreamError:
        return FAULTS.error(code, endpoint="cast_ballot", account=self._licensee, resets_at=resets_at)


def _line(row: Row[Any]) -> str:
    return f"{row.entry_ref}\x1f{row.choice}\n"


def _proof(lines: Sequence[str]) -> str:
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def _contest(row: Row[Any]) -> Contest:
    return Contest(
        row.code,
        row.activation,
        row.kind,
        row.name,
        tuple((option["id"], option["name"]) for option in row.options),
        instant(row.opens_at),
        instant(row.closes_at),
        row.per_member,
        row.per_day,
    )
