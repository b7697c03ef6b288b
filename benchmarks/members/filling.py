"""Fills databases with members, as many as are asked for: their import, and ten facts each."""

from __future__ import annotations

import asyncio
import random
import resource
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import psycopg
from sqlalchemy import select, text

from gateway.app import Gateway, open_gateway
from gateway.bulk.reading import Source
from gateway.database import upgrade
from gateway.database.statements import insert_columns
from gateway.database.tables.facts import fact
from gateway.database.tables.labels import member_activity, member_label
from gateway.database.tables.members import identity
from gateway.database.tables.projections import contact_tag
from gateway.database.ulid import Ulids
from gateway.events.labels import GUIDE, STORE, TAG
from gateway.settings import Settings, from_mapping

APP = "wx0123456789abcdef"
FACTS = 10
PAGES = 1000
PAGE = 20
NOW = datetime.now(UTC)
MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#: The address of a filled database, and what filling it took.
Filled = tuple[str, dict[str, Any]]
SERVER = "postgresql://postgres@127.0.0.1:5432/test"
#: Facts of one transaction.
SLICE = 20_000
CORP = "ww0123456789abcdef"
#: The member number of whoever has facts for a thousand pages.
HEAVY = "M0000000"
#: So many members share a guide, and a store, and so many tags are shared out.
PER_GUIDE, PER_STORE, TAGS = 100, 2000, 50
#: What every member's facts and activity lie in.
YEAR = 30_000_000
SURNAMES, _GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "晓雨佳明文静思嘉子涵欣怡浩然梓轩诗雅俊杰"


def write_file(path: Path, count: int) -> None:
    """A list of members as a brand's CRM exports it: number, name, phone, openid, level, when they joined."""
    chance = random.Random(count)
    with path.open("w", encoding="utf-8") as file:
        file.write(f"out_id,name,phone,openid:{APP},level,joined_at\n")
        for number in range(count):
            name = chance.choice(SURNAMES) + chance.choice(_GIVEN) + chance.choice(_GIVEN)
            day = number % 28 + 1
            file.write(
                f"M{number:07d},{name},13{number:09d},o{number:027d},{number % 4 + 1},2024-05-{day:02d} 10:00:00\n"
            )


def settings_for(url: str) -> Settings:
    """A gateway without tools."""
    return from_mapping({"environment": "sandbox", "database_url": url, "master_key": MASTER_KEY})


