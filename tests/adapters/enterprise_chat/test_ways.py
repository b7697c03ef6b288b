"""QR codes of employees and groups, and the channel that those who scan them carry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.base.errors import Invalid, NotFound, Rejected
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.ways import ContactWay, ContactWaySpec, JoinWaySpec
from sandbox.server import Sandbox
from tests.adapters.enterprise_chat.conftest import Wire

SPEC = ContactWaySpec(("chenyutong",), state="store-2", remark="门店")


async def test_a_scan_carries_the_state(chat: EnterpriseChatAdapter, act: Any) -> None:
    way = await chat.add_contact_way(ContactWaySpec(("zhaominghui",), state="store-2"))
    scanned = await act("scan", config_id=way.config_id, person="linxiaowen")
    found = await chat.contact(scanned["external_userid"])
    assert not isinstance(found, NotFound)
    assert {each.userid: each.state for each in found}["zhaominghui"] == "store-2"


async def test_verification_leaves_the_pair_half_added(chat: EnterpriseChatAdapter, act: Any) -> None:
    way = await chat.add_contact_way(ContactWaySpec(("zhaominghui",), skip_verify=False))
    scanned = await act("scan", config_id=way.config_id, person="linxiaowen")
    found = await chat.contact(scanned["external_userid"])
    assert not isinstance(found, NotFound)
    assert "zhaominghui" not in {each.userid for each in found}


async def test_a_contact_way_is_read_back_replaced_and_deleted(chat: EnterpriseChatAdapter) -> None:
    way = await chat.add_contact_way(SPEC)
    assert way.qr_code.startswith("https://")
    assert await chat.contact_way(way.config_id) == way
    other = ContactWaySpec(("sunyue",), state="till", skip_verify=False, exclusive=True)
    await chat.update_contact_way(way.config_id, other)
    assert await chat.contact_way(way.config_id) == ContactWay(way.config_id, other, way.qr_code)
    await chat.delete_contact_way(way.config_id)
    with pytest.raises(NotFound, match="no_such_way"):
        await chat.contact_way(way.config_id)


async def test_a_button_has_no_picture_and_a_department_makes_several(chat: EnterpriseChatAdapter) -> None:
    button = await chat.add_contact_way(ContactWaySpec((), (2,), in_mini_program=True))
    assert button.qr_code == ""
    assert await chat.contact_way(button.config_id) == button


async def test_contact_ways_are_listed_by_time(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    old = await chat.add_contact_way(SPEC)
    sandbox.kit.clock.advance(timedelta(days=91))
    new = await chat.add_contact_way(SPEC)
    now = sandbox.kit.clock.now()
    assert (await chat.contact_way_ids()).items == [new.config_id]
    earlier = await chat.contact_way_ids(since=now - timedelta(days=100), until=now - timedelta(days=1))
    assert earlier.items == [old.config_id]


async def test_ways_over_a_limit(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    with pytest.raises(Invalid, match="way_state"):
        await chat.add_contact_way(ContactWaySpec(("sunyue",), state="字" * 31))
    with pytest.raises(Invalid, match="way_people"):
        await chat.add_contact_way(ContactWaySpec(()))
    with pytest.raises(Invalid, match="way_groups"):
        await chat.add_join_way(JoinWaySpec(("wr",) * 6))
    assert sandbox.kit.journal.calls == []
    sandbox.platforms["enterprise_chat"].ways.quota = 0  # type: ignore[attr-defined]
    with pytest.raises(Rejected, match="way_quota"):
        await chat.add_contact_way(SPEC)


async def test_who_joins_by_a_code_carries_its_state(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, wire: Wire, act: Any
) -> None:
    chat_id = (await chat.group_ids()).items[-1]
    spec = JoinWaySpec((chat_id,), state="door-1", room_name="会员福利群", room_number=3)
    config_id = await chat.add_join_way(spec)
    shown = await chat.join_way(config_id)
    assert shown.spec == spec
    assert shown.qr_code.startswith("https://")
    person = next(key for key in sandbox.world.people if key not in sandbox.world.groups[-1].members)
    joined = await act("scan", config_id=config_id, person=person)
    group = (await wire.customers("groupchat/get", {"chat_id": chat_id}))["group_chat"]
    member = next(each for each in group["member_list"] if each["userid"] == joined["external_userid"])
    assert (member["join_scene"], member["state"]) == (3, "door-1")
    await chat.update_join_way(config_id, JoinWaySpec((chat_id,), state="door-2"))
    assert (await chat.join_way(config_id)).spec == JoinWaySpec((chat_id,), state="door-2")
    await chat.delete_join_way(config_id)
    with pytest.raises(NotFound, match="no_such_way"):
        await chat.join_way(config_id)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": None}, 41037),
        ({"type": 3}, 41038),
        ({"scene": 3}, 41039),
        ({"scene": 1}, 41040),
        ({"user": []}, 40063),
        ({"user": ["lijiayi"]}, 60111),
        ({"type": 2, "party": [9999]}, 60123),
        ({"state": "字" * 31}, 40058),
    ],
)
async def test_what_the_platform_refuses(wire: Wire, change: dict[str, Any], code: int) -> None:
    way = {"type": 1, "scene": 2, "user": ["sunyue"], **change}
    assert (await wire.customers("add_contact_way", way))["errcode"] == code
    assert (await wire.customers("get_contact_way", {"config_id": ""}))["errcode"] == 41043
