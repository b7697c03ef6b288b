"""wechatpy's client for 公众号, and its decryption of callbacks."""

from __future__ import annotations

import pytest
from wechatpy import WeChatClient, WeChatClientException

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
