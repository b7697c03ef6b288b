"""Recorded answers decode to what the vendor's pages describe."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from adapters.base.endpoint import read
from adapters.base.errors import NotFound
from adapters.base.transport import Response
from adapters.official_account.errors import FAULTS
from adapters.official_account.models.wire import (
    Addresses,
    OpenidPage,
    TagInfo,
    TagList,
    TemplateMiniProgram,
    TemplateSendAnswer,
    TemplateSendRequest,
    TemplateValue,
    UserInfo,
    UserInfoList,
)
from adapters.wechat.envelope import decode
from adapters.wechat.tokens import StableToken

T = TypeVar("T")
WIRE = Path(__file__).parent / "wire"


def wire(name: str, kind: type[T]) -> T:
    body = (WIRE / f"{name}.json").read_bytes()
    return decode(Response(200, {}, body), kind, FAULTS, read(name), "wx1")


def test_followers_page_and_its_end() -> None:
    page = wire("user_get", OpenidPage)
    assert page.data is not None
    assert page.data.openid == ["oDemo0000000000000000000001A", "oDemo0000000000000000000002A"]
    assert page.next_openid == page.data.openid[-1]
    assert wire("user_get_end", OpenidPage) == OpenidPage(count=0, data=None, next_openid="")


def test_users() -> None:
    first, second, gone = wire("user_info_batchget", UserInfoList).user_info_list
    assert first == UserInfo(
        openid="oDemo0000000000000000000001A",
        subscribe=1,
        unionid="oUni00000000000000000000001A",
        subscribe_time=1717000000,
        remark="爱徒步",
        tagid_list=[102, 2],
        subscribe_scene="ADD_SCENE_QR_CODE",
        qr_scene=0,
        qr_scene_str="store_88",
    )
    assert (second.subscribe_scene, second.qr_scene, second.unionid) == ("ADD_SCENE_TOMORROW", 98765, "")
    assert gone == UserInfo(openid="oDemo0000000000000000000002A", subscribe=0)


def test_tags_addresses_and_token() -> None:
    assert wire("tags_get", TagList).tags == [TagInfo(2, "星标组", 0), TagInfo(134, "VIP", 5)]
    assert wire("get_api_domain_ip", Addresses).ip_list == ["101.226.103.0/25", "203.0.113.80"]
    assert wire("stable_token", StableToken) == StableToken("90_inventedtokentext", 345)


def test_message_ids_keep_all_their_digits() -> None:
    assert wire("template_send", TemplateSendAnswer).msgid == 2463547712345678901


def test_refusals_carry_the_request_id() -> None:
    with pytest.raises(NotFound) as refused:
        wire("refused", UserInfoList)
    assert refused.value.request_id == "66b092c6-59489d30-3f991c4d"


def test_a_template_request_is_plain_utf8_without_empty_parts() -> None:
    request = TemplateSendRequest(
        touser="o1", template_id="T", data={"thing1": TemplateValue("拿铁")}, client_msg_id="k"
    )
    assert msgspec.json.encode(request).decode() == (
        '{"touser":"o1","template_id":"T","data":{"thing1":{"value":"拿铁"}},"client_msg_id":"k"}'
    )
    request.miniprogram = TemplateMiniProgram("wx1", "pages/a")
    assert '"miniprogram":{"appid":"wx1","pagepath":"pages/a"}' in msgspec.json.encode(request).decode()
