"""Reach (可触达): on which channels a member may be spoken to now, why not, and from when.

``circumstances`` reads what is known of some members in a fixed number of statements; ``endpoints`` judges it and
touches no database. The gate judges with the same function, inside the transaction that counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, Final

from sqlalchemy import Table, bindparam, select

from gateway.database.clock import BUSINESS_ZONE
from gateway.database.keyring import Keyring
from gateway.database.prepared import Prepared, list_of
from gateway.database.reading import Fetch
from gateway.database.rows import AnyRow
from gateway.database.tables.dimensions import guide
from gateway.database.tables.members import identity
from gateway.database.tables.projections import contact, dialogue, follower
from gateway.database.tables.reach import send_attempt, subscribe_grant
from gateway.members.consent import Answer, Purpose, answers_of, standing
from gateway.members.family import Family, families
from gateway.settings import Reach


class Channel(StrEnum):
    """Ways to a member. WELCOME is none that anybody chooses: it answers one who comes (欢迎语), once; nor is
    RECEIPT_REMINDER, the platform's own words about one order (确认收货提醒), once.

    The others after it carry no message: by REWARD something of value is given (红包, 商家券), by the last two data
    goes out.
    """

    OFFICIAL_ACCOUNT = "OFFICIAL_ACCOUNT"
    MASS_MESSAGE = "MASS_MESSAGE"
    CUSTOMER_SERVICE = "CUSTOMER_SERVICE"
    SUBSCRIBE_MESSAGE = "SUBSCRIBE_MESSAGE"
    ENTERPRISE_CHAT = "ENTERPRISE_CHAT"
    SMS = "SMS"
    WELCOME = "WELCOME"
    RECEIPT_REMINDER = "RECEIPT_REMINDER"
    REWARD = "REWARD"
    SOCIAL_ADS = "SOCIAL_ADS"
    EXPORT = "EXPORT"


#: Channels by which the brand speaks to whom it wants, in the order in which reach lists them; each message counts.
MESSAGES: Final = tuple(
    each
    for each in Channel
    if each not in {Channel.WELCOME, Channel.RECEIPT_REMINDER, Channel.REWARD, Channel.SOCIAL_ADS, Channel.EXPORT}
)


class Reason(StrEnum):
    """Why a channel may not be used."""

    UNKNOWN_MEMBER = "UNKNOWN_MEMBER"
    ERASED = "ERASED"
    NEVER_FOLLOWED = "NEVER_FOLLOWED"
    UNFOLLOWED = "UNFOLLOWED"
    BLACKLISTED = "BLACKLISTED"
    NO_CONTACT = "NO_CONTACT"
    CONTACT_DELETED = "CONTACT_DELETED"
    GUIDE_LEFT = "GUIDE_LEFT"
    NO_PHONE = "NO_PHONE"
    NO_CONSENT = "NO_CONSENT"
    UNDER_AGE = "UNDER_AGE"
    WINDOW_CLOSED = "WINDOW_CLOSED"
    WINDOW_SPENT = "WINDOW_SPENT"
    NO_GRANT = "NO_GRANT"
    PLATFORM_CAP = "PLATFORM_CAP"
    FREQUENCY_CAP = "FREQUENCY_CAP"
    QUIET_HOURS = "QUIET_HOURS"


#: A cap is a refusal that is over by itself: the attempt is recorded as capped.
CAPS: Final = frozenset({Reason.WINDOW_SPENT, Reason.PLATFORM_CAP, Reason.FREQUENCY_CAP, Reason.QUIET_HOURS})
#: Nothing that can be asked of the member or waited for would help: shown before a missing consent.
_NO_WAY: Final = frozenset(
    {
        Reason.NEVER_FOLLOWED,
        Reason.UNFOLLOWED,
        Reason.BLACKLISTED,
        Reason.NO_CONTACT,
        Reason.CONTACT_DELETED,
        Reason.GUIDE_LEFT,
        Reason.NO_PHONE,
    }
)
#: What opens a conversation with 客服消息: for how long, and how many messages.
#: https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html
WINDOWS: Final[Mapping[str, tuple[timedelta, int]]] = {
    "MESSAGE": (timedelta(hours=48), 5),
    "MENU": (timedelta(minutes=1), 3),
    "FOLLOW": (timedelta(minutes=1), 3),
    "SCAN": (timedelta(minutes=1), 3),
}
#: 群发 of a service account reach one follower so often in a calendar month.
MASS_MESSAGES: Final = 4


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One way to a member: a channel, and the account, identity and template by which it goes.

    Attributes:
        opens_at: when a refusal is over by itself; None when that is not known or never.
        until: when a permission ends by itself; None when it does not.
        remaining: messages left, where the platform counts them.
    """

    channel: Channel
    reason: Reason | None = None
    account: str = ""
    identity: str | None = None
    template: str = ""
    opens_at: datetime | None = None
    until: datetime | None = None
    remaining: int | None = None

    @property
    def reachable(self) -> bool:
        """Whether a message may go now."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that took its place under the caps."""

    purpose: str
    channel: str
    account: str
    identity: str | None
    at: datetime


