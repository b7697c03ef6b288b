"""Audiences (人群) of 腾讯广告: made, filled with members, emptied of them, renamed and deleted.

Members are named by our own ids in ``audience_person``, which the intent refers to: there may be ten thousand of them,
and one who is erased is not named any more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import msgspec

from adapters.base.errors import NotFound, OutcomeUnknown, UpstreamError
from adapters.social_ads import Audience, SocialAdsAdapter
from gateway.database.facts import Fact
from gateway.database.reading import chunks
from gateway.events.projector import Batch
from gateway.members import audiences
from gateway.members.audiences import NO_ID, Known, Place
from gateway.members.consent import Purpose
from gateway.members.family import present_ids
from gateway.members.gate import Asked
from gateway.members.reach import Channel
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.rounds import gate_rounds
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

TOOL: Final = "social_ads"
#: Members of one request. Each has a data key to be opened, and a request has a minute.
MOST: Final = 10_000
#: Only these are filled by files.
FILLED: Final = "CUSTOMER_FILE"


class Make(msgspec.Struct, frozen=True):
    """A new audience: what the client asked for. ``account`` empty: the first one of the settings."""

    name: str
    description: str = ""
    account: str = ""


class Create(msgspec.Struct, frozen=True):
    """``key`` is what we call it at the platform, by which it is found again."""

    account: str
    name: str
    description: str
    key: str


class Made(msgspec.Struct, frozen=True):
    """The platform's number."""

    account: str
    audience: str


class Change(msgspec.Struct, frozen=True):
    """Of an audience; None leaves it as it is. What the client asked for, and the intent."""

    account: str
    audience: str
    name: str | None = None
    description: str | None = None


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: members by ids, or by a filter and a place in its list, both as texts.

    ``id_type`` is the platform's word, ``appid`` that of openids.
    """

    account: str
    audience: str
    members: tuple[str, ...] | None = None
    filter: str = ""
    after: str = ""
    id_type: str = "SHA256_MOBILE_PHONE"
    appid: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Members whom a filter found, at most MOST, and the place after them; None at the end of the list."""

    members: Sequence[str]
    after: str | None


Find = Callable[[], Awaitable[Found]]


class Fill(msgspec.Struct, frozen=True):
    """Whom: ``audience_person`` says it by ``upload``. ``after`` is where the next request goes on."""

    account: str
    audience: str
    id_type: str
    appid: str
    upload: str
    after: str | None = None

    @property
    def place(self) -> Place:
        """Where they are to be."""
        return Place(self.account, self.audience, self.id_type, self.appid)


class Filled(msgspec.Struct, frozen=True):
    """How many the platform was told of, and how many not, by reason; ``file`` None where it was told of nobody."""

    account: str
    audience: str
    file: str | None
    handed: int
    withheld: Mapping[str, int]
    after: str | None = None


class Emptied(msgspec.Struct, frozen=True):
    """How many were taken out, by which files."""

    account: str
    audience: str
    files: tuple[str, ...]
    removed: int
    after: str | None = None


class Done(msgspec.Struct, frozen=True):
    """The platform did it."""

    account: str
    audience: str


# The audience itself ------------------------------------------------------------------------------


async def _plan_create(planning: Planning, asked: Make) -> Effect:
    adapter = planning.tools.get(SocialAdsAdapter, asked.account or None)
    if not asked.name.strip():
        raise StepRefused("BAD_USER_INPUT", "name is empty.")
    intent = Create(adapter.account, asked.name.strip(), asked.description, f"gw-{planning.key}")
    return Effect(intent, values={"account": adapter.account})


async def _search(adapter: SocialAdsAdapter, key: str) -> Audience | None:
    cursor: str | None = None
    while True:
        page = await adapter.audiences(cursor)
        for each in page.items:
            if each.outer_id == key:
                return each
        cursor = page.next_cursor
        if cursor is None:
            return None


async def _made(ctx: StepContext, intent: Create) -> Made | None:
    found = await _search(ctx.tools.get(SocialAdsAdapter, intent.account), intent.key)
    return None if found is None else Made(intent.account, str(found.audience_id))


async def _unmake(ctx: StepContext, intent: Create, outcome: Made | None) -> None:
    """Delete it: nobody is in it yet but whom a later field of the same transaction put there."""
    made = outcome or await _made(ctx, intent)
    if made is None or await _gone(ctx, Change(made.account, made.audience)):
        return
    adapter = ctx.tools.get(SocialAdsAdapter, made.account)
    await adapter.delete_audience(int(made.audience))
    async with ctx.projector.database.write() as connection:
        await audiences.forget(connection, made.account, made.audience)


# ASKABLE: the platform lists what its creator called an audience (external_audience_id).
@step(
    name="audience.create", tool=TOOL, kind=Kind.COMPENSATABLE, delivery=Delivery.ASKABLE, idempotent=False, ask=_made,
    undo=_unmake,
)  # fmt: skip
async def create(ctx: StepContext, intent: Create) -> Made:
    """An empty audience for files (CUSTOMER_FILE)."""
    adapter = ctx.tools.get(SocialAdsAdapter, intent.account)
    number = await adapter.create_audience(intent.name, outer_id=intent.key, description=intent.description or None)
    return Made(intent.account, str(number))


