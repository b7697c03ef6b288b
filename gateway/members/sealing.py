"""Moves what law makes a retailer keep out of the live tables, without the person.

A sealed record is a row's own values without what leads to the person, under a random id and an archive key of its
class and last year. It is in no table that queries, segments or sends read. When its term ends, the row is deleted and
the archive key of the year destroyed, so that backups lose it too.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.clock import BUSINESS_ZONE
from gateway.database.engine import Database
from gateway.database.keyring import Erased
from gateway.database.statements import insert_new
from gateway.database.tables.privacy import sealed_record
from gateway.events.erased import natural
from gateway.members.holdings import Holding, RecordClass, Sealing
from gateway.members.person import Person
from gateway.settings import Privacy

#: Ground of each class, as reports and sealed exports show it.
GROUNDS: Mapping[RecordClass, str] = {
    RecordClass.TRANSACTION: "电子商务法 art. 31: transaction information, at least 3 years from its completion",
    RecordClass.ACCOUNTING: "会计档案管理办法: accounting vouchers, from the end of the accounting year",
}


@dataclass(frozen=True, slots=True)
class SealedRows:
    """How many rows of a table were sealed, and until when the last of them is kept."""

    rows: int
    until: date | None


def until(record_class: RecordClass, since: datetime, terms: Privacy) -> date:
    """The day after the last on which a record of that instant is kept."""
    day = since.astimezone(BUSINESS_ZONE).date()
    if record_class is RecordClass.ACCOUNTING:
        # The term of accounting records begins on the first day after their accounting year.
        return date(day.year + 1 + terms.accounting_years, 1, 1)
    # A record of 29 February is kept until 1 March.
    last = date(day.year + terms.transaction_years, 3, 1) if (day.month, day.day) == (2, 29) else None
    return last or day.replace(year=day.year + terms.transaction_years)


def archive_key(record_class: str, last: date) -> str:
    """Whose data key seals the records of a class that end in a year."""
    return f"archive:{record_class}:{last.year}"


def archive_keys(oldest: datetime, now: datetime, terms: Privacy) -> list[str]:
    """The archive keys that records between two instants may need."""
    return [
        archive_key(each, date(year, 1, 1))
        for each in RecordClass
        for year in range(until(each, oldest, terms).year, until(each, now, terms).year + 1)
    ]


async def seal(
    connection: AsyncConnection, database: Database, holding: Holding, person: Person, terms: Privacy
) -> SealedRows:
    """Seal and delete a person's rows of one table, in the caller's transaction."""
    how, find = holding.sealing, holding.of
    if how is None or find is None:
        raise ValueError(f"holdings: table {holding.table.name} does not say how it is sealed")
    sealed, latest = 0, None
    for where in find(person):
        rows = (await connection.execute(select(holding.table).where(where))).mappings().all()
        records = [_record(database, holding, how, row, terms) for row in rows]
        await insert_new(connection, sealed_record, records, keys=("natural",))
        await connection.execute(delete(holding.table).where(where))
        sealed += len(rows)
        latest = max([*(each["until"] for each in records), *([latest] if latest else [])], default=None)
    return SealedRows(sealed, latest)


def _record(
    database: Database, holding: Holding, how: Sealing, values: Mapping[Any, Any], terms: Privacy
) -> dict[str, Any]:
    now = database.clock.now()
    since = next((values[name] for name in how.since if values[name] is not None), now)
    last = until(how.record_class, since, terms)
    record = {str(name): _plain(value) for name, value in values.items() if name not in how.drop}
    return {
        "id": secrets.token_hex(16),
        "kind": holding.table.name,
        "class_": str(how.record_class),
        "natural": natural(holding.table.name, [values[column.name] for column in holding.table.primary_key]),
        "record": database.keyring.seal_json(record, subject=archive_key(how.record_class, last)),
        "sealed_on": now.astimezone(BUSINESS_ZONE).date(),
        "until": last,
    }


def _plain(value: object) -> object:
    if isinstance(value, Erased):
        return None
    return value.isoformat() if isinstance(value, datetime | date) else value