@dataclass(slots=True)
class Circumstances:
    """What is known of one member that matters here. Rows are those of the tables."""

    family: Family
    answers: Sequence[Answer]
    follows: Sequence[AnyRow]
    contacts: Sequence[AnyRow]
    dialogues: Sequence[AnyRow]
    grants: Sequence[AnyRow]
    sent: Sequence[Sent]


async def circumstances(
    fetch: Fetch, keyring: Keyring, member_ids: Sequence[str], now: datetime
) -> Mapping[str, Circumstances]:
    """Asked id → what is known; an unknown id is left out. Nine statements, and one for keys that are not cached."""
    found = await families(fetch, keyring, member_ids)
    known = {each.member: each for each in found.values()}
    answers = await answers_of(fetch, known.values())
    follows = await _by_member(fetch, follower, known)
    contacts = await _by_member(fetch, contact, known)
    dialogues = await _by_member(fetch, dialogue, known)
    grants = await _by_member(fetch, subscribe_grant, known)
    sent = await _sent(fetch, known.values(), now)
    return {
        asked: Circumstances(
            family,
            answers.get(family.member, ()),
            follows[family.member],
            contacts[family.member],
            dialogues[family.member],
            grants[family.member],
            sent[family.member],
        )
        for asked, family in found.items()
    }


async def permissions(fetch: Fetch, keyring: Keyring, member_ids: Sequence[str]) -> Mapping[str, Circumstances]:
    """The same for channels that carry no message, of which only the answers matter: four statements."""
    found = await families(fetch, keyring, member_ids)
    answers = await answers_of(fetch, {each.member: each for each in found.values()}.values())
    return {
        asked: Circumstances(family, answers.get(family.member, ()), (), (), (), (), ())
        for asked, family in found.items()
    }


async def _by_member(fetch: Fetch, table: Table, known: Mapping[str, Family]) -> Mapping[str, list[AnyRow]]:
    """Rows that hang on the members' identities; of contacts also whether the guide still works there."""
    rows = await fetch(_hanging(table), {"ids": list(known)})
    grouped: dict[str, list[AnyRow]] = defaultdict(list)
    for row in rows:
        grouped[row.member].append(row)
    return grouped


@cache
def _hanging(table: Table) -> Prepared:
    # A remark is sealed, and nothing here needs it.
    columns = [column for column in table.columns if column.name not in {"remark", "name"}]
    statement = select(identity.c.member, *columns).join(identity, identity.c.id == table.c.identity)
    if table is contact:
        current = (guide.c.id == contact.c.corpid + ":" + contact.c.userid) & guide.c.valid_to.is_(None)
        statement = statement.add_columns(guide.c.state.label("guide_state")).outerjoin(guide, current)
    of = identity.c.member.in_(list_of("ids"))
    return Prepared(statement.where(of).order_by(*table.primary_key))


