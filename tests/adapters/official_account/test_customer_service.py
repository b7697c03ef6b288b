"""Customer-service messages: what opens the window, what closes it, and that nothing is sent twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.base.errors import Invalid, NotFound, OutcomeUnknown, Rejected
from adapters.official_account import CustomerServiceMessage, Link, OfficialAccountAdapter
from sandbox.journal import Effect
from sandbox.server import Sandbox
from tests.adapters.official_account.contract import known
from tests.adapters.official_account.test_adapter import FOREIGN, calls

SEND = "POST /cgi-bin/message/custom/send"
LINK = Link("雾灰到货", "https://shop.example/coat", "山岚轻羽绒服", "https://shop.example/coat.jpg")


async def act(sandbox: Sandbox, name: str, person: str = "protagonist", **more: str) -> None:
    given = {"appid": sandbox.world.official_accounts[0].appid, "person": person, **more}
    await sandbox.platforms["official_account"].actions()[name](given)


def message(sandbox: Sandbox, content: str | Link = "在的", story: str = "protagonist") -> CustomerServiceMessage:
    return CustomerServiceMessage(known(sandbox)["followers"][story], content)


def sent(sandbox: Sandbox) -> list[Effect]:
    return sandbox.kit.journal.of_kind("official_account", "custom_sent")


async def test_five_messages_to_one_who_wrote(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    await act(sandbox, "say")
    for number in range(5):
        await main.send_customer_service(message(sandbox, f"第{number}条"))
    with pytest.raises(Rejected) as refused:
        await main.send_customer_service(message(sandbox))
    assert (refused.value.reason, refused.value.upstream_code) == ("window_spent", "45047")
    assert [each.data["message"]["text"]["content"] for each in sent(sandbox)] == [f"第{n}条" for n in range(5)]
    await act(sandbox, "say")
    await main.send_customer_service(message(sandbox))
    assert len(sent(sandbox)) == 6


@pytest.mark.parametrize(
    ("did", "more", "lasts"),
    [("say", {}, timedelta(hours=48)), ("scan", {"scene": "store_88"}, timedelta(minutes=1))],
)
async def test_a_window_ends(
    main: OfficialAccountAdapter, sandbox: Sandbox, did: str, more: dict[str, str], lasts: timedelta
) -> None:
    with pytest.raises(Rejected) as never:
        await main.send_customer_service(message(sandbox))
    await act(sandbox, did, **more)
    sandbox.kit.clock.advance(lasts - timedelta(seconds=1))
    await main.send_customer_service(message(sandbox))
    sandbox.kit.clock.advance(timedelta(seconds=1))
    with pytest.raises(Rejected) as ended:
        await main.send_customer_service(message(sandbox))
    assert [never.value.upstream_code, ended.value.upstream_code] == ["45015", "45015"]
    assert never.value.reason == "window_closed"
    assert len(sent(sandbox)) == 1


async def test_a_link(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    await act(sandbox, "say")
    await main.send_customer_service(message(sandbox, LINK))
    (effect,) = sent(sandbox)
    assert effect.data["message"] == {
        "msgtype": "news",
        "news": {
            "articles": [
                {
                    "title": "雾灰到货",
                    "url": "https://shop.example/coat",
                    "description": "山岚轻羽绒服",
                    "picurl": "https://shop.example/coat.jpg",
                }
            ]
        },
    }


async def test_what_cannot_be_sent(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    await act(sandbox, "say")
    with pytest.raises(NotFound) as foreign:
        await main.send_customer_service(CustomerServiceMessage(FOREIGN, "在的"))
    with pytest.raises(Rejected) as gone:
        await main.send_customer_service(message(sandbox, story="unfollowed"))
    with pytest.raises(Invalid) as long:
        await main.send_customer_service(message(sandbox, "长" * 683))
    with pytest.raises(Invalid) as empty:
        await main.send_customer_service(message(sandbox, ""))
    reasons = [each.value.reason for each in (foreign, gone, long, empty)]
    assert reasons == ["openid_unknown", "not_following", "content_too_long", "content_empty"]
    assert sent(sandbox) == []


async def test_a_lost_answer_is_not_repeated(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    await main.ping()
    await act(sandbox, "say")
    sandbox.kit.faults.add("official_account", "reset_after", endpoint=SEND, calls=(1,))
    with pytest.raises(OutcomeUnknown):
        await main.send_customer_service(message(sandbox))
    assert calls(sandbox, SEND) == 1
    assert len(sent(sandbox)) == 1
