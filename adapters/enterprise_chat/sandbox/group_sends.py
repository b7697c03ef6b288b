"""企业群发: tasks that employees confirm in their client, and what came of each customer and group."""

from __future__ import annotations

import calendar
import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.attachments import Attachments
from adapters.enterprise_chat.sandbox.cursors import cut
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState, Relation, Standing
from sandbox.platform import Kit

NAME = "enterprise_chat"
TEXT_BYTES = 4000
CUSTOMERS = 10_000
CHATS = 2000
TAGS_OF_A_SET = 100
LISTED = timedelta(days=31)
DISPATCHED_AFTER = timedelta(seconds=1)
REMINDERS = 3
_BEIJING = timezone(timedelta(hours=8))


@dataclass(slots=True)
class Target:
    """A customer or a group in an employee's task: ``status`` 0 not yet, 1 sent, 2 no friend, 3 over the cap."""

    id: str
    status: int = 0
    sent_at: datetime | None = None


@dataclass(slots=True)
class Task:
    """One group send; ``work`` is what each employee was asked to do."""

    msgid: str
    chat_type: str
    text: str
    attachments: list[Mapping[str, Any]]
    at: datetime
    work: dict[str, list[Target]]
    confirmed: dict[str, datetime] = field(default_factory=dict)
    cancelled: bool = False
    reminders: list[datetime] = field(default_factory=list)


