"""Reading the tables: few statements, whatever the number of ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BindParameter, Row, Select, and_, bindparam, select

from adapters.base.runtime import Sql
from adapters.ip_content.clearance import Days, GrantRights, Reserved, Rights, Scope, in_force, sell_off
from adapters.ip_content.exclusivity import Held
from adapters.ip_content.records import Activation, Card, Licence, Participation, Prize, Property
from adapters.ip_content.tables import (
    activation,
    activation_store,
    agreement,
    catalogue,
    draw,
    grant,
    party,
    property_,
    reservation,
    rights_in,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_LICENSEE: Final[BindParameter[str]] = bindparam("licensee")
_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_HOLDER: Final = and_(party.c.licensee == property_.c.licensee, party.c.id == property_.c.rights_holder)
_PROPERTY_COLUMNS: Final = (
    property_.c.slug,
    property_.c.title,
    property_.c.title_en,
    property_.c.kind,
    party.c.legal_name,
)

_CATALOGUE: Final = select(catalogue.c.version, catalogue.c.etag).where(catalogue.c.licensee == _LICENSEE)
_PROPERTIES: Final = (
    select(*_PROPERTY_COLUMNS, property_.c.status, property_.c.assets_from, property_.c.assets_until)
    .join_from(property_, party, _HOLDER)
    .where(property_.c.licensee == _LICENSEE)
    .order_by(property_.c.slug)
)
_SOME_PROPERTIES: Final = _PROPERTIES.where(property_.c.slug.in_(_IDS))
_GRANTS: Final = (
    select(
        grant,
        *_PROPERTY_COLUMNS,
        agreement.c.licensor,
        agreement.c.status.label("agreement_status"),
        agreement.c.starts.label("term_starts"),
        agreement.c.ends.label("term_ends"),
        agreement.c.sell_off_days,
        agreement.c.required_stages,
    )
    .join_from(
        grant,
        agreement,
        and_(agreement.c.licensee == grant.c.licensee, agreement.c.number == grant.c.agreement),
    )
    .join(property_, and_(property_.c.licensee == grant.c.licensee, property_.c.slug == grant.c.property))
    .join(party, _HOLDER)
    .where(grant.c.licensee == _LICENSEE)
    .order_by(grant.c.agreement, grant.c.id)
)
_GRANTS_OF_PROPERTY: Final = _GRANTS.where(grant.c.property == bindparam("property"))
_GRANTS_OF_AGREEMENT: Final = _GRANTS.where(grant.c.agreement == bindparam("number"))
_GRANTS_OF_AGREEMENTS: Final = _GRANTS.where(grant.c.agreement.in_(_IDS))
_RESERVATIONS: Final = select(reservation).where(
    reservation.c.licensee == _LICENSEE, reservation.c.property == bindparam("property")
)
_RIGHTS_IN: Final = select(rights_in).where(
    rights_in.c.licensee == _LICENSEE, rights_in.c.property == bindparam("property")
)
_ACTIVATIONS: Final = (
    select(activation, *_PROPERTY_COLUMNS)
    .join_from(
        activation,
        property_,
        and_(property_.c.licensee == activation.c.licensee, property_.c.slug == activation.c.property),
    )
    .join(party, _HOLDER)
    .where(activation.c.licensee == _LICENSEE)
    .order_by(activation.c.starts, activation.c.code)
)
_SOME_ACTIVATIONS: Final = _ACTIVATIONS.where(activation.c.code.in_(_IDS))
_ACTIVATIONS_AT: Final = (
    _ACTIVATIONS.add_columns(activation_store.c.store)
    .join(
        activation_store,
        and_(
            activation_store.c.licensee == activation.c.licensee,
            activation_store.c.activation == activation.c.code,
        ),
    )
    .where(activation_store.c.store.in_(_IDS))
)
_DRAWS_OF: Final = (
    select(draw.c.participant, draw.c.card_set, draw.c.card, draw.c.drawn_at)
    .where(draw.c.licensee == _LICENSEE, draw.c.participant.in_(_IDS))
    .order_by(draw.c.drawn_at)
)


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    """Aware, UTC."""
    return _EPOCH + timedelta(microseconds=value)


class Ledger:
    """The catalogue and the draws of one licensee."""

    def __init__(self, sql: Sql, licensee: str) -> None:
        self._sql = sql
        self._licensee = licensee

    async def _fetch(self, statement: Select[Any], **params: object) -> Sequence[Row[Any]]:
        return await self._sql.fetch(statement, {"licensee": self._licensee, **params})

    async def published(self) -> tuple[int, str] | None:
        """Version and entity tag of the imported catalogue; None before the first import."""
        rows = await self._fetch(_CATALOGUE)
        return (rows[0].version, rows[0].etag) if rows else None

    async def properties(self, slugs: Sequence[str] | None) -> Mapping[str, Property]:
        """By slug; None asks for all."""
        if slugs is None:
            rows = await self._fetch(_PROPERTIES)
        else:
            rows = await self._fetch(_SOME_PROPERTIES, ids=list(set(slugs))) if slugs else []
        return {row.slug: _property(row) for row in rows}

    async def licences(self) -> Sequence[Licence]:
        """Every grant, by the agreement's number."""
        return [_licence(row) for row in await self._fetch(_GRANTS)]

    async def agreement_rows(self, number: str) -> Sequence[Row[Any]]:
        """The grants of one agreement with all columns, for its ODRL rendering."""
        return await self._fetch(_GRANTS_OF_AGREEMENT, number=number)

    async def agreements_rows(self, numbers: Sequence[str]) -> Mapping[str, Sequence[Row[Any]]]:
        """The same of several, by number; one that is unknown is absent."""
        found: dict[str, list[Row[Any]]] = defaultdict(list)
        for row in await self._fetch(_GRANTS_OF_AGREEMENTS, ids=list(set(numbers))) if numbers else []:
            found[row.agreement].append(row)
        return found

    async def rights(self, slug: str) -> Rights | None:
        """What bears on one property, in three statements; None for an unknown one."""
        rows = await self._fetch(_SOME_PROPERTIES, ids=[slug])
        if not rows:
            return None
        grants = await self._fetch(_GRANTS_OF_PROPERTY, property=slug)
        others = await self._fetch(_RESERVATIONS, property=slug)
        return Rights(
            rows[0].status,
            _day(rows[0].assets_from),
            _day(rows[0].assets_until),
            bool(grants),
            tuple(_grant(row) for row in grants if in_force(row.agreement_status)),
            tuple(Reserved(_scope(row), days_of(row.starts, row.ends)) for row in others),
        )

    async def held(self, slug: str) -> Sequence[Held]:
        """What licensors hold of a property (rights-in); one statement."""
        rows = await self._fetch(_RIGHTS_IN, property=slug)
        return [Held(_scope(row), days_of(row.starts, row.ends), row.talent_cleared) for row in rows]

    async def activations(self, codes: Sequence[str] | None) -> Mapping[str, Activation]:
        """By code; None asks for all."""
        if codes is None:
            rows = await self._fetch(_ACTIVATIONS)
        else:
            rows = await self._fetch(_SOME_ACTIVATIONS, ids=list(set(codes))) if codes else []
        return {row.code: _activation(row) for row in rows}

    async def activations_at(self, stores: Sequence[str]) -> Mapping[str, Sequence[Activation]]:
        """By store code, oldest first; a store without any is absent."""
        found: dict[str, list[Activation]] = defaultdict(list)
        for row in await self._fetch(_ACTIVATIONS_AT, ids=list(set(stores))) if stores else []:
            found[row.store].append(_activation(row))
        return found

    async def participations(self, participants: Sequence[str]) -> Mapping[str, Sequence[Participation]]:
        """By pseudonym, newest first, in two statements; somebody without any is absent.

        Draws of an activation that the catalogue no longer has are left out.
        """
        rows = await self._fetch(_DRAWS_OF, ids=list(set(participants))) if participants else []
        if not rows:
            return {}
        drawn: dict[str, dict[str, list[Row[Any]]]] = defaultdict(lambda: defaultdict(list))
        for row in rows:
            drawn[row.participant][row.card_set].append(row)
        known = await self.activations([row.card_set for row in rows])
        return {who: _participations(sets, known) for who, sets in drawn.items()}


