"""Seals under another key what hangs on an identity, when a split gives it another home."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Column, Table, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.keyring import Erased, Keyring
from gateway.database.schema import metadata
from gateway.database.tables.members import identity
from gateway.database.types import Encrypted
from gateway.members.linking import Identity


def _sealed(table: Table) -> list[Column[str]]:
    return [column for column in table.columns if isinstance(column.type, Encrypted)]


#: Every table whose rows hang on an identity and hold something sealed, with its column that names the identity.
_TABLES: Final = [
    (identity, identity.c.id),
    *((table, table.c.identity) for table in metadata.sorted_tables if "identity" in table.c and _sealed(table)),
]


async def reseal(connection: AsyncConnection, keyring: Keyring, identities: Sequence[Identity]) -> None:
    """Give these identities' rows to their new home, so that erasing the old one does not take them along."""
    home = {each.id: each.home for each in identities}
    if not home:
        return
    for table, names in _TABLES:
        sealed, keys = _sealed(table), list(table.primary_key.columns)
        rows = (
            await connection.execute(select(names.label("of"), *keys, *sealed).where(names.in_(sorted(home))))
        ).all()
        for row in rows:
            held = row._mapping  # noqa: SLF001 — SQLAlchemy's public name for a row by its columns
            values = {
                column: keyring.seal(held[column], subject=home[row.of])
                for column in sealed
                if held[column] is not None and not isinstance(held[column], Erased)
            }
            if values:
                this = and_(*(key == held[key] for key in keys))
                await connection.execute(update(table).where(this).values(values))
