"""What a member allows: the newest answer, the stricter side of a merge, and a guardian under 14."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.database import Database
from gateway.database.tables.facts import fact
from gateway.database.tables.members import consent, member
from gateway.events.projector import Projector
from gateway.members.consent import MERGE, Answer, ConsentRefused, Purpose, Said, answers_of, record, standing
from gateway.members.family import Family, families
from gateway.members.graph import IdentityGraph
from tests.databases import ManualClock
from tests.gateway.members.conftest import OPEN_PLATFORM, SEEN, Link, openid, shown

NOW = SEEN + timedelta(days=100)


def day(n: int) -> datetime:
    return SEEN + timedelta(days=n)


def answer(who: str, n: int, *, given: bool, guardian: bool = False) -> Answer:
    return Answer(who, Purpose.MARKETING, given, day(n), "1", "STORE", guardian, day(n), "test", id=f"{who}{n}")


def now_given(family: Family, *answers: Answer) -> bool:
    return standing(family, answers, Purpose.MARKETING, NOW).given


def test_silence_allows_service_alone() -> None:
    stands = {purpose: standing(Family("m"), (), purpose, NOW) for purpose in Purpose}
    assert [purpose for purpose, each in stands.items() if each.given] == [Purpose.SERVICE]
    assert {each.since for each in stands.values()} == {None}


def test_the_newest_answer_counts_and_of_two_at_once_the_stricter() -> None:
    given, withdrawn = answer("m", 1, given=True), answer("m", 2, given=False)
    assert not now_given(Family("m"), withdrawn, given)
    assert now_given(Family("m"), withdrawn, given, answer("m", 3, given=True))
    for pair in ((given, replace(given, given=False)), (replace(given, given=False), given)):
        assert not now_given(Family("m"), *pair)


MERGED = Family("m", {"n": day(10)})


@pytest.mark.parametrize(
    ("answers", "allowed"),
    [
        # The loser had withdrawn, or the winner; the other's younger word does not outweigh it.
        ((answer("n", 1, given=False), answer("m", 2, given=True)), False),
        ((answer("m", 1, given=False), answer("n", 2, given=True)), False),
        # Somebody who never answered is no side.
        ((answer("n", 1, given=True),), True),
        ((answer("n", 1, given=False),), False),
        # What was taken back before the merge is over; what comes after it counts, under either id.
        ((answer("n", 1, given=False), answer("n", 2, given=True), answer("m", 3, given=True)), True),
        ((answer("n", 1, given=False), answer("m", 2, given=True), answer("m", 11, given=True)), True),
        ((answer("n", 1, given=False), answer("m", 2, given=True), answer("n", 11, given=True)), True),
        ((answer("n", 1, given=True), answer("m", 2, given=True), answer("n", 11, given=False)), False),
    ],
)
def test_after_a_merge_the_stricter_side_counts(answers: tuple[Answer, ...], *, allowed: bool) -> None:
    assert now_given(MERGED, *answers) is allowed
    assert now_given(MERGED, *answers[::-1]) is allowed


def test_a_merge_shows_in_the_history_and_an_unmerge_takes_it_out() -> None:
    answers = (answer("n", 1, given=False), answer("m", 2, given=True))
    joined = standing(MERGED, answers, Purpose.MARKETING, NOW)
    assert [(each.given, each.channel) for each in joined.history] == [
        (False, MERGE),
        (True, "STORE"),
        (False, "STORE"),
    ]
    assert joined.since == day(10)
    assert now_given(Family("m"), answers[1])
    assert not now_given(Family("n"), answers[0])


def test_answers_between_two_merges_count_for_the_second() -> None:
    twice = Family("m", {"n": day(10), "o": day(20)})
    answers = [answer("n", 1, given=False), answer("m", 2, given=True), answer("m", 11, given=True)]
    assert now_given(twice, *answers)
    assert now_given(twice, *answers, answer("o", 3, given=True))
    assert not now_given(twice, *answers, answer("o", 3, given=False))


def test_a_child_needs_a_guardian_until_the_fourteenth_birthday() -> None:
    child = Family("m", birthday=date(NOW.year - 14, NOW.month, NOW.day) + timedelta(days=1))
    alone = standing(child, [answer("m", 1, given=True)], Purpose.MARKETING, NOW)
    assert (alone.given, alone.guardian_missing) == (False, True)
    assert now_given(child, answer("m", 1, given=True, guardian=True))
    assert standing(child, (), Purpose.SERVICE, NOW).given
    assert now_given(replace(child, birthday=date(NOW.year - 14, NOW.month, NOW.day)), answer("m", 1, given=True))
    assert now_given(replace(child, minor=False), answer("m", 1, given=True))
    assert not now_given(Family("m", minor=True), answer("m", 1, given=True))


# On a database ------------------------------------------------------------------------------------------


@pytest.fixture
def projector(database: Database, clock: ManualClock) -> Projector:
    return Projector(database, IdentityGraph(database, clock), clock, OPEN_PLATFORM)


def said(who: str, **changes: Any) -> Said:
    values: dict[str, Any] = {
        "member": who,
        "purpose": Purpose.MARKETING,
        "given": True,
        "policy_version": "2026-10",
        "channel": "STORE",
        "recorded_by": "hq",
    }
    return Said(**values | changes)


async def stands(database: Database, who: str, now: datetime) -> Any:
    family = (await families(database.fetch, database.keyring, [who]))[who]
    answers = await answers_of(database.fetch, [family], proof=True)
    return standing(family, answers.get(family.member, ()), Purpose.MARKETING, now)


async def test_an_answer_is_kept_with_its_proof_sealed(
    database: Database, clock: ManualClock, link: Link, projector: Projector
) -> None:
    [who] = await link(shown(openid("o1")))
    await record(projector, said(who.member, proof="单号 A-7718"))
    found = await stands(database, who.member, clock.now())
    assert (found.given, found.since, found.history[0].proof) == (True, clock.now(), "单号 A-7718")
    async with database.write() as connection:
        [raw] = (await connection.exec_driver_sql("SELECT proof FROM consent")).all()
    assert b"A-7718" not in bytes(raw[0])
    rows = await database.fetch(select(fact).where(fact.c.kind == "consent.given"))
    assert [(row.member, row.reason, row.payload["policyVersion"]) for row in rows] == [
        (who.member, "MARKETING", "2026-10")
    ]


async def test_a_later_word_is_newer_though_the_clock_stands_still(
    database: Database, clock: ManualClock, link: Link, projector: Projector
) -> None:
    [who] = await link(shown(openid("o1")))
    for given in (True, False, True, False, True):
        await record(projector, said(who.member, given=given))
        assert (await stands(database, who.member, clock.now())).given is given


async def test_a_late_repetition_of_a_yes_does_not_undo_a_no(
    database: Database, clock: ManualClock, link: Link, projector: Projector
) -> None:
    [who] = await link(shown(openid("o1")))
    await record(projector, said(who.member, key="k1"))
    await record(projector, said(who.member, given=False, key="k2"))
    await record(projector, said(who.member, key="k1"))
    assert not (await stands(database, who.member, clock.now())).given
    assert len(await database.fetch(select(consent.c.id))) == 2


async def test_an_imported_answer_is_history_beside_a_newer_one(
    database: Database, clock: ManualClock, link: Link, projector: Projector
) -> None:
    [who] = await link(shown(openid("o1")))
    await record(projector, said(who.member, given=False))
    await record(projector, said(who.member, at=day(-300), source="import"))
    found = await stands(database, who.member, clock.now())
    assert not found.given
    assert [each.given for each in found.history] == [False, True]


async def test_what_cannot_be_recorded_leaves_nothing(
    database: Database, clock: ManualClock, link: Link, projector: Projector
) -> None:
    [who] = await link(shown(openid("o1")))
    young = f"{clock.now().year - 10}-01-01"
    async with database.write() as connection:
        await connection.execute(update(member).values(birthday=database.keyring.seal(young, subject=who.member)))
    refused = [
        (said(who.member), "GUARDIAN_REQUIRED"),
        (said(who.member, at=clock.now() + timedelta(seconds=1), guardian=True), "BAD_USER_INPUT"),
        (said(who.member, policy_version="", guardian=True), "BAD_USER_INPUT"),
        (said(who.member, channel=MERGE, guardian=True), "BAD_USER_INPUT"),
        (said(who.member, proof="x" * 4001, guardian=True), "BAD_USER_INPUT"),
        (said("nobody"), "MEMBER_UNKNOWN"),
    ]
    for each, code in refused:
        with pytest.raises(ConsentRefused) as error:
            await record(projector, each)
        assert error.value.code == code
    assert await database.fetch(select(consent.c.id)) == []
    assert await database.fetch(select(fact.c.id).where(fact.c.kind.startswith("consent."))) == []
    await record(projector, said(who.member, given=False))
    await record(projector, said(who.member, guardian=True))
    assert (await stands(database, who.member, clock.now())).given


async def test_a_merge_in_the_database_is_read_from_both_sides_and_undone(
    database: Database, clock: ManualClock, link: Link, projector: Projector
) -> None:
    one, other = (await link(shown(openid("o1"))))[0].member, (await link(shown(openid("o2"))))[0].member
    await record(projector, said(one, given=False))
    await record(projector, said(other))
    keeper, lost = sorted((one, other))
    clock.advance(days=1)
    async with database.write() as connection:
        merged = {"merged_into": keeper, "merged_at": clock.now()}
        await connection.execute(update(member).where(member.c.id == lost).values(**merged))
    for who in (keeper, lost):
        assert not (await stands(database, who, clock.now())).given
    async with database.write() as connection:
        await connection.execute(update(member).where(member.c.id == lost).values(merged_into=None, merged_at=None))
    assert not (await stands(database, one, clock.now())).given
    assert (await stands(database, other, clock.now())).given
