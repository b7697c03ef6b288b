"""wechatpy's calls for mini-programs (小程序), unmodified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from wechatpy import WeChatClient, WeChatClientException

from sandbox.server import Sandbox
from tests.vendor_sdk.conftest import Call, StartFront

NAME = "mini_program_store"
DATA = {"thing1": {"value": "山岚轻羽绒服"}, "time2": {"value": "2026-11-12 10:00"}}


async def opened(start_front: StartFront, **changes: str) -> tuple[Sandbox, WeChatClient]:
    sandbox, _ = await start_front(NAME)
    account = {**sandbox.describe()["platforms"][NAME]["accounts"]["flagship"], **changes}
    return sandbox, WeChatClient(account["appid"], account["secret"])


async def act(sandbox: Sandbox, action: str, **given: Any) -> Mapping[str, Any]:
    app = sandbox.world.mini_programs[0].appid
    return await sandbox.platforms[NAME].actions()[action]({"appid": app, "person": "protagonist", **given})


def protagonist(sandbox: Sandbox) -> str:
    return sandbox.world.people["linxiaowen"].openids[sandbox.world.mini_programs[0].appid]


def template(sandbox: Sandbox) -> str:
    return str(sandbox.describe()["platforms"][NAME]["known"]["templates"]["flagship"]["order_ready"])


async def refusal(call: Call, function: Any, *args: Any, **kwargs: Any) -> int:
    with pytest.raises(WeChatClientException) as refused:
        await call(function, *args, **kwargs)
    return int(refused.value.errcode)


async def test_a_login_code_is_good_for_one_session(start_front: StartFront, call: Call) -> None:
    sandbox, client = await opened(start_front)
    code = (await act(sandbox, "login_code"))["code"]

    session = await call(client.wxa.code_to_session, code)

    assert session["openid"] == protagonist(sandbox)
    assert session["unionid"] == sandbox.world.people["linxiaowen"].unionid
    assert await refusal(call, client.wxa.code_to_session, code) == 40163
    assert await refusal(call, client.wxa.code_to_session, "made-up") == 40029


async def test_a_wrong_secret_opens_no_session(start_front: StartFront, call: Call) -> None:
    sandbox, client = await opened(start_front, secret="0" * 32)
    code = (await act(sandbox, "login_code"))["code"]

    assert await refusal(call, client.wxa.code_to_session, code) == 40125
    assert await refusal(call, client.fetch_access_token) == 40125
    assert sandbox.kit.journal.of_kind(NAME, "login_code_used") == []


async def test_a_scene_becomes_a_picture_or_an_error(start_front: StartFront, call: Call) -> None:
    _, client = await opened(start_front)

    answer = await call(client.wxa.get_wxa_code_unlimited, "store=7", page="pages/index")

    picture = getattr(answer, "content", answer)
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert await refusal(call, client.wxa.get_wxa_code_unlimited, "store=7", page="pages/none") == 41030
    assert await refusal(call, client.wxa.get_wxa_code_unlimited, "a" * 33) == 40169
    assert await refusal(call, client.wxa.get_wxa_code_unlimited, "50%") == 40097
    assert await refusal(call, client.wxa.get_wxa_code_unlimited, "s", width=99) == 40097


async def test_a_message_needs_a_grant_each(start_front: StartFront, call: Call) -> None:
    sandbox, client = await opened(start_front)
    openid, number = protagonist(sandbox), template(sandbox)
    await act(sandbox, "subscribe_answer", template=number, answer="accept")

    assert await refusal(call, client.wxa.send_subscribe_message, openid, "none", DATA) == 40037
    assert await refusal(call, client.wxa.send_subscribe_message, "oNobody", number, DATA) == 40003
    assert await refusal(call, client.wxa.send_subscribe_message, openid, number, {"thing1": {"value": ""}}) == 47003
    sent = await call(client.wxa.send_subscribe_message, openid, number, DATA, page="pages/order")
    assert sent["errcode"] == 0
    assert await refusal(call, client.wxa.send_subscribe_message, openid, number, DATA) == 43101
    assert len(sandbox.kit.journal.of_kind(NAME, "subscribe_sent")) == 1


async def test_a_payer_is_known_for_some_minutes(start_front: StartFront, call: Call) -> None:
    sandbox, client = await opened(start_front)
    paid = await act(sandbox, "trade_paid", amount=81900)
    openid = protagonist(sandbox)

    by_transaction = await call(client.wxa.get_paid_unionid, openid, transaction_id=paid["transaction_id"])
    by_number = await call(client.wxa.get_paid_unionid, openid, mch_id=paid["mchid"], out_trade_no=paid["out_trade_no"])

    assert by_transaction == by_number == sandbox.world.people["linxiaowen"].unionid
    assert await refusal(call, client.wxa.get_paid_unionid, openid, transaction_id="4200") == 89300
