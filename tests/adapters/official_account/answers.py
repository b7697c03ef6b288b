"""A documented answer for every method of the clients, for the tests of spoilt ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from adapters.base.http import Upstream
from adapters.base.runtime import Runtime
from adapters.base.secrets import Secret
from adapters.base.tokens import AccessTokens
from adapters.base.transport import Response
from adapters.official_account import OfficialAccountConfig
from adapters.official_account import client as clients
from adapters.official_account.errors import FAULTS
from adapters.official_account.models.wire import BizSendRequest, Button, TemplateSendRequest
from adapters.wechat.api import TokenApi

APPID = "wx0000000000000001"
_CONFIG = OfficialAccountConfig(
    appid=APPID,
    secret=Secret("invented"),
    gh_id="gh_0001",
    callback_token=Secret("invented"),
    aes_key=Secret("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"),
)
CLIENTS = (
    clients.PeopleClient,
    clients.MessagesClient,
    clients.MassClient,
    clients.ContentClient,
    clients.StatisticsClient,
    clients.WebClient,
)


async def _token(refused: str | None) -> tuple[str, float]:
    """A token that is always there, so that every answer is the endpoint's own."""
    del refused
    return "T", 7200.0


def _api(runtime: Runtime) -> TokenApi:
    upstream = Upstream(runtime, "official_account", APPID)
    return TokenApi(upstream, AccessTokens(runtime, "test", _token), _CONFIG.base_url, FAULTS)


def _of(kind: type[Any]) -> Callable[[Runtime], Any]:
    return lambda runtime: kind(_api(runtime))


def _web(runtime: Runtime) -> clients.WebClient:
    return clients.WebClient(Upstream(runtime, "official_account", APPID), _CONFIG, _api(runtime))


def _said(**answer: Any) -> Response:
    return Response(200, {"content-type": "application/json"}, json.dumps(answer, ensure_ascii=False).encode())


def _call(name: str, *args: Any) -> Callable[[Any], Any]:
    return lambda client: getattr(client, name)(*args)


_PEOPLE, _MESSAGES, _MASS, _CONTENT, _STATISTICS = (_of(kind) for kind in CLIENTS[:5])
_DAY = date(2024, 5, 1)
_ON = "2024-05-01"
_OK = _said(errcode=0, errmsg="ok")
_PAGE = _said(total=2, count=2, data={"openid": ["oA", "oB"]}, next_openid="oB")
_USER = {"subscribe": 1, "openid": "oA", "subscribe_time": 1717000000, "tagid_list": [102, 2], "qr_scene_str": "s"}
_JOB = _said(errcode=0, errmsg="send job submission success", msg_id=34182, msg_data_id=206227730)
_NEWS = {"news_item": [{"title": "t", "author": "a", "digest": "", "url": "https://mp.weixin.qq.com/s/x"}]}
_READING = {"int_page_read_user": 9, "int_page_read_count": 12, "share_user": 1, "share_count": 1}
_ATTENTION = {"read_user": 9, "share_user": 1, "zaikan_user": 2, "like_user": 3, "comment_count": 0}
_FILE = Response(200, {"content-type": "image/jpeg", "content-length": "4"}, b"\xff\xd8\xff\xd9")
_WEB = _said(access_token="W", expires_in=7200, refresh_token="R", openid="oA", scope="snsapi_base")
_INDUSTRY = {"first_class": "消费品", "second_class": "消费品"}
_MENU = {"button": [{"name": "n", "sub_button": [{"name": "m", "type": "click", "key": "k"}]}], "menuid": 1}

