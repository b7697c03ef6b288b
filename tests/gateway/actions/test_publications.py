"""articlePublish: a draft becomes an article once, and how that went is told by an event, or asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from adapters.official_account import ArticlesPublished, Publication, PublishStatus
from gateway.database.statements import insert_rows
from gateway.database.tables.facts import fact
from gateway.database.tables.followers import publication
from gateway.events.projections import official_account
from gateway.transactions.publications import Publications
from tests.gateway.actions.test_follower_tags import Desk as TagDesk
from tests.gateway.actions.test_follower_tags import document
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOOL = "official_account"
SUBMITTING = "POST /cgi-bin/freepublish/submit"
ASKING = "POST /cgi-bin/freepublish/get"
ATOMIC = """mutation ($member: ID!, $draft: String!, $points: Long!) @atomic(key: "article-of-the-day") {
  points: pointsAdjust(input: {member: $member, points: $points, reason: "双11"}) { __typename }
  article: articlePublish(input: {draft: $draft}) { __typename ... on DomainProblem { code } }
}"""


class Desk(TagDesk):
    """Headquarters, which wrote something in the platform's editor."""

    @property
    def shelf(self) -> Any:
        """What the platform keeps."""
        return self.platform.shelf

    def draft(self) -> str:
        """A draft that is there."""
        return next(iter(self.shelf.drafts))

    async def publish(self, draft: str, key: str) -> dict[str, Any]:
        """What articlePublish answers."""
        return await self.play("article-publish", draft=draft, key=key)

    async def listed(self, caller: str = "hq") -> list[dict[str, Any]]:
        """The list's publications, the newest first."""
        found: dict[str, Any] = (await self.served.client(caller).data(document("publications")))["publications"]
        return list(found["nodes"])

    async def ended(self, number: str, status: PublishStatus, article: str = "", failed: tuple[int, ...] = ()) -> None:
        """The platform's event."""
        told = Publication(number, status, article, failed)
        now = self.served.gateway.clock.now()
        await official_account.publications_ended(
            self.served.gateway.services.projector, [ArticlesPublished(self.appid, told, now)]
        )

    async def settle(self) -> None:
        """The job's work, an hour on."""
        hour = timedelta(hours=1)
        self.served.gateway.clock.advance(hour)
        services = self.served.gateway.services
        await Publications(services.projector, services.tools, services.queue).settle()

    async def told_of(self) -> list[tuple[str, str | None]]:
        """Facts of publications: source and reason."""
        rows = await self.served.gateway.services.database.fetch(
            select(fact.c.source, fact.c.reason).where(fact.c.kind == "article.published").order_by(fact.c.seq)
        )
        return [(row.source, row.reason) for row in rows]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    shelf = desk.shelf
    kept = dict(shelf.drafts), dict(shelf.published), dict(shelf.publications)
    yield desk
    desk.served.sandbox.kit.faults.clear()
    shelf.drafts, shelf.published, shelf.publications = kept


async def test_a_draft_becomes_an_article_and_the_event_tells(desk: Desk) -> None:
    draft, made = desk.draft(), len(desk.effects("published"))

    answer = await desk.publish(draft, "publish-it-1")

    first = answer["publication"]
    assert (first["title"], first["state"], first["articleId"]) == ("山岚轻羽绒服上新", "PUBLISHING", None)
    assert answer["transaction"]["state"] == "COMPLETED"
    assert draft not in desk.shelf.drafts
    assert len(desk.effects("published")) == made + 1
    assert (await desk.publish(draft, "publish-it-1"))["publication"]["publishId"] == first["publishId"]
    assert len(desk.effects("published")) == made + 1
    again = await desk.publish(draft, "publish-it-2")
    assert again["code"] == "DRAFT_UNKNOWN"
    article = desk.shelf.publications[first["publishId"]]
    await desk.ended(first["publishId"], PublishStatus.PUBLISHED, article)

    [row] = await desk.listed()

    assert (row["state"], row["articleId"], row["draft"], row["failed"]) == ("PUBLISHED", article, draft, [])
    assert row["articles"][0]["url"] == f"https://mp.weixin.qq.com/s/{article}"
    assert (row["settledAt"] is not None, row["transaction"]["id"]) == (True, answer["transaction"]["id"])
    group = (await desk.served.client().data(document("article-group"), number=article))["articleGroup"]
    assert (group["platformId"], group["articles"][0]["title"]) == (article, "山岚轻羽绒服上新")
    assert await desk.told_of() == [("webhook", None)]
    await desk.settle()
    assert await desk.told_of() == [("webhook", None)]