async def _sent(fetch: Fetch, known: Any, now: datetime) -> Mapping[str, list[Sent]]:
    by_id = {each: family.member for family in known for each in family.ids}
    since = min(month(now)[0], week(now)[0], now - WINDOWS["MESSAGE"][0])
    rows = await fetch(_SENT, {"ids": list(by_id), "since": since})
    grouped: dict[str, list[Sent]] = defaultdict(list)
    for row in rows:
        grouped[by_id[row.member]].append(Sent(row.purpose, row.channel, row.account, row.identity, row.decided_at))
    return grouped


_SENT: Final = Prepared(
    select(*(send_attempt.c[name] for name in ("member", "purpose", "channel", "account", "identity", "decided_at")))
    .where(
        send_attempt.c.member.in_(list_of("ids")),
        send_attempt.c.decided_at >= bindparam("since"),
        send_attempt.c.counted,
    )
    .order_by(send_attempt.c.decided_at)
)


def endpoints(known: Circumstances, purpose: Purpose, channel: Channel, now: datetime, rules: Reach) -> list[Endpoint]:
    """Every way by a channel, the best first; never empty. Without a way at all, one that says why."""
    judged = [_judged(known, purpose, each, now, rules) for each in _WAYS[channel](known, now)]
    return sorted(judged, key=lambda each: (not each.reachable, each.reason in _NO_WAY))


def held(known: Circumstances, purpose: Purpose, way: Endpoint, now: datetime, rules: Reach) -> Endpoint:
    """The same way for a message that has its place: only what is counted is not asked again."""
    if way.reason in _NO_WAY:
        return way
    reason, opens = _barred(known, purpose, now), None
    if reason is None and way.reason is Reason.WINDOW_CLOSED:
        reason = way.reason
    if reason is None and purpose is Purpose.MARKETING:
        opens = quiet_until(now, rules)
        reason = None if opens is None else Reason.QUIET_HOURS
    return replace(way, reason=reason, opens_at=opens)


def _barred(known: Circumstances, purpose: Purpose, now: datetime) -> Reason | None:
    """What the member themselves, or their age, says."""
    if known.family.erased:
        return Reason.ERASED
    stands = standing(known.family, known.answers, purpose, now)
    if stands.given:
        return None
    return Reason.UNDER_AGE if stands.guardian_missing else Reason.NO_CONSENT


def _judged(known: Circumstances, purpose: Purpose, way: Endpoint, now: datetime, rules: Reach) -> Endpoint:
    barred = _barred(known, purpose, now)
    if barred is Reason.ERASED:
        return replace(way, reason=barred, until=None, opens_at=None)
    if way.reason in _NO_WAY:
        return way
    if barred is not None:
        return replace(way, reason=barred, until=None, opens_at=None)
    if way.reason is not None:
        return way
    if way.channel not in MESSAGES:
        return way
    return _capped(known, purpose, way, now, rules)


def _capped(known: Circumstances, purpose: Purpose, way: Endpoint, now: datetime, rules: Reach) -> Endpoint:
    """All caps: the first one names the reason, and it opens when the last one does."""
    hits: list[tuple[Reason, datetime | None]] = []
    platform = _platform_cap(known, way, now, rules)
    if platform is not None:
        hits.append((Reason.PLATFORM_CAP, platform))
    if purpose is Purpose.MARKETING:
        begin, end = month(now)
        spent = sum(each.purpose == purpose.value and begin <= each.at < end for each in known.sent)
        if spent >= rules.monthly_messages:
            hits.append((Reason.FREQUENCY_CAP, end if rules.monthly_messages else None))
        quiet = quiet_until(now, rules)
        if quiet is not None:
            hits.append((Reason.QUIET_HOURS, quiet))
    if not hits:
        return way
    opens = None if any(at is None for _, at in hits) else max(at for _, at in hits if at is not None)
    if opens is not None and purpose is Purpose.MARKETING:
        # A month begins at midnight, when nobody wants to be woken.
        opens = quiet_until(opens, rules) or opens
    return replace(way, reason=hits[0][0], opens_at=opens, until=None)


