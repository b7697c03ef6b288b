"""The same request twice is one request: who asked for what under which key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.engine import Database
from gateway.database.statements import insert_new
from gateway.database.tables.sagas import idempotency

#: How long a key is remembered after its request.
KEPT: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Claim:
    """One request. ``scope`` names the caller; ``input`` is canonical JSON of what the client sent."""

    scope: str
    mutation: str
    key: str
    input: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier request under the same key. ``same`` says whether it asked for the same."""

    id: str
    same: bool
    ids: dict[str, Any]


def canonical(value: object) -> str:
    """JSON with sorted names and without what was not given."""
    plain = msgspec.to_builtins(value)
    return msgspec.json.encode(_without_none(plain), order="sorted").decode()


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(each) for name, each in value.items() if each is not None}
    return [_without_none(each) for each in value] if isinstance(value, list | tuple) else value


class Idempotency:
    """Table idempotency."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def earlier(self, claim: Claim, now: datetime) -> Earlier | None:
        """What is remembered under the claim's key."""
        row = await self._database.one(
            select(idempotency).where(
                idempotency.c.principal == claim.scope,
                idempotency.c.mutation == claim.mutation,
                idempotency.c.key == claim.key,
                idempotency.c.expires_at > now,
            )
        )
        if row is None:
            return None
        wanted = self._database.keyring.hash(claim.input, "idempotency.input")
        return Earlier(row.id, row.input_hash == wanted, row.result_ids or {})

    async def claim(
        self,
        connection: AsyncConnection,
        claim: Claim,
        claim_id: str,
        ids: dict[str, str],
        now: datetime,
        *,
        result: str = "CheckoutDone",
    ) -> bool:
        """Take the key, with the type and ids that the answer will be made of; False when it is taken."""
        mine = (
            idempotency.c.principal == claim.scope,
            idempotency.c.mutation == claim.mutation,
            idempotency.c.key == claim.key,
        )
        await connection.execute(delete(idempotency).where(*mine, idempotency.c.expires_at <= now))
        row = {
            "id": claim_id,
            "principal": claim.scope,
            "mutation": claim.mutation,
            "key": claim.key,
            "input_hash": claim.input,
            "state": "IN_FLIGHT",
            "result_type": result,
            "result_ids": ids,
            "created_at": now,
            "expires_at": now + KEPT,
        }
        return await insert_new(connection, idempotency, [row], keys=("principal", "mutation", "key")) == 1

    async def done(self, connection: AsyncConnection, claim_id: str) -> None:
        """The request has its answer."""
        await connection.execute(update(idempotency).where(idempotency.c.id == claim_id).values(state="DONE"))

    async def forget(self, connection: AsyncConnection, claim_id: str) -> None:
        """Nothing came of the request: the key may be used again."""
        await connection.execute(
            delete(idempotency).where(idempotency.c.id == claim_id, idempotency.c.state == "IN_FLIGHT")
        )
