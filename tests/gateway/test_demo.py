"""The demo, as a visitor runs it: one command, no settings, and the whole story in its answer."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import TOOLS
from tests.gateway.test_cli import CLEAN, PATIENCE, ROOT

STEPS = [
    ("stock.reserve", None),
    ("order.place", None),
    ("payment.prepay", "payments"),
    ("payment.capture", "payments"),
    ("coupon.use", "payments"),
    ("guide.notify", "enterprise_chat"),
    ("conversion.report", "social_ads"),
]


def _demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", "demo", "--once", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=folder,
        env=CLEAN | {"PYTHONPATH": str(ROOT)},
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(folder: Path) -> Mapping[str, Any]:
    """What ``demo --once --json`` prints: one JSON object, and nothing beside it."""
    done = _demo(folder, "--json")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1
    found: Mapping[str, Any] = json.loads(lines[0])
    assert set(found) == {"member", "checkout", "paid", "heard", "upstreamCalls"}
    return found


def test_she_is_one_member_in_seven_tools(told: Mapping[str, Any]) -> None:
    member = told["member"]
    assert member["name"] == "林晓雯"
    assert member["level"] == {"name": "金卡", "growth": 8260, "nextAt": 20000}
    assert member["points"] == {"balance": 3260}
    assert sorted(each["kind"] for each in member["identities"]) == [
        "EXTERNAL_USERID",
        *["OPENID"] * 3,
        "PHONE",
        "UNIONID",
    ]
    assert member["officialAccount"]["subscribed"] is True
    assert [each["amount"]["amount"] for each in member["payments"]["nodes"]] == [81900, 15900]
    # The coupon that she used is gone, the other one is left.
    assert [each["name"] for each in member["coupons"]["nodes"]] == ["金卡满1000减150"]
    assert [(each["source"], each["payable"]["amount"]) for each in member["orders"]["nodes"]] == [
        ("MINI_PROGRAM", 81900),
        ("STORE", 35900),
        ("STORE", 114900),
    ]
    assert [each["ad"]["name"] for each in member["adTouchpoints"]["nodes"]] == ["双11 朋友圈 山岚轻羽绒"]
    assert [each["key"] for each in member["files"]["nodes"]] == ["outfits/autumn.jpg", "invoices/2026-09.pdf"]
    assert [(each["collected"], each["total"]) for each in member["ipParticipations"]["nodes"]] == [(4, 5)]
    [contact] = member["chat"]["contacts"]["nodes"]
    assert (contact["guide"]["name"], contact["guide"]["store"]["name"]) == ("陈雨桐", "上海安福路店")
    assert contact["remark"] == "M码 喜欢雾灰"
    assert [each["name"] for each in member["chat"]["groups"]["nodes"]] == ["安福路店·会员福利群"]
    summaries = [each["summary"] for each in member["timeline"]["nodes"]]
    assert len(summaries) == 20
    for summary in (
        "点击广告",
        "登录小程序",
        "下单 ¥819.00",
        "微信支付 ¥819.00",
        "核销优惠券 ¥80.00",
        "导购收到付款提醒",
    ):
        assert summaries.count(summary) == 1


def test_she_buys_with_the_coupon(told: Mapping[str, Any]) -> None:
    bought = told["checkout"]
    assert bought["order"]["payable"] == {"amount": 81900}
    assert bought["order"]["state"] == "UNPAID"
    assert bought["order"]["fulfilment"]["method"] == "PICKUP"
    assert set(bought["paymentRequest"]) == {"timeStamp", "nonceStr", "package", "signType", "paySign"}
    assert bought["paymentRequest"]["package"].startswith("prepay_id=wx")
    steps = bought["transaction"]["steps"]
    assert bought["transaction"]["state"] == "AWAITING_PAYMENT"
    assert [(each["name"], each["tool"]) for each in steps] == STEPS
    assert [each["state"] for each in steps] == ["DONE"] * 3 + ["PENDING"] * 4


def test_her_payment_completes_everything(told: Mapping[str, Any]) -> None:
    paid = told["paid"]
    assert paid["node"]["id"] == told["checkout"]["order"]["id"]
    assert paid["node"]["state"] == "PAID"
    assert paid["node"]["payable"] == {"amount": 81900}
    assert paid["node"]["items"] == [{"title": "山岚轻羽绒服", "quantity": 1, "paid": {"amount": 81900}}]
    assert paid["node"]["fulfilment"]["state"] == "READY"
    assert paid["node"]["fulfilment"]["pickupCode"] == told["checkout"]["order"]["fulfilment"]["pickupCode"]
    assert paid["transaction"]["state"] == "COMPLETED"
    assert [(each["name"], each["tool"], each["state"]) for each in paid["transaction"]["steps"]] == [
        (name, tool, "DONE") for name, tool in STEPS
    ]


def test_a_running_subscription_told_every_step(told: Mapping[str, Any]) -> None:
    heard = [each["summary"] for each in told["heard"]]
    assert [each for each in heard if each.startswith("交易")] == [
        "交易 RUNNING", "交易 AWAITING_PAYMENT", "交易 COMPLETING", "交易 COMPLETED"
    ]  # fmt: skip
    assert sorted(each for each in heard if each.endswith(" DONE")) == sorted(f"{name} DONE" for name, _ in STEPS)
    in_timeline = [each["summary"] for each in told["member"]["timeline"]["nodes"]]
    for summary in (
        "点击广告",
        "登录小程序",
        "下单 ¥819.00",
        "微信支付 ¥819.00",
        "核销优惠券 ¥80.00",
        "导购收到付款提醒",
    ):
        assert heard.count(summary) == in_timeline.count(summary) == 1
    assert all(each["delayMs"] >= 0 for each in told["heard"])


def test_the_calls_of_each_tool_are_counted(told: Mapping[str, Any]) -> None:
    calls = told["upstreamCalls"]
    assert list(calls) == [spec.name for spec in TOOLS]
    assert all(isinstance(each, int) and each >= 0 for each in calls.values())
    # Followers are read from the projection; the others were asked or told something this evening.
    assert {name for name, number in calls.items() if number == 0} == {"official_account"}


@pytest.mark.long
def test_a_second_run_in_the_same_place_tells_the_same_story(told: Mapping[str, Any], folder: Path) -> None:
    """For people this time: every scene, the timeline in Beijing time, and the table of calls."""
    done = _demo(folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    printed = done.stdout
    for words in ("一笔跨工具交易", "她付款之后", "一个会员，七个工具", "林晓雯 的时间线", "每个工具的调用"):
        assert words in printed
    assert "2026-11-11 20:41 │ social_ads" in printed
    assert told["checkout"]["order"]["id"] not in printed