def _platform_cap(known: Circumstances, way: Endpoint, now: datetime, rules: Reach) -> datetime | None:
    """When the platform takes the next message, if it takes none now. What others send it counts too; we cannot."""
    if way.channel is Channel.MASS_MESSAGE:
        (begin, end), most = month(now), MASS_MESSAGES
    elif way.channel is Channel.ENTERPRISE_CHAT:
        (begin, end), most = _GROUP_SENDS[rules.group_sends](now)
    else:
        return None
    spent = sum(
        each.channel == way.channel.value and each.account == way.account and begin <= each.at < end
        for each in known.sent
    )
    return end if spent >= most else None


# Ways -----------------------------------------------------------------------------------------------


def _followed(known: Circumstances, channel: Channel) -> list[Endpoint]:
    ways = [Endpoint(channel, _closed(row), row.appid, row.identity) for row in known.follows]
    return ways or [Endpoint(channel, Reason.NEVER_FOLLOWED)]


def _closed(row: AnyRow) -> Reason | None:
    """Why an account cannot write to one of its followers."""
    if not row.subscribed:
        return Reason.UNFOLLOWED
    return None if row.blocked_at is None else Reason.BLACKLISTED


def _official_account(known: Circumstances, now: datetime) -> list[Endpoint]:
    del now
    return _followed(known, Channel.OFFICIAL_ACCOUNT)


def _mass_message(known: Circumstances, now: datetime) -> list[Endpoint]:
    del now
    return _followed(known, Channel.MASS_MESSAGE)


def _customer_service(known: Circumstances, now: datetime) -> list[Endpoint]:
    return [
        way if way.reason is not None else _in_window(known, way, now)
        for way in _followed(known, Channel.CUSTOMER_SERVICE)
    ]


def _in_window(known: Circumstances, way: Endpoint, now: datetime) -> Endpoint:
    """The window that is open longest and has messages left."""
    mine = [row for row in known.dialogues if (row.appid, row.identity) == (way.account, way.identity)]
    opened = [(row.at + WINDOWS[row.kind][0], _left(known, way, row)) for row in mine if row.kind in WINDOWS]
    still = [(end, left) for end, left in opened if end > now]
    if not still:
        return replace(way, reason=Reason.WINDOW_CLOSED)
    usable = [(end, left) for end, left in still if left > 0]
    if not usable:
        # Only the shopper can open another one.
        return replace(way, reason=Reason.WINDOW_SPENT, remaining=0)
    end, left = max(usable)
    return replace(way, until=end, remaining=left)


def _left(known: Circumstances, way: Endpoint, row: AnyRow) -> int:
    since: datetime = row.at
    mine = [each for each in known.sent if (each.channel, each.identity) == (way.channel.value, way.identity)]
    return max(0, WINDOWS[row.kind][1] - len([each for each in mine if each.at >= since]))


def _subscribe_message(known: Circumstances, now: datetime) -> list[Endpoint]:
    del now
    channel = Channel.SUBSCRIBE_MESSAGE
    listed_as = {(row.appid, row.identity) for row in known.follows if row.blocked_at is not None}
    ways = [
        Endpoint(
            channel,
            Reason.BLACKLISTED
            if (row.appid, row.identity) in listed_as
            else None
            if row.remaining > 0
            else Reason.NO_GRANT,
            row.appid,
            row.identity,
            row.template,
            remaining=row.remaining,
        )
        for row in known.grants
    ]
    return ways or [Endpoint(channel, Reason.NO_GRANT)]


def _enterprise_chat(known: Circumstances, now: datetime) -> list[Endpoint]:
    """One way per corp: however many guides know a customer, the platform asks one of them and counts the customer."""
    del now
    channel, by_corp = Channel.ENTERPRISE_CHAT, defaultdict[str, list[AnyRow]](list)
    for row in known.contacts:
        by_corp[row.corpid].append(row)
    ways = [_friend(rows) for rows in by_corp.values()]
    return ways or [Endpoint(channel, Reason.NO_CONTACT)]


def _friend(rows: Sequence[AnyRow]) -> Endpoint:
    # A guide whom nobody read yet is none who left.
    kept = [row for row in rows if row.removed_by is None]
    there = [row for row in kept if row.guide_state in {None, "ACTIVE"}]
    row = (there or kept or rows)[0]
    reason = None if there else Reason.GUIDE_LEFT if kept else Reason.CONTACT_DELETED
    return Endpoint(Channel.ENTERPRISE_CHAT, reason, row.corpid, row.identity)


