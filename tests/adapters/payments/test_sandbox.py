"""The checks that the platform makes, in its order, with its codes: plain HTTP, no adapter."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509 import load_pem_x509_certificate

from sandbox.http1 import Answer, request
from sandbox.server import Sandbox
from tests.adapters.payments.conftest import act
from tests.adapters.payments.shopping import hero_coupon, hero_order

MCHID = "1900007291"
JSAPI = "/v3/pay/transactions/jsapi"
QUERY = f"/v3/pay/transactions/out-trade-no/SR20261111000001?mchid={MCHID}"
REFUND = "/v3/refund/domestic/refunds"
COUPONS = "/v3/marketing/busifavor"


def authorization(sandbox: Sandbox, method: str, target: str, body: bytes, **changes: str) -> str:
    """A header written by hand; ``changes`` spoil it."""
    merchant = next(m for m in sandbox.world.merchants if m.mchid == changes.get("key_of", MCHID))
    timestamp = str(int(sandbox.kit.clock.now().timestamp()) + int(changes.get("late", "0")))
    nonce = secrets.token_hex(16)
    text = f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"
    key = sandbox.kit.keys.rsa(f"payments/{merchant.mchid}/merchant")
    signature = base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()
    serial = changes.get("serial", sandbox.world.merchants[0].merchant_serial)
    scheme = changes.get("scheme", "WECHATPAY2-SHA256-RSA2048")
    return (
        f'{scheme} mchid="{changes.get("mchid", MCHID)}",nonce_str="{nonce}",signature="{signature}",'
        f'timestamp="{timestamp}",serial_no="{serial}"'
    )


async def ask(
    sandbox: Sandbox, method: str, target: str, value: object = None, **changes: str
) -> tuple[Answer, dict[str, Any]]:
    """One signed request and its answer."""
    body = b"" if value is None else orjson.dumps(value)
    headers = {
        "Accept": "application/json",
        "User-Agent": "test",
        "Wechatpay-Serial": sandbox.world.merchants[0].platform_key_id,
        "Authorization": changes.pop("header", "") or authorization(sandbox, method, target, body, **changes),
    }
    for name in changes.get("drop", "").split():
        del headers[name]
    answer = await request(method, sandbox.urls["payments"] + target, headers, body)
    return answer, orjson.loads(answer.body) if answer.body else {}


def order(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """A good prepay body."""
    paid = hero_order(sandbox)
    value: dict[str, Any] = {
        "appid": paid.appid,
        "mchid": MCHID,
        "description": "门店订单",
        "out_trade_no": "SR20261111000001",
        "time_expire": (sandbox.kit.clock.now() + timedelta(minutes=30)).isoformat(timespec="seconds"),
        "notify_url": "https://pay.example.com/notify",
        "amount": {"total": 10000, "currency": "CNY"},
        "payer": {"openid": paid.payer_openid},
    }
    return {**value, **changes}


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"header": "Bearer x"}, 401, "SIGN_ERROR", "签名信息错误，验签失败"),
        ({"scheme": "WECHATPAY2-SM2-WITH-SM3"}, 401, "SIGN_ERROR", "HTTP头Authorization认证类型不正确"),
        (
            {"late": "-301", "serial": "00"},
            401,
            "SIGN_ERROR",
            "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟",
        ),
        (
            {"serial": "00", "key_of": "1900008837"},
            401,
            "SIGN_ERROR",
            "商户证书序列号有误。请使用签名私钥匹配的证书序列号",
        ),
        ({"key_of": "1900008837"}, 401, "SIGN_ERROR", "签名错误"),
        ({"mchid": "1999999999"}, 400, "MCH_NOT_EXISTS", "商户号不存在"),
    ],
    ids=["bearer", "scheme", "timestamp first", "serial before signature", "signature", "mchid"],
)
async def test_the_order_of_the_checks(
    sandbox: Sandbox, changes: dict[str, str], status: int, code: str, message: str
) -> None:
    answer, body = await ask(sandbox, "GET", QUERY, **changes)
    assert (answer.status, body["code"], body["message"]) == (status, code, message)
    assert not [name for name in answer.headers if name.startswith("wechatpay")]


async def test_missing_headers_come_before_the_signature_except_for_orders(sandbox: Sandbox) -> None:
    _, bill = await ask(sandbox, "GET", "/v3/bill/tradebill", header="Bearer x", drop="User-Agent")
    _, refund = await ask(sandbox, "GET", REFUND + "/RF1", header="Bearer x")
    answer, _ = await ask(sandbox, "GET", QUERY, drop="Accept")
    assert (bill["code"], bill["message"]) == ("INVALID_REQUEST", "Http头缺少Accept或User-Agent")
    assert refund["message"].startswith("Http头Authorization值格式错误")
    assert answer.status == 404


BAD_ORDERS: tuple[tuple[dict[str, Any], str, str | None], ...] = (
    ({"amount": {"total": 0, "currency": "CNY"}}, "PARAM_ERROR", "/amount/total"),
    ({"amount": {"total": 1.5}}, "PARAM_ERROR", "/amount/total"),
    ({"amount": {"total": "100"}}, "PARAM_ERROR", "/amount/total"),
    ({"description": "衣" * 128}, "PARAM_ERROR", "/description"),
    ({"description": "好看🧥"}, "PARAM_ERROR", "/description"),
    ({"out_trade_no": "SR#20261111"}, "PARAM_ERROR", "/out_trade_no"),
    ({"notify_url": "http://pay.example.com/n"}, "PARAM_ERROR", "/notify_url"),
    ({"notify_url": "https://pay.example.com/n?x=1"}, "PARAM_ERROR", "/notify_url"),
    ({"time_expire": "2026-11-11T20:57:30+08:00"}, "PARAM_ERROR", "/time_expire"),
    ({"time_expire": "2026-12-11T20:57:30+08:00"}, "PARAM_ERROR", "/time_expire"),
    ({"time_expire": "2026-11-11T21:57:30"}, "PARAM_ERROR", "/time_expire"),
    ({"payer": {}}, "PARAM_ERROR", "/payer/openid"),
    ({"mchid": "1900008837"}, "PARAM_ERROR", None),
    ({"appid": "wx0000000000000000"}, "APPID_MCHID_NOT_MATCH", None),
    ({"payer": {"openid": "oNobody"}}, "PARAM_ERROR", None),
)


async def test_prepay_refuses(sandbox: Sandbox) -> None:
    for changes, code, field in BAD_ORDERS:
        answer, body = await ask(sandbox, "POST", JSAPI, order(sandbox, **changes))
        found = (changes, answer.status, body["code"], body.get("detail", {}).get("field"))
        assert found == (changes, 400, code, field)
    assert sandbox.kit.journal.effects == []


async def test_a_late_payer_is_refused_by_the_platform(sandbox: Sandbox) -> None:
    body = order(sandbox)
    await ask(sandbox, "POST", JSAPI, body)
    sandbox.kit.clock.advance(timedelta(minutes=30))
    with pytest.raises(ValueError, match="expired"):
        await act(sandbox, "pay", out_trade_no=body["out_trade_no"])
    answer, error = await ask(sandbox, "POST", JSAPI, body)
    assert (answer.status, error["code"]) == (400, "PARAM_ERROR")
    assert sandbox.kit.journal.of_kind("payments", "payment") == []


async def test_a_204_is_signed_over_the_empty_body(sandbox: Sandbox) -> None:
    await ask(sandbox, "POST", JSAPI, order(sandbox))
    path = "/v3/pay/transactions/out-trade-no/SR20261111000001/close"
    answer, _ = await ask(sandbox, "POST", path, {"mchid": MCHID})
    assert (answer.status, answer.body) == (204, b"")
    text = f"{answer.headers['wechatpay-timestamp']}\n{answer.headers['wechatpay-nonce']}\n\n".encode()
    sandbox.kit.keys.rsa(f"payments/{MCHID}/platform").public_key().verify(
        base64.b64decode(answer.headers["wechatpay-signature"]), text, padding.PKCS1v15(), hashes.SHA256()
    )


async def test_the_request_chooses_the_key_of_the_answer(sandbox: Sandbox) -> None:
    path = f"/v3/pay/transactions/out-trade-no/{hero_order(sandbox).out_trade_no}?mchid={MCHID}"
    named, _ = await ask(sandbox, "GET", path)
    silent, _ = await ask(sandbox, "GET", path, drop="Wechatpay-Serial")
    assert named.headers["wechatpay-serial"] == sandbox.world.merchants[0].platform_key_id
    assert silent.headers["wechatpay-serial"] == "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"


async def test_certificates_for_the_old_merchant_only(sandbox: Sandbox) -> None:
    main, xian = sandbox.world.merchants
    _, body = await ask(sandbox, "GET", "/v3/certificates")
    sealed = body["data"][0]["encrypt_certificate"]
    pem = AESGCM(main.apiv3_key.encode()).decrypt(
        sealed["nonce"].encode(), base64.b64decode(sealed["ciphertext"]), b"certificate"
    )
    assert f"{load_pem_x509_certificate(pem).serial_number:040X}" == body["data"][0]["serial_no"]
    franchise = {"mchid": xian.mchid, "key_of": xian.mchid, "serial": xian.merchant_serial}
    answer, error = await ask(sandbox, "GET", "/v3/certificates", **franchise)
    assert (answer.status, error["code"]) == (404, "RESOURCE_NOT_EXISTS")


async def test_a_download_link_lives_five_minutes(sandbox: Sandbox) -> None:
    paid_at = hero_order(sandbox).paid_at
    assert paid_at is not None
    day = (paid_at + timedelta(hours=8)).date() if paid_at.utcoffset() == timedelta() else paid_at.date()
    _, link = await ask(sandbox, "GET", f"/v3/bill/tradebill?bill_date={day}&bill_type=ALL")
    target = link["download_url"].removeprefix(sandbox.urls["payments"])
    answer, _ = await request_file(sandbox, target)
    assert hashlib.sha1(answer.body, usedforsecurity=False).hexdigest() == link["hash_value"]
    assert "wechatpay-signature" not in answer.headers
    sandbox.kit.clock.advance(timedelta(minutes=5))
    late, error = await ask(sandbox, "GET", target)
    assert (late.status, error["code"]) == (400, "INVALID_REQUEST")


async def request_file(sandbox: Sandbox, target: str) -> tuple[Answer, None]:
    """A download, whose body is no JSON."""
    headers = {
        "Accept": "*/*",
        "User-Agent": "test",
        "Authorization": authorization(sandbox, "GET", target, b""),
    }
    return await request("GET", sandbox.urls["payments"] + target, headers), None


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"out_trade_no": "SR20261111NOWHERE"}, 404, "RESOURCE_NOT_EXISTS"),
        ({"amount": {"refund": 100, "total": 15901, "currency": "CNY"}}, 400, "INVALID_REQUEST"),
        ({"amount": {"refund": 15901, "total": 15900, "currency": "CNY"}}, 400, "INVALID_REQUEST"),
        ({"amount": {"refund": 100, "total": 15900}}, 400, "PARAM_ERROR"),
        ({"reason": "衣" * 27}, 400, "PARAM_ERROR"),
        ({"out_refund_no": ""}, 400, "PARAM_ERROR"),
    ],
)
async def test_refunds_refuse(sandbox: Sandbox, changes: dict[str, Any], status: int, code: str) -> None:
    value = {
        "out_trade_no": hero_order(sandbox).out_trade_no,
        "out_refund_no": "RF1",
        "amount": {"refund": 100, "total": 15900, "currency": "CNY"},
    }
    answer, body = await ask(sandbox, "POST", REFUND, {**value, **changes})
    assert (answer.status, body["code"]) == (status, code)
    assert sandbox.kit.journal.effects == []


async def test_fifty_partial_refunds_and_no_more(sandbox: Sandbox) -> None:
    number = hero_order(sandbox).out_trade_no
    codes = []
    for count in range(51):
        value = {
            "out_trade_no": number,
            "out_refund_no": f"RF{count}",
            "amount": {"refund": 1, "total": 15900, "currency": "CNY"},
        }
        answer, body = await ask(sandbox, "POST", REFUND, value)
        codes.append(body.get("code", answer.status))
        sandbox.kit.clock.advance(timedelta(minutes=1))
    assert codes == [200] * 50 + ["INVALID_REQUEST"]


async def test_a_number_with_other_content_is_refused(sandbox: Sandbox) -> None:
    held = hero_coupon(sandbox)
    value = {
        "coupon_code": held.code,
        "stock_id": held.stock_id,
        "appid": held.appid,
        "use_time": "2026-11-11T21:00:00+08:00",
        "use_request_no": "USE0001",
    }
    first, _ = await ask(sandbox, "POST", COUPONS + "/coupons/use", value)
    other = {**value, "use_time": "2026-11-11T21:00:01+08:00"}
    second, body = await ask(sandbox, "POST", COUPONS + "/coupons/use", other)
    assert (first.status, second.status, body["code"]) == (200, 400, "RESOURCE_ALREADY_EXISTS")


async def test_coupons_of_nobody_and_of_another_app(sandbox: Sandbox) -> None:
    appid, openid = hero_order(sandbox).appid, hero_order(sandbox).payer_openid
    nobody, one = await ask(sandbox, "GET", f"{COUPONS}/users/oNobody/coupons?appid={appid}")
    app, two = await ask(sandbox, "GET", f"{COUPONS}/users/{openid}/coupons?appid=wx0")
    many, three = await ask(sandbox, "GET", f"{COUPONS}/users/{openid}/coupons?appid={appid}&limit=21")
    assert (nobody.status, one["code"]) == (404, "USER_NOT_EXISTS")
    assert (app.status, two["code"]) == (400, "APPID_MCHID_NOT_MATCH")
    assert (many.status, three["code"]) == (400, "PARAM_ERROR")


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("pay", {"out_trade_no": "SR20261111NOWHERE"}),
        ("settle_refund", {"out_refund_no": "RF0", "status": "SUCCESS"}),
        ("pos_pay", {"mchid": MCHID, "person": "nobody", "total": 1}),
        ("redeem_in_shop", {"coupon_code": "0"}),
        ("sign_with", {"mchid": MCHID, "kind": "quill"}),
    ],
)
async def test_actions_say_what_is_wrong(sandbox: Sandbox, name: str, asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no |needs|must"):
        await act(sandbox, name, **asked)
    assert sandbox.kit.journal.effects == []
