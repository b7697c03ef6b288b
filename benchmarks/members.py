"""Members by the ten thousand, the hundred thousand and the million: import, lookups, profiles, timelines, lists.

``python -m benchmarks.members [--json] [--sizes 10000,100000,1000000] [--databases sqlite,postgresql] [--keep]``

Members come in by the import itself, in a process of its own, so that its peak memory is its own. Every member gets
ten facts; one gets enough for a thousand pages. What is read is measured where the graph reads it, in the resolvers:
parsing and printing an answer cost the same whatever the number of members, and would hide what is looked for.
Figures are medians, after a warm-up. A call that asks for one member asks for one whom no call has asked for before, so
that the data keys that the gateway keeps opened favour no size. ``ratios`` compare the largest size with the smallest.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import psycopg
from graphql import execute, parse
from sqlalchemy import select, text

from gateway.access.principal import AUDIENCE_SCOPES, Principal
from gateway.app import Gateway, open_gateway
from gateway.bulk.reading import Source
from gateway.context import Context
from gateway.database import upgrade
from gateway.database.statements import insert_columns
from gateway.database.tables.facts import fact
from gateway.database.tables.labels import member_activity, member_label
from gateway.database.tables.members import identity, member
from gateway.database.tables.projections import contact_tag
from gateway.database.ulid import Ulids
from gateway.events.labels import GUIDE, STORE, TAG
from gateway.resolvers import ids, members, search, timeline
from gateway.resolvers.members import MemberBy
from gateway.resolvers.paging import PageArgs
from gateway.resolvers.search import Between, Criteria
from gateway.schema import build_schema
from gateway.settings import Settings, from_mapping

APP = "wx0123456789abcdef"
FACTS = 10
PAGES = 1000
PAGE = 20
#: Figures for which every call asks for another member.
FIGURES = 8
_NOW = datetime.now(UTC)
MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SERVER = "postgresql://postgres@127.0.0.1:5432/test"
#: Facts of one transaction.
SLICE = 20_000
CORP = "ww0123456789abcdef"
#: So many members share a guide, and a store, and so many tags are shared out.
PER_GUIDE, PER_STORE, TAGS = 100, 2000, 50
#: What every member's facts and activity lie in.
YEAR = 30_000_000
_SURNAMES, _GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "晓雨佳明文静思嘉子涵欣怡浩然梓轩诗雅俊杰"
_PROFILE = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Member { id outId name phone level { name }
  points { balance } joinedAt identities { kind issuer value } orders(first: 10) { nodes { id } }
  timeline(first: 20) { nodes { at summary } } } } }"""


def write_file(path: Path, count: int) -> None:
    """A list of members as a brand's CRM exports it: number, name, phone, openid, level, when they joined."""
    chance = random.Random(count)
    with path.open("w", encoding="utf-8") as file:
        file.write(f"out_id,name,phone,openid:{APP},level,joined_at\n")
        for number in range(count):
            name = chance.choice(_SURNAMES) + chance.choice(_GIVEN) + chance.choice(_GIVEN)
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
    return _NOW - timedelta(seconds=chance.randrange(YEAR))


async def _append(gateway: Gateway, told: Sequence[tuple[str, str, datetime]]) -> int:
    """Facts straight into the log, each as (identity, member, instant): what is measured is reading it."""
    ulids, count = Ulids(), len(told)
    columns: dict[str, Sequence[Any]] = {
        "id": [ulids.next(_NOW) for _ in told],
        "kind": ["mini_program.authorised"] * count,
        "schema_version": [1] * count,
        "occurred_at": [at for *_, at in told],
        "recorded_at": [_NOW] * count,
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
        "as_of": [_NOW] * TAGS,
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
            (GUIDE, f"{CORP}:g{number % _groups(count, PER_GUIDE)}", who),
            (STORE, f"s{number % _groups(count, PER_STORE)}", who),
            (TAG, f"{CORP}:{chance.randrange(TAGS)}", who),
        ]
    labels.sort()
    kinds, values, whose = zip(*labels, strict=True)
    async with gateway.services.database.write() as connection:
        await insert_columns(connection, member_label, {"kind": kinds, "value": values, "member": whose})
        columns: dict[str, Sequence[Any]] = {"member": list(active), "last_activity_at": list(active.values())}
        await insert_columns(connection, member_activity, columns)


