"""Where a member may be spoken to: each channel's own rules, and the caps over all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from adapters.enterprise_chat import Contact, ContactRemoved
from adapters.official_account import FollowerChanged, Interacted, QrScanned
from adapters.wechat.subscribe import SubscribeAnswered, SubscribeEnded
from gateway.database import Database
from gateway.database.tables.facts import fact
from gateway.database.tables.reach import subscribe_answer, subscribe_grant
from gateway.database.ulid import Ulids
from gateway.events.projections import enterprise_chat, official_account
from gateway.events.projector import Projector
from gateway.members import grants
from gateway.members.consent import Answer, Purpose
from gateway.members.family import Family
from gateway.members.graph import IdentityGraph
from gateway.members.reach import (
    Channel,
    Circumstances,
    Endpoint,
    Reason,
    Sent,
    circumstances,
    endpoints,
    listed,
    month,
    quiet_until,
)
from gateway.settings import Reach
from tests.databases import ManualClock
from tests.gateway.members.conftest import OPEN_PLATFORM, openid, shown

#: 20:57 in China, a Wednesday.
NOW = datetime(2026, 11, 11, 12, 57, tzinfo=UTC)
RULES = Reach()
NEXT_MONTH = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)


def row(**values: Any) -> Any:
    return SimpleNamespace(**values)


def follow(appid: str, identity: str, *, subscribed: bool = True, blocked_at: datetime | None = None) -> Any:
    return row(appid=appid, identity=identity, subscribed=subscribed, blocked_at=blocked_at)


BLACKLISTED = follow("wx1", "i1", blocked_at=NOW)


def known(**changes: Any) -> Circumstances:
    """A follower and friend with a phone, who allowed marketing and wrote an hour ago."""
    yes = Answer("m", Purpose.MARKETING, True, NOW, "1", "STORE", False, NOW, "test")
    values: dict[str, Any] = {
        "family": Family("m", has_phone=True),
        "answers": [yes],
        "follows": [follow("wx1", "i1")],
        "contacts": [row(corpid="ww1", identity="i2", removed_by=None, guide_state="ACTIVE")],
        "dialogues": [row(appid="wx1", identity="i1", kind="MESSAGE", at=NOW - timedelta(hours=1))],
        "grants": [row(appid="wx2", identity="i3", template="T", remaining=2)],
        "sent": [],
    }
    return Circumstances(**values | changes)


def first(channel: Channel, circumstances_: Circumstances, **changes: Any) -> Endpoint:
    values: dict[str, Any] = {"purpose": Purpose.MARKETING, "now": NOW, "rules": RULES} | changes
    return endpoints(circumstances_, values["purpose"], channel, values["now"], values["rules"])[0]


def sent(n: int, channel: str = "SMS", purpose: str = "MARKETING", at: datetime = NOW, account: str = "") -> list[Sent]:
    return [Sent(purpose, channel, account, "i1", at)] * n


def test_everything_is_open_to_who_allowed_it() -> None:
    ways = list(listed(known(), Purpose.MARKETING, NOW, RULES))
    assert [(way.channel.name, way.reason, way.account) for way in ways] == [
        ("OFFICIAL_ACCOUNT", None, "wx1"),
        ("MASS_MESSAGE", None, "wx1"),
        ("CUSTOMER_SERVICE", None, "wx1"),
        ("SUBSCRIBE_MESSAGE", None, "wx2"),
        ("ENTERPRISE_CHAT", None, "ww1"),
        ("SMS", None, ""),
    ]


@pytest.mark.parametrize(
    ("channel", "changes", "reason"),
    [
        (Channel.OFFICIAL_ACCOUNT, {"follows": []}, Reason.NEVER_FOLLOWED),
        (
            Channel.MASS_MESSAGE,
            {"follows": [follow("wx1", "i", subscribed=False)]},
            Reason.UNFOLLOWED,
        ),
        (Channel.OFFICIAL_ACCOUNT, {"follows": [BLACKLISTED]}, Reason.BLACKLISTED),
        (Channel.MASS_MESSAGE, {"follows": [BLACKLISTED]}, Reason.BLACKLISTED),
        (Channel.CUSTOMER_SERVICE, {"follows": [BLACKLISTED]}, Reason.BLACKLISTED),
        (Channel.CUSTOMER_SERVICE, {"dialogues": []}, Reason.WINDOW_CLOSED),
        (Channel.CUSTOMER_SERVICE, {"follows": []}, Reason.NEVER_FOLLOWED),
        (Channel.SUBSCRIBE_MESSAGE, {"grants": []}, Reason.NO_GRANT),
        (Channel.ENTERPRISE_CHAT, {"contacts": []}, Reason.NO_CONTACT),
        (
            Channel.ENTERPRISE_CHAT,
            {"contacts": [row(corpid="ww1", identity="i", removed_by="CUSTOMER", guide_state="ACTIVE")]},
            Reason.CONTACT_DELETED,
        ),
        (
            Channel.ENTERPRISE_CHAT,
            {"contacts": [row(corpid="ww1", identity="i", removed_by=None, guide_state="LEFT")]},
            Reason.GUIDE_LEFT,
        ),
        (Channel.SMS, {"family": Family("m")}, Reason.NO_PHONE),
        (Channel.SMS, {"family": Family("m", erased=True, has_phone=True)}, Reason.ERASED),
        (Channel.SMS, {"family": Family("m", minor=True, has_phone=True)}, Reason.UNDER_AGE),
        (Channel.SMS, {"answers": []}, Reason.NO_CONSENT),
        # What cannot be asked for is shown before what can.
        (Channel.OFFICIAL_ACCOUNT, {"answers": [], "follows": []}, Reason.NEVER_FOLLOWED),
        (Channel.CUSTOMER_SERVICE, {"answers": [], "dialogues": []}, Reason.NO_CONSENT),
    ],
)
def test_each_obstacle_has_its_reason(channel: Channel, changes: dict[str, Any], reason: Reason) -> None:
    assert first(channel, known(**changes)).reason is reason


def test_a_good_way_is_preferred_to_a_lost_one() -> None:
    both = [
        follow("wx0", "i0", subscribed=False),
        follow("wx1", "i1"),
    ]
    assert first(Channel.OFFICIAL_ACCOUNT, known(follows=both)).account == "wx1"


def test_the_window_ends_after_48_hours_and_five_answers() -> None:
    wrote = NOW - timedelta(hours=1)
    way = first(Channel.CUSTOMER_SERVICE, known())
    assert (way.until, way.remaining) == (wrote + timedelta(hours=48), 5)
    late = {"now": wrote + timedelta(hours=48), "purpose": Purpose.SERVICE}
    assert first(Channel.CUSTOMER_SERVICE, known(), **late).reason is Reason.WINDOW_CLOSED
    answered = sent(4, "CUSTOMER_SERVICE", "SERVICE")
    assert first(Channel.CUSTOMER_SERVICE, known(sent=answered)).remaining == 1
    assert first(Channel.CUSTOMER_SERVICE, known(sent=answered * 2)).reason is Reason.WINDOW_SPENT
    earlier = sent(9, "CUSTOMER_SERVICE", "SERVICE", wrote - timedelta(minutes=1))
    assert first(Channel.CUSTOMER_SERVICE, known(sent=earlier)).remaining == 5


@pytest.mark.parametrize("kind", ["MENU", "FOLLOW", "SCAN"])
def test_other_windows_are_open_for_a_minute(kind: str) -> None:
    tapped = known(dialogues=[row(appid="wx1", identity="i1", kind=kind, at=NOW)])
    way = first(Channel.CUSTOMER_SERVICE, tapped, now=NOW + timedelta(seconds=59))
    assert (way.until, way.remaining) == (NOW + timedelta(minutes=1), 3)
    assert first(Channel.CUSTOMER_SERVICE, tapped, now=NOW + timedelta(minutes=1)).reason is Reason.WINDOW_CLOSED


def test_the_brands_cap_is_over_all_channels_for_marketing_alone() -> None:
    spent = sent(2, "SMS") + sent(2, "OFFICIAL_ACCOUNT")
    way = first(Channel.ENTERPRISE_CHAT, known(sent=spent))
    assert (way.reason, way.opens_at) == (Reason.FREQUENCY_CAP, NEXT_MONTH)
    assert first(Channel.ENTERPRISE_CHAT, known(sent=spent), purpose=Purpose.SERVICE).reachable
    others = sent(9, "SMS", "SERVICE") + sent(4, at=month(NOW)[0] - timedelta(seconds=1))
    assert first(Channel.ENTERPRISE_CHAT, known(sent=others)).reachable
    never = first(Channel.SMS, known(), rules=Reach(monthly_messages=0))
    assert (never.reason, never.opens_at) == (Reason.FREQUENCY_CAP, None)


@pytest.mark.parametrize(
    ("choice", "most", "opens"),
    [
        ("MONTH", 30, datetime(2026, 11, 30, 16, tzinfo=UTC)),
        ("WEEK", 7, datetime(2026, 11, 15, 16, tzinfo=UTC)),
        ("DAY", 1, datetime(2026, 11, 11, 16, tzinfo=UTC)),
    ],
)
def test_group_sends_have_the_platforms_cap_for_service_too(choice: Any, most: int, opens: datetime) -> None:
    def way(n: int) -> Endpoint:
        spent = sent(n, "ENTERPRISE_CHAT", "SERVICE", account="ww1")
        rules = Reach(group_sends=choice)
        return first(Channel.ENTERPRISE_CHAT, known(sent=spent), purpose=Purpose.SERVICE, rules=rules)

    assert way(most - 1).reachable
    assert (way(most).reason, way(most).opens_at) == (Reason.PLATFORM_CAP, opens)


def test_mass_messages_are_four_a_month_of_each_account() -> None:
    service = {"purpose": Purpose.SERVICE}
    mine, other = (sent(4, "MASS_MESSAGE", "SERVICE", account=name) for name in ("wx1", "wx9"))
    assert first(Channel.MASS_MESSAGE, known(sent=mine), **service).reason is Reason.PLATFORM_CAP
    assert first(Channel.MASS_MESSAGE, known(sent=other), **service).reachable


@pytest.mark.parametrize(
    ("hour", "minute", "ends"),
    [
        (13, 59, None),
        (14, 0, datetime(2026, 11, 12, 0, tzinfo=UTC)),
        (20, 0, datetime(2026, 11, 12, 0, tzinfo=UTC)),
        (0, 0, None),
    ],
)
def test_quiet_hours_are_of_the_night_in_china(hour: int, minute: int, ends: datetime | None) -> None:
    assert quiet_until(NOW.replace(hour=hour, minute=minute), RULES) == ends


def test_quiet_hours_of_one_day_and_none_at_all() -> None:
    noon = Reach(quiet_from="12:00", quiet_until="14:00")
    assert quiet_until(NOW.replace(hour=5), noon) == NOW.replace(hour=6, minute=0)
    assert quiet_until(NOW.replace(hour=14), noon) is None
    assert quiet_until(NOW, Reach(quiet_from="08:00", quiet_until="08:00")) is None


# From events --------------------------------------------------------------------------------------------


class Events:
    """What platforms tell about one shopper, and what comes of it."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.projector = Projector(database, IdentityGraph(database, clock), clock, OPEN_PLATFORM)

    async def member(self) -> str:
        async with self.projector.batch([shown(openid("o1"))]) as batch:
            return batch.linked[0].member

    async def way(self, channel: Channel) -> Endpoint:
        who = await self.member()
        found = await circumstances(self.database.fetch, self.database.keyring, [who], self.clock.now())
        return endpoints(found[who], Purpose.SERVICE, channel, self.clock.now(), RULES)[0]

    async def left(self) -> list[int]:
        return [each.remaining for each in await self.database.fetch(select(subscribe_grant.c.remaining))]

    async def client(self, key: str, *, accepted: bool = True) -> bool:
        async with self.projector.batch([shown(openid("o1"))]) as batch:
            who = batch.linked[0]
            answer = grants.Answered("wxapp1", who.identity, "T", accepted, self.clock.now(), key)
            return await grants.tell(batch, Ulids(self.clock), answer, who, "CLIENT")

    async def platform(self, *, accepted: bool = True) -> None:
        await grants.told(self.projector, SubscribeAnswered("wxapp1", "o1", "T", accepted, self.clock.now()))


