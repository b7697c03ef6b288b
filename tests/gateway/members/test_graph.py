"""Which handles are one person, what merges, what never does, and what the fact log says of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import select

from gateway.database import Database, Keyring
from gateway.database.tables.facts import fact
from gateway.database.tables.members import identity, member, review_case
from gateway.members.graph import IdentityGraph
from tests.databases import MASTER, ManualClock
from tests.gateway.members.conftest import SEEN, Link, linker, openid, partition, shown, unionid

LATER = SEEN + timedelta(hours=1)


async def _facts(database: Database) -> list[tuple[str, str | None, str | None, str]]:
    rows = await database.fetch(select(fact.c.kind, fact.c.member, fact.c.identity, fact.c.source))
    return sorted((tuple(row) for row in rows), key=str)


async def _ids(database: Database) -> dict[str, str]:
    rows = await database.fetch(select(identity.c.value, identity.c.id))
    return {row.value: row.id for row in rows}


async def test_a_shared_unionid_joins_two_openids(database: Database, link: Link) -> None:
    [first] = await link(shown(openid("o1"), unionid("u1")))
    [second] = await link(shown(openid("o2", "wxapp2"), unionid("u1")))

    assert second.member == first.member
    assert second.identity != first.identity
    assert await partition(database) == {frozenset({("OPENID", "o1"), ("OPENID", "o2"), ("UNIONID", "u1")})}
    ids = await _ids(database)
    assert (first.identity, second.identity) == (ids["o1"], ids["o2"])
    assert await _facts(database) == [
        *[("identity.linked", first.member, each, "poll") for each in sorted(ids.values())],
        ("member.created", first.member, None, "poll"),
    ]
    assert sorted(ids) == ["o1", "o2", "u1"]


async def test_the_same_evidence_again_changes_nothing(database: Database, clock: ManualClock, link: Link) -> None:
    evidence = shown(openid("o1"), unionid("u1"), name="林晓雯", phone="13800000001", rank=3)
    first = await link(evidence)
    before = await database.fetch(select(member))
    facts = await _facts(database)
    clock.advance(hours=1)

    assert await link(evidence, evidence) == [first[0], first[0]]

    assert await database.fetch(select(member)) == before
    assert await _facts(database) == facts


async def test_a_handle_is_unique_within_its_issuer_only(database: Database, link: Link) -> None:
    [one] = await link(shown(openid("same", "wxapp1")))
    [other] = await link(shown(openid("same", "wxapp2")))
    assert one.member != other.member


async def test_a_merge_keeps_the_older_member_and_the_old_id_leads_to_it(
    database: Database, clock: ManualClock, link: Link
) -> None:
    [older] = await link(shown(openid("o1")))
    clock.advance(minutes=1)
    [newer] = await link(shown(openid("o2", "wxapp2"), unionid("u1")))
    clock.advance(minutes=1)

    [merged] = await link(shown(openid("o1"), unionid("u1")))

    assert merged.member == older.member
    rows = {row.id: row for row in await database.fetch(select(member))}
    assert rows[newer.member].merged_into == older.member
    assert rows[older.member].merged_into is None
    assert rows[older.member].updated_at == clock.now()
    graph = IdentityGraph(database, clock)
    for kind, issuer, value in (("OPENID", "wxapp1", "o1"), ("OPENID", "wxapp2", "o2"), ("UNIONID", "op2018", "u1")):
        assert await graph.find(kind, issuer, value) == older.member
    assert [f for f in await _facts(database) if f[0] == "member.merged"] == [
        ("member.merged", older.member, None, "poll")
    ]


async def test_an_id_that_lost_twice_leads_straight_to_the_last_keeper(
    database: Database, clock: ManualClock, link: Link
) -> None:
    first, second, third = [(await _later(link, clock, shown(openid(f"o{n}", f"wx{n}"))))[0] for n in (1, 2, 3)]
    await link(shown(openid("o2", "wx2"), openid("o3", "wx3")))
    await link(shown(openid("o1", "wx1"), openid("o2", "wx2")))

    rows = {row.id: row.merged_into for row in await database.fetch(select(member))}
    assert rows == {first.member: None, second.member: first.member, third.member: first.member}


async def _later(link: Link, clock: ManualClock, evidence: object) -> object:
    clock.advance(seconds=1)
    return await link(evidence)


async def test_evidence_of_one_batch_that_belongs_together_makes_one_member(database: Database, link: Link) -> None:
    linked = await link(
        shown(openid("o1"), name="林", rank=3),
        shown(openid("o2", "wxapp2"), unionid("u1"), phone="13800000001", rank=1),
        shown(openid("o1"), unionid("u1")),
    )

    assert len({each.member for each in linked}) == 1
    [row] = await database.fetch(select(member).where(member.c.merged_into.is_(None)))
    assert (row.id, row.name, row.phone) == (linked[0].member, "林", "13800000001")
    assert [kind for kind, *_ in await _facts(database)].count("member.created") == 1
    assert [kind for kind, *_ in await _facts(database)].count("member.merged") == 0


async def test_shared_handles_within_a_batch_make_one_member(database: Database, link: Link) -> None:
    linked = await link(
        shown(openid("o1"), unionid("u1")),
        shown(openid("o2", "wxapp2"), unionid("u1")),
        shown(openid("o1")),
    )
    assert len({each.member for each in linked}) == 1
    assert linked[2].identity == linked[0].identity
    assert len(await database.fetch(select(member))) == 1


async def test_two_unionids_never_merge_and_one_case_is_opened(
    database: Database, clock: ManualClock, link: Link
) -> None:
    [one] = await link(shown(openid("o1"), unionid("u1")))
    clock.advance(minutes=1)
    [two] = await link(shown(openid("o2", "wxapp2"), unionid("u2")))
    before = await partition(database)

    for _ in range(2):
        [linked] = await link(shown(openid("o1"), unionid("u2"), seen_at=LATER))
        assert linked == one

    assert await partition(database) == before
    [case] = await database.fetch(select(review_case))
    ids = await _ids(database)
    assert (case.kind, case.state, case.members, case.opened_at) == (
        "TWO_UNIONIDS",
        "OPEN",
        [one.member, two.member],
        clock.now(),
    )
    assert case.evidence == sorted([ids["o1"], ids["u2"]])
    assert "member.merged" not in [kind for kind, *_ in await _facts(database)]


async def test_a_second_unionid_of_a_known_openid_is_somebody_else_and_opens_a_case(
    database: Database, link: Link
) -> None:
    [one] = await link(shown(openid("o1"), unionid("u1")))

    [linked] = await link(shown(openid("o1"), unionid("u2"), seen_at=LATER))

    assert linked == one
    assert await partition(database) == {
        frozenset({("OPENID", "o1"), ("UNIONID", "u1")}),
        frozenset({("UNIONID", "u2")}),
    }
    [case] = await database.fetch(select(review_case))
    assert one.member in case.members

    # The unionid is there for whoever really has it, and the question is the same one then.
    [other] = await link(shown(openid("o2", "wxapp2"), unionid("u2")))
    await link(shown(openid("o1"), unionid("u2"), seen_at=LATER))
    assert other.member != one.member
    assert len(await database.fetch(select(review_case))) == 1


async def test_a_merge_earlier_in_the_batch_counts_against_a_later_one(
    database: Database, clock: ManualClock, link: Link
) -> None:
    """The first evidence gives o1 the unionid u1, which is not among the batch's handles."""
    await link(shown(openid("o1")))
    clock.advance(seconds=1)
    await link(shown(openid("o2", "wxapp2"), unionid("u1")))
    clock.advance(seconds=1)
    await link(shown(openid("o3", "wxapp3"), unionid("u2")))

    await link(
        shown(openid("o1"), openid("o2", "wxapp2")),
        shown(openid("o1"), openid("o3", "wxapp3"), seen_at=LATER),
    )

    assert await partition(database) == {
        frozenset({("OPENID", "o1"), ("OPENID", "o2"), ("UNIONID", "u1")}),
        frozenset({("OPENID", "o3"), ("UNIONID", "u2")}),
    }
    assert len(await database.fetch(select(review_case))) == 1


