"""Customers given to another employee (在职继承, 离职继承): waiting for a day, then done, unless they refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.callbacks import CallbackSender
from adapters.enterprise_chat.sandbox.cursors import cut
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState, Member, Relation, Standing
from sandbox.platform import Kit

NAME = "enterprise_chat"
MOST = 100
PAGE = 1000
CHARACTERS = 200
DELAY = timedelta(hours=24)
MOVES = 2
NINETY_DAYS = timedelta(days=90)
RESIGNED_AT_MOST = timedelta(days=365)
DONE, WAITING, REFUSED, FULL = 1, 2, 3, 4
#: add_way of a customer whom an administrator gave.
ASSIGNED = 202


@dataclass(slots=True)
class Handover:
    """One customer on the way from one employee to another."""

    old: str
    new: str
    external_userid: str
    begun_at: datetime
    resigned: bool
    status: int = WAITING

    @property
    def due(self) -> datetime:
        """When the new employee has them."""
        return self.begun_at + DELAY


class Handovers:
    """Accepts and finishes them. ``settle`` is called before every call, so that nobody sees one overdue."""

    def __init__(self, state: CorpState, kit: Kit, callbacks: CallbackSender) -> None:
        self._state = state
        self._kit = kit
        self._callbacks = callbacks
        self.all: list[Handover] = []

    def transfer_customer(self, call: Call) -> Mapping[str, Any]:
        """Of an employee who is there."""
        if len(call.text("transfer_success_msg")) > CHARACTERS:
            raise Refusal(40058)
        old = self._state.member(call.text("handover_userid"))
        if old is None:
            raise Refusal(60111)
        return self._begin(call, old, resigned=False)

    def resigned_transfer_customer(self, call: Call) -> Mapping[str, Any]:
        """Of an employee who left, at most a year ago."""
        old = self._state.members.get(call.text("handover_userid").lower())
        if old is None:
            raise Refusal(40003)
        return self._begin(call, old, resigned=True)

    def transfer_result(self, call: Call) -> Mapping[str, Any]:
        """Where customers stand."""
        return self._results(call, resigned=False)

    def resigned_transfer_result(self, call: Call) -> Mapping[str, Any]:
        """The same of an employee who left."""
        return self._results(call, resigned=True)

    def settle(self) -> None:
        """Finish what is due: the old relation goes, the new one comes, and both are called back."""
        now = self._kit.clock.now()
        for handover in self.all:
            if handover.status == WAITING and handover.due <= now:
                self._finish(handover)

    def refuse(self, new: str, external: str, reason: str) -> None:
        """The customer stays, or the new employee is full."""
        for handover in self.all:
            if (handover.new, handover.external_userid, handover.status) == (new, external, WAITING):
                handover.status = FULL if reason == "customer_limit_exceed" else REFUSED

    def _begin(self, call: Call, old: Member, *, resigned: bool) -> Mapping[str, Any]:
        customers = call.texts("external_userid")
        if not 1 <= len(customers) <= MOST:
            raise Refusal(41035 if not customers else 40058)
        new = self._state.member(call.text("takeover_userid"))
        if new is None:
            raise Refusal(60111)
        rows = []
        for external in customers:
            code = self._obstacle(old, new, external, resigned=resigned)
            if not code:
                self.all.append(Handover(old.userid, new.userid, external, self._kit.clock.now(), resigned))
                self._kit.effect(NAME, "handover", f"{old.userid}:{new.userid}:{external}")
            rows.append({"external_userid": external, "errcode": code})
        return {"customer": rows}

    def _obstacle(self, old: Member, new: Member, external: str, *, resigned: bool) -> int:
        now = self._kit.clock.now()
        if external not in self._state.customers:
            return 40096
        if resigned and (old.left_at is None or now - old.left_at > RESIGNED_AT_MOST):
            return 40097
        if old.userid == new.userid:
            return 40130
        relation = self._state.relation(old.userid, external)
        if relation is None or not relation.visible:
            return 40131
        mine = [h for h in self.all if h.external_userid == external]
        if any(h.status == WAITING for h in mine):
            return 40129
        recent = [h for h in mine if now - h.begun_at < NINETY_DAYS and not h.resigned]
        return 40128 if not resigned and len(recent) >= MOVES else 0

    def _results(self, call: Call, *, resigned: bool) -> Mapping[str, Any]:
        old, new = call.text("handover_userid"), call.text("takeover_userid")
        rows = []
        for handover in self.all:
            if (handover.old, handover.new, handover.resigned) == (old, new, resigned):
                row: dict[str, Any] = {"external_userid": handover.external_userid, "status": handover.status}
                known = handover.status in {DONE, WAITING}
                rows.append({**row, "takeover_time": int(handover.due.timestamp()) if known else 0})
        page, cursor = cut(rows, call.text("cursor"), PAGE, f"handovers/{old}/{new}/{resigned}")
        return {"customer": list(page), "next_cursor": cursor}

    def _finish(self, handover: Handover) -> None:
        handover.status = DONE
        pair = {"UserID": handover.old, "ExternalUserID": handover.external_userid}
        old = self._state.relation(handover.old, handover.external_userid)
        if old is not None:
            self._state.relations.remove(old)
            if not handover.resigned:
                self._tell("del_external_contact", {**pair, "Source": "DELETE_BY_TRANSFER"})
        before = self._state.relation(handover.new, handover.external_userid)
        self._kit.effect(NAME, "handed_over", f"{handover.old}:{handover.new}:{handover.external_userid}")
        if before is not None and before.standing is Standing.FRIEND:
            return
        given_before = any(h.old == handover.new and h.external_userid == handover.external_userid for h in self.all)
        remark, state = (old.remark, old.state) if old else ("", "")
        tags = old.tags if old else ()
        self._state.relations.append(
            Relation(
                handover.new, handover.external_userid, remark, "", (), self._kit.clock.now(), ASSIGNED, state, tags
            )
        )
        if not given_before:
            self._tell("add_external_contact", {**pair, "UserID": handover.new})

    def _tell(self, change: str, fields: Mapping[str, str]) -> None:
        self._callbacks.send("change_external_contact", change, dict(fields))