async def grants_by_property(sql: Sql, licensee: str) -> Mapping[str, Sequence[GrantRights]]:
    """Every grant of an agreement in force, by property; one statement."""
    found: dict[str, list[GrantRights]] = defaultdict(list)
    for row in await sql.fetch(_GRANTS, {"licensee": licensee}):
        if in_force(row.agreement_status):
            found[row.property].append(_grant(row))
    return found


def _participations(sets: Mapping[str, Sequence[Row[Any]]], known: Mapping[str, Activation]) -> Sequence[Participation]:
    found = [_participation(known[code], rows) for code, rows in sets.items() if code in known]
    return sorted(found, key=lambda p: p.last_at, reverse=True)


def _participation(of: Activation, rows: Sequence[Row[Any]]) -> Participation:
    held = {row.card for row in rows}
    cards = tuple(card.id for card in of.cards if card.id in held)
    total = len(of.cards)
    last = instant(max(row.drawn_at for row in rows))
    return Participation(of, len(cards), total, cards, 0 < total == len(cards), last)


def _property(row: Row[Any]) -> Property:
    return Property(row.slug, row.title, row.title_en, row.kind, row.legal_name)


def _licence(row: Row[Any]) -> Licence:
    days = _cut(row)
    return Licence(
        row.agreement,
        _property(row),
        tuple(row.territories),
        tuple(row.categories),
        tuple(row.channels),
        tuple(row.uses),
        days.starts,
        days.ends,
        row.exclusivity,
        row.id,
        row.agreement_status,
        tuple(row.excluded_territories),
        row.max_units,
        row.units_used,
        row.co_presence,
    )


