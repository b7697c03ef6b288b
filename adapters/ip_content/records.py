"""What leaves the folder. All dates are half-open ``[starts, ends)`` days in Asia/Shanghai."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    ``number``. Territories are ISO 3166 codes; ``ends`` is the first day that is not covered. ``status`` is the
    agreement's; ``max_units`` None is without limit; ``co_presence``: another work may stand beside it in a store."""

    number: str
    property: Property
    territories: tuple[str, ...]
    categories: tuple[str, ...]
    channels: tuple[str, ...]
    uses: tuple[str, ...]
    starts: date
    ends: date
    exclusivity: str
    grant: str = ""
    status: str = ""
    excluded_territories: tuple[str, ...] = ()
    max_units: int | None = None
    units_used: int = 0
    co_presence: bool = False


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
    """A collectable card. Its odds are its weight among those of the cards that are left; ``stock`` None is
    unlimited."""

    id: str
    name: str
    weight: int = 1
    stock: int | None = None


@dataclass(frozen=True, slots=True)
class Prize:
    """What a complete set earns (集卡奖励). ``kind``: red_packet, coupon, points or goods; ``amount`` in fen or points.
    A reward waits ``claim_days`` to be claimed; ``budget`` None is without end."""

    kind: str
    name: str
    amount: int
    budget: int | None
    claim_days: int


@dataclass(frozen=True, slots=True)
class Activation:
    """A work brought to life in stores (IP主题活动). ``state``: planned, cleared, blocked, installed, live,
    closed, measured or pulled. ``cards`` is its set in the set's order, empty without one. ``guarantee_after`` draws in
    a row without a new card bring one (保底)."""

    code: str
    property: Property
    name: str
    store_codes: tuple[str, ...]
    starts: date
    ends: date
    state: str
    cards: tuple[Card, ...]
    daily_cap: int | None = None
    guarantee_after: int | None = None
    prize: Prize | None = None


@dataclass(frozen=True, slots=True)
class ActivationMoved:
    """A move that was made. ``already``: under this key, before."""

    code: str
    source: str
    target: str
    already: bool


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
class Reward:
    """What a member has earned. ``state``: reserved, claimed or expired; it expires at ``expires_at`` unless it is
    claimed before. Instants are aware, UTC."""

    id: str
    activation: str
    kind: str
    name: str
    amount: int
    state: str
    reserved_at: datetime
    expires_at: datetime
    claimed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RewardClaimed:
    """A claimed reward. ``already``: for this payout, before."""

    reward: Reward
    already: bool


@dataclass(frozen=True, slots=True)
class CardDrawn:
    """The card that an entry gave. ``already``: this entry had been drawn before and gave this card then. ``reward``
    is what the complete set earned, with this draw or an earlier one; None without a prize, or once its budget is used
    up."""

    card_id: str
    card_name: str
    set_complete: bool
    already: bool
    reward: Reward | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """A limited edition on sale (限定发售). ``queue_mode``: fcfs gives places at once, raffle draws them once it has
    closed. ``stock_left`` counts places that nobody has. Entries need a phone that was checked where ``needs_phone``
    says so, and a membership of ``member_days``."""

    code: str
    gtin: str
    activation: str
    name: str
    queue_mode: str
    opens_at: datetime
    closes_at: datetime
    per_member: int
    stock_total: int
    stock_left: int
    needs_phone: bool
    member_days: int
    drawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class DropPlace:
    """An entry of a drop. ``state``: entered (the raffle is to be drawn), won (one piece may be bought), lost or
    withdrawn."""

    drop: str
    entry_ref: str
    state: str
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class DropEntered:
    """What an entry has. ``already``: it had it before."""

    place: DropPlace
    already: bool


@dataclass(frozen=True, slots=True)
class GrantDraft:
    """A grant that somebody would like (授权意向). ``talent``: it uses characters that real people gave a face to."""

    property: str
    territories: tuple[str, ...]
    categories: tuple[str, ...]
    channels: tuple[str, ...]
    starts: date
    ends: date
    excluded_territories: tuple[str, ...] = ()
    talent: bool = False


@dataclass(frozen=True, slots=True)
class GrantObstacle:
    """Why a grant cannot be given: property_status, exclusivity_conflict, rights_in_exceeded or
    talent_consent_missing. ``until`` is the first day on which it no longer holds. Never says who holds it."""

    reason: str
    until: date | None


@dataclass(frozen=True, slots=True)
class Asset:
    """A piece of artwork (素材). ``credit_line`` must stand beside it wherever it is shown."""

    id: str
    property: str
    kind: str
    mime: str
    size: int
    sha256: str
    credit_line: str
    renditions: tuple[str, ...]
    embargo_until: datetime | None
    expires_at: datetime | None
    style_guide: str


@dataclass(frozen=True, slots=True)
class AssetGrant:
    """One download of artwork. ``watermark`` is to be put into the file and leads back here; ``storage_key`` is the
    object to sign an address for, which must end at ``url_expires_at``; empty where the download is looked up."""

    watermark: str
    asset: str
    rendition: str
    agreement: str | None
    gtin: str | None
    user: str
    issued_at: datetime
    url_expires_at: datetime
    storage_key: str = field(repr=False)
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class LicensedSku:
    """A product under licence (授权商品). ``state`` is its approval state; ``edition_size`` None is unlimited."""

    gtin: str
    agreement: str
    property: str
    name: str
    category: str
    state: str
    concept_approved: bool
    edition_size: int | None
    units_made: int
    units_sold: int


@dataclass(frozen=True, slots=True)
class Contest:
    """A vote or a quiz (投票, 竞猜): ``options`` are (id, name)."""

    code: str
    activation: str
    kind: str
    name: str
    options: tuple[tuple[str, str], ...]
    opens_at: datetime
    closes_at: datetime
    per_member: int | None
    per_day: int | None


@dataclass(frozen=True, slots=True)
class BallotCast:
    """What an entry chose. ``already``: it had chosen before, and this was its choice."""

    choice: str
    already: bool


@dataclass(frozen=True, slots=True)
class ContestTally:
    """The count of a contest, by option. Once ``closed``: ``proof`` is the SHA-256 of its ballots, sorted, and
    ``correct`` a quiz's answer, if it is settled."""

    contest: str
    counts: Mapping[str, int]
    closed: bool
    proof: str | None
    correct: str | None


@dataclass(frozen=True, slots=True)
class LiftStudy:
    """How much more there was, in basis points: 10,000 is twice as much. ``adjusted_bps`` is against control stores
    (ratio of ratios), None without any. ``method``: pre_post or did."""

    metric: str
    raw_bps: int
    adjusted_bps: int | None
    method: str
    baseline_days: int
    treatment_days: int
    exclusions: tuple[date, ...]


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
