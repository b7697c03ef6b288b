"""The rights service's JSON, in its own field names. Dates are half-open ``[start, end)``, Asia/Shanghai."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Instant = Annotated[datetime, Meta(tz=True)]


class TokenAnswer(Struct, frozen=True):
    """Answer of POST /ip/v1/token; the token itself never shows in ``repr``."""

    access_token: Annotated[str, Meta(min_length=1, max_length=8192)]
    #: Seconds. A year is more than any token has; without an end a number may be too large to count with.
    expires_in: Annotated[int, Meta(gt=0, le=31_622_400)]

    def __repr__(self) -> str:
        return f"TokenAnswer(***, expires_in={self.expires_in})"


class Problem(Struct, frozen=True):
    """application/problem+json (RFC 9457); only ``code`` is used, the texts are the platform's."""

    code: str


class Range(Struct, frozen=True):
    """``[start, end)``; at least one day."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("end must be after start: ranges are half-open")


class Party(Struct, frozen=True):
    """A rights holder, agent or licensee of this catalogue's agreements."""

    id: Name
    role: str
    legal_name: Name


class Title(Struct, frozen=True):
    """A name in two languages."""

    zh: Name
    en: str = ""


class AssetPolicy(Struct, frozen=True):
    """When the property's artwork may be used; null is without limit."""

    available_from: date | None = None
    expires_at: date | None = None


class IpProperty(Struct, frozen=True):
    """A work. ``status``: draft, licensable, restricted (no new grants), retired."""

    slug: Name
    name: Title
    kind: Name
    rights_holder_id: Name
    status: Name
    assets: AssetPolicy = AssetPolicy()


class Grant(Struct, frozen=True):
    """One cell of rights. ``units_used`` counts against ``max_units``; ``co_presence``: another work may be in the
    same store at the same time."""

    id: Name
    ip: Name
    territories: list[str]
    categories: list[str]
    channels: list[str]
    uses: list[str]
    window: Range
    exclusivity: Name
    excluded_territories: list[str] = []
    max_units: Count | None = None
    units_used: Count = 0
    blackouts: list[Range] = []
    approved_stages: list[str] = []
    co_presence: bool = False


class LicenceAgreement(Struct, frozen=True):
    """A contract and its grants. A grant counts only inside both its window and the term."""

    number: Name
    licensor_id: Name
    licensee_id: Name
    status: Name
    term: Range
    grants: Annotated[list[Grant], Meta(min_length=1)]
    sell_off_days: Annotated[int, Meta(ge=0, le=180)] = 0
    approval_required_stages: list[str] = []


class Reservation(Struct, frozen=True):
    """What somebody else holds exclusively. The service does not say who, and must not."""

    ip: Name
    territories: list[str]
    categories: list[str]
    channels: list[str]
    window: Range
    excluded_territories: list[str] = []


class Card(Struct, frozen=True):
    """A collectable card; null ``stock`` is unlimited."""

    id: Name
    name: Name
    weight: Annotated[int, Meta(gt=0)] = 1
    stock: Count | None = None


class Prize(Struct, frozen=True):
    """What a complete set earns, once per member: ``amount`` in fen or points; null ``budget`` is without end."""

    id: Name
    kind: Literal["red_packet", "coupon", "points", "goods"]
    name: Name
    amount: Count = 0
    budget: Count | None = None
    claim_days: Annotated[int, Meta(gt=0, le=366)] = 30


class CardSet(Struct, frozen=True):
    """Rules of the draw: ``daily_cap`` per member; null ``guarantee_after`` is plain odds."""

    cards: list[Card]
    daily_cap: Annotated[int, Meta(gt=0)] | None = None
    guarantee_after: Count | None = None
    prize: Prize | None = None


class Activation(Struct, frozen=True):
    """A property in stores; its card set has the activation's own code."""

    code: Name
    ip: Name
    name: Name
    stores: list[str]
    window: Range
    status: Name
    card_set: CardSet | None = None


class RightsIn(Struct, frozen=True):
    """What a licensor holds of a work, and may grant on."""

    ip: Name
    territories: list[str]
    categories: list[str]
    channels: list[str]
    window: Range
    excluded_territories: list[str] = []
    talent_cleared: bool = True


class Asset(Struct, frozen=True):
    """A piece of artwork; ``renditions`` of preview, comp, master."""

    id: Name
    ip: Name
    kind: Name
    mime: Name
    bytes: Count
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    storage_key: Name
    renditions: list[str]
    credit_line: str = ""
    style_guide_version: str = ""
    embargo_until: Instant | None = None
    expires_at: Instant | None = None