async def test_unionids_of_different_issuers_are_no_contradiction(database: Database, link: Link) -> None:
    await link(shown(openid("o1"), unionid("u1", "op-a")))
    await link(shown(openid("o1"), unionid("u2", "op-b")))
    assert await partition(database) == {frozenset({("OPENID", "o1"), ("UNIONID", "u1"), ("UNIONID", "u2")})}
    assert await database.fetch(select(review_case)) == []


async def test_two_databases_link_the_same_handles_at_once(
    database_url: str, clock: ManualClock, keyring: Keyring
) -> None:
    """As two processes do: each has its own engine, its own keys in memory and its own view before it writes."""
    evidence = [shown(openid(f"o{n}"), unionid(f"u{n}"), name=f"顾客{n}", rank=3) for n in range(20)]
    more = [shown(openid(f"p{n}", "wxapp2"), unionid(f"u{n}"), phone=f"1380000{n:04}", rank=1) for n in range(20)]
    async with (
        Database.open(database_url, keyring, clock=clock) as one,
        Database.open(database_url, Keyring(MASTER), clock=clock) as two,
    ):
        here, there = await asyncio.gather(linker(one, clock)(*evidence), linker(two, clock)(*reversed(more)))

        assert [each.member for each in here] == [each.member for each in reversed(there)]
        assert len({each.member for each in here}) == 20
        assert len(await partition(one)) == 20
        rows = await one.fetch(select(member))
        assert {(row.name, row.phone) for row in rows} == {(f"顾客{n}", f"1380000{n:04}") for n in range(20)}
        kinds = [kind for kind, *_ in await _facts(one)]
        assert (kinds.count("member.created"), kinds.count("identity.linked"), len(kinds)) == (20, 60, 80)


async def test_first_sight_is_the_earliest_of_all_evidence(database: Database, link: Link) -> None:
    await link(shown(openid("o1"), seen_at=SEEN))
    await link(shown(openid("o1"), seen_at=SEEN - timedelta(days=3)), shown(openid("o1"), seen_at=SEEN))
    [row] = await database.fetch(select(member.c.joined_at))
    assert row.joined_at == SEEN - timedelta(days=3)
