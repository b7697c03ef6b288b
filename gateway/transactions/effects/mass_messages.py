"""Mass messages (群发) of an official account: to the followers of a tag or to some members, through the gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import UpstreamError
from adapters.official_account import Draft, MassJob, MassStatus, OfficialAccountAdapter, Pictures, Video, Voice
from gateway.database.reading import chunks
from gateway.database.statements import upsert
from gateway.database.tables.followers import mass_message
from gateway.database.tables.members import identity
from gateway.database.tables.reach import send_attempt
from gateway.events.kinds import normal
from gateway.events.projector import Batch
from gateway.members.consent import Purpose
from gateway.members.gate import Asked, Decision, Gate
from gateway.members.reach import Channel
from gateway.runtime import ToolNotConfigured
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.messages import message_fact, must_be_allowed, not_sent, openid_of, sending
from gateway.transactions.effects.people import platform_names
from gateway.transactions.effects.rounds import begin_with, through_gate
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Followers of one mass message by openid: the platform's own limits.
FEWEST: Final = 2
MOST: Final = 10_000
#: The platform knows a repeated ``clientmsgid`` for a day; we stop an hour earlier.
WINDOW: Final = timedelta(hours=23)
#: What can be taken back: these open pages of the platform's. What else arrived stays.
TAKEN_BACK: Final = frozenset({"ARTICLES", "VIDEO"})


class Content(msgspec.Struct, frozen=True):
    """What is sent. ``kind`` is TEXT, ARTICLES, PICTURES, VOICE or VIDEO; ``text`` also the line about pictures."""

    kind: str
    text: str = ""
    media_ids: tuple[str, ...] = ()
    title: str = ""
    description: str = ""

    def record(self) -> str | Draft | Pictures | Voice | Video:
        """As the adapter takes it."""
        match self.kind:
            case "ARTICLES":
                return Draft(self.media_ids[0])
            case "PICTURES":
                return Pictures(self.media_ids, self.text)
            case "VOICE":
                return Voice(self.media_ids[0])
            case "VIDEO":
                return Video(self.media_ids[0], title=self.title, description=self.description)
            case _:
                return self.text


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: ``tag``, by its name, or ``members``; ``account`` None: not said."""

    content: Content
    purpose: str
    account: str | None
    tag: str | None
    members: tuple[str, ...] | None
    reprint: bool


class Send(msgspec.Struct, frozen=True):
    """Whom it is meant for, and the name under which the gate and the platform know it.

    ``unknown`` are followers whom no member leads to: nobody can ask for their consent.
    """

    appid: str
    wanted: Wanted
    members: tuple[str, ...]
    unknown: int
    key: str


class Withheld(msgspec.Struct, frozen=True):
    """How many did not get it, and why: a reason of the gate."""

    reason: str
    members: int


class Sent(msgspec.Struct, frozen=True):
    """Taken by the platform, which tells by an event how it went."""

    appid: str
    message_id: str
    reached: int
    withheld: tuple[Withheld, ...]


class WantedPreview(msgspec.Struct, frozen=True):
    """One follower who looks at it first."""

    content: Content
    member: str
    account: str | None


class Preview(msgspec.Struct, frozen=True):
    """The same, with the name under which the gate knows it."""

    wanted: WantedPreview
    key: str


class Previewed(msgspec.Struct, frozen=True):
    """Shown by this account."""

    appid: str


class TakeBack(msgspec.Struct, frozen=True):
    """Which message, and which of its articles, counted from 1; 0 is all of it."""

    appid: str
    message_id: str
    article: int = 0


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if (asked.tag is None) is (asked.members is None):
        raise StepRefused("BAD_USER_INPUT", "Give either tag or members.")
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    unknown = 0
    if asked.tag is not None:
        members, unknown = await _tagged(planning, adapter, asked.tag)
    else:
        members = list(dict.fromkeys(asked.members or ()))
        _few_enough(len(members))
    if len(members) < FEWEST:
        raise _too_few()
    # Whom it goes to is in the intent already.
    wanted = msgspec.structs.replace(asked, members=None)
    intent = Send(adapter.account, wanted, tuple(members), unknown, f"mass:{planning.key}")
    return Effect(intent, values={"appid": adapter.account})


def _few_enough(followers: int) -> None:
    if followers > MOST:
        raise StepRefused(
            "AUDIENCE_TOO_LARGE", f"These are {followers} followers: a message takes {MOST}; split the audience."
        )


