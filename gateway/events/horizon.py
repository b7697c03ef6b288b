"""Reading the fact log in an order that never changes: up to the commit horizon.

Numbers are taken before a commit, so the order of numbers is not that of commits: a reader that remembers the highest
number it has seen misses what a slower transaction commits below it. Here nothing is read before everything that can
stand below it is committed:

- **SQLite** has one writer at a time, and rows get their ``seq`` inside its transaction: what is visible is final.
- **PostgreSQL** orders rows by (``tx``, ``seq``), ``tx`` being the transaction that wrote them. A snapshot knows which
  transactions have not ended (https://www.postgresql.org/docs/current/functions-info.html): below the lowest of them
  nothing is added any more, so only rows below it are read. A long write transaction in the same database delays
  readers and loses them nothing; those of other databases of the server are left out, where we may see whose they are.

Whoever reads keeps a ``Position``, or the id of the last fact, and continues after it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import BigInteger, Select, bindparam, func, literal_column, select, text, true, tuple_

from gateway.database.engine import Database
from gateway.database.rows import AnyRow
from gateway.database.tables.facts import fact
from gateway.database.tables.members import identity, member
from gateway.database.tables.projections import purchase


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the log. They compare in the order in which facts are read."""

    tx: int
    seq: int


#: Before the first fact.
START: Final = Position(0, 0)
#: Stands for an event's id where there is no event yet.
BEGINNING: Final = "0" * 26


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedFact:
    """A fact as it stands in the log. Money in fen.

    ``member`` is the id that the fact's person has now, after merges: by its identity, else by its order's buyer, else
    by its own member. ``store`` is the fact's own, else that of its order.
    """

    id: str
    position: Position
    kind: str
    schema_version: int
    occurred_at: datetime
    recorded_at: datetime
    business_date: date
    tool: str | None
    account: str
    source: str
    member: str | None
    identity: str | None
    store: str | None
    guide: str | None
    campaign: str | None
    ad: str | None
    order_ref: str | None
    line: str | None
    amount_fen: int | None
    quantity: int | None
    reason: str | None
    arm: str | None
    is_test: bool
    reversal_of: str | None
    payload: Mapping[str, Any]


class Page(list[LoggedFact]):
    """Facts in order. ``held`` says that more are committed, which a transaction that still runs holds back."""

    held = False


