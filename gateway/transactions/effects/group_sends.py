"""Group sends (企业群发): a task that asks guides to send a message to customers of theirs.

**Nothing is sent by it**: every guide confirms in their own client, or does not. Each customer passes the gate before
the task is made, and whoever may not be spoken to is left out. ``gateway.transactions.group_sends`` reads later what
became of each guide and customer. Customer groups are none of it: whoever says no cannot be left out of a group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import Conflict, OutcomeUnknown, UpstreamError
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.sends import (
    Attachment,
    FileAttachment,
    GroupSend,
    LinkAttachment,
    MiniProgramAttachment,
    PictureAttachment,
)
from gateway.database.facts import Fact
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_new
from gateway.database.tables.contacts import group_send, group_send_refusal, group_send_target
from gateway.database.tables.members import identity
from gateway.database.tables.projections import contact
from gateway.database.tables.reach import send_attempt
from gateway.events.projections import enterprise_chat
from gateway.events.projector import Batch
from gateway.members.consent import Purpose
from gateway.members.family import present_ids
from gateway.members.gate import Asked, Decision, Gate
from gateway.members.reach import Channel, Reason
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.customers import external_userids, guide_state
from gateway.transactions.effects.member_tags import tag_ids
from gateway.transactions.effects.messages import message_fact
from gateway.transactions.effects.rounds import begin_with, through_gate
from gateway.transactions.effects.tagging import TagName
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Members who are named in one request, and customers of one task: the latter is the platform's own limit.
MOST_MEMBERS: Final = 1000
MOST_CUSTOMERS: Final = 10_000
#: Bytes of the text, and attachments.
TEXT_BYTES: Final = 4000
MOST_ATTACHMENTS: Final = 9
#: The platform's clock and ours may be so far apart.
_SKEW: Final = timedelta(minutes=2)
#: How far back the platform lists tasks in one question.
_LISTED: Final = timedelta(days=30)
_CANCELLED: Final = "send_cancelled"


class Piece(msgspec.Struct, frozen=True):
    """An attachment: of ``kind`` PICTURE, FILE, VIDEO, LINK or MINI_PROGRAM; what it does not have is empty."""

    kind: str
    media_id: str = ""
    title: str = ""
    url: str = ""
    picture_url: str = ""
    description: str = ""
    appid: str = ""
    page: str = ""


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``guide`` is (corpid, userid); ``members`` None: all customers of the guide's that
    carry all ``tags``."""

    text: str
    attachments: tuple[Piece, ...]
    purpose: str
    members: tuple[str, ...] | None
    guide: tuple[str, str] | None = None
    tags: tuple[TagName, ...] = ()
    account: str = ""


class Create(msgspec.Struct, frozen=True):
    """The task to make, and who is to be asked about at the gate. ``id`` is our own name of it."""

    id: str
    corpid: str
    userid: str
    members: tuple[str, ...]
    text: str
    attachments: tuple[Piece, ...]
    purpose: str
    at: datetime

    @property
    def key(self) -> str:
        """Names the attempt at the gate."""
        return gate_key(self.id)


class Created(msgspec.Struct, frozen=True):
    """The task is there, and nobody has sent anything."""

    id: str


class Named(msgspec.Struct, frozen=True):
    """A task of ours, by our id."""

    id: str


class Task(msgspec.Struct, frozen=True):
    """A task of ours, as the platform knows it."""

    id: str
    corpid: str
    task_id: str


def gate_key(send_id: str) -> str:
    """By which the gate knows the messages of a task."""
    return f"groupSendCreate:{send_id}"


async def _plan_create(planning: Planning, asked: Wanted) -> Effect:
    if len(asked.text.encode()) > TEXT_BYTES:
        raise StepRefused("BAD_USER_INPUT", f"text has {len(asked.text.encode())} bytes: {TEXT_BYTES} are possible.")
    if len(asked.attachments) > MOST_ATTACHMENTS:
        raise StepRefused(
            "BAD_USER_INPUT", f"{len(asked.attachments)} attachments given: {MOST_ATTACHMENTS} are possible."
        )
    if not asked.text and not asked.attachments:
        raise StepRefused("BAD_USER_INPUT", "A group send needs a text or an attachment.")
    corpid, userid = asked.guide or (asked.account, "")
    if asked.account not in {"", corpid}:
        raise StepRefused("BAD_USER_INPUT", "The guide is of another corp than account.")
    adapter = planning.tools.get(EnterpriseChatAdapter, corpid or None)
    if asked.guide is not None:
        state = await guide_state(planning.database, corpid, userid)
        if state is None:
            raise StepRefused("GUIDE_UNKNOWN", "There is no such guide; take one from the query stores.")
        if state != "ACTIVE":
            raise StepRefused("GUIDE_LEFT", "The guide who is to send it has left.")
    members = await _audience(planning, adapter, asked, userid)
    at = planning.projector.clock.now()
    intent = Create(
        planning.key, adapter.account, userid, tuple(members), asked.text, asked.attachments, asked.purpose, at
    )
    return Effect(intent, values={"corpid": adapter.account})


