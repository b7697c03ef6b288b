"""Enterprise chat in the contract suite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.base.secrets import Secret
from adapters.enterprise_chat import TOOL, AppMessage, AppMessageKind, Welcome
from adapters.enterprise_chat.sandbox import Sandbox as EnterpriseChat
from adapters.enterprise_chat.sandbox.credentials import Agent
from adapters.enterprise_chat.sandbox.state import WelcomeCode
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
    platform = sandbox.platforms[TOOL.name]
    assert isinstance(platform, EnterpriseChat)
    for agent in Agent:
        platform.desk.revoke(agent)


_CUSTOMERS = "/cgi-bin/externalcontact/"

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
    secrets=lambda settings: [settings[name] for name in ("app_secret", "contact_secret", "callback_token", "aes_key")],
    refused_token=_refuse_token,
)
