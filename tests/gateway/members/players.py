"""Plays one sequence of evidence and decisions on the gateway and on the model, and reads both."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from gateway.database import Database
from gateway.database.tables.members import identity, identity_link, member
from gateway.events.projector import Evidence, Handle, Projector
from gateway.members import decisions, phones, renames
from gateway.members.answers import Decided, Person
from gateway.members.graph import IdentityGraph
from gateway.settings import IdentityRules
from tests.databases import ManualClock
from tests.gateway.members.conftest import OPEN_PLATFORM, SEEN
from tests.gateway.members.model import Model, Name

RULES = IdentityRules(limits={"EXTERNAL_USERID": 2, "PHONE": 2}, people_per_value=2)
HQ = Person("hq", "test")


class Player:
    """``tag`` keeps the names of one example apart from all others in the database."""

    def __init__(self, database: Database, clock: ManualClock, tag: str) -> None:
        self.database = database
        self.clock = clock
        self.graph = IdentityGraph(database, clock, RULES)
        self.projector = Projector(database, self.graph, clock, OPEN_PLATFORM)
        self.tag = tag
        self.model = Model(self.rank, {"EXTERNAL_USERID": 2, "PHONE": 2}, 2)

    def rank(self, name: Name) -> tuple[str, str, bytes]:
        return (name[0], name[1], self.database.keyring.hash(name[2], "identity"))

    def name(self, kind: str, number: int) -> Name:
        if kind == "PHONE":
            # Example and number, as a phone number that no rule blocks.
            return ("PHONE", "brand", f"139{int(self.tag):06}{number:02}")
        return (kind, f"{kind}-issuer-{self.tag}", f"{kind}-{number}")

    def pool(self) -> list[Name]:
        sizes = {"OPENID": 5, "UNIONID": 3, "EXTERNAL_USERID": 3, "PHONE": 2}
        return [self.name(kind, number) for kind, size in sizes.items() for number in range(size)]

    async def show(self, shown: Sequence[tuple[Name, str]], at: datetime) -> None:
        handles = tuple(Handle(*name, strength) for name, strength in shown)  # type: ignore[arg-type]
        async with self.projector.batch([Evidence(handles, "test.source", at, name=f"name of {shown[0][0][2]}")]):
            pass
        self.model.show(list(shown), at)

    async def rows(self) -> dict[Name, Any]:
        found = await self.database.fetch(select(identity))
        mine = set(self.pool())
        return {(r.kind, r.issuer, r.value): r for r in found if (r.kind, r.issuer, r.value) in mine}

    async def people(self) -> set[frozenset[Name]]:
        groups: dict[str, set[Name]] = {}
        for name, row in (await self.rows()).items():
            if row.member is not None:
                groups.setdefault(row.member, set()).add(name)
        return {frozenset(group) for group in groups.values()}

    async def check(self) -> None:
        """The same people, and nobody shows what no evidence reaches."""
        people = await self.people()
        assert people == self.model.people()
        for person in people:
            assert person <= self.model.reach(next(iter(person)))
        await self.check_ids()

    async def check_ids(self) -> None:
        """Every id leads straight to a person, or is one; each home is one person's."""
        rows = (await self.rows()).values()
        members = {row.id: row for row in await self.database.fetch(select(member))}
        for row in rows:
            if row.member is not None:
                assert members[row.member].merged_into is None
                assert members[row.home].merged_into == (None if row.home == row.member else row.member)
                assert row.member <= row.home

    # One step each; a step that the state does not allow does nothing on either side. ------------------------------

    async def step(self, dice: random.Random) -> None:
        self.clock.advance(seconds=1)
        action = dice.choice([self._evidence] * 5 + [self._link, self._unlink, self._merge, self._unmerge, self._bind,
                                                     self._rename])  # fmt: skip
        await action(dice)

    async def _evidence(self, dice: random.Random) -> None:
        names = dice.sample(self.pool(), dice.randint(1, 3))
        # A phone is never what evidence is about here; typed ones are hints.
        names.sort(key=lambda name: name[0] == "PHONE")
        if names[0][0] == "PHONE":
            names = [self.name("OPENID", 0), names[0]]
        weak = dice.random() < 0.2
        shown = [
            (name, ("WEAK" if dice.random() < 0.3 else "CONDITIONAL") if name[0] == "PHONE" else "STRONG")
            for name in names
        ]
        if weak:
            shown[0] = (shown[0][0], "WEAK")
        await self.show(shown, SEEN + timedelta(hours=dice.randint(0, 5)))

    async def _two(self, dice: random.Random) -> list[Any]:
        """Two identities of different members."""
        rows = [row for row in (await self.rows()).values() if row.member is not None]
        rows.sort(key=lambda row: row.value)
        if not rows:
            return []
        one = dice.choice(rows)
        others = [row for row in rows if row.member != one.member]
        return [one, dice.choice(others)] if others else []

    async def _link(self, dice: random.Random) -> None:
        pair = await self._two(dice)
        if pair:
            one, other = pair
            name = (other.kind, other.issuer, other.value)
            oldest = min((row.id, each) for each, row in (await self.rows()).items() if row.member == one.member)[1]
            answer = await decisions.link(self.graph, one.member, name, HQ)
            if isinstance(answer, Decided):
                self.model.line(oldest, name, "DECIDED", self.clock.now(), decided=True)

    async def _unlink(self, dice: random.Random) -> None:
        rows = sorted((row for row in (await self.rows()).values() if row.member is not None), key=lambda r: r.value)
        if rows:
            row = dice.choice(rows)
            await decisions.unlink(self.graph, row.member, row.id, HQ)
            self.model.unlink((row.kind, row.issuer, row.value))

    async def _merge(self, dice: random.Random) -> None:
        pair = await self._two(dice)
        if pair:
            rows = await self.rows()
            ends = [_anchor(rows, each.member) for each in pair]
            await decisions.merge(self.graph, pair[0].member, pair[1].member, HQ)
            self.model.line(ends[0], ends[1], "DECIDED", self.clock.now(), decided=True)

    async def _unmerge(self, dice: random.Random) -> None:
        """The model does not know ids: it is told which links were cut, and must agree with what follows."""
        before = await self.rows()
        parts = sorted({row.home for row in before.values() if row.member is not None and row.home != row.member})
        if not parts:
            return
        part = dice.choice(parts)
        winner = next(row.member for row in before.values() if row.home == part)
        answer = await decisions.unmerge(self.graph, part, HQ)
        assert isinstance(answer, Decided)
        after = await self.rows()
        group = {name for name, row in before.items() if row.member == winner}
        kept = {name for name in group if after[name].member == winner}
        # Nobody who was at home with the part stayed, and the winner is still somebody.
        assert all(before[name].home != part for name in kept if before[name].stands)
        assert any(before[name].home == winner for name in kept)
        names = {row.id: name for name, row in after.items()}
        cut = {
            (frozenset({names[row.a], names[row.b]}), row.strength)
            for row in await self.database.fetch(select(identity_link).where(identity_link.c.retired_at.is_not(None)))
            if row.a in names
        }
        for each in self.model.live():
            if (frozenset({each.a, each.b}), each.strength) in cut:
                # Only what crosses is cut, and it is cut inside the person who is parted.
                assert {each.a, each.b} <= group
                each.retired = True
                for old, new in ((each.a, each.b), (each.b, each.a)):
                    if each.strength == "RENAMED" and self.model.renamed.get(old) == new:
                        del self.model.renamed[old]

    async def _bind(self, dice: random.Random) -> None:
        rows = await self.rows()
        openids = sorted(
            (r for n, r in rows.items() if n[0] == "OPENID" and r.member is not None), key=lambda r: r.value
        )
        if not openids:
            return
        mine, phone = dice.choice(openids), self.name("PHONE", dice.randint(0, 1))
        name = (mine.kind, mine.issuer, mine.value)
        resolution = dice.choice([None, "MERGE", "TRANSFER"])
        held = rows.get(phone)
        answer = await phones.bind(self.graph, mine.id, phone[2], resolution, Person("session"))
        if not isinstance(answer, Decided):
            return
        self.model.names.add(phone)
        if resolution == "TRANSFER" and held is not None and held.member not in (None, mine.member):
            kept = {n for n, r in rows.items() if r.member == mine.member}
            for each in self.model.lines:
                if phone in (each.a, each.b) and not {each.a, each.b} & kept:
                    each.retired = True
        self.model.line(name, phone, "CONDITIONAL", self.clock.now(), decided=True)
        if resolution == "MERGE" and held is not None and held.member not in (None, mine.member):
            self.model.line(name, _anchor(rows, held.member), "DECIDED", self.clock.now(), decided=True)

    async def _rename(self, dice: random.Random) -> None:
        kind = dice.choice(["UNIONID", "OPENID"])
        old, new = dice.sample([name for name in self.pool() if name[0] == kind], 2)
        before = await self.rows()
        line = renames.Rename(kind, old[1], old[2], new[1], new[2])
        done = await renames.rename(self.graph, [line], by="hq")
        if done.get("DONE"):
            if new not in before and before[old].stands:
                self.model.anchored.add(new)
            self.model.names.add(new)
            self.model.renamed[old] = new
            self.model.line(old, new, "RENAMED", self.clock.now(), decided=True)


def _anchor(rows: dict[Name, Any], who: str) -> Name:
    """The oldest identity at home with a member, which decisions about the member are linked with."""
    return min((r.home != who, not r.stands, r.id, name) for name, r in rows.items() if r.member == who)[3]