class GroupSends:
    """Tasks made through the API; nothing is sent before somebody confirms."""

    def __init__(self, state: CorpState, kit: Kit) -> None:
        self._state = state
        self._kit = kit
        self._attachments = Attachments(state, kit)
        self.tasks: dict[str, Task] = {}
        #: (target, year, month) → group sends that they got; the cap is the month's days.
        self.received: dict[tuple[str, int, int], int] = defaultdict(int)

    def add_msg_template(self, call: Call) -> Mapping[str, Any]:
        """A task, and the customers whom nobody can send it to."""
        chat_type = call.text("chat_type") or "single"
        if chat_type not in {"single", "group"}:
            raise Refusal(40035)
        text = _text(call)
        attachments = self._attachments.checked(call.body.get("attachments", []))
        if not text and not attachments:
            raise Refusal(40063)
        work, failed = self._single(call) if chat_type == "single" else (self._group(call), [])
        if not any(work.values()):
            raise Refusal(41048)
        msgid = "msg" + secrets.token_urlsafe(24)
        self.tasks[msgid] = Task(msgid, chat_type, text, attachments, self._kit.clock.now(), work)
        self._kit.effect(NAME, "group_send", msgid, senders=sorted(work))
        return {"fail_list": failed, "msgid": msgid}

    def get_groupmsg_list_v2(self, call: Call) -> Mapping[str, Any]:
        """Tasks of a time. A limit over 100 becomes the default."""
        chat_type, start, end = call.text("chat_type"), call.whole("start_time"), call.whole("end_time")
        if chat_type not in {"single", "group"} or start is None or end is None:
            raise Refusal(40063)
        if end - start > LISTED.total_seconds():
            raise Refusal(40035)
        limit = call.whole("limit") or 50
        # Employees' own sends (filter_type 1) are not emulated.
        mine = call.whole("filter_type") != 1
        found = [t for t in self.tasks.values() if mine and t.chat_type == chat_type and start <= _seconds(t.at) <= end]
        page, cursor = cut(
            found, call.text("cursor"), limit if 1 <= limit <= 100 else 50, f"sends/{chat_type}/{start}/{end}"
        )
        rows = [
            {
                "msgid": task.msgid,
                "create_time": str(_seconds(task.at)),
                "create_type": 0,
                "text": {"content": task.text},
                "attachments": task.attachments,
            }
            for task in page
        ]
        return {"group_msg_list": rows, "next_cursor": cursor}

    def get_groupmsg_task(self, call: Call) -> Mapping[str, Any]:
        """The employees who were asked."""
        task = self._task(call)
        rows: list[dict[str, Any]] = [
            {"userid": userid, "status": 2, "send_time": _seconds(task.confirmed[userid])}
            if userid in task.confirmed
            else {"userid": userid, "status": 0}
            for userid in task.work
        ]
        page, cursor = cut(rows, call.text("cursor"), _limit(call), f"task/{task.msgid}")
        return {"task_list": list(page), "next_cursor": cursor}

    def get_groupmsg_send_result(self, call: Call) -> Mapping[str, Any]:
        """Customers or groups of one employee; of groups only those that got it."""
        task, userid = self._task(call), call.text("userid")
        if userid not in task.work:
            raise Refusal(60111)
        name = "external_userid" if task.chat_type == "single" else "chat_id"
        rows = []
        for target in task.work[userid]:
            if task.chat_type == "group" and target.status != 1:
                continue
            row: dict[str, Any] = {name: target.id, "userid": userid, "status": target.status}
            rows.append(row | ({"send_time": _seconds(target.sent_at)} if target.sent_at else {}))
        page, cursor = cut(rows, call.text("cursor"), _limit(call), f"results/{task.msgid}/{userid}")
        return {"send_list": list(page), "next_cursor": cursor}

    def remind(self, call: Call) -> Mapping[str, Any]:
        """Three times in 24 hours."""
        task, now = self._task(call), self._kit.clock.now()
        if task.cancelled:
            raise Refusal(41093)
        task.reminders = [at for at in task.reminders if now - at < timedelta(days=1)]
        if len(task.reminders) >= REMINDERS:
            raise Refusal(41094)
        task.reminders.append(now)
        self._kit.effect(NAME, "group_send_reminded", task.msgid)
        return {}

    def cancel(self, call: Call) -> Mapping[str, Any]:
        """What is not sent will not be."""
        task = self._task(call)
        if task.cancelled:
            raise Refusal(41093)
        task.cancelled = True
        self._kit.effect(NAME, "group_send_cancelled", task.msgid)
        return {}

    async def confirm(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """{msgid, userid}: the employee sends, in their client. Nothing is called back."""
        task, userid, now = self.tasks.get(str(body["msgid"])), str(body["userid"]), self._kit.clock.now()
        if task is None or userid not in task.work or userid in task.confirmed or task.cancelled:
            raise ValueError(f"{userid} has no such task to confirm")
        task.confirmed[userid] = now
        month = now.astimezone(_BEIJING)
        cap = calendar.monthrange(month.year, month.month)[1]
        for target in task.work[userid]:
            key = (target.id, month.year, month.month)
            if task.chat_type == "single" and not self._friends(userid, target.id):
                target.status = 2
            elif self.received[key] >= cap:
                target.status = 3
            else:
                self.received[key] += 1
                target.status, target.sent_at = 1, now
        sent = sum(target.status == 1 for target in task.work[userid])
        self._kit.effect(NAME, "group_message", f"{task.msgid}:{userid}", sent=sent)
        return {"sent": sent}

    def _friends(self, userid: str, external: str) -> bool:
        relation = self._state.relation(userid, external)
        return relation is not None and relation.standing is Standing.FRIEND

    def _single(self, call: Call) -> tuple[dict[str, list[Target]], list[str]]:
        named, sender, sets = call.texts("external_userid"), call.text("sender"), _tag_sets(call)
        if not (named or sender or sets):
            raise Refusal(41048)
        if len(named) > CUSTOMERS:
            raise Refusal(40058)
        member = self._state.member(sender) if sender else None
        if sender and member is None:
            raise Refusal(60111)
        staff = [member.userid] if member else [each.userid for each in self._state.active()]
        friends = [relation for userid in staff for relation in self._state.friends_of(userid)]
        if named:
            friends = [r for r in friends if r.external_userid in named]
        elif sets:
            friends = [r for r in friends if all(set(r.tags) & wanted for wanted in sets)]
        work: dict[str, list[Target]] = defaultdict(list)
        # Who chatted last with a customer is not known here; who met them last stands for it.
        latest: dict[str, Relation] = {}
        for relation in sorted(friends, key=lambda r: r.added_at):
            latest[relation.external_userid] = relation
        for external, relation in latest.items():
            work[relation.userid].append(Target(external))
        return dict(work), [external for external in named if external not in latest]

    def _group(self, call: Call) -> dict[str, list[Target]]:
        member = self._state.member(call.text("sender"))
        if not call.text("sender"):
            raise Refusal(40063)
        if member is None:
            raise Refusal(60111)
        named = call.texts("chat_id_list")
        if len(named) > CHATS:
            raise Refusal(40058)
        mine = [g.chat_id for g in self._state.groups.values() if g.owner == member.userid]
        return {member.userid: [Target(chat_id) for chat_id in mine if not named or chat_id in named]}

    def _task(self, call: Call) -> Task:
        msgid = call.text("msgid")
        if not msgid:
            raise Refusal(41046)
        task = self.tasks.get(msgid)
        if task is None:
            raise Refusal(41047)
        if self._kit.clock.now() - task.at < DISPATCHED_AFTER:
            raise Refusal(41063)
        return task


def _text(call: Call) -> str:
    text = call.body.get("text")
    content = text.get("content", "") if isinstance(text, dict) else ""
    if not isinstance(content, str) or len(content.encode()) > TEXT_BYTES:
        raise Refusal(40058)
    return content


def _tag_sets(call: Call) -> list[set[str]]:
    given = call.body.get("tag_filter")
    groups = given.get("group_list") if isinstance(given, dict) else None
    sets = [set(call.texts("tag_list", each)) for each in groups or [] if isinstance(each, dict)]
    if any(len(each) > TAGS_OF_A_SET for each in sets):
        raise Refusal(40058)
    return sets


def _limit(call: Call) -> int:
    limit = call.whole("limit") or 500
    return limit if 1 <= limit <= 1000 else 500


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