@pytest.fixture
def events(database: Database, clock: ManualClock) -> Events:
    return Events(database, clock)


async def test_a_follower_who_writes_opens_the_window(events: Events) -> None:
    assert (await events.way(Channel.CUSTOMER_SERVICE)).reason is Reason.NEVER_FOLLOWED
    await official_account.changed(events.projector, [FollowerChanged("wxapp1", "o1", True, events.clock.now())])
    assert (await events.way(Channel.CUSTOMER_SERVICE)).remaining == 3
    events.clock.advance(hours=1)
    assert (await events.way(Channel.CUSTOMER_SERVICE)).reason is Reason.WINDOW_CLOSED
    wrote = events.clock.now()
    await official_account.interacted(events.projector, [Interacted("wxapp1", "o1", "MESSAGE", wrote)])
    # An older event that comes late does not shorten it.
    await official_account.interacted(
        events.projector, [Interacted("wxapp1", "o1", "MESSAGE", wrote - timedelta(minutes=5))]
    )
    await official_account.interacted(events.projector, [QrScanned("wxapp1", "o1", "store_88", wrote)])
    assert (await events.way(Channel.CUSTOMER_SERVICE)).until == wrote + timedelta(hours=48)
    await official_account.changed(events.projector, [FollowerChanged("wxapp1", "o1", False, events.clock.now())])
    assert (await events.way(Channel.CUSTOMER_SERVICE)).reason is Reason.UNFOLLOWED
    kinds = {each.kind for each in await events.database.fetch(select(fact.c.kind))}
    assert {"official_account.message", "qr.scan", "follow", "unfollow"} <= kinds


