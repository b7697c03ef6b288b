"""Followers, tags and template messages: exact records against the world, exact numbers of calls."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.base.errors import (
    Invalid,
    NotFound,
    OutcomeUnknown,
    QuotaExhausted,
    RateLimited,
    Rejected,
    Unauthorized,
)
from adapters.official_account import (
    TOOL,
    Follower,
    OfficialAccountAdapter,
    Tag,
    TemplateMessage,
    TemplateSent,
)
from adapters.official_account.sandbox import Sandbox as Platform
from sandbox.server import Sandbox
from tests.adapters.official_account.contract import known, openids
from tests.conftest import OpenTool

BATCHGET = "POST /cgi-bin/user/info/batchget"
SEND = "POST /cgi-bin/message/template/send"
FOREIGN = "oForeignForeignForeignForei1"


def calls(sandbox: Sandbox, endpoint: str) -> int:
    return sandbox.kit.journal.count("official_account", endpoint)


def message(sandbox: Sandbox, **changed: object) -> TemplateMessage:
    ids = known(sandbox)
    fields: dict[str, object] = {
        "openid": ids["followers"]["protagonist"],
        "template_id": ids["templates"]["order_paid"],
        "data": {"thing1": "山岚轻羽绒服", "amount2": "899.00", "time3": "2026-11-11 20:57"},
        "client_msg_id": "order-1-paid",
        **changed,
    }
    return TemplateMessage(**fields)  # type: ignore[arg-type] # a test changes one field at a time


async def test_ping_makes_a_token_and_one_call(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    await main.ping()
    await main.ping()
    assert main.account == sandbox.world.official_accounts[0].appid
    assert calls(sandbox, "GET /cgi-bin/get_api_domain_ip") == 2
    assert calls(sandbox, "POST /cgi-bin/stable_token") == 1


async def test_all_followers_in_pages(main: OfficialAccountAdapter, sandbox: Sandbox, platform: Platform) -> None:
    expected = sorted(
        (f for f in sandbox.world.followers if f.appid == main.account and f.subscribed),
        key=lambda f: f.subscribed_at,
    )
    platform.api.people.page_size = 7
    found: list[str] = []
    pages = 0
    page = await main.follower_ids()
    while True:
        found += page.items
        pages += 1
        if page.next_cursor is None:
            break
        page = await main.follower_ids(page.next_cursor)
    assert found == [f.openid for f in expected]
    # One call more than there are pages: only an empty page says that the one before was the last.
    assert pages == calls(sandbox, "GET /cgi-bin/user/get") == -(-len(expected) // 7) + 1


async def test_an_unknown_cursor_says_so(main: OfficialAccountAdapter) -> None:
    with pytest.raises(NotFound) as refused:
        await main.follower_ids(FOREIGN)
    assert (refused.value.reason, refused.value.upstream_code) == ("openid_unknown", "40003")
    assert refused.value.request_id.count("-") == 2


async def test_followers_as_the_world_has_them(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    ids = known(sandbox)["followers"]
    person = sandbox.world.people[sandbox.world.cast["protagonist"]]
    row = next(f for f in sandbox.world.followers if f.openid == ids["protagonist"])
    found = await main.followers([ids["unfollowed"], ids["protagonist"]])
    assert found == [
        Follower(main.account, ids["unfollowed"]),
        Follower(
            appid=main.account,
            openid=ids["protagonist"],
            unionid=person.unionid,
            subscribed=True,
            subscribed_at=row.subscribed_at.replace(microsecond=0),
            scene=row.scene,
            qr_scene=row.qr_scene_str,
            remark=row.remark,
            tag_ids=row.tags,
        ),
    ]


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (1, 1), (100, 1), (101, 2)])
async def test_one_call_per_hundred(main: OfficialAccountAdapter, sandbox: Sandbox, count: int, expected: int) -> None:
    asked = openids(sandbox)[:count]
    assert len(asked) == count
    found = await main.followers(asked)
    assert [f.openid for f in found if isinstance(f, Follower)] == asked
    assert calls(sandbox, BATCHGET) == expected


async def test_repeated_and_malformed_openids_cost_nothing(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    one = openids(sandbox)[0]
    first, second, third = await main.followers([one, "not an openid", one])
    assert isinstance(first, Follower)
    assert first == third
    assert isinstance(second, NotFound)
    assert second.reason == "openid_unknown"
    assert calls(sandbox, BATCHGET) == 1


async def test_a_foreign_openid_is_found_by_halving(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    asked = openids(sandbox)[:7]
    found = await main.followers([*asked[:3], FOREIGN, *asked[3:]])
    assert [isinstance(f, NotFound) for f in found] == [False, False, False, True, False, False, False, False]
    # 8 refused; 4 refused, 4 answered; 2 answered, 2 refused; 1 answered, 1 refused.
    assert calls(sandbox, BATCHGET) == 7


async def test_tags_with_their_followers(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    present = [f for f in sandbox.world.followers if f.appid == main.account and f.subscribed]
    assert await main.tags() == [
        Tag(t.id, t.name, sum(t.id in f.tags for f in present))
        for t in sandbox.world.oa_tags
        if t.appid == main.account
    ]


async def test_a_template_is_sent_once_per_key(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    first = await main.send_template(message(sandbox, url="https://shop.example/o/1"))
    again = await main.send_template(message(sandbox, url="https://shop.example/o/1"))
    assert first == again == TemplateSent("2463547712345678902")
    (effect,) = sandbox.kit.journal.of_kind("official_account", "template_sent")
    assert effect.key == f"{main.account}/order-1-paid"
    assert effect.data["message"] == {
        "touser": message(sandbox).openid,
        "template_id": message(sandbox).template_id,
        "url": "https://shop.example/o/1",
        "data": {
            "thing1": {"value": "山岚轻羽绒服"},
            "amount2": {"value": "899.00"},
            "time3": {"value": "2026-11-11 20:57"},
        },
    }


async def test_the_key_lives_ten_minutes(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    first = await main.send_template(message(sandbox))
    sandbox.kit.clock.advance(timedelta(minutes=10))
    assert await main.send_template(message(sandbox)) != first
    keys = [e.key for e in sandbox.kit.journal.of_kind("official_account", "template_sent")]
    assert keys == [f"{main.account}/order-1-paid"] * 2


async def test_long_keys_are_sent_as_their_digest(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    a = await main.send_template(message(sandbox, client_msg_id="k" * 33))
    b = await main.send_template(message(sandbox, client_msg_id="k" * 34))
    assert a == await main.send_template(message(sandbox, client_msg_id="k" * 33)) != b
    keys = [e.key for e in sandbox.kit.journal.of_kind("official_account", "template_sent")]
    assert [len(key.removeprefix(main.account + "/")) for key in keys] == [32, 32]


async def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    main: OfficialAccountAdapter, sandbox: Sandbox
) -> None:
    await main.ping()
    sandbox.kit.faults.add("official_account", "reset_after", endpoint=SEND, calls=(1,))
    assert await main.send_template(message(sandbox)) == TemplateSent("2463547712345678902")
    assert calls(sandbox, SEND) == 2
    assert len(sandbox.kit.journal.of_kind("official_account", "template_sent")) == 1


@pytest.mark.parametrize(
    ("changed", "kind", "reason"),
    [
        ({"openid": FOREIGN}, NotFound, "openid_unknown"),
        ({"template_id": "nonesuch"}, Invalid, "template_unknown"),
        ({"data": {"thing1": "x" * 21, "amount2": "1.00", "time3": "now"}}, Invalid, "template_field"),
        ({"data": {"thing1": "x"}}, Invalid, "template_field"),
        ({"mini_program_appid": "wxstranger"}, Invalid, "mini_program_appid"),
    ],
)
async def test_refused_templates_send_nothing(
    main: OfficialAccountAdapter,
    sandbox: Sandbox,
    changed: dict[str, object],
    kind: type[Exception],
    reason: str,
) -> None:
    with pytest.raises(kind) as refused:
        await main.send_template(message(sandbox, **changed))
    assert refused.value.reason == reason  # type: ignore[attr-defined] # all kinds have one
    assert calls(sandbox, SEND) == 1
    assert sandbox.kit.journal.of_kind("official_account", "template_sent") == []


async def test_no_template_to_one_who_left(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    gone = known(sandbox)["followers"]["unfollowed"]
    with pytest.raises(Rejected) as refused:
        await main.send_template(message(sandbox, openid=gone))
    assert (refused.value.reason, refused.value.upstream_code) == ("not_following", "43004")
    assert sandbox.kit.journal.of_kind("official_account", "template_sent") == []


async def test_a_mini_program_behind_the_tap(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    appid = sandbox.world.mini_programs[0].appid
    await main.send_template(message(sandbox, mini_program_appid=appid, mini_program_path="pages/order?id=1"))
    (effect,) = sandbox.kit.journal.of_kind("official_account", "template_sent")
    assert effect.data["message"]["miniprogram"] == {"appid": appid, "pagepath": "pages/order?id=1"}


async def test_a_spent_day_is_not_asked_again(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    sandbox.kit.faults.add("official_account", "code", endpoint="GET /cgi-bin/tags/get", value="45009")
    for _ in range(2):
        with pytest.raises(QuotaExhausted) as refused:
            await main.tags()
        assert refused.value.resets_at is not None
        assert refused.value.resets_at.isoformat() == "2026-11-11T16:00:00+00:00"
    assert calls(sandbox, "GET /cgi-bin/tags/get") == 1


async def test_a_fast_minute_is_the_callers_wait(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    sandbox.kit.faults.add("official_account", "code", endpoint="GET /cgi-bin/tags/get", value="45011")
    with pytest.raises(RateLimited) as refused:
        await main.tags()
    assert refused.value.retry_after == 60
    assert calls(sandbox, "GET /cgi-bin/tags/get") == 1


async def test_busy_is_repeated_for_reads_and_for_keyed_sends(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    sandbox.kit.faults.add("official_account", "code", endpoint="GET /cgi-bin/tags/get", value="-1", calls=(1,))
    sandbox.kit.faults.add("official_account", "code", endpoint=SEND, value="-1")
    assert len(await main.tags()) == 4
    with pytest.raises(OutcomeUnknown) as unknown:
        await main.send_template(message(sandbox))
    assert unknown.value.reason == "platform_busy"
    assert calls(sandbox, SEND) == 3


async def test_a_wrong_secret_is_named_and_not_shown(sandbox: Sandbox, open_tool: OpenTool) -> None:
    platform = sandbox.platforms["official_account"]
    right = platform.describe

    def describe(base_url: str) -> object:
        settings = right(base_url)
        settings["accounts"]["main"]["secret"] = "wrong-secret"
        return settings

    platform.describe = describe  # type: ignore[method-assign, assignment] # one test's console
    adapter = await open_tool(TOOL, sandbox, "main")
    with pytest.raises(Unauthorized) as refused:
        await adapter.tags()
    assert (refused.value.reason, refused.value.upstream_code) == ("secret_wrong", "40125")
    assert "wrong-secret" not in str(refused.value)
    assert calls(sandbox, "POST /cgi-bin/stable_token") == 1
    assert calls(sandbox, "GET /cgi-bin/tags/get") == 0
