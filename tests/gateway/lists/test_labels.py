"""Labels and last activity follow the projections, the fact log and the identities."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from adapters.enterprise_chat import Contact, ContactRemoved, Employee, RemovedBy
from adapters.official_account import Follower, FollowerChanged
from gateway.cli.members import relabel_everybody
from gateway.database import Database, Fact
from gateway.database.tables.labels import member_activity, member_label
from gateway.database.tables.members import identity, member
from gateway.events import labels
from gateway.events.projections import enterprise_chat, official_account, places
from gateway.events.projector import Evidence, Projector
from gateway.members.graph import IdentityGraph
from tests.databases import ManualClock
from tests.gateway.lists.conftest import START, at

CORP = "corp1"


@pytest.fixture
def projector(database: Database, clock: ManualClock) -> Projector:
    return Projector(database, IdentityGraph(database, clock), clock, "op2018")


def follower(openid: str, *tags: int, unionid: str | None = None, app: str = "wx1", minute: float = 0) -> Follower:
    return Follower(app, openid, unionid, subscribed=True, subscribed_at=at(minute), tag_ids=tags)


def contact(value: str, userid: str, *tags: str, unionid: str | None = None, minute: float = 0) -> Contact:
    return Contact(
        corpid=CORP,
        external_userid=value,
        userid=userid,
        unionid=unionid,
        name="",
        avatar="",
        remark="",
        description="",
        remark_mobiles=(),
        add_way=1,
        state="",
        tag_ids=tags,
        tag_names=(),
        personal_tags=(),
        added_at=at(minute),
    )


def employee(userid: str, *departments: int) -> Employee:
    return Employee(CORP, userid, "导购", "店长", "", departments, active=True)


async def stores(projector: Projector, *codes: str) -> None:
    """Stores whose department is their place in the list."""
    await places.master_data(
        projector,
        places.MasterData(
            brand="屿见",
            stores=tuple(
                places.MasterStore(
                    code=code,
                    name=code,
                    city="上海",
                    region="上海",
                    pos_code=code,
                    wecom_department=number,
                    opens="10:00",
                    closes="22:00",
                )
                for number, code in enumerate(codes, 1)
            ),
            campaigns=(),
            skus=(),
            stock=(),
        ),
    )


async def held(database: Database) -> dict[str, set[tuple[str, str]]]:
    """The labels of every member who has some."""
    found: dict[str, set[tuple[str, str]]] = {}
    for row in await database.fetch(select(member_label)):
        found.setdefault(row.member, set()).add((row.kind, row.value))
    return found


async def active(database: Database) -> dict[str, datetime]:
    return {row.member: row.last_activity_at for row in await database.fetch(select(member_activity))}


async def who(database: Database) -> list[str]:
    rows = await database.fetch(select(member.c.id).where(member.c.merged_into.is_(None)).order_by(member.c.id))
    return [row.id for row in rows]


async def test_tags_follow_the_follower(database: Database, projector: Projector, clock: ManualClock) -> None:
    await official_account.followers(projector, [follower("o1", 1, 2)])
    [one] = await who(database)
    assert await held(database) == {one: {("TAG", "wx1:1"), ("TAG", "wx1:2")}}
    clock.advance(hours=1)
    await official_account.followers(projector, [follower("o1", 2, 3)])
    assert await held(database) == {one: {("TAG", "wx1:2"), ("TAG", "wx1:3")}}
    left = FollowerChanged("wx1", "o1", subscribed=False, at=clock.now() + timedelta(hours=1))
    await official_account.changed(projector, [left])
    assert await held(database) == {}


async def test_guides_and_stores_follow_the_contact(
    database: Database, projector: Projector, clock: ManualClock
) -> None:
    await stores(projector, "SH", "HZ")
    await places.guides(projector, CORP, [employee("chen", 1), employee("li", 2)])
    await enterprise_chat.contacts(projector, [contact("w1", "chen", "et1"), contact("w1", "li")])
    [one] = await who(database)
    chen = {("GUIDE", "corp1:chen"), ("STORE", "SH"), ("TAG", "corp1:et1")}
    assert await held(database) == {one: chen | {("GUIDE", "corp1:li"), ("STORE", "HZ")}}
    clock.advance(hours=1)
    await enterprise_chat.removed(projector, [ContactRemoved(CORP, "li", "w1", RemovedBy.CUSTOMER, clock.now())])
    assert await held(database) == {one: chen}
    # The guide moves to the other store, and later leaves.
    clock.advance(hours=1)
    await places.guides(projector, CORP, [employee("chen", 2)])
    assert await held(database) == {one: chen - {("STORE", "SH")} | {("STORE", "HZ")}}
    clock.advance(hours=1)
    await places.guides_left(projector, CORP, ["chen"], clock.now(), "webhook")
    assert await held(database) == {one: chen - {("STORE", "SH")}}
    await enterprise_chat.absent(projector.asking(), CORP, ["chen"])
    assert await held(database) == {}


async def test_last_activity_moves_forward_only(database: Database, projector: Projector) -> None:
    await official_account.followers(projector, [follower("o1", minute=10)])
    [one] = await who(database)
    assert await active(database) == {one: at(10)}
    [row] = await database.fetch(select(identity.c.id).limit(1))

    async def happened(kind: str, minute: float, *, identified: bool = True) -> None:
        fact = Fact(
            kind=kind,
            occurred_at=at(minute),
            source="own",
            source_key=f"{kind}{minute}",
            identity=row.id if identified else None,
            member=one,
        )
        async with projector.batch() as batch:
            batch.facts.append(fact)

    for kind, minute, identified, expected in (
        ("coupon.received", 30, True, 30),
        ("ad.click", 20, True, 30),
        # What others do is no activity of the shopper.
        ("order.shipped", 40, True, 30),
        ("message.accepted", 41, True, 30),
        ("consent.given", 50, False, 50),
    ):
        await happened(kind, minute, identified=identified)
        assert await active(database) == {one: at(expected)}, kind


async def test_a_merge_and_its_undoing_move_labels_and_activity(
    database: Database, projector: Projector, clock: ManualClock
) -> None:
    await official_account.followers(projector, [follower("o1", 1, unionid="u1", minute=10)])
    # The ids of members sort by their age only from one millisecond to the next.
    clock.advance(seconds=1)
    await enterprise_chat.contacts(projector, [contact("w1", "chen", minute=5)])
    one, two = await who(database)
    before = {one: {("TAG", "wx1:1")}, two: {("GUIDE", "corp1:chen")}}
    assert await held(database) == before
    assert await active(database) == {one: at(10), two: at(5)}
    # The platform shows the contact's unionid: they are one person.
    clock.advance(hours=1)
    shown = Evidence(enterprise_chat.handles(projector, CORP, "w1", "u1"), "test.source", START)
    async with projector.batch([shown]):
        pass
    assert await who(database) == [one]
    assert await held(database) == {one: before[one] | before[two]}
    assert await active(database) == {one: at(10)}
    # And apart again: whoever moves identities calls the hook.
    async with database.write() as connection:
        await connection.execute(update(identity).where(identity.c.kind == "EXTERNAL_USERID").values(member=two))
        await connection.execute(update(member).where(member.c.id == two).values(merged_into=None))
        await labels.relabel(connection, [one, two])
    assert await held(database) == before
    assert await active(database) == {one: at(10), two: at(5)}


async def test_relabelling_builds_the_same_again(database: Database, projector: Projector) -> None:
    await stores(projector, "SH")
    await places.guides(projector, CORP, [employee("chen", 1)])
    await official_account.followers(projector, [follower(f"o{n}", n, unionid=f"u{n}", minute=n) for n in range(20)])
    await enterprise_chat.contacts(projector, [contact(f"w{n}", "chen", unionid=f"u{n}") for n in range(0, 20, 3)])
    kept, seen = await held(database), await active(database)
    assert len(seen) == 20
    async with database.write() as connection:
        await connection.execute(delete(member_label).where(member_label.c.kind == "GUIDE"))
        await connection.execute(update(member_label).values(kind="STORE"))
        await connection.execute(delete(member_activity))
        await labels.relabel(connection, await who(database))
    assert (await held(database), await active(database)) == (kept, seen)
    async with database.write() as connection:
        await connection.execute(delete(member_label))
    assert await relabel_everybody(database) == 20
    assert (await held(database), await active(database)) == (kept, seen)
