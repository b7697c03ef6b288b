"""App messages (应用消息) to guides, the brand's own employees: no gate stands before them."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import OutcomeUnknown, Rejected, UpstreamError
from adapters.enterprise_chat import AppMessage, AppMessageKind, EnterpriseChatAdapter
from gateway.database.facts import Fact
from gateway.database.tables.dimensions import guide
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step
from gateway.transactions.tail_steps import MESSAGE_WINDOW

#: Guides of one message.
MOST_GUIDES: Final = 100


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: a card with a title, a sentence and a page behind a tap, to guides of one corp."""

    corpid: str
    userids: tuple[str, ...]
    title: str
    text: str
    url: str


class Send(msgspec.Struct, frozen=True):
    """The message, and the key by which the platform knows its card."""

    wanted: Wanted
    key: str


class Sent(msgspec.Struct, frozen=True):
    """Taken by the platform for everybody but ``unreached``, whom the app does not see or who have no licence."""

    message_id: str
    unreached: tuple[str, ...]


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if not 1 <= len(asked.userids) <= MOST_GUIDES:
        raise StepRefused("BAD_USER_INPUT", f"{len(asked.userids)} guides given: 1 to {MOST_GUIDES} are possible.")
    planning.tools.get(EnterpriseChatAdapter, asked.corpid)
    rows = await planning.database.fetch(
        select(guide.c.userid).where(
            guide.c.corpid == asked.corpid,
            guide.c.userid.in_(asked.userids),
            guide.c.state == "ACTIVE",
            guide.c.valid_to.is_(None),
        )
    )
    missing = len(set(asked.userids) - {row.userid for row in rows})
    if missing:
        raise StepRefused(
            "GUIDE_UNKNOWN", f"{missing} of the guides are unknown or have left; take them from the query stores."
        )
    return Effect(Send(asked, f"appMessageSend-{planning.key}"))


# KEYED: a card has a task_id, which is unique for the app, and the same content within four hours is one message.
# Only a card: two texts that say the same would be one, under whatever keys.
@step(
    name="app_message.send",
    tool="enterprise_chat",
    kind=Kind.RETRIABLE,
    delivery=Delivery.KEYED,
    window=MESSAGE_WINDOW,
)
async def send(ctx: StepContext, intent: Send) -> Sent:
    """One card to all of them. That some are not reached is a success that names them; all of them, a refusal."""
    wanted = intent.wanted
    adapter = ctx.tools.get(EnterpriseChatAdapter, wanted.corpid)
    message = AppMessage(
        wanted.userids, AppMessageKind.NOTICE_CARD, wanted.title, wanted.text, wanted.url, dedupe_key=intent.key
    )
    try:
        sent = await adapter.send_app_message(message)
        # The platform answers in lower case.
        unreached = tuple(each for each in wanted.userids if each.lower() in sent.invalid_userids)
        if len(unreached) == len(wanted.userids):
            raise Rejected("enterprise_chat", "nobody_reached", "None of the guides can be reached by this app.")
    except OutcomeUnknown:
        raise
    except UpstreamError as error:
        ctx.facts += _message_facts(ctx, intent, wanted.userids, "message.failed", error.reason)
        raise
    for userid in wanted.userids:
        kind, reason = ("message.failed", "invalid_userid") if userid in unreached else ("message.accepted", None)
        ctx.facts.append(_message_fact(ctx, intent, userid, kind, reason))
    return Sent(sent.message_id, unreached)


def _message_facts(
    ctx: StepContext, intent: Send, userids: tuple[str, ...], kind: str, reason: str | None
) -> list[Fact]:
    return [_message_fact(ctx, intent, userid, kind, reason) for userid in userids]


def _message_fact(ctx: StepContext, intent: Send, userid: str, kind: str, reason: str | None) -> Fact:
    """What the platform said to it, about one guide."""
    return Fact(
        kind=kind,
        occurred_at=ctx.now,
        source="own",
        source_key=f"{intent.key}:{userid}",
        account=intent.wanted.corpid,
        tool="enterprise_chat",
        guide=f"{intent.wanted.corpid}:{userid}",
        reason=reason,
        payload={"to": "guide"},
    )


SEND: Final = Action("appMessageSend", send, _plan)
