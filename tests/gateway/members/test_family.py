"""Reads over a family go by indexes: by identity, by member, and by the member who won a merge."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from sqlalchemy import Select, select
from sqlalchemy.dialects import sqlite

from gateway.database import Database
from gateway.database.owned import LEVELS, POINTS, TOTALS

READS = {
    "points_entry": (select(POINTS).where(POINTS.c.owner.in_(["a", "b"])).order_by(POINTS.c.owner), "points_entry"),
    "level_entry": (select(LEVELS).where(LEVELS.c.owner.in_(["a", "b"])), "level_entry"),
    "member_total": (select(TOTALS).where(TOTALS.c.owner.in_(["a", "b"])), "identity_total"),
}


@pytest.mark.parametrize("kept", READS)
async def test_no_branch_reads_a_whole_table(sqlite_database: Database, kept: str) -> None:
    """Looked up by ``identity IS NULL``, half of a ledger would be read for one member."""
    statement, followed = READS[kept]
    plan = await _plan(sqlite_database, statement)
    assert not [line for line in plan if line.startswith("SCAN") and re.search(r"_entry|_total|identity|member", line)]
    looked_up = Counter(
        re.sub(r" (USING|AND).*\((\w+)=\?.*", r" \2", line) for line in plan if line.startswith("SEARCH")
    )
    expected = Counter({f"{followed} identity": 1, f"{kept} member": 2, "identity member": 1, "member merged_into": 1})
    assert Counter({name.removeprefix("SEARCH "): n for name, n in looked_up.items()}) == expected


async def _plan(database: Database, statement: Select[tuple[object, ...]]) -> list[str]:
    text = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    async with database.write() as connection:
        rows = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")).all()
    return [str(row[3]) for row in rows]
