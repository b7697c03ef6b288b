"""The one gate: what it allows, counts and records, and that a cap holds however many ask at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from adapters.official_account import Follower
from gateway.database import Database
from gateway.database.tables.facts import fact
from gateway.database.tables.members import member
from gateway.database.tables.reach import send_attempt, subscribe_grant
from gateway.events.projections import official_account
from gateway.events.projections.official_account import Blocking
from gateway.events.projector import Linked, Projector
from gateway.members.consent import Purpose, Said, record
from gateway.members.gate import Asked, Gate
from gateway.members.graph import IdentityGraph
from gateway.members.reach import Channel, Reason
from gateway.settings import Reach
from tests.databases import ManualClock
from tests.gateway.members.conftest import OPEN_PLATFORM, SEEN, openid, shown

APP = "wxapp1"


class People:
    """Members of one brand, and its gate."""

    def __init__(self, database: Database, clock: ManualClock, rules: Reach | None = None) -> None:
        self.database = database
        self.clock = clock
        self.projector = Projector(database, IdentityGraph(database, clock), clock, OPEN_PLATFORM)
        self.gate = Gate(self.projector, rules or Reach())

    async def follow(self, *names: str, subscribed: bool = True) -> list[str]:
        """Followers of the account; returns their members."""
        self.clock.advance(seconds=1)
        records = [Follower(APP, each, subscribed=subscribed, subscribed_at=SEEN) for each in names]
        await official_account.followers(self.projector, records)
        return [(await self.linked(openid(each))).member for each in names]

    async def linked(self, *handles: Any) -> Linked:
        async with self.projector.batch([shown(*handles)]) as batch:
            return batch.linked[0]

    async def allow(self, *members: str, purpose: Purpose = Purpose.MARKETING, given: bool = True) -> None:
        for each in members:
            said = Said(
                member=each, purpose=purpose, given=given, policy_version="1", channel="TEST", recorded_by="test"
            )
            await record(self.projector, said)

    async def facts(self, *kinds: str) -> list[tuple[str, str]]:
        rows = await self.database.fetch(select(fact).where(fact.c.kind.in_(kinds)))
        return sorted((row.kind, row.reason or "") for row in rows)


def asked(key: str, **changes: Any) -> Asked:
    values: dict[str, Any] = {"purpose": Purpose.MARKETING, "channel": Channel.OFFICIAL_ACCOUNT, "key": key}
    return Asked(**values | changes)


@pytest.fixture
def people(database: Database, clock: ManualClock) -> People:
    return People(database, clock)


MESSAGE_FACTS = ("message.attempted", "message.capped", "message.refused")


async def test_an_allowed_message_names_whom_it_goes_to_and_is_told_once(people: People) -> None:
    [who] = await people.follow("o1")
    await people.allow(who)
    [first] = await people.gate.decide(asked("k"), [who])
    [again] = await people.gate.decide(asked("k"), [who])
    assert (first.allowed, first.account, first.identity) == (True, APP, (await people.linked(openid("o1"))).identity)
    assert again == first
    assert await people.facts(*MESSAGE_FACTS) == [("message.attempted", "")]


async def test_without_consent_nothing_is_allowed_but_service(people: People) -> None:
    [who] = await people.follow("o1")
    [refused] = await people.gate.decide(asked("m"), [who])
    [served] = await people.gate.decide(asked("s", purpose=Purpose.SERVICE), [who])
    assert (refused.allowed, refused.reason, served.allowed) == (False, Reason.NO_CONSENT, True)
    assert await people.facts(*MESSAGE_FACTS) == [("message.attempted", ""), ("message.refused", "NO_CONSENT")]


async def test_the_cap_holds_for_a_month_and_service_is_exempt_but_kept(people: People) -> None:
    [who] = await people.follow("o1")
    await people.allow(who)
    marketing = [await people.gate.decide(asked(f"m{n}"), [who]) for n in range(5)]
    [served] = await people.gate.decide(asked("s", purpose=Purpose.SERVICE), [who])
    assert [each[0].allowed for each in marketing] == [True] * 4 + [False]
    # The month ends at midnight in China, which is in the quiet hours.
    assert marketing[4][0].reason is Reason.FREQUENCY_CAP
    assert marketing[4][0].opens_at == datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
    assert served.allowed
    assert Counter(await people.facts(*MESSAGE_FACTS)) == {
        ("message.attempted", ""): 5,
        ("message.capped", "FREQUENCY_CAP"): 1,
    }
    people.clock.advance(days=20)
    assert (await people.gate.decide(asked("m4"), [who]))[0].allowed


async def test_a_withdrawal_stops_the_retry_of_what_was_allowed(people: People) -> None:
    [who] = await people.follow("o1")
    await people.allow(who)
    assert (await people.gate.decide(asked("k"), [who]))[0].allowed
    await people.allow(who, given=False)
    [retry] = await people.gate.decide(asked("k"), [who])
    assert (retry.allowed, retry.reason) == (False, Reason.NO_CONSENT)
    await people.allow(who)
    assert (await people.gate.decide(asked("k"), [who]))[0].allowed
    counted = await people.database.fetch(select(send_attempt.c.id).where(send_attempt.c.counted))
    assert len(counted) == 1


async def test_what_was_provably_not_sent_gives_its_place_back(people: People) -> None:
    [who] = await people.follow("o1")
    await people.allow(who)
    for n in range(4):
        await people.gate.decide(asked(f"m{n}"), [who])
    assert await people.gate.release("m0", [who]) == 1
    assert await people.gate.release("m0", [who]) == 0
    assert (await people.gate.decide(asked("m4"), [who]))[0].allowed
    assert not (await people.gate.decide(asked("m0"), [who]))[0].allowed


async def test_quiet_hours_are_for_marketing_alone(people: People) -> None:
    [who] = await people.follow("o1")
    await people.allow(who)
    people.clock.advance(hours=2)
    [marketing] = await people.gate.decide(asked("m"), [who])
    [service] = await people.gate.decide(asked("s", purpose=Purpose.SERVICE), [who])
    assert (marketing.reason, marketing.opens_at) == (Reason.QUIET_HOURS, datetime(2026, 11, 12, 0, tzinfo=UTC))
    assert service.allowed
    assert await people.facts("message.capped") == [("message.capped", "QUIET_HOURS")]


async def test_a_merged_member_has_the_sends_of_both_and_an_unmerged_its_own(people: People) -> None:
    one, other = await people.follow("o1", "o2")
    await people.allow(one, other)
    for n in range(2):
        await people.gate.decide(asked(f"a{n}"), [one])
        await people.gate.decide(asked(f"b{n}"), [other])
    keeper, lost = sorted((one, other))
    async with people.database.write() as connection:
        values = {"merged_into": keeper, "merged_at": people.clock.now()}
        await connection.execute(update(member).where(member.c.id == lost).values(**values))
    [joined, same] = await people.gate.decide(asked("c"), [lost, keeper])
    assert (joined.member, joined.reason) == (keeper, Reason.FREQUENCY_CAP)
    assert same.attempt == joined.attempt
    async with people.database.write() as connection:
        await connection.execute(update(member).where(member.c.id == lost).values(merged_into=None, merged_at=None))
    assert [each.allowed for each in await people.gate.decide(asked("d"), [one, other])] == [True, True]


async def test_a_grant_is_spent_once_and_given_back(people: People) -> None:
    who = await people.linked(openid("m1", "wxmini"))
    await people.allow(who.member)
    row = {"appid": "wxmini", "identity": who.identity, "template": "T", "remaining": 1, "changed_at": SEEN}
    async with people.database.write() as connection:
        await connection.execute(subscribe_grant.insert().values(**row))
    ask = {"channel": Channel.SUBSCRIBE_MESSAGE, "template": "T"}
    outcomes = [(await people.gate.decide(asked(key, **ask), [who.member]))[0].reason for key in ("a", "a", "b")]
    assert outcomes == [None, None, Reason.NO_GRANT]
    await people.gate.release("a", [who.member])
    assert (await people.gate.decide(asked("b", **ask), [who.member]))[0].allowed
    [left] = await people.database.fetch(select(subscribe_grant.c.remaining))
    assert left.remaining == 0


async def test_audiences_and_exports_are_refused_by_consent_and_counted_by_nobody(people: People) -> None:
    one, other = await people.follow("o1", "o2")
    await people.allow(one, purpose=Purpose.AD_MATCHING)
    audience = asked("a", purpose=Purpose.AD_MATCHING, channel=Channel.SOCIAL_ADS)
    export = asked("e", purpose=Purpose.SHARE_FRANCHISEE, channel=Channel.EXPORT)
    for _ in range(2):
        assert [each.allowed for each in await people.gate.decide(audience, [one, other])] == [True, False]
        assert [each.reason for each in await people.gate.decide(export, [one, "nobody"])] == [
            Reason.NO_CONSENT,
            Reason.UNKNOWN_MEMBER,
        ]
    assert await people.facts("audience.refused", "export.refused") == [
        ("audience.refused", "NO_CONSENT"),
        ("export.refused", "NO_CONSENT"),
        ("export.refused", "UNKNOWN_MEMBER"),
    ]
    assert await people.database.fetch(select(send_attempt)) == []


async def test_many_members_cost_as_many_statements_as_one(people: People) -> None:
    members = await people.follow(*(f"o{n}" for n in range(30)))
    await people.allow(*members)
    cost: list[int] = []
    for some in (members[:1], members[1:]):
        people.database.keyring.prime(some)
        before = people.database.statements
        assert all(each.allowed for each in await people.gate.decide(asked(f"k{len(some)}"), some))
        cost.append(people.database.statements - before)
    assert cost[0] == cost[1]


async def test_concurrent_tasks_do_not_exceed_a_cap(people: People) -> None:
    members = await people.follow("o1", "o2", "o3")
    await people.allow(*members)
    asks = [people.gate.decide(asked(f"k{n}"), members if n % 2 else members[::-1]) for n in range(12)]
    decided = await asyncio.gather(*asks)
    allowed = Counter(each.member for answers in decided for each in answers if each.allowed)
    assert allowed == dict.fromkeys(members, 4)


_RIVAL = """
import asyncio, sys
from gateway.database import Database, Keyring
from gateway.events.projector import Projector
from gateway.members.graph import IdentityGraph
from tests.databases import MASTER, ManualClock
from tests.gateway.members.test_gate import People, asked

