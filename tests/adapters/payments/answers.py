"""A documented answer for every method of the clients, for the tests of spoilt ones.

Signatures are believed here, so that what is spoilt reaches the reading; that they are not believed elsewhere is for
test_client.py and test_keys.py to show.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from adapters.base.http import Upstream
from adapters.base.runtime import Runtime
from adapters.base.secrets import Secret
from adapters.base.transport import Response
from adapters.payments import PaymentsConfig, models
from adapters.payments.client import (
    BillsClient,
    CashCouponsClient,
    CertificatesClient,
    CouponsClient,
    OrdersClient,
    SharingClient,
    TransfersClient,
    Wire,
)
from adapters.payments.keys import Certificate, PlatformKeys
from adapters.payments.sandbox import certificates
from adapters.payments.sandbox.state import Book
from adapters.payments.sandbox.wire import encrypt
from adapters.payments.signing import Signer
from sandbox.clock import SandboxClock
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.keys import KeyRing
from sandbox.platform import Kit
from sandbox.pusher import Pusher
from sandbox.world import Merchant
from tests.adapters.payments import vectors
from tests.adapters.payments.test_models import FLOW_END, FLOWS

_WIRE = Path(__file__).parent / "wire"
_APIV3_KEY = "0123456789abcdefGHIJKLMNOPQRSTUV"
_CONFIG = PaymentsConfig(
    mchid=vectors.MCHID,
    apiv3_key=Secret(_APIV3_KEY),
    merchant_serial=vectors.SERIAL,
    merchant_private_key=Secret(vectors.KEY_PEM),
    platform_key_id="PUB_KEY_ID_0",
    platform_public_key=KeyRing().public_pem("platform"),
)
CLIENTS = (
    BillsClient,
    CashCouponsClient,
    CertificatesClient,
    CouponsClient,
    OrdersClient,
    SharingClient,
    TransfersClient,
)


class _Gullible(PlatformKeys):
    """Believes every signature."""

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: datetime, *, also: tuple[Certificate, ...] | Any = ()
    ) -> None:
        del headers, body, now, also


#: Reading a private key takes a tenth of a second, which thousands of answers cannot wait for.
_SIGNER = Signer(_CONFIG.mchid, _CONFIG.merchant_serial, vectors.KEY_PEM)
_KEYS = _Gullible(_CONFIG)


def _wire(runtime: Runtime) -> Wire:
    return Wire(_CONFIG, Upstream(runtime, "payments", _CONFIG.mchid), _SIGNER, _KEYS)


def _on(client: Callable[[Wire], Any]) -> Callable[[Runtime], Any]:
    return lambda runtime: client(_wire(runtime))


_bills, _cash, _coupons = _on(BillsClient), _on(CashCouponsClient), _on(CouponsClient)
_orders, _sharing, _transfers = _on(OrdersClient), _on(SharingClient), _on(TransfersClient)
_certificates = _on(lambda wire: CertificatesClient(wire, _APIV3_KEY.encode()))


def _recorded(name: str) -> Response:
    return Response(200, {"request-id": "1-268435456"}, (_WIRE / f"{name}.json").read_bytes())


def _said(**value: Any) -> Response:
    return Response(200, {"request-id": "1-268435456"}, orjson.dumps(value))


def _certificate_list() -> Response:
    merchant = Merchant("main", vectors.MCHID, "", _APIV3_KEY, vectors.SERIAL, "PUB_KEY_ID_0", (), "")
    kit = Kit(SandboxClock(), Journal(), Faults(), Pusher(), KeyRing())
    pem = certificates.pem(Book(merchant, {}), kit)
    return _said(
        data=[
            {
                "serial_no": certificates.SERIAL,
                "effective_time": "2026-01-01T00:00:00+08:00",
                "expire_time": "2031-01-01T00:00:00+08:00",
                "encrypt_certificate": encrypt(_APIV3_KEY, pem.encode(), "certificate"),
            }
        ]
    )


_BILL = "\n".join((*FLOWS, *FLOW_END)).encode()
_LINK = models.BillLink(
    "SHA1", hashlib.sha1(_BILL, usedforsecurity=False).hexdigest(), "https://api.mch.weixin.qq.com/v3/billdownload/f"
)
_AT = "2026-01-31T10:00:00+08:00"
_RETURN = _said(return_id="3", out_return_no="R", result="PROCESSING", amount=1)

#: Maker of the client, method, call, answer.
METHODS: list[tuple[Callable[[Runtime], Any], str, Callable[[Any], Any], Response]] = [
    (_orders, "jsapi_prepay", lambda c: c.jsapi_prepay(b"{}"), _recorded("prepay")),
    (_orders, "native_prepay", lambda c: c.native_prepay(b"{}"), _recorded("native_prepay")),
    (_orders, "query_by_out_trade_no", lambda c: c.query_by_out_trade_no("SR1"), _recorded("order")),
    (_orders, "query_by_id", lambda c: c.query_by_id("42"), _recorded("order")),
    (_orders, "close_order", lambda c: c.close_order("SR1"), Response(204, {}, b"")),
    (_orders, "create_refund", lambda c: c.create_refund(b"{}"), _recorded("refund")),
    (_orders, "query_refund", lambda c: c.query_refund("RF1"), _recorded("refund")),
    (_orders, "apply_abnormal_refund", lambda c: c.apply_abnormal_refund("5", b"{}", ""), _recorded("refund")),
    (_bills, "trade_bill", lambda c: c.trade_bill("2026-01-30"), _recorded("trade_bill")),
    (_bills, "fund_flow_bill", lambda c: c.fund_flow_bill("2026-01-30", "BASIC"), _recorded("fund_flow_bill")),
    (_bills, "download_bill", lambda c: c.download_bill(_LINK, models.fund_flow_rows), Response(200, {}, _BILL)),
    (_certificates, "certificates", lambda c: c.certificates(), _certificate_list()),
    (_coupons, "user_coupons", lambda c: c.user_coupons("o", "wx", "", 0, 20), _recorded("coupons")),
    (_coupons, "user_coupon", lambda c: c.user_coupon("o", "wx", "1"), _recorded("coupon_discount")),
    (_coupons, "send_coupon", lambda c: c.send_coupon(b"{}"), _recorded("coupon_send")),
    (_coupons, "use_coupon", lambda c: c.use_coupon(b"{}"), _recorded("coupon_use")),
    (_coupons, "return_coupon", lambda c: c.return_coupon(b"{}"), _recorded("coupon_return")),
    (_coupons, "deactivate_coupon", lambda c: c.deactivate_coupon(b"{}"), _said(wechatpay_deactivate_time=_AT)),
    (_coupons, "associate_coupon", lambda c: c.associate_coupon(b"{}"), _recorded("coupon_associate")),
    (_coupons, "disassociate_coupon", lambda c: c.disassociate_coupon(b"{}"), _said(wechatpay_disassociate_time=_AT)),
    (_cash, "send_cash_coupon", lambda c: c.send_cash_coupon("o", b"{}"), _recorded("cash_coupon_send")),
    (_cash, "user_cash_coupons", lambda c: c.user_cash_coupons("o", "wx", "", "", 0, 20), _recorded("cash_coupons")),
    (
        _cash,
        "user_cash_coupon",
        lambda c: c.user_cash_coupon("o", "wx", "9867041"),
        Response(200, {}, orjson.dumps(orjson.loads((_WIRE / "cash_coupons.json").read_bytes())["data"][0])),
    ),
    (
        _cash,
        "cash_stocks",
        lambda c: c.cash_stocks("running", 0, 10),
        _said(total_count=1, data=[{"stock_id": "9856000", "status": "stoped", "available_begin_time": _AT}]),
    ),
    (_cash, "cash_stock", lambda c: c.cash_stock("9856000"), _said(stock_id="9856000", status="paused")),
    (_cash, "start_cash_stock", lambda c: c.start_cash_stock("9"), _said(start_time=_AT, stock_id="9")),
    (_cash, "pause_cash_stock", lambda c: c.pause_cash_stock("9"), _said(pause_time=_AT, stock_id="9")),
    (_cash, "restart_cash_stock", lambda c: c.restart_cash_stock("9"), _said(restart_time=_AT, stock_id="9")),
    (_transfers, "create_transfer", lambda c: c.create_transfer(b"{}", ""), _recorded("transfer")),
    (
        _transfers,
        "cancel_transfer",
        lambda c: c.cancel_transfer("TB1"),
        _said(out_bill_no="TB1", transfer_bill_no="133", state="CANCELING", update_time=_AT),
    ),
    (_transfers, "query_transfer", lambda c: c.query_transfer("TB1"), _recorded("transfer_query")),
    (_transfers, "query_transfer_by_id", lambda c: c.query_transfer_by_id("133"), _recorded("transfer_query")),
    (_sharing, "add_receiver", lambda c: c.add_receiver(b"{}", ""), _said(type="MERCHANT_ID", account="1")),
    (_sharing, "delete_receiver", lambda c: c.delete_receiver(b"{}"), _said(type="MERCHANT_ID", account="1")),
    (_sharing, "create_sharing", lambda c: c.create_sharing(b"{}", ""), _recorded("sharing")),
    (_sharing, "query_sharing", lambda c: c.query_sharing("PS1", "42"), _recorded("sharing")),
    (_sharing, "unfreeze", lambda c: c.unfreeze(b"{}"), _recorded("sharing")),
    (_sharing, "return_share", lambda c: c.return_share(b"{}"), _RETURN),
    (_sharing, "query_share_return", lambda c: c.query_share_return("R", "PS1"), _RETURN),
    (_sharing, "unshared_amount", lambda c: c.unshared_amount("42"), _recorded("unshared_amount")),
]
