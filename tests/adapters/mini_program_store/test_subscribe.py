"""Subscribe messages: one per accepted question, and never a second time."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base.errors import Invalid, NotFound, OutcomeUnknown, Rejected, UpstreamError
from adapters.mini_program_store import MiniProgramStoreAdapter, SubscribeMessage
from sandbox.journal import Effect
from sandbox.server import Sandbox
from tests.adapters.mini_program_store.conftest import NAME, Act

SEND = "POST /cgi-bin/message/subscribe/send"
DATA = {"thing1": "山岚轻羽绒服", "time2": "2026-11-12 10:00"}


def template(platform: Sandbox, name: str = "order_ready") -> str:
    found: dict[str, Any] = platform.describe()["platforms"][NAME]["known"]
    return str(found["templates"]["flagship"][name])


def message(platform: Sandbox, **changes: Any) -> SubscribeMessage:
    app = platform.world.mini_programs[0].appid
    openid = platform.world.people[platform.world.cast["protagonist"]].openids[app]
    given: dict[str, Any] = {"openid": openid, "template": template(platform), "data": DATA} | changes
    return SubscribeMessage(**given)


def sent(platform: Sandbox) -> list[Effect]:
    return platform.kit.journal.of_kind(NAME, "subscribe_sent")


async def test_one_message_per_accepted_question(
    flagship: MiniProgramStoreAdapter, platform: Sandbox, act: Act
) -> None:
    asked = {"appid": flagship.account, "person": "protagonist", "template": template(platform)}
    await act("subscribe_answer", **asked, answer="accept")
    await act("subscribe_answer", **asked, answer="accept")
    for _ in range(2):
        await flagship.send_subscribe(message(platform, page="pages/order?id=1"))
    with pytest.raises(Rejected) as spent:
        await flagship.send_subscribe(message(platform))
    assert (spent.value.reason, spent.value.upstream_code) == ("no_grant", "43101")
    first, second = sent(platform)
    assert first.data["message"] == second.data["message"]
    assert first.data["message"] == {
        "template_id": template(platform),
        "page": "pages/order?id=1",
        "data": {name: {"value": text} for name, text in DATA.items()},
    }


async def test_a_refusal_takes_what_was_left(flagship: MiniProgramStoreAdapter, platform: Sandbox, act: Act) -> None:
    asked = {"appid": flagship.account, "person": "protagonist", "template": template(platform)}
    await act("subscribe_answer", **asked, answer="accept")
    await act("subscribe_answer", **asked, answer="reject")
    with pytest.raises(Rejected, match="no_grant"):
        await flagship.send_subscribe(message(platform))
    assert sent(platform) == []


@pytest.mark.parametrize(
    ("changes", "kind", "reason"),
    [
        ({"openid": "oNobody0000000000000000000000"}, NotFound, "openid_unknown"),
        ({"template": "nonesuch"}, Invalid, "template_unknown"),
        ({"data": {"thing1": "x" * 21, "time2": "now"}}, Invalid, "template_field"),
        ({"data": {"thing1": "x"}}, Invalid, "template_field"),
        ({"page": "nowhere"}, Invalid, "page_path"),
    ],
)
async def test_a_refused_message_spends_nothing(
    flagship: MiniProgramStoreAdapter,
    platform: Sandbox,
    act: Act,
    changes: dict[str, Any],
    kind: type[UpstreamError],
    reason: str,
) -> None:
    asked = {"appid": flagship.account, "person": "protagonist", "template": template(platform)}
    await act("subscribe_answer", **asked, answer="accept")
    with pytest.raises(kind) as refused:
        await flagship.send_subscribe(message(platform, **changes))
    assert refused.value.reason == reason
    assert sent(platform) == []
    await flagship.send_subscribe(message(platform))
    assert len(sent(platform)) == 1


async def test_a_lost_answer_is_not_repeated(flagship: MiniProgramStoreAdapter, platform: Sandbox, act: Act) -> None:
    asked = {"appid": flagship.account, "person": "protagonist", "template": template(platform)}
    for _ in range(2):
        await act("subscribe_answer", **asked, answer="accept")
    platform.kit.faults.add(NAME, "reset_after", endpoint=SEND, calls=(1,))
    with pytest.raises(OutcomeUnknown):
        await flagship.send_subscribe(message(platform))
    assert len(sent(platform)) == 1
    assert platform.kit.journal.count(NAME, SEND) == 1


async def test_a_store_sends_none(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    with pytest.raises(Invalid):
        await store.send_subscribe(message(platform))
    assert platform.kit.journal.count(NAME, SEND) == 0