async def main(url, name, members):
    clock = ManualClock()
    async with Database.open(url, Keyring(MASTER), clock=clock) as database:
        people = People(database, clock)
        print("ready", flush=True)
        sys.stdin.readline()
        asks = [people.gate.decide(asked(f"{name}{n}"), members) for n in range(8)]
        for answers in await asyncio.gather(*asks):
            for each in answers:
                if each.allowed:
                    print(each.member, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
"""


def _rivals(url: str, members: Sequence[str]) -> list[str]:
    """Two processes, let go at once; the members whom they were allowed to speak to, once per message."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _RIVAL, url, name, *order],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, order in (("a", members), ("b", members[::-1]))
    ]
    for each in started:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in started:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    said = [each.communicate(timeout=60)[0] for each in started]
    assert [each.returncode for each in started] == [0, 0]
    return "".join(said).split()


@pytest.mark.long
async def test_two_processes_do_not_exceed_a_cap(database: Database, database_url: str, people: People) -> None:
    members = await people.follow("o1", "o2", "o3", "o4")
    await people.allow(*members)
    allowed = await asyncio.to_thread(_rivals, database_url, members)
    assert Counter(allowed) == dict.fromkeys(members, 4)
    stored = await database.fetch(select(send_attempt.c.member).where(send_attempt.c.counted))
    assert Counter(row.member for row in stored) == dict.fromkeys(members, 4)


