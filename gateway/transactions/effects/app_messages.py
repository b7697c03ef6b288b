"""App messages (应用消息) to guides, the brand's own employees: no gate stands before them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import select, update

from adapters.base.errors import Rejected, UpstreamError
from adapters.enterprise_chat import AppMessage, AppMessageKind, AppMessageSent, EnterpriseChatAdapter
from adapters.enterprise_chat.records.messages import Audience, CardButton, CardKind, CardMessage
from gateway.database.facts import Fact
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_new
from gateway.database.tables.contacts import app_message
from gateway.database.tables.dimensions import guide
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.messages import not_sent
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step
from gateway.transactions.tail_steps import MESSAGE_WINDOW

#: Guides of one message.
MOST_GUIDES: Final = 100
#: Buttons of a card, and characters on one.
MOST_BUTTONS: Final = 6
BUTTON_LENGTH: Final = 10
#: How long a message can be taken back, and how long the buttons of a card can be changed.
RECALLED: Final = timedelta(hours=24)
ANSWERED: Final = timedelta(hours=72)


class Button(msgspec.Struct, frozen=True):
    """A button and the page that it opens."""

    text: str
    url: str


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: a card with a title, a sentence and a page behind a tap, to guides of one corp."""

    corpid: str
    userids: tuple[str, ...]
    title: str
    text: str
    url: str
    buttons: tuple[Button, ...] = ()


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
    if len(asked.buttons) > MOST_BUTTONS:
        raise StepRefused("BAD_USER_INPUT", f"{len(asked.buttons)} buttons given: {MOST_BUTTONS} are possible.")
    for each in asked.buttons:
        if not 1 <= len(each.text) <= BUTTON_LENGTH or not each.url.startswith(("https://", "http://")):
            raise StepRefused("BAD_USER_INPUT", f"A button has 1 to {BUTTON_LENGTH} characters and a web address.")
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
    try:
        if wanted.buttons:
            sent = await adapter.send_content(Audience(wanted.userids), _card(intent), dedupe=True)
        else:
            sent = await adapter.send_app_message(_notice(intent))
        # The platform answers in lower case.
        unreached = tuple(each for each in wanted.userids if each.lower() in sent.invalid_userids)
        if len(unreached) == len(wanted.userids):
            raise Rejected("enterprise_chat", "nobody_reached", "None of the guides can be reached by this app.")
    except UpstreamError as error:
        reason = not_sent(ctx, error)
        if reason is not None:
            ctx.facts += _message_facts(ctx, intent, wanted.userids, "message.failed", reason)
        raise
    for userid in wanted.userids:
        kind, reason = ("message.failed", "invalid_userid") if userid in unreached else ("message.accepted", None)
        ctx.facts.append(_message_fact(ctx, intent, userid, kind, reason))
    _follow(ctx, wanted, sent)
    return Sent(sent.message_id, unreached)


def _notice(intent: Send) -> AppMessage:
    wanted = intent.wanted
    return AppMessage(
        wanted.userids, AppMessageKind.NOTICE_CARD, wanted.title, wanted.text, wanted.url, dedupe_key=intent.key
    )


def _card(intent: Send) -> CardMessage:
    """A card with buttons brings the right to say something else on them, once."""
    wanted = intent.wanted
    return CardMessage(
        CardKind.BUTTONS,
        wanted.title,
        wanted.text,
        wanted.url,
        task_id=intent.key,
        buttons=tuple(CardButton(each.text, url=each.url) for each in wanted.buttons),
    )


def _follow(ctx: StepContext, wanted: Wanted, sent: AppMessageSent) -> None:
    """What it takes to take it back and to change its buttons, in the commit of the outcome."""

    async def follow(batch: Batch) -> None:
        row = {
            "corpid": wanted.corpid,
            "message_id": sent.message_id,
            "saga": ctx.saga,
            "userids": list(wanted.userids),
            "response_code": sent.response_code or None,
            "sent_at": ctx.now,
        }
        await insert_new(batch.connection, app_message, [row], keys=("corpid", "message_id"))

    ctx.on_done.append(follow)


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


# Taking back, and changing buttons -----------------------------------------------------------------


class Named(msgspec.Struct, frozen=True):
    """A message that was sent here, by the platform's number; ``account`` None: not said."""

    account: str | None
    message_id: str


class Answer(msgspec.Struct, frozen=True):
    """What the buttons of a card are to say, to some of its guides, or to all where none are named."""

    account: str | None
    message_id: str
    text: str
    userids: tuple[str, ...] = ()


