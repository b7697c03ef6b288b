"""Drafts (草稿) of an official account become articles (发布): the platform takes one, and tells later how it went."""

from __future__ import annotations

from typing import Final

import msgspec

from adapters.base.errors import Invalid
from adapters.official_account import OfficialAccountAdapter
from gateway.database.statements import upsert
from gateway.database.tables.followers import publication
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Characters of a media_id.
MEDIA_LENGTH: Final = 128


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: a draft by its media_id. ``account`` None: not said."""

    draft: str
    account: str | None


class Publish(msgspec.Struct, frozen=True):
    """A draft of this account, and the title of its first article."""

    appid: str
    draft: str
    title: str


class Taken(msgspec.Struct, frozen=True):
    """The platform took it. ``publish_id`` is empty where its answer was lost: nothing tells the number then."""

    appid: str
    publish_id: str


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if not 1 <= len(asked.draft) <= MEDIA_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"draft is the media_id of a draft: 1 to {MEDIA_LENGTH} characters.")
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    title = await _title(adapter, asked.draft)
    if title is None:
        raise StepRefused("DRAFT_UNKNOWN", "The account has no such draft (any more); the query articles lists them.")
    return Effect(Publish(adapter.account, asked.draft, title), values={"appid": adapter.account})


async def _title(adapter: OfficialAccountAdapter, draft: str) -> str | None:
    """Of the draft's first article; None where there is no such draft."""
    try:
        articles = await adapter.draft(draft)
    except Invalid as error:
        if error.reason != "media_unknown":
            raise
        return None
    return articles[0].title if articles else ""


async def _ask(ctx: StepContext, intent: Publish) -> Taken | None:
    """A draft that was taken is there no more."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    return Taken(intent.appid, "") if await _title(adapter, intent.draft) is None else None


# A PIVOT: links to it are shared at once, and taking it down is the console's.
@step(
    name="article.publish",
    tool="official_account",
    kind=Kind.PIVOT,
    delivery=Delivery.ASKABLE,
    ask=_ask,
)
async def publish(ctx: StepContext, intent: Publish) -> Taken:
    """One call; the row is open until the platform told how it went."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    number = await adapter.publish(intent.draft)
    row = {
        "appid": intent.appid,
        "publish_id": number,
        "at": ctx.now,
        "saga": ctx.saga,
        "draft": intent.draft,
        "title": intent.title,
    }

    async def follow(batch: Batch) -> None:
        await upsert(batch.connection, publication, [row], keys=("appid", "publish_id"))

    ctx.on_done.append(follow)
    return Taken(intent.appid, number)


PUBLISH: Final = Action("articlePublish", publish, _plan)