async def _plan_update(planning: Planning, asked: Change) -> Effect:
    await _audience(planning, asked.account, asked.audience)
    if asked.name is not None and not asked.name.strip():
        raise StepRefused("BAD_USER_INPUT", "name is empty; leave it out to keep it.")
    if asked.name is None and asked.description is None:
        raise StepRefused("BAD_USER_INPUT", "Give name or description.")
    return Effect(asked, values={"account": asked.account})


# RETRIABLE and not compensatable: the platform does not tell the description that it would have to get back.
@step(name="audience.update", tool=TOOL, kind=Kind.RETRIABLE, delivery=Delivery.KEYED)
async def change(ctx: StepContext, intent: Change) -> Done:
    """The same values again change nothing."""
    adapter = ctx.tools.get(SocialAdsAdapter, intent.account)
    await adapter.update_audience(int(intent.audience), name=intent.name, description=intent.description)
    return Done(intent.account, intent.audience)


async def _plan_delete(planning: Planning, asked: Change) -> Effect:
    await _audience(planning, asked.account, asked.audience)
    return Effect(asked, values={"account": asked.account})


async def _gone(ctx: StepContext, intent: Change) -> bool:
    try:
        await ctx.tools.get(SocialAdsAdapter, intent.account).audience(int(intent.audience))
    except NotFound:
        return True
    return False


async def _deleted(ctx: StepContext, intent: Change) -> Done | None:
    return _forgotten(ctx, intent) if await _gone(ctx, intent) else None


# ASKABLE: a second deletion would be refused; an audience that is not there any more is deleted.
@step(name="audience.delete", tool=TOOL, kind=Kind.RETRIABLE, delivery=Delivery.ASKABLE, ask=_deleted)
async def remove(ctx: StepContext, intent: Change) -> Done:
    """For good. Ads that aim at it lose it."""
    adapter = ctx.tools.get(SocialAdsAdapter, intent.account)
    await adapter.delete_audience(int(intent.audience))
    return _forgotten(ctx, intent)


def _forgotten(ctx: StepContext, intent: Change) -> Done:
    async def follow(batch: Batch) -> None:
        await audiences.forget(batch.connection, intent.account, intent.audience)

    ctx.on_done.append(follow)
    return Done(intent.account, intent.audience)


async def _audience(planning: Planning, account: str, number: str) -> Audience:
    """Raises ToolNotConfigured, and NotFound of the platform's."""
    return await planning.tools.get(SocialAdsAdapter, account).audience(int(number))


# Its members --------------------------------------------------------------------------------------


async def _plan_fill(planning: Planning, asked: Wanted, *, find: Find | None = None) -> Effect:
    if (asked.id_type == "WECHAT_OPENID") != bool(asked.appid):
        raise StepRefused("BAD_USER_INPUT", "OPENID needs app, and the other kinds of id take none.")
    found = await _wanted(planning, asked, find)
    audience = await _audience(planning, asked.account, asked.audience)
    if audience.kind != FILLED:
        raise StepRefused("BAD_USER_INPUT", f"This audience is of the kind {audience.kind}: only {FILLED} has members.")
    intent = Fill(asked.account, asked.audience, asked.id_type, asked.appid, planning.key, found.after)
    return _by_reference(planning, intent, found.members)


async def _plan_empty(planning: Planning, asked: Wanted, *, find: Find | None = None) -> Effect:
    found = await _wanted(planning, asked, find)
    await _audience(planning, asked.account, asked.audience)
    intent = Fill(asked.account, asked.audience, asked.id_type, asked.appid, planning.key, found.after)
    return _by_reference(planning, intent, found.members)


async def _wanted(planning: Planning, asked: Wanted, find: Find | None) -> Found:
    """The members as they are now, each once. Raises StepRefused for none, too many and unknown ones."""
    if (asked.members is None) == (find is None):
        raise StepRefused("BAD_USER_INPUT", "Give either members or filter; an empty filter is everybody.")
    found = Found(asked.members or (), None) if find is None else await find()
    if find is None and not 1 <= len(found.members) <= MOST:
        raise StepRefused("BAD_USER_INPUT", f"{len(found.members)} members given: 1 to {MOST} are possible.")
    present: dict[str, str] = {}
    for some in chunks(found.members):
        present |= await present_ids(planning.database.fetch, some)
    if find is None and len(present) < len(set(found.members)):
        raise StepRefused("MEMBER_UNKNOWN", "There is no such member among them.")
    return Found(sorted(set(present.values())), found.after)


def _by_reference(planning: Planning, intent: Fill, members: Sequence[str]) -> Effect:
    async def book(batch: Batch, saga: str) -> None:
        await audiences.name(
            batch.connection, intent.upload, saga, intent.place, members, planning.projector.clock.now()
        )

    return Effect(intent, values={"account": intent.account}, book=book)


