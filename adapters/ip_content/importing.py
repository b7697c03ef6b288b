"""Putting a published catalogue into the tables: all of it in one transaction, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import to_builtins
from sqlalchemy import ColumnElement, Table, case, delete, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.runtime import Sql
from adapters.ip_content.ledger import micros
from adapters.ip_content.models import (
    Activation,
    Asset,
    CardDraw,
    Catalogue,
    Contest,
    Drop,
    Grant,
    LicenceAgreement,
    LicensedSku,
    Range,
    RightsIn,
)
from adapters.ip_content.records import ImportResult
from adapters.ip_content.tables import (
    activation,
    activation_store,
    agreement,
    asset,
    catalogue,
    contest,
    draw,
    drop,
    grant,
    party,
    property_,
    reservation,
    rights_in,
    sku,
)

#: Draws in one INSERT: six values each, and SQLite takes 32,766 values in a statement.
_DRAWS_AT_ONCE: Final = 5_000

Rows = list[dict[str, object]]


async def replace(
    sql: Sql, published: Catalogue, etag: str, now: datetime, pseudonym: Callable[[str], str]
) -> ImportResult | None:
    """Replace the licensee's catalogue by a newer one; None when the stored one is as new.

    Draws are only added: those made here, or erased since, stay as they are.
    """
    tables = _tables(published)
    draws = [_draw(published.licensee_id, row, pseudonym) for row in published.draws]
    async with sql.write() as connection:
        if not await _claim(connection, published, etag, now):
            return None
        for table in (activation, contest, drop):
            await _overwrite(connection, published.licensee_id, table, tables.pop(table))
        for table, rows in tables.items():
            await connection.execute(delete(table).where(table.c.licensee == published.licensee_id))
            if rows:
                await connection.execute(insert(table), rows)
        new = sum([await _insert_new(connection, draw, chunk) for chunk in _chunks(draws)])
    return ImportResult(
        published.version,
        len(published.properties),
        sum(len(a.grants) for a in published.agreements),
        len(published.activations),
        new,
        changed=True,
    )


async def _claim(connection: AsyncConnection, published: Catalogue, etag: str, now: datetime) -> bool:
    """Take the licensee's one row if ours is newer; a second importer waits here and then finds it is not."""
    values = {
        "version": published.version,
        "etag": etag,
        "published_at": micros(published.published_at),
        "imported_at": micros(now),
    }
    newer = update(catalogue).where(
        catalogue.c.licensee == published.licensee_id, catalogue.c.version < published.version
    )
    if (await connection.execute(newer.values(values))).rowcount == 1:
        return True
    return await _insert_new(connection, catalogue, [{"licensee": published.licensee_id, **values}]) == 1


async def _overwrite(connection: AsyncConnection, licensee: str, table: Table, rows: Rows) -> None:
    """Overwrite, and delete only what is gone.

    A draw or a ballot that waits for a row must find that row again: on PostgreSQL it would not see
    one that was deleted and inserted anew, and call a live one unknown.
    """
    codes = [row["code"] for row in rows]
    gone = delete(table).where(table.c.licensee == licensee, table.c.code.not_in(codes))
    await connection.execute(gone)
    if rows:
        statement = _insert_for(connection, table).values(rows)
        named = rows[0].keys() - {"licensee", "code"}
        changed: dict[str, ColumnElement[Any]] = {name: statement.excluded[name] for name in sorted(named)}
        if table is activation:
            changed["state"] = _moved(statement)
        await connection.execute(statement.on_conflict_do_update(index_elements=["licensee", "code"], set_=changed))


def _moved(statement: postgresql.Insert | sqlite.Insert) -> ColumnElement[str]:
    """The catalogue's word where it is a new one; else the state that the brand's own people have reached since."""
    told = statement.excluded["published_state"]
    return case((activation.c.published_state == told, activation.c.state), else_=told)


