"""Recorded answers, one per endpoint, in the documented shape with invented values."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from adapters.base.errors import Unauthorized
from adapters.base.transport import Response
from adapters.enterprise_chat import models
from adapters.enterprise_chat.client import USER_GET
from adapters.enterprise_chat.errors import FAULTS
from adapters.wechat.envelope import Envelope, decode
from tests.adapters.enterprise_chat.answers import METHODS

WIRE = Path(__file__).parent / "wire"
_CUSTOMER = models.ExternalContact("wmA1", "Lin", "https://wx.qlogo.example/x/0", 1, "o6_bm")

ANSWERS: dict[str, msgspec.Struct] = {
    "gettoken": models.GetToken("tk_8d2invented", 7200),
    "user_get": models.Member("guide01", "Chen", [12], "Guide", "", 1),
    "department_list": models.DepartmentList([models.Department(1, "Demo", 0), models.Department(12, "Store 0755", 1)]),
    "send_welcome_msg": Envelope(0, "ok"),
    "media_upload": models.Uploaded("2xA9"),
    "get_follow_user_list": models.FollowUserList(["guide01", "guide02"]),
    "externalcontact_list": models.ExternalUserList(["wmA1", "wmB2"]),
    "externalcontact_get": models.ContactAnswer(
        _CUSTOMER,
        [
            models.Follow(
                "guide01",
                1700000000,
                "Lin VIP",
                "size M",
                ["13800000000", ""],
                10,
                "store-0755-qr",
                [
                    models.FollowTag("Gold", "Level", "etA", 1),
                    models.FollowTag("talker", "mine", "", 2),
                    models.FollowTag("Region", "Rule", "stB", 3),
                ],
            )
        ],
    ),
    "batch_get_by_user": models.ContactPairs(
        [
            models.ContactPair(
                models.ExternalContact("wmA1", "Lin"),
                models.Follow(
                    "guide01",
                    1700000000,
                    "Lin VIP",
                    add_way=1,
                    state="store-0755-qr",
                    tag_id=["etA", "etB"],
                ),
            )
        ],
        "r9F",
    ),
    "get_corp_tag_list": models.CorpTagList([models.CorpTagGroup("etG1", "Level", [models.CorpTag("etA1", "Gold")])]),
    "groupchat_list": models.GroupChatList([models.GroupChatRow("wrX1", 0)]),
    "groupchat_get": models.GroupChatAnswer(
        models.GroupChat(
            "wrX1",
            "guide01",
            1700000000,
            "VIP 0755",
            [
                models.GroupChatMember("guide01", 1, 1700000000, 1),
                models.GroupChatMember("wmA1", 2, 1700000100, 3, "o6_bm", "join-qr-7"),
            ],
            "71217227bbd112ecfe3a49c482195cb4",
        )
    ),
    "get_unassigned_list": models.UnassignedList([models.UnassignedRow("guide09", "wmA1", 1700000000)], True),
    "message_send": models.SendMessageAnswer("ux9", "guide02"),
}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_every_recorded_answer_decodes(name: str) -> None:
    body = (WIRE / f"{name}.json").read_bytes()
    response = Response(200, {"content-type": "application/json; charset=UTF-8"}, body)
    assert decode(response, type(ANSWERS[name]), FAULTS, USER_GET, "ww1") == ANSWERS[name]


def test_every_recording_is_checked() -> None:
    """Here, or as what a client's method understands (``test_spoilt_answers``)."""
    used = {*ANSWERS, "token_expired"} | {answer.body for _, _, _, answer in METHODS}
    left = [path.stem for path in WIRE.glob("*.json") if path.stem not in used and path.read_bytes() not in used]
    assert left == []


def test_an_expired_token_keeps_the_trace_and_not_the_text() -> None:
    response = Response(200, {}, (WIRE / "token_expired.json").read_bytes())
    with pytest.raises(Unauthorized) as caught:
        decode(response, models.Member, FAULTS, USER_GET, "ww1")
    error = caught.value
    assert (error.reason, error.upstream_code, error.renew_token) == ("token_expired", "42001", True)
    assert error.request_id == "1700000000_28_5f0c"
    assert "203.0.113.7" not in str(error)


def test_only_two_codes_renew_a_token() -> None:
    """40001 is a wrong secret on this host: fetching again would get our address shut out."""
    assert sorted(code for code, fault in FAULTS.items() if fault.renew_token) == ["40014", "42001"]
    assert FAULTS["40001"].reason == "secret_wrong"


def test_the_message_body_names_only_its_own_kind() -> None:
    message = models.SendMessage(
        touser="guide01|guide02", msgtype="text", agentid=1000007, text=models.Text("到店自提")
    )
    assert (
        msgspec.json.encode(message)
        == ('{"touser":"guide01|guide02","msgtype":"text","agentid":1000007,"text":{"content":"到店自提"}}').encode()
    )