async def _audience(planning: Planning, adapter: EnterpriseChatAdapter, asked: Wanted, userid: str) -> Sequence[str]:
    """Ids of the members whom the gate is asked about. Raises StepRefused."""
    if asked.members is not None:
        if asked.tags:
            raise StepRefused("BAD_USER_INPUT", "Give members, or a guide with tags: tags choose among all of theirs.")
        if not 1 <= len(asked.members) <= MOST_MEMBERS:
            raise StepRefused(
                "BAD_USER_INPUT", f"{len(asked.members)} members given: 1 to {MOST_MEMBERS} are possible."
            )
        present = await present_ids(planning.database.fetch, list(asked.members))
        if any(each not in present for each in asked.members):
            raise StepRefused("MEMBER_UNKNOWN", "There is no such member.")
        return list(dict.fromkeys(present[each] for each in asked.members))
    if asked.guide is None:
        raise StepRefused("BAD_USER_INPUT", "Name the members, or the guide whose customers are meant.")
    wanted = set(await tag_ids(planning, adapter, asked.tags)) if asked.tags else set()
    rows = await planning.database.fetch(
        select(identity.c.member, contact.c.tag_ids)
        .join(identity, identity.c.id == contact.c.identity)
        .where(
            contact.c.corpid == adapter.account,
            contact.c.userid == userid,
            contact.c.removed_by.is_(None),
            identity.c.member.is_not(None),
        )
        .order_by(contact.c.added_at, contact.c.identity)
    )
    found = list(dict.fromkeys(row.member for row in rows if wanted <= set(row.tag_ids)))
    if not found:
        raise StepRefused("CONTACT_UNKNOWN", "The guide has no customer who carries all of these tags.")
    if len(found) > MOST_CUSTOMERS:
        raise StepRefused(
            "BAD_USER_INPUT", f"The guide has {len(found)} such customers: {MOST_CUSTOMERS} are possible; add tags."
        )
    return found


async def _ask(ctx: StepContext, intent: Create) -> Created:
    """Looks for the task among those of the time: the platform has no key for it.

    A task that is not listed may still appear, and of two alike nobody can tell which is ours: then it stays unknown,
    and is never made again. Raises OutcomeUnknown.
    """
    # Of whoever was erased meanwhile nothing is kept.
    allowed = await _allowed(ctx, intent)
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    found = await _listed(adapter, intent, ctx.now)
    mine = select(group_send.c.task_id).where(group_send.c.corpid == intent.corpid, group_send.c.task_id.in_(found))
    known = {row.task_id for row in await ctx.projector.database.fetch(mine)}
    unclaimed = [each for each in found if each not in known]
    if len(unclaimed) != 1:
        raise OutcomeUnknown("enterprise_chat", "not_listed", f"{len(unclaimed)} tasks may be this one.")
    # Who is in no guide's task is told with the results.
    _follow(ctx, intent, unclaimed[0], list(allowed), unreachable=(), refused=await _refused(ctx, intent))
    return Created(intent.id)


async def _listed(adapter: EnterpriseChatAdapter, intent: Create, now: datetime) -> Sequence[str]:
    """Tasks of the API's since then that say the same."""
    start = intent.at - _SKEW
    end, pages = min(now + _SKEW, start + _LISTED), tuple(e.page for e in intent.attachments if e.kind == _CARD)
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await adapter.group_sends(start, end, cursor, own=False)
        found += [
            each.task_id
            for each in page.items
            if each.creator is None and (each.text, each.pages) == (intent.text, pages)
        ]
        cursor = page.next_cursor
        if cursor is None:
            return found


