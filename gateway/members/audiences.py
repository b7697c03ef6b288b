"""Who is in audiences (人群) of 腾讯广告: noted before they are handed over, and taken out when they may not be there.

What a platform was handed cannot be called back; it can be told to take somebody out. So our rows say by which name of
whose each member went, from before the file is sent, and whoever withdraws consent, turns out to be too young or is
erased is taken out under that same name.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.errors import Invalid, NotFound, UpstreamError
from adapters.social_ads import SocialAdsAdapter, hashed_id
from gateway.database.engine import Database
from gateway.database.facts import Fact, append_facts
from gateway.database.reading import chunks
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_rows
from gateway.database.tables.audiences import audience_person
from gateway.database.tables.members import identity
from gateway.database.tables.sagas import saga
from gateway.jobs import Handlers, Queue, Recurring, RunningJob
from gateway.members.consent import Purpose
from gateway.members.person import Person, among
from gateway.members.reach import Channel, endpoints, permissions
from gateway.runtime import OpenTools, ToolNotConfigured
from gateway.settings import Reach

log = logging.getLogger(__name__)
SWEEP_JOB: Final = "audiences.sweep"
#: Rows of requests that handed nobody over are of no use after the last attempt of one.
KEPT: Final = timedelta(days=7)
#: user_id_type → our kind of identity. Phones go as SHA-256, which the platform takes as it takes MD5.
ID_TYPES: Final[Mapping[str, str]] = {
    "SHA256_MOBILE_PHONE": "PHONE",
    "WX_UNIONID": "UNIONID",
    "WECHAT_OPENID": "OPENID",
}
#: Why a member who is allowed is left out all the same: nothing is known that the platform could find them by.
NO_ID: Final = "NO_ID"
_MOVING: Final = ("RUNNING", "COMPLETING")
#: Who is in, as far as anybody knows: also those of a file of which nobody will ever learn whether it arrived.
_INSIDE: Final = or_(
    audience_person.c.state == "IN",
    and_(
        audience_person.c.state == "SENDING",
        ~select(saga.c.id).where(saga.c.id == audience_person.c.saga, saga.c.state.in_(_MOVING)).exists(),
    ),
)
_KEY: Final = tuple_(audience_person.c.upload, audience_person.c.member)


class Place(NamedTuple):
    """An audience of an account, and by which kind of id members are in it."""

    account: str
    audience: str
    id_type: str
    appid: str


class Known(NamedTuple):
    """By which of a member's identities the platform is told of them."""

    identity: str
    value: str


# Handing over -------------------------------------------------------------------------------------


async def name(
    connection: AsyncConnection, upload: str, saga_id: str, place: Place, members: Sequence[str], now: datetime
) -> None:
    """Note whom a request is about; nobody has decided yet."""
    fixed = {"upload": upload, "saga": saga_id, "state": "ASKED", "asked_at": now}
    fixed |= {"account_id": place.account, "audience_id": place.audience}
    fixed |= {"id_type": place.id_type, "appid": place.appid}
    await insert_rows(connection, audience_person, [{**fixed, "member": each} for each in members])


async def named(database: Database, upload: str) -> Sequence[str]:
    """Whom the request is about, apart from those who are in already; whoever was erased meanwhile is not."""
    mine = select(audience_person.c.member).where(audience_person.c.upload == upload, audience_person.c.state != "IN")
    return [row.member for row in await database.fetch(mine.order_by(audience_person.c.member))]


async def on_their_way(database: Database, upload: str) -> frozenset[str]:
    """Whom an earlier attempt had in its file, which may have arrived."""
    mine = select(audience_person.c.member).where(
        audience_person.c.upload == upload, audience_person.c.state == "SENDING"
    )
    return frozenset(row.member for row in await database.fetch(mine))


async def known_by(database: Database, members: Sequence[str], place: Place) -> Mapping[str, Known]:
    """Members → the name that they were last linked to and that has the form of its kind."""
    found: dict[str, Known] = {}
    for some in chunks(members):
        found |= await _known_by(database, some, place)
    return found


async def _known_by(database: Database, members: Sequence[str], place: Place) -> Mapping[str, Known]:
    """As ``known_by``, for at most 400 members."""
    mine = select(identity.c.id, identity.c.member, identity.c.home, identity.c.value).where(
        identity.c.member.in_(members), identity.c.kind == ID_TYPES[place.id_type], identity.c.superseded_by.is_(None)
    )
    if place.appid:
        mine = mine.where(identity.c.issuer == place.appid)
    # A sealed value whose key is not here yet would cost a statement of its own.
    homes = await database.fetch(select(identity.c.home).where(identity.c.member.in_(members)).distinct())
    database.keyring.prime([row.home for row in homes if row.home])
    found: dict[str, Known] = {}
    for row in await database.fetch(mine.order_by(identity.c.linked_at, identity.c.id)):
        if row.value and hashed_id(place.id_type, row.value) is not None:
            found[row.member] = Known(row.id, row.value)
    return found


