"""May this work be used so on these days? A pure answer from the rights that are known.

The rules are asked in one order, and the first that says no is the reason: property status, term,
grant scope, blackout, exclusivity of others, unit cap, asset policy, approval stage. The checks of an
agreement (term and scope) apply to those who have one on the work; without any, it is ``available``
unless its status or somebody's exclusivity stands in the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from adapters.ip_content.errors import FAULTS
from adapters.ip_content.records import Clearance, ClearanceQuery, LicensedSku, Reason, Status

CHANNELS: Final = frozenset(
    {
        "offline_store",
        "mini_program",
        "official_mall",
        "ecommerce_platform",
        "live_stream",
        "wecom_private",
        "vending",
        "ooh_display",
        "packaging",
        "promotion_only",
    }
)
USES: Final = frozenset({"manufacture", "sell", "display", "promote", "stream", "giveaway"})
#: Days that one query may span.
MAX_CLEARANCE_DAYS: Final = 1_096

#: Uses that put a unit into the world, so that a cap on units ends them.
_COUNTED_USES: Final = frozenset({"manufacture", "sell", "giveaway"})
#: Agreements under which rights may hold; the dates decide for the later ones.
_IN_FORCE: Final = frozenset({"active", "expired", "sell_off"})
_NOT_LICENSABLE: Final = frozenset({"draft", "retired"})
#: Approval states in which a product may be handed out.
_RELEASED: Final = frozenset({"released", "on_sale"})
_TERRITORY: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Days:
    """``[starts, ends)``."""

    starts: date
    ends: date

    def __contains__(self, day: date) -> bool:
        return self.starts <= day < self.ends


@dataclass(frozen=True, slots=True)
class Scope:
    """A product of territories × categories × channels."""

    territories: frozenset[str]
    excluded: frozenset[str]
    categories: frozenset[str]
    channels: frozenset[str]

    def covers(self, query: ClearanceQuery) -> bool:
        """All of what is asked lies inside."""
        return self.reaches(query.territory) and query.category in self.categories and query.channel in self.channels

    def reaches(self, territory: str) -> bool:
        """All of the territory lies inside."""
        country = territory.partition("-")[0]
        return (
            not self.territories.isdisjoint({territory, country})
            # A whole country is not covered when one of its provinces is left out.
            and not any(territory == e or _inside(e, territory) for e in self.excluded)
            and country not in self.excluded
        )

    def touches(self, query: ClearanceQuery) -> bool:
        """Some of what is asked lies inside."""
        country = query.territory.partition("-")[0]
        here = any(
            t in (query.territory, country) or _inside(t, query.territory) for t in self.territories - self.excluded
        )
        return (
            here
            and query.territory not in self.excluded
            and country not in self.excluded
            and query.category in self.categories
            and query.channel in self.channels
        )


def _inside(part: str, whole: str) -> bool:
    """Whether a province lies in a country."""
    return part.startswith(whole + "-")


@dataclass(frozen=True, slots=True)
class GrantRights:
    """One grant with what its agreement adds. ``days`` is the window cut to the term."""

    scope: Scope
    uses: frozenset[str]
    days: Days
    sell_off: Days
    blackouts: tuple[Days, ...]
    units_left: int | None
    missing_stages: frozenset[str]
    co_presence: bool = False

    def in_term(self, day: date, use: str) -> bool:
        """Selling goes on in the sell-off; making and promoting end with the term."""
        return day in self.days or (use == "sell" and day in self.sell_off)

    def covers(self, query: ClearanceQuery) -> bool:
        """The whole question lies within the grant's scope."""
        return query.use in self.uses and self.scope.covers(query)


@dataclass(frozen=True, slots=True)
class Reserved:
    """What others hold exclusively; nobody here knows who."""

    scope: Scope
    days: Days


@dataclass(frozen=True, slots=True)
class Rights:
    """All that bears on one property. ``grants`` are of agreements in force only, while
    ``has_agreement`` counts every agreement that names the property."""

    status: str
    assets_from: date | None
    assets_until: date | None
    has_agreement: bool
    grants: tuple[GrantRights, ...]
    reserved: tuple[Reserved, ...]


def in_force(status: str) -> bool:
    """Whether an agreement of this status gives rights at all."""
    return status in _IN_FORCE


def check(query: ClearanceQuery, account: str) -> None:
    """Raises Invalid (``bad_scope``) for a question that has no answer."""
    days = (query.ends - query.starts).days
    if (
        query.channel not in CHANNELS
        or query.use not in USES
        or not query.category
        or not _TERRITORY.fullmatch(query.territory)
        or not 0 < days <= MAX_CLEARANCE_DAYS
    ):
        raise FAULTS.error("bad_scope", endpoint="clearance", account=account)