def _too_few() -> StepRefused:
    return StepRefused(
        "AUDIENCE_TOO_SMALL",
        f"Fewer than {FEWEST} of them may be sent this now, and the platform sends to no fewer; Member.reach says why.",
    )


async def _tagged(planning: Planning, adapter: OfficialAccountAdapter, name: str) -> tuple[Sequence[str], int]:
    """Members who carry a tag by the platform, and how many of its followers nobody knows here."""
    tag = next((each for each in await adapter.tags() if each.name == name), None)
    if tag is None:
        raise StepRefused("TAG_UNKNOWN", "There is no such tag; the query tags lists them.", tag=name)
    _few_enough(tag.followers)
    openids: list[str] = []
    cursor: str | None = None
    while True:
        page = await adapter.tag_followers(tag.id, cursor)
        openids += page.items
        _few_enough(len(openids))
        cursor = page.next_cursor
        if cursor is None:
            break
    kind, keyring = "OPENID", planning.database.keyring
    found: dict[str, None] = {}
    known = 0
    for some in chunks(openids):
        hashes = [keyring.hash(normal(kind, each), "identity") for each in some]
        rows = await planning.database.fetch(
            select(identity.c.member).where(
                identity.c.kind == kind,
                identity.c.issuer == adapter.account,
                identity.c.value_hash.in_(hashes),
                identity.c.member.is_not(None),
            )
        )
        known += len(rows)
        found |= dict.fromkeys(row.member for row in rows)
    return list(found), len(openids) - known


# KEYED: the platform answers the first job for the same ``clientmsgid``. What was read cannot be taken back.
@step(
    name="mass_message.send",
    tool="official_account",
    kind=Kind.RETRIABLE,
    delivery=Delivery.KEYED,
    window=WINDOW,
    prepares=True,
    places=lambda intent: intent.key,
)
async def send(ctx: StepContext, intent: Send) -> Sent:
    """Through the gate, for every member of the audience, then to whom it allowed; one call."""
    wanted = intent.wanted
    about = Asked(purpose=Purpose(wanted.purpose), channel=Channel.MASS_MESSAGE, key=intent.key, account=intent.appid)
    # Two of the audience may be one member by now.
    decisions = {each.member: each for each in await through_gate(ctx, about, intent.members)}
    allowed = {str(each.identity): each for each in decisions.values() if each.allowed}
    openids = await platform_names(ctx.projector.database, allowed, "OPENID")
    reached = [allowed[who] for who in openids]
    if len(reached) < FEWEST:
        raise _too_few()
    await begin_with(ctx, about, reached)
    with _sending(ctx, intent, reached):
        adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
        job = await adapter.mass_to_followers(
            list(openids.values()), wanted.content.record(), intent.key, reprint=wanted.reprint
        )
    _tell(ctx, intent, reached, job)
    withheld = Counter(str(each.reason) for each in decisions.values() if not each.allowed)
    if intent.unknown:
        withheld["UNKNOWN_MEMBER"] += intent.unknown
    told = tuple(Withheld(*each) for each in sorted(withheld.items()))
    return Sent(intent.appid, job.message_id, len(reached), told)


@contextmanager
def _sending(ctx: StepContext, intent: Send, reached: Sequence[Decision]) -> Iterator[None]:
    """As for one message: what was provably not sent is told of everybody."""
    try:
        yield
    except (UpstreamError, ToolNotConfigured) as error:
        reason = not_sent(ctx, error)
        if reason is not None:
            ctx.facts.extend(
                message_fact(ctx, each, "message.failed", **_about(intent, each), reason=reason) for each in reached
            )
        raise


def _about(intent: Send, decision: Decision) -> dict[str, str]:
    return {
        "tool": "official_account",
        "key": f"{intent.key}:{decision.member}",
        "purpose": intent.wanted.purpose,
        "channel": Channel.MASS_MESSAGE.value,
    }


def _tell(ctx: StepContext, intent: Send, reached: Sequence[Decision], job: MassJob) -> None:
    """A fact of everybody, and the message in our book, in the commit of the outcome."""
    ctx.facts.extend(
        message_fact(ctx, each, "message.accepted", **_about(intent, each), message=job.message_id) for each in reached
    )
    row: Mapping[str, object] = {
        "appid": intent.appid,
        "message_id": job.message_id,
        "at": ctx.now,
        "saga": ctx.saga,
        "key": intent.key,
        "data_id": job.data_id or None,
        "content": intent.wanted.content.kind,
        "purpose": intent.wanted.purpose,
        "tag": intent.wanted.tag,
        "reached": len(reached),
    }

    async def follow(batch: Batch) -> None:
        await upsert(batch.connection, mass_message, [row], keys=("appid", "message_id"))
        # Its event may have come before.
        await give_back(ctx.gate, batch, intent.appid, job.message_id)

    ctx.on_done.append(follow)


