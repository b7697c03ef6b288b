"""What people decide about identities. Decisions are links too, or retire links; the partition does the rest.

Each is idempotent: once what it asks for is so, it changes nothing and answers the same. Each runs in one transaction
alone with the graph.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Literal, TypeVar

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.reading import Fetch, chunks, fetching
from gateway.database.tables.members import identity, identity_link, member, review_case
from gateway.events.kinds import KINDS, normal
from gateway.events.projector import KeysShort
from gateway.members.answers import Decided, Person, Refusal
from gateway.members.family import present_id
from gateway.members.gathering import CHUNK, COLUMNS, by_ids, by_keys, identity_of, links_among, take
from gateway.members.graph import IdentityGraph, Spare, lock
from gateway.members.linking import Cause, Draft, Identity, Link
from gateway.members.partition import divide

T = TypeVar("T")
Decision = Literal["SAME_PERSON", "DIFFERENT_PEOPLE"]

_UNKNOWN = Refusal("MEMBER_UNKNOWN", "there is no such member; pass the id as you received it.")


class Refused(Exception):
    """Ends a transaction without any change."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class Step:
    """One transaction on the graph: what it has read, and what becomes of it."""

    def __init__(self, graph: IdentityGraph, connection: AsyncConnection, spare: Spare) -> None:
        self.graph = graph
        self.connection = connection
        self.fetch: Fetch = fetching(connection)
        self.draft = Draft(graph.ulids.next)
        self.now: datetime = graph.clock.now()
        self._spare = spare

    def cause(self, mutation: str) -> Cause:
        """Why: a person, through this mutation, now."""
        return Cause(f"own.{mutation}", self.now, "own")

    async def winner(self, member_id: str) -> str | None:
        """The member that an id leads to, or None for one that is unknown or erased."""
        return await present_id(self.fetch, member_id)

    async def identities(self, member_id: str) -> list[Identity]:
        """Everything that leads to a member, oldest first."""
        rows = await self.fetch(select(*COLUMNS).where(identity.c.member == member_id).order_by(identity.c.id))
        for row in rows:
            self.draft.know(identity_of(row))
        return [self.draft.identities[row.id] for row in rows]

    async def links_of(self, ids: Iterable[str]) -> list[Link]:
        """Every link that touches these identities; their other ends are read too."""
        wanted = sorted(set(ids))
        for some in chunks(wanted, CHUNK):
            ends = or_(identity_link.c.a.in_(some), identity_link.c.b.in_(some))
            take(self.draft, await self.fetch(select(identity_link).where(ends)))
        mine = set(wanted)
        found = [each for each in self.draft.links.values() if each.a in mine or each.b in mine]
        unread = {end for each in found for end in (each.a, each.b) if end not in self.draft.identities}
        for each in await by_ids(self.fetch, unread):
            self.draft.know(each)
        return found

    async def retire(self, links: Sequence[Link], who: Person, mutation: str) -> None:
        """Let links prove nothing any more."""
        cause = self.cause(mutation)
        for each in links:
            if each.review_case is not None:
                self.draft.answered.add(each.review_case)
            each.retired, each.review_case = True, None
            for end, other in ((each.a, each.b), (each.b, each.a)):
                self.draft.touched.setdefault(end, cause)
                renamed = self.draft.identities[end]
                if each.strength == "RENAMED" and renamed.superseded_by == other:
                    renamed.superseded_by = None
                    self.draft.change(renamed)
        for some in chunks([each.id for each in links], CHUNK):
            await self.connection.execute(
                update(identity_link)
                .where(identity_link.c.id.in_(some))
                .values(
                    retired_at=self.now,
                    retired_by=who.by,
                    retired_reason=f"own.{mutation}: {who.reason}",
                    review_case=None,
                )
            )

    async def write(self) -> None:
        """Bring the draft into the database."""
        await self.graph.writer(self.connection, self._spare.next).write(self.draft)


async def transact(graph: IdentityGraph, work: Callable[[Step], Awaitable[T]]) -> T:
    """Run work in a transaction alone with the graph; again with more data keys where it splits people."""
    spare = Spare(graph)
    while True:
        spare.again()
        try:
            async with graph.database.write() as connection:
                await lock(connection)
                return await work(Step(graph, connection, spare))
        except KeysShort:
            await spare.make(8)


