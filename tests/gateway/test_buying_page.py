"""The documents of docs/buying.md, played from the basket to the refund against the emulated platforms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from gateway.demo import documents
from gateway.demo.stage import Stage, staged
from tests.conftest import EVENING
from tests.gateway.evening import login

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/buying.md").read_text("utf-8")
FILES = {path.stem: path.read_text("utf-8") for path in (ROOT / "examples/buying").glob("*.graphql")}
COAT = "SL-DOWN-1M"
PRICE = 89900


class Phone:
    """The shopper's mini-program."""

    def __init__(self, stage: Stage, session: str) -> None:
        self.stage = stage
        self.session = session

    async def ask(self, name: str, **variables: Any) -> dict[str, Any]:
        """A document of the page; its only field's answer, or all of them."""
        return await self._data(FILES[name], variables, self.stage.keys.frontend, self.session)

    async def staff(self, name: str, **variables: Any) -> dict[str, Any]:
        """The same, by headquarters."""
        return await self._data(FILES[name], variables, self.stage.keys.hq, None)

    async def _data(self, document: str, variables: dict[str, Any], key: str, session: str | None) -> dict[str, Any]:
        answer = await self.stage.graphql(document, variables, key=key, session=session)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data if len(data) > 1 else next(iter(data.values()))

    async def basket(self, **more: Any) -> dict[str, Any]:
        """A coat, to be picked up."""
        found = await self._data(documents.PLACES, {}, self.stage.keys.frontend, None)
        store = next(each["id"] for each in found["nodes"] if each["outId"] == "SH-AFL")
        return {"lines": [{"sku": COAT, "quantity": 1}], "method": "PICKUP", "store": store} | more

    async def buy(self, key: str, **more: Any) -> dict[str, Any]:
        """The coat without a coupon."""
        return await self.ask("buy", basket=await self.basket(expectedPayable=PRICE, idempotencyKey=key) | more)

    async def state(self, bought: dict[str, Any]) -> tuple[str, str]:
        """Of order and transaction."""
        found = await self.ask("order", order=bought["order"]["id"], transaction=bought["transaction"]["id"])
        return found["node"]["state"], found["transaction"]["state"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Phone]:
    async with staged(now=EVENING, folder=tmp_path_factory.mktemp("buying")) as stage:
        yield Phone(stage, await login(stage, stage.sandbox.world.cast["protagonist"]))


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_page_shows_every_document() -> None:
    assert sorted(FILES) == ["buy", "order", "quote", "refund", "renew", "returned", "screen", "watch"]
    for text in FILES.values():
        assert f"```graphql\n{text}```" in PAGE


async def test_from_the_quote_to_the_refund(phone: Phone) -> None:
    stage = phone.stage
    quote = await phone.ask("quote", basket=await phone.basket())
    coupon = next(each for each in quote["usable"] if each["discount"]["amount"] == 8000)
    priced = await phone.ask("quote", basket=await phone.basket(coupon={"id": coupon["id"]}))
    assert [quote["payable"]["amount"], priced["payable"]["amount"]] == [PRICE, PRICE - 8000]

    asked = {"coupon": {"id": coupon["id"]}, "expectedPayable": PRICE - 8000}
    bought = await phone.buy("press-0001", **asked)
    again = await phone.buy("press-0001", **asked)
    assert bought["order"]["state"] == "UNPAID"
    assert again["order"]["id"] == bought["order"]["id"]
    other = await phone.buy("press-0001")
    assert other["code"] == "IDEMPOTENCY_MISMATCH"

    order = bought["order"]["id"]
    waiting = await phone.ask("returned", order=order)
    assert waiting["state"] == "NOTPAY"
    renewed = await phone.ask("renew", order=order)
    # Its notification is lost: asking is enough.
    await stage.act("payments", "pay", payment_request=renewed["paymentRequest"], quiet=True)
    paid = await phone.ask("returned", order=order)
    assert (paid["state"], paid["order"]["state"], paid["order"]["fulfilment"]["state"]) == ("SUCCESS", "PAID", "READY")
    assert paid["order"]["fulfilment"]["pickupCode"]
    await stage.quiet()
    assert await phone.state(bought) == ("PAID", "COMPLETED")
    assert (await phone.ask("renew", order=order))["code"] == "ORDER_NOT_PAYABLE"

    refund = {"order": order, "amount": 20000, "reason": "尺码不合", "idempotencyKey": "refund-000042"}
    begun = await phone.staff("refund", refund=refund)
    await stage.quiet()
    assert begun["amount"]["amount"] == 20000
    await stage.act("payments", "settle_refund", out_refund_no=begun["number"], status="SUCCESS")
    await stage.quiet()
    seen = await phone.staff("order", order=order, transaction=begun["transaction"]["id"])
    assert (seen["node"]["refunded"]["amount"], seen["transaction"]["state"]) == (20000, "COMPLETED")
    more = await phone.staff("refund", refund=refund | {"amount": PRICE, "idempotencyKey": "refund-000043"})
    assert more["code"] == "REFUND_TOO_MUCH"


async def test_a_code_on_a_screen_is_scanned(phone: Phone) -> None:
    stage = phone.stage
    basket = await phone.basket(expectedPayable=PRICE, idempotencyKey="screen-0001", paymentMethod="NATIVE")
    bought = await phone.ask("screen", basket=basket)
    order = bought["order"]["id"]
    renewed = await phone.ask("renew", order=order)
    assert (renewed["codeUrl"], renewed["paymentRequest"]) == (bought["codeUrl"], None)
    world = stage.sandbox.world
    payer = world.people["xuli"].openids[world.mini_programs[0].appid]
    await stage.act("payments", "pay", code_url=bought["codeUrl"], payer_openid=payer)
    await stage.quiet()
    paid = await phone.ask("returned", order=order)
    assert (paid["state"], paid["order"]["state"]) == ("SUCCESS", "PAID")


async def test_another_price_buys_nothing(phone: Phone) -> None:
    refused = await phone.buy("press-0002", expectedPayable=1)
    assert (refused["code"], refused["payable"]) == ("PRICE_CHANGED", PRICE)


async def test_an_order_that_is_left_closes_by_itself_and_is_watched(phone: Phone) -> None:
    stage = phone.stage
    bought = await phone.buy("press-0003")
    url = stage.url.replace("http://", "ws://") + "/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:

        async def say(**message: Any) -> None:
            await socket.send(orjson.dumps(message).decode())

        known = {"X-API-Key": stage.keys.frontend, "Authorization": f"Bearer {phone.session}"}
        await say(type="connection_init", payload=known)
        await socket.recv()
        variables = {"transaction": bought["transaction"]["id"]}
        await say(id="1", type="subscribe", payload={"query": FILES["watch"], "variables": variables})
        while len(stage.gateway.services.feed) < 1:  # noqa: ASYNC110 — a client cannot be told by an event
            await asyncio.sleep(0.01)
        stage.pass_time(timedelta(minutes=31))
        await stage.quiet()
        states: list[str] = []
        async with asyncio.timeout(20):
            while "COMPENSATED" not in states:
                event = orjson.loads(await socket.recv())["payload"]["data"]["transactionChanged"]
                if event["step"] is None:
                    states.append(event["state"])

    assert states == ["COMPENSATING", "COMPENSATED"]
    assert await phone.state(bought) == ("CLOSED", "COMPENSATED")
    assert (await phone.ask("renew", order=bought["order"]["id"]))["code"] == "ORDER_NOT_PAYABLE"