def _activation(row: Row[Any]) -> Activation:
    return Activation(
        row.code,
        _property(row),
        row.name,
        tuple(row.stores),
        date.fromisoformat(row.starts),
        date.fromisoformat(row.ends),
        row.state,
        tuple(Card(card["id"], card["name"], card["weight"], card["stock"]) for card in row.cards),
        row.daily_cap,
        row.guarantee_after,
        None if row.prize is None else _prize(row.prize),
    )


def _prize(row: Mapping[str, Any]) -> Prize:
    return Prize(row["kind"], row["name"], row["amount"], row["budget"], row["claim_days"])


def _grant(row: Row[Any]) -> GrantRights:
    return GrantRights(
        _scope(row),
        frozenset(row.uses),
        _cut(row),
        sell_off(date.fromisoformat(row.ends), date.fromisoformat(row.term_ends), row.sell_off_days),
        tuple(days_of(starts, ends) for starts, ends in row.blackouts),
        None if row.max_units is None else row.max_units - row.units_used,
        frozenset(row.required_stages) - frozenset(row.approved_stages),
        row.co_presence,
    )


def _cut(row: Row[Any]) -> Days:
    """The grant's window within the agreement's term: a grant never outlasts its agreement."""
    return days_of(max(row.starts, row.term_starts), min(row.ends, row.term_ends))


def _scope(row: Row[Any]) -> Scope:
    return Scope(
        frozenset(row.territories),
        frozenset(row.excluded_territories),
        frozenset(row.categories),
        frozenset(row.channels),
    )


def days_of(starts: str, ends: str) -> Days:
    """From the tables' ISO texts."""
    return Days(date.fromisoformat(starts), date.fromisoformat(ends))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
