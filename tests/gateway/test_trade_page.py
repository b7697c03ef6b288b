"""The documents of docs/trade.md, played against the emulated platforms; and who may play them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.demo.stage import Stage, staged
from gateway.members.consent import Purpose, Said, record
from gateway.resolvers import ids
from tests.conftest import EVENING
from tests.gateway.evening import login
from tests.gateway.test_buying_page import COAT, PRICE, Phone

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/trade.md").read_text("utf-8")
FILES = {path.stem: path.read_text("utf-8") for path in (ROOT / "examples/trade").glob("*.graphql")}
TOOL = "mini_program_store"
pytestmark = pytest.mark.asyncio(loop_scope="module")


class Desk:
    """Headquarters, and a shopper beside it."""

    def __init__(self, stage: Stage, phone: Phone) -> None:
        self.stage = stage
        self.phone = phone

    async def ask(self, name: str, *, key: str | None = None, session: str | None = None, **variables: Any) -> Any:
        """A document of the page; its only field's answer."""
        answer = await self.stage.graphql(FILES[name], variables, key=key or self.stage.keys.hq, session=session)
        assert "errors" not in answer, answer["errors"]
        return next(iter(answer["data"].values()))

    async def bought(self, key: str, **more: Any) -> str:
        """A paid order of the shopper's, two minutes old."""
        bought = await self.phone.buy(key, **more)
        await self.stage.act("payments", "pay", payment_request=bought["paymentRequest"])
        await self.stage.quiet()
        self.stage.pass_time(timedelta(minutes=2))
        order: str = bought["order"]["id"]
        return order

    async def sold(self) -> str:
        """A paid order of the store's; the platform's number."""
        person = self.stage.sandbox.world.cast["protagonist"]
        made = await self.stage.act(TOOL, "order_new", person=person, sku=COAT, quantity=1)
        await self.stage.act(TOOL, "order_paid", order_id=made["order_id"])
        await self.stage.quiet()
        number: str = made["order_id"]
        return number

    async def member(self) -> str:
        """The shopper's id; they allow marketing."""
        world = self.stage.sandbox.world
        asked = "query ($u: String!) { member(by: {unionid: $u}) { id } }"
        unionid = world.people[world.cast["protagonist"]].unionid
        found = await self.stage.graphql(asked, {"u": unionid}, key=self.stage.keys.hq)
        member: str = found["data"]["member"]["id"]
        said = Said(
            member=ids.decode(member)[2], purpose=Purpose.MARKETING, given=True, policy_version="1", channel="STORE",
            recorded_by="test",
        )  # fmt: skip
        await record(self.stage.gateway.services.projector, said)
        return member

    def ref(self, number: str) -> str:
        """Its id."""
        appid = self.stage.sandbox.describe()["platforms"][TOOL]["accounts"]["store"]["appid"]
        return ids.encode("or", f"STORE:{appid}:{number}")

    async def complaint(self, number: str, kind: str) -> dict[str, Any]:
        """The shopper asks for an after-sale."""
        await self.stage.act(TOOL, "after_sale_new", order_id=number, type=kind)
        await self.stage.quiet()
        found: dict[str, Any] = (await self.ask("aftersales", order=self.ref(number)))["afterSales"][0]
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with staged(now=EVENING, folder=tmp_path_factory.mktemp("trade")) as stage:
        yield Desk(stage, Phone(stage, await login(stage, stage.sandbox.world.cast["protagonist"])))


async def test_the_page_shows_every_document() -> None:
    assert sorted(FILES) == [
        "accept",
        "aftersales",
        "cancel",
        "cashcoupon",
        "exchange",
        "giveback",
        "handout",
        "issue",
        "mycashcoupons",
        "mypackets",
        "noexchange",
        "open",
        "propose",
        "prove",
        "redeem",
        "redpacket",
        "redpackets",
        "reject",
        "reprice",
        "reship",
        "ship",
        "takeback",
    ]
    for text in FILES.values():
        assert f"```graphql\n{text}```" in PAGE