async def decide(
    connection: AsyncConnection, upload: str, sending: Mapping[str, Known], withheld: Mapping[str, str]
) -> None:
    """Note who goes by which identity, and who stays and why, before anything is sent."""
    rows: list[dict[str, str | None]] = [
        {"who": each, "now": "SENDING", "why": None, "by": known.identity} for each, known in sending.items()
    ]
    rows += [{"who": each, "now": "WITHHELD", "why": reason, "by": None} for each, reason in withheld.items()]
    statement = (
        update(audience_person)
        .where(audience_person.c.upload == upload, audience_person.c.member == bindparam("who"))
        .values(state=bindparam("now"), reason=bindparam("why"), identity=bindparam("by"))
    )
    if rows:
        await connection.execute(statement, rows)


async def stay(connection: AsyncConnection, upload: str) -> None:
    """The file certainly did not go: nobody of it is at the platform."""
    await connection.execute(
        update(audience_person)
        .where(audience_person.c.upload == upload, audience_person.c.state == "SENDING")
        .values(state="ASKED", identity=None)
    )


async def counted(database: Database, upload: str) -> tuple[int, Mapping[str, int]]:
    """How many are in or on their way, and how many were withheld, by reason."""
    table = audience_person
    rows = await database.fetch(
        select(table.c.state, table.c.reason, func.count().label("number"))
        .where(table.c.upload == upload)
        .group_by(table.c.state, table.c.reason)
    )
    withheld = {row.reason: row.number for row in rows if row.state == "WITHHELD"}
    return sum(row.number for row in rows if row.state in {"SENDING", "IN"}), dict(sorted(withheld.items()))


async def arrived(connection: AsyncConnection, upload: str) -> None:
    """The platform has the file. Of whoever was withheld nothing is kept but their number."""
    mine = audience_person.c.upload == upload
    await connection.execute(
        update(audience_person).where(mine, audience_person.c.state == "SENDING").values(state="IN")
    )
    await connection.execute(delete(audience_person).where(mine, audience_person.c.state != "IN"))


# Taking out ---------------------------------------------------------------------------------------


async def inside(database: Database, place: Place, upload: str) -> Sequence[AnyRow]:
    """Rows of the members whom ``upload`` names and who are in the place's audience, by whichever kind of id."""
    mine, theirs, who = audience_person, audience_person.alias(), identity.alias()
    return await database.fetch(
        select(mine)
        .outerjoin(who, who.c.id == mine.c.identity)
        .join(theirs, theirs.c.member == func.coalesce(who.c.member, mine.c.member))
        .where(
            theirs.c.upload == upload,
            mine.c.upload != upload,
            mine.c.state == "IN",
            mine.c.account_id == place.account,
            mine.c.audience_id == place.audience,
        )
        .order_by(mine.c.upload, mine.c.member)
    )


def by_place(rows: Sequence[AnyRow]) -> Mapping[Place, Sequence[AnyRow]]:
    """Each group is one file."""
    found: dict[Place, list[AnyRow]] = defaultdict(list)
    for row in rows:
        found[Place(row.account_id, row.audience_id, row.id_type, row.appid)].append(row)
    return found


async def take_out(
    database: Database,
    tools: OpenTools,
    place: Place,
    rows: Sequence[AnyRow],
    reason: str,
    *,
    before: Callable[[], Awaitable[None]] | None = None,
) -> int | None:
    """Have the platform take these members out, by the names by which they were handed over; the file's id.

    ``before`` is awaited right before the call. Repeating it is harmless. None where nothing had to be sent: the
    audience is gone, or nobody has a name any more. Raises UpstreamError, ToolNotConfigured and what ``before`` does;
    then they are still in.
    """
    adapter = tools.get(SocialAdsAdapter, place.account)
    values = await _values(database, [row.identity for row in rows])
    file = None
    if values:
        if before is not None:
            await before()
        try:
            file = await adapter.send_audience_ids(
                int(place.audience), place.id_type, values, appid=place.appid, removes=True
            )
        except Invalid:
            if await _exists(adapter, place):
                raise
    await _left(database, place, rows, reason, file)
    return file


async def _exists(adapter: SocialAdsAdapter, place: Place) -> bool:
    try:
        await adapter.audience(int(place.audience))
    except NotFound:
        return False
    return True


async def _values(database: Database, identities: Sequence[str]) -> list[str]:
    found: list[str] = []
    for some in chunks(sorted(set(identities))):
        mine = select(identity.c.home, identity.c.value).where(identity.c.id.in_(some))
        homes = await database.fetch(select(identity.c.home).where(identity.c.id.in_(some)).distinct())
        database.keyring.prime([row.home for row in homes if row.home])
        found += [row.value for row in await database.fetch(mine) if row.value]
    return found