class Horizon:
    """Reads committed facts in their final order. Holds no state: any number of readers may share one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, after: Position, *, kinds: Collection[str] | None = None, limit: int = 500) -> Page:
        """At most ``limit`` facts after a position, of some kinds or of all, in order. One statement.

        Fewer than ``limit`` means that there are no more for now; ``held`` that there will be in a moment.
        """
        params: dict[str, Any] = {"tx": after.tx, "seq": after.seq, "most": limit}
        if kinds is not None:
            params["kinds"] = sorted(kinds)
        statement = _page(self._database.is_sqlite, kinds is not None)
        rows = await self._database.fetch(statement, params)
        page = Page(_logged(row) for row in rows if row.ready_)
        page.held = len(page) < len(rows)
        return page

    async def head(self) -> Position:
        """The position of the last fact that can be read now; what is committed from here on comes after it."""
        row = await self._database.one(_HEAD_SQLITE if self._database.is_sqlite else _HEAD_POSTGRESQL)
        return START if row is None else Position(row.tx, row.seq)

    async def find(self, fact_id: str) -> tuple[Position, datetime] | None:
        """Where a fact stands and when it was recorded; None for an id that is not in the log."""
        row = await self._database.one(_FIND, {"id": fact_id})
        return None if row is None else (Position(row.tx, row.seq), row.recorded_at)

    async def at(self, position: Position) -> str:
        """The id of the fact at a position; BEGINNING where there is none."""
        row = await self._database.one(_AT, {"tx": position.tx, "seq": position.seq})
        return BEGINNING if row is None else str(row.id)

    async def is_empty_before(self, instant: datetime) -> bool:
        """Whether nothing was recorded before this."""
        return await self._database.one(_BEFORE, {"instant": instant}) is None

    async def renumber_restored(self) -> None:
        """Put a log that was restored from another PostgreSQL server before everything that this one writes.

        Transactions count from anew there, so restored rows could stand above the horizon for years. Does nothing else.
        """
        if not self._database.is_sqlite and await self._database.one(_FOREIGN):
            async with self._database.write() as connection:
                await connection.execute(fact.update().where(fact.c.tx > 0).values(tx=0))


# A transaction of the snapshot that is seen to run in another database can write no fact of ours. One that has ended
# between the snapshot and the look counts as ours: what it wrote is not in the snapshot.
_LOWEST: Final = literal_column(
    """(SELECT coalesce(min(running.id::text::bigint), pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
    FROM pg_snapshot_xip(pg_current_snapshot()) AS running (id)
    WHERE NOT EXISTS (
        SELECT FROM pg_stat_activity AS other
        WHERE other.backend_xid = running.id::xid AND other.datname <> current_database()
    ))""",
    BigInteger,
)
_XMAX: Final = literal_column("pg_snapshot_xmax(pg_current_snapshot())::text::bigint", BigInteger)
_FIND: Final = select(fact.c.tx, fact.c.seq, fact.c.recorded_at).where(fact.c.id == bindparam("id"))
_AT: Final = select(fact.c.id).where(fact.c.seq == bindparam("seq"), fact.c.tx == bindparam("tx"))
_BEFORE: Final = select(fact.c.id).where(fact.c.recorded_at < bindparam("instant")).limit(1)
_LAST: Final = select(fact.c.tx, fact.c.seq).limit(1)
_HEAD_SQLITE: Final = _LAST.order_by(fact.c.seq.desc())
_HEAD_POSTGRESQL: Final = _LAST.where(fact.c.tx < _LOWEST).order_by(fact.c.tx.desc(), fact.c.seq.desc())
_FOREIGN: Final = select(fact.c.seq).where(fact.c.tx >= _XMAX).limit(1)


@lru_cache(maxsize=4)
def _page(sqlite: bool, by_kind: bool) -> Select[Any]:
    own, bought_by, buyer = member.alias("own"), identity.alias("bought_by"), purchase.alias("bought")
    theirs = identity.alias("theirs")
    owner = func.coalesce(theirs.c.member, bought_by.c.member, own.c.merged_into, own.c.id).label("owner_")
    ready = true() if sqlite else fact.c.tx < _LOWEST
    columns = [column for column in fact.c if column.key not in ("source_key", "member", "store")]
    statement = (
        select(*columns, owner, func.coalesce(fact.c.store, buyer.c.store).label("store"), ready.label("ready_"))
        .outerjoin(theirs, theirs.c.id == fact.c.identity)
        .outerjoin(buyer, buyer.c.id == fact.c.order_ref)
        .outerjoin(bought_by, bought_by.c.id == buyer.c.identity)
        .outerjoin(own, own.c.id == fact.c.member)
        .limit(bindparam("most", type_=BigInteger()))
    )
    seq = bindparam("seq", type_=BigInteger())
    if sqlite:
        # tx is 0 in every row. Named, or a statement that does not use it would refuse the parameter.
        statement = statement.where(fact.c.seq > seq, text("0 <= :tx")).order_by(fact.c.seq)
    else:
        here = tuple_(bindparam("tx", type_=BigInteger()), seq)
        statement = statement.where(tuple_(fact.c.tx, fact.c.seq) > here).order_by(fact.c.tx, fact.c.seq)
    return statement.where(fact.c.kind.in_(bindparam("kinds", expanding=True))) if by_kind else statement


def _logged(row: AnyRow) -> LoggedFact:
    return LoggedFact(
        id=row.id,
        position=Position(row.tx, row.seq),
        kind=row.kind,
        schema_version=row.schema_version,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        business_date=row.business_date,
        tool=row.tool,
        account=row.account,
        source=row.source,
        member=row.owner_,
        identity=row.identity,
        store=row.store,
        guide=row.guide,
        campaign=row.campaign,
        ad=row.ad,
        order_ref=row.order_ref,
        line=row.line,
        amount_fen=row.amount_fen,
        quantity=row.quantity,
        reason=row.reason,
        arm=row.arm,
        is_test=row.is_test,
        reversal_of=row.reversal_of,
        payload=row.payload or {},
    )
