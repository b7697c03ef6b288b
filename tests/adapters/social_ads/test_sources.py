"""Data sources, and what became of leads."""

from __future__ import annotations

import pytest

from adapters.base.errors import Invalid
from adapters.social_ads import ActionSet, LeadFeedback
from tests.adapters.social_ads.conftest import Ads
from tests.adapters.social_ads.test_sandbox import code, post_actions

STATUS = "POST /v3.0/leads_status/update"


async def test_a_data_source_is_made_and_listed(ads: Ads) -> None:
    made = await ads.adapter.create_action_set("WEB", "官网", description="落地页")
    assert await ads.adapter.action_sets() == [
        ActionSet(1200118316, "WECHAT_MINI_PROGRAM", "小程序"),
        ActionSet(made, "WEB", "官网"),
    ]


async def test_a_web_source_wants_the_page_and_nobodys_openid(ads: Ads) -> None:
    made = await ads.adapter.create_action_set("WEB", "官网")
    action = {"action_type": "PURCHASE", "outer_action_id": "SR1", "trace": {"click_id": "wx07ptidwiwn5fde"}}
    body = {"account_id": 20458, "user_action_set_id": made, "actions": [action]}
    assert code(await post_actions(ads, body)) == 31001
    action["url"] = "https://shop.example/"
    assert code(await post_actions(ads, body)) == 0
    assert [effect.key for effect in ads.sandbox.kit.journal.effects if effect.kind == "user_action.PURCHASE"] == [
        "SR1"
    ]


@pytest.mark.parametrize(
    ("kind", "name", "description", "reason"),
    [
        ("WEB", "", "", "name"),
        ("WEB", "长" * 11, "", "name"),
        ("WECHAT_MINI_PROGRAM", "a", "", "appid"),
        ("OFFLINE", "a", "x" * 129, "description"),
    ],
)
async def test_a_wrong_source_is_refused_before_any_call(
    ads: Ads, kind: str, name: str, description: str, reason: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await ads.adapter.create_action_set(kind, name, description=description)
    assert caught.value.reason == reason
    assert ads.sandbox.kit.journal.calls == []


async def test_what_became_of_leads_is_told_hundred_a_call(ads: Ads) -> None:
    (lead, *_) = ads.platform.leads
    feedback = [LeadFeedback(lead.leads_id, "EFFECTIVE")] * 100 + [LeadFeedback(lead.leads_id, "INEFFECTIVE", "空号")]
    await ads.adapter.report_lead_status(feedback)
    told = ads.sandbox.kit.journal.of_kind("social_ads", "lead_status")
    assert [(effect.key, effect.data["status"]) for effect in told] == [
        (str(lead.leads_id), "EFFECTIVE"),
        (str(lead.leads_id), "INEFFECTIVE"),
    ]
    assert ads.calls(STATUS) == 2


async def test_an_unknown_lead_refuses_the_call_whole(ads: Ads) -> None:
    (lead, *_) = ads.platform.leads
    with pytest.raises(Invalid):
        await ads.adapter.report_lead_status([LeadFeedback(lead.leads_id, "X"), LeadFeedback(1, "X")])
    assert not ads.sandbox.kit.journal.of_kind("social_ads", "lead_status")