def _sms(known: Circumstances, now: datetime) -> list[Endpoint]:
    del now
    return [Endpoint(Channel.SMS, None if known.family.has_phone else Reason.NO_PHONE)]


def _welcome(known: Circumstances, now: datetime) -> list[Endpoint]:
    del known, now
    return [Endpoint(Channel.WELCOME)]


def _receipt_reminder(known: Circumstances, now: datetime) -> list[Endpoint]:
    del known, now
    return [Endpoint(Channel.RECEIPT_REMINDER)]


def _reward(known: Circumstances, now: datetime) -> list[Endpoint]:
    del known, now
    return [Endpoint(Channel.REWARD)]


def _social_ads(known: Circumstances, now: datetime) -> list[Endpoint]:
    del known, now
    return [Endpoint(Channel.SOCIAL_ADS)]


def _export(known: Circumstances, now: datetime) -> list[Endpoint]:
    del known, now
    return [Endpoint(Channel.EXPORT)]


_WAYS: Final[Mapping[Channel, Callable[[Circumstances, datetime], list[Endpoint]]]] = {
    Channel.OFFICIAL_ACCOUNT: _official_account,
    Channel.MASS_MESSAGE: _mass_message,
    Channel.CUSTOMER_SERVICE: _customer_service,
    Channel.SUBSCRIBE_MESSAGE: _subscribe_message,
    Channel.ENTERPRISE_CHAT: _enterprise_chat,
    Channel.SMS: _sms,
    Channel.WELCOME: _welcome,
    Channel.RECEIPT_REMINDER: _receipt_reminder,
    Channel.REWARD: _reward,
    Channel.SOCIAL_ADS: _social_ads,
    Channel.EXPORT: _export,
}


# Calendar -------------------------------------------------------------------------------------------


def month(now: datetime) -> tuple[datetime, datetime]:
    """The calendar month in Asia/Shanghai that an instant is in, half-open."""
    begin = _midnight(now).replace(day=1)
    return begin, (begin + timedelta(days=32)).replace(day=1)


def week(now: datetime) -> tuple[datetime, datetime]:
    """The week, from Monday."""
    today = _midnight(now)
    begin = today - timedelta(days=today.weekday())
    return begin, begin + timedelta(days=7)


def quiet_until(now: datetime, rules: Reach) -> datetime | None:
    """When the quiet hours that an instant is in end; None outside of them."""
    begin, end = (time.fromisoformat(text) for text in (rules.quiet_from, rules.quiet_until))
    local = now.astimezone(BUSINESS_ZONE)
    at = local.time()
    quiet = begin <= at < end if begin <= end else at >= begin or at < end
    if not quiet:
        return None
    ends = _midnight(now).replace(hour=end.hour, minute=end.minute)
    return ends if ends > local else ends + timedelta(days=1)


def _by_month(now: datetime) -> tuple[tuple[datetime, datetime], int]:
    begin, end = month(now)
    return (begin, end), (end - begin).days


def _by_week(now: datetime) -> tuple[tuple[datetime, datetime], int]:
    return week(now), 7


def _by_day(now: datetime) -> tuple[tuple[datetime, datetime], int]:
    today = _midnight(now)
    return (today, today + timedelta(days=1)), 1


#: What one customer may receive by 企业群发 and 个人群发 together, by the administrator's choice.
#: https://developer.work.weixin.qq.com/document/path/92135
_GROUP_SENDS: Final = {"MONTH": _by_month, "WEEK": _by_week, "DAY": _by_day}


def _midnight(now: datetime) -> datetime:
    return now.astimezone(BUSINESS_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)


def listed(known: Circumstances, purpose: Purpose, now: datetime, rules: Reach) -> Iterator[Endpoint]:
    """What ``reach`` shows: the best way per message channel, and each subscribe template by itself."""
    for channel in MESSAGES:
        ways = endpoints(known, purpose, channel, now, rules)
        yield from ways if channel is Channel.SUBSCRIBE_MESSAGE else ways[:1]