METHODS: list[tuple[Callable[[Runtime], Any], str, Callable[[Any], Any], Response]] = [
    (client, name, _call(name, *args), answer)
    for client, name, args, answer in (
        (_PEOPLE, "get_api_domain_ip", (), _said(ip_list=["203.0.113.80"])),
        (_PEOPLE, "user_get", ("",), _PAGE),
        (_PEOPLE, "user_info", ("oA",), _said(**_USER)),
        (_PEOPLE, "user_info_batchget", (["oA"],), _said(user_info_list=[_USER])),
        (_PEOPLE, "user_info_updateremark", ("oA", "r"), _OK),
        (_PEOPLE, "getblacklist", ("",), _PAGE),
        (_PEOPLE, "batchblacklist", (["oA"],), _OK),
        (_PEOPLE, "batchunblacklist", (["oA"],), _OK),
        (_PEOPLE, "tags_get", (), _said(tags=[{"id": 2, "name": "星标组", "count": 0}])),
        (_PEOPLE, "tags_create", ("VIP",), _said(tag={"id": 134, "name": "VIP"})),
        (_PEOPLE, "tags_update", (134, "VIP2"), _OK),
        (_PEOPLE, "tags_delete", (134,), _OK),
        (_PEOPLE, "user_tag_get", (134, ""), _PAGE),
        (_PEOPLE, "batchtagging", (134, ["oA"]), _OK),
        (_PEOPLE, "batchuntagging", (134, ["oA"]), _OK),
        (_PEOPLE, "getidlist", ("oA",), _said(tagid_list=[134, 2])),
        (
            _MESSAGES,
            "template_send",
            (TemplateSendRequest("oA", "T", {}, "k"),),
            _said(errcode=0, errmsg="ok", msgid=2463547712345678901),
        ),
        (_MESSAGES, "get_all_private_template", (), _said(template_list=[{"template_id": "T", "title": "t"}])),
        (_MESSAGES, "api_add_template", ("TM00015", []), _said(errcode=0, template_id="T")),
        (_MESSAGES, "del_private_template", ("T",), _OK),
        (_MESSAGES, "get_industry", (), _said(primary_industry=_INDUSTRY, secondary_industry=_INDUSTRY)),
        (_MESSAGES, "subscribe_bizsend", (BizSendRequest("oA", "T", {}),), _OK),
        (_MESSAGES, "gettemplate", (), _said(errcode=0, data=[{"priTmplId": "T", "title": "t", "type": 3}])),
        (_MESSAGES, "addtemplate", ("1", [1], "s"), _said(errcode=0, priTmplId="T")),
        (_MESSAGES, "deltemplate", ("T",), _OK),
        (_MESSAGES, "custom_send", ({"touser": "oA"},), _OK),
        (_MESSAGES, "custom_typing", ("oA", "Typing"), _OK),
        (_MASS, "mass_sendall", ({},), _JOB),
        (_MASS, "mass_send", ({},), _JOB),
        (_MASS, "mass_preview", ({},), _OK),
        (_MASS, "mass_get", ("1",), _said(msg_id=201053012, msg_status="SEND_SUCCESS")),
        (_MASS, "mass_delete", (1, 0), _OK),
        (_MASS, "mass_speed_get", (), _said(speed=3, realspeed=15)),
        (_MASS, "mass_speed_set", (3,), _OK),
        (_CONTENT, "qrcode_create", ({},), _said(ticket="gQ==", expire_seconds=60, url="http://weixin.qq.com/q/02")),
        (_CONTENT, "menu_create", ([Button("n")],), _OK),
        (_CONTENT, "menu_get", (), _said(menu=_MENU)),
        (_CONTENT, "menu_delete", (), _OK),
        (_CONTENT, "draft_get", ("D",), _said(**_NEWS)),
        (
            _CONTENT,
            "draft_batchget",
            (0, 20),
            _said(total_count=1, item_count=1, item=[{"media_id": "D", "content": _NEWS, "update_time": 1717000000}]),
        ),
        (_CONTENT, "freepublish_submit", ("D",), _said(errcode=0, errmsg="ok", publish_id="100000001")),
        (
            _CONTENT,
            "freepublish_get",
            ("100000001",),
            _said(publish_id="100000001", publish_status=0, article_id="A", fail_idx=[]),
        ),
        (
            _CONTENT,
            "freepublish_batchget",
            (0, 20),
            _said(total_count=1, item_count=1, item=[{"article_id": "A", "content": _NEWS, "update_time": 1717000000}]),
        ),
        (_CONTENT, "freepublish_getarticle", ("A",), _said(**_NEWS)),
        (_CONTENT, "media_upload", ("image", "a.jpg", b"x"), _said(type="image", media_id="M", created_at=1717000000)),
        (_CONTENT, "media_get", ("M",), _FILE),
        (
            _STATISTICS,
            "getusersummary",
            (_DAY, _DAY),
            _said(list=[{"ref_date": _ON, "user_source": 30, "new_user": 5, "cancel_user": 1}]),
        ),
        (_STATISTICS, "getusercumulate", (_DAY, _DAY), _said(list=[{"ref_date": _ON, "cumulate_user": 1217056}])),
        (
            _STATISTICS,
            "getarticlesummary",
            (_DAY,),
            _said(list=[{"ref_date": _ON, "msgid": "10000050_1", "title": "t", **_READING}]),
        ),
        (
            _STATISTICS,
            "getarticletotal",
            (_DAY,),
            _said(list=[{"ref_date": _ON, "msgid": "1_1", "title": "t", "details": [{"stat_date": _ON, **_READING}]}]),
        ),
        (
            _STATISTICS,
            "getuserread",
            (_DAY, _DAY),
            _said(list=[{"ref_date": _ON, "user_source": 99999999, **_READING}]),
        ),
        (_STATISTICS, "getusershare", (_DAY, _DAY), _said(list=[{"ref_date": _ON, "share_scene": 1, "share_user": 1}])),
        (_STATISTICS, "getupstreammsg", (_DAY, _DAY), _said(list=[{"ref_date": _ON, "msg_type": 1, "msg_user": 2}])),
        (_STATISTICS, "getbizsummary", (_DAY,), _said(list=[{"ref_date": _ON, "detail": _ATTENTION}], is_delay=False)),
        (
            _STATISTICS,
            "getarticletotaldetail",
            (_DAY,),
            _said(
                list=[
                    {
                        "ref_date": _ON,
                        "msgid": "2247490098_1",
                        "publish_type": 0,
                        "detail_list": [{"stat_date": _ON, **_ATTENTION}],
                    }
                ],
                is_delay=False,
            ),
        ),
        (_web, "oauth2_access_token", ("code",), _WEB),
        (_web, "oauth2_refresh_token", (Secret("R"),), _WEB),
        (_web, "sns_userinfo", (Secret("W"), "oA"), _said(openid="oA", nickname="n", headimgurl="", unionid="u")),
        (_web, "sns_auth", (Secret("W"), "oA"), _OK),
        (_web, "ticket_getticket", (), _said(errcode=0, errmsg="ok", ticket="bx", expires_in=7200)),
    )
]
