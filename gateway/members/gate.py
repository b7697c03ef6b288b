"""The one gate: whatever reaches a member, or takes their data out, asks here first.

    decisions = await gate.decide(
        Asked(purpose=Purpose.MARKETING, channel=Channel.ENTERPRISE_CHAT, key="group-send:0192…", account=corpid),
        member_ids,
    )
    to = [each.identity for each in decisions if each.allowed]

The answer, the place that it takes under the caps, and the fact that tells of it are one transaction. Give ``batch`` to
make them part of yours. An allowed message is attempted: commit first, then send. What was provably not sent is given
back with ``release``.

The same key again is the same attempt: it takes no second place and leaves no second fact. But a permission is not
kept: consent, erasure and the contact itself are asked anew every time, so that a withdrawal also stops the retry of
a message that had been allowed. A refused key may be asked again, when it has become possible.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, case, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.database.facts import Fact, Source
from gateway.database.reading import chunks, fetching
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_new, upsert
from gateway.database.tables.reach import send_attempt, send_turn
from gateway.database.ulid import Ulids
from gateway.events.projector import Batch, Projector
from gateway.members import grants
from gateway.members.consent import Purpose
from gateway.members.family import Family, families, related
from gateway.members.reach import (
    CAPS,
    MESSAGES,
    Channel,
    Circumstances,
    Endpoint,
    Reason,
    circumstances,
    endpoints,
    held,
    permissions,
)
from gateway.settings import Reach

_TOOLS: Final = {
    Channel.OFFICIAL_ACCOUNT: "official_account",
    Channel.MASS_MESSAGE: "official_account",
    Channel.CUSTOMER_SERVICE: "official_account",
    Channel.SUBSCRIBE_MESSAGE: "mini_program_store",
    Channel.ENTERPRISE_CHAT: "enterprise_chat",
    Channel.WELCOME: "enterprise_chat",
    Channel.RECEIPT_REMINDER: "mini_program_store",
    Channel.REWARD: "payments",
    Channel.SOCIAL_ADS: "social_ads",
}


Hold = Callable[[AsyncConnection], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is about to happen to some members.

    Attributes:
        key: names the attempt, for all members at once: one key per send, audience or export.
        account: only by this account (appid, corpid, advertiser); empty for whichever can.
        template: the subscribe template; needed for a subscribe message.
        tool: by which tool, where the channel is several's; empty for the usual one.
        campaign, store, guide, order_ref: where the facts belong.
    """

    purpose: Purpose
    channel: Channel
    key: str
    account: str = ""
    template: str = ""
    tool: str = ""
    campaign: str | None = None
    store: str | None = None
    guide: str | None = None
    order_ref: str | None = None
    source: Source = "own"


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer for one asked member id.

    Attributes:
        member: the member whom the asked id leads to; the asked id itself when nobody knows it.
        reason: why not; None when allowed.
        opens_at: when a refusal is over by itself, where that is known.
        account, identity: by which account to which of our identity ids; None where the channel has no name.
        attempt: id of the recorded attempt; None for channels of which nothing is counted.
    """

    asked: str
    member: str
    allowed: bool
    reason: Reason | None
    opens_at: datetime | None = None
    account: str = ""
    identity: str | None = None
    attempt: str | None = None


class Gate:
    """Decides, counts and records. Safe with any number of processes."""

    #: Members who are decided about in one transaction of the gate's own.
    at_once = 500

    def __init__(self, projector: Projector, rules: Reach) -> None:
        self._projector = projector
        self._rules = rules
        self._ulids = Ulids(projector.clock)

    async def decide(
        self, asked: Asked, member_ids: Sequence[str], *, batch: Batch | None = None, holding: Hold | None = None
    ) -> list[Decision]:
        """One Decision per id, in order. Two ids of one member are one attempt.

        Without a ``batch`` it commits after every 500 members, so that others may write in between: what was decided
        stays, under its key, when the rest fails. ``holding`` is awaited at the beginning of each commit, and what it
        raises ends the deciding: the caller locks there what gives it the right to decide.

        Raises ValueError for a subscribe message without a template or an empty key.
        """
        if not asked.key or (asked.channel is Channel.SUBSCRIBE_MESSAGE and not asked.template):
            raise ValueError("an attempt needs a key, and a subscribe message the template")
        found: dict[str, Decision] = {}
        ids = sorted(set(member_ids))
        for some in [ids] if batch is not None else chunks(ids, self.at_once):
            async with self._within(batch) as open_batch:
                if holding is not None:
                    await holding(open_batch.connection)
                # What is given is counted by whoever gives it, in the same transaction.
                if asked.channel in MESSAGES or asked.channel is Channel.REWARD:
                    await self._take_turns(open_batch, some)
                for few in chunks(some):
                    found |= await self._decide(asked, few, open_batch)
        return [found[each] for each in member_ids]

    async def release(self, key: str, member_ids: Sequence[str], *, batch: Batch | None = None) -> int:
        """Give back the places of messages that were provably not sent; returns how many had one."""
        released = 0
        async with self._within(batch) as open_batch:
            ids = sorted(set(member_ids))
            await self._take_turns(open_batch, ids)
            for some in chunks(ids):
                released += await self._release(key, some, open_batch)
        return released

    async def keep(self, key: str, attempts: Collection[str], *, batch: Batch) -> None:
        """Of the places under this key, which whoever decided about it before may have taken, only those of these
        attempts stay taken: nobody else was sent it."""
        mine = select(send_attempt).where(send_attempt.c.key == key, send_attempt.c.counted)
        rest = [row for row in await fetching(batch.connection)(mine) if row.id not in attempts]
        await self._take_turns(batch, [row.member for row in rest])
        await self._give_up(batch, rest)

    @asynccontextmanager
    async def _within(self, batch: Batch | None) -> AsyncIterator[Batch]:
        if batch is not None:
            yield batch
        else:
            async with self._projector.batch() as own:
                yield own

    async def _decide(self, asked: Asked, ids: Sequence[str], batch: Batch) -> dict[str, Decision]:
        fetch, keyring = fetching(batch.connection), self._projector.database.keyring
        now = self._projector.clock.now()
        if asked.channel not in MESSAGES:
            known = await permissions(fetch, keyring, ids)
            made = {each: self._data(asked, each, known.get(each), now) for each in ids}
            batch.facts += [_data_fact(asked, each, now) for each in made.values() if not each.allowed]
            return made
        known = await circumstances(fetch, keyring, ids, now)
        earlier = await self._earlier(batch, asked.key, {each: one.family for each, one in known.items()})
        work = _Work(asked, now, self._rules, self._ulids)
        for each in ids:
            work.judge(each, known.get(each), earlier)
        await work.write(batch)
        return work.decisions

    def _data(self, asked: Asked, member_id: str, known: Circumstances | None, now: datetime) -> Decision:
        """Data, a welcome or a reward goes out or not: nothing is counted here."""
        if known is None:
            return Decision(member_id, member_id, False, Reason.UNKNOWN_MEMBER)
        [way] = endpoints(known, asked.purpose, asked.channel, now, self._rules)
        return Decision(member_id, known.family.member, way.reachable, way.reason, account=asked.account)

    async def _take_turns(self, batch: Batch, ids: Sequence[str]) -> None:
        """Have nobody else decide about these members until the commit.

        SQLite has one writer anyway. A lock on the member's own row would meet the graph's writers in any order;
        these are taken in the order of their ids, by the gate alone.
        """
        if batch.connection.dialect.name != "postgresql":
            return
        fetch, now = fetching(batch.connection), self._projector.clock.now()
        taken: set[str] = set()
        while True:
            wanted = {row for some in chunks(ids) for row in await related(fetch, some)} - taken
            if not wanted:
                return
            # A merge that was committed while we waited brings more ids, whose places count here too.
            rows = [{"member": each, "taken_at": now} for each in sorted(wanted)]
            await upsert(batch.connection, send_turn, rows, keys=("member",))
            taken |= wanted

    async def _earlier(self, batch: Batch, key: str, found: Mapping[str, Family]) -> Mapping[str, AnyRow]:
        """Member → the attempt of this key, under whichever id it was made."""
        by_id = {each: family.member for family in found.values() for each in family.ids}
        rows = await fetching(batch.connection)(
            select(send_attempt).where(send_attempt.c.key == key, send_attempt.c.member.in_(list(by_id)))
        )
        # Two members who merged may both have been spoken to: one that holds a place counts.
        return {by_id[row.member]: row for row in sorted(rows, key=lambda row: (row.counted, row.id))}

    async def _release(self, key: str, ids: Sequence[str], batch: Batch) -> int:
        found = await families(fetching(batch.connection), self._projector.database.keyring, ids)
        held = [row for row in (await self._earlier(batch, key, found)).values() if row.counted]
        await self._give_up(batch, held)
        return len(held)

    async def _give_up(self, batch: Batch, rows: Sequence[AnyRow]) -> None:
        for some in chunks([row.id for row in rows]):
            await batch.connection.execute(
                update(send_attempt).where(send_attempt.c.id.in_(some)).values(counted=False, outcome=_RELEASED)
            )
        spent = [(row.account, row.identity, row.template) for row in rows if row.template]
        await grants.give_back(batch.connection, spent)


class _Work:
    """The messages of one chunk of members: judged in memory, then written in a few statements."""

    def __init__(self, asked: Asked, now: datetime, rules: Reach, ulids: Ulids) -> None:
        self.decisions: dict[str, Decision] = {}
        self._asked = asked
        self._now = now
        self._rules = rules
        self._ulids = ulids
        self._by_member: dict[str, Decision] = {}
        self._new: list[dict[str, Any]] = []
        self._changed: list[dict[str, Any]] = []
        self._spent: list[tuple[str, str, str]] = []
        self._facts: list[Fact] = []

    def judge(self, member_id: str, known: Circumstances | None, earlier: Mapping[str, AnyRow]) -> None:
        """Decide for one asked id."""
        if known is None:
            self.decisions[member_id] = Decision(member_id, member_id, False, Reason.UNKNOWN_MEMBER)
            self._facts.append(self._fact("message.refused", member_id, None, "", f"{self._asked.key}:{member_id}"))
            return
        who = known.family.member
        made = self._by_member.get(who)
        if made is None:
            row = earlier.get(who)
            way = self._way(known, row)
            made = self._by_member[who] = self._attempt(who, way, row)
        self.decisions[member_id] = Decision(
            member_id, who, made.allowed, made.reason, made.opens_at, made.account, made.identity, made.attempt
        )

    def _way(self, known: Circumstances, row: AnyRow | None) -> Endpoint:
        asked = self._asked
        ways = endpoints(known, asked.purpose, asked.channel, self._now, self._rules)
        fitting = [
            way
            for way in ways
            if asked.account in ("", way.account) and (not asked.template or asked.template == way.template)
        ]
        if row is not None and row.counted:
            same = (way for way in fitting if (way.account, way.identity) == (row.account, row.identity))
            way = next(same, None)
            # By another account it could arrive twice.
            if way is not None:
                return held(known, asked.purpose, way, self._now, self._rules)
            return Endpoint(asked.channel, _ABSENT[asked.channel], row.account, row.identity, row.template)
        return fitting[0] if fitting else Endpoint(asked.channel, _ABSENT[asked.channel], asked.account)

    def _attempt(self, who: str, way: Endpoint, row: AnyRow | None) -> Decision:
        has_place = row is not None and row.counted
        attempt_id = self._ulids.next(self._now) if row is None else str(row.id)
        outcome = "ALLOWED" if way.reachable else "CAPPED" if way.reason in CAPS else "REFUSED"
        values = {
            "outcome": outcome,
            "reason": None if way.reason is None else way.reason.value,
            "account": way.account or self._asked.account,
            "template": way.template,
            "identity": way.identity,
            # What was allowed may have been sent before it was refused: its place stays taken.
            "counted": has_place or way.reachable,
            "decided_at": row.decided_at if row is not None and has_place else self._now,
        }
        if row is None:
            fixed = {"purpose": self._asked.purpose.value, "channel": self._asked.channel.value}
            self._new.append({"id": attempt_id, "key": self._asked.key, "member": who, **fixed, **values})
        else:
            self._changed.append({"attempt": attempt_id, **{f"new_{name}": each for name, each in values.items()}})
        if way.reachable and not has_place and way.template and way.identity is not None:
            self._spent.append((way.account, way.identity, way.template))
        self._facts.append(self._fact(_FACTS[outcome], who, way, attempt_id, attempt_id))
        return Decision(
            who, who, way.reachable, way.reason, way.opens_at, str(values["account"]), way.identity, attempt_id
        )

    def _fact(self, kind: str, who: str, way: Endpoint | None, attempt_id: str, key: str) -> Fact:
        reason = Reason.UNKNOWN_MEMBER if way is None else way.reason
        asked = self._asked
        return Fact(
            kind=kind,
            occurred_at=self._now,
            source=asked.source,
            # An attempt is told once, and once more for each reason that stopped it.
            source_key=key if reason is None else f"{key}:{reason}",
            tool=asked.tool or _TOOLS.get(asked.channel),
            member=None if way is None else who,
            identity=None if way is None else way.identity,
            campaign=asked.campaign,
            store=asked.store,
            guide=asked.guide,
            order_ref=asked.order_ref,
            reason=None if reason is None else reason.value,
            payload={
                "purpose": asked.purpose.value,
                "channel": asked.channel.value,
                "attempt": attempt_id,
                "by": asked.account if way is None else way.account or asked.account,
            },
        )

    async def write(self, batch: Batch) -> None:
        """Everything, in the caller's transaction."""
        await insert_new(batch.connection, send_attempt, self._new, keys=("key", "member"))
        if self._changed:
            names = [name.removeprefix("new_") for name in self._changed[0] if name != "attempt"]
            statement = (
                update(send_attempt)
                .where(send_attempt.c.id == bindparam("attempt"))
                .values({name: bindparam(f"new_{name}") for name in names})
            )
            await batch.connection.execute(statement, self._changed)
        await grants.spend(batch.connection, self._spent)
        batch.facts += self._facts


