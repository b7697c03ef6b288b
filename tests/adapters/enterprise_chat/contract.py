"""Enterprise chat in the contract suite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from adapters.base.secrets import Secret
from adapters.enterprise_chat import TOOL, AppMessage, AppMessageKind, EnterpriseChatAdapter, Welcome
from adapters.enterprise_chat.records.messages import Audience, MarkdownMessage, MediaKind, Tile, TileItem, TileKind
from adapters.enterprise_chat.records.sends import GroupSend, GroupWelcome
from adapters.enterprise_chat.records.ways import ContactWaySpec, JoinWaySpec
from adapters.enterprise_chat.sandbox import Sandbox as EnterpriseChat
from adapters.enterprise_chat.sandbox.credentials import Agent
from adapters.enterprise_chat.sandbox.group_sends import Target, Task
from adapters.enterprise_chat.sandbox.messages import Response
from adapters.enterprise_chat.sandbox.state import (
    Customer,
    Group,
    GroupMember,
    Relation,
    Sent,
    Tag,
    TagGroup,
    WelcomeCode,
)
from adapters.enterprise_chat.sandbox.ways import Way
from sandbox.server import Sandbox
from tests.adapters.contract_case import Batch, Case, Operation


def _message(dedupe_key: str) -> AppMessage:
    return AppMessage(("chenyutong",), AppMessageKind.TEXT, "", "您的顾客已付款，到店自提 SO-1", "", dedupe_key)


async def _send_keyed(adapter: Any, _sandbox: Sandbox) -> object:
    return await adapter.send_app_message(_message("step-1"))


async def _send_unkeyed(adapter: Any, _sandbox: Sandbox) -> object:
    return await adapter.send_app_message(_message(""))


async def _send_welcome(adapter: Any, sandbox: Sandbox) -> object:
    state = sandbox.platforms[TOOL.name].state  # type: ignore[attr-defined]
    code = f"CODE{len(state.welcome_codes)}"
    state.welcome_codes[code] = WelcomeCode("chenyutong", "wmSomebody", sandbox.kit.clock.now())
    return await adapter.send_welcome(Welcome(Secret(code), "您好"))


async def _upload_image(adapter: Any, _sandbox: Sandbox) -> object:
    return await adapter.upload_image("card.png", b"\x89PNG\r\n\x1a\n")


async def _contact(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.contact(sandbox.world.people["linxiaowen"].external_userid)


async def _contact_ids(adapter: Any, _sandbox: Sandbox) -> object:
    return await adapter.contact_ids("chenyutong")


async def _contacts_of(adapter: Any, _sandbox: Sandbox) -> object:
    return await adapter.contacts_of(["chenyutong", "sunyue"])


async def _guide_ids(adapter: Any, _sandbox: Sandbox) -> object:
    return await adapter.guide_ids()


async def _departments(adapter: Any, _sandbox: Sandbox) -> object:
    return await adapter.departments()


async def _corp_tags(adapter: Any, _sandbox: Sandbox) -> object:
    return await adapter.corp_tags()


async def _group_ids(adapter: Any, _sandbox: Sandbox) -> object:
    return await adapter.group_ids()


async def _unassigned(adapter: Any, _sandbox: Sandbox) -> object:
    return await adapter.unassigned()


async def _employees(adapter: Any, ids: Sequence[str]) -> Sequence[object]:
    found: Sequence[object] = await adapter.employees(ids)
    return found


async def _groups(adapter: Any, ids: Sequence[str]) -> Sequence[object]:
    found: Sequence[object] = await adapter.groups(ids)
    return found


async def _refuse_token(sandbox: Sandbox) -> None:
    for agent in Agent:
        _platform(sandbox).desk.revoke(agent)


def _platform(sandbox: Sandbox) -> EnterpriseChat:
    platform = sandbox.platforms[TOOL.name]
    assert isinstance(platform, EnterpriseChat)
    return platform


def _customer(sandbox: Sandbox) -> str:
    return sandbox.world.people["linxiaowen"].external_userid


def _unused(seen: Sequence[object]) -> str:
    """Another word each time: an operation runs several times on one platform."""
    return f"no. {len(seen)}"


def _made_tag(sandbox: Sandbox) -> str:
    state, now = _platform(sandbox).state, sandbox.kit.clock.now()
    tag = Tag(f"et{len(state.tag_groups)}", "山系", 1, now, by_app=True)
    state.tag_groups.append(TagGroup(f"etG{len(state.tag_groups)}", _unused(state.tag_groups), 1, now, [tag], True))
    return tag.id


def _made_way(sandbox: Sandbox) -> str:
    ways = _platform(sandbox).ways
    way = {"config_id": f"way{len(sandbox.kit.journal.calls)}", "type": 1, "scene": 2, "state": "", "user": ["sunyue"]}
    ways.contact[str(way["config_id"])] = Way(way, sandbox.kit.clock.now())
    return str(way["config_id"])


def _made_join_way(sandbox: Sandbox) -> str:
    ways, an_id = _platform(sandbox).ways, f"join{len(sandbox.kit.journal.calls)}"
    ways.join[an_id] = Way({"config_id": an_id, "scene": 2, "chat_id_list": []}, sandbox.kit.clock.now())
    return an_id


def _made_task(sandbox: Sandbox) -> str:
    tasks, at = _platform(sandbox).sends.tasks, sandbox.kit.clock.now() - timedelta(minutes=1)
    task = Task(f"msg{len(sandbox.kit.journal.calls)}", "single", "您好", [], at, {"chenyutong": [Target("wmOne")]})
    tasks[task.msgid] = task
    return task.msgid


def _made_welcome(sandbox: Sandbox) -> str:
    templates = _platform(sandbox).group_welcomes.templates
    an_id = f"welcome{len(sandbox.kit.journal.calls)}"
    templates[an_id] = {"text": {"content": "欢迎"}}
    return an_id


def _fresh_customer(sandbox: Sandbox, userid: str) -> str:
    """Somebody whom nobody has given away yet, with this employee."""
    state = _platform(sandbox).state
    external = f"wmFresh{len(sandbox.kit.journal.calls)}"
    state.customers[external] = Customer(external, "新客", "")
    now = sandbox.kit.clock.now()
    state.relations.append(Relation(userid, external, "", "", (), now, 1, "", ()))
    return external


def _fresh_group(sandbox: Sandbox, owner: str) -> str:
    state, now = _platform(sandbox).state, sandbox.kit.clock.now()
    chat_id = f"wrFresh{len(sandbox.kit.journal.calls)}"
    state.groups[chat_id] = Group(chat_id, "新群", owner, "", now, [GroupMember(owner, True, now, 1)])
    return chat_id


def _sent(sandbox: Sandbox) -> str:
    sent = _platform(sandbox).state.sent
    sent.append(Sent(f"ux{len(sent)}", "", sandbox.kit.clock.now()))
    return sent[-1].msgid


def _response(sandbox: Sandbox) -> str:
    responses = _platform(sandbox).messages.responses
    code = f"code{len(sandbox.kit.journal.calls)}"
    responses[code] = Response("ux1", ("chenyutong",), sandbox.kit.clock.now())
    return code


def _days(sandbox: Sandbox) -> tuple[datetime, datetime]:
    now = sandbox.kit.clock.now()
    return now - timedelta(days=8), now - timedelta(days=1)


Run = Callable[[EnterpriseChatAdapter, Sandbox], Awaitable[object]]
_LEFT, _STAYS = "lijiayi", "sunyue"
_GUIDE = "chenyutong"


def _remark(adapter: EnterpriseChatAdapter, sandbox: Sandbox) -> Awaitable[object]:
    return adapter.remark(_GUIDE, _customer(sandbox), remark=f"M码 {len(sandbox.kit.journal.calls)}")


def _edit_tag(adapter: EnterpriseChatAdapter, sandbox: Sandbox) -> Awaitable[object]:
    return adapter.edit_corp_tag(_made_tag(sandbox), name="露营")


def _mark_tags(adapter: EnterpriseChatAdapter, sandbox: Sandbox) -> Awaitable[object]:
    return adapter.mark_tags(_GUIDE, _customer(sandbox), add=[_made_tag(sandbox)])


def _set_tile(adapter: EnterpriseChatAdapter, sandbox: Sandbox) -> Awaitable[object]:
    return adapter.set_tile(Tile(TileKind.FIGURES, (TileItem("今日", str(len(sandbox.kit.journal.calls))),)))


def _tile(sandbox: Sandbox) -> Tile:
    return Tile(TileKind.LINES, (TileItem(f"待办 {len(sandbox.kit.journal.calls)}"),))


def _read(name: str, path: str, run: Run) -> Operation:
    return Operation(name, "read", run, path)


def _once(name: str, path: str, effect: str, run: Run) -> Operation:
    return Operation(name, "once", run, path, effect_kind=effect, effects=1)


def _again(name: str, path: str, effect: str, run: Run) -> Operation:
    return Operation(name, "idempotent", run, path, effect_kind=effect, effects=1)


_CUSTOMERS = "/cgi-bin/externalcontact/"

_POST, _GET = f"POST {_CUSTOMERS}", f"GET {_CUSTOMERS}"
_MORE = (
    _read("employees_of", "GET /cgi-bin/user/list", lambda a, s: a.employees_of(2)),
    _read("employee_names", "GET /cgi-bin/user/simplelist", lambda a, s: a.employee_names(2)),
    _read("employee_ids", "POST /cgi-bin/user/list_id", lambda a, s: a.employee_ids()),
    _read("department", "GET /cgi-bin/department/get", lambda a, s: a.department(2)),
    _read("department_tree", "GET /cgi-bin/department/simplelist", lambda a, s: a.department_tree()),
    _read("callback_addresses", "GET /cgi-bin/getcallbackip", lambda a, s: a.callback_addresses()),
    _again("remark", f"{_POST}remark", "remark", _remark),
    _read(
        "corp_tags_by_id",
        f"{_POST}get_corp_tag_list",
        lambda a, s: a.corp_tags_by_id(tags=[next(iter(s.world.corp.tag_groups["会员等级"]))]),
    ),
    _once(
        "add_corp_tags",
        f"{_POST}add_corp_tag",
        "tags_added",
        lambda a, s: a.add_corp_tags("活动", [_unused(s.kit.journal.calls)]),
    ),
    _again("edit_corp_tag", f"{_POST}edit_corp_tag", "tag_edited", _edit_tag),
    _once(
        "delete_corp_tags",
        f"{_POST}del_corp_tag",
        "tags_deleted",
        lambda a, s: a.delete_corp_tags(tags=[_made_tag(s)]),
    ),
    _again("mark_tags", f"{_POST}mark_tag", "tags_marked", _mark_tags),
    _read(
        "behaviour",
        f"{_POST}get_user_behavior_data",
        lambda a, s: a.behaviour(*_days(s), userids=[_GUIDE]),
    ),
    _once(
        "add_contact_way",
        f"{_POST}add_contact_way",
        "contact_way",
        lambda a, s: a.add_contact_way(ContactWaySpec((_GUIDE,), state="store-2")),
    ),
    _read("contact_way", f"{_POST}get_contact_way", lambda a, s: a.contact_way(_made_way(s))),
    _read("contact_way_ids", f"{_POST}list_contact_way", lambda a, s: a.contact_way_ids()),
    _again(
        "update_contact_way",
        f"{_POST}update_contact_way",
        "contact_way_updated",
        lambda a, s: a.update_contact_way(_made_way(s), ContactWaySpec((_GUIDE,))),
    ),
    _once(
        "delete_contact_way",
        f"{_POST}del_contact_way",
        "contact_way_deleted",
        lambda a, s: a.delete_contact_way(_made_way(s)),
    ),
    _once(
        "add_join_way",
        f"{_POST}groupchat/add_join_way",
        "join_way",
        lambda a, s: a.add_join_way(JoinWaySpec((s.world.groups[0].chat_id,))),
    ),
    _read("join_way", f"{_POST}groupchat/get_join_way", lambda a, s: a.join_way(_made_join_way(s))),
    _again(
        "update_join_way",
        f"{_POST}groupchat/update_join_way",
        "join_way_updated",
        lambda a, s: a.update_join_way(_made_join_way(s), JoinWaySpec((s.world.groups[0].chat_id,))),
    ),
    _once(
        "delete_join_way",
        f"{_POST}groupchat/del_join_way",
        "join_way_deleted",
        lambda a, s: a.delete_join_way(_made_join_way(s)),
    ),
    _read(
        "group_of",
        f"{_POST}opengid_to_chatid",
        lambda a, s: a.group_of("oG" + s.world.groups[0].chat_id.removeprefix("wr")),
    ),
    _read(
        "group_figures_by_owner",
        f"{_POST}groupchat/statistic",
        lambda a, s: a.group_figures_by_owner([_GUIDE], *_days(s)),
    ),
    _read(
        "group_figures_by_day",
        f"{_POST}groupchat/statistic_group_by_day",
        lambda a, s: a.group_figures_by_day([_GUIDE], *_days(s)),
    ),
    _once(
        "hand_over",
        f"{_POST}transfer_customer",
        "handover",
        lambda a, s: a.hand_over(_GUIDE, _STAYS, [_fresh_customer(s, _GUIDE)]),
    ),
    _once(
        "hand_over_resigned",
        f"{_POST}resigned/transfer_customer",
        "handover",
        lambda a, s: a.hand_over_resigned(_LEFT, _STAYS, [_fresh_customer(s, _LEFT)]),
    ),
    _read("handovers", f"{_POST}transfer_result", lambda a, s: a.handovers(_GUIDE, _STAYS)),
    _read("handovers_resigned", f"{_POST}resigned/transfer_result", lambda a, s: a.handovers_resigned(_LEFT, _STAYS)),
    _once(
        "hand_over_groups",
        f"{_POST}groupchat/onjob_transfer",
        "group_handed_over",
        lambda a, s: a.hand_over_groups([_fresh_group(s, _GUIDE)], _STAYS),
    ),
    _once(
        "hand_over_groups_resigned",
        f"{_POST}groupchat/transfer",
        "group_handed_over",
        lambda a, s: a.hand_over_groups_resigned([_fresh_group(s, _LEFT)], _STAYS),
    ),
    _once(
        "create_group_send",
        f"{_POST}add_msg_template",
        "group_send",
        lambda a, s: a.create_group_send(GroupSend("新品到店", sender=_GUIDE)),
    ),
    _read("group_sends", f"{_POST}get_groupmsg_list_v2", lambda a, s: a.group_sends(*_days(s))),
    _read("group_send_senders", f"{_POST}get_groupmsg_task", lambda a, s: a.group_send_senders(_made_task(s))),
    _read(
        "group_send_deliveries",
        f"{_POST}get_groupmsg_send_result",
        lambda a, s: a.group_send_deliveries(_made_task(s), _GUIDE),
    ),
    _once(
        "remind_group_send",
        f"{_POST}remind_groupmsg_send",
        "group_send_reminded",
        lambda a, s: a.remind_group_send(_made_task(s)),
    ),
    _once(
        "cancel_group_send",
        f"{_POST}cancel_groupmsg_send",
        "group_send_cancelled",
        lambda a, s: a.cancel_group_send(_made_task(s)),
    ),
    _once(
        "add_group_welcome",
        f"{_POST}group_welcome_template/add",
        "group_welcome",
        lambda a, s: a.add_group_welcome(GroupWelcome("欢迎")),
    ),
    _read("group_welcome", f"{_POST}group_welcome_template/get", lambda a, s: a.group_welcome(_made_welcome(s))),
    _again(
        "update_group_welcome",
        f"{_POST}group_welcome_template/edit",
        "group_welcome_edited",
        lambda a, s: a.update_group_welcome(_made_welcome(s), GroupWelcome("欢迎新朋友")),
    ),
    _once(
        "delete_group_welcome",
        f"{_POST}group_welcome_template/del",
        "group_welcome_deleted",
        lambda a, s: a.delete_group_welcome(_made_welcome(s)),
    ),
    _once(
        "upload_media",
        "POST /cgi-bin/media/upload",
        "media",
        lambda a, s: a.upload_media(MediaKind.FILE, "size.pdf", b"%PDF-1.7"),
    ),
    _once(
        "publish_image",
        "POST /cgi-bin/media/uploadimg",
        "picture",
        lambda a, s: a.publish_image("card.png", b"\x89PNG\r\n\x1a\n"),
    ),
    _again(
        "send_content",
        "POST /cgi-bin/message/send",
        "app_message",
        lambda a, s: a.send_content(Audience((_GUIDE,)), MarkdownMessage("**到货**"), dedupe=True),
    ),
    _once(
        "send_content_unchecked",
        "POST /cgi-bin/message/send",
        "app_message",
        lambda a, s: a.send_content(Audience((_GUIDE,)), MarkdownMessage("**到货**")),
    ),
    _once(
        "recall_app_message",
        "POST /cgi-bin/message/recall",
        "app_message_recalled",
        lambda a, s: a.recall_app_message(_sent(s)),
    ),
    _once(
        "answer_card",
        "POST /cgi-bin/message/update_template_card",
        "card_answered",
        lambda a, s: a.answer_card(_response(s), "已处理"),
    ),
    _again("set_tile", "POST /cgi-bin/agent/set_workbench_template", "tile", _set_tile),
    _read("tile", "POST /cgi-bin/agent/get_workbench_template", lambda a, s: a.tile()),
    _read("tile_of_one", "POST /cgi-bin/agent/get_workbench_data", lambda a, s: a.tile(_GUIDE)),
    _again(
        "set_tiles_of_one",
        "POST /cgi-bin/agent/set_workbench_data",
        "tile",
        lambda a, s: a.set_tiles([_GUIDE], _tile(s)),
    ),
    Operation(
        "set_tiles",
        "idempotent",
        lambda a, s: a.set_tiles([_GUIDE, _STAYS], _tile(s)),
        "POST /cgi-bin/agent/batch_set_workbench_data",
        effect_kind="tile",
        effects=2,
    ),
    _read(
        "visitor",
        "GET /cgi-bin/auth/getuserinfo",
        lambda a, s: a.visitor(_platform(s).sidebar.issue({"userid": _GUIDE})),
    ),
    _read(
        "mini_program_employee",
        "GET /cgi-bin/miniprogram/jscode2session",
        lambda a, s: a.mini_program_employee(_platform(s).sidebar.issue({"userid": _GUIDE}, "mini_program")),
    ),
    _read(
        "collection_bills",
        "POST /cgi-bin/externalpay/get_bill_list",
        lambda a, s: a.collection_bills(*_days(s)),
    ),
)

_SECRETS = ("app_secret", "contact_secret", "sync_secret", "callback_token", "aes_key")

CASE = Case(
    spec=TOOL,
    alias="main",
    operations=(
        Operation(
            "send_app_message",
            "idempotent",
            _send_keyed,
            "POST /cgi-bin/message/send",
            effect_kind="app_message",
            effects=1,
        ),
        Operation(
            "send_app_message_unkeyed",
            "once",
            _send_unkeyed,
            "POST /cgi-bin/message/send",
            effect_kind="app_message",
            effects=1,
        ),
        Operation(
            "send_welcome",
            "once",
            _send_welcome,
            f"POST {_CUSTOMERS}send_welcome_msg",
            effect_kind="welcome_message",
            effects=1,
        ),
        Operation("upload_image", "once", _upload_image, "POST /cgi-bin/media/upload", effect_kind="media", effects=1),
        Operation("contact", "read", _contact, f"GET {_CUSTOMERS}get"),
        Operation("contact_ids", "read", _contact_ids, f"GET {_CUSTOMERS}list"),
        Operation("contacts_of", "read", _contacts_of, f"POST {_CUSTOMERS}batch/get_by_user"),
        Operation("guide_ids", "read", _guide_ids, f"GET {_CUSTOMERS}get_follow_user_list"),
        Operation("departments", "read", _departments, "GET /cgi-bin/department/list"),
        Operation("corp_tags", "read", _corp_tags, f"POST {_CUSTOMERS}get_corp_tag_list"),
        Operation("group_ids", "read", _group_ids, f"POST {_CUSTOMERS}groupchat/list"),
        Operation("unassigned", "read", _unassigned, f"POST {_CUSTOMERS}get_unassigned_list"),
        *_MORE,
    ),
    batches=(
        Batch(
            "employees",
            _employees,
            lambda sandbox: [g.userid for g in sandbox.world.guides if g.left_at is None],
            "nobody",
            0,
            "GET /cgi-bin/user/get",
        ),
        Batch(
            "groups",
            _groups,
            lambda sandbox: [g.chat_id for g in sandbox.world.groups],
            "wrNothingHere",
            0,
            f"POST {_CUSTOMERS}groupchat/get",
        ),
    ),
    secrets=lambda settings: [settings[name] for name in _SECRETS],
    refused_token=_refuse_token,
)