async def test_an_order_of_the_store_is_shipped(desk: Desk) -> None:
    number = await desk.sold()
    parcel = {"carrier": "YTO", "tracking": "YT0000000001"}
    shipment = {"order": desk.ref(number), "parcels": [parcel], "idempotencyKey": "ship-000042"}
    shipped = await desk.ask("ship", shipment=shipment)
    assert (shipped["complete"], shipped["transaction"]["state"]) == (True, "COMPLETED")
    assert shipped["order"]["state"] == "SHIPPED"
    assert shipped["order"]["fulfilment"]["tracking"] == "YT0000000001"
    other = shipment | {"parcels": [{"carrier": "ZTO", "tracking": "ZT0000000001"}], "idempotencyKey": "reship-000042"}
    reshipped = await desk.ask("reship", shipment=other)
    assert reshipped["order"]["fulfilment"] == {
        "state": "SHIPPED", "carrier": "中通快递", "tracking": "ZT0000000001",
    }  # fmt: skip
    clear = shipment | {"parcels": [parcel | {"senderPhone": "13800000001"}], "idempotencyKey": "ship-000043"}
    assert (await desk.ask("ship", shipment=clear))["code"] == "BAD_USER_INPUT"


async def test_an_order_of_the_store_gets_another_price(desk: Desk) -> None:
    person = desk.stage.sandbox.world.cast["protagonist"]
    made = await desk.stage.act(TOOL, "order_new", person=person, sku=COAT, quantity=1)
    await desk.stage.quiet()
    order = desk.ref(made["order_id"])
    price = {"order": order, "lines": [{"sku": COAT, "amount": 80000}], "freight": 0}
    changed = await desk.ask("reprice", price=price | {"idempotencyKey": "price-000042"})
    assert (changed["payable"], changed["order"]) == ({"amount": 80000}, {"id": order, "payable": {"amount": 80000}})
    assert changed["transaction"]["state"] == "COMPLETED"
    nothing = await desk.ask("reprice", price={"order": order, "idempotencyKey": "price-000043"})
    assert nothing["code"] == "BAD_USER_INPUT"


async def test_an_order_is_laid_ready_and_handed_out(desk: Desk) -> None:
    order = await desk.bought("press-0011")
    ready = await desk.ask("ship", shipment={"order": order, "idempotencyKey": "ready-000042"})
    assert ready["order"]["fulfilment"]["state"] == "READY"
    asked = "query ($o: ID!) { node(id: $o) { ... on Order { fulfilment { pickupCode } } } }"
    seen = await desk.stage.graphql(asked, {"o": order}, key=desk.stage.keys.frontend, session=desk.phone.session)
    code = seen["data"]["node"]["fulfilment"]["pickupCode"]
    wrong = {"order": order, "code": "x" + code, "idempotencyKey": "pickup-000041"}
    assert (await desk.ask("handout", pickup=wrong))["code"] == "PICKUP_CODE_WRONG"
    handed = await desk.ask("handout", pickup={"order": order, "code": code, "idempotencyKey": "pickup-000042"})
    assert handed["order"]["fulfilment"]["state"] == "RECEIVED"


async def test_a_shopper_cancels(desk: Desk) -> None:
    bought = await desk.phone.buy("press-0012")
    shopper = {"key": desk.stage.keys.frontend, "session": desk.phone.session}
    cancelled = await desk.ask("cancel", order=bought["order"]["id"], **shopper)
    assert (cancelled["order"]["state"], cancelled["transaction"]["state"]) == ("CLOSED", "COMPENSATED")
    assert (await desk.phone.ask("renew", order=bought["order"]["id"]))["code"] == "ORDER_NOT_PAYABLE"
    paid = await desk.bought("press-0013")
    assert (await desk.ask("cancel", order=paid, **shopper))["code"] == "ORDER_PAID"
    assert (await desk.ask("cancel", order=desk.ref(await desk.sold())))["code"] == "ORDER_NOT_CANCELLABLE"
    assert PRICE == 89900