async def test_an_ask_without_a_key_or_template_is_a_mistake(people: People) -> None:
    with pytest.raises(ValueError, match="needs a key"):
        await people.gate.decide(asked(""), [])
    with pytest.raises(ValueError, match="the template"):
        await people.gate.decide(asked("k", channel=Channel.SUBSCRIBE_MESSAGE), [])


async def test_whoever_is_on_the_blacklist_is_refused_until_they_are_off_it(people: People) -> None:
    first, second = await people.follow("a", "b")
    await people.allow(first, second)
    await official_account.blacklist(people.projector.asking(), APP, ["a", "nobody-here"])
    refused, allowed = await people.gate.decide(asked("blacklist-1"), [first, second])
    assert (refused.reason, allowed.reason) == (Reason.BLACKLISTED, None)
    # The same list again is no news, and one that was read before we took somebody off does not bring them back.
    people.clock.advance(seconds=1)
    await official_account.blacklist(people.projector.asking(), APP, ["a"])
    stale = people.projector.asking()
    people.clock.advance(seconds=1)
    who = (await people.linked(openid("a"))).identity
    async with people.projector.batch() as batch:
        await official_account.blocked(batch, Blocking(APP, (who,), False, "taken-off"))
    await official_account.blacklist(stale, APP, ["a"])
    [free] = await people.gate.decide(asked("blacklist-2"), [first])
    assert free.allowed
    people.clock.advance(seconds=1)
    await official_account.blacklist(people.projector.asking(), APP, ["a", "b"])
    people.clock.advance(seconds=1)
    await official_account.blacklist(people.projector.asking(), APP, ["b"])
    assert [kind for kind, _ in await people.facts("follower.blocked")] == ["follower.blocked"] * 3
    assert [kind for kind, _ in await people.facts("follower.unblocked")] == ["follower.unblocked"] * 2