def _insert_for(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


async def _insert_new(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows whose primary key is not there yet; how many were new."""
    statement = _insert_for(connection, table).values(rows)
    return (await connection.execute(statement.on_conflict_do_nothing())).rowcount


def _chunks(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), _DRAWS_AT_ONCE):
        yield rows[start : start + _DRAWS_AT_ONCE]


def _tables(published: Catalogue) -> dict[Table, Rows]:
    """The rows of every table that a catalogue replaces."""
    made: dict[Table, Rows] = {
        party: [{"id": p.id, "role": p.role, "legal_name": p.legal_name} for p in published.parties],
        property_: _properties(published),
        agreement: [_agreement(a) for a in published.agreements],
        grant: [_grant(a.number, g) for a in published.agreements for g in a.grants],
        reservation: _reservations(published),
        activation: [_activation(a) for a in published.activations],
        rights_in: [
            {**_cells(r), "number": number, "talent_cleared": r.talent_cleared}
            for number, r in enumerate(published.rights_in)
        ],
        asset: [_asset(a) for a in published.assets],
        sku: [_sku(s) for s in published.skus],
        contest: [_contest(c) for c in published.contests],
        drop: [_drop(d) for d in published.drops],
        activation_store: [
            {"store": store, "activation": a.code} for a in published.activations for store in set(a.stores)
        ],
    }
    for rows in made.values():
        for row in rows:
            row["licensee"] = published.licensee_id
    return made


def _cells(row: RightsIn) -> dict[str, object]:
    return {
        "property": row.ip,
        "territories": row.territories,
        "excluded_territories": row.excluded_territories,
        "categories": row.categories,
        "channels": row.channels,
        "starts": row.window.start.isoformat(),
        "ends": row.window.end.isoformat(),
    }


def _asset(row: Asset) -> dict[str, object]:
    return {
        "id": row.id,
        "property": row.ip,
        "kind": row.kind,
        "mime": row.mime,
        "bytes": row.bytes,
        "sha256": row.sha256,
        "storage_key": row.storage_key,
        "credit_line": row.credit_line,
        "renditions": row.renditions,
        "style_guide": row.style_guide_version,
        "embargo_until": None if row.embargo_until is None else micros(row.embargo_until),
        "expires_at": None if row.expires_at is None else micros(row.expires_at),
    }


def _sku(row: LicensedSku) -> dict[str, object]:
    return {
        "gtin": row.gtin,
        "agreement": row.agreement,
        "property": row.ip,
        "name": row.name,
        "category": row.category,
        "state": row.approval_state,
        "concept_approved": row.concept_approved,
        "edition_size": row.edition_size,
        "units_made": row.units_manufactured,
        "units_sold": row.units_sold,
    }


def _contest(row: Contest) -> dict[str, object]:
    return {
        "code": row.code,
        "activation": row.activation,
        "kind": row.kind,
        "name": row.name,
        "options": [{"id": option.id, "name": option.name} for option in row.options],
        "opens_at": micros(row.opens_at),
        "closes_at": micros(row.closes_at),
        "per_member": row.per_member,
        "per_day": row.per_day,
        "correct": row.correct,
    }


def _drop(row: Drop) -> dict[str, object]:
    return {
        "code": row.code,
        "gtin": row.gtin,
        "activation": row.activation,
        "name": row.name,
        "queue_mode": row.queue_mode,
        "opens_at": micros(row.opens_at),
        "closes_at": micros(row.closes_at),
        "stock_total": row.stock_total,
        "per_member": row.per_member,
        "needs_phone": row.risk_policy.phone,
        "member_days": row.risk_policy.member_days,
    }


def _properties(published: Catalogue) -> Rows:
    return [
        {
            "slug": p.slug,
            "title": p.name.zh,
            "title_en": p.name.en,
            "kind": p.kind,
            "rights_holder": p.rights_holder_id,
            "status": p.status,
            "assets_from": p.assets.available_from and p.assets.available_from.isoformat(),
            "assets_until": p.assets.expires_at and p.assets.expires_at.isoformat(),
        }
        for p in published.properties
    ]


def _agreement(wire: LicenceAgreement) -> dict[str, object]:
    return {
        "number": wire.number,
        "licensor": wire.licensor_id,
        "status": wire.status,
        **_range(wire.term),
        "sell_off_days": wire.sell_off_days,
        "required_stages": wire.approval_required_stages,
    }


def _grant(number: str, wire: Grant) -> dict[str, object]:
    return {
        "id": wire.id,
        "agreement": number,
        "property": wire.ip,
        "territories": wire.territories,
        "excluded_territories": wire.excluded_territories,
        "categories": wire.categories,
        "channels": wire.channels,
        "uses": wire.uses,
        **_range(wire.window),
        "exclusivity": wire.exclusivity,
        "max_units": wire.max_units,
        "units_used": wire.units_used,
        "blackouts": [[b.start.isoformat(), b.end.isoformat()] for b in wire.blackouts],
        "approved_stages": wire.approved_stages,
        "co_presence": wire.co_presence,
    }


def _reservations(published: Catalogue) -> Rows:
    return [
        {
            "number": number,
            "property": wire.ip,
            "territories": wire.territories,
            "excluded_territories": wire.excluded_territories,
            "categories": wire.categories,
            "channels": wire.channels,
            **_range(wire.window),
        }
        for number, wire in enumerate(published.reservations)
    ]


def _activation(wire: Activation) -> dict[str, object]:
    cards = wire.card_set
    return {
        "code": wire.code,
        "property": wire.ip,
        "name": wire.name,
        "stores": wire.stores,
        **_range(wire.window),
        "state": wire.status,
        "published_state": wire.status,
        "cards": [
            {"id": c.id, "name": c.name, "weight": c.weight, "stock": c.stock}
            for c in (cards.cards if cards is not None else ())
        ],
        "daily_cap": cards.daily_cap if cards is not None else None,
        "guarantee_after": cards.guarantee_after if cards is not None else None,
        "prize": None if cards is None or cards.prize is None else to_builtins(cards.prize),
    }


def _draw(licensee: str, wire: CardDraw, pseudonym: Callable[[str], str]) -> dict[str, object]:
    return {
        "licensee": licensee,
        "card_set": wire.card_set,
        "entry_ref": wire.entry_ref,
        "participant": pseudonym(wire.unionid),
        "card": wire.card_id,
        "drawn_at": micros(wire.at),
    }


def _range(days: Range) -> dict[str, object]:
    return {"starts": days.start.isoformat(), "ends": days.end.isoformat()}
