"""The sidebar of a chat: logins, and signatures of its page, with the published vector through both sides."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from adapters.base.errors import Invalid, Rejected, Unauthorized
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.sidebar import JsConfig, JsIdentity, Visitor
from adapters.enterprise_chat.signing import js_signature
from sandbox.server import Sandbox

PAGE = "https://guide.yujian.example/sidebar?store=0755&from=%E4%BE%A7%E8%BE%B9%E6%A0%8F"
_SIDEBAR = "https://gw.example.com/sidebar?store=0755&from=%E4%BE%A7%E8%BE%B9%E6%A0%8F"
_PUBLISHED = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
_CORP, _AGENT = (f"TEST{kind}Ticket-0001_abcdefghijklmnopqrstuvwxyz" for kind in ("corp", "agent"))
VECTORS = [
    pytest.param(
        _PUBLISHED,
        "Wm3WZYTPz0wzccnW",
        1414587457,
        "http://mp.weixin.qq.com?params=value",
        "0f9de62fce790f9a083d5c99e95740ceb90c27ed",
        id="published",
    ),
    pytest.param(
        _CORP, "nonceSidebar0001", 1700000000, _SIDEBAR, "25c3b932e1c8857d4a1ebd1dfce9a58738503f36", id="corp"
    ),
    pytest.param(
        _AGENT, "nonceSidebar0001", 1700000000, _SIDEBAR, "403ad14cdc65c8eef234a244c32a86e138c318ff", id="agent"
    ),
]


@pytest.mark.parametrize(("ticket", "nonce", "seconds", "url", "signature"), VECTORS)
async def test_vectors_through_both_sides(
    sandbox: Sandbox, act: Any, ticket: str, nonce: str, seconds: int, url: str, signature: str
) -> None:
    assert js_signature(ticket, nonce, seconds, url) == signature
    assert js_signature(ticket, nonce, seconds, url + "#/member") == signature
    sidebar = sandbox.platforms["enterprise_chat"].sidebar  # type: ignore[attr-defined]
    sidebar.trusted_hosts = ["mp.weixin.qq.com", "gw.example.com"]
    sidebar._tickets["corp"] = (ticket, sandbox.kit.clock.now() + timedelta(hours=1))
    page = {"identity": "corp", "url": url, "timestamp": seconds, "nonceStr": nonce, "signature": signature}
    assert await act("check_js_config", **page) == {"errMsg": "config:ok", "errCode": 0}


@pytest.mark.parametrize(
    ("url", "begins"),
    [
        (_SIDEBAR.replace("%E4%BE%A7%E8%BE%B9%E6%A0%8F", "侧边栏"), "85fb52d7"),
        (
            "https%3A%2F%2Fgw.example.com%2Fsidebar%3Fstore%3D0755%26from%3D%25E4%25BE%25A7%25E8%25BE%25B9%25E6%25A0%258F",
            "fcccfcaa",
        ),
    ],
    ids=["decoded", "encoded"],
)
def test_an_address_that_was_rewritten_has_another_signature(url: str, begins: str) -> None:
    assert js_signature(_AGENT, "nonceSidebar0001", 1700000000, url).startswith(begins)


@pytest.mark.parametrize(
    ("name", "fragment", "begins"), [("noncestr", "#/member", "6fb5cf8e"), ("nonceStr", "", "ad9939e0")]
)
def test_the_vectors_of_what_goes_wrong_are_those_that_the_names_say(name: str, fragment: str, begins: str) -> None:
    """A kept fragment and a field in capitals give other signatures, which the adapter never makes."""
    text = f"jsapi_ticket={_AGENT}&{name}=nonceSidebar0001&timestamp=1700000000&url={_SIDEBAR}{fragment}"
    wrong = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 — the platform's choice
    assert wrong.startswith(begins)
    assert wrong != js_signature(_AGENT, "nonceSidebar0001", 1700000000, _SIDEBAR + fragment)


def _as_page(config: JsConfig, identity: JsIdentity, url: str) -> dict[str, Any]:
    return {
        "identity": identity.value.lower(),
        "url": url,
        "timestamp": int(config.timestamp.timestamp()),
        "nonceStr": config.nonce,
        "signature": config.signature,
    }


@pytest.mark.parametrize("identity", list(JsIdentity))
async def test_the_client_takes_our_signature(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any, identity: JsIdentity
) -> None:
    config = await chat.js_config(PAGE + "#/member", identity)
    assert (config.corpid, config.agentid) == (sandbox.world.corp.corpid, sandbox.world.corp.agentid)
    assert (await act("check_js_config", **_as_page(config, identity, PAGE)))["errMsg"] == "config:ok"
    other = next(each for each in JsIdentity if each is not identity)
    assert (await act("check_js_config", **_as_page(config, other, PAGE)))["errCode"] == 40093
    assert (await act("check_js_config", **_as_page(config, identity, PAGE + "&x=1")))["errCode"] == 40093


async def test_a_ticket_is_fetched_once_until_its_time_is_over(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    for _ in range(3):
        for identity in JsIdentity:
            await chat.js_config(PAGE, identity)
    tickets = ("GET /cgi-bin/get_jsapi_ticket", "GET /cgi-bin/ticket/get")
    calls = Counter(call.endpoint for call in sandbox.kit.journal.calls)
    assert [calls[each] for each in tickets] == [1, 1]
    sandbox.kit.clock.advance(timedelta(hours=2))
    await chat.js_config(PAGE, JsIdentity.AGENT)
    assert sandbox.kit.journal.count("enterprise_chat", tickets[1]) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/sidebar",
        "http://guide.yujian.example/sidebar",
        "https://guide.yujian.example@evil.example/",
        "https://guide.yujian.example.evil.example/",
        "https://[::1",
        "",
    ],
)
async def test_others_pages_get_no_signature(chat: EnterpriseChatAdapter, sandbox: Sandbox, url: str) -> None:
    with pytest.raises(Invalid, match="page_not_trusted"):
        await chat.js_config(url, JsIdentity.AGENT)
    assert sandbox.kit.journal.calls == []


async def test_an_employee_opens_the_page(chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any) -> None:
    code = (await act("open_sidebar", userid="chenyutong"))["code"]
    visitor = await chat.visitor(code)
    assert visitor == Visitor("chenyutong", "", "")
    assert visitor.employee
    with pytest.raises(Rejected, match="login_code"):
        await chat.visitor(code)
    late = (await act("open_sidebar", userid="chenyutong"))["code"]
    sandbox.kit.clock.advance(timedelta(minutes=6))
    with pytest.raises(Rejected, match="login_code"):
        await chat.visitor(late)
    with pytest.raises(Rejected, match="login_code"):
        await chat.visitor("made-up")


async def test_a_customer_opens_the_page(chat: EnterpriseChatAdapter, act: Any, known: str) -> None:
    visitor = await chat.visitor((await act("open_sidebar", external_userid=known))["code"])
    assert (visitor.employee, visitor.external_userid) == (False, known)
    stranger = await chat.visitor((await act("open_sidebar", external_userid="wmNobody"))["code"])
    assert (stranger.external_userid, bool(stranger.openid)) == ("", True)


async def test_a_redirect_to_another_host_is_refused(chat: EnterpriseChatAdapter, act: Any) -> None:
    code = (await act("open_sidebar", userid="chenyutong", host="evil.example"))["code"]
    with pytest.raises(Unauthorized, match="host_not_trusted"):
        await chat.visitor(code)


async def test_an_employee_opens_the_mini_program(chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any) -> None:
    code = (await act("open_sidebar", userid="chenyutong", mini_program=True))["code"]
    assert await chat.mini_program_employee(code) == "chenyutong"
    with pytest.raises(Rejected, match="login_code"):
        await chat.mini_program_employee(code)
    sidebar = sandbox.platforms["enterprise_chat"].sidebar  # type: ignore[attr-defined]
    with pytest.raises(Unauthorized, match="other_corp"):
        await chat.mini_program_employee(sidebar.issue({"corpid": "ww0", "userid": "sunyue"}, "mini_program"))
