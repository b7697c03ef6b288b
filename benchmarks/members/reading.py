"""What is read of members, and how it is measured: every size in turn, call by call."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from graphql import execute, parse
from sqlalchemy import select

from benchmarks.members.filling import (
    APP,
    CORP,
    FACTS,
    HEAVY,
    NOW,
    PAGE,
    PAGES,
    PER_GUIDE,
    PER_STORE,
    SURNAMES,
    TAGS,
    YEAR,
    groups,
)
from gateway.access.principal import AUDIENCE_SCOPES, Principal
from gateway.app import Gateway
from gateway.context import Context
from gateway.database.tables.members import member
from gateway.resolvers import ids, members, search, timeline
from gateway.resolvers.members import MemberBy
from gateway.resolvers.paging import PageArgs
from gateway.resolvers.search import Between, Criteria
from gateway.schema import build_schema

Call = Callable[[], Awaitable[object]]

#: Figures for which every call asks for another member.
FIGURES = 8
_PROFILE = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Member { id outId name phone level { name }
  points { balance } joinedAt identities { kind issuer value } orders(first: 10) { nodes { id } }
  timeline(first: 20) { nodes { at summary } } } } }"""


class Reader:
    """Measures what is read of one database."""

    def __init__(self, gateway: Gateway, count: int, times: int) -> None:
        self._gateway = gateway
        self._count = count
        self._times = times
        self._chance = random.Random(1)
        # Nobody twice: a second look at somebody would find an opened key, and ten thousand are kept.
        self._unseen = iter(self._chance.sample(range(1, count), min(count - 1, FIGURES * self._times)))
        self._schema = build_schema()._schema  # noqa: SLF001

    def context(self) -> Context:
        """A request's."""
        caller = Principal("benchmark", "hq", AUDIENCE_SCOPES["hq"] | {"pii:read"})
        return Context(self._gateway.services, caller, "benchmark")

    def _another(self) -> int:
        return next(self._unseen)

    async def _found(self, by: MemberBy) -> None:
        assert await members.find(self.context(), by) is not None

    async def calls(self) -> dict[str, Call]:
        """What is measured, by name."""
        known = iter(await self._ids(2 * self._times))
        another = self._another
        document = parse(_PROFILE)

        async def profile() -> None:
            variables = {"ids": [next(known)]}
            context = self.context()
            result = await execute(self._schema, document, context_value=context, variable_values=variables)  # type: ignore[misc]
            assert result.errors is None, result.errors

        return {
            "lookup_id": lambda: self._found(MemberBy(id=next(known))),
            "lookup_openid": lambda: self._found(MemberBy(openid=(APP, f"o{another():027d}"))),
            "lookup_phone": lambda: self._found(MemberBy(phone=f"13{another():09d}")),
            "lookup_out_id": lambda: self._found(MemberBy(out_id=f"M{another():07d}")),
            "profile": profile,
            **await self._timeline(),
            **self._lists(),
        }

    async def _ids(self, wanted: int) -> list[str]:
        """Public ids of members, without opening their keys."""
        numbers = [f"M{self._another():07d}" for _ in range(wanted)]
        rows = await self._gateway.services.database.fetch(select(member.c.id).where(member.c.out_id.in_(numbers)))
        found = [ids.encode("mb", row.id) for row in rows]
        self._chance.shuffle(found)
        return found

    async def _timeline(self) -> dict[str, Call]:
        who = await members.find(self.context(), MemberBy(out_id=HEAVY))
        assert who is not None
        someone = iter([await members.find(self.context(), MemberBy(id=each)) for each in await self._ids(self._times)])

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

        return {"timeline_first_page": first, "timeline_thousandth_page": thousandth}

    def _lists(self) -> dict[str, Call]:
        """All members, and those of one criterion each, as ``members(filter:)`` reads them.

        A page is full in every size but of a phone tail: of those four digits a million members have a hundred, and
        ten thousand one, so that one member is asked for.
        """
        first, last = PageArgs(first=PAGE), PageArgs(last=PAGE)
        chance = self._chance
        a_guide, a_store = groups(self._count, PER_GUIDE), groups(self._count, PER_STORE)

        def active() -> Between:
            end = NOW - timedelta(seconds=chance.randrange(YEAR // 2))
            return Between(end - timedelta(seconds=YEAR // 4), end)

        asked: dict[str, tuple[Callable[[], Criteria], PageArgs]] = {
            "members_first_page": (Criteria, first),
            "members_last_page": (Criteria, last),
            "search_name": (lambda: Criteria(name=chance.choice(SURNAMES)), first),
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
        return {name: self._page(criteria, args) for name, (criteria, args) in asked.items()}

    def _page(self, criteria: Callable[[], Criteria], args: PageArgs) -> Call:
        async def ask() -> None:
            wanted = criteria()
            page = await search.page(self.context(), args, wanted)
            assert len(page.items) in (args.first, args.last), wanted

        return ask


async def measure(gateways: Mapping[str, Gateway], times: int) -> dict[str, dict[str, dict[str, float]]]:
    """Medians in milliseconds, as ``found["ms" or "cpu_ms"][figure][size]``.

    ``gateways`` by the number of their members. Each call is made of every size in turn, so that whatever else the
    machine does is done to all of them. ``cpu_ms`` is this process's CPU (on SQLite the reads are in it).
    """
    warm_up = max(5, times // 5)
    asked = {size: await Reader(each, int(size), times + warm_up).calls() for size, each in gateways.items()}
    found: dict[str, dict[str, dict[str, float]]] = {"ms": {}, "cpu_ms": {}}
    for name in next(iter(asked.values())):
        walls: dict[str, list[float]] = {size: [] for size in asked}
        cpus: dict[str, list[float]] = {size: [] for size in asked}
        for _ in range(times + warm_up):
            for size, calls in asked.items():
                wall, cpu = time.perf_counter(), time.process_time()
                await calls[name]()
                walls[size].append(time.perf_counter() - wall)
                cpus[size].append(time.process_time() - cpu)
        found["ms"][name] = {size: statistics.median(each[warm_up:]) * 1000 for size, each in walls.items()}
        found["cpu_ms"][name] = {size: statistics.median(each[warm_up:]) * 1000 for size, each in cpus.items()}
    return found