async def _allowed(ctx: StepContext, intent: Create) -> Mapping[str, str]:
    """Whom the gate gave a place in this task: our id of the customer → the member."""
    return {row.identity: row.member for row in await _attempts(ctx, intent) if row.counted and row.identity}


async def _refused(ctx: StepContext, intent: Create) -> Sequence[Decision]:
    return [
        Decision(row.member, row.member, False, Reason(row.reason))
        for row in await _attempts(ctx, intent)
        if not row.counted and row.reason
    ]


async def _attempts(ctx: StepContext, intent: Create) -> Sequence[AnyRow]:
    columns = (send_attempt.c[name] for name in ("member", "identity", "reason", "counted"))
    return await ctx.projector.database.fetch(select(*columns).where(send_attempt.c.key == intent.key))


# ASKABLE: tasks are listed by time. A PIVOT: it can be cancelled, but what a guide has sent stays sent.
@step(
    name="group_send.create",
    tool="enterprise_chat",
    kind=Kind.PIVOT,
    delivery=Delivery.ASKABLE,
    idempotent=False,
    ask=_ask,
    prepares=True,
    places=lambda intent: intent.key,
)
async def create(ctx: StepContext, intent: Create) -> Created:
    """Through the gate, then one call for all whom it allowed; what was provably not asked gives its places back."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    about = Asked(
        purpose=Purpose(intent.purpose),
        channel=Channel.ENTERPRISE_CHAT,
        key=intent.key,
        account=intent.corpid,
        guide=f"{intent.corpid}:{intent.userid}" if intent.userid else None,
    )
    decisions = await through_gate(ctx, about, intent.members)
    refused = [each for each in decisions if not each.allowed]
    allowed = {each.identity: each for each in decisions if each.allowed and each.identity is not None}
    externals = await external_userids(ctx.projector.database, allowed)
    if not externals:
        raise _nobody(refused)
    await begin_with(ctx, about, [allowed[each] for each in externals])
    try:
        made = await adapter.create_group_send(_message(intent, list(externals.values())))
    except OutcomeUnknown:
        raise
    except UpstreamError as error:
        told = {"tool": "enterprise_chat", "reason": error.reason, "purpose": intent.purpose}
        ctx.facts += [
            message_fact(ctx, each, "message.failed", key=f"{intent.key}:{each.identity}", **told)
            for each in allowed.values()
        ]
        raise
    unreachable = [each for each, external in externals.items() if external in made.unreachable]
    _follow(ctx, intent, made.task_id, list(externals), unreachable=unreachable, refused=refused)
    return Created(intent.id)


def _nobody(refused: Sequence[Decision]) -> StepRefused:
    reasons = Counter(str(each.reason) for each in refused)
    told = ", ".join(f"{reason} {number}" for reason, number in sorted(reasons.items()))
    return StepRefused(
        "NOT_REACHABLE",
        f"None of these members can be sent this now ({told}); Member.reach says which ways are open and when.",
        reason=reasons.most_common(1)[0][0] if reasons else "UNKNOWN_MEMBER",
    )


def _message(intent: Create, externals: Sequence[str]) -> GroupSend:
    return GroupSend(
        intent.text,
        external_userids=tuple(externals),
        sender=intent.userid,
        attachments=tuple(attachment_of(each) for each in intent.attachments),
    )


_CARD: Final = "MINI_PROGRAM"


def attachment_of(piece: Piece) -> Attachment:
    """As the adapter takes it."""
    if piece.kind == "PICTURE":
        return PictureAttachment(piece.media_id, piece.url)
    if piece.kind == "LINK":
        return LinkAttachment(piece.title, piece.url, piece.picture_url, piece.description)
    if piece.kind == _CARD:
        return MiniProgramAttachment(piece.title, piece.appid, piece.page, piece.media_id)
    return FileAttachment(piece.media_id, video=piece.kind == "VIDEO")


def _follow(
    ctx: StepContext,
    intent: Create,
    task_id: str,
    asked: Sequence[str],
    *,
    unreachable: Sequence[str],
    refused: Sequence[Decision],
) -> None:
    """The task, a row per customer and one per member who was left out, in the commit of the outcome."""

    async def follow(batch: Batch) -> None:
        row = {
            "id": intent.id,
            "saga": ctx.saga,
            "corpid": intent.corpid,
            "task_id": task_id,
            "userid": intent.userid,
            "purpose": intent.purpose,
            "text": intent.text,
            "state": "ASKED",
            "asked_at": intent.at,
        }
        await insert_new(batch.connection, group_send, [row], keys=("id",))
        targets = [
            {"send": intent.id, "identity": each, "delivery": "UNREACHABLE" if each in unreachable else "PENDING"}
            for each in asked
        ]
        await insert_new(batch.connection, group_send_target, targets, keys=("send", "identity"))
        left_out = [
            {"send": intent.id, "member": each.member, "reason": str(each.reason), "opens_at": each.opens_at}
            for each in refused
        ]
        await insert_new(batch.connection, group_send_refusal, left_out, keys=("send", "member"))
        await given_back(batch, ctx.gate, intent.id, intent.corpid, dict.fromkeys(unreachable, "UNREACHABLE"), ctx.now)

    ctx.on_done.append(follow)


async def given_back(
    batch: Batch, gate: Gate, send_id: str, corpid: str, reasons: Mapping[str, str], at: datetime
) -> None:
    """Customers whom the message does not reach, and why: told as facts, and their places under the caps are free."""
    if not reasons:
        return
    members = await enterprise_chat.members_of(batch.connection, reasons)
    await gate.release(gate_key(send_id), list(members.values()), batch=batch)
    batch.facts += [
        delivery_fact("message.failed", send_id, corpid, each, members.get(each), at, reason=reason)
        for each, reason in reasons.items()
    ]


def delivery_fact(
    kind: str, send_id: str, corpid: str, customer: str, member: str | None, at: datetime, *, reason: str | None = None
) -> Fact:
    """What became of the message to one customer, by the platform's word."""
    return Fact(
        kind=kind,
        occurred_at=at,
        source="poll",
        source_key=f"{gate_key(send_id)}:{customer}",
        account=corpid,
        tool="enterprise_chat",
        member=member,
        identity=customer,
        reason=reason,
        payload={"group_send": send_id},
    )


