"""The rights service's JSON, in its own field names. Dates are half-open ``[start, end)``, Asia/Shanghai."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Instant = Annotated[datetime, Meta(tz=True)]


class TokenAnswer(Struct, frozen=True):
    """Answer of POST /ip/v1/token; the token itself never shows in ``repr``."""

    access_token: Annotated[str, Meta(min_length=1, max_length=8192)]
    expires_in: Annotated[int, Meta(gt=0)]

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
    """One cell of rights. ``units_used`` counts against ``max_units``."""

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


class CardSet(Struct, frozen=True):
    """Rules of the draw: ``daily_cap`` per member; null ``guarantee_after`` is plain odds."""

    cards: list[Card]
    daily_cap: Annotated[int, Meta(gt=0)] | None = None
    guarantee_after: Count | None = None


class Activation(Struct, frozen=True):
    """A property in stores; its card set has the activation's own code."""

    code: Name
    ip: Name
    name: Name
    stores: list[str]
    window: Range
    status: Name
    card_set: CardSet | None = None


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

    def __post_init__(self) -> None:
        """A document that contradicts itself is refused as a whole, before it reaches the tables."""
        parties = _unique("party", (p.id for p in self.parties))
        slugs = _unique("property", (p.slug for p in self.properties))
        grants = [grant for agreement in self.agreements for grant in agreement.grants]
        _unique("agreement", (a.number for a in self.agreements))
        _unique("grant", (g.id for g in grants))
        _unique("activation", (a.code for a in self.activations))
        named = {g.ip for g in grants} | {a.ip for a in self.activations} | {r.ip for r in self.reservations}
        if not named <= slugs or not {p.rights_holder_id for p in self.properties} <= parties:
            raise ValueError("the catalogue names a property or a party that it does not contain")
        if any(a.licensee_id != self.licensee_id for a in self.agreements):
            raise ValueError("the catalogue contains an agreement of another licensee")


def _unique(noun: str, keys: Iterable[str]) -> set[str]:
    listed = list(keys)
    if len(found := set(listed)) != len(listed):
        raise ValueError(f"the catalogue has a {noun} twice")
    return found
