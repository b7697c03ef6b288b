"""A process that imports is killed again and again: nothing is lost, nothing comes twice, no reject is either."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.database import Database
from gateway.database.tables.bulk import import_run
from gateway.database.tables.facts import fact
from gateway.database.tables.ledger import points_entry
from gateway.database.tables.members import identity, member
from gateway.database.tables.projections import purchase, purchase_line

ROOT = Path(__file__).parents[3]
#: The longest that one process may take before the test gives up, seconds; no test measures speed.
PATIENCE = 120


def members(path: Path, count: int) -> list[int]:
    """A file in which every seventh row is bad and rows 5 and 6 of ten are one person; the bad rows' lines."""
    bad = []
    with path.open("w", encoding="utf-8") as file:
        file.write("out_id,unionid,phone,name,points\n")
        for number in range(count):
            person = number - 1 if number % 10 == 6 else number
            phone = f"138{number:08d}"
            if number % 7 == 3:
                bad.append(number + 2)
                phone = "none"
            file.write(f"M{number},oU{person},{phone},姓名{number},{number % 5}\n")
    return bad


def tickets(path: Path, count: int) -> list[int]:
    """Tickets of two lines; every seventh does not sum."""
    bad = []
    with path.open("w", encoding="utf-8") as file:
        file.write("number,created_at,payable,sku,quantity,list_amount\n")
        for number in range(count):
            payable = 31 if number % 7 == 3 else 30
            bad += [number * 2 + 2] if payable == 31 else []
            file.write(f"T{number},2025-11-11 10:00,{payable},A,1,10\nT{number},2025-11-11 10:00,{payable},B,2,20\n")
    return bad


FILES = {"members": members, "tickets": tickets}


async def killed_and_resumed(
    database: Database, url: str, path: Path, kind: str, *, total: int, batch: int, kills: int
) -> list[int]:
    """Import a file in processes that are killed after random checkpoints. Returns the checkpoints."""
    seed = secrets.randbelow(10**9)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it when the test fails.
    chance = random.Random(seed)
    targets = sorted(chance.sample(range(0, total * 9 // 10, batch), kills))
    seen = []
    for target in [*targets, None]:
        command = [sys.executable, "-m", "tests.gateway.bulk.process", url, kind, str(path), str(batch)]
        process = subprocess.Popen(command, cwd=ROOT)  # noqa: ASYNC220
        try:
            async with asyncio.timeout(PATIENCE):
                while process.poll() is None and (target is None or await _line(database) <= target):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            if target is not None:
                # Somewhere inside a batch, or between two.
                await asyncio.sleep(chance.random() * 0.05)
        finally:
            process.kill()
            process.wait()
        seen.append(await _line(database))
    return seen


async def _line(database: Database) -> int:
    row = await database.one(select(import_run.c.line))
    return -1 if row is None else int(row.line)


async def _count(database: Database, table: Any, *where: Any) -> int:
    row = await database.one(select(func.count().label("n")).select_from(table).where(*where))
    assert row is not None
    return int(row.n)


def check_rejects(path: Path, bad: list[int]) -> None:
    lines = path.with_name("rejects.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["line"] for line in lines] == bad
    source = path.read_text("utf-8").splitlines(keepends=True)
    for line in map(json.loads, lines):
        assert line["raw"].startswith(source[line["line"] - 1])


async def check_members(database: Database, path: Path, count: int, bad: list[int]) -> None:
    good = [number for number in range(count) if number + 2 not in bad]
    people = {number - 1 if number % 10 == 6 else number for number in good}
    assert await _count(database, member, member.c.merged_into.is_(None)) == len(people)
    found = await database.fetch(select(identity.c.kind, identity.c.value))
    wanted = Counter(("OUT_ID", f"M{number}") for number in good)
    wanted += Counter(("UNIONID", f"oU{number}") for number in people)
    assert Counter((row.kind, row.value) for row in found) == wanted
    created = await database.fetch(select(fact.c.member).where(fact.c.kind == "member.created"))
    assert len({row.member for row in created}) == len(created) == len(people)
    linked = await _count(database, fact, fact.c.kind == "identity.linked")
    assert linked == sum(wanted.values())
    run = await database.one(select(import_run))
    assert run is not None
    assert (run.rows, run.rejected, run.created) == (count, len(bad), len(people))
    total = await database.one(select(func.sum(points_entry.c.delta).label("points")))
    last = {number - 1 if number % 10 == 6 else number: number for number in good}
    assert total is not None
    assert total.points == sum(number % 5 for number in last.values())


async def check_tickets(database: Database, path: Path, count: int, bad: list[int]) -> None:
    good = count - len(bad)
    assert await _count(database, purchase) == good
    assert await _count(database, purchase_line) == 2 * good
    for kind, expected in (("pos.ticket", good), ("order.paid", good), ("order.line", 2 * good)):
        assert await _count(database, fact, fact.c.kind == kind) == expected
    assert await _count(database, fact, fact.c.reversal_of.is_not(None)) == 0


CHECKS = {"members": check_members, "tickets": check_tickets}


@pytest.mark.long
@pytest.mark.parametrize("kind", ["members", "tickets"])
async def test_killed_at_ten_random_points(database: Database, database_url: str, tmp_path: Path, kind: str) -> None:
    await _killed(database, database_url, tmp_path, kind, count=3000, batch=40, kills=10)


@pytest.mark.long
async def test_killed_once(sqlite_database: Database, tmp_path: Path) -> None:
    url = f"sqlite:///{sqlite_database.url.path}"
    await _killed(sqlite_database, url, tmp_path, "members", count=200, batch=10, kills=1)


async def _killed(database: Database, url: str, folder: Path, kind: str, *, count: int, batch: int, kills: int) -> None:
    path = folder / f"{kind}.csv"
    bad = FILES[kind](path, count)
    total = count if kind == "members" else 2 * count
    seen = await killed_and_resumed(database, url, path, kind, total=total, batch=batch, kills=kills)
    assert seen[-1] == total + 1
    assert all(checkpoint < total for checkpoint in seen[:-1]), "a kill came too late to prove anything"
    check_rejects(path, bad)
    await CHECKS[kind](database, path, count, bad)