async def give_back(gate: Gate, batch: Batch, appid: str, message_id: str) -> None:
    """The places of a message that the platform stopped: nobody got it. Does nothing for another one."""
    found = await batch.connection.execute(
        select(mass_message.c.key).where(
            mass_message.c.appid == appid,
            mass_message.c.message_id == message_id,
            mass_message.c.state == MassStatus.FAILED.value,
            mass_message.c.sent == 0,
            mass_message.c.key.is_not(None),
        )
    )
    for key in found.scalars().all():
        told = await batch.connection.execute(
            select(send_attempt.c.member).where(send_attempt.c.key == key, send_attempt.c.counted)
        )
        await gate.release(key, list(told.scalars()), batch=batch)


async def _plan_preview(planning: Planning, asked: WantedPreview) -> Effect:
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    wanted = msgspec.structs.replace(asked, account=adapter.account)
    return Effect(Preview(wanted, f"massMessagePreview:{planning.key}"), values={"member": asked.member})


# ONCE: the platform has neither a key nor a question. Shown is shown.
@step(name="mass_message.preview", tool="official_account", kind=Kind.RETRIABLE, delivery=Delivery.ONCE)
async def preview(ctx: StepContext, intent: Preview) -> Previewed:
    """To one who works at the brand. Whoever it is has a member's rights: the gate is asked, but no month is used."""
    wanted = intent.wanted
    about = Asked(
        purpose=Purpose.SERVICE, channel=Channel.OFFICIAL_ACCOUNT, key=intent.key, account=wanted.account or ""
    )
    [decision] = await ctx.gate.decide(about, [wanted.member])
    must_be_allowed(decision)
    openid = await openid_of(ctx, decision)
    told = {"tool": "official_account", "key": intent.key, "purpose": Purpose.SERVICE.value}

    async def give_back(_: str) -> None:
        await ctx.gate.release(intent.key, [wanted.member])

    async with sending(ctx, decision, told, give_back):
        adapter = ctx.tools.get(OfficialAccountAdapter, decision.account)
        await adapter.mass_preview(openid, wanted.content.record())
    ctx.facts.append(message_fact(ctx, decision, "message.accepted", **told))
    return Previewed(decision.account)


async def _plan_take_back(planning: Planning, asked: TakeBack) -> Effect:
    planning.tools.get(OfficialAccountAdapter, asked.appid)
    row = await planning.database.one(
        select(mass_message.c.content, mass_message.c.taken_back_at).where(
            mass_message.c.appid == asked.appid, mass_message.c.message_id == asked.message_id
        )
    )
    if row is None:
        raise StepRefused("MASS_MESSAGE_UNKNOWN", "There is no such mass message; the query massMessages lists them.")
    if row.taken_back_at is not None:
        raise StepRefused("MASS_MESSAGE_FIXED", "This message was taken back before.")
    if row.content is not None and row.content not in TAKEN_BACK:
        raise StepRefused(
            "MASS_MESSAGE_FIXED", f"Only articles and films can be taken back; this message is {row.content}."
        )
    if asked.article and (asked.article < 0 or row.content == "VIDEO"):
        raise StepRefused("BAD_USER_INPUT", "article is the place of an article, counted from 1.")
    return Effect(asked, values={"appid": asked.appid})


# KEYED by the message's own number. A PIVOT: nobody can put it back.
@step(name="mass_message.take_back", tool="official_account", kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def take_back(ctx: StepContext, intent: TakeBack) -> TakeBack:
    """Its page is gone for everybody; what arrived stays with its title."""
    adapter = ctx.tools.get(OfficialAccountAdapter, intent.appid)
    await adapter.sending_take_back(intent.message_id, intent.article)
    row = {"appid": intent.appid, "message_id": intent.message_id, "at": ctx.now, "taken_back_at": ctx.now}

    async def followed(batch: Batch) -> None:
        await upsert(batch.connection, mass_message, [row], keys=("appid", "message_id"), insert_only=("at",))

    if not intent.article:
        ctx.on_done.append(followed)
    return intent


SEND: Final = Action("massMessageSend", send, _plan)
PREVIEW: Final = Action("massMessagePreview", preview, _plan_preview)
TAKE_BACK: Final = Action("massMessageDelete", take_back, _plan_take_back)
