"""The adapter against the emulated corp: exact records, exact numbers of calls."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.base.errors import (
    Conflict,
    Invalid,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unauthorized,
)
from adapters.enterprise_chat import (
    TOOL,
    AppMessage,
    AppMessageKind,
    AppMessageSent,
    Contact,
    CorpTag,
    Department,
    Employee,
    EnterpriseChatAdapter,
    EnterpriseChatConfig,
    GroupMember,
    JoinScene,
    MemberKind,
    Unassigned,
)
from adapters.enterprise_chat.sandbox import Sandbox as EnterpriseChat
from sandbox.server import Sandbox
from tests.conftest import MakeRuntime, OpenTool, account_config

CUSTOMERS = "/cgi-bin/externalcontact/"


@pytest.fixture
async def chat(open_tool: OpenTool, sandbox: Sandbox) -> EnterpriseChatAdapter:
    adapter: EnterpriseChatAdapter = await open_tool(TOOL, sandbox, "main")
    return adapter


def _calls(sandbox: Sandbox) -> Counter[str]:
    return Counter(call.endpoint for call in sandbox.kit.journal.calls)


def _seconds(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _external(sandbox: Sandbox, person: str) -> str:
    return sandbox.world.people[person].external_userid


async def test_an_employee(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    corpid = sandbox.world.corp.corpid
    assert chat.account == corpid
    found = await chat.employees(["chenyutong", "lijiayi", "SunYue"])
    assert found[0] == Employee(corpid, "chenyutong", "陈雨桐", "店长", "", (2,), active=True)
    assert isinstance(found[1], NotFound)
    assert (found[1].reason, found[1].upstream_code) == ("no_such_employee", "60111")
    assert isinstance(found[2], Employee)
    assert found[2].userid == "sunyue"
    assert _calls(sandbox) == {"GET /cgi-bin/gettoken": 1, "GET /cgi-bin/user/get": 3}


async def test_departments_and_guides(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    departments = await chat.departments()
    assert departments[0] == Department(1, "屿见 YUJIAN", None)
    assert {(d.id, d.name, d.parent_id) for d in departments[1:]} == {
        (s.department, s.name, 1) for s in sandbox.world.stores
    }
    assert list(await chat.guide_ids()) == [g.userid for g in sandbox.world.guides if g.left_at is None]


async def test_two_secrets_are_two_tokens_and_no_more(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    for _ in range(3):
        await chat.departments()
        await chat.ping()
    assert _calls(sandbox)["GET /cgi-bin/gettoken"] == 2


async def test_the_protagonist_as_her_guide_has_her(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    world = sandbox.world
    lin = world.people["linxiaowen"]
    known = next(c for c in world.contacts if c.person == "linxiaowen")
    tags = {tag: name for group in world.corp.tag_groups.values() for tag, name in group.items()}
    assert await chat.contact(lin.external_userid) == (
        Contact(
            corpid=world.corp.corpid,
            external_userid=lin.external_userid,
            userid="chenyutong",
            unionid=lin.unionid,
            name="林晓雯",
            avatar=f"https://wx.qlogo.example/{lin.external_userid}/0",
            remark="M码 喜欢雾灰",
            remark_mobiles=(lin.phone,),
            description="",
            add_way=1,
            state="store_SH-AFL",
            added_at=_seconds(known.added_at),
            tag_ids=known.tags,
            tag_names=tuple(tags[tag] for tag in known.tags),
        ),
    )


async def test_a_customer_of_two_employees_over_two_pages(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    platform = sandbox.platforms["enterprise_chat"]
    assert isinstance(platform, EnterpriseChat)
    platform.contacts.follow_page = 1
    found = await chat.contact(_external(sandbox, "xuli"))
    assert not isinstance(found, NotFound)
    assert [c.userid for c in found] == ["chenyutong", "sunyue"]
    assert _calls(sandbox)[f"GET {CUSTOMERS}get"] == 2


async def test_nobody_is_a_value(chat: EnterpriseChatAdapter) -> None:
    missing = await chat.contact("wmNobody")
    assert isinstance(missing, NotFound)
    assert (missing.reason, missing.upstream_code) == ("no_such_contact", "40096")


async def test_contact_ids_of_nobody_and_of_somebody_without_customers(
    chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any
) -> None:
    ids = await chat.contact_ids("fengbo")
    people = {p.external_userid: p.key for p in sandbox.world.people.values()}
    assert [people[i] for i in ids] == [c.person for c in sandbox.world.contacts if c.userid == "fengbo"]
    for i in ids:
        await act("delete_contact", userid="fengbo", person=people[i], by="GUIDE")
    assert await chat.contact_ids("fengbo") == ()
    with pytest.raises(NotFound) as caught:
        await chat.contact_ids("lijiayi")
    assert caught.value.reason == "no_such_employee"


async def test_all_customers_page_by_page(chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any) -> None:
    world = sandbox.world
    for number in range(60, 120):
        await act("add_contact", userid="zhaominghui", person=f"p{number:06d}")
        if number < 100:
            await act("add_contact", userid="sunyue", person=f"p{number:06d}")
    guides = await chat.guide_ids()
    pages = [await chat.contacts_of(guides)]
    while pages[-1].next_cursor is not None:
        pages.append(await chat.contacts_of(guides, pages[-1].next_cursor))
    assert [len(page.items) for page in pages] == [100, 42]
    pairs = {(c.userid, c.external_userid) for page in pages for c in page.items}
    assert len(pairs) == 142
    expected = {(c.userid, world.people[c.person].external_userid) for c in world.contacts if c.userid != "lijiayi"}
    assert expected < pairs
    lin = next(c for page in pages for c in page.items if c.remark == "M码 喜欢雾灰")
    assert (len(lin.tag_ids), lin.tag_names) == (3, ())
    assert _calls(sandbox)[f"POST {CUSTOMERS}batch/get_by_user"] == 2


async def test_contacts_of_too_many_asks_nothing(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    with pytest.raises(Invalid, match="101 userids given, 1 to 100 fit"):
        await chat.contacts_of(["sunyue"] * 101)
    assert _calls(sandbox) == {}


async def test_a_cursor_of_another_question(chat: EnterpriseChatAdapter, sandbox: Sandbox, act: Any) -> None:
    for number in range(60, 120):
        for guide in ("zhaominghui", "heqing"):
            if not any(c.userid == guide and c.person == f"p{number:06d}" for c in sandbox.world.contacts):
                await act("add_contact", userid=guide, person=f"p{number:06d}")
    page = await chat.contacts_of(["zhaominghui", "heqing"])
    with pytest.raises(Conflict) as caught:
        await chat.contacts_of(["heqing"], page.next_cursor)
    assert (caught.value.reason, caught.value.upstream_code) == ("cursor_expired", "60268")


async def test_corp_tags(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    assert list(await chat.corp_tags()) == [
        CorpTag(tag, name, group) for group, tags in sandbox.world.corp.tag_groups.items() for tag, name in tags.items()
    ]


async def test_43_customers_wait_for_a_guide(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    world = sandbox.world
    left = next(g for g in world.guides if g.userid == "lijiayi")
    assert left.left_at is not None
    page = await chat.unassigned()
    assert page.next_cursor is None
    assert list(page.items) == [
        Unassigned("lijiayi", world.people[c.person].external_userid, _seconds(left.left_at))
        for c in world.contacts
        if c.userid == "lijiayi"
    ]
    assert len(page.items) == 43


async def test_groups(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    world = sandbox.world
    ids = await chat.group_ids()
    assert (list(ids.items), ids.next_cursor) == ([g.chat_id for g in world.groups], None)
    assert list((await chat.group_ids(owners=["sunyue"])).items) == [world.groups[1].chat_id]
    found = await chat.groups([world.groups[0].chat_id, "wrNone"])
    assert isinstance(found[1], NotFound)
    group = found[0]
    assert not isinstance(group, NotFound)
    assert (group.name, group.owner_userid) == ("安福路店·会员福利群", "chenyutong")
    assert group.created_at == _seconds(world.groups[0].created_at)
    owner, lin = group.members[:2]
    assert (owner.id, owner.kind, owner.unionid) == ("chenyutong", MemberKind.EMPLOYEE, None)
    person = world.people["linxiaowen"]
    joined = _seconds(world.groups[0].created_at)
    assert lin == GroupMember(person.external_userid, MemberKind.CUSTOMER, person.unionid, joined, JoinScene.QR)
    assert len(group.members) == 1 + len(world.groups[0].members)


def _message(kind: AppMessageKind = AppMessageKind.TEXT, key: str = "k1", **fields: Any) -> AppMessage:
    parts: dict[str, Any] = {
        "to_userids": ("chenyutong",),
        "kind": kind,
        "title": "到店自提",
        "text": "您的顾客已付款，到店自提",
        "url": "https://gw.example/o/1",
        "dedupe_key": key,
    }
    return AppMessage(**{**parts, **fields})


async def test_a_message_repeated_is_one_message(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    message = _message(to_userids=("chenyutong", "lijiayi"))
    first = await chat.send_app_message(message)
    assert first == AppMessageSent(first.message_id, ("lijiayi",))
    assert (await chat.send_app_message(message)).message_id == first.message_id
    (effect,) = sandbox.kit.journal.of_kind("enterprise_chat", "app_message")
    assert (effect.data["to"], effect.data["content"]) == (
        ["chenyutong"],
        {"content": "您的顾客已付款，到店自提"},
    )


async def test_notice_cards_differ_by_key_and_text_does_not(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    for kind, sent in ((AppMessageKind.TEXT, 1), (AppMessageKind.NOTICE_CARD, 2)):
        before = len(sandbox.kit.journal.effects)
        await chat.send_app_message(_message(kind, "k1"))
        await chat.send_app_message(_message(kind, "k2"))
        assert len(sandbox.kit.journal.effects) - before == sent


async def test_a_notice_card_is_known_by_its_key_for_ever(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    card = _message(AppMessageKind.NOTICE_CARD, "order-1")
    await chat.send_app_message(card)
    sandbox.kit.clock.advance(timedelta(hours=5))
    with pytest.raises(Conflict) as caught:
        await chat.send_app_message(card)
    assert caught.value.reason == "card_used"
    (effect,) = sandbox.kit.journal.of_kind("enterprise_chat", "app_message")
    assert effect.data["content"] == {
        "card_type": "text_notice",
        "main_title": {"title": "到店自提"},
        "sub_title_text": "您的顾客已付款，到店自提",
        "card_action": {"url": "https://gw.example/o/1", "type": 1},
        "task_id": "order-1",
    }


async def test_a_text_card(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    await chat.send_app_message(_message(AppMessageKind.TEXT_CARD))
    (effect,) = sandbox.kit.journal.of_kind("enterprise_chat", "app_message")
    assert effect.data["content"] == {
        "title": "到店自提",
        "description": "您的顾客已付款，到店自提",
        "url": "https://gw.example/o/1",
    }


TOO_MUCH: list[tuple[dict[str, Any], str]] = [
    ({"to_userids": ()}, "recipients"),
    ({"to_userids": ("sunyue",) * 1001}, "recipients"),
    ({"text": ""}, "text_length"),
    ({"text": "屿" * 683}, "text_length"),
    ({"kind": AppMessageKind.TEXT_CARD, "text": "屿" * 513}, "text_length"),
    ({"kind": AppMessageKind.TEXT_CARD, "title": ""}, "title_length"),
    ({"kind": AppMessageKind.NOTICE_CARD, "url": ""}, "url_length"),
    ({"key": "a key"}, "dedupe_key"),
]


async def test_what_does_not_fit_is_refused_before_it_is_sent(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    for fields, reason in TOO_MUCH:
        with pytest.raises(Invalid) as caught:
            await chat.send_app_message(_message(**fields))
        assert caught.value.reason == reason
        assert _calls(sandbox) == {}


async def test_nobody_reached(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    with pytest.raises(Rejected) as caught:
        await chat.send_app_message(_message(to_userids=("lijiayi",)))
    assert (caught.value.reason, caught.value.upstream_code) == ("nobody_reached", "81013")
    assert sandbox.kit.journal.effects == []


async def test_a_lost_answer_is_asked_again_only_with_a_key(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    endpoint = "POST /cgi-bin/message/send"
    sandbox.kit.faults.add("enterprise_chat", "reset_after", endpoint=endpoint, calls=(1,))
    await chat.send_app_message(_message(key="k1"))
    assert len(sandbox.kit.journal.of_kind("enterprise_chat", "app_message")) == 1
    assert _calls(sandbox)[endpoint] == 2
    sandbox.kit.faults.clear()
    sandbox.kit.faults.add("enterprise_chat", "reset_after", endpoint=endpoint, calls=(1,))
    with pytest.raises(OutcomeUnknown):
        await chat.send_app_message(_message(key="", text="SO-2 到店自提"))
    assert len(sandbox.kit.journal.of_kind("enterprise_chat", "app_message")) == 2
    assert _calls(sandbox)[endpoint] == 3


async def test_a_revoked_token_is_renewed_once(chat: EnterpriseChatAdapter, act: Any, sandbox: Sandbox) -> None:
    await chat.ping()
    assert await act("revoke_token", agent="customer_contact") == {"revoked": True}
    await chat.ping()
    assert _calls(sandbox) == {
        "GET /cgi-bin/gettoken": 2,
        f"GET {CUSTOMERS}get_follow_user_list": 3,
    }


async def test_a_token_that_stays_refused_is_not_fetched_for_ever(
    chat: EnterpriseChatAdapter, sandbox: Sandbox
) -> None:
    """The platform may answer the refused token again; then the call fails."""
    endpoint = f"GET {CUSTOMERS}get_follow_user_list"
    sandbox.kit.faults.add("enterprise_chat", "code", endpoint=endpoint, value="40014")
    with pytest.raises(Unauthorized) as caught:
        await chat.ping()
    assert caught.value.upstream_code == "40014"
    assert _calls(sandbox) == {"GET /cgi-bin/gettoken": 2, endpoint: 2}


async def test_a_wrong_secret_is_shown_once_and_then_left_alone(make_runtime: MakeRuntime, sandbox: Sandbox) -> None:
    settings = sandbox.describe()["platforms"]["enterprise_chat"]["accounts"]["main"]
    config = account_config(TOOL, {**settings, "contact_secret": "wrong"})
    async with TOOL.open(config, make_runtime(sandbox.kit.clock)) as chat:
        for _ in range(3):
            with pytest.raises(Unauthorized) as caught:
                await chat.ping()
            assert (caught.value.reason, caught.value.upstream_code) == ("secret_wrong", "40001")
        assert _calls(sandbox) == {"GET /cgi-bin/gettoken": 1}
        sandbox.kit.clock.advance(timedelta(minutes=5, seconds=1))
        with pytest.raises(Unauthorized):
            await chat.ping()
        assert _calls(sandbox) == {"GET /cgi-bin/gettoken": 2}


async def test_without_a_contact_secret_the_app_speaks_for_itself(make_runtime: MakeRuntime, sandbox: Sandbox) -> None:
    """A corp of today; the emulated one is older, and tells that it is asked with the app's token."""
    settings = sandbox.describe()["platforms"]["enterprise_chat"]["accounts"]["main"]
    del settings["contact_secret"]
    config: EnterpriseChatConfig = account_config(TOOL, settings)
    assert not config.contact_secret
    async with TOOL.open(config, make_runtime(sandbox.kit.clock)) as chat:
        await chat.departments()
        with pytest.raises(Unauthorized) as caught:
            await chat.ping()
    assert (caught.value.reason, caught.value.upstream_code) == ("not_permitted", "48002")
    assert _calls(sandbox)["GET /cgi-bin/gettoken"] == 1


async def test_too_fast_says_how_long_to_wait(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    sandbox.kit.faults.add("enterprise_chat", "code", endpoint="*department/list", value="45009")
    with pytest.raises(RateLimited) as caught:
        await chat.departments()
    assert caught.value.retry_after == 60.0
    assert _calls(sandbox)["GET /cgi-bin/department/list"] == 1


def test_the_real_host_is_the_default() -> None:
    settings = {
        "corpid": "ww1",
        "agentid": 7,
        "app_secret": "a",
        "callback_token": "t",
        "aes_key": "k" * 43,
    }
    config: EnterpriseChatConfig = account_config(TOOL, settings)
    assert (config.base_url, config.external_id) == ("https://qyapi.weixin.qq.com", "ww1")


async def test_personal_data_stays_out_of_repr(chat: EnterpriseChatAdapter, sandbox: Sandbox) -> None:
    lin = sandbox.world.people["linxiaowen"]
    shown = repr((await chat.contact(lin.external_userid), await chat.employees(["chenyutong"])))
    for personal in (lin.name, lin.phone, lin.unionid, "M码", "陈雨桐"):
        assert personal not in shown