class LicensedSku(Struct, frozen=True):
    """A product under an agreement, by its GTIN-14."""

    gtin: Annotated[str, Meta(pattern="^[0-9]{14}$")]
    agreement: Name
    ip: Name
    name: Name
    category: Name
    approval_state: Name
    concept_approved: bool = False
    edition_size: Count | None = None
    units_manufactured: Count = 0
    units_sold: Count = 0

    def __post_init__(self) -> None:
        digits = [int(digit) for digit in self.gtin]
        # GS1: weights 3, 1, 3 … from the left of a GTIN-14, and the sum a multiple of ten.
        if sum(digit * (1 if place % 2 else 3) for place, digit in enumerate(digits)) % 10:
            raise ValueError("the check digit of the GTIN is wrong")
        if self.units_sold > self.units_manufactured or self.units_manufactured > (self.edition_size or 2**53):
            raise ValueError("more units were sold than made, or made than the edition has")


class Option(Struct, frozen=True):
    """A choice of a contest."""

    id: Name
    name: Name


class Contest(Struct, frozen=True):
    """A vote or a quiz of an activation. ``correct`` appears once a quiz is settled."""

    code: Name
    activation: Name
    kind: Literal["vote", "quiz"]
    name: Name
    options: Annotated[list[Option], Meta(min_length=2)]
    opens_at: Instant
    closes_at: Instant
    per_member: Annotated[int, Meta(gt=0)] | None = None
    per_day: Annotated[int, Meta(gt=0)] | None = None
    correct: Name | None = None


class RiskPolicy(Struct, frozen=True):
    """Who may enter a drop: members with a phone that was checked, and of so many days."""

    phone: bool = False
    member_days: Count = 0


class Drop(Struct, frozen=True):
    """A limited edition on sale (限定发售), by its product's GTIN. A raffle is drawn when it closes."""

    code: Name
    gtin: Annotated[str, Meta(pattern="^[0-9]{14}$")]
    activation: Name
    name: Name
    queue_mode: Literal["fcfs", "raffle"]
    opens_at: Instant
    closes_at: Instant
    stock_total: Count
    per_member: Annotated[int, Meta(gt=0)] = 1
    risk_policy: RiskPolicy = RiskPolicy()

    def __post_init__(self) -> None:
        if self.closes_at <= self.opens_at:
            raise ValueError("a drop closes after it opens")


class CardDraw(Struct, frozen=True):
    """One draw that the service knows of."""

    card_set: Name
    unionid: Name
    entry_ref: Name
    card_id: Name
    at: Instant

    def __repr__(self) -> str:
        return f"CardDraw({self.card_set}, ***)"


class Catalogue(Struct, frozen=True):
    """The whole document of GET /ip/v1/catalogue; ``version`` only grows."""

    version: Count
    licensee_id: Name
    published_at: Instant
    parties: list[Party]
    properties: list[IpProperty]
    agreements: list[LicenceAgreement]
    activations: list[Activation]
    reservations: list[Reservation] = []
    draws: list[CardDraw] = []
    rights_in: list[RightsIn] = []
    assets: list[Asset] = []
    skus: list[LicensedSku] = []
    contests: list[Contest] = []
    drops: list[Drop] = []

    def __post_init__(self) -> None:
        """A document that contradicts itself is refused as a whole, before it reaches the tables."""
        parties = _unique("party", (p.id for p in self.parties))
        slugs = _unique("property", (p.slug for p in self.properties))
        grants = [grant for agreement in self.agreements for grant in agreement.grants]
        numbers = _unique("agreement", (a.number for a in self.agreements))
        _unique("grant", (g.id for g in grants))
        codes = _unique("activation", (a.code for a in self.activations))
        _unique("asset", (a.id for a in self.assets))
        gtins = _unique("SKU", (s.gtin for s in self.skus))
        _unique("drop", (d.code for d in self.drops))
        _unique("contest", (c.code for c in self.contests))
        named = {g.ip for g in grants} | {a.ip for a in self.activations} | {r.ip for r in self.reservations}
        named |= {r.ip for r in self.rights_in} | {a.ip for a in self.assets} | {s.ip for s in self.skus}
        if not named <= slugs or not {p.rights_holder_id for p in self.properties} <= parties:
            raise ValueError("the catalogue names a property or a party that it does not contain")
        if not {s.agreement for s in self.skus} <= numbers or not {c.activation for c in self.contests} <= codes:
            raise ValueError("the catalogue names an agreement or an activation that it does not contain")
        if not {d.gtin for d in self.drops} <= gtins or not {d.activation for d in self.drops} <= codes:
            raise ValueError("the catalogue has a drop of a product or an activation that it does not contain")
        if any(a.licensee_id != self.licensee_id for a in self.agreements):
            raise ValueError("the catalogue contains an agreement of another licensee")


def _unique(noun: str, keys: Iterable[str]) -> set[str]:
    listed = list(keys)
    if len(found := set(listed)) != len(listed):
        raise ValueError(f"the catalogue has a {noun} twice")
    return found