async def _arrived(ctx: StepContext, intent: Fill) -> Filled | None:
    """A file of this upload's name is at the platform."""
    adapter = ctx.tools.get(SocialAdsAdapter, intent.account)
    cursor: str | None = None
    while True:
        page = await adapter.audience_files(int(intent.audience), cursor)
        for each in page.items:
            if each.name == f"{intent.upload}.zip":
                return await _filled(ctx, intent, str(each.file_id))
        cursor = page.next_cursor
        if cursor is None:
            return None


# ASKABLE: the file bears the upload's name, and should the platform not show it, the same ids again are the same
# audience. A PIVOT: taking people out again does not call back what the platform has read.
@step(name="audience.append", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.ASKABLE, ask=_arrived, prepares=True)
async def append(ctx: StepContext, intent: Fill) -> Filled:
    """Everybody through the gate, then one file of those who may be in it.

    Whom an earlier attempt sent may be at the platform, whatever becomes of this one: they stay on our list, and the
    sweep takes out who must not be there.
    """
    database = ctx.projector.database
    before = await audiences.on_their_way(database, intent.upload) if ctx.repeated else frozenset()
    sending: dict[str, Known] = {}
    adapter = ctx.tools.get(SocialAdsAdapter, intent.account)
    about = Asked(
        purpose=Purpose.AD_MATCHING,
        channel=Channel.SOCIAL_ADS,
        key=f"audienceUpload:{intent.upload}",
        account=intent.account,
    )
    async for decisions in gate_rounds(ctx, about, await audiences.named(database, intent.upload)):
        known = await audiences.known_by(database, [each.member for each in decisions if each.allowed], intent.place)
        going = {each.asked: known[each.member] for each in decisions if each.allowed and each.member in known}
        staying = {each.asked: str(each.reason or NO_ID) for each in decisions if each.asked not in {*going, *before}}
        async with database.write() as connection:
            # Not over what another process may have sent by now.
            await ctx.hold(connection)
            await audiences.decide(connection, intent.upload, going, staying)
        sending |= going
    if not sending:
        return await _filled(ctx, intent, None)
    values = list(dict.fromkeys(each.value for each in sending.values()))

    async def stay(batch: Batch) -> None:
        await audiences.stay(batch.connection, intent.upload)

    ctx.on_refused.append(stay)
    await ctx.begin()
    file = await adapter.send_audience_ids(
        int(intent.audience), intent.id_type, values, appid=intent.appid, name=intent.upload
    )
    return await _filled(ctx, intent, str(file))


async def _filled(ctx: StepContext, intent: Fill, file: str | None) -> Filled:
    handed, withheld = await audiences.counted(ctx.projector.database, intent.upload)

    async def follow(batch: Batch) -> None:
        await audiences.arrived(batch.connection, intent.upload)

    ctx.on_done.append(follow)
    if file is not None:
        told = {"audience": intent.audience, "file": file, "withheld": dict(withheld)}
        ctx.facts.append(
            Fact(
                kind="audience.uploaded",
                occurred_at=ctx.now,
                source="own",
                source_key=intent.upload,
                account=intent.account,
                tool=TOOL,
                quantity=handed,
                payload=told,
            )
        )
    return Filled(intent.account, intent.audience, file, handed, withheld, intent.after)


# KEYED: whoever is taken out twice is out. RETRIABLE: it can always be said again.
@step(name="audience.reduce", tool=TOOL, kind=Kind.RETRIABLE, delivery=Delivery.KEYED, prepares=True)
async def reduce(ctx: StepContext, intent: Fill) -> Emptied:
    """Those of the named members whom we handed over, by the names by which they were; nobody else is told of."""
    database, removed = ctx.projector.database, 0
    files: list[str] = []
    rows = await audiences.inside(database, intent.place, intent.upload)
    for place, some in audiences.by_place(rows).items():
        try:
            file = await audiences.take_out(database, ctx.tools, place, some, "REQUESTED", before=ctx.begin)
        except UpstreamError as error:
            if not removed:
                raise
            # Part of it happened, so nobody may be told that nothing did.
            raise OutcomeUnknown(error.tool, error.reason, "Only some of the members were taken out.") from error
        files += [] if file is None else [str(file)]
        removed += len(some)

    async def follow(batch: Batch) -> None:
        await audiences.arrived(batch.connection, intent.upload)

    ctx.on_done.append(follow)
    return Emptied(intent.account, intent.audience, tuple(files), removed, intent.after)


CREATE: Final = Action("audienceCreate", create, _plan_create)
UPDATE: Final = Action("audienceUpdate", change, _plan_update)
DELETE: Final = Action("audienceDelete", remove, _plan_delete)
UPLOAD: Final = Action("audienceUpload", append, _plan_fill)
REDUCE: Final = Action("audienceReduce", reduce, _plan_empty)


def uploading(find: Find) -> Action[Wanted, Filled]:
    """UPLOAD of whom a filter finds: the same filter may find others when the request is repeated."""
    return replace(UPLOAD, plan=partial(_plan_fill, find=find))


def reducing(find: Find) -> Action[Wanted, Emptied]:
    """REDUCE, as ``uploading``."""
    return replace(REDUCE, plan=partial(_plan_empty, find=find))