def _groups(count: int, size: int) -> int:
    return max(1, count // size)


class Reader:
    """Measures what is read of one database."""

    def __init__(self, gateway: Gateway, count: int, times: int) -> None:
        self._gateway = gateway
        self._count = count
        self._times = times
        self._chance = random.Random(1)
        # Nobody twice: a second look at somebody would find an opened key, and ten thousand are kept.
        self._unseen = iter(self._chance.sample(range(1, count), min(count - 1, FIGURES * self._calls)))
        self._schema = build_schema()._schema  # noqa: SLF001

    def context(self) -> Context:
        """A request's."""
        caller = Principal("benchmark", "hq", AUDIENCE_SCOPES["hq"] | {"pii:read"})
        return Context(self._gateway.services, caller, "benchmark")

    @property
    def _warm_up(self) -> int:
        return max(5, self._times // 5)

    @property
    def _calls(self) -> int:
        """Calls for one figure."""
        return self._times + self._warm_up

    async def measure(self, call: Callable[[], Awaitable[object]]) -> tuple[float, float]:
        """Medians, warm, in milliseconds: of wall time, and of this process's CPU (on SQLite the reads are in it)."""
        for _ in range(self._warm_up):
            await call()
        walls, cpus = [], []
        for _ in range(self._times):
            wall, cpu = time.perf_counter(), time.process_time()
            await call()
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
        return statistics.median(walls) * 1000, statistics.median(cpus) * 1000

    def _another(self) -> int:
        return next(self._unseen)

    async def _found(self, by: MemberBy) -> None:
        assert await members.find(self.context(), by) is not None

    async def all(self, heavy: str) -> dict[str, tuple[float, float]]:
        """Everything."""
        found: dict[str, tuple[float, float]] = {}
        known = iter(await self._ids(2 * self._calls))
        another = self._another
        found["lookup_id"] = await self.measure(lambda: self._found(MemberBy(id=next(known))))
        found["lookup_openid"] = await self.measure(lambda: self._found(MemberBy(openid=(APP, f"o{another():027d}"))))
        found["lookup_phone"] = await self.measure(lambda: self._found(MemberBy(phone=f"13{another():09d}")))
        found["lookup_out_id"] = await self.measure(lambda: self._found(MemberBy(out_id=f"M{another():07d}")))
        document = parse(_PROFILE)

        async def profile() -> None:
            variables = {"ids": [next(known)]}
            context = self.context()
            result = await execute(self._schema, document, context_value=context, variable_values=variables)  # type: ignore[misc]
            assert result.errors is None, result.errors

        found["profile"] = await self.measure(profile)
        found |= await self._timeline(heavy)
        return found | await self._lists()

    async def _ids(self, wanted: int) -> list[str]:
        """Public ids of members, without opening their keys."""
        numbers = [f"M{self._another():07d}" for _ in range(wanted)]
        rows = await self._gateway.services.database.fetch(select(member.c.id).where(member.c.out_id.in_(numbers)))
        found = [ids.encode("mb", row.id) for row in rows]
        self._chance.shuffle(found)
        return found

    async def _timeline(self, heavy: str) -> dict[str, tuple[float, float]]:
        who = await members.find(self.context(), MemberBy(out_id=heavy))
        assert who is not None
        someone = iter([await members.find(self.context(), MemberBy(id=each)) for each in await self._ids(self._calls)])

        async def first() -> None:
            record = next(someone)
            assert record is not None
            page = await timeline.timeline(self.context(), record, PageArgs(PAGE, None, None, None))
            assert len(page.items) >= FACTS - 4

        cursor = None
        for _ in range(PAGES - 1):
            page = await timeline.timeline(self.context(), who, PageArgs(PAGE, cursor, None, None))
            cursor = page.cursors[-1]

        async def thousandth() -> None:
            page = await timeline.timeline(self.context(), who, PageArgs(PAGE, cursor, None, None))
            assert len(page.items) == PAGE

        return {
            "timeline_first_page": await self.measure(first),
            "timeline_thousandth_page": await self.measure(thousandth),
        }

    async def _lists(self) -> dict[str, tuple[float, float]]:
        """All members, and those of one criterion each, as ``members(filter:)`` reads them.

        A page is full in every size but of a phone tail: of those four digits a million members have a hundred, and
        ten thousand one, so that one member is asked for.
        """
        first, last = PageArgs(first=PAGE), PageArgs(last=PAGE)
        chance = self._chance
        a_guide, a_store = _groups(self._count, PER_GUIDE), _groups(self._count, PER_STORE)

        def active() -> Between:
            end = _NOW - timedelta(seconds=chance.randrange(YEAR // 2))
            return Between(end - timedelta(seconds=YEAR // 4), end)

        asked: dict[str, tuple[Callable[[], Criteria], PageArgs]] = {
            "members_first_page": (Criteria, first),
            "members_last_page": (Criteria, last),
            "search_name": (lambda: Criteria(name=chance.choice(_SURNAMES)), first),
            "search_phone_tail": (lambda: Criteria(phone_tail=f"{self._another() % 10_000:04d}"), PageArgs(first=1)),
            "search_tag": (lambda: Criteria(tag=(f"tag {chance.randrange(TAGS)}", CORP)), first),
            "search_level": (lambda: Criteria(level=str(chance.randrange(4) + 1)), first),
            "search_level_last_page": (lambda: Criteria(level=str(chance.randrange(4) + 1)), last),
            "search_store": (lambda: Criteria(store=f"s{chance.randrange(a_store)}"), first),
            "search_guide": (lambda: Criteria(guide=f"{CORP}:g{chance.randrange(a_guide)}"), first),
            "search_store_and_level": (
                lambda: Criteria(store=f"s{chance.randrange(a_store)}", level=str(chance.randrange(4) + 1)),
                first,
            ),
            "search_last_activity": (lambda: Criteria(active=active()), first),
        }
        found = {}
        for name, (criteria, args) in asked.items():

            async def ask(criteria: Callable[[], Criteria] = criteria, args: PageArgs = args) -> None:
                page = await search.page(self.context(), args, criteria())
                assert len(page.items) in (args.first, args.last), criteria()

            found[name] = await self.measure(ask)
        return found


async def run_size(url: str, folder: Path, count: int, times: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """One size on one database."""
    path = folder / f"members-{count}.csv"
    if not path.exists():
        write_file(path, count)
    command = [sys.executable, "-m", "benchmarks.members", "--import-into", url, "--file", str(path)]
    imported = orjson.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)  # noqa: ASYNC221
    tell(f"imported: {imported}")
    heavy = "M0000000"
    async with open_gateway(settings_for(url)) as gateway:
        rate = await add_facts(gateway, heavy, count)
        tell(f"facts: {rate:.0f} a second")
        if not gateway.services.database.is_sqlite:
            async with gateway.services.database.write() as connection:
                # What autovacuum does by itself after such a load, a little later.
                await connection.execute(text("ANALYZE"))
        read = await Reader(gateway, count, times).all(heavy)
        size = await _size(gateway, url)
    return {
        "import": imported,
        "facts_per_s": rate,
        "database_mb": size,
        "ms": _part(read, 0),
        "cpu_ms": _part(read, 1),
    }


def _part(read: dict[str, tuple[float, float]], place: int) -> dict[str, float]:
    return {name: values[place] for name, values in read.items()}


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
def database(kind: str, folder: Path, count: int, *, keep: bool) -> Iterator[str]:
    """An empty database of its own; dropped afterwards unless it is to be kept."""
    if kind == "sqlite":
        path = folder / f"members-{count}.db"
        yield f"sqlite:///{path}"
        if not keep:
            for each in folder.glob(f"{path.name}*"):
                each.unlink()
        return
    schema = f"bench_{secrets.token_hex(4)}"
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
    try:
        yield f"{SERVER}?options={quote(f'-csearch_path={schema}')}"
    finally:
        if not keep:
            with psycopg.connect(SERVER, autocommit=True) as connection:
                connection.execute(f'DROP SCHEMA "{schema}" CASCADE')


def ratios(sizes: dict[str, Any]) -> dict[str, float]:
    """The largest against the smallest: how much slower a read, how much more memory, how many times the rate."""
    counts = sorted(sizes, key=int)
    small, large = sizes[counts[0]], sizes[counts[-1]]
    label = f"{_short(counts[-1])}_vs_{_short(counts[0])}"
    found = {f"{name}_{label}": large["ms"][name] / small["ms"][name] for name in small["ms"]}
    found |= {f"{name}_cpu_{label}": large["cpu_ms"][name] / small["cpu_ms"][name] for name in small["cpu_ms"]}
    for name in ("rows_per_s", "peak_mb"):
        found[f"import_{name}_{label}"] = large["import"][name] / small["import"][name]
    return found


def _short(count: str) -> str:
    number = int(count)
    return f"{number // 1_000_000}m" if number % 1_000_000 == 0 else f"{number // 1000}k"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="numbers of members")
    parser.add_argument("--databases", default="sqlite,postgresql", help="sqlite, postgresql or both")
    parser.add_argument("--times", type=int, default=200, help="calls per figure")
    parser.add_argument("--folder", type=Path, help="where files go; a temporary folder by default")
    parser.add_argument("--keep", action="store_true", help="leave the databases behind")
    parser.add_argument("--import-into", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.import_into:
        print(orjson.dumps(asyncio.run(do_import(asked.import_into, asked.file))).decode())
        return
    result: dict[str, Any] = {"databases": {}, "ratios": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for kind in asked.databases.split(","):
            sizes: dict[str, Any] = {}
            for count in map(int, asked.sizes.split(",")):

                def tell(line: str, kind: str = kind, count: int = count) -> None:
                    print(f"{kind} {count}: {line}", file=sys.stderr, flush=True)

                began = time.perf_counter()
                with database(kind, folder, count, keep=asked.keep) as url:
                    asyncio.run(upgrade(url))
                    sizes[str(count)] = asyncio.run(run_size(url, folder, count, asked.times, tell))
                sizes[str(count)]["seconds"] = time.perf_counter() - began
                tell(orjson.dumps(sizes[str(count)]).decode())
            result["databases"][kind] = sizes
            if len(sizes) > 1:
                result["ratios"][kind] = ratios(sizes)
    print(orjson.dumps(result, option=0 if asked.json else orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
