"""Two persons with a row in every table that is declared to hold something of persons."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Boolean, Column, Date, Integer, Table, func, select

from gateway.database import Database
from gateway.database.tables.members import member
from gateway.database.types import Encrypted, EncryptedJson, Json, KeyedHash, UtcDateTime
from gateway.members.holdings import HOLDINGS

#: Tables whose rows linking makes, or that the erasure itself writes.
MADE_OTHERWISE = frozenset({"member", "identity"})


@dataclass(slots=True)
class Planted:
    """A person of a test, and the texts by which they would be recognised."""

    name: str
    member: str
    identities: list[str]
    openid: str
    unionid: str
    phone: str
    secrets: list[str] = field(default_factory=list)

    @property
    def purchase(self) -> str:
        return f"MINI_PROGRAM:wxapp1:RG{self.name}0000000001"

    @property
    def saga(self) -> str:
        return f"01SAGA{self.name:0>20}"


async def plant(database: Database, person: Planted) -> None:
    """A row of the person in every declared table, with something unmistakable in every personal column."""
    planted = [each.table for each in reversed(HOLDINGS) if each.of and each.table.name not in MADE_OTHERWISE]
    async with database.write() as connection:
        for table in planted:
            await connection.execute(table.insert().values(**_row(database, table, person)))
    secret = f"secret-name-of-{person.name}"
    person.secrets.append(secret)
    async with database.write() as connection:
        await connection.execute(
            member.update()
            .where(member.c.id == person.member)
            .values(
                name=database.keyring.seal(secret, subject=person.member),
                name_hash=secret,
                phone=database.keyring.seal(person.phone, subject=person.member),
                phone_hash=person.phone,
                level=3,
            )
        )


def _row(database: Database, table: Table, person: Planted) -> dict[str, Any]:
    row = {}
    for column in table.columns:
        if column.primary_key and column.autoincrement is True:
            continue
        row[column.key] = _value(database, table, column, person)
    return row


def _value(database: Database, table: Table, column: Column[Any], person: Planted) -> Any:
    references = {
        "member": person.member, "home": person.member, "identity": person.identities[0],
        "a": min(person.identities), "b": max(person.identities), "purchase": person.purchase,
        "saga": person.saga, "saga_id": person.saga, "principal": f"app:{person.identities[0]}",
        "members": [person.member], "evidence": person.identities, "phone_hash": person.phone,
        "mchid": "1900007291", "out_trade_no": f"RG{person.name}0000000001", "order_ref": person.purchase,
        "worker": None, "lease_until": None, "class": "TRANSACTION", "reversal_of": None, "attention": None,
    }  # fmt: skip
    states = {
        "job": "PARKED",
        "inbox": "DONE",
        "saga": "COMPLETED",
        "red_packet": "SUCCESS",
        "profit_share": "SUCCESS",
        "profit_share_return": "SUCCESS",
        "saga_step": "DONE",
        "erasure": "QUEUED",
        "access_report": "READY",
    }
    if column.name == "id" and table.name in {"purchase", "saga"}:
        return person.purchase if table.name == "purchase" else person.saga
    if table.name == "saga_step" and column.name in {"kind", "delivery"}:
        return {"kind": "RETRIABLE", "delivery": "KEYED"}[column.name]
    if table.name == "profit_share" and column.name == "kind":
        return "SHARE"
    if column.name == "state" and table.name in states:
        return states[table.name]
    if table.name == "file_ledger" and column.name == "expires_at":
        return database.clock.now()  # Erasure waits while a grant lives.
    if column.name in references and not (column.name == "principal" and table.name == "saga"):
        return references[column.name]
    secret = f"secret-{table.name}-{column.name}-of-{person.name}-{person.openid}"
    if isinstance(column.type, Encrypted | EncryptedJson):
        person.secrets.append(secret)
        if table.name in {"inbox", "job", "lead", "file_ledger"}:  # Sealed under the shared key.
            return {"of": secret} if isinstance(column.type, EncryptedJson) else secret
        seal = database.keyring.seal_json if isinstance(column.type, EncryptedJson) else database.keyring.seal
        return seal(secret, subject=person.member)
    if isinstance(column.type, KeyedHash):
        return secret
    return _filler(database, table, column, secret)


def _filler(database: Database, table: Table, column: Column[Any], secret: str) -> Any:
    if isinstance(column.type, UtcDateTime):
        # An access report or session that has not expired, an order of a year ago.
        return database.clock.now() + timedelta(days=3 if column.name == "expires_at" else -365)
    if isinstance(column.type, Date):
        return date(2025, 11, 11)
    if isinstance(column.type, Json):
        return {}
    if isinstance(column.type, Boolean):
        return False
    if isinstance(column.type, Integer) or column.type.python_type is int:
        return 1
    # Plain columns hold no handle of a person; what is here must only differ between persons.
    short = hashlib.sha256(secret.encode()).hexdigest()
    return short[: getattr(column.type, "length", None) or 32]


async def counts(database: Database, person: Any) -> dict[str, int]:
    """Rows per declared table that its ``of`` finds for a person."""
    found: dict[str, int] = {}
    for holding in HOLDINGS:
        if holding.of is None:
            continue
        rows = 0
        for where in holding.of(person):
            row = await database.one(select(func.count().label("n")).select_from(holding.table).where(where))
            rows += 0 if row is None else row.n
        found[holding.table.name] = rows
    return found


async def everything(database: Database) -> dict[str, list[Any]]:
    """Every row of every declared table, as stored values."""
    found = {}
    for holding in HOLDINGS:
        rows = await database.fetch(select(holding.table))
        found[holding.table.name] = [tuple(row) for row in rows]
    return found
