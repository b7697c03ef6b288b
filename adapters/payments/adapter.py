"""What the gateway calls: bodies that can be stored, answers as records, notifications as notices."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, datetime, timedelta, timezone
from functools import partial
from typing import Final, TypeVar

import msgspec

from adapters.base.errors import Invalid, Malformed, NotFound
from adapters.base.webhooks import InboundEvent, Received, WebhookRequest
from adapters.payments import models, translation, webhooks
from adapters.payments.client import PaymentsClient
from adapters.payments.config import PaymentsConfig
from adapters.payments.errors import TOOL
from adapters.payments.records import (
    BillRow,
    Coupon,
    CouponPage,
    CouponState,
    CouponUse,
    CouponUsed,
    FundAccount,
    FundFlow,
    Payment,
    PaymentRequest,
    Prepaid,
    PrepayIntent,
    Refund,
    RefundIntent,
)
from adapters.payments.signing import Signer, Verifier, lines, nonce

R = TypeVar("R")

#: Coupons of a user per call.
COUPONS_PER_CALL: Final = 20
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

_OUT_TRADE_NO: Final = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
_OUT_REFUND_NO: Final = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
_BEIJING: Final = timezone(timedelta(hours=8))
#: Well formed and never used: whoever may ask for it holds working credentials.
_PING_NUMBER: Final = "PING000000"
_BAD_ROW: Final = "A row of the bill holds a time or an amount that its documentation does not describe."


class PaymentsAdapter:
    """One mchid. Methods raise the ten kinds of ``adapters.base.errors``."""

    def __init__(
        self, config: PaymentsConfig, client: PaymentsClient, signer: Signer, verifier: Verifier, key: bytes
    ) -> None:
        self._config = config
        self._client = client
        self._signer = signer
        self._verifier = verifier
        self._key = key

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
        self._known_appid(intent.appid)
        self._within(bool(_OUT_TRADE_NO.fullmatch(intent.out_trade_no)), "out_trade_no", "6–32 of 0-9A-Za-z_-|*")
        self._within(
            1 <= len(intent.description) <= DESCRIPTION_LENGTH,
            "description",
            f"1–{DESCRIPTION_LENGTH} characters",
        )
        self._within(len(intent.attach) <= ATTACH_LENGTH, "attach", f"at most {ATTACH_LENGTH} characters")
        self._within(intent.total >= 1, "total", "1 fen at least; a free order needs no prepay")
        self._within(intent.expires_at.tzinfo is not None, "expires_at", "an aware instant")
        return msgspec.json.encode(
            models.PrepayRequest(
                appid=intent.appid,
                mchid=self.account,
                description=intent.description,
                out_trade_no=intent.out_trade_no,
                time_expire=_rfc3339(intent.expires_at),
                notify_url=intent.notify_url,
                amount=models.PrepayAmount(intent.total),
                payer=models.Payer(intent.payer_openid),
                attach=intent.attach,
                settle_info=models.SettleInfo(True) if intent.profit_sharing else None,
            )
        )

    async def prepay(self, body: bytes) -> Prepaid:
        """Send a body made by ``prepay_body``, byte for byte.

        Repeatable: the same body gives a fresh prepay_id for the same order. Conflict
        ``out_trade_no_used`` when the number carries other parameters, or is paid or closed.
        """
        return Prepaid((await self._client.jsapi_prepay(body)).prepay_id)

    def payment_request(self, appid: str, prepay_id: str) -> PaymentRequest:
        """Arguments of ``wx.requestPayment``, signed here and now; no call. ``sign_type`` is not signed."""
        self._known_appid(appid)
        time_stamp = str(int(self._client.now().timestamp()))
        nonce_str, package = nonce(), f"prepay_id={prepay_id}"
        pay_sign = self._signer.sign(lines(appid, time_stamp, nonce_str, package))
        return PaymentRequest(appid, time_stamp, nonce_str, package, "RSA", pay_sign)

    async def payment(self, out_trade_no: str) -> Payment | NotFound:
        """The order as 微信支付 has it; NotFound (a value) when the prepay never reached it."""
        try:
            return translation.payment(await self._client.query_by_out_trade_no(out_trade_no))
        except NotFound as missing:
            return missing

    async def close(self, out_trade_no: str) -> None:
        """Close an unpaid order; repeatable. Conflict ``order_paid`` when it was paid meanwhile."""
        await self._client.close_order(out_trade_no)

    async def refund(self, intent: RefundIntent) -> Refund:
        """Ask for a refund: PROCESSING means accepted, not done.

        Equal intents may be repeated: one number refunds once. After OutcomeUnknown ask
        ``refund_status`` and keep the number. Rejected ``not_enough``: add funds, same number.
        """
        number = intent.out_refund_no
        self._within(bool(_OUT_REFUND_NO.fullmatch(number)), "out_refund_no", "1–64 of 0-9A-Za-z_-|*@")
        self._within(len(intent.reason.encode()) <= REASON_BYTES, "reason", f"at most {REASON_BYTES} bytes")
        self._within(1 <= intent.refund <= intent.total, "refund", "1 fen at least and at most the total")
        request = models.RefundRequest(
            out_trade_no=intent.out_trade_no,
            out_refund_no=number,
            amount=models.RefundAmount(intent.refund, intent.total, "CNY"),
            reason=intent.reason,
            notify_url=intent.notify_url,
        )
        answer = await self._client.create_refund(msgspec.json.encode(request))
        return translation.refund(self.account, answer)

    async def refund_status(self, out_refund_no: str) -> Refund | NotFound:
        """A refund as 微信支付 has it; NotFound (a value) when it was never accepted."""
        try:
            return translation.refund(self.account, await self._client.query_refund(out_refund_no))
        except NotFound as missing:
            return missing

    async def trade_bill(self, day: date) -> Sequence[BillRow] | None:
        """Every payment and refund of a Beijing day; None when nothing was traded.

        Yesterday's is ready from 10:00, days reach three months back. RateLimited
        ``statement_creating`` before that. A wrong hash is Malformed.
        """
        link = self._client.trade_bill(day.isoformat())
        return await self._bill(link, models.trade_bill_rows, translation.bill_row)

    async def fund_flows(self, day: date, account: FundAccount = FundAccount.BASIC) -> Sequence[FundFlow] | None:
        """Every movement of money in one of the merchant's accounts on a Beijing day (资金账单); None when none did.

        Ready and refused as ``trade_bill`` is.
        """
        link = self._client.fund_flow_bill(day.isoformat(), account.value)
        return await self._bill(link, models.fund_flow_rows, partial(translation.fund_flow, account))

    async def _bill(
        self,
        asked: Awaitable[models.BillLink],
        read: Callable[[str], Iterable[models.BillLine]],
        translated: Callable[[models.BillLine], R],
    ) -> list[R] | None:
        try:
            return [translated(row) for row in await self._client.download_bill(await asked, read)]
        except ValueError:
            # The cause may quote the bill.
            raise Malformed(TOOL, "unreadable", _BAD_ROW, endpoint="download_bill", account=self.account) from None
        except NotFound as missing:
            if missing.reason == "no_statement":
                return None
            raise

    async def coupons(
        self, openid: str, appid: str, *, state: CouponState | None = None, offset: int = 0, limit: int = 20
    ) -> CouponPage:
        """A page of a user's merchant coupons (商家券), ``limit`` at most COUPONS_PER_CALL.

        One call; INVALID is two states at the platform and may take two.
        """
        self._within(1 <= limit <= COUPONS_PER_CALL, "limit", f"1–{COUPONS_PER_CALL}")
        self._within(offset >= 0, "offset", "0 or more")
        items: list[Coupon] = []
        total = 0
        for remote in translation.COUPON_STATES[state]:
            # What the states before this one hold is skipped; a full page still needs this one's count.
            skip, want = max(0, offset - total), limit - len(items)
            answer = await self._client.user_coupons(openid, appid, remote, skip, max(1, want))
            items += [self._coupon(wire, openid, appid) for wire in answer.data[:want]]
            total += answer.total_count
        return CouponPage(tuple(items), total)

    async def coupon(self, openid: str, appid: str, code: str) -> Coupon | NotFound:
        """One coupon of a user; NotFound (a value) when the user has no such coupon."""
        try:
            return self._coupon(await self._client.user_coupon(openid, appid, code), openid, appid)
        except NotFound as missing:
            return missing

    async def use_coupon(self, use: CouponUse) -> CouponUsed:
        """Write a coupon off (核销). Equal requests are one; Conflict ``already_exists`` when another
        request used it; Rejected ``rule_limit`` outside its validity."""
        request = models.CouponUseRequest(
            use.code, use.stock_id, use.appid, _rfc3339(use.used_at), use.use_request_no, use.openid
        )
        answer = await self._client.use_coupon(msgspec.json.encode(request))
        return CouponUsed(answer.stock_id, use.code, translation.utc(answer.wechatpay_use_time))

    async def return_coupon(self, stock_id: str, code: str, return_request_no: str) -> datetime:
        """Give a used coupon back (退券) and say when the platform did. Equal requests are one."""
        request = models.CouponReturnRequest(code, stock_id, return_request_no)
        answer = await self._client.return_coupon(msgspec.json.encode(request))
        return translation.utc(answer.wechatpay_return_time)

    async def receive(self, request: WebhookRequest) -> Received:
        """Verify and open a notification; raises WebhookRefused. Calls nobody."""
        now = self._client.now()
        return webhooks.receive(request, mchid=self.account, key=self._key, verifier=self._verifier, now=now)

    def interpret(self, event: InboundEvent) -> Sequence[object]:
        """PaymentNotice, RefundNotice or CouponReceived; empty for other kinds.

        A notice is not yet a captured payment: compare amount and number with your own order.
        """
        return translation.notices(self.account, event)

    def _coupon(self, wire: models.Coupon, openid: str, appid: str) -> Coupon:
        return translation.coupon(self.account, wire, openid, appid)

    def _known_appid(self, appid: str) -> None:
        self._within(appid in self._config.appids, "appid", "one of the account's `appids`")

    def _within(self, holds: bool, name: str, limit: str) -> None:
        """Refuse what the platform would refuse, before anything is stored or sent."""
        if not holds:
            raise Invalid(TOOL, f"invalid_{name}", f"{name} must be {limit}.", account=self.account)


def _rfc3339(instant: datetime) -> str:
    """Beijing time to the second, as the platform writes it."""
    return instant.astimezone(_BEIJING).isoformat(timespec="seconds")