async def test_a_friend_who_deletes_the_guide_is_a_friend_no_more(events: Events) -> None:
    async with events.projector.batch([shown(openid("o1"), _unionid())]):
        pass
    friend = Contact("ww1", "x1", "g1", "u1", "", "", "", (), "", 1, "", events.clock.now(), ())
    await enterprise_chat.contacts(events.projector, [friend])
    assert (await events.way(Channel.ENTERPRISE_CHAT)).account == "ww1"
    events.clock.advance(seconds=5)
    gone = ContactRemoved(corpid="ww1", userid="g1", external_userid="x1", by="CUSTOMER", at=events.clock.now())
    await enterprise_chat.removed(events.projector, [gone])
    assert (await events.way(Channel.ENTERPRISE_CHAT)).reason is Reason.CONTACT_DELETED


def _unionid() -> Any:
    return replace(openid("u1"), kind="UNIONID", issuer=OPEN_PLATFORM)


async def test_client_and_platform_tell_of_one_answer_in_any_order(events: Events) -> None:
    assert await events.client("q1")
    assert not await events.client("q1")
    events.clock.advance(seconds=3)
    await events.platform()
    assert await events.left() == [1]
    events.clock.advance(hours=1)
    await events.platform()
    events.clock.advance(seconds=2)
    assert not await events.client("q2")
    await events.client("q3", accepted=False)
    assert await events.left() == [2]
    # Two answers shortly after one another are two, also when only one of them is told twice.
    await events.client("q4")
    await events.client("q5")
    await events.platform()
    assert await events.left() == [4]
    unpaired = await events.database.fetch(select(subscribe_answer.c.id).where(subscribe_answer.c.paired.is_(False)))
    assert len(unpaired) == 2


async def test_a_template_that_is_switched_off_leaves_nothing(events: Events) -> None:
    await events.client("q1")
    events.clock.advance(seconds=5)
    await grants.told(events.projector, SubscribeEnded("wxapp1", "o1", "T", events.clock.now()))
    assert await events.left() == [0]
    events.clock.advance(hours=1)
    await events.client("q2")
    # It was switched off before that answer, and the platform tells of it only now.
    await grants.told(events.projector, SubscribeEnded("wxapp1", "o1", "T", events.clock.now() - timedelta(minutes=30)))
    assert await events.left() == [1]
