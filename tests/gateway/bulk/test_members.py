"""Import of members and identities: what comes out of a file, once, twice, and corrected."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from gateway.database import Database
from gateway.database.keyring import ERASED
from gateway.database.ledgers import refresh_levels
from gateway.database.tables.bulk import import_run
from gateway.database.tables.facts import fact
from gateway.database.tables.jobs import job
from gateway.database.tables.keys import data_key
from gateway.database.tables.ledger import points_entry
from gateway.database.tables.members import consent, identity, identity_link, member, profile_claim
from gateway.database.tables.privacy import erased_handle
from gateway.events.erased import handle_text
from gateway.members.refreshing import refresh
from tests.databases import ManualClock
from tests.gateway.bulk.conftest import EXAMPLES, Import, rejects, rows

TABLES = (member, identity, identity_link, profile_claim, consent, points_entry, fact, data_key)


async def test_the_examples_come_in_as_they_read(database: Database, import_file: Import) -> None:
    first = await import_file("members", EXAMPLES / "members.csv")
    assert (first.state, first.rows, first.created, first.updated, first.rejected) == ("DONE", 3, 3, 0, 0)

    people = {row["out_id"]: row for row in await rows(database, member)}
    lin = people["00100001"]
    assert (lin["name"], lin["phone"], lin["gender"]) == ("林晓雯", "13800001001", "FEMALE")
    assert (lin["birthday"], lin["city"], lin["level"], lin["growth"]) == ("1994-03-02", "上海", 3, 5200)
    assert lin["joined_at"].isoformat() == "2023-11-11T02:00:00+00:00"
    assert people["00100002"]["name"] == "陈, 雨桐"
    assert people["00100002"]["joined_at"].isoformat() == "2024-05-01T01:30:00+00:00"
    assert people["00100003"]["phone"] == "13800001003"

    names = [
        (row["kind"], row["issuer"], row["value"])
        for row in await rows(database, identity)
        if row["member"] == lin["id"]
    ]
    assert sorted(names) == [
        ("OPENID", "wx0123456789abcdef", "oOpenLin"),
        ("OUT_ID", "brand", "00100001"),
        ("PHONE", "brand", "13800001001"),
        ("UNIONID", "op2018", "oUnionLin"),
    ]
    consents = {(row["member"], row["purpose"]): row for row in await rows(database, consent)}
    given = consents[lin["id"], "MARKETING"]
    assert (given["allowed"], given["policy_version"], given["channel"]) == ("GIVEN", "2023-09", "STORE")
    assert consents[people["00100002"]["id"], "MARKETING"]["allowed"] == "WITHDRAWN"
    assert {row["member"]: row["delta"] for row in await rows(database, points_entry)} == {
        lin["id"]: 3260,
        people["00100003"]["id"]: 180,
    }


async def test_json_lines_and_identities_lead_to_the_same_people(database: Database, import_file: Import) -> None:
    await import_file("members", EXAMPLES / "members.csv")
    await import_file("members", EXAMPLES / "members.jsonl")
    done = await import_file("identities", EXAMPLES / "identities.csv")
    assert (done.state, done.rejected) == ("DONE", 0)
    found = await database.fetch(
        select(member.c.out_id, identity.c.kind, identity.c.value)
        .join(identity, identity.c.member == member.c.id)
        .where(identity.c.kind.in_(("EXTERNAL_USERID", "UNIONID", "CARD")))
    )
    assert sorted(map(tuple, found)) == [
        ("00100001", "UNIONID", "oUnionLin"),
        ("00100002", "EXTERNAL_USERID", "wmExternalChen"),
        ("00100003", "UNIONID", "oUnionWang"),
        ("00100004", "UNIONID", "oUnionLi"),
        ("00100005", "CARD", "V-88001"),
        ("00100005", "UNIONID", "oUnionZhao"),
    ]
    assert len(await rows(database, member)) == 5


async def test_the_same_file_again_changes_nothing(database: Database, import_file: Import) -> None:
    await import_file("members", EXAMPLES / "members.csv")
    before = [await rows(database, table) for table in TABLES]
    again = await import_file("members", EXAMPLES / "members.csv")
    assert (again.rows, again.created, again.updated) == (3, 0, 0)
    assert [await rows(database, table) for table in TABLES] == before


async def test_a_corrected_file_updates(database: Database, import_file: Import, tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text("out_id,name,level,points\nM1,林晓文,2,100\nM2,王佳明,1,5\n", "utf-8")
    await import_file("members", path)
    path.write_text("out_id,name,level,points\nM1,林晓雯,3,80\nM2,王佳明,1,5\n", "utf-8")
    again = await import_file("members", path)
    assert (again.created, again.updated) == (0, 1)
    people = {row["out_id"]: row for row in await rows(database, member)}
    assert (people["M1"]["name"], people["M1"]["level"]) == ("林晓雯", 3)
    deltas = [row["delta"] for row in await rows(database, points_entry) if row["member"] == people["M1"]["id"]]
    assert sorted(deltas) == [-20, 100]


async def test_rows_of_one_person_join_within_a_file(database: Database, import_file: Import, tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text(
        "out_id,unionid,name\nM1,oU1,\nM2,oU2,\n,oU1,林晓雯\nM3,oU1,\n",
        "utf-8",
    )
    done = await import_file("members", path)
    assert (done.created, done.rejected) == (2, 0)
    found = await database.fetch(select(identity.c.value, identity.c.member))
    groups: dict[str, set[str]] = {}
    for value, who in found:
        groups.setdefault(who, set()).add(value)
    assert sorted(map(sorted, groups.values())) == [["M1", "M3", "oU1"], ["M2", "oU2"]]


async def test_newcomers_are_sealed_under_their_own_key(database: Database, import_file: Import) -> None:
    await import_file("members", EXAMPLES / "members.csv")
    people = await rows(database, member)
    await database.keyring.destroy(people[0]["id"])
    after = {row["id"]: row for row in await rows(database, member)}
    assert after[people[0]["id"]]["name"] is ERASED
    assert after[people[1]["id"]]["name"] == people[1]["name"]
    mine = [row["value"] for row in await rows(database, identity) if row["member"] == people[0]["id"]]
    assert mine
    assert all(value is ERASED for value in mine)


async def test_facts_tell_who_came_and_when(database: Database, import_file: Import) -> None:
    await import_file("members", EXAMPLES / "members.csv")
    facts = await rows(database, fact)
    created = [row for row in facts if row["kind"] == "member.created"]
    assert sorted((row["store"] or "", row["business_date"].isoformat()) for row in created) == [
        ("", "2024-06-18"),
        ("HZ-HUBIN", "2024-05-01"),
        ("SH-ANFU", "2023-11-11"),
    ]
    assert sum(row["kind"] == "identity.linked" for row in facts) == 7
    assert sorted(row["kind"] for row in facts if row["kind"].startswith("consent")) == [
        "consent.given",
        "consent.withdrawn",
    ]
    assert all(row["source"] == "import" for row in facts)


async def test_a_dry_run_writes_nothing(database: Database, import_file: Import, tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text("out_id,phone\nM1,13800001001\nM2,12\n", "utf-8")
    done = await import_file("members", path, dry_run=True)
    assert (done.state, done.rows, done.rejected, done.created) == ("DONE", 2, 1, 0)
    assert [each["code"] for each in rejects(done)] == ["PHONE_INVALID"]
    for table in (member, identity, fact, profile_claim):
        assert await rows(database, table) == []
    assert len(await rows(database, import_run)) == 1
    assert [row["state"] for row in await rows(database, job)] == ["DONE"]


async def test_another_member_of_the_list_made_meanwhile_is_found_again(
    database: Database, import_file: Import, tmp_path: Path
) -> None:
    """A newcomer who is known by the time of writing goes through the graph instead."""
    path = tmp_path / "members.csv"
    path.write_text("out_id,unionid\nM1,oU1\n", "utf-8")
    other = tmp_path / "others.csv"
    other.write_text("out_id,unionid\nM9,oU1\n", "utf-8")
    await import_file("members", other)
    done = await import_file("members", path)
    assert (done.created, done.state) == (0, "DONE")
    assert len({row["member"] for row in await rows(database, identity)}) == 1


async def test_a_list_does_not_bring_the_erased_back(
    database: Database, clock: ManualClock, import_file: Import, tmp_path: Path
) -> None:
    clock.advance(seconds=86_400)
    erased_at = clock.now() - timedelta(hours=1)
    async with database.write() as connection:
        for number in ("M1", "M2", "M3"):
            handle = handle_text("OUT_ID", "brand", number)
            await connection.execute(
                erased_handle.insert().values(hash=handle, erased_at=erased_at, until=erased_at + timedelta(days=1000))
            )
    path = tmp_path / "members.csv"
    later = (erased_at + timedelta(minutes=5)).isoformat()
    path.write_text(f"out_id,joined_at\nM1,2020-01-01 10:00\nM2,\nM3,{later}\nM4,\n", "utf-8")
    done = await import_file("members", path)
    assert (done.state, done.rows, done.created, done.rejected) == ("DONE", 4, 2, 0)
    # Only who joined after the erasure is a member again.
    assert {row["out_id"] for row in await rows(database, member)} == {"M3", "M4"}
    assert {row["value"] for row in await rows(database, identity)} == {"M3", "M4"}


async def test_levels_outlast_a_refresh_of_their_members(
    database: Database, clock: ManualClock, import_file: Import
) -> None:
    await import_file("members", EXAMPLES / "members.csv")
    before = {row["out_id"]: (row["level"], row["growth"]) for row in await rows(database, member)}
    assert before["00100001"] == (3, 5200)
    ids = {row["id"] for row in await rows(database, member)}
    async with database.write() as connection:
        await refresh(connection, database.keyring, ids, clock.now())
        await refresh_levels(connection, ids, clock.now())
    assert {row["out_id"]: (row["level"], row["growth"]) for row in await rows(database, member)} == before


async def test_answers_are_recorded_once_and_not_from_the_future(
    database: Database, clock: ManualClock, import_file: Import, tmp_path: Path
) -> None:
    path = tmp_path / "members.csv"
    later = (clock.now() + timedelta(days=1)).isoformat()
    header = "out_id,birthday,consent_marketing,consent_policy,consent_at,consent_channel\n"
    path.write_text(
        header
        + "M1,,yes,v1,2024-05-01 10:00,STORE\n"
        + f"M2,,yes,v1,{later},STORE\n"
        + "M3,,yes,v1,2024-05-01 10:00,MERGE\n"
        + f"M4,{clock.now().year - 5}-01-01,yes,v1,2024-05-01 10:00,STORE\n",
        "utf-8",
    )
    first = await import_file("members", path)
    assert [(each["line"], each["column"], each["code"]) for each in rejects(first)] == [
        (3, "consent_at", "DATE_INVALID"),
        (4, "consent_channel", "CHOICE_INVALID"),
    ]
    again = await import_file("members", path)
    assert (again.created, again.updated, again.rejected) == (0, 0, 2)
    names = {row["id"]: row["out_id"] for row in await rows(database, member)}
    # A list names no guardian, so of M4, who is a child, nothing becomes allowed.
    assert [(names[row["member"]], row["allowed"]) for row in await rows(database, consent)] == [("M1", "GIVEN")]
    told = [row for row in await rows(database, fact) if row["kind"] == "consent.given"]
    assert [(row["reason"], row["payload"]["channel"]) for row in told] == [("MARKETING", "STORE")]