async def test_where_no_event_comes_the_platform_is_asked(desk: Desk) -> None:
    answer = await desk.publish(desk.draft(), "publish-silently-1")
    desk.misbehaves("status", ASKING, value=503)
    await desk.settle()
    assert [each["state"] for each in await desk.listed()] == ["PUBLISHING"]
    desk.served.sandbox.kit.faults.clear()

    await desk.settle()

    article = desk.shelf.publications[answer["publication"]["publishId"]]
    assert [(each["state"], each["articleId"]) for each in await desk.listed()] == [("PUBLISHED", article)]
    assert await desk.told_of() == [("poll", None)]


async def test_those_that_nobody_can_ask_about_do_not_keep_others_from_their_turn(desk: Desk) -> None:
    services = desk.served.gateway.services
    before = services.projector.clock.now() - timedelta(days=30)
    gone = [{"appid": "wxgone", "publish_id": str(number), "at": before} for number in range(30)]
    async with services.database.write() as connection:
        await insert_rows(connection, publication, gone)
    await desk.publish(desk.draft(), "publish-behind-them")
    await desk.settle()
    await desk.settle()
    assert [each["state"] for each in await desk.listed() if each["account"] == desk.appid] == ["PUBLISHED"]


async def test_what_the_platform_never_heard_of_is_over_too(desk: Desk) -> None:
    answer = await desk.publish(desk.draft(), "publish-and-lose-1")
    del desk.shelf.publications[answer["publication"]["publishId"]]
    await desk.settle()
    assert [each["state"] for each in await desk.listed()] == ["OTHER"]
    assert await desk.told_of() == [("poll", "OTHER")]


async def test_an_event_before_the_answer_and_one_from_the_console(desk: Desk) -> None:
    await desk.ended("99", PublishStatus.REJECTED, failed=(2,))
    [row] = await desk.listed()
    assert (row["state"], row["title"], row["failed"], row["transaction"]) == ("REJECTED", None, [2], None)
    assert (row["articles"], await desk.told_of()) == (None, [("webhook", "REJECTED")])


async def test_a_lost_answer_is_asked_about_by_the_draft(desk: Desk) -> None:
    draft, made = desk.draft(), len(desk.effects("published"))
    desk.misbehaves("reset_after", SUBMITTING, calls=(1,))

    answer = await desk.publish(draft, "publish-it-lost-1")

    assert (answer["publication"], answer["transaction"]["state"]) == (None, "COMPLETED")
    assert len(desk.effects("published")) == made + 1


async def test_it_stands_last_and_is_not_done_when_an_earlier_field_fails(desk: Desk) -> None:
    given = {"member": await desk.member("protagonist"), "draft": desk.draft()}
    failed = await desk.served.client().data(ATOMIC, **given, points=0)
    assert failed["article"]["code"] == "TRANSACTION_ROLLED_BACK"
    assert given["draft"] in desk.shelf.drafts
    done = await desk.served.client().data(ATOMIC.replace("of-the-day", "of-the-week"), **given, points=5)
    assert done["article"]["__typename"] == "ArticlePublished"


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    answers = [await desk.publish(each, f"bad-draft-{len(each)}") for each in ("", "d" * 129, "no-such-draft")]
    assert [each["code"] for each in answers] == ["BAD_USER_INPUT", "BAD_USER_INPUT", "DRAFT_UNKNOWN"]
    client = desk.served.client()
    for state in ("DRAFT", "PUBLISHED"):
        assert (await client.data(document("article-group"), number="none", state=state))["articleGroup"] is None
    long = await client.ask(document("article-group"), number="n" * 129)
    assert [each["extensions"]["code"] for each in long["errors"]] == ["BAD_USER_INPUT"]
    shown = await client.data(document("article-group"), number=desk.draft(), state="DRAFT")
    assert shown["articleGroup"]["articles"][0]["title"] == "山岚轻羽绒服上新"


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_only_headquarters_publishes_and_sees(desk: Desk, caller: str) -> None:
    client, made = desk.served.client(caller), len(desk.effects("published"))
    for answer in (
        await client.ask(document("publications")),
        await client.ask(document("article-group"), number="n"),
        await client.ask(document("article-publish"), draft=desk.draft(), key=f"who-may-{caller}"),
    ):
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    assert len(desk.effects("published")) == made


async def test_an_absent_tool_is_said(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(TOOL)))
    assert (await desk.publish("a-draft", "no-such-tool"))["code"] == "TOOL_NOT_CONFIGURED"