class Recall(msgspec.Struct, frozen=True):
    """A message to take back."""

    corpid: str
    message_id: str


class Say(msgspec.Struct, frozen=True):
    """The same of its buttons. The code is read when it is used: whoever has it may use it."""

    corpid: str
    message_id: str
    text: str
    userids: tuple[str, ...]


class Changed(msgspec.Struct, frozen=True):
    """Done, for everybody but ``unreached``."""

    corpid: str
    message_id: str
    unreached: tuple[str, ...] = ()


async def _there(planning: Planning, account: str | None, message_id: str) -> AnyRow:
    corpid = planning.tools.get(EnterpriseChatAdapter, account).account
    row = await planning.database.one(
        select(app_message).where(app_message.c.corpid == corpid, app_message.c.message_id == message_id)
    )
    if row is None:
        raise StepRefused("APP_MESSAGE_UNKNOWN", "No such message was sent by appMessageSend.")
    if row.recalled_at is not None:
        raise StepRefused("APP_MESSAGE_FIXED", "It was taken back before.")
    return row


async def _plan_recall(planning: Planning, asked: Named) -> Effect:
    row = await _there(planning, asked.account, asked.message_id)
    if planning.projector.clock.now() - row.sent_at >= RECALLED:
        raise StepRefused("APP_MESSAGE_FIXED", "It was sent more than 24 hours ago: nothing takes it back.")
    return Effect(Recall(row.corpid, row.message_id), values={"corpid": row.corpid})


# KEYED: what is taken back twice is taken back. RETRIABLE, since it does not come back.
@step(name="app_message.recall", tool="enterprise_chat", kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def recall(ctx: StepContext, intent: Recall) -> Changed:
    """Guides who have not read it do not find it any more."""
    await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).recall_app_message(intent.message_id)
    _follow_change(ctx, intent.corpid, intent.message_id, {"recalled_at": ctx.now})
    return Changed(intent.corpid, intent.message_id)


async def _plan_answer(planning: Planning, asked: Answer) -> Effect:
    if not 1 <= len(asked.text) <= BUTTON_LENGTH:
        raise StepRefused(
            "BAD_USER_INPUT", f"text has {len(asked.text)} characters: 1 to {BUTTON_LENGTH} are possible."
        )
    row = await _there(planning, asked.account, asked.message_id)
    if missing := len(set(asked.userids) - set(row.userids)):
        raise StepRefused("GUIDE_UNKNOWN", f"{missing} of the guides were not sent the card.")
    if row.response_code is None:
        raise StepRefused("APP_MESSAGE_FIXED", "The message has no buttons; give buttons to appMessageSend.")
    if row.answered_at is not None:
        raise StepRefused("APP_MESSAGE_FIXED", "Its buttons were changed before, which can be done once.")
    if planning.projector.clock.now() - row.sent_at >= ANSWERED:
        raise StepRefused("APP_MESSAGE_FIXED", "It was sent more than 72 hours ago: its buttons stay as they are.")
    intent = Say(row.corpid, row.message_id, asked.text, asked.userids)
    return Effect(intent, values={"corpid": row.corpid})


# ONCE: the code works once, and of one that is used the platform does not say by whom. RETRIABLE: it stays said.
@step(name="app_message.answer", tool="enterprise_chat", kind=Kind.RETRIABLE, delivery=Delivery.ONCE)
async def answer(ctx: StepContext, intent: Say) -> Changed:
    """The buttons are grey from now on and say something else."""
    row = await ctx.projector.database.one(
        select(app_message.c.response_code).where(
            app_message.c.corpid == intent.corpid, app_message.c.message_id == intent.message_id
        )
    )
    if row is None or not isinstance(row.response_code, str):
        raise StepRefused("APP_MESSAGE_UNKNOWN", "No such message was sent by appMessageSend.")
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    missed = await adapter.answer_card(row.response_code, intent.text, intent.userids)
    _follow_change(ctx, intent.corpid, intent.message_id, {"answered_at": ctx.now})
    return Changed(intent.corpid, intent.message_id, tuple(missed))


def _follow_change(ctx: StepContext, corpid: str, message_id: str, values: Mapping[str, Any]) -> None:
    async def follow(batch: Batch) -> None:
        where = (app_message.c.corpid == corpid, app_message.c.message_id == message_id)
        await batch.connection.execute(update(app_message).where(*where).values(**values))

    ctx.on_done.append(follow)


SEND: Final = Action("appMessageSend", send, _plan)
RECALL: Final = Action("appMessageRecall", recall, _plan_recall)
ANSWER: Final = Action("appMessageAnswer", answer, _plan_answer)
