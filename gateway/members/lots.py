"""Which points are left of which entry: spending takes what lapses first. A pure function of the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


class Entry(Protocol):
    """What of a points entry counts here; a row of the ledger has it."""

    @property
    def id(self) -> str: ...
    @property
    def delta(self) -> int: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def valid_until(self) -> datetime | None: ...
    @property
    def reversal_of(self) -> str | None: ...


@dataclass(slots=True)
class Lot:
    """An entry that brought points, and how many of them are left."""

    id: str
    valid_until: datetime | None
    left: int

    def lapsed(self, at: datetime) -> bool:
        """Whether its time is over."""
        return self.valid_until is not None and self.valid_until <= at


def lots(entries: Iterable[Entry]) -> list[Lot]:
    """The lots of one member's entries, in order of time.

    What goes takes from the entry that it names, else from those that are valid at its instant, the earliest to lapse
    first. What is more than there is, is owed, and the next points that come pay it.
    """
    found: list[Lot] = []
    owed = 0
    for each in sorted(entries, key=lambda entry: (entry.occurred_at, entry.id)):
        if each.delta > 0:
            paid = min(owed, each.delta)
            owed -= paid
            found.append(Lot(each.id, each.valid_until, each.delta - paid))
        elif each.delta < 0:
            owed += _take(found, -each.delta, each)
    return found


def _take(found: Sequence[Lot], wanted: int, entry: Entry) -> int:
    """Returns how many points were not there."""
    named = [lot for lot in found if lot.id == entry.reversal_of and lot.left]
    usable = [lot for lot in found if lot.left and lot not in named and not lot.lapsed(entry.occurred_at)]
    # Sorting is stable: of lots that never lapse the oldest goes first.
    usable.sort(key=lambda lot: (lot.valid_until is None, lot.valid_until or entry.occurred_at))
    for lot in (*named, *usable):
        taken = min(lot.left, wanted)
        lot.left -= taken
        wanted -= taken
    return wanted


def balance(entries: Sequence[Entry], at: datetime) -> int:
    """What can be spent: the ledger's sum without points that have lapsed and are not booked as such yet."""
    return sum(each.delta for each in entries) - sum(lot.left for lot in lots(entries) if lot.lapsed(at))


def expiring(entries: Iterable[Entry], at: datetime, within: timedelta) -> list[tuple[datetime, int]]:
    """(when, how many) will lapse in that time unless they are spent, the earliest first."""
    amounts: dict[datetime, int] = defaultdict(int)
    for lot in lots(entries):
        if lot.left and lot.valid_until is not None and at < lot.valid_until <= at + within:
            amounts[lot.valid_until] += lot.left
    return sorted(amounts.items())