async def test_after_sales_are_decided(desk: Desk) -> None:
    number = await desk.sold()
    await desk.stage.act(TOOL, "order_ship", order_id=number)
    case = await desk.complaint(number, "RETURN")
    assert case["rejectReasons"]
    given = {"afterSale": case["id"], "decision": "RETURN_GOODS", "returnAddress": "1001"}
    first = await desk.ask("accept", accepted=given | {"idempotencyKey": "accept-000042"})
    assert first["afterSale"] == {"id": case["id"], "state": "AWAITING_BUYER"}
    other = await desk.complaint(await desk.sold(), "REFUND")
    reason = other["rejectReasons"][0]["number"]
    refused = {"afterSale": other["id"], "reason": reason, "text": "已超过七天", "idempotencyKey": "reject-000042"}
    assert (await desk.ask("reject", rejected=refused))["afterSale"]["state"] == "REJECTED"
    again = await desk.ask("reject", rejected=refused | {"idempotencyKey": "reject-000043"})
    assert again["code"] == "AFTER_SALE_STATE"
    shown = "query ($i: ID!) { node(id: $i) { __typename id ... on AfterSale { state } } }"
    seen = await desk.stage.graphql(shown, {"i": other["id"]}, key=desk.stage.keys.hq)
    assert seen["data"]["node"] == {"__typename": "AfterSale", "id": other["id"], "state": "REJECTED"}


async def shipped(desk: Desk) -> str:
    """An order of the store on its way."""
    number = await desk.sold()
    await desk.stage.act(TOOL, "order_ship", order_id=number)
    return number


async def test_an_after_sale_is_opened_for_a_buyer_and_proposed_otherwise(desk: Desk) -> None:
    wanted = {"order": desk.ref(await shipped(desk)), "sku": COAT, "kind": "RETURN", "amount": 100, "reason": "1"}
    wanted |= {"text": "尺码不合适", "returnAddress": "1001", "idempotencyKey": "open-000042"}
    made = await desk.ask("open", opened=wanted)
    case = made["afterSale"]
    assert (case["kind"], case["state"], made["transaction"]["state"]) == ("RETURN", "AWAITING_MERCHANT", "COMPLETED")
    assert (await desk.ask("open", opened=wanted))["afterSale"] == case
    desk.stage.pass_time(timedelta(seconds=5))
    other = {"afterSale": case["id"], "kind": "REFUND", "amount": 50, "proposalType": 1, "reasonType": 1}
    asked = await desk.ask("propose", proposed=other | {"text": "部分退款", "idempotencyKey": "propose-000042"})
    assert asked["afterSale"]["state"] == "AWAITING_BUYER"


async def test_exchanges_are_sent_or_refused_and_refunds_proved(desk: Desk) -> None:
    back, failed = "MERCHANT_WAIT_RECEIPT", "PLATFORM_REFUND_FAIL"
    cases = []
    for kind, status in (("EXCHANGE", back), ("EXCHANGE", back), ("REFUND", failed)):
        cases.append(await desk.complaint(await shipped(desk), kind))
        number = ids.decode_as("as", cases[-1]["id"])[1]
        await desk.stage.act(TOOL, "after_sale_update", after_sale_id=number, status=status)
    sent, refused, stuck = cases
    desk.stage.pass_time(timedelta(seconds=5))
    parcel = {"afterSale": sent["id"], "carrier": "SF", "tracking": "SF9", "idempotencyKey": "exchange-000042"}
    assert (await desk.ask("exchange", exchanged=parcel))["afterSale"]["state"] == "SUCCEEDED"
    [reason] = [each["number"] for each in refused["rejectReasons"] if each["scene"] == 6]
    no = {"afterSale": refused["id"], "reason": reason, "text": "缺货", "idempotencyKey": "noexchange-000042"}
    assert (await desk.ask("noexchange", refused=no))["afterSale"]["state"] == "REJECTED"
    proof = {"afterSale": stuck["id"], "pictures": ["media"], "text": "已线下退款", "idempotencyKey": "prove-000042"}
    assert (await desk.ask("prove", proof=proof))["afterSale"]["state"] == "AWAITING_BUYER"
    none = await desk.ask("prove", proof=proof | {"afterSale": "x", "idempotencyKey": "prove-000043"})
    assert none["code"] == "ID_INVALID"