async def _left(database: Database, place: Place, rows: Sequence[AnyRow], reason: str, file: int | None) -> None:
    """Our rows and the fact, in one commit."""
    now = database.clock.now()
    async with database.write() as connection:
        for some in chunks([(row.upload, row.member) for row in rows]):
            await connection.execute(delete(audience_person).where(_KEY.in_(some)))
        if file is not None:
            told = Fact(
                kind="audience.reduced",
                occurred_at=now,
                source="own",
                source_key=str(file),
                account=place.account,
                tool="social_ads",
                quantity=len(rows),
                reason=reason,
                payload={"audience": place.audience, "file": str(file)},
            )
            await append_facts(connection, [told], clock=database.clock)


async def forget(connection: AsyncConnection, account: str, audience: str) -> None:
    """The audience was deleted: nobody is in it."""
    table = audience_person
    await connection.execute(delete(table).where(table.c.account_id == account, table.c.audience_id == audience))


# Erasure ------------------------------------------------------------------------------------------


async def under_way(database: Database, person: Person) -> int:
    """How many files with the person are being sent right now."""
    found = 0
    for where in _theirs(person):
        sending = select(audience_person.c.upload).join(saga, saga.c.id == audience_person.c.saga)
        found += len(
            await database.fetch(sending.where(where, audience_person.c.state == "SENDING", saga.c.state.in_(_MOVING)))
        )
    return found


async def take_out_erased(database: Database, tools: OpenTools, person: Person) -> int:
    """Take the person out of every audience while their names can still be read; of how many. Raises UpstreamError.

    An account that is not configured any more cannot be told; the erasure's report names what stays at the platform.
    """
    rows: dict[tuple[str, str], AnyRow] = {}
    for where in _theirs(person):
        held = select(audience_person).where(where, audience_person.c.state.in_(("IN", "SENDING")))
        rows |= {(row.upload, row.member): row for row in await database.fetch(held)}
    out: set[str] = set()
    for place, mine in by_place(list(rows.values())).items():
        try:
            await take_out(database, tools, place, mine, "ERASED")
        except ToolNotConfigured:
            continue
        out.add(place.audience)
    return len(out)


def _theirs(person: Person) -> list[ColumnElement[bool]]:
    table = audience_person
    return [*among(table.c.member, person.members), *among(table.c.identity, [*person.identities, *person.claims])]


# Withdrawal ---------------------------------------------------------------------------------------


class Audiences:
    """Looks every hour whether whoever is in an audience may still be there. Safe with any number of processes."""

    #: Rows of one round, which is a fixed number of statements.
    page = 400

    def __init__(self, database: Database, tools: OpenTools, queue: Queue, rules: Reach) -> None:
        self._database = database
        self._tools = tools
        self._rules = rules
        self.sweeping = Recurring(queue, SWEEP_JOB, self._sweep_job, every=timedelta(hours=1))

    def register(self, handlers: Handlers) -> None:
        """Add the job."""
        self.sweeping.register(handlers)

    async def _sweep_job(self, job: RunningJob) -> None:
        del job
        await self.sweep()

    async def sweep(self) -> None:
        """Take out who may not be there: a file per audience, kind of id and reason.

        A platform that does not take one now is told by the next run.
        """
        now = self._database.clock.now()
        await self._forget(now)
        gone: dict[str, list[AnyRow]] = defaultdict(list)
        place = ("", "")
        while rows := await self._page(place):
            place = (rows[-1].upload, rows[-1].member)
            reasons = await self._reasons({row.owner for row in rows if row.owner is not None}, now)
            for row in rows:
                reason = "UNKNOWN_MEMBER" if row.owner is None else reasons.get(row.owner)
                if reason is not None:
                    gone[reason].append(row)
        for reason, theirs in gone.items():
            for where, some in by_place(theirs).items():
                try:
                    await take_out(self._database, self._tools, where, some, reason)
                except (UpstreamError, ToolNotConfigured) as error:
                    log.warning("audience %s cannot be reduced now: %s", where.audience, type(error).__name__)

    async def _page(self, after: tuple[str, str]) -> Sequence[AnyRow]:
        """With the member to whom the identity leads now."""
        return await self._database.fetch(
            select(audience_person, identity.c.member.label("owner"))
            .outerjoin(identity, identity.c.id == audience_person.c.identity)
            .where(_INSIDE, tuple_(*after) < _KEY)
            .order_by(audience_person.c.upload, audience_person.c.member)
            .limit(self.page)
        )

    async def _reasons(self, members: set[str], now: datetime) -> Mapping[str, str]:
        """Why those may not be there who may not."""
        known = await permissions(self._database.fetch, self._database.keyring, sorted(members))
        found: dict[str, str] = {}
        for each in members:
            if each not in known:
                found[each] = "UNKNOWN_MEMBER"
                continue
            [way] = endpoints(known[each], Purpose.AD_MATCHING, Channel.SOCIAL_ADS, now, self._rules)
            if way.reason is not None:
                found[each] = str(way.reason)
        return found

    async def _forget(self, now: datetime) -> None:
        table = audience_person
        async with self._database.write() as connection:
            await connection.execute(
                delete(table).where(table.c.state.in_(("ASKED", "WITHHELD")), table.c.asked_at < now - KEPT)
            )
