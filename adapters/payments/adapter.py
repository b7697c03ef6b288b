"""What the gateway calls: bodies that can be stored, answers as records, notifications as notices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from adapters.base.errors import NotFound
from adapters.base.webhooks import InboundEvent, Received, WebhookRequest
from adapters.payments import models, translation, webhooks
from adapters.payments.bills import Bills
from adapters.payments.cash_coupons import CashCoupons
from adapters.payments.checks import OUT_TRADE_NO, Checks
from adapters.payments.client import (
    BillsClient,
    CashCouponsClient,
    CouponsClient,
    OrdersClient,
    Wire,
)
from adapters.payments.config import PaymentsConfig
from adapters.payments.coupons import Coupons
from adapters.payments.records import (
    BankCard,
    Payment,
    PaymentRequest,
    Prepaid,
    PrepayIntent,
    Refund,
    RefundIntent,
    ScanCode,
)
from adapters.payments.sharing import ProfitSharing
from adapters.payments.signing import Signer, lines, nonce
from adapters.payments.transfers import Transfers

#: Characters of a product description.
DESCRIPTION_LENGTH: Final = 127
#: Characters of ``attach``.
ATTACH_LENGTH: Final = 128
#: Bytes of a refund's reason.
REASON_BYTES: Final = 80
#: Partial refunds of one order, at least REFUND_INTERVAL apart and within REFUND_WINDOW of the payment.
REFUNDS_PER_ORDER: Final = 50
REFUND_INTERVAL: Final = timedelta(minutes=1)
REFUND_WINDOW: Final = timedelta(days=365)
#: A prepay_id can be paid this long; sending the same prepay body gives a fresh one.
PREPAY_ID_LIFETIME: Final = timedelta(hours=2)

#: Well formed and never used: whoever may ask for it holds working credentials.
_PING_NUMBER: Final = "PING000000"


class PaymentsAdapter(Bills, Coupons, CashCoupons, Transfers, ProfitSharing):
    """One mchid. Methods raise the ten kinds of ``adapters.base.errors``."""

    def __init__(self, config: PaymentsConfig, wire: Wire, signer: Signer, apiv3_key: bytes) -> None:
        checks = Checks(config.mchid, config.appids)
        Bills.__init__(self, config.mchid, BillsClient(wire))
        Coupons.__init__(self, config.mchid, checks, CouponsClient(wire))
        CashCoupons.__init__(self, config.mchid, checks, CashCouponsClient(wire))
        Transfers.__init__(self, wire, checks)
        ProfitSharing.__init__(self, wire, checks)
        self._config = config
        self._orders = OrdersClient(wire)
        self._signer = signer
        self._key = apiv3_key

    @property
    def account(self) -> str:
        """The mchid."""
        return self._config.mchid

    @property
    def appids(self) -> tuple[str, ...]:
        """The apps that are bound to this merchant account, the paying one first."""
        return self._config.appids

    async def ping(self) -> None:
        """One order query: "no such order" is said only to those whose signature holds."""
        await self.payment(_PING_NUMBER)

    def prepay_body(self, intent: PrepayIntent) -> bytes:
        """The exact bytes of the prepay, to be stored with the intent before anything is sent.

        Equal intents give equal bytes. Raises Invalid where the platform would, and for an appid
        that is not in the settings.
        """
        within = self._checks.within
        self._checks.appid(intent.appid)
        within(bool(OUT_TRADE_NO.fullmatch(intent.out_trade_no)), "out_trade_no", "6–32 of 0-9A-Za-z_-|*")
        self._checks.length(intent.description, "description", least=1, most=DESCRIPTION_LENGTH)
        self._checks.length(intent.attach, "attach", most=ATTACH_LENGTH)
        within(intent.total >= 1, "total", "1 fen at least; a free order needs no prepay")
        within(intent.expires_at.tzinfo is not None, "expires_at", "an aware instant")
        return msgspec.json.encode(
            models.PrepayRequest(
                appid=intent.appid,
                mchid=self.account,
                description=intent.description,
                out_trade_no=intent.out_trade_no,
                time_expire=translation.rfc3339(intent.expires_at),
                notify_url=intent.notify_url,
                amount=models.PrepayAmount(intent.total),
                payer=models.Payer(intent.payer_openid) if intent.payer_openid else None,
                attach=intent.attach,
                settle_info=models.SettleInfo(True) if intent.profit_sharing else None,
            )
        )

    async def prepay(self, body: bytes) -> Prepaid:
        """Send a body made by ``prepay_body``, byte for byte: a payment on the payer's own phone (JSAPI, 小程序).

        Repeatable: the same body gives a fresh prepay_id for the same order. Conflict
        ``out_trade_no_used`` when the number carries other parameters, or is paid or closed.
        """
        return Prepaid((await self._orders.jsapi_prepay(body)).prepay_id)

    async def prepay_code(self, body: bytes) -> ScanCode:
        """The same for a code to scan (Native), whose intent names no payer. Conflict ``order_closed`` too."""
        return ScanCode((await self._orders.native_prepay(body)).code_url)

    def payment_request(self, appid: str, prepay_id: str) -> PaymentRequest:
        """Arguments of ``wx.requestPayment``, signed here and now; no call. ``sign_type`` is not signed."""
        self._checks.appid(appid)
        time_stamp = str(int(self._wire.now().timestamp()))
        nonce_str, package = nonce(), f"prepay_id={prepay_id}"
        pay_sign = self._signer.sign(lines(appid, time_stamp, nonce_str, package))
        return PaymentRequest(appid, time_stamp, nonce_str, package, "RSA", pay_sign)

    async def payment(self, out_trade_no: str) -> Payment | NotFound:
        """The order as 微信支付 has it; NotFound (a value) when the prepay never reached it."""
        try:
            return translation.payment(await self._orders.query_by_out_trade_no(out_trade_no))
        except NotFound as missing:
            return missing

    async def payment_by_id(self, transaction_id: str) -> Payment | NotFound:
        """The same by 微信支付's own number, as a payer's receipt or a bill gives it."""
        try:
            return translation.payment(await self._orders.query_by_id(transaction_id))
        except NotFound as missing:
            return missing

    async def close(self, out_trade_no: str) -> None:
        """Close an unpaid order; repeatable. Conflict ``order_paid`` when it was paid meanwhile."""
        await self._orders.close_order(out_trade_no)

    async def refund(self, intent: RefundIntent) -> Refund:
        """Ask for a refund: PROCESSING means accepted, not done.

        Equal intents may be repeated: one number refunds once. After OutcomeUnknown ask
        ``refund_status`` and keep the number. Rejected ``not_enough``: add funds, same number.
        """
        number = intent.out_refund_no
        self._checks.out_no(number, "out_refund_no")
        within = self._checks.within
        within(len(intent.reason.encode()) <= REASON_BYTES, "reason", f"at most {REASON_BYTES} bytes")
        within(1 <= intent.refund <= intent.total, "refund", "1 fen at least and at most the total")
        request = models.RefundRequest(
            out_trade_no=intent.out_trade_no,
            out_refund_no=number,
            amount=models.RefundAmount(intent.refund, intent.total, "CNY"),
            reason=intent.reason,
            notify_url=intent.notify_url,
            funds_account="AVAILABLE" if intent.from_available else "",
        )
        answer = await self._orders.create_refund(msgspec.json.encode(request))
        return translation.refund(self.account, answer)

    async def refund_status(self, out_refund_no: str) -> Refund | NotFound:
        """A refund as 微信支付 has it; NotFound (a value) when it was never accepted."""
        try:
            return translation.refund(self.account, await self._orders.query_refund(out_refund_no))
        except NotFound as missing:
            return missing

    async def redirect_refund(self, refund_id: str, out_refund_no: str, card: BankCard) -> Refund:
        """Send an ABNORMAL refund to a bank card (发起异常退款); its state is PROCESSING again.

        Repeatable with the same card; Rejected ``rule_broken`` for a refund that is not ABNORMAL.
        """
        given = [bool(each) for each in (card.bank, card.number, card.holder)]
        self._checks.within(all(given) if card.of_payer else not any(given), "card", "whole, for the payer's card only")
        sealed_for = await self._wire.keys.sealing(self._wire.now()) if card.of_payer else ""
        number, holder = (
            self._wire.keys.seal(sealed_for, each) if sealed_for else "" for each in (card.number, card.holder)
        )
        kind = "USER_BANK_CARD" if card.of_payer else "MERCHANT_BANK_CARD"
        request = models.AbnormalRefundRequest(out_refund_no, kind, card.bank, number, holder)
        answer = await self._orders.apply_abnormal_refund(refund_id, msgspec.json.encode(request), sealed_for)
        return translation.refund(self.account, answer)

    async def receive(self, request: WebhookRequest) -> Received:
        """Verify and open a notification; raises WebhookRefused. Calls the platform for a key that it lacks only."""
        now, keys = self._wire.now(), self._wire.keys
        await keys.learn(request.headers.get("wechatpay-serial", ""), now)
        return webhooks.receive(request, mchid=self.account, key=self._key, verifier=keys, now=now)

    def interpret(self, event: InboundEvent) -> Sequence[object]:
        """PaymentNotice, RefundNotice, CouponReceived, CashCouponUsed, TransferNotice or ShareNotice; empty for
        other kinds.

        A notice is not yet a captured payment: compare amount and number with your own order.
        """
        return translation.notices(self.account, event)
