"""What leaves the folder. All dates are half-open ``[starts, ends)`` days in Asia/Shanghai."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Status = Literal["available", "granted_to_you", "blocked"]
#: Why something is blocked, in the order in which the rules are asked.
Reason = Literal[
    "property_status",
    "term",
    "grant_scope",
    "blackout",
    "exclusive_to_other",
    "unit_cap",
    "asset_policy",
    "approval_stage",
]


@dataclass(frozen=True, slots=True)
class Property:
    """A licensed work (泛娱乐IP). ``kind`` as the rights service names it: comic, game, tv_series …;
    ``rights_holder`` is the company's name."""

    slug: str
    title: str
    title_en: str
    kind: str
    rights_holder: str


@dataclass(frozen=True, slots=True)
class Licence:
    """One grant of an agreement (授权). An agreement with several grants gives several of these under one
    ``number``. Territories are ISO 3166 codes; ``ends`` is the first day that is not covered."""

    number: str
    property: Property
    territories: tuple[str, ...]
    categories: tuple[str, ...]
    channels: tuple[str, ...]
    uses: tuple[str, ...]
    starts: date
    ends: date
    exclusivity: str


@dataclass(frozen=True, slots=True)
class ClearanceQuery:
    """May we use this work so? ``territory`` is ISO 3166-1 or 3166-2 (CN, CN-SH)."""

    property: str
    territory: str
    category: str
    channel: str
    use: str
    starts: date
    ends: date


@dataclass(frozen=True, slots=True)
class Clearance:
    """The answer for a range of days. ``until`` is the first day on which the reason no longer holds,
    None when nobody knows; it says nothing of what holds then. Never tells who another licensee is."""

    status: Status
    reason: Reason | None
    until: date | None
    starts: date
    ends: date


@dataclass(frozen=True, slots=True)
class Card:
    """A collectable card."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Activation:
    """A work brought to life in stores (IP主题活动). ``state``: planned, cleared, blocked, installed, live,
    closed, measured or pulled. ``cards`` is its set in the set's order, empty without one."""

    code: str
    property: Property
    name: str
    store_codes: tuple[str, ...]
    starts: date
    ends: date
    state: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Participation:
    """What one member collected: ``cards`` are ids, each once, in the set's order; ``collected`` is their
    number and ``total`` the set's. ``last_at`` is aware, UTC."""

    activation: Activation
    collected: int
    total: int
    cards: tuple[str, ...]
    completed: bool
    last_at: datetime


@dataclass(frozen=True, slots=True)
class CardDrawn:
    """The card that an entry gave. ``already``: this entry had been drawn before and gave this card then."""

    card_id: str
    card_name: str
    set_complete: bool
    already: bool


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What one import wrote: rows, all 0 when the catalogue was not newer than ours (``changed`` False).
    ``licences`` counts grants, ``draws`` those that were new. ``version`` is the one now in force."""

    version: int
    properties: int
    licences: int
    activations: int
    draws: int
    changed: bool
