"""What people decide about identities: each decision, its repetition, and what it leaves as it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gateway.database import ERASED, Database, Keyring, count_statements
from gateway.database.tables.facts import fact
from gateway.database.tables.ledger import points_entry
from gateway.database.tables.members import (
    consent,
    identity,
    identity_link,
    member,
    profile_claim,
    review_case,
)
from gateway.events.projector import Handle, phone_handle
from gateway.members import decisions, phones
from gateway.members.answers import Decided, Person, Refusal
from gateway.members.graph import IdentityGraph
from gateway.members.renames import Rename, rename
from tests.databases import MASTER, ManualClock
from tests.gateway.members.conftest import SEEN, Link, openid, partition, shown, unionid

HQ = Person("hq", "the shopper called us")
PHONE = "13900000007"


@pytest.fixture
def graph(database: Database, clock: ManualClock) -> IdentityGraph:
    return IdentityGraph(database, clock)


async def _two(link: Link, clock: ManualClock) -> tuple[Any, Any]:
    """Two shoppers with all that a member has."""
    [one] = await link(shown(openid("o1"), unionid("u1"), phone_handle("13900000001"), name="林晓雯", rank=3))
    clock.advance(minutes=1)
    [two] = await link(
        shown(openid("o2", "wxapp2"), unionid("u2"), phone_handle("13900000002"), name="陈雨桐", city="上海", rank=3)
    )
    clock.advance(minutes=1)
    return one, two


async def _state(database: Database) -> dict[str, Any]:
    """Everything that an unmerge must restore, but for when rows changed."""
    plain = [column for column in member.c if column.name not in {"updated_at", "merged_at"}]
    tables: dict[str, Any] = {
        "member": select(*plain).order_by(member.c.id),
        "identity": select(identity.c.id, identity.c.member, identity.c.home, identity.c.value).order_by(identity.c.id),
        "claims": select(profile_claim).order_by(profile_claim.c.identity, profile_claim.c.field),
        "points": select(points_entry).order_by(points_entry.c.id),
        "consent": select(consent).order_by(consent.c.member),
    }
    return {name: [tuple(row) for row in await database.fetch(query)] for name, query in tables.items()}


async def test_an_unmerge_restores_ids_identities_profile_points_and_consents(
    database: Database, clock: ManualClock, link: Link, graph: IdentityGraph
) -> None:
    one, two = await _two(link, clock)
    async with database.write() as connection:
        for number, who in enumerate((one.member, two.member)):
            entry = {"id": f"{number:026}", "member": who, "kind": "ADJUST", "delta": 100, "reason": "test"}
            key = {"source": "test", "source_key": str(number), "occurred_at": SEEN, "recorded_at": SEEN}
            await connection.execute(points_entry.insert().values(**entry, **key))
            answer = {
                "id": f"{number:026}",
                "member": who,
                "purpose": "MARKETING",
                "given_at": SEEN,
                "allowed": "GIVEN",
            }
            how = {"policy_version": "1", "channel": "TEST", "recorded_at": SEEN, "recorded_by": "test"}
            await connection.execute(consent.insert().values(**answer, **how, source_key=f"answer {number}"))
    before = await _state(database)

    assert await decisions.merge(graph, two.member, one.member, HQ) == Decided(one.member)
    assert len(await partition(database)) == 1
    rows = {row.id: row for row in await database.fetch(select(member))}
    assert rows[two.member].merged_into == one.member
    assert await graph.find("UNIONID", "op2018", "u2") == one.member
    clock.advance(minutes=1)

    assert await decisions.unmerge(graph, two.member, HQ) == Decided(two.member, one.member)
    assert await _state(database) == before


async def test_what_came_after_the_merge_goes_with_its_evidence(
    database: Database, clock: ManualClock, link: Link, graph: IdentityGraph
) -> None:
    one, two = await _two(link, clock)
    await decisions.merge(graph, one.member, two.member, HQ)
    clock.advance(minutes=1)
    [late] = await link(shown(openid("o9", "wxapp9"), unionid("u2"), name="后来", rank=1))
    assert (late.member, late.home) == (one.member, one.member)
    clock.advance(minutes=1)

    await decisions.unmerge(graph, two.member, HQ)

    [row] = await database.fetch(select(identity).where(identity.c.id == late.identity))
    assert (row.member, row.home) == (two.member, two.member)
    # Erasing the one does not take from the other what was sealed while they were one.
    await database.keyring.destroy(one.member)
    [row] = await database.fetch(select(identity.c.value).where(identity.c.id == late.identity))
    [claim] = await database.fetch(select(profile_claim.c.value).where(profile_claim.c.identity == late.identity))
    [gone] = await database.fetch(select(identity.c.value).where(identity.c.id == one.identity))
    assert (row.value, claim.value, gone.value) == ("o9", "后来", ERASED)


async def test_decisions_repeated_give_the_same_answer_and_write_nothing(
    database: Database, clock: ManualClock, link: Link, graph: IdentityGraph
) -> None:
    one, two = await _two(link, clock)
    card = ("CARD", "programme", "C-1")

    async def again(work: Any) -> Any:
        first = await work()
        links = [tuple(row) for row in await database.fetch(select(identity_link).order_by(identity_link.c.id))]
        facts = len(await database.fetch(select(fact.c.id)))
        clock.advance(minutes=1)
        assert await work() == first
        after = [tuple(row) for row in await database.fetch(select(identity_link).order_by(identity_link.c.id))]
        assert (after, len(await database.fetch(select(fact.c.id)))) == (links, facts)
        return first

    assert await again(lambda: decisions.link(graph, one.member, card, HQ)) == Decided(one.member)
    [row] = await database.fetch(select(identity.c.id).where(identity.c.kind == "CARD"))
    parted = await again(lambda: decisions.unlink(graph, one.member, row.id, HQ))
    assert isinstance(parted, Decided)
    assert parted.member == one.member
    assert parted.other not in (None, one.member, two.member)
    assert await again(lambda: decisions.merge(graph, one.member, two.member, HQ)) == Decided(one.member)
    assert await again(lambda: decisions.unmerge(graph, two.member, HQ)) == Decided(two.member, one.member)
    who = {(each.decided_by, each.reason) for each in await database.fetch(select(identity_link)) if each.decided_by}
    assert who == {("hq", "the shopper called us")}
    kinds = [each.kind for each in await database.fetch(select(fact.c.kind))]
    assert {kinds.count(each) for each in ("member.merged", "member.unmerged", "identity.unlinked")} == {1}


async def test_what_is_unlinked_is_not_joined_by_the_same_evidence_again(
    database: Database, link: Link, graph: IdentityGraph
) -> None:
    [one] = await link(shown(openid("o1"), unionid("u1")))
    [row] = await database.fetch(select(identity.c.id).where(identity.c.kind == "UNIONID"))
    await decisions.unlink(graph, one.member, row.id, HQ)
    apart = {frozenset({("OPENID", "o1")}), frozenset({("UNIONID", "u1")})}
    assert await partition(database) == apart

    await link(shown(openid("o1"), unionid("u1")))

    assert await partition(database) == apart


@pytest.mark.parametrize("decision", ["SAME_PERSON", "DIFFERENT_PEOPLE"])
async def test_a_case_is_answered_once(
    database: Database, clock: ManualClock, link: Link, graph: IdentityGraph, decision: Any
) -> None:
    await link(shown(openid("o1"), unionid("u1"), phone_handle(PHONE)))
    await link(shown(openid("o2"), unionid("u2"), phone_handle(PHONE), seen_at=SEEN + timedelta(hours=1)))
    [case] = await database.fetch(select(review_case))
    assert (case.kind, case.state) == ("PHONE_SHARED", "OPEN")

    first = await decisions.decide(graph, case.id, decision, HQ)
    assert await decisions.decide(graph, case.id, decision, HQ) == first
    other = "SAME_PERSON" if decision == "DIFFERENT_PEOPLE" else "DIFFERENT_PEOPLE"
    refused = await decisions.decide(graph, case.id, other, HQ)  # type: ignore[arg-type]

    assert isinstance(refused, Refusal)
    assert refused.code == "CASE_CLOSED"
    assert len(await partition(database)) == (1 if decision == "SAME_PERSON" else 2)
    # The evidence comes again, and is no new question.
    await link(shown(openid("o2"), unionid("u2"), phone_handle(PHONE), seen_at=SEEN + timedelta(hours=1)))
    [case] = await database.fetch(select(review_case))
    assert (case.state, case.decision, case.decided_by, case.reason) == ("DECIDED", decision, "hq", HQ.reason)


async def test_a_case_is_obsolete_when_its_evidence_goes(database: Database, link: Link, graph: IdentityGraph) -> None:
    await link(shown(openid("o1"), unionid("u1"), phone_handle(PHONE)))
    [two] = await link(shown(openid("o2"), unionid("u2"), phone_handle(PHONE), seen_at=SEEN + timedelta(hours=1)))
    one = await graph.find("OPENID", "wxapp1", "o1")
    await decisions.merge(graph, str(one), str(two.member), HQ)
    [case] = await database.fetch(select(review_case.c.state))
    assert case.state == "OBSOLETE"


async def test_late_evidence_splits_whom_a_phone_had_joined(database: Database, link: Link) -> None:
    """Two openids with one phone are one person, until each shows a unionid of its own."""
    await link(shown(openid("o1"), phone_handle(PHONE)))
    [two] = await link(shown(openid("o2"), phone_handle(PHONE), name="二号", seen_at=SEEN + timedelta(hours=1)))
    assert len(await partition(database)) == 1

    await link(shown(openid("o1"), unionid("u1"), seen_at=SEEN + timedelta(hours=2)))
    [late] = await link(shown(openid("o2"), unionid("u2"), seen_at=SEEN + timedelta(hours=2)))

    assert await partition(database) == {
        frozenset({("OPENID", "o1"), ("UNIONID", "u1"), ("PHONE", PHONE)}),
        frozenset({("OPENID", "o2"), ("UNIONID", "u2")}),
    }
    assert late.member != two.member
    rows = {row.id: row.name for row in await database.fetch(select(member.c.id, member.c.name))}
    assert rows == {late.member: "二号", two.member: None}


async def test_a_phone_that_changes_hands(
    database: Database, clock: ManualClock, link: Link, graph: IdentityGraph
) -> None:
    [one] = await link(shown(openid("o1"), unionid("u1"), phone_handle(PHONE), phone=PHONE, rank=1))
    clock.advance(minutes=1)
    [two] = await link(shown(openid("o2"), unionid("u2")))
    who = Person("session")

    refused = await phones.bind(graph, two.identity, PHONE, None, who)
    assert isinstance(refused, Refusal)
    assert (refused.code, list(refused.resolutions)) == ("PHONE_BOUND_ELSEWHERE", ["MERGE", "TRANSFER"])
    assert await database.fetch(select(review_case)) == []

    for _ in range(2):
        assert await phones.bind(graph, two.identity, PHONE, "TRANSFER", who) == Decided(two.member)
    assert await graph.find("PHONE", "brand", PHONE) == two.member
    rows = {row.id: row.phone for row in await database.fetch(select(member.c.id, member.c.phone))}
    assert rows == {one.member: None, two.member: PHONE}
    # The card goes on showing the number, and that gives it back to nobody.
    await link(shown(openid("o1"), unionid("u1"), phone_handle(PHONE), phone=PHONE, rank=1))
    assert await graph.find("PHONE", "brand", PHONE) == two.member

    assert await phones.bind(graph, one.identity, PHONE, "MERGE", who) == Decided(one.member)
    assert len(await partition(database)) == 1
    bound = await database.fetch(select(fact.c.member).where(fact.c.kind == "phone.bound"))
    assert two.member in [each.member for each in bound]


async def test_a_click_makes_nobody_a_member_and_waits(database: Database, link: Link) -> None:
    [click] = await link(shown(Handle("OPENID", "wxapp1", "o1", "WEAK"), Handle("CLICK_ID", "__CLICK_ID__", "c1")))
    assert (click.member, click.home) == (None, None)
    assert await database.fetch(select(member)) == []

    [login] = await link(shown(openid("o1"), unionid("u1")))

    assert login.identity == click.identity
    assert await partition(database) == {frozenset({("OPENID", "o1"), ("UNIONID", "u1")})}


async def test_fillers_link_nobody(database: Database, link: Link) -> None:
    for number, filler in enumerate(("00000000000", "null", "-1", "13800138000")):
        await link(
            shown(openid(f"a{number}"), phone_handle(filler)), shown(openid(f"b{number}"), Handle("CARD", "p", filler))
        )
    assert all(len(person) == 1 for person in await partition(database))
    assert {row.kind for row in await database.fetch(select(identity.c.kind))} == {"OPENID"}


async def test_a_phone_that_many_people_show_proves_nothing(database: Database, link: Link) -> None:
    for number in range(6):
        await link(shown(openid(f"o{number}"), phone_handle(PHONE)))
    assert await partition(database) == {frozenset({("OPENID", f"o{number}")}) for number in range(6)}
    [case] = await database.fetch(select(review_case))
    assert (case.kind, case.state) == ("SHARED_VALUE", "OPEN")


async def test_renames_make_no_cases_and_are_repeatable(
    database: Database, clock: ManualClock, link: Link, graph: IdentityGraph
) -> None:
    """A re-binding of the Open Platform: everybody has another unionid, and the shops show the new one at once."""
    people = 60
    await link(*(shown(openid(f"o{n}"), unionid(f"u{n}")) for n in range(people)))
    renames = [Rename("UNIONID", "op2018", f"u{n}", "op2018", f"new-u{n}") for n in range(people)]
    renames.append(Rename("UNIONID", "op2018", "nobody", "op2018", "new-nobody"))
    renames.append(Rename("UNIONID", "op2018", "u0", "op2018", "new-u1"))

    dry = await rename(graph, renames, by="hq", dry_run=True)
    assert await database.fetch(select(identity.c.id).where(identity.c.superseded_by.is_not(None))) == []
    done = await rename(graph, renames, by="hq")
    assert dry == done == {"DONE": people, "UNKNOWN": 1, "CONFLICT": 1}
    assert await rename(graph, renames, by="hq") == {"ALREADY": people, "UNKNOWN": 1, "CONFLICT": 1}

    await link(*(shown(openid(f"o{n}"), unionid(f"new-u{n}")) for n in range(people)))
    assert await database.fetch(select(review_case)) == []
    assert {
        frozenset({("OPENID", f"o{n}"), ("UNIONID", f"u{n}"), ("UNIONID", f"new-u{n}")}) for n in range(people)
    } == (await partition(database))


async def test_any_number_of_renames_costs_the_same_statements(
    database_url: str, database: Database, clock: ManualClock, link: Link
) -> None:
    """Each by a process that has read nobody before: data keys are read together too."""
    people = 160
    await link(*(shown(openid(f"o{n}")) for n in range(people)))
    begin, found = 0, []
    for number in (10, 50, 100):
        async with Database.open(database_url, Keyring(MASTER), clock=clock) as cold:
            some = [Rename("OPENID", "wxapp1", f"o{n}", "wxapp2", f"n{n}") for n in range(begin, begin + number)]
            with count_statements() as counted:
                assert await rename(IdentityGraph(cold, clock), some, by="hq") == {"DONE": number}
            found.append(counted.value)
        begin += number
    assert len(set(found)) == 1