async def link(graph: IdentityGraph, member_id: str, name: tuple[str, str, str], who: Person) -> Decided | Refusal:
    """``name`` (kind, issuer, value) is the member's. Refuses a name that is another person's."""
    kind, issuer, value = name[0], name[1], normal(name[0], name[2])
    if graph.rules.blocks(kind, value):
        return Refusal("IDENTITY_BLOCKED", "this value names nobody; the setting identity.blocked lists such values.")
    key = (kind, issuer, graph.database.keyring.hash(value, "identity"))

    async def work(step: Step) -> Decided | Refusal:
        winner = await step.winner(member_id)
        if winner is None:
            return _UNKNOWN
        for each in await by_keys(step.fetch, {key}):
            step.draft.know(each)
        found = step.draft.find(key)
        if found is not None and found.member == winner:
            return Decided(winner)
        if found is not None and found.member is not None and len(await step.identities(found.member)) > 1:
            return Refusal(
                "IDENTITY_ELSEWHERE", "another member has this identity; unlink it there, or merge the two members."
            )
        cause = step.cause("identityLink")
        if found is None:
            found = step.draft.add(key, value, KINDS[kind].strength, cause)
        anchor = (await step.identities(winner))[0]
        await links_among(step.fetch, step.draft, (anchor.id, *(() if found.new else (found.id,))))
        step.draft.join(anchor, found, "DECIDED", cause, decided_by=who.by, reason=who.reason)
        await step.write()
        return Decided(found.member)

    return await transact(graph, work)


async def unlink(graph: IdentityGraph, member_id: str, identity_id: str, who: Person) -> Decided | Refusal:
    """The identity is not the member's. What only it held together falls apart with it."""

    async def work(step: Step) -> Decided | Refusal:
        winner = await step.winner(member_id)
        found = await by_ids(step.fetch, [identity_id])
        if winner is None:
            return _UNKNOWN
        if not found:
            return Refusal("IDENTITY_UNKNOWN", "there is no such identity; pass the id as you received it.")
        step.draft.know(found[0])
        one = step.draft.identities[identity_id]
        others = {each.id for each in await step.identities(winner)} - {identity_id}
        between = [each for each in await step.links_of([identity_id]) if {each.a, each.b} & others]
        crossing = [each for each in between if each.counts]
        if not crossing:
            if one.member != winner and any(each.retired for each in between):
                return Decided(winner, one.member)
            return Refusal("IDENTITY_NOT_LINKED", "the identity is not linked with anything else of this member.")
        await step.retire(crossing, who, "identityUnlink")
        await step.write()
        left = next((step.draft.identities[each].member for each in sorted(others)), winner)
        return Decided(left, one.member)

    return await transact(graph, work)


async def merge(graph: IdentityGraph, one: str, other: str, who: Person) -> Decided | Refusal:
    """Two members are one person: the older id stays, the other leads to it."""

    async def work(step: Step) -> Decided | Refusal:
        winners = await step.winner(one), await step.winner(other)
        if winners[0] is None or winners[1] is None:
            return _UNKNOWN
        if winners[0] == winners[1]:
            return Decided(winners[0])
        # The oldest identity at home there: it stays that member's whatever else is unmerged later.
        first = anchor(await step.identities(winners[0]), winners[0])
        second = anchor(await step.identities(winners[1]), winners[1])
        await links_among(step.fetch, step.draft, (first.id, second.id))
        step.draft.join(first, second, "DECIDED", step.cause("memberMerge"), decided_by=who.by, reason=who.reason)
        await step.write()
        return Decided(first.member)

    return await transact(graph, work)


async def unmerge(graph: IdentityGraph, part: str, who: Person) -> Decided | Refusal:
    """``part`` lost a merge and is somebody of their own again, with everything that is held to them."""

    async def work(step: Step) -> Decided | Refusal:
        row = next(iter(await step.fetch(select(member.c.merged_into).where(member.c.id == part))), None)
        if row is None:
            return _UNKNOWN
        winner = row.merged_into
        if winner is None:
            return await _unmerged_before(step, part)
        group = await step.identities(winner)
        links = await step.links_of(each.id for each in group)
        live = [each for each in links if each.counts]
        ids = {each.id for each in group}
        inside = [each.edge() for each in live if each.a in ids and each.b in ids]
        sets = await _as_they_were(step, group, part, winner)
        goes = divide({each.id: each.node() for each in group}, inside, sets)
        crossing = [each for each in live if each.a in ids and each.b in ids and (each.a in goes) != (each.b in goes)]
        await step.retire(crossing, who, "memberUnmerge")
        await step.write()
        return Decided(step.draft.identities[sets[0][0]].member, step.draft.identities[sets[1][0]].member)

    return await transact(graph, work)


