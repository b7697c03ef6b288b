"""One method per endpoint of 微信支付 API v3.

Writes take their body as bytes, made once by the adapter: every repetition must carry the same
parameters, and the body is signed and sent as it is.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from adapters.base.endpoint import Endpoint, idempotent, read
from adapters.base.errors import UpstreamError
from adapters.base.http import Upstream
from adapters.base.transport import Request, Response
from adapters.payments import models
from adapters.payments.config import PaymentsConfig
from adapters.payments.errors import BILL_HASH, FAULTS, REFUND_FAULTS, UNSIGNED, by_status, canonical
from adapters.payments.signing import Signer, Unverified, Verifier

T = TypeVar("T")

#: An out_trade_no is remembered for ever; a prepay_id made from it lives two hours.
PREPAY: Final = idempotent("jsapi_prepay", "out_trade_no", family="orders")
QUERY: Final = read("query_by_out_trade_no", family="orders")
CLOSE: Final = idempotent("close_order", "out_trade_no", family="orders")
REFUND: Final = idempotent("create_refund", "out_refund_no", lifetime=timedelta(days=365), family="refunds")
QUERY_REFUND: Final = read("query_refund", family="refunds")
TRADE_BILL: Final = read("trade_bill", family="bills")
FUND_FLOW_BILL: Final = read("fund_flow_bill", family="bills")
DOWNLOAD_BILL: Final = read("download_bill", timeout=30.0, family="bills")
USER_COUPONS: Final = read("user_coupons", family="coupons")
USER_COUPON: Final = read("user_coupon", family="coupons")
USE_COUPON: Final = idempotent("use_coupon", "use_request_no", family="coupons")
RETURN_COUPON: Final = idempotent("return_coupon", "return_request_no", family="coupons")

_USER_AGENT: Final = "retail-gateway"
_COUPONS: Final = "/v3/marketing/busifavor"
_GZIP: Final = b"\x1f\x8b"


class PaymentsClient:
    """Signs, sends, verifies; knows paths and shapes, no policy."""

    def __init__(self, config: PaymentsConfig, upstream: Upstream, signer: Signer, verifier: Verifier) -> None:
        self._config = config
        self._upstream = upstream
        self._signer = signer
        self._verifier = verifier

    def now(self) -> datetime:
        """The runtime's clock, which stamps what we sign and judges what we verify."""
        return self._upstream.runtime.clock.now()

    async def jsapi_prepay(self, body: bytes) -> models.PrepayAnswer:
        """JSAPI/小程序下单 (4012791856). The same number with the same parameters gives a new prepay_id."""
        path = "/v3/pay/transactions/jsapi"
        return await self._json(PREPAY, "POST", path, models.PrepayAnswer, body)

    async def query_by_out_trade_no(self, out_trade_no: str) -> models.Transaction:
        """商户订单号查询订单."""
        path = f"{_order(out_trade_no)}?{urlencode({'mchid': self._config.mchid})}"
        return await self._json(QUERY, "GET", path, models.Transaction)

    async def close_order(self, out_trade_no: str) -> None:
        """关闭订单; 204, and repeatable."""
        body = msgspec.json.encode({"mchid": self._config.mchid})
        await self._call(CLOSE, "POST", _order(out_trade_no) + "/close", _nothing, body)

    async def create_refund(self, body: bytes) -> models.Refund:
        """退款申请 (4013071036). 200 means accepted, not done."""
        return await self._json(REFUND, "POST", "/v3/refund/domestic/refunds", models.Refund, body)

    async def query_refund(self, out_refund_no: str) -> models.Refund:
        """查询单笔退款 (4013071041)."""
        path = f"/v3/refund/domestic/refunds/{quote(out_refund_no, safe='')}"
        return await self._json(QUERY_REFUND, "GET", path, models.Refund)

    async def trade_bill(self, bill_date: str) -> models.BillLink:
        """申请交易账单 (4013071227)."""
        query = urlencode({"bill_date": bill_date, "bill_type": "ALL", "tar_type": "GZIP"})
        return await self._json(TRADE_BILL, "GET", f"/v3/bill/tradebill?{query}", models.BillLink)

    async def fund_flow_bill(self, bill_date: str, account_type: str) -> models.BillLink:
        """申请资金账单 (4013071235)."""
        query = urlencode({"bill_date": bill_date, "account_type": account_type, "tar_type": "GZIP"})
        return await self._json(FUND_FLOW_BILL, "GET", f"/v3/bill/fundflowbill?{query}", models.BillLink)

    async def download_bill(
        self, link: models.BillLink, read_rows: Callable[[str], Iterable[models.BillLine]]
    ) -> Sequence[models.BillLine]:
        """下载账单 (4013071238). The answer is not signed: its hash was, in the answer that gave the link."""

        def rows(response: Response) -> Sequence[models.BillLine]:
            plain = gzip.decompress(response.body) if response.body.startswith(_GZIP) else response.body
            # SHA-1 is the platform's choice and guards against broken transfers only.
            digest = hashlib.sha1(plain).hexdigest()  # noqa: S324
            if link.hash_type != "SHA1" or digest != link.hash_value.lower():
                raise FAULTS.error("", endpoint=DOWNLOAD_BILL.name, account=self._config.mchid, fallback=BILL_HASH)
            return tuple(read_rows(plain.decode()))

        parts = urlsplit(link.download_url)
        # Signed and sent exactly as given.
        target = link.download_url.removeprefix(f"{parts.scheme}://{parts.netloc}")
        return await self._call(DOWNLOAD_BILL, "GET", target, rows, url=link.download_url, signed=False)

    async def user_coupons(
        self, openid: str, appid: str, coupon_state: str, offset: int, limit: int
    ) -> models.CouponList:
        """根据过滤条件查询用户券; an empty ``coupon_state`` means all."""
        query = {"appid": appid, "offset": str(offset), "limit": str(limit)}
        if coupon_state:
            query["coupon_state"] = coupon_state
        path = f"{_COUPONS}/users/{quote(openid, safe='')}/coupons?{urlencode(query)}"
        return await self._json(USER_COUPONS, "GET", path, models.CouponList)

    async def user_coupon(self, openid: str, appid: str, coupon_code: str) -> models.Coupon:
        """查询用户单张券详情."""
        who, code, app = (quote(part, safe="") for part in (openid, coupon_code, appid))
        path = f"{_COUPONS}/users/{who}/coupons/{code}/appids/{app}"
        return await self._json(USER_COUPON, "GET", path, models.Coupon)

    async def use_coupon(self, body: bytes) -> models.CouponUseAnswer:
        """核销用户券."""
        return await self._json(USE_COUPON, "POST", f"{_COUPONS}/coupons/use", models.CouponUseAnswer, body)

    async def return_coupon(self, body: bytes) -> models.CouponReturnAnswer:
        """申请退券."""
        path = f"{_COUPONS}/coupons/return"
        return await self._json(RETURN_COUPON, "POST", path, models.CouponReturnAnswer, body)

    async def _json(self, endpoint: Endpoint, method: str, target: str, shape: type[T], body: bytes = b"") -> T:
        return await self._call(
            endpoint, method, target, lambda answer: msgspec.json.decode(answer.body, type=shape), body
        )

    async def _call(
        self,
        endpoint: Endpoint,
        method: str,
        target: str,
        decode: Callable[[Response], T],
        body: bytes = b"",
        *,
        url: str = "",
        signed: bool = True,
    ) -> T:
        """Status first, then the signature over the raw bytes, then the content."""

        async def prepare() -> Request:
            authorization = await self._signer.authorize(method, target, body, self.now())
            headers = self._headers(authorization, has_body=bool(body))
            return Request(method, url or self._config.base_url + target, headers, body or None)

        def checked(response: Response) -> T:
            if response.status not in {200, 204}:
                raise self._refusal(endpoint, response)
            if signed:
                self._verify(endpoint, response)
            return decode(response)

        return await self._upstream.call(endpoint, prepare, checked)

    def _headers(self, authorization: str, *, has_body: bool) -> Mapping[str, str]:
        headers = {
            "Authorization": authorization,
            "Accept": "application/json",
            "User-Agent": _USER_AGENT,
            # Asks the platform to sign its answer with the key that we hold.
            "Wechatpay-Serial": self._config.platform_key_id,
        }
        if has_body:
            headers["Content-Type"] = "application/json"
        return headers

    def _verify(self, endpoint: Endpoint, response: Response) -> None:
        try:
            self._verifier.verify(response.headers, response.body, self.now())
        except Unverified as error:
            raise FAULTS.error(
                "",
                endpoint=endpoint.name,
                account=self._config.mchid,
                request_id=response.headers.get("request-id", ""),
                writes=endpoint.writes,
                fallback=UNSIGNED,
            ) from error

    def _refusal(self, endpoint: Endpoint, response: Response) -> UpstreamError:
        """The error behind a status that is not 200 or 204. Such answers are never signed."""
        try:
            code = canonical(msgspec.json.decode(response.body, type=models.ErrorBody).code)
        except msgspec.MsgspecError:
            code = ""  # A gateway's HTML page, or the empty body of some 404s.
        table = REFUND_FAULTS if endpoint is REFUND else FAULTS
        return table.error(
            code,
            endpoint=endpoint.name,
            account=self._config.mchid,
            request_id=response.headers.get("request-id", ""),
            writes=endpoint.writes,
            fallback=by_status(response.status),
        )


def _order(out_trade_no: str) -> str:
    return f"/v3/pay/transactions/out-trade-no/{quote(out_trade_no, safe='')}"


def _nothing(response: Response) -> None:
    """A 204 has no body; its signature was made over the empty one."""
    del response
