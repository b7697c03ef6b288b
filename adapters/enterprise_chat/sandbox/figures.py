"""联系客户统计 and 群聊数据统计: counted from relations and groups; chats are invented."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.organisation import well_formed
from adapters.enterprise_chat.sandbox.state import CorpState, Group, Standing
from sandbox.platform import Kit

MOST = 100
SPAN = timedelta(days=30)
KEPT = timedelta(days=180)
#: The platform floors times to its own days.
_BEIJING = timezone(timedelta(hours=8))
_ORDERS: Mapping[int, str] = {1: "new_chat_cnt", 2: "chat_total", 3: "new_member_cnt", 4: "member_total"}


class Figures:
    """Days of employees and of groups."""

    def __init__(self, state: CorpState, kit: Kit) -> None:
        self._state = state
        self._kit = kit

    def get_user_behavior_data(self, call: Call) -> Mapping[str, Any]:
        """One row per day, summed over everybody named; shares are missing on days without chats."""
        users, parties = call.texts("userid"), call.body.get("partyid")
        rooms = [each for each in parties if isinstance(each, int)] if isinstance(parties, list) else []
        if not users and not rooms:
            raise Refusal(40063)
        if max(len(users), len(rooms)) > MOST:
            raise Refusal(40032)
        if not all(well_formed(userid) for userid in users):
            raise Refusal(40031)
        days = self._days(call, "start_time", "end_time", until_yesterday=False)
        staff = {m.userid for m in self._state.active() if m.userid in users or m.department in rooms}
        return {"behavior_data": [self._behaviour(sorted(staff), day) for day in days]}

    def statistic(self, call: Call) -> Mapping[str, Any]:
        """One row per owner; pages by offset."""
        owners, days = self._owners(call), self._days(call, "day_begin_time", "day_end_time", until_yesterday=True)
        order = _ORDERS.get(call.whole("order_by") or 1)
        offset, limit = call.whole("offset") or 0, call.whole("limit") or 500
        if order is None or offset < 0 or not 1 <= limit <= 1000:
            raise Refusal(40035)
        rows = [{"owner": owner, "data": self._groups([owner], days)} for owner in owners]
        rows.sort(key=_by(order), reverse=call.whole("order_asc") != 1)
        page = rows[offset : offset + limit]
        return {"total": len(rows), "next_offset": offset + len(page), "items": page}

    def statistic_group_by_day(self, call: Call) -> Mapping[str, Any]:
        """One row per day, summed over the owners."""
        owners, days = self._owners(call), self._days(call, "day_begin_time", "day_end_time", until_yesterday=True)
        return {"items": [{"stat_time": _seconds(day), "data": self._groups(owners, [day])} for day in days]}

    def _owners(self, call: Call) -> list[str]:
        given = call.body.get("owner_filter")
        owners = call.texts("userid_list", given if isinstance(given, dict) else {})
        if not owners:
            raise Refusal(40063)
        if len(owners) > MOST:
            raise Refusal(40032)
        return owners

    def _days(self, call: Call, start: str, end: str, *, until_yesterday: bool) -> list[datetime]:
        begin = call.whole(start)
        finish = call.whole(end) if call.whole(end) is not None else begin
        if begin is None or finish is None:
            raise Refusal(40063)
        first, last = _floor(begin), _floor(finish)
        today = _floor(int(self._kit.clock.now().timestamp()))
        newest = today - timedelta(days=1) if until_yesterday else today
        if last < first or last - first > SPAN or first < today - KEPT or last > newest:
            raise Refusal(40035)
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def _behaviour(self, staff: Sequence[str], day: datetime) -> dict[str, Any]:
        end = day + timedelta(days=1)
        mine = [r for r in self._state.relations if r.userid in staff]
        chats = sum(_invented(userid, day) % 9 for userid in staff)
        row: dict[str, Any] = {
            "stat_time": _seconds(day),
            "chat_cnt": chats,
            "message_cnt": 4 * chats,
            "negative_feedback_cnt": 0,
            "new_apply_cnt": sum(day <= r.added_at < end for r in mine),
            "new_contact_cnt": sum(day <= r.added_at < end and r.standing is not Standing.HALF for r in mine),
        }
        return row | ({"reply_percentage": 60.25, "avg_reply_time": 3} if chats else {})

    def _groups(self, owners: Sequence[str], days: Sequence[datetime]) -> dict[str, int]:
        start, end = days[0], days[-1] + timedelta(days=1)
        mine = [g for g in self._state.groups.values() if g.owner in owners and g.created_at < end]
        talks = [_invented(g.chat_id, day) % 40 for g in mine for day in days]
        return {
            "new_chat_cnt": sum(g.created_at >= start for g in mine),
            "chat_total": len(mine),
            "chat_has_msg": sum(any(_invented(g.chat_id, day) % 40 for day in days) for g in mine),
            "new_member_cnt": sum(_joined(g, start, end) for g in mine),
            "member_total": sum(len(g.members) for g in mine),
            "member_has_msg": sum(len(g.members) // 2 for g in mine),
            "msg_total": sum(talks),
        }


def _by(order: str) -> Callable[[dict[str, Any]], int]:
    return lambda row: int(row["data"][order])


def _joined(group: Group, start: datetime, end: datetime) -> int:
    return sum(start <= member.joined_at < end for member in group.members)


def _invented(key: str, day: datetime) -> int:
    return hashlib.sha256(f"{key}/{day.date()}".encode()).digest()[0]


def _floor(seconds: int) -> datetime:
    try:
        at = datetime.fromtimestamp(seconds, _BEIJING)
    except (OverflowError, ValueError, OSError) as error:
        raise Refusal(40035) from error
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
