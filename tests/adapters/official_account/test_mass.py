"""Mass messages: once per key, and what becomes of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapters.base.errors import Invalid, NotFound, QuotaExhausted
from adapters.base.webhooks import InboundEvent
from adapters.official_account import Draft, MassDelivered, MassStatus, OfficialAccountAdapter, Pictures
from sandbox.server import Sandbox
from tests.adapters.official_account import scenes

AT = datetime(2026, 11, 11, 12, tzinfo=UTC)


async def test_the_same_key_sends_once_and_answers_the_first_job(
    main: OfficialAccountAdapter, sandbox: Sandbox
) -> None:
    draft = Draft(scenes.known(sandbox)["drafts"][0])
    first = await main.mass_to_tag(scenes.tag(sandbox), draft, "promo-1")
    again = await main.mass_to_tag(scenes.tag(sandbox), draft, "promo-1")
    assert first == again
    assert first.data_id.isdecimal()
    assert len(sandbox.kit.journal.of_kind("official_account", "mass_sent")) == 1
    assert await main.sending_status(first.message_id) is MassStatus.SENT
    await main.sending_take_back(first.message_id)
    assert await main.sending_status(first.message_id) is MassStatus.DELETED


async def test_everybody_once_a_day(main: OfficialAccountAdapter) -> None:
    await main.mass_to_tag(None, "双11", "all-1")
    with pytest.raises(QuotaExhausted) as spent:
        await main.mass_to_tag(None, "双11", "all-2")
    assert (spent.value.reason, spent.value.upstream_code) == ("send_quota", "45028")


async def test_one_follower_sees_it_first(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    openid = scenes.shopper(sandbox)
    await main.mass_preview(openid, Draft(scenes.known(sandbox)["drafts"][0]))
    with pytest.raises(Invalid) as missing:
        await main.mass_preview(openid, Draft("none"))
    with pytest.raises(NotFound) as foreign:
        await main.mass_preview("oForeign0000000000000000000A", "双11")
    assert (missing.value.reason, foreign.value.reason) == ("media_unknown", "openid_unknown")
    shown = sandbox.kit.journal.of_kind("official_account", "mass_previewed")
    assert [each.key for each in shown] == [f"{main.account}/{openid}"]
    assert sandbox.kit.journal.of_kind("official_account", "mass_sent") == []


async def test_what_cannot_be_sent_to_many(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    with pytest.raises(NotFound) as tag:
        await main.mass_to_tag(4711, "双11", "k")
    with pytest.raises(Invalid) as picture:
        await main.mass_to_followers(scenes.others(sandbox), Pictures(("none",)), "k")
    with pytest.raises(Invalid) as one:
        await main.mass_to_followers([scenes.shopper(sandbox)], "双11", "k")
    with pytest.raises(Invalid) as key:
        await main.mass_to_tag(None, "双11", "k" * 65)
    assert [e.value.reason for e in (tag, picture, one, key)] == [
        "tag_unknown",
        "media_unknown",
        "list_size",
        "key_too_long",
    ]
    assert sandbox.kit.journal.of_kind("official_account", "mass_sent") == []


async def test_the_speed_is_changed(main: OfficialAccountAdapter) -> None:
    await main.sending_speed_change(1)
    assert await main.sending_speed() == 1
    with pytest.raises(Invalid):
        await main.sending_speed_change(5)


@pytest.mark.parametrize(
    ("word", "status", "reason"),
    [
        ("send success", MassStatus.SENT, ""),
        ("send fail", MassStatus.FAILED, ""),
        ("err(20001)", MassStatus.FAILED, "err(20001)"),
        ("sleeping", MassStatus.OTHER, ""),
    ],
)
async def test_the_end_of_a_mass_message(
    main: OfficialAccountAdapter, word: str, status: MassStatus, reason: str
) -> None:
    payload = {
        "FromUserName": "o1",
        "MsgID": "34182",
        "Status": word,
        "TotalCount": "100",
        "FilterCount": "80",
        "SentCount": "75",
        "ErrorCount": "5",
    }
    event = InboundEvent("MASSSENDJOBFINISH", "k", "follower:o1", AT, payload)
    assert main.interpret(event) == (MassDelivered(main.account, "34182", status, reason, 100, 80, 75, 5, AT),)