def peak_mb() -> float:
    """The most memory that this process has had resident. ``ru_maxrss`` would begin with that of its parent."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text("ascii").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


async def do_import(url: str, path: Path) -> dict[str, float]:
    """Import the file in this process; its rate and its peak memory."""
    async with open_gateway(settings_for(url)) as gateway:
        importing = gateway.services.importing
        before = peak_mb()
        run_id = await importing.enqueue("members", Source(path, "csv"))
        wall, cpu = time.perf_counter(), time.process_time()
        await gateway.worker.drain()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        run = await importing.run(run_id)
    assert run is not None
    assert (run.state, run.rejected) == ("DONE", 0), run
    return {
        "rows_per_s": run.rows / wall,
        "cpu_us_per_row": cpu / run.rows * 1e6,
        "started_mb": before,
        "peak_mb": peak_mb(),
    }


async def add_facts(gateway: Gateway, heavy: str, count: int) -> float:
    """Fill every member up to ten facts, and the heavy one to a thousand pages. Returns facts a second.

    Labels and last activities as they follow from facts and projections come with them.
    """
    database = gateway.services.database
    started, written, named, chance = time.perf_counter(), 0, 0, random.Random(count)
    await _add_tags(gateway)
    after = ""
    while rows := await database.fetch(
        select(identity.c.id, identity.c.member)
        .where(identity.c.kind == "OPENID", identity.c.id > after)
        .order_by(identity.c.id)
        .limit(SLICE // FACTS)
    ):
        after = rows[-1].id
        # The import has told of two names, of the membership itself and of the level.
        pairs = [(row.id, row.member, _instant(chance)) for row in rows for _ in range(FACTS - 4)]
        written += await _append(gateway, pairs)
        await _label(gateway, {who: at for _, who, at in sorted(pairs, key=lambda pair: pair[2])}, named, count, chance)
        named += len(rows)
    found = await gateway.services.graph.find("OUT_ID", "brand", heavy)
    row = await database.one(select(identity.c.id).where(identity.c.member == found, identity.c.kind == "OPENID"))
    assert row is not None
    assert found is not None
    for _ in range(0, PAGES * PAGE + PAGE, SLICE // 4):
        written += await _append(gateway, [(row.id, found, _instant(chance)) for _ in range(SLICE // 4)])
    return written / (time.perf_counter() - started)


def _instant(chance: random.Random) -> datetime:
    return NOW - timedelta(seconds=chance.randrange(YEAR))


async def _append(gateway: Gateway, told: Sequence[tuple[str, str, datetime]]) -> int:
    """Facts straight into the log, each as (identity, member, instant): what is measured is reading it."""
    ulids, count = Ulids(), len(told)
    columns: dict[str, Sequence[Any]] = {
        "id": [ulids.next(NOW) for _ in told],
        "kind": ["mini_program.authorised"] * count,
        "schema_version": [1] * count,
        "occurred_at": [at for *_, at in told],
        "recorded_at": [NOW] * count,
        "business_date": [at.date() for *_, at in told],
        "tool": ["mini_program_store"] * count,
        "account": [APP] * count,
        "source": ["own"] * count,
        "source_key": [secrets.token_bytes(32) for _ in told],
        "member": [who for _, who, _ in told],
        "identity": [name for name, _, _ in told],
        "is_test": [False] * count,
        "payload": [{}] * count,
    }
    async with gateway.services.database.write() as connection:
        return await insert_columns(connection, fact, columns)


async def _add_tags(gateway: Gateway) -> None:
    tags = [str(number) for number in range(TAGS)]
    columns: dict[str, Sequence[Any]] = {
        "corpid": [CORP] * TAGS,
        "id": tags,
        "name": [f"tag {tag}" for tag in tags],
        "group_name": ["benchmark"] * TAGS,
        "as_of": [NOW] * TAGS,
    }
    async with gateway.services.database.write() as connection:
        await insert_columns(connection, contact_tag, columns)


async def _label(
    gateway: Gateway, active: Mapping[str, datetime], before: int, count: int, chance: random.Random
) -> None:
    """A guide, a store, a tag and a last activity for each of some members, who come after ``before`` others."""
    labels: list[tuple[str, str, str]] = []
    for number, who in enumerate(active, before):
        labels += [
            (GUIDE, f"{CORP}:g{number % groups(count, PER_GUIDE)}", who),
            (STORE, f"s{number % groups(count, PER_STORE)}", who),
            (TAG, f"{CORP}:{chance.randrange(TAGS)}", who),
        ]
    labels.sort()
    kinds, values, whose = zip(*labels, strict=True)
    async with gateway.services.database.write() as connection:
        await insert_columns(connection, member_label, {"kind": kinds, "value": values, "member": whose})
        columns: dict[str, Sequence[Any]] = {"member": list(active), "last_activity_at": list(active.values())}
        await insert_columns(connection, member_activity, columns)


def groups(count: int, size: int) -> int:
    return max(1, count // size)


async def fill(url: str, folder: Path, count: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Import so many members, in a process of its own, and give them facts."""
    path = folder / f"members-{count}.csv"
    if not path.exists():
        write_file(path, count)
    command = [sys.executable, "-m", "benchmarks.members", "--import-into", url, "--file", str(path)]
    imported = orjson.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)  # noqa: ASYNC221
    tell(f"imported: {imported}")
    async with open_gateway(settings_for(url)) as gateway:
        rate = await add_facts(gateway, HEAVY, count)
        tell(f"facts: {rate:.0f} a second")
        if not gateway.services.database.is_sqlite:
            async with gateway.services.database.write() as connection:
                # What autovacuum does by itself after such a load, a little later.
                await connection.execute(text("ANALYZE"))
        size = await _size(gateway, url)
    return {"import": imported, "facts_per_s": rate, "database_mb": size}


async def _size(gateway: Gateway, url: str) -> float:
    if gateway.services.database.is_sqlite:
        return Path(url.removeprefix("sqlite:///")).stat().st_size / 1e6  # noqa: ASYNC240
    statement = (
        "SELECT sum(pg_total_relation_size(oid)) AS size FROM pg_class"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
    )
    row = await gateway.services.database.one(text(statement))
    return 0.0 if row is None else float(row.size) / 1e6


@contextmanager
def database(kind: str, folder: Path, count: int, tell: Callable[[str], None], *, keep: bool) -> Iterator[Filled]:
    """A filled database, dropped afterwards unless it is to be kept; one that was kept is taken as it is."""
    figures = folder / f"{kind}-{count}.json"
    path, schema = folder / f"members-{count}.db", f"benchmark_members_{count}"
    url = f"sqlite:///{path}" if kind == "sqlite" else f"{SERVER}?options={quote(f'-csearch_path={schema}')}"
    if not figures.exists():
        _drop(kind, path, schema)
        if kind != "sqlite":
            with psycopg.connect(SERVER, autocommit=True) as connection:
                connection.execute(f'CREATE SCHEMA "{schema}"')
        asyncio.run(upgrade(url))
        figures.write_bytes(orjson.dumps(asyncio.run(fill(url, folder, count, tell))))
    try:
        yield url, orjson.loads(figures.read_bytes())
    finally:
        if not keep:
            figures.unlink()
            _drop(kind, path, schema)


def _drop(kind: str, path: Path, schema: str) -> None:
    if kind == "sqlite":
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()
        return
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
