"""What our own writes do to rows of contacts, on both databases."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from adapters.enterprise_chat import Contact
from gateway.database import Database
from gateway.database.tables.facts import fact
from gateway.database.tables.projections import contact
from gateway.events.projections import enterprise_chat
from gateway.events.projections.enterprise_chat import Tagging
from gateway.events.projector import Projector
from gateway.members.graph import IdentityGraph
from tests.databases import ManualClock


async def test_tags_are_added_and_taken_and_told_once(database: Database, clock: ManualClock) -> None:
    projector = Projector(database, IdentityGraph(database, clock), clock, "op1")
    added = Contact(
        corpid="ww1", external_userid="wm1", userid="anna", unionid=None, name="林", avatar="", remark="",
        remark_mobiles=(), description="", add_way=1, state="", added_at=clock.now(), tag_ids=("a", "b"),
        tag_names=(), personal_tags=(),
    )  # fmt: skip
    await enterprise_chat.contacts(projector, [added])
    [row] = await database.fetch(select(contact.c.identity))
    done = Tagging("ww1", "anna", row.identity, ("c",), ("a",), {"a": "金", "c": "银"}, "key-1")
    clock.advance(seconds=1)

    for each in (done, done, replace(done, identity="nobody")):
        async with projector.batch() as batch:
            await enterprise_chat.tagged(batch, [each])
            assert set(await enterprise_chat.members_of(batch.connection, [row.identity, "nobody"])) == {row.identity}

    [carried] = await database.fetch(select(contact.c.tag_ids))
    told = await database.fetch(select(fact.c.kind, fact.c.payload).where(fact.c.kind.like("contact.%tagged")))
    assert carried.tag_ids == ["b", "c"]
    assert sorted((each.kind, each.payload["name"]) for each in told) == [
        ("contact.tagged", "银"),
        ("contact.untagged", "金"),
    ]
