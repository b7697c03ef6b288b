"""wechatpayv3 against the sandbox: its blocking and its asynchronous client, with public key and with certificates.

The SDK gives a status and a body's text for every answer, and raises where a good answer is not signed as it should be.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from wechatpayv3 import SignType, WeChatPay, WeChatPayType
from wechatpayv3.async_ import AsyncWeChatPay
from wechatpayv3.async_ import WeChatPayType as AsyncWeChatPayType

from sandbox.server import Sandbox
from tests.adapters.payments.shopping import bill_day, hero_coupon, hero_order
from tests.vendor_sdk.conftest import Call, StartFront

NOTIFY = "https://pay.yujian.example/hooks/payments"
ORDER = {"description": "山岚轻羽绒服 雾灰/M", "amount": {"total": 81900, "currency": "CNY"}}
REPORT = [
    {"info_type": "活动名称", "info_content": "双11大促"},
    {"info_type": "奖励说明", "info_content": "签到红包"},
]


@dataclass(frozen=True)
class Merchant:
    """The brand's mchid behind the front."""

    sandbox: Sandbox
    account: Mapping[str, Any]
    call: Call

    @property
    def appid(self) -> str:
        return str(hero_order(self.sandbox).appid)

    @property
    def openid(self) -> str:
        return hero_order(self.sandbox).payer_openid

    def settings(self, **changed: Any) -> dict[str, Any]:
        """What the SDK's documentation asks for."""
        account = self.account
        given = {
            "wechatpay_type": WeChatPayType.MINIPROG,
            "mchid": account["mchid"],
            "private_key": account["merchant_private_key"],
            "cert_serial_no": account["merchant_serial"],
            "appid": self.appid,
            "apiv3_key": account["apiv3_key"],
            "notify_url": NOTIFY,
            "public_key": account["platform_public_key"],
            "public_key_id": account["platform_key_id"],
        }
        return {**given, **changed}

    async def sdk(self, **changed: Any) -> WeChatPay:
        """The blocking client; without a public key it fetches the certificates while it is made."""
        return await self.call(WeChatPay, **self.settings(**changed))

    async def says(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """The document of a call that went well."""
        status, text = await self.call(function, *args, **kwargs)
        assert status == 200, text
        return json.loads(text)

    async def refuses(self, function: Any, *args: Any, **kwargs: Any) -> tuple[int, str]:
        """Status and code of a call that did not."""
        status, text = await self.call(function, *args, **kwargs)
        return status, json.loads(text)["code"]

    async def act(self, name: str, **asked: Any) -> Mapping[str, Any]:
        """What somebody does at the platform."""
        return await self.sandbox.platforms["payments"].actions()[name](asked)

    def pushed(self) -> tuple[dict[str, str], bytes]:
        """Headers and body of the last notification."""
        push = self.sandbox.kit.pusher.deliveries[-1].build()
        return dict(push.headers), push.body


WITHOUT_PUBLIC_KEY: dict[str, Any] = {"public_key": None, "public_key_id": None}


@pytest.fixture
async def merchant(start_front: StartFront, call: Call) -> Merchant:
    sandbox, _ = await start_front("payments")
    account = sandbox.describe()["platforms"]["payments"]["accounts"]["main"]
    # Notifications are looked at here and go nowhere.
    sandbox.kit.pusher.modes["payments"] = "hold"
    for each in sandbox.world.merchants:
        sandbox.kit.pusher.targets["payments", each.mchid] = "http://127.0.0.1:9/"
    return Merchant(sandbox, account, call)


async def test_an_order_is_prepaid_paid_and_told(merchant: Merchant) -> None:
    sdk = await merchant.sdk()
    asked = {"out_trade_no": "SDK0000001", "payer": {"openid": merchant.openid}, **ORDER}
    prepaid = await merchant.says(sdk.pay, **asked)
    again = await merchant.says(sdk.pay, **asked)
    assert prepaid["prepay_id"] != again["prepay_id"]

    package, stamp = f"prepay_id={again['prepay_id']}", str(int(datetime.now(UTC).timestamp()))
    request = {"timeStamp": stamp, "nonceStr": "n", "package": package, "signType": "RSA"}
    request["paySign"] = sdk.sign([merchant.appid, stamp, "n", package], SignType.RSA_SHA256)
    paid = await merchant.act("pay", out_trade_no="SDK0000001", payment_request=request)

    found = await merchant.says(sdk.query, out_trade_no="SDK0000001")
    by_id = await merchant.says(sdk.query, transaction_id=paid["transaction_id"])
    assert (found["trade_state"], found["transaction_id"]) == ("SUCCESS", paid["transaction_id"])
    assert by_id == found
    notice = sdk.callback(*merchant.pushed())
    assert (notice["event_type"], notice["resource"]) == ("TRANSACTION.SUCCESS", found)
    assert await merchant.refuses(sdk.close, "SDK0000001") == (400, "ORDER_PAID")


async def test_orders_that_are_refused_and_closed(merchant: Merchant) -> None:
    sdk = await merchant.sdk()
    asked = {"out_trade_no": "SDK0000002", "payer": {"openid": merchant.openid}, **ORDER}
    await merchant.says(sdk.pay, **asked)
    assert await merchant.refuses(sdk.pay, **{**asked, "attach": "x"}) == (403, "OUT_TRADE_NO_USED")
    assert await merchant.refuses(sdk.pay, **{**asked, "appid": "wx0"}) == (400, "APPID_MCHID_NOT_MATCH")
    assert await merchant.call(sdk.close, "SDK0000002") == (204, b"")
    assert await merchant.refuses(sdk.query, out_trade_no="SDK0000009") == (404, "ORDER_NOT_EXIST")
    code = await merchant.says(sdk.pay, out_trade_no="SDK0000003", pay_type=WeChatPayType.NATIVE, **ORDER)
    assert code["code_url"].startswith("weixin://wxpay/bizpayurl?pr=")
    other = merchant.sandbox.kit.keys.private_pem("payments/somebody/else")
    forger = await merchant.sdk(private_key=other)
    assert await merchant.refuses(forger.query, out_trade_no="SDK0000003") == (401, "SIGN_ERROR")


async def test_refunds(merchant: Merchant) -> None:
    sdk, paid = await merchant.sdk(), hero_order(merchant.sandbox)
    amount = {"refund": 5900, "total": paid.total, "currency": "CNY"}
    asked = {"out_refund_no": "SDKRF1", "transaction_id": paid.transaction_id, "amount": amount, "reason": "七天无理由"}
    made = await merchant.says(sdk.refund, **asked)
    assert (made["status"], made["out_trade_no"]) == ("PROCESSING", paid.out_trade_no)
    assert await merchant.says(sdk.refund, **asked) == made
    assert await merchant.refuses(sdk.refund, **{**asked, "out_refund_no": "SDKRF2"}) == (429, "FREQUENCY_LIMITED")
    await merchant.act("settle_refund", out_refund_no="SDKRF1", status="ABNORMAL")
    notice = sdk.callback(*merchant.pushed())
    assert (notice["event_type"], notice["resource"]["refund_status"]) == ("REFUND.ABNORMAL", "ABNORMAL")
    card = {"bank_type": "ICBC_DEBIT", "bank_account": "6222020200000000000", "real_name": "林晓雯"}
    sent = await merchant.says(sdk.abnormal_refund, made["refund_id"], "SDKRF1", "USER_BANK_CARD", **card)
    assert sent["status"] == "PROCESSING"
    assert await merchant.says(sdk.query_refund, "SDKRF1") == sent
    assert await merchant.refuses(sdk.query_refund, "SDKRF9") == (404, "RESOURCE_NOT_EXISTS")


async def test_bills_and_their_hash(merchant: Merchant) -> None:
    sdk, day = await merchant.sdk(), bill_day(merchant.sandbox).isoformat()
    for ask in (sdk.trade_bill, sdk.fundflow_bill):
        link = await merchant.says(ask, day)
        status, packed = await merchant.call(sdk.download_bill, link["download_url"])
        plain = gzip.decompress(packed)
        assert (status, hashlib.sha1(plain, usedforsecurity=False).hexdigest()) == (200, link["hash_value"])
        assert hero_order(merchant.sandbox).transaction_id in plain.decode("utf-8-sig")
    today = (datetime.now(UTC) + timedelta(hours=8)).date().isoformat()
    assert await merchant.refuses(sdk.trade_bill, today) == (400, "INVALID_REQUEST")


async def test_merchant_coupons(merchant: Merchant) -> None:
    sdk, held = await merchant.sdk(), hero_coupon(merchant.sandbox)
    listed = await merchant.says(sdk.marketing_busifavor_user_coupon, merchant.openid)
    assert held.code in {each["coupon_code"] for each in listed["data"]}
    linked = (held.stock_id, held.code, "SDK0000004")
    await merchant.says(sdk.marketing_busifavor_coupon_associate, *linked, "ASC1")
    one = await merchant.says(sdk.marketing_busifavor_coupon_detail, held.code, merchant.openid)
    assert one["associate_out_trade_no"] == "SDK0000004"
    elsewhere = (held.stock_id, held.code, "SDK0000005")
    refused = await merchant.refuses(sdk.marketing_busifavor_coupon_disassociate, *elsewhere, "DIS0")
    assert refused == (400, "INVALID_REQUEST")
    await merchant.says(sdk.marketing_busifavor_coupon_disassociate, *linked, "DIS1")
    at = datetime.now(UTC).replace(microsecond=0).isoformat()
    used = {"coupon_code": held.code, "stock_id": held.stock_id, "use_time": at, "openid": merchant.openid}
    answer = await merchant.says(sdk.marketing_busifavor_coupon_use, use_request_no="USE1", **used)
    assert answer["openid"] == merchant.openid
    again = await merchant.refuses(sdk.marketing_busifavor_coupon_use, use_request_no="USE2", **used)
    assert again == (400, "RESOURCE_ALREADY_EXISTS")
    await merchant.says(sdk.marketing_busifavor_coupon_return, held.code, held.stock_id, "RET1")
    await merchant.says(sdk.marketing_busifavor_coupon_deactivate, held.code, held.stock_id, "DEA1", "发错")


async def test_cash_coupons(merchant: Merchant) -> None:
    sdk, mchid = await merchant.sdk(), merchant.account["mchid"]

    def sent(number: str, stock_id: str) -> tuple[Any, dict[str, str]]:
        asked = {"stock_id": stock_id, "openid": merchant.openid, "out_request_no": number}
        return sdk.marketing_favor_stock_send, {**asked, "stock_creator_mchid": mchid}

    send, early = sent("CASH1", "9856001")
    assert await merchant.refuses(send, **early) == (400, "INVALID_REQUEST")
    await merchant.says(sdk.marketing_favor_stock_start, mchid, "9856001")
    coupon_id = (await merchant.says(send, **early))["coupon_id"]
    assert await merchant.refuses(send, **sent("CASH2", "9856001")[1]) == (403, "REQUEST_BLOCKED")
    listed = await merchant.says(sdk.marketing_favor_user_coupon, merchant.openid, creator_mchid=mchid)
    assert [each["coupon_id"] for each in listed["data"]] == [coupon_id]
    one = await merchant.says(sdk.marketing_favor_coupon_detail, coupon_id, merchant.openid)
    assert one == listed["data"][0]
    stocks = await merchant.says(sdk.marketing_favor_stock_list, mchid, limit=10)
    assert [each["status"] for each in stocks["data"]] == ["running", "running"]


async def test_a_transfer_with_a_sealed_name(merchant: Merchant) -> None:
    sdk = await merchant.sdk()
    asked = {
        "out_bill_no": "SDKTB1",
        "transfer_scene_id": "1000",
        "openid": merchant.openid,
        "transfer_amount": 188,
        "transfer_remark": "双11红包",
        "user_name": "林晓雯",
        "transfer_scene_report_infos": REPORT,
    }
    made = await merchant.says(sdk.mch_transfer_bills, **asked)
    assert made["state"] == "WAIT_USER_CONFIRM"
    again = await merchant.says(sdk.mch_transfer_bills, **asked)
    assert again == made
    assert await merchant.refuses(sdk.mch_transfer_bills, **{**asked, "transfer_amount": 189}) == (
        400,
        "INVALID_REQUEST",
    )
    await merchant.act("confirm_transfer", package=made["package_info"])
    assert (await merchant.says(sdk.mch_transfer_bills_query, out_bill_no="SDKTB1"))["state"] == "TRANSFERING"
    assert await merchant.refuses(sdk.mch_transfer_bills_cancel, "SDKTB1") == (400, "INVALID_REQUEST")
    await merchant.act("settle_transfer", out_bill_no="SDKTB1")
    notice = sdk.callback(*merchant.pushed())
    assert (notice["event_type"], notice["resource"]["state"]) == ("MCHTRANSFER.BILL.FINISHED", "SUCCESS")
    by_id = await merchant.says(sdk.mch_transfer_bills_query, transfer_bill_no=made["transfer_bill_no"])
    assert by_id["state"] == "SUCCESS"
    await merchant.says(sdk.mch_transfer_bills, **{**asked, "out_bill_no": "SDKTB2"})
    assert (await merchant.says(sdk.mch_transfer_bills_cancel, "SDKTB2"))["state"] == "CANCELING"


async def test_a_payment_is_shared(merchant: Merchant) -> None:
    sdk = await merchant.sdk()
    shared = {"out_trade_no": "SDK0000006", "payer": {"openid": merchant.openid}, **ORDER}
    await merchant.says(sdk.pay, settle_info={"profit_sharing": True}, **shared)
    paid = await merchant.act("pay", out_trade_no="SDK0000006")
    transaction_id = paid["transaction_id"]
    franchise = merchant.sandbox.world.merchants[1]
    await merchant.says(
        sdk.profitsharing_add_receiver, "MERCHANT_ID", franchise.mchid, "STORE", name=franchise.legal_entity
    )
    part = {"type": "MERCHANT_ID", "account": franchise.mchid, "amount": 500, "description": "门店佣金"}
    early = await merchant.refuses(sdk.profitsharing_order, transaction_id, "SDKPS1", [dict(part)], False)
    assert early == (400, "INVALID_REQUEST")
    # The minute that must pass, without moving the clock away from the SDK's own.
    book = merchant.sandbox.platforms["payments"].books[merchant.account["mchid"]]  # type: ignore[attr-defined]
    book.orders["SDK0000006"].paid_at -= timedelta(minutes=1)
    made = await merchant.says(sdk.profitsharing_order, transaction_id, "SDKPS1", [dict(part)], False)
    assert (made["state"], made["receivers"][0]["result"]) == ("PROCESSING", "PENDING")
    await merchant.act("settle_sharing", out_order_no="SDKPS1")
    theirs = await merchant.sdk(
        mchid=franchise.mchid,
        apiv3_key=franchise.apiv3_key,
        cert_serial_no=franchise.merchant_serial,
        private_key=merchant.sandbox.kit.keys.private_pem(f"payments/{franchise.mchid}/merchant"),
        public_key=merchant.sandbox.kit.keys.public_pem(f"payments/{franchise.mchid}/platform"),
        public_key_id=franchise.platform_key_id,
    )
    notice = theirs.callback(*merchant.pushed())
    assert (notice["event_type"], notice["resource"]["receiver"]) == ("PROFITSHARING.SUCCESS", part)
    done = await merchant.says(sdk.profitsharing_order_query, transaction_id, "SDKPS1")
    assert (done["state"], done["receivers"][0]["result"]) == ("FINISHED", "SUCCESS")
    back = await merchant.says(sdk.profitsharing_return, "SDKRT1", franchise.mchid, 200, "退款", out_order_no="SDKPS1")
    assert back["result"] == "PROCESSING"
    # The query string that it makes begins with `?&`: signed as sent, so the platform takes it.
    assert (await merchant.says(sdk.profitsharing_return_query, "SDKPS1", "SDKRT1")) == back
    left = await merchant.says(sdk.profitsharing_amount_query, transaction_id)
    assert left["unsplit_amount"] == 81400
    await merchant.says(sdk.profitsharing_unfreeze, transaction_id, "SDKUF1", "解冻")
    assert (await merchant.says(sdk.profitsharing_amount_query, transaction_id))["unsplit_amount"] == 0
    await merchant.says(sdk.profitsharing_delete_receiver, "MERCHANT_ID", franchise.mchid)


async def test_certificates_and_their_rotation(merchant: Merchant) -> None:
    sdk = await merchant.sdk(**WITHOUT_PUBLIC_KEY)
    paid, mchid = hero_order(merchant.sandbox), merchant.account["mchid"]
    found = await merchant.says(sdk.query, out_trade_no=paid.out_trade_no)
    assert found["transaction_id"] == paid.transaction_id
    await merchant.act("rotate_certificate", mchid=mchid)
    # It fetches the new certificate when it meets the unknown serial.
    assert await merchant.says(sdk.query, out_trade_no=paid.out_trade_no) == found
    franchise = merchant.sandbox.world.merchants[1]
    theirs = {
        "mchid": franchise.mchid,
        "cert_serial_no": franchise.merchant_serial,
        "private_key": merchant.sandbox.kit.keys.private_pem(f"payments/{franchise.mchid}/merchant"),
    }
    with pytest.raises(Exception, match="No wechatpay platform certificate"):
        await merchant.sdk(**theirs, **WITHOUT_PUBLIC_KEY)


async def test_callbacks_signed_either_way(merchant: Merchant) -> None:
    """The same event under the public key and under a certificate, for the SDK with and without each."""
    both = await merchant.sdk()
    old = await merchant.sdk(**WITHOUT_PUBLIC_KEY)
    number, mchid = "SDK0000007", merchant.account["mchid"]
    await merchant.says(both.pay, out_trade_no=number, payer={"openid": merchant.openid}, **ORDER)
    await merchant.act("pay", out_trade_no=number)
    headers, body = merchant.pushed()
    assert headers["Wechatpay-Serial"] == merchant.account["platform_key_id"]
    assert (await merchant.call(both.callback, headers, body))["resource"]["out_trade_no"] == number
    await merchant.act("sign_with", mchid=mchid, kind="certificate")
    await merchant.act("probe", out_trade_no=number)
    # Test traffic: the SDK finds the signature wrong and answers None.
    assert await merchant.call(old.callback, *merchant.pushed()) is None
    await merchant.says(both.pay, out_trade_no="SDK0000008", payer={"openid": merchant.openid}, **ORDER)
    await merchant.act("pay", out_trade_no="SDK0000008")
    headers, body = merchant.pushed()
    assert headers["Wechatpay-Serial"] == "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
    told = [await merchant.call(sdk.callback, headers, body) for sdk in (old, both)]
    assert [each["resource"]["out_trade_no"] for each in told] == ["SDK0000008"] * 2
    assert await merchant.call(both.callback, headers, body.replace(b"TRANSACTION", b"TRANSACTIOM")) is None


async def test_the_asynchronous_client(merchant: Merchant) -> None:
    """Its kinds of payment are an enumeration of its own: it does not know the blocking client's members."""
    paid, kind = hero_order(merchant.sandbox), {"wechatpay_type": AsyncWeChatPayType.MINIPROG}
    async with AsyncWeChatPay(**merchant.settings(**kind)) as sdk:
        status, text = await sdk.pay(out_trade_no="SDK0000010", payer={"openid": merchant.openid}, **ORDER)
        assert (status, list(json.loads(text))) == (200, ["prepay_id"])
        status, text = await sdk.query(out_trade_no=paid.out_trade_no)
        assert (status, json.loads(text)["transaction_id"]) == (200, paid.transaction_id)
        assert await sdk.close("SDK0000010") == (204, b"")
        status, text = await sdk.query(transaction_id="4200000000000000000000000000")
        assert (status, json.loads(text)["code"]) == (404, "ORDER_NOT_EXIST")
        asked = {"out_bill_no": "SDKTB3", "transfer_scene_id": "1000", "openid": merchant.openid}
        money = {"transfer_amount": 188, "transfer_remark": "红包", "transfer_scene_report_infos": REPORT}
        status, text = await sdk.mch_transfer_bills(**asked, **money)
        assert (status, json.loads(text)["state"]) == (200, "WAIT_USER_CONFIRM")
        # For a POST without a body it signs the empty body and sends `null`, which is another: its own fault.
        status, text = await sdk.mch_transfer_bills_cancel("SDKTB3")
        assert (status, json.loads(text)["code"]) == (401, "SIGN_ERROR")
    async with AsyncWeChatPay(**merchant.settings(**kind, **WITHOUT_PUBLIC_KEY)) as sdk:
        status, text = await sdk.query(out_trade_no=paid.out_trade_no)
        assert (status, json.loads(text)["out_trade_no"]) == (200, paid.out_trade_no)