def evaluate(query: ClearanceQuery, rights: Rights) -> tuple[Clearance, ...]:
    """Adjoining ranges that together are the asked days; neighbours differ in their answer."""
    answer: list[Clearance] = []
    for starts, ends in pairwise(_edges(query, rights)):
        status, reason, until = _on(starts, query, rights)
        last = answer[-1] if answer else None
        if last is not None and (last.status, last.reason, last.until) == (status, reason, until):
            answer[-1] = Clearance(status, reason, until, last.starts, ends)
        else:
            answer.append(Clearance(status, reason, until, starts, ends))
    return tuple(answer)


def of_product(slots: Sequence[Clearance], sku: LicensedSku, use: str) -> tuple[Clearance, ...]:
    """The same days for a product: what its work may do, the product may once its edition has a piece left to sell and
    it was approved."""
    reason: Reason | None = None
    if use == "sell" and sku.edition_size is not None and sku.units_sold >= sku.edition_size:
        reason = "unit_cap"
    elif use in _COUNTED_USES - {"manufacture"} and sku.state not in _RELEASED:
        reason = "approval_stage"
    if reason is None:
        return tuple(slots)
    stopped = {"granted_to_you", "available"}
    return tuple(
        Clearance("blocked", reason, None, each.starts, each.ends) if each.status in stopped else each for each in slots
    )


def _edges(query: ClearanceQuery, rights: Rights) -> list[date]:
    """The days on which an answer can change, the ends of the question included."""
    inner = {day for day in _changes(rights) if query.starts < day < query.ends}
    return [query.starts, *sorted(inner), query.ends]


def _changes(rights: Rights) -> Iterator[date]:
    for grant in rights.grants:
        for days in (grant.days, grant.sell_off, *grant.blackouts):
            yield from (days.starts, days.ends)
    for other in rights.reserved:
        yield from (other.days.starts, other.days.ends)
    yield from (day for day in (rights.assets_from, rights.assets_until) if day is not None)


Answer = tuple[Status, Reason | None, date | None]


def _on(day: date, query: ClearanceQuery, rights: Rights) -> Answer:
    if rights.status in _NOT_LICENSABLE or (rights.status != "licensable" and not rights.has_agreement):
        return "blocked", "property_status", None
    if not rights.has_agreement:
        return _others(day, query, rights) or ("available", None, None)
    return (
        _grants(day, query, rights)
        or _others(day, query, rights)
        or _use(day, query, rights)
        or ("granted_to_you", None, None)
    )


def _grants(day: date, query: ClearanceQuery, rights: Rights) -> Answer | None:
    """Term, grant scope, blackout."""
    in_term = [g for g in rights.grants if g.in_term(day, query.use)]
    if not in_term:
        return "blocked", "term", _next_start(day, rights.grants)
    covering = [g for g in in_term if g.covers(query)]
    if not covering:
        return "blocked", "grant_scope", _next_start(day, (g for g in rights.grants if g.covers(query)))
    if not _open(day, query, rights):
        return "blocked", "blackout", min(b.ends for g in covering for b in g.blackouts if day in b)
    return None


def _others(day: date, query: ClearanceQuery, rights: Rights) -> Answer | None:
    ends = [r.days.ends for r in rights.reserved if day in r.days and r.scope.touches(query)]
    return ("blocked", "exclusive_to_other", max(ends)) if ends else None


def _use(day: date, query: ClearanceQuery, rights: Rights) -> Answer | None:
    """Unit cap, asset policy, approval stage."""
    usable = _open(day, query, rights)
    if query.use in _COUNTED_USES:
        usable = [g for g in usable if g.units_left is None or g.units_left > 0]
        if not usable:
            return "blocked", "unit_cap", None
    if rights.assets_from is not None and day < rights.assets_from:
        return "blocked", "asset_policy", rights.assets_from
    if rights.assets_until is not None and day >= rights.assets_until:
        return "blocked", "asset_policy", None
    if all(g.missing_stages for g in usable):
        return "blocked", "approval_stage", None
    return None


def _open(day: date, query: ClearanceQuery, rights: Rights) -> Sequence[GrantRights]:
    """Grants that cover the question on that day and are not blacked out."""
    return [
        g
        for g in rights.grants
        if g.in_term(day, query.use) and g.covers(query) and not any(day in b for b in g.blackouts)
    ]


def _next_start(day: date, grants: Iterable[GrantRights]) -> date | None:
    return min((g.days.starts for g in grants if g.days.starts > day), default=None)


def sell_off(window_ends: date, term_ends: date, days: int) -> Days:
    """The sell-off of a grant: after the term's end, for a grant that ran until then."""
    ends = term_ends + timedelta(days=days) if window_ends >= term_ends else term_ends
    return Days(term_ends, ends)