async def test_a_coupon_is_given_used_and_given_back(desk: Desk) -> None:
    world, member = desk.stage.sandbox.world, await desk.member()
    gift = {"member": member, "stockId": world.coupon_stocks[0].stock_id, "idempotencyKey": "gift-000042"}
    gift["mchid"] = world.coupon_stocks[0].mchid
    issued = await desk.ask("issue", gift=gift)
    assert (issued["coupon"]["state"], issued["transaction"]["state"]) == ("USABLE", "COMPLETED")
    till = {"coupon": issued["coupon"]["id"]}
    used = await desk.ask("redeem", till=till | {"idempotencyKey": "till-000042"})
    assert used["coupon"]["state"] == "USED"
    back = await desk.ask("giveback", till=till | {"idempotencyKey": "till-000043"})
    assert back["coupon"]["state"] == "USABLE"
    gone = {"coupon": ids.encode("cp", "1:2", "3"), "idempotencyKey": "till-000044"}
    assert (await desk.ask("redeem", till=gone))["code"] == "COUPON_UNKNOWN"


async def test_a_cash_coupon_is_taken_by_the_payment(desk: Desk) -> None:
    gift = {"member": await desk.member(), "stockId": "9856000", "idempotencyKey": "cash-000042"}
    sent = await desk.ask("cashcoupon", gift=gift)
    coupon = sent["cashCoupon"]
    assert (coupon["state"], coupon["discount"], coupon["minimum"]) == ("USABLE", {"amount": 1000}, {"amount": 10000})
    assert sent["transaction"]["state"] == "COMPLETED"
    bought = await desk.phone.buy("press-0014")
    asked = {"payment_request": bought["paymentRequest"], "cash_coupon_id": coupon["couponId"]}
    await desk.stage.act("payments", "pay", **asked)
    await desk.stage.quiet()
    shopper = {"key": desk.stage.keys.frontend, "session": desk.phone.session}
    [mine] = (await desk.ask("mycashcoupons", **shopper))["cashCoupons"]["nodes"]
    assert (mine["couponId"], mine["state"], mine["usedAt"] is None) == (coupon["couponId"], "USED", False)
    unknown = await desk.ask("cashcoupon", gift=gift | {"member": "x", "idempotencyKey": "cash-000043"})
    assert unknown["code"] == "ID_INVALID"


async def test_a_red_packet_is_the_shoppers_once_they_confirmed(desk: Desk) -> None:
    report = [{"kind": "活动名称", "content": "618大促"}, {"kind": "奖励说明", "content": "签到红包"}]
    gift = {"member": await desk.member(), "amount": 188, "remark": "618红包", "report": report}
    packets = [await desk.ask("redpacket", gift=gift | {"idempotencyKey": f"packet-00004{n}"}) for n in range(2)]
    assert [each["redPacket"]["state"] for each in packets] == ["WAIT_USER_CONFIRM"] * 2
    assert packets[0]["transaction"]["state"] == "COMPLETED"
    shopper = {"key": desk.stage.keys.frontend, "session": desk.phone.session}
    # The newest first; another test's may follow.
    mine = (await desk.ask("mypackets", **shopper))["redPackets"]["nodes"][:2]
    assert [each["id"] for each in mine] == [each["redPacket"]["id"] for each in reversed(packets)]
    assert mine[0]["package"] == packets[1]["redPacket"]["package"]
    taken = {"redPacket": mine[0]["id"], "idempotencyKey": "takeback-000042"}
    assert (await desk.ask("takeback", taken=taken))["redPacket"]["state"] == "CANCELLING"
    await desk.stage.act("payments", "confirm_transfer", package=mine[1]["package"])
    for each in (mine[0], mine[1]):
        await desk.stage.act("payments", "settle_transfer", out_bill_no=ids.decode(each["id"])[2])
    # 微信支付 tells of both.
    await desk.stage.quiet()
    found = (await desk.ask("redpackets"))["nodes"][:2]
    assert [(each["state"], each["memberId"]) for each in found] == [
        ("CANCELLED", gift["member"]), ("SUCCESS", gift["member"]),
    ]  # fmt: skip
    after = (await desk.ask("mypackets", **shopper))["redPackets"]["nodes"][:2]
    assert [each["package"] for each in after] == [None, None]
    asked = "query ($i: ID!) { node(id: $i) { __typename id ... on RedPacket { state } } }"
    node = (await desk.stage.graphql(asked, {"i": mine[1]["id"]}, key=desk.stage.keys.hq))["data"]["node"]
    assert node == {"__typename": "RedPacket", "id": mine[1]["id"], "state": "SUCCESS"}


