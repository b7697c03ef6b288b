"""The same request twice is one request: who asked for what under which key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.engine import Database
from gateway.database.prepared import Prepared
from gateway.database.statements import insert_over_expired
from gateway.database.tables.sagas import idempotency

#: How long a key is remembered after its request.
KEPT: Final = timedelta(days=7)
_VALID: Final = Prepared(
    select(idempotency).where(
        idempotency.c.principal == bindparam("scope"),
        idempotency.c.mutation == bindparam("named"),
        idempotency.c.key == bindparam("under"),
        idempotency.c.expires_at > bindparam("now"),
    )
)
_DONE: Final = Prepared(update(idempotency).where(idempotency.c.id == bindparam("of")).values(state="DONE"))


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
            _VALID, {"scope": claim.scope, "named": claim.mutation, "under": claim.key, "now": now}
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
        keys = ("principal", "mutation", "key")
        # A key that has expired is free: its row becomes this request's.
        return await insert_over_expired(
            connection, idempotency, row, keys=keys, expires="expires_at", now="created_at"
        )

    async def done(self, connection: AsyncConnection, claim_id: str) -> None:
        """The request has its answer."""
        await _DONE.run(connection, {"of": claim_id})

    async def forget(self, connection: AsyncConnection, claim_id: str) -> None:
        """Nothing came of the request: the key may be used again."""
        await connection.execute(
            delete(idempotency).where(idempotency.c.id == claim_id, idempotency.c.state == "IN_FLIGHT")
        )
