"""Which points are left of which entry: the earliest to lapse is spent first, and what is owed is paid first."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from gateway.members.lots import balance, expiring, lots

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    id: str
    delta: int
    occurred_at: datetime
    valid_until: datetime | None
    reversal_of: str | None


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def entry(number: int, delta: int, until: int | None = None, of: int | None = None) -> Entry:
    """An entry of that day, named by it."""
    return Entry(
        str(number), delta, day(number), None if until is None else day(until), None if of is None else str(of)
    )


def left(entries: Sequence[Entry]) -> list[tuple[str, int]]:
    return [(lot.id, lot.left) for lot in lots(entries)]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([entry(1, 100), entry(2, -30)], [("1", 70)], id="spent"),
        pytest.param(
            [entry(1, 100), entry(2, 50, until=90), entry(3, 40, until=60), entry(4, -60)],
            [("1", 100), ("2", 30), ("3", 0)],
            id="earliest to lapse first, never last",
        ),
        pytest.param(
            [entry(1, 100), entry(2, -100), entry(3, 50, until=60)],
            [("1", 0), ("3", 50)],
            id="what was not there yet is not spent",
        ),
        pytest.param(
            [entry(1, 50, until=10), entry(2, 50), entry(20, -30)],
            [("1", 50), ("2", 20)],
            id="what has lapsed is not spent",
        ),
        pytest.param(
            [entry(1, 100), entry(2, 50, until=60), entry(3, -100, of=1)],
            [("1", 0), ("2", 50)],
            id="a reversal takes its own entry",
        ),
        pytest.param(
            [entry(1, 100), entry(2, -80), entry(3, -100, of=1), entry(4, 50), entry(5, 50)],
            [("1", 0), ("4", 0), ("5", 20)],
            id="what is owed is paid first",
        ),
    ],
)  # fmt: skip
def test_what_is_left(entries: list[Entry], expected: list[tuple[str, int]]) -> None:
    assert left(entries) == expected
    shuffled = random.Random(7).sample(entries, len(entries))
    assert left(shuffled) == expected


def test_lapsed_points_leave_the_balance_before_they_are_booked() -> None:
    entries = [entry(1, 50, until=10), entry(2, 30), entry(3, -20)]
    assert [balance(entries, day(at)) for at in (9, 10, 11)] == [60, 30, 30]
    booked = [*entries, Entry("x", -30, day(10), None, "1")]
    assert [balance(booked, day(at)) for at in (10, 11)] == [30, 30]


def test_what_lapses_soon() -> None:
    entries = [
        entry(1, 50, until=10),
        entry(2, 40, until=20),
        entry(3, 30, until=20),
        entry(4, 20, until=21),
        entry(5, 99),
        entry(6, -60),
    ]
    assert expiring(entries, day(7), timedelta(days=13)) == [(day(20), 60)]
    assert expiring(entries, day(7), timedelta(days=14)) == [(day(20), 60), (day(21), 20)]
    assert expiring(entries, day(20), timedelta(days=1)) == [(day(21), 20)]
    assert expiring(entries, day(21), timedelta(days=900)) == []
