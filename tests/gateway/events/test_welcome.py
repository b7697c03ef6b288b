"""A new contact is greeted once, within the code's 20 seconds, unless they want nothing from this brand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.database.tables.facts import fact
from gateway.database.tables.jobs import job
from gateway.database.tables.members import identity
from gateway.events.handling import URGENT_JOB
from gateway.members.consent import Purpose, Said, record
from gateway.settings import SettingsError, Welcome, WelcomeCard, WelcomeLink, from_mapping
from tests.gateway.events.conftest import Flow, StartFlow

WELCOMES = (
    Welcome(state="store_*", text="您好，我是{store}的{guide}"),
    Welcome(text="欢迎来到屿见", link=WelcomeLink(title="新人礼", url="https://yujian.example/new")),
)
_SEND = "POST /cgi-bin/externalcontact/send_welcome_msg"
_LINK = {"msgtype": "link", "link": {"title": "新人礼", "url": "https://yujian.example/new"}}


async def _start(start_flow: StartFlow, *, welcome: tuple[Welcome, ...] = WELCOMES) -> Flow:
    flow = await start_flow("enterprise_chat", served=True, welcome=welcome)
    await flow.gateway.import_master_data()
    await flow.sync("enterprise_chat")
    return flow


async def _add(flow: Flow, **values: Any) -> Mapping[str, Any]:
    added = await flow.act("enterprise_chat", "add_contact", **{"userid": "sunyue", "person": "linxiaowen", **values})
    await flow.quiet()
    return added


def _sent(flow: Flow) -> list[tuple[str, Any]]:
    found = [each for each in flow.sandbox.kit.journal.effects if each.kind == "welcome_message"]
    return [(each.data["text"], each.data["attachments"]) for each in found]


async def _told(flow: Flow) -> list[tuple[str, str | None]]:
    rows = await flow.database.fetch(
        select(fact.c.kind, fact.c.reason).where(fact.c.kind.like("message.%")).order_by(fact.c.id)
    )
    return [(row.kind, row.reason) for row in rows]


async def test_the_first_message_that_fits_is_sent_with_the_names(start_flow: StartFlow) -> None:
    flow = await _start(start_flow)
    await _add(flow, state="store_HZ-HB")
    await _add(flow, userid="zhaominghui")

    assert _sent(flow) == [("您好，我是杭州湖滨店的孙悦", []), ("欢迎来到屿见", [_LINK])]
    assert await _told(flow) == [("message.attempted", None), ("message.accepted", None)] * 2
    [first, _] = await flow.database.fetch(
        select(fact.c.payload, fact.c.guide, identity.c.kind, identity.c.member)
        .join(identity, identity.c.id == fact.c.identity)
        .where(fact.c.kind == "message.accepted")
        .order_by(fact.c.id)
    )
    corpid = flow.sandbox.world.corp.corpid
    assert (first.guide, first.kind) == (f"{corpid}:sunyue", "EXTERNAL_USERID")
    assert first.member is not None
    assert first.payload == {"to": "new_contact", "purpose": "SERVICE", "channel": "WELCOME", "state": "store_HZ-HB"}


async def test_a_message_whose_names_are_not_known_does_not_fit(start_flow: StartFlow) -> None:
    flow = await start_flow("enterprise_chat", served=True, welcome=WELCOMES)
    await _add(flow, state="store_HZ-HB")
    assert [text for text, _ in _sent(flow)] == ["欢迎来到屿见"]


async def test_where_no_message_fits_nothing_is_sent_and_the_code_is_left(start_flow: StartFlow) -> None:
    flow = await _start(start_flow, welcome=WELCOMES[:1])
    await _add(flow, state="exhibition")
    assert (_sent(flow), await _told(flow)) == ([], [])


async def test_without_messages_nothing_hurries(start_flow: StartFlow) -> None:
    flow = await start_flow("enterprise_chat", served=True)
    await _add(flow)
    assert URGENT_JOB not in {row.kind for row in await flow.rows(job)}


async def test_a_doubled_event_greets_once_even_under_another_key(start_flow: StartFlow) -> None:
    """The platform repeats a callback, and sends the same code again within another second."""
    flow = await _start(start_flow)
    flow.sandbox.kit.pusher.modes["enterprise_chat"] = "double"
    added = await _add(flow)
    callbacks = flow.sandbox.platforms["enterprise_chat"]._callbacks  # type: ignore[attr-defined]
    flow.sandbox.kit.clock.advance(timedelta(seconds=1))
    flow.gateway.clock.advance(timedelta(seconds=1))
    fields = {
        "UserID": "sunyue", "ExternalUserID": added["external_userid"], "WelcomeCode": added["welcome_code"]
    }  # fmt: skip
    callbacks.send("change_external_contact", "add_external_contact", fields)
    await flow.quiet()

    assert [row.kind for row in await flow.rows(job)].count(URGENT_JOB) == 2
    assert flow.calls()["enterprise_chat", _SEND] == 1
    assert await _told(flow) == [("message.attempted", None), ("message.accepted", None)]


@pytest.mark.parametrize(
    ("code", "reason"), [("41050", "welcome_code_expired"), ("41051", "welcome_done"), ("41096", "welcome_under_way")]
)
async def test_a_refusal_is_told_with_its_reason_and_not_repeated(
    start_flow: StartFlow, code: str, reason: str
) -> None:
    flow = await _start(start_flow)
    flow.sandbox.kit.faults.add("enterprise_chat", "code", endpoint=_SEND, value=code)
    await _add(flow)
    assert await _told(flow) == [("message.attempted", None), ("message.failed", reason)]
    assert flow.calls()["enterprise_chat", _SEND] == 1


async def test_an_unknown_outcome_is_not_repeated_and_told_as_such(start_flow: StartFlow) -> None:
    flow = await _start(start_flow)
    flow.sandbox.kit.faults.add("enterprise_chat", "reset_after", endpoint=_SEND)
    await _add(flow)
    assert await _told(flow) == [("message.attempted", None), ("message.failed", "outcome_unknown")]
    assert len(_sent(flow)) == 1


async def test_whoever_withdrew_service_messages_is_not_greeted_by_a_new_guide(start_flow: StartFlow) -> None:
    flow = await _start(start_flow)
    external = flow.sandbox.world.people["linxiaowen"].external_userid
    rows = await flow.rows(identity)
    [member] = [row.member for row in rows if (row.kind, row.value) == ("EXTERNAL_USERID", external)]
    said = Said(
        member=member,
        purpose=Purpose.SERVICE,
        given=False,
        policy_version="1",
        channel="SHOP",
        recorded_by="test",
        proof="on paper",
    )
    await record(flow.gateway.services.projector, said)

    await _add(flow, userid="zhaominghui")

    assert _sent(flow) == []
    assert await _told(flow) == [("message.refused", "NO_CONSENT")]


async def test_whoever_is_half_added_is_greeted_too(start_flow: StartFlow) -> None:
    flow = await _start(start_flow)
    await _add(flow, userid="zhaominghui", person="guoran", half=True)
    assert [text for text, _ in _sent(flow)] == ["欢迎来到屿见"]


async def test_a_card_shows_a_picture_that_is_uploaded_once(start_flow: StartFlow, tmp_path: Path) -> None:
    picture = tmp_path / "gift.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    card = WelcomeCard(title="新人礼", appid="wx1", page="pages/gift", picture=str(picture))
    flow = await _start(start_flow, welcome=(Welcome(mini_program=card),))
    await _add(flow, userid="zhaominghui")
    await _add(flow, userid="sunyue")

    [media] = [each.key for each in flow.sandbox.kit.journal.effects if each.kind == "media"]
    shown = {"title": "新人礼", "pic_media_id": media, "appid": "wx1", "page": "pages/gift"}
    assert _sent(flow) == [("", [{"msgtype": "miniprogram", "miniprogram": shown}])] * 2


@pytest.mark.parametrize(
    ("welcome", "about"),
    [
        ({}, "says nothing"),
        ({"text": "{name}"}, "another place than"),
        ({"text": "{"}, "another place than"),
        ({"text": "字" * 1334}, "has 4002 bytes"),
        ({"account": "nowhere", "text": "您好"}, "no enterprise_chat account"),
        ({"link": {"title": "字" * 43, "url": "https://a.example"}}, "link.title has 129 bytes"),
        ({"mini_program": {"title": "a", "appid": "w", "page": "p", "picture": "no.png"}}, "path of a JPG or PNG"),
    ],
)
def test_a_message_that_cannot_be_sent_ends_the_start(welcome: Mapping[str, Any], about: str) -> None:
    with pytest.raises(SettingsError, match=about):
        from_mapping({"environment": "sandbox", "welcome": [welcome]})