# Of a task that is there -------------------------------------------------------------------------


async def _plan_named(planning: Planning, asked: Named) -> Effect:
    row = await planning.database.one(select(group_send).where(group_send.c.id == asked.id))
    if row is None:
        raise StepRefused("GROUP_SEND_UNKNOWN", "There is no such group send; the query groupSends lists them.")
    planning.tools.get(EnterpriseChatAdapter, row.corpid)
    if row.state != "ASKED":
        raise StepRefused("GROUP_SEND_OVER", f"This group send is {row.state}: no guide is asked any more.")
    return Effect(Task(row.id, row.corpid, row.task_id), values={"corpid": row.corpid})


# KEYED: what is cancelled twice is cancelled. RETRIABLE, since nothing makes guides be asked again.
@step(name="group_send.cancel", tool="enterprise_chat", kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def cancel(ctx: StepContext, intent: Task) -> Named:
    """Guides who have not sent cannot any more; what was sent stays. The results are read once more."""
    adapter = ctx.tools.get(EnterpriseChatAdapter, intent.corpid)
    try:
        await adapter.cancel_group_send(intent.task_id)
    except Conflict as error:
        if error.reason != _CANCELLED:
            raise
    _cancelled(ctx, intent)
    return Named(intent.id)


def _cancelled(ctx: StepContext, intent: Task) -> None:
    async def follow(batch: Batch) -> None:
        await batch.connection.execute(
            group_send.update()
            .where(group_send.c.id == intent.id, group_send.c.state == "ASKED")
            .values(state="CANCELLED", read_at=None)
        )

    ctx.on_done.append(follow)


# ONCE: each reminder is one of three a day, and the platform has neither a key nor a question about it.
@step(name="group_send.remind", tool="enterprise_chat", kind=Kind.RETRIABLE, delivery=Delivery.ONCE)
async def remind(ctx: StepContext, intent: Task) -> Named:
    """The platform reminds the guides who have yet to send: staff, before whom no gate stands."""
    await ctx.tools.get(EnterpriseChatAdapter, intent.corpid).remind_group_send(intent.task_id)
    return Named(intent.id)


CREATE: Final = Action("groupSendCreate", create, _plan_create)
CANCEL: Final = Action("groupSendCancel", cancel, _plan_named)
REMIND: Final = Action("groupSendRemind", remind, _plan_named)
