"""林晓雯's evening: an ad, a coat, a coupon, a payment; then who she is, in one query."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from gateway.demo import documents
from gateway.demo.listener import listening
from gateway.demo.stage import DemoError, Stage

#: 20:41 on the evening of 双11: the sandbox's clock starts here.
EVENING = datetime(2026, 11, 11, 20, 41, tzinfo=timezone(timedelta(hours=8)))
COAT = "SL-DOWN-1M"
AD = 13397328752

#: Shows one scene: a title, what was asked (or None), and the answer.
Show = Callable[[str, str | None, Mapping[str, Any]], None]


async def tell_story(stage: Stage, show: Show) -> dict[str, Any]:
    """Play the evening. Returns what ``demo --once --json`` prints. Raises DemoError when an answer is not whole."""
    world = stage.sandbox.world
    who = world.people[world.cast["protagonist"]]
    app = world.mini_programs[0].appid
    meter = stage.gateway.services.meter
    before = dict(meter.calls)

    by = {"app": app, "openid": who.openids[app]}
    known = _whole(await stage.graphql(documents.WHO, by, key=stage.keys.hq))["member"]
    async with listening(stage, known["id"]) as listener:
        click = await stage.act("social_ads", "click", person=who.key, adgroup_id=AD)
        await stage.quiet()
        await listener.until("点击广告")
        stage.pass_time(timedelta(minutes=2))
        session = await _login(stage, app, who.key)
        await listener.until("登录小程序")
        stage.pass_time(timedelta(minutes=15))
        bought = await _buy(stage, session, click["gdt_vid"], show)
        await listener.until("交易 AWAITING_PAYMENT")
        await _pay(stage, bought)
        paid = await _paid(stage, session, bought)
        await listener.until("交易 COMPLETED")
    heard = [
        {"at": each.at, "tool": each.tool, "summary": each.summary, "delayMs": each.delay_ms} for each in listener.heard
    ]
    show("她付款之后 · After she paid", documents.PAID, paid)
    member = _whole(await stage.graphql(documents.WHOLE_MEMBER, by, key=stage.keys.hq))
    show("一个会员，七个工具，一次请求 · One member, seven tools, one request", documents.WHOLE_MEMBER, member)
    calls = {spec: meter.calls[spec] - before.get(spec, 0) for spec in stage.sandbox.platforms}
    return {"member": member["member"], "checkout": bought, "paid": paid, "heard": heard, "upstreamCalls": calls}


async def _login(stage: Stage, app: str, person: str) -> str:
    code = (await stage.act("mini_program_store", "login_code", appid=app, person=person))["code"]
    answer = _whole(
        await stage.graphql(documents.SESSION, {"input": {"app": app, "code": code}}, key=stage.keys.frontend)
    )["sessionCreate"]
    token = str(_expect(answer, "token"))
    for purpose in ("MARKETING", "AD_MATCHING"):
        consent = {"purpose": purpose, "given": True, "policyVersion": "2026-10"}
        _whole(await stage.graphql(documents.CONSENT, {"input": consent}, key=stage.keys.frontend, session=token))
    return token


async def _buy(stage: Stage, session: str, landed: str, show: Show) -> dict[str, Any]:
    places = _whole(await stage.graphql(documents.PLACES, {}, key=stage.keys.frontend))["stores"]["nodes"]
    store = next(each for each in places if each["outId"] == "SH-AFL")
    guide = next(each for each in store["guides"] if each["name"] == "陈雨桐")
    basket: dict[str, Any] = {
        "lines": [{"sku": COAT, "quantity": 1}],
        "method": "PICKUP",
        "store": store["id"],
        "guide": guide["id"],
    }
    key = stage.keys.frontend
    quote = _whole(await stage.graphql(documents.QUOTE, {"input": basket}, key=key, session=session))["checkoutQuote"]
    coupon = next((each for each in _expect(quote, "usable") if each["discount"]["amount"] == 8000), None)
    if coupon is None:
        raise DemoError("the coupon 满600减80 is not usable")
    basket["coupon"] = {"id": coupon["id"]}
    quote = _whole(await stage.graphql(documents.QUOTE, {"input": basket}, key=key, session=session))["checkoutQuote"]
    basket |= {
        "expectedPayable": _expect(quote, "payable")["amount"],
        "idempotencyKey": "demo-" + secrets.token_hex(8),
        "clickId": landed,
    }
    bought = _whole(await stage.graphql(documents.BUY, {"input": basket}, key=key, session=session))["checkout"]
    _expect(bought, "paymentRequest")
    show("一笔跨工具交易，一次请求 · A transaction across tools, one request", documents.BUY, {"checkout": bought})
    return dict(bought)


async def _pay(stage: Stage, bought: Mapping[str, Any]) -> None:
    """The shopper confirms on the phone: the payment platform takes the money and notifies the gateway."""
    stage.pass_time(timedelta(seconds=20))
    await stage.act("payments", "pay", payment_request=bought["paymentRequest"])
    await stage.quiet()


async def _paid(stage: Stage, session: str, bought: Mapping[str, Any]) -> dict[str, Any]:
    variables = {"order": bought["order"]["id"], "transaction": bought["transaction"]["id"]}
    for _ in range(200):
        answer = _whole(await stage.graphql(documents.PAID, variables, key=stage.keys.frontend, session=session))
        if answer["transaction"]["state"] == "COMPLETED":
            return answer
        await asyncio.sleep(0.05)
    raise DemoError(f"the transaction stopped in state {answer['transaction']['state']}: {answer['transaction']}")


def _whole(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The data of an answer without errors."""
    if answer.get("errors") or answer.get("data") is None:
        raise DemoError(f"an answer is not whole: {answer.get('errors')}")
    return dict(answer["data"])


def _expect(result: Mapping[str, Any], field: str) -> Any:
    """A field of a mutation's success; a problem is an error here."""
    if field not in result:
        raise DemoError(f"refused: {result.get('code')}: {result.get('message')}")
    return result[field]