_FACTS: Final = {"ALLOWED": "message.attempted", "CAPPED": "message.capped", "REFUSED": "message.refused"}
#: A place that was given back; whoever had been refused meanwhile is still told why.
_RELEASED: Final = case((send_attempt.c.outcome == "ALLOWED", "RELEASED"), else_=send_attempt.c.outcome)
_DATA_FACTS: Final = {
    Channel.WELCOME: "message.refused",
    Channel.RECEIPT_REMINDER: "message.refused",
    Channel.REWARD: "reward.refused",
    Channel.SOCIAL_ADS: "audience.refused",
    Channel.EXPORT: "export.refused",
}
#: Why there is no way by the one account or template that was asked for.
_ABSENT: Final = {
    Channel.OFFICIAL_ACCOUNT: Reason.NEVER_FOLLOWED,
    Channel.MASS_MESSAGE: Reason.NEVER_FOLLOWED,
    Channel.CUSTOMER_SERVICE: Reason.NEVER_FOLLOWED,
    Channel.SUBSCRIBE_MESSAGE: Reason.NO_GRANT,
    Channel.ENTERPRISE_CHAT: Reason.NO_CONTACT,
    Channel.SMS: Reason.NO_PHONE,
}


def _data_fact(asked: Asked, decision: Decision, now: datetime) -> Fact:
    return Fact(
        kind=_DATA_FACTS[asked.channel],
        occurred_at=now,
        source=asked.source,
        source_key=f"{asked.key}:{decision.member}:{decision.reason}",
        tool=_TOOLS.get(asked.channel),
        member=None if decision.reason is Reason.UNKNOWN_MEMBER else decision.member,
        campaign=asked.campaign,
        store=asked.store,
        guide=asked.guide,
        order_ref=asked.order_ref,
        reason=decision.reason,
        payload={"purpose": asked.purpose.value, "channel": asked.channel.value},
    )
