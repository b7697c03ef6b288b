"""Remarks, tags, figures, and who works where."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.base.errors import Conflict, Invalid, NotFound, Rejected, Unauthorized
from adapters.enterprise_chat import TOOL, Contact, EnterpriseChatAdapter
from adapters.enterprise_chat.sandbox import Sandbox as EnterpriseChat
from sandbox.server import Sandbox
from tests.adapters.enterprise_chat.conftest import Wire
from tests.conftest import MakeRuntime, account_config


async def _contact(chat: EnterpriseChatAdapter, external: str, userid: str) -> Contact:
    found = await chat.contact(external)
    assert not isinstance(found, NotFound)
    return next(each for each in found if each.userid == userid)


def _platform(sandbox: Sandbox) -> EnterpriseChat:
    platform = sandbox.platforms["enterprise_chat"]
    assert isinstance(platform, EnterpriseChat)
    return platform


async def test_a_departments_people(chat: EnterpriseChatAdapter) -> None:
    room = (await chat.employees(["chenyutong"]))[0].departments[0]  # type: ignore[union-attr] # found
    staff = await chat.employees_of(room)
    assert [each.userid for each in staff] == [userid for userid, _ in await chat.employee_names(room)]
    assert ("chenyutong", "陈雨桐") in await chat.employee_names(room)
    assert (await chat.department(room)).id == room
    with pytest.raises(NotFound, match="no_such_department"):
        await chat.employees_of(9999)


async def test_departments_without_names(chat: EnterpriseChatAdapter) -> None:
    assert await chat.department_tree() == tuple((each.id, each.parent_id) for each in await chat.departments())
    assert await chat.department_tree(2) == ((2, 1),)


async def test_ids_of_everybody_need_a_secret_of_their_own(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, make_runtime: MakeRuntime
) -> None:
    page = await chat.employee_ids()
    assert {userid for userid, _ in page.items} == {g.userid for g in sandbox.world.guides if g.left_at is None}
    settings = dict(sandbox.describe()["platforms"]["enterprise_chat"]["accounts"]["main"])
    del settings["sync_secret"]
    async with TOOL.open(account_config(TOOL, settings), make_runtime(sandbox.kit.clock)) as without:
        with pytest.raises(Invalid, match="sync_secret_missing"):
            await without.employee_ids()


async def test_the_secret_of_ids_reads_no_members(wire: Wire) -> None:
    token = await wire.token(wire.corp.sync_secret)
    assert (await wire.call("user/get", access_token=token, userid="sunyue"))["errcode"] == 48009
    assert (await wire.call("department/simplelist", access_token=token))["errcode"] == 0


async def test_callbacks_come_from_known_addresses(chat: EnterpriseChatAdapter) -> None:
    assert await chat.callback_addresses() == ("203.0.113.0/24", "198.51.100.17")


async def test_a_remark_changes_what_is_given_and_nothing_else(chat: EnterpriseChatAdapter, known: str) -> None:
    before = await _contact(chat, known, "chenyutong")
    await chat.remark("chenyutong", known, description="M码 喜欢雾灰", mobiles=["13800000000", "13900000000"])
    noted = await _contact(chat, known, "chenyutong")
    assert (noted.remark, noted.description) == (before.remark, "M码 喜欢雾灰")
    assert noted.remark_mobiles == ("13800000000", "13900000000")
    await chat.remark("chenyutong", known, mobiles=[])
    assert (await _contact(chat, known, "chenyutong")).remark_mobiles == ()


async def test_a_remark_over_a_limit_is_not_sent(chat: EnterpriseChatAdapter, known: str, sandbox: Sandbox) -> None:
    with pytest.raises(Invalid, match="remark_length"):
        await chat.remark("chenyutong", known, remark="字" * 21)
    with pytest.raises(Invalid, match="nothing_to_change"):
        await chat.remark("chenyutong", known)
    assert sandbox.kit.journal.calls == []
    with pytest.raises(NotFound, match="no_relation"):
        await chat.remark("chenyutong", "wmNobody", remark="M码")


async def test_tags_are_made_marked_renamed_and_deleted(chat: EnterpriseChatAdapter, known: str) -> None:
    first, second = await chat.add_corp_tags("活动", ["双11", "618"])
    assert (first.name, first.group) == ("双11", "活动")
    assert await chat.corp_tags_by_id(tags=[second.id]) == (second,)
    await chat.mark_tags("chenyutong", known, add=[first.id, second.id])
    await chat.mark_tags("chenyutong", known, remove=[second.id])
    await chat.edit_corp_tag(first.id, name="双12")
    marked = await _contact(chat, known, "chenyutong")
    assert "双12" in marked.tag_names
    assert "618" not in marked.tag_names
    await chat.delete_corp_tags(tags=[first.id, second.id])
    assert "双12" not in (await _contact(chat, known, "chenyutong")).tag_names
    assert "活动" not in {tag.group for tag in await chat.corp_tags()}


async def test_tags_that_are_refused(chat: EnterpriseChatAdapter, sandbox: Sandbox, known: str) -> None:
    in_console = next(iter(next(iter(sandbox.world.corp.tag_groups.values()))))
    first, second = await chat.add_corp_tags("活动", ["双11", "618"])
    with pytest.raises(Unauthorized, match="no_tag_right"):
        await chat.edit_corp_tag(in_console, name="黑金")
    with pytest.raises(Conflict, match="tag_exists"):
        await chat.edit_corp_tag(first.id, name="618")
    with pytest.raises(NotFound, match="no_such_tag"):
        await chat.mark_tags("chenyutong", known, add=["etNone"])
    with pytest.raises(NotFound, match="no_relation"):
        await chat.mark_tags("chenyutong", "wmNobody", add=[second.id])
    with pytest.raises(Invalid, match="tag_name_length"):
        await chat.add_corp_tags("活动", ["字" * 31])
    _platform(sandbox).tags.per_corp = 1
    with pytest.raises(Rejected, match="tag_quota"):
        await chat.add_corp_tags("活动", ["年货"])


async def test_marks_lie_on_the_pair(chat: EnterpriseChatAdapter, act: Any, known: str) -> None:
    await act("add_contact", userid="zhaominghui", person="linxiaowen")
    [tag] = await chat.add_corp_tags("活动", ["双11"])
    await chat.mark_tags("zhaominghui", known, add=[tag.id])
    assert "双11" not in (await _contact(chat, known, "chenyutong")).tag_names


async def test_behaviour_is_summed_day_by_day_of_beijing(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any
) -> None:
    now = sandbox.kit.clock.now()
    await act("add_contact", userid="zhaominghui", person="linxiaowen")
    days = await chat.behaviour(now - timedelta(days=2), now, userids=["zhaominghui", "sunyue"])
    assert [day.added for day in days][-1] >= 1
    assert {(day.day.hour, day.day.minute) for day in days} == {(16, 0)}
    assert len(days) == 3
    for day in days:
        assert (day.reply_percentage is None) is (day.chats == 0)
    with pytest.raises(Invalid, match="argument"):
        await chat.behaviour(now - timedelta(days=31), now, userids=["sunyue"])


async def test_group_figures_by_owner_and_by_day(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    now, owner = sandbox.kit.clock.now(), sandbox.world.groups[0].owner
    start, end = now - timedelta(days=3), now - timedelta(days=1)
    page = await chat.group_figures_by_owner([owner, "sunyue"], start, end)
    figures = dict(page.items)
    owned = [g for g in _platform(sandbox).state.groups.values() if g.owner == owner]
    assert (figures[owner].groups, figures[owner].members) == (len(owned), sum(len(g.members) for g in owned))
    assert page.next_cursor is None
    days = await chat.group_figures_by_day([owner], start, end)
    assert len(days) == 3
    assert sum(day.messages for _, day in days) == figures[owner].messages
    with pytest.raises(Invalid):
        await chat.group_figures_by_day([owner], start, now)


async def test_a_mini_program_learns_its_group(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    chat_id = sandbox.world.groups[0].chat_id
    assert await chat.group_of("oG" + chat_id.removeprefix("wr")) == chat_id
    with pytest.raises(NotFound, match="not_a_customer_group"):
        await chat.group_of("oGnone")
    with pytest.raises(Invalid, match="opengid"):
        await chat.group_of("xx")


async def test_pages_of_figures_go_on_where_the_last_ended(wire: Wire, sandbox: Sandbox) -> None:
    end = int((sandbox.kit.clock.now() - timedelta(days=1)).timestamp())
    asked = {"day_begin_time": end, "owner_filter": {"userid_list": ["chenyutong", "sunyue"]}, "limit": 1}
    first = await wire.customers("groupchat/statistic", asked)
    last = await wire.customers("groupchat/statistic", {**asked, "offset": first["next_offset"]})
    assert (first["next_offset"], last["next_offset"], last["total"]) == (1, 2, 2)
    assert {first["items"][0]["owner"], last["items"][0]["owner"]} == {"chenyutong", "sunyue"}
