"""Whatever the order and the batches in which evidence comes, the same handles end up as one person."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.database import Database, Keyring
from gateway.database.tables.members import identity, review_case
from gateway.events.projector import Evidence, Handle
from tests.databases import ManualClock
from tests.gateway.members.conftest import linker, shown

#: (kind, number): openids of two apps, unionids, an external contact.
Name = tuple[str, int]
Names = frozenset[Name]
Partition = set[Names]
POOL: list[Name] = [*(("OPENID", n) for n in range(5)), *(("UNIONID", n) for n in range(3)), ("EXTERNAL_USERID", 0)]

evidence_sets = st.lists(
    st.lists(st.sampled_from(POOL), min_size=1, max_size=3, unique=True).filter(
        lambda names: sum(kind == "UNIONID" for kind, _ in names) <= 1
    ),
    min_size=1,
    max_size=6,
)


def components(evidence: Sequence[Sequence[Name]]) -> Partition:
    """The model: names that any evidence shows together, transitively."""
    groups: list[set[Name]] = []
    for names in evidence:
        joined = set(names).union(*(group for group in groups if group & set(names)))
        groups = [group for group in groups if not group & set(names)] + [joined]
    return {frozenset(group) for group in groups}


class Graphs:
    """One SQLite database for all examples; each has handles of its own issuers."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.numbers = count()

    async def partition(self, evidence: Sequence[Sequence[Name]], cuts: Sequence[bool]) -> tuple[Partition, int]:
        """Link the evidence in this order, a new batch before each cut; then who is who, and the review cases."""
        link, issuer = linker(self.database, self.clock), f"i{next(self.numbers)}"
        cases = len(await self.database.fetch(select(review_case.c.id)))
        batch: list[Evidence] = []
        for names, cut in zip(evidence, cuts, strict=True):
            if cut and batch:
                await link(*batch)
                self.clock.advance(seconds=1)
                batch = []
            batch.append(shown(*(Handle(kind, issuer, f"{kind}{n}") for kind, n in names)))
        await link(*batch)
        rows = await self.database.fetch(
            select(identity.c.member, identity.c.kind, identity.c.value).where(identity.c.issuer == issuer)
        )
        groups: dict[str, set[Name]] = {}
        for row in rows:
            groups.setdefault(row.member, set()).add((row.kind, int(row.value.removeprefix(row.kind))))
        assert sum(map(len, groups.values())) == len(rows) == len(set().union(*groups.values()))
        cases = len(await self.database.fetch(select(review_case.c.id))) - cases
        return {frozenset(group) for group in groups.values()}, cases


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        yield opened


@pytest.mark.long
def test_any_order_of_evidence_gives_the_same_people(
    runner: asyncio.Runner, tmp_path: Path, sqlite_template: Path, keyring: Keyring, clock: ManualClock
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "graph.db")
    opening = Database.open(f"sqlite:///{tmp_path}/graph.db", keyring, clock=clock)
    graphs = Graphs(runner.run(opening.__aenter__()), clock)

    @settings(max_examples=200, deadline=None, database=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        evidence = data.draw(evidence_sets)
        cuts = data.draw(st.lists(st.booleans(), min_size=len(evidence), max_size=len(evidence)))

        found, cases = runner.run(graphs.partition(evidence, cuts))

        # The model knows no order, so what agrees with it in each order is the same in all.
        expected = components(evidence)
        clear = {group for group in expected if sum(kind == "UNIONID" for kind, _ in group) <= 1}
        # Evidence without a contradiction joins all that it connects.
        assert clear <= found
        for person in found:
            assert sum(kind == "UNIONID" for kind, _ in person) <= 1
            # Nobody is joined whom no evidence connects.
            assert any(person <= group for group in expected)
        # Every contradiction is somebody's question, and there is none without one.
        assert (cases > 0) == (expected != clear)

    try:
        check()
    finally:
        runner.run(opening.__aexit__(None, None, None))
