"""Limited editions on sale (限定发售): a place is taken at once while there is stock, or drawn when the raffle closes.

A place is the right to buy one piece; buying it is the store's own business.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, bindparam, func, insert, or_, select, update

from adapters.base.errors import UpstreamError
from adapters.base.runtime import Sql
from adapters.ip_content.errors import FAULTS
from adapters.ip_content.ledger import instant, micros
from adapters.ip_content.records import Drop, DropEntered, DropPlace
from adapters.ip_content.tables import drop, drop_entry

#: Members of one raffle whose places are written in one statement.
_AT_ONCE: Final = 5_000
#: How long what was drawn is told again: whoever was told may have died before it was noted.
TOLD: Final = timedelta(days=1)

_DROPS: Final = select(drop).where(drop.c.licensee == bindparam("licensee")).order_by(drop.c.opens_at, drop.c.code)
_SOME: Final = _DROPS.where(drop.c.code.in_(bindparam("codes", expanding=True)))
_OF_ACTIVATIONS: Final = _DROPS.where(drop.c.activation.in_(bindparam("codes", expanding=True)))
# Entries of one drop wait for each other, or two could take its last piece.
_LOCKED: Final = (
    select(drop).where(drop.c.licensee == bindparam("licensee"), drop.c.code == bindparam("drop")).with_for_update()
)
_OVER: Final = _DROPS.where(
    drop.c.queue_mode == "raffle", drop.c.closes_at <= bindparam("now"), drop.c.drawn_at.is_(None)
)
_ENTRIES: Final = select(drop_entry).where(
    drop_entry.c.licensee == bindparam("licensee"), drop_entry.c.drop == bindparam("drop")
)
_MINE: Final = _ENTRIES.where(
    or_(drop_entry.c.participant == bindparam("participant"), drop_entry.c.entry_ref == bindparam("entry_ref"))
)
_WON: Final = (
    select(drop_entry.c.drop, func.count().label("won"))
    .where(
        drop_entry.c.licensee == bindparam("licensee"),
        drop_entry.c.drop.in_(bindparam("codes", expanding=True)),
        drop_entry.c.state == "won",
    )
    .group_by(drop_entry.c.drop)
)
_DRAWN: Final = (
    select(drop_entry)
    .join(drop, (drop.c.licensee == drop_entry.c.licensee) & (drop.c.code == drop_entry.c.drop))
    .where(
        drop_entry.c.licensee == bindparam("licensee"),
        drop_entry.c.state.in_(("won", "lost")),
        drop.c.queue_mode == "raffle",
        drop.c.drawn_at >= bindparam("since"),
    )
    .order_by(drop_entry.c.drop, drop_entry.c.entry_ref)
)
_PLACES: Final = (
    select(drop_entry)
    .where(
        drop_entry.c.licensee == bindparam("licensee"),
        drop_entry.c.participant.in_(bindparam("participants", expanding=True)),
    )
    .order_by(drop_entry.c.entered_at.desc(), drop_entry.c.entry_ref)
)


class DropDesk:
    """Takes entries for one licensee."""

    def __init__(self, sql: Sql, licensee: str, rng: random.Random) -> None:
        self._sql = sql
        self._licensee = licensee
        self._rng = rng

    async def drops(self, codes: Sequence[str]) -> Mapping[str, Drop]:
        """By code, in two statements."""
        rows = await self._sql.fetch(_SOME, self._ids(codes=list(set(codes)))) if codes else []
        won = await self._won([row.code for row in rows])
        return {row.code: _drop(row, won) for row in rows}

    async def of_activations(self, codes: Sequence[str]) -> Mapping[str, Sequence[Drop]]:
        """By activation, the one that opens first first; in two statements."""
        rows = await self._sql.fetch(_OF_ACTIVATIONS, self._ids(codes=list(set(codes)))) if codes else []
        won = await self._won([row.code for row in rows])
        found: dict[str, list[Drop]] = {}
        for row in rows:
            found.setdefault(row.activation, []).append(_drop(row, won))
        return found

    async def places(self, participants: Sequence[str]) -> Mapping[str, Sequence[DropPlace]]:
        """By pseudonym, the newest first; in one statement."""
        found: dict[str, list[DropPlace]] = {}
        wanted = list(set(participants))
        for row in await self._sql.fetch(_PLACES, self._ids(participants=wanted)) if wanted else []:
            found.setdefault(row.participant, []).append(_place(row))
        return found

    async def enter(self, code: str, participant: str, entry_ref: str, now: datetime) -> DropEntered:
        """Take a place, or say what the entry has."""
        ids = self._ids(drop=code, participant=participant, entry_ref=entry_ref)
        async with self._sql.write() as connection:
            found: Row[Any] | None = (await connection.execute(_LOCKED, ids)).first()
            if found is None:
                raise self._refusal("not_found")
            rows: Sequence[Row[Any]] = (await connection.execute(_MINE, ids)).all()
            spent = next((row for row in rows if row.entry_ref == entry_ref), None)
            if spent is not None:
                if spent.participant != participant:
                    raise self._refusal("entry_used")
                return DropEntered(_place(spent), already=True)
            self._check(found, rows, now)
            state = "entered"
            if found.queue_mode == "fcfs":
                won = (await connection.execute(_WON, self._ids(codes=[code]))).first()
                if found.stock_total <= (0 if won is None else won.won):
                    raise self._refusal("sold_out")
                state = "won"
            await connection.execute(insert(drop_entry), {**ids, "state": state, "entered_at": micros(now)})
        return DropEntered(DropPlace(code, entry_ref, state, now), already=False)

    async def withdraw(self, code: str, entry_ref: str) -> bool:
        """Give a place back; False when the entry has none. Twice is as once."""
        ids = self._ids(drop=code, entry_ref=entry_ref)
        place = update(drop_entry).where(
            drop_entry.c.licensee == self._licensee,
            drop_entry.c.drop == code,
            drop_entry.c.entry_ref == entry_ref,
        )
        async with self._sql.write() as connection:
            await connection.execute(_LOCKED, ids)
            return (await connection.execute(place.values(state="withdrawn"))).rowcount == 1

    async def settle(self, now: datetime) -> Sequence[DropPlace]:
        """Draw the raffles that have closed, each once; the places of all that were drawn within TOLD."""
        for row in await self._sql.fetch(_OVER, self._ids(now=micros(now))):
            await self._draw(row.code, now)
        since = micros(now - TOLD)
        return [_place(row) for row in await self._sql.fetch(_DRAWN, self._ids(since=since))]

    async def _draw(self, code: str, now: datetime) -> None:
        ids = self._ids(drop=code)
        async with self._sql.write() as connection:
            found: Row[Any] | None = (await connection.execute(_LOCKED, ids)).first()
            if found is None or found.drawn_at is not None:
                return
            rows = (await connection.execute(_ENTRIES.where(drop_entry.c.state == "entered"), ids)).all()
            # Who was erased meanwhile could not buy: their places are for others.
            refs = sorted(row.entry_ref for row in rows if row.participant)
            won = set(self._rng.sample(refs, min(len(refs), found.stock_total)))
            mine = (drop_entry.c.licensee == self._licensee) & (drop_entry.c.drop == code)
            lost = update(drop_entry).where(mine, drop_entry.c.state == "entered").values(state="lost")
            await connection.execute(lost)
            for start in range(0, len(winners := sorted(won)), _AT_ONCE):
                some = drop_entry.c.entry_ref.in_(winners[start : start + _AT_ONCE])
                await connection.execute(update(drop_entry).where(mine, some).values(state="won"))
            over = (drop.c.licensee == self._licensee) & (drop.c.code == code)
            await connection.execute(update(drop).where(over).values(drawn_at=micros(now)))

    def _check(self, found: Row[Any], rows: Sequence[Row[Any]], now: datetime) -> None:
        if not found.opens_at <= micros(now) < found.closes_at:
            raise self._refusal("closed")
        if sum(1 for row in rows if row.state != "withdrawn") >= found.per_member:
            raise self._refusal("limit_reached", resets_at=instant(found.closes_at))

    async def _won(self, codes: Sequence[str]) -> Mapping[str, int]:
        rows = await self._sql.fetch(_WON, self._ids(codes=list(codes))) if codes else []
        return {row.drop: row.won for row in rows}

    def _ids(self, **params: object) -> dict[str, object]:
        return {"licensee": self._licensee, **params}

    def _refusal(self, code: str, *, resets_at: datetime | None = None) -> UpstreamError:
        return FAULTS.error(code, endpoint="enter_drop", account=self._licensee, resets_at=resets_at)


def _drop(row: Row[Any], won: Mapping[str, int]) -> Drop:
    return Drop(
        row.code,
        row.gtin,
        row.activation,
        row.name,
        row.queue_mode,
        instant(row.opens_at),
        instant(row.closes_at),
        row.per_member,
        row.stock_total,
        max(0, row.stock_total - won.get(row.code, 0)),
        row.needs_phone,
        row.member_days,
        None if row.drawn_at is None else instant(row.drawn_at),
    )


def _place(row: Row[Any]) -> DropPlace:
    return DropPlace(row.drop, row.entry_ref, row.state, instant(row.entered_at))