@pytest.mark.parametrize(
    ("name", "variables", "scope"),
    [
        ("ship", {"shipment": {"order": "x"}}, "orders:write"),
        ("reship", {"shipment": {"order": "x"}}, "orders:write"),
        ("reprice", {"price": {"order": "x"}}, "orders:write"),
        ("handout", {"pickup": {"order": "x", "code": "1"}}, "orders:pickup"),
        ("accept", {"accepted": {"afterSale": "x", "decision": "REFUND"}}, "orders:write"),
        ("open", {"opened": {"order": "x", "sku": "x", "kind": "REFUND", "reason": "1"}}, "orders:write"),
        (
            "propose",
            {"proposed": {"afterSale": "x", "kind": "REFUND", "proposalType": 1, "reasonType": 1, "text": "x"}},
            "orders:write",
        ),
        ("exchange", {"exchanged": {"afterSale": "x", "carrier": "SF", "tracking": "1"}}, "orders:write"),
        ("noexchange", {"refused": {"afterSale": "x", "reason": 1}}, "orders:write"),
        ("prove", {"proof": {"afterSale": "x", "pictures": ["x"], "text": "x"}}, "orders:write"),
        ("issue", {"gift": {"member": "x", "stockId": "1"}}, "coupons:write"),
        ("cashcoupon", {"gift": {"member": "x", "stockId": "1"}}, "coupons:write"),
        ("redpacket", {"gift": {"member": "x", "amount": 10, "remark": "x", "report": []}}, "rewards:write"),
        ("takeback", {"taken": {"redPacket": "x"}}, "rewards:write"),
        ("redpackets", {}, "rewards:write"),
        ("redeem", {"till": {"coupon": "x"}}, "coupons:use"),
        ("giveback", {"till": {"coupon": "x"}}, "coupons:use"),
        ("reject", {"rejected": {"afterSale": "x", "reason": 1}}, "orders:write"),
    ],
)
async def test_a_shopper_has_no_such_scope(desk: Desk, name: str, variables: dict[str, Any], scope: str) -> None:
    answer = await desk.stage.graphql(FILES[name], variables, key=desk.stage.keys.frontend, session=desk.phone.session)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert scope in error["message"]


async def test_under_atomic_shipping_comes_last(desk: Desk) -> None:
    """A correction of the book and a shipment are one: what cannot be told the platform is not corrected."""
    document = """mutation ($order: ID!) @atomic(key: "atomic-ship-1") {
      book: stockAdjust(input: {sku: "SL-DOWN-1M", delta: 1, reason: "found"}) { __typename }
      sent: orderShip(input: {order: $order, parcels: [{carrier: "YTO", tracking: "YT9"}]}) { __typename
        ... on OrderShipped { complete } ... on Problem { code } }
    }"""
    answer = await desk.stage.graphql(document, {"order": desk.ref(await desk.sold())}, key=desk.stage.keys.hq)
    assert answer["data"]["sent"] == {"__typename": "OrderShipped", "complete": True}
    assert answer["data"]["book"] == {"__typename": "StockAdjusted"}


async def test_under_atomic_a_red_packet_is_taken_back_while_it_waits(desk: Desk) -> None:
    """What comes after it fails: nobody can confirm it any more."""
    document = """mutation ($gift: RedPacketSendInput!) @atomic(key: "atomic-packet-1") {
      gift: redPacketSend(input: $gift) { ... on Problem { code } }
      book: stockAdjust(input: {sku: "none", delta: 1, reason: "found"}) { ... on Problem { code } }
    }"""
    report = [{"kind": "活动名称", "content": "618大促"}, {"kind": "奖励说明", "content": "签到红包"}]
    gift = {"member": await desk.member(), "amount": 66, "remark": "618红包", "report": report}
    answer = await desk.stage.graphql(document, {"gift": gift}, key=desk.stage.keys.hq)
    assert answer["data"] == {"gift": {"code": "TRANSACTION_ROLLED_BACK"}, "book": {"code": "TRANSACTION_ROLLED_BACK"}}
    newest = (await desk.ask("redpackets"))["nodes"][0]
    assert (newest["amount"]["amount"], newest["state"]) == (66, "CANCELLING")