async def decide(graph: IdentityGraph, case_id: str, decision: Decision, who: Person) -> Decided | Refusal:
    """Answer a review case."""

    async def work(step: Step) -> Decided | Refusal:
        case = next(iter(await step.fetch(select(review_case).where(review_case.c.id == case_id))), None)
        if case is None:
            return Refusal("CASE_UNKNOWN", "there is no such review case; pass the id as you received it.")
        if case.state == "DECIDED" and case.decision == decision:
            return Decided(await _first(step, case.evidence))
        if case.state != "OPEN":
            return Refusal("CASE_CLOSED", f"the case is {case.state}; merge or unmerge the members instead.")
        if case.kind == "SHARED_VALUE" and decision == "SAME_PERSON":
            return Refusal("CASE_NEEDS_MEMBERS", "many people show this value; merge those members who are one.")
        rows = await step.fetch(select(identity_link).where(identity_link.c.review_case == case_id))
        take(step.draft, rows)
        asked = [each for each in step.draft.links.values() if each.counts]
        for each in await by_ids(step.fetch, {end for link in asked for end in (link.a, link.b)}):
            step.draft.know(each)
        await step.connection.execute(
            update(review_case)
            .where(review_case.c.id == case_id)
            .values(state="DECIDED", decision=decision, decided_at=step.now, decided_by=who.by, reason=who.reason)
        )
        if decision == "DIFFERENT_PEOPLE":
            await step.retire(asked, who, "reviewCaseDecide")
        else:
            await links_among(step.fetch, step.draft, {end for link in asked for end in (link.a, link.b)})
            for link in asked:
                one, other = step.draft.identities[link.a], step.draft.identities[link.b]
                cause = step.cause("reviewCaseDecide")
                step.draft.join(one, other, "DECIDED", cause, decided_by=who.by, reason=who.reason)
        await step.write()
        return Decided(await _first(step, case.evidence))

    return await transact(graph, work)


def anchor(identities: Sequence[Identity], home: str) -> Identity:
    """The oldest identity that is at home with a member and stands on its own."""
    return min(identities, key=lambda each: (each.home != home, not each.stands, each.id))


async def _as_they_were(step: Step, group: Sequence[Identity], part: str, winner: str) -> list[list[str]]:
    """What was at home with ``part`` and with ``winner`` before they merged, then the same of all others.

    What came after the merge is at home with the winner, whosever it is: only its evidence can tell.
    """
    merged_at = (await step.fetch(select(member.c.merged_at).where(member.c.id == part)))[0].merged_at
    linked = {
        row.id: row.linked_at
        for row in await step.fetch(select(identity.c.id, identity.c.linked_at).where(identity.c.member == winner))
    }
    homes: dict[str, list[str]] = {part: [], winner: [anchor(group, winner).id]}
    for each in group:
        # A phone that stands for nobody goes with whoever shows it.
        if each.stands and each.home is not None and (each.home != winner or linked[each.id] < merged_at):
            homes.setdefault(each.home, []).append(each.id)
    return list(homes.values())


async def _first(step: Step, evidence: Sequence[str]) -> str | None:
    found = {each.id: each.member for each in await by_ids(step.fetch, evidence)}
    return next((found[each] for each in evidence if found.get(each) is not None), None)


async def _unmerged_before(step: Step, part: str) -> Decided | Refusal:
    """The answer to a repeated unmerge: who was parted from whom."""
    mine = {each.id for each in await step.identities(part)}
    marked = or_(identity_link.c.a.in_(mine), identity_link.c.b.in_(mine))
    rows = await step.fetch(
        select(identity_link.c.a, identity_link.c.b)
        .where(marked, identity_link.c.retired_reason.startswith("own.memberUnmerge"))
        .order_by(identity_link.c.id)
    )
    ends = [end for row in rows for end in (row.a, row.b) if end not in mine]
    if not ends:
        return Refusal("MEMBER_NOT_MERGED", "this member is part of no other; pass the id that lost the merge.")
    return Decided(part, await _first(step, ends))
