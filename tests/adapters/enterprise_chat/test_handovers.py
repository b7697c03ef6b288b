"""Customers and groups that go from one employee to another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.base.errors import Invalid, NotFound
from adapters.enterprise_chat import ContactAdded, ContactRemoved, EnterpriseChatAdapter, RemovedBy
from adapters.enterprise_chat.records.handovers import HandoverRow, HandoverStatus
from sandbox.server import Sandbox
from tests.adapters.enterprise_chat.conftest import OpenInbox

DAY = timedelta(hours=24)
OLD, NEW, LEFT = "chenyutong", "zhaominghui", "lijiayi"


async def _guides(chat: EnterpriseChatAdapter, external: str) -> set[str]:
    found = await chat.contact(external)
    return set() if isinstance(found, NotFound) else {each.userid for each in found}


async def test_a_customer_follows_after_a_day(chat: EnterpriseChatAdapter, sandbox: Sandbox, known: str) -> None:
    assert await chat.hand_over(OLD, NEW, [known], "小赵接着为您服务") == (HandoverRow(known),)
    [waiting] = (await chat.handovers(OLD, NEW)).items
    assert waiting.status is HandoverStatus.WAITING
    assert waiting.at is not None
    assert timedelta(0) < waiting.at - sandbox.kit.clock.now() <= DAY
    assert OLD in await _guides(chat, known)
    sandbox.kit.clock.advance(DAY)
    [done] = (await chat.handovers(OLD, NEW)).items
    assert (done.status, done.at) == (HandoverStatus.DONE, waiting.at)
    guides = await _guides(chat, known)
    assert NEW in guides
    assert OLD not in guides


async def test_both_ends_are_called_back(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, open_inbox: OpenInbox, known: str
) -> None:
    inbox = await open_inbox(sandbox, chat)
    await chat.hand_over(OLD, NEW, [known])
    sandbox.kit.clock.advance(DAY)
    await chat.handovers(OLD, NEW)
    await sandbox.kit.pusher.settle()
    records = [record for got in inbox.received for event in got.events for record in chat.interpret(event)]
    removed = next(each for each in records if isinstance(each, ContactRemoved))
    added = next(each for each in records if isinstance(each, ContactAdded))
    assert (removed.userid, removed.by) == (OLD, RemovedBy.TRANSFER)
    assert (added.userid, added.welcome_code) == (NEW, None)


@pytest.mark.parametrize(
    ("reason", "status"),
    [("customer_refused", HandoverStatus.REFUSED), ("customer_limit_exceed", HandoverStatus.FULL)],
)
async def test_what_stops_a_handover(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any, known: str, reason: str, status: HandoverStatus
) -> None:
    await chat.hand_over(OLD, NEW, [known])
    await act("refuse_handover", userid=NEW, person="linxiaowen", reason=reason)
    sandbox.kit.clock.advance(DAY)
    [row] = (await chat.handovers(OLD, NEW)).items
    assert (row.status, row.at) == (status, None)
    assert OLD in await _guides(chat, known)


async def test_rows_fail_one_by_one_and_keep_the_order(chat: EnterpriseChatAdapter, known: str) -> None:
    assert await chat.hand_over(OLD, NEW, ["wmNobody", known]) == (
        HandoverRow("wmNobody", "no_such_contact", "40096"),
        HandoverRow(known),
    )
    again = await chat.hand_over(OLD, NEW, [known])
    assert [(row.reason, row.accepted) for row in again] == [("handover_under_way", False)]
    [same] = await chat.hand_over(OLD, OLD, [known])
    assert same.reason == "same_employee"


async def test_twice_in_ninety_days_is_the_most(chat: EnterpriseChatAdapter, sandbox: Sandbox, known: str) -> None:
    for old, new in ((OLD, NEW), (NEW, OLD)):
        assert (await chat.hand_over(old, new, [known]))[0].accepted
        sandbox.kit.clock.advance(DAY)
    assert (await chat.hand_over(OLD, NEW, [known]))[0].reason == "handed_over_twice"
    sandbox.kit.clock.advance(timedelta(days=90))
    assert (await chat.hand_over(OLD, NEW, [known]))[0].accepted


async def test_customers_of_one_who_left(chat: EnterpriseChatAdapter, sandbox: Sandbox, known: str) -> None:
    waiting = [row.external_userid for row in (await chat.unassigned()).items]
    rows = await chat.hand_over_resigned(LEFT, NEW, waiting[:3])
    assert all(row.accepted for row in rows)
    assert (await chat.hand_over_resigned(OLD, NEW, [known]))[0].reason == "not_resigned"
    sandbox.kit.clock.advance(DAY)
    assert {row.status for row in (await chat.handovers_resigned(LEFT, NEW)).items} == {HandoverStatus.DONE}
    left = {row.external_userid for row in (await chat.unassigned()).items}
    assert left.isdisjoint(waiting[:3])
    assert (await chat.handovers(LEFT, NEW)).items == []


async def test_groups_change_their_owner_at_once(chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any) -> None:
    group = sandbox.world.groups[0]
    [done, unknown] = await chat.hand_over_groups([group.chat_id, "wrNone"], NEW)
    assert done.accepted
    assert (unknown.reason, unknown.upstream_code) == ("not_a_customer_group", "90501")
    assert (await chat.groups([group.chat_id]))[0].owner_userid == NEW  # type: ignore[union-attr] # found
    assert (await chat.hand_over_groups([group.chat_id], NEW))[0].reason == "same_employee"
    assert (await chat.hand_over_groups_resigned([group.chat_id], OLD))[0].reason == "owner_not_resigned"
    await act("remove_employee", userid=NEW)
    assert (await chat.hand_over_groups([group.chat_id], OLD))[0].reason == "owner_resigned"
    assert (await chat.hand_over_groups_resigned([group.chat_id], OLD))[0].accepted


async def test_more_than_a_hundred_are_not_sent(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    with pytest.raises(Invalid, match="too_many_customers"):
        await chat.hand_over(OLD, NEW, ["wm"] * 101)
    with pytest.raises(Invalid, match="too_many_groups"):
        await chat.hand_over_groups([], NEW)
    with pytest.raises(Invalid, match="handover_text"):
        await chat.hand_over(OLD, NEW, ["wm"], "字" * 201)
    assert sandbox.kit.journal.calls == []
