"""wechatpy's client for 公众号, and its decryption of callbacks."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from wechatpy import WeChatClient, WeChatClientException
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidSignatureException
from wechatpy.oauth import WeChatOAuth, WeChatOAuthException

from adapters.base.webhooks import WebhookRefused, WebhookRequest
from adapters.official_account import TOOL, OfficialAccountAdapter
from adapters.official_account.sandbox.callbacks import encrypt, sign
from sandbox.server import Sandbox
from tests.adapters.official_account import scenes
from tests.conftest import OpenTool, StartSandbox
from tests.vendor_sdk.conftest import Call, StartFront


async def test_it_is_served_under_the_platforms_own_name(start_front: StartFront, call: Call) -> None:
    sandbox, front = await start_front("official_account")
    told = sandbox.describe()["platforms"]["official_account"]
    alias, account = next(iter(told["accounts"].items()))
    client = WeChatClient(account["appid"], account["secret"])

    token = await call(client.fetch_access_token)
    followers = await call(client.user.get_followers)
    openid = told["known"][alias]["followers"]["protagonist"]
    user = await call(client.user.get, openid)

    assert token["expires_in"] > 0
    assert openid in followers["data"]["openid"]
    assert (user["subscribe"], user["openid"]) == (1, openid)
    assert set(front.seen) == {"api.weixin.qq.com"}


async def test_it_tells_the_platforms_refusals(start_front: StartFront, call: Call) -> None:
    sandbox, _ = await start_front("official_account")
    account = next(iter(sandbox.describe()["platforms"]["official_account"]["accounts"].values()))
    client = WeChatClient(account["appid"], account["secret"])

    with pytest.raises(WeChatClientException) as refused:
        await call(client.user.get, "oNobody00000000000000000000")

    assert refused.value.errcode == 40003


async def refusal(call: Call, function: Any, *args: Any, **kwargs: Any) -> int:
    with pytest.raises(WeChatClientException) as refused:
        await call(function, *args, **kwargs)
    return int(refused.value.errcode)


async def opened(start_front: StartFront) -> tuple[Sandbox, WeChatClient, str]:
    sandbox, _ = await start_front("official_account")
    account = sandbox.describe()["platforms"]["official_account"]["accounts"]["main"]
    return sandbox, WeChatClient(account["appid"], account["secret"]), scenes.shopper(sandbox)


def effects(sandbox: Sandbox, kind: str) -> int:
    return len(sandbox.kit.journal.of_kind("official_account", kind))


async def test_followers_and_their_tags(start_front: StartFront, call: Call) -> None:
    sandbox, client, openid = await opened(start_front)

    tag = (await call(client.tag.create, "双11"))["id"]
    await call(client.tag.update, tag, "双11老客")
    await call(client.tag.tag_user, tag, openid)
    await call(client.user.update_remark, openid, "M码 喜欢雾灰")

    assert {"id": tag, "name": "双11老客", "count": 1} in await call(client.tag.get)
    assert (await call(client.tag.get_tag_users, tag))["data"]["openid"] == [openid]
    assert tag in await call(client.tag.get_user_tag, openid)
    assert (await call(client.user.get_batch, [openid]))[0]["remark"] == "M码 喜欢雾灰"
    await call(client.tag.untag_user, tag, openid)
    await call(client.tag.delete, tag)
    assert await refusal(call, client.tag.tag_user, tag, openid) == 45159
    assert await refusal(call, client.tag.delete, 2) == 45058
    assert await refusal(call, client.tag.create, "长" * 31) == 45158
    assert await refusal(call, client.user.get_batch, [openid] * 101) == 40032
    assert effects(sandbox, "tagged") == 1


async def test_the_blacklist(start_front: StartFront, call: Call) -> None:
    _, client, openid = await opened(start_front)

    await call(client.tag.batch_black_list, [openid])

    assert (await call(client.tag.get_black_list))["data"]["openid"] == [openid]
    await call(client.tag.batch_unblack_list, [openid])
    assert (await call(client.tag.get_black_list))["count"] == 0
    assert await refusal(call, client.tag.batch_black_list, ["oNobody"]) == 40003


async def test_customer_service_messages(start_front: StartFront, call: Call) -> None:
    sandbox, client, openid = await opened(start_front)
    choices = {"head_content": "满意吗", "list": [{"id": "1", "content": "满意"}], "tail_content": ""}

    assert await refusal(call, client.message.send_text, openid, "在的") == 45015
    await scenes.act(sandbox, "say")
    picture = io.BytesIO(scenes.JPEG)
    picture.name = "coat.jpg"
    uploaded = (await call(client.media.upload, "image", picture))["media_id"]
    await call(client.message.send_text, openid, "在的")
    await call(client.message.send_image, openid, uploaded)
    await call(client.message.send_msg_menu, openid, choices)

    assert (await call(client.media.download, uploaded)).content == scenes.JPEG
    assert await refusal(call, client.message.send_image, openid, "none") == 40007
    assert await refusal(call, client.message.send_text, "oNobody", "在的") == 40003
    assert effects(sandbox, "custom_sent") == 3


async def test_templates_and_subscribe_messages(start_front: StartFront, call: Call) -> None:
    sandbox, client, openid = await opened(start_front)
    known = scenes.known(sandbox)
    data = {"thing1": {"value": "积分到账"}, "number2": {"value": "899"}}
    template, notice = known["templates"]["points_changed"], known["subscribe_templates"]["arrival"]

    sent = await call(client.message.send_template, openid, template, data)
    assert sent["msgid"] > 2**53
    assert await refusal(call, client.message.send_template, openid, "none", data) == 40037
    assert await refusal(call, client.message.send_template, openid, template, {}) == 47003
    assert len((await call(client.template.get_all_private_template))["template_list"]) == len(known["templates"])
    await scenes.act(sandbox, "subscribe_answer", template=notice, answer="accept")
    arrived = {"thing1": {"value": "雾灰到货"}}
    await call(client.message.send_subscribe_message, openid, notice, arrived)
    assert await refusal(call, client.message.send_subscribe_message, openid, notice, arrived) == 43101


def to_many(function: Callable[..., Any], audience: list[str] | None, **given: Any) -> Any:
    """Releases differ in the name and the place of whom a mass message is for: groups, later tags."""
    name = next(each for each in inspect.signature(function).parameters if each.endswith("_or_users"))
    return function(**{name: audience}, **given)


async def test_mass_messages(start_front: StartFront, call: Call) -> None:
    sandbox, client, _ = await opened(start_front)
    two = scenes.others(sandbox)

    job = await call(to_many, client.message.send_mass_text, two, content="双11", client_msg_id="promo-1")

    assert (await call(client.message.get_mass, job["msg_id"]))["msg_status"] == "SEND_SUCCESS"
    assert (
        await refusal(call, to_many, client.message.send_mass_text, two, content="双11", client_msg_id="promo-1")
        == 45065
    )
    await call(to_many, client.message.send_mass_text, None, content="双11", is_to_all=True)
    assert await refusal(call, to_many, client.message.send_mass_text, None, content="双11", is_to_all=True) == 45028
    assert await refusal(call, to_many, client.message.send_mass_article, two, media_id="none") == 40007
    # The SDK writes pictures under ``image``; the platform has moved them to ``images``.
    assert await refusal(call, to_many, client.message.send_mass_image, two, media_id=scenes.media(sandbox)) == 40035
    assert effects(sandbox, "mass_sent") == 2


async def test_codes_menus_figures_and_pages(start_front: StartFront, call: Call) -> None:
    sandbox, client, openid = await opened(start_front)
    scene = {"expire_seconds": 600, "action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "store_88"}}}
    button = {"name": "门店", "type": "view", "url": "https://shop.example/stores"}
    yesterday = scenes.yesterday(sandbox)

    assert (await call(client.qrcode.create, scene))["expire_seconds"] == 600
    assert await refusal(call, client.qrcode.create, {"action_name": "QR_NONE", "action_info": {}}) == 40053
    await call(client.menu.create, {"button": [button]})
    assert (await call(client.menu.get))["menu"]["button"][0]["url"] == button["url"]
    await call(client.menu.delete)
    assert await refusal(call, client.menu.create, {"button": [button] * 4}) == 40016
    assert (await call(client.datacube.get_user_cumulate, yesterday, yesterday))[0]["cumulate_user"] > 0
    wide = yesterday - timedelta(days=7)
    assert await refusal(call, client.datacube.get_user_summary, wide, yesterday) == 61501
    assert await call(client.jsapi.get_jsapi_ticket)
    assert openid


async def test_web_login(start_front: StartFront, call: Call) -> None:
    sandbox, _, openid = await opened(start_front)
    account = sandbox.describe()["platforms"]["official_account"]["accounts"]["main"]
    oauth = WeChatOAuth(account["appid"], account["secret"], "https://m.example.com/back", "snsapi_userinfo")
    code = (await scenes.act(sandbox, "web_code", scope="snsapi_userinfo"))["code"]

    assert (await call(oauth.fetch_access_token, code))["openid"] == openid
    assert (await call(oauth.get_user_info))["openid"] == openid
    assert await call(oauth.check_access_token)
    with pytest.raises(WeChatOAuthException) as used:
        await call(oauth.fetch_access_token, code)
    assert used.value.errcode == 40163


async def test_callbacks_are_read_by_both(start_sandbox: StartSandbox, open_tool: OpenTool) -> None:
    sandbox = await start_sandbox("official_account")
    adapter: OfficialAccountAdapter = await open_tool(TOOL, sandbox, "main")
    account = sandbox.describe()["platforms"]["official_account"]["accounts"]["main"]
    crypto = WeChatCrypto(account["callback_token"], account["aes_key"], account["appid"])
    stamp = str(int(sandbox.kit.clock.now().timestamp()))
    message = (
        f"<xml><ToUserName><![CDATA[{account['gh_id']}]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>"
        f"<CreateTime>{stamp}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        "<Content><![CDATA[在吗]]></Content><MsgId>4561255354251345929</MsgId></xml>"
    )

    # What the sandbox encrypts, the SDK reads.
    sealed = encrypt(account["aes_key"], account["appid"], message)
    signature = sign(account["callback_token"], stamp, "n1", sealed)
    body = f"<xml><ToUserName>{account['gh_id']}</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    assert crypto.decrypt_message(body, signature, stamp, "n1") in {message, message.encode()}
    with pytest.raises(InvalidSignatureException):
        crypto.decrypt_message(body, signature, stamp, "n2")

    # What the SDK encrypts, the adapter reads.
    theirs = str(crypto.encrypt_message(message, "n1", stamp))
    signed = theirs.partition("<MsgSignature><![CDATA[")[2].partition("]]>")[0]
    query = {"timestamp": stamp, "nonce": "n1", "encrypt_type": "aes", "msg_signature": signed}
    received = await adapter.receive(WebhookRequest("POST", query, {}, theirs.encode()))
    assert [event.kind for event in received.events] == ["text"]
    with pytest.raises(WebhookRefused):
        await adapter.receive(WebhookRequest("POST", {**query, "nonce": "n2"}, {}, theirs.encode()))
