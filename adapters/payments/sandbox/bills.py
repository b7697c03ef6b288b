"""交易账单, made from the state: any day's, the days before the sandbox started included."""

from __future__ import annotations

import gzip
import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from starlette.requests import Request

from adapters.payments.sandbox.state import Book, Order, RefundEntry, RouteOf
from adapters.payments.sandbox.wire import LOOPBACK, Refused
from sandbox.clock import BEIJING
from sandbox.platform import Kit

READY_AT = time(10)
DAYS_BACK = 92
LINK_LIFETIME = timedelta(minutes=5)
#: Parts of a million of the amount that the platform keeps: 0.60 %.
FEE = 6000

COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
FUND_COLUMNS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
FUND_SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
FEE_TAKEN, FEE_RETURNED = "扣除交易手续费", "退还交易手续费"
#: Fen in the account when a day begins.
OPENING_BALANCE = 1_000_000_00
SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"


#: (when, 微信支付业务单号, 业务名称, 业务类型, fen, 业务凭证号)
_Flow = tuple[datetime, str, str, str, int, str]


@dataclass(slots=True)
class Downloads:
    """Links that were given out: token → (mchid, bytes, instant of death)."""

    links: dict[str, tuple[str, bytes, datetime]] = field(default_factory=dict)

    def offer(self, mchid: str, plain: bytes, zipped: bool, now: datetime, host: str) -> dict[str, Any]:
        """Keep a bill for five minutes and say where."""
        token = secrets.token_urlsafe(24)
        self.links[token] = (mchid, gzip.compress(plain) if zipped else plain, now + LINK_LIFETIME)
        return {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(plain).hexdigest(),
            "download_url": f"{_scheme(host)}://{host}/v3/billdownload/file?token={token}",
        }

    def fetch(self, mchid: str, token: str, now: datetime) -> bytes:
        """The bytes behind a link. Raises Refused."""
        owner, content, ends = self.links.get(token, ("", b"", now))
        if owner != mchid or now >= ends:
            raise Refused("INVALID_REQUEST", "下载链接过期，请重新请求文件下载")
        return content


def _scheme(host: str) -> str:
    """The platform speaks TLS only; on loopback there is none."""
    return "http" if host.rpartition(":")[0] in LOOPBACK else "https"


def routes(kit: Kit) -> Sequence[RouteOf]:
    """``/v3/bill`` and ``/v3/billdownload``."""
    downloads = Downloads()

    def trade(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        query = request.query_params
        if query.get("bill_type", "ALL") != "ALL":
            raise Refused("PARAM_ERROR", "only bill_type ALL is emulated here")
        return offer(book, request, trade_bill(book, query.get("bill_date", ""), kit.clock.now()))

    def flows(book: Book, request: Request, _raw: bytes) -> dict[str, Any]:
        query = request.query_params
        day, account = query.get("bill_date", ""), query.get("account_type", "BASIC")
        return offer(book, request, fund_flow_bill(book, day, account, kit.clock.now()))

    def offer(book: Book, request: Request, plain: bytes) -> dict[str, Any]:
        zipped = request.query_params.get("tar_type") == "GZIP"
        return downloads.offer(book.merchant.mchid, plain, zipped, kit.clock.now(), request.headers["host"])

    def download(book: Book, request: Request, _raw: bytes) -> bytes:
        return downloads.fetch(book.merchant.mchid, request.query_params.get("token", ""), kit.clock.now())

    return [
        ("GET", "/v3/bill/tradebill", trade),
        ("GET", "/v3/bill/fundflowbill", flows),
        ("GET", "/v3/billdownload/file", download),
    ]


def _billed(bill_date: str, now: datetime) -> date:
    """The day, if its bills are made. Raises Refused."""
    try:
        day = date.fromisoformat(bill_date)
    except ValueError:
        raise Refused("PARAM_ERROR", "账单日期格式错误") from None
    here = now.astimezone(BEIJING)
    if day >= here.date() or day < here.date() - timedelta(days=DAYS_BACK):
        # The code for a day out of range is not documented.
        raise Refused("INVALID_REQUEST", "账单日期不在可下载范围内")
    if day == here.date() - timedelta(days=1) and here.time() < READY_AT:
        raise Refused("STATEMENT_CREATING", "账单生成中")
    return day


def fund_flow_bill(book: Book, bill_date: str, account_type: str, now: datetime) -> bytes:
    """Every movement of money of a Beijing day. Raises Refused.

    All of it happens in the BASIC account. The balance begins each day at an amount of its own: the sandbox
    keeps no account of withdrawals. When a refund's money leaves and how its fee comes back is not documented:
    here both are booked when the refund is accepted.
    """
    day = _billed(bill_date, now)
    if account_type not in {"BASIC", "OPERATION", "FEES"}:
        raise Refused("PARAM_ERROR", "资金账户类型错误")
    flows = sorted(_booked(book, day)) if account_type == "BASIC" else []
    if not flows:
        raise Refused("NO_STATEMENT_EXIST", "账单文件不存在")
    balance = OPENING_BALANCE
    lines = [FUND_COLUMNS]
    for at, business_id, name, kind, amount, voucher in flows:
        balance += amount
        when = f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
        flow_id = hashlib.sha1(f"{business_id}/{kind}/{amount > 0}".encode()).hexdigest()[:28]
        direction = "收入" if amount > 0 else "支出"
        lines.append(
            _row((when, business_id, flow_id, name, kind, direction, yuan(abs(amount)), yuan(balance), "system", "",
                  voucher))
        )  # fmt: skip
    income = [each[4] for each in flows if each[4] > 0]
    expense = [-each[4] for each in flows if each[4] < 0]
    totals = (str(len(flows)), str(len(income)), yuan(sum(income)), str(len(expense)), yuan(sum(expense)))
    lines += [FUND_SUMMARY, _row(totals)]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def _booked(book: Book, day: date) -> Iterator[_Flow]:
    """What moved: as the trades say, but for what somebody misbooked."""
    wrong = {(each.business_id, each.fee): each for each in book.misbooked}
    for at, business_id, name, kind, amount, voucher in _flows(book, day):
        misbooked = wrong.pop((business_id, kind in {FEE_TAKEN, FEE_RETURNED}), None)
        moved = amount if misbooked is None else misbooked.amount
        if moved:
            yield at, business_id, name, kind, moved, voucher
    yield from _shared(book, day)
    for each in wrong.values():
        if _day(each.at) == day and each.amount:
            yield each.at, each.business_id, "交易", FEE_TAKEN if each.fee else "交易", each.amount, ""


def _flows(book: Book, day: date) -> Iterator[_Flow]:
    for order in book.orders.values():
        if order.paid_at is not None and _day(order.paid_at) == day:
            number = order.out_trade_no
            yield order.paid_at, order.transaction_id, "交易", "交易", order.payer_total, number
            if fee := _fen(_fee(order.total)):
                yield order.paid_at, order.transaction_id, "交易", FEE_TAKEN, -fee, number
        for refund in order.standing_refunds():
            if _day(refund.created_at) == day:
                number = refund.out_refund_no
                yield refund.created_at, refund.refund_id, "退款", "退款", -refund.amount, number
                if fee := _fen(_fee(refund.amount)):
                    yield refund.created_at, refund.refund_id, "退款", FEE_RETURNED, fee, number


def _shared(book: Book, day: date) -> Iterator[_Flow]:
    """Parts that arrived elsewhere, and what came back, under the platform's own numbers of them. How the bill names
    these rows is not documented."""
    for entry in book.sharings.values():
        for part in entry.parts:
            own = part.account == book.merchant.mchid
            if part.result == "SUCCESS" and not own and part.finished_at and _day(part.finished_at) == day:
                yield part.finished_at, part.detail_id, "分账", "分账", -part.amount, entry.out_order_no
    for back in book.share_returns.values():
        if back.result == "SUCCESS" and _day(back.created_at) == day:
            yield back.created_at, back.return_id, "分账", "分账回退", back.amount, back.out_return_no


def _fen(fee: int) -> int:
    """Hundred-thousandths of a yuan, rounded to fen."""
    return (fee + 500) // 1000


def trade_bill(book: Book, bill_date: str, now: datetime) -> bytes:
    """The ALL bill of a Beijing day. Raises Refused."""
    day = _billed(bill_date, now)
    payments = [o for o in book.orders.values() if o.paid_at is not None and _day(o.paid_at) == day]
    refunds = [(o, r) for o in book.orders.values() for r in o.refunds if _day(r.created_at) == day]
    if not payments and not refunds:
        raise Refused("NO_STATEMENT_EXIST", "账单文件不存在")
    rows = [(o.paid_at or o.created_at, _payment_row(book, o)) for o in payments]
    rows += [(r.created_at, _refund_row(book, o, r)) for o, r in refunds]
    lines = [COLUMNS, *(row for _, row in sorted(rows))]
    total, refunded = sum(o.total for o in payments), sum(r.amount for _, r in refunds)
    fees = sum(_fee(o.total) for o in payments) - sum(_fee(r.amount) for _, r in refunds)
    settled = sum(o.payer_total for o in payments)
    lines.append(SUMMARY)
    lines.append(
        _row(
            (
                str(len(rows)),
                yuan(settled),
                yuan(refunded),
                "0.00",
                _fee_text(fees),
                yuan(total),
                yuan(refunded),
            )
        )
    )
    # The platform's files begin with a byte order mark and end their lines with CR LF.
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def yuan(fen: int) -> str:
    """Yuan with two decimals."""
    return f"{fen // 100}.{fen % 100:02d}"


def _fee(amount: int) -> int:
    """Hundred-thousandths of a yuan, five decimals as the bill has them."""
    return amount * 1000 * FEE // 1_000_000


def _fee_text(fee: int) -> str:
    sign = "-" if fee < 0 else ""
    return f"{sign}{abs(fee) // 100_000}.{abs(fee) % 100_000:05d}"


def _day(instant: datetime) -> date:
    return instant.astimezone(BEIJING).date()


def _row(values: Iterable[str]) -> str:
    return ",".join("`" + value for value in values)


def _head(book: Book, order: Order, at: datetime, state: str) -> tuple[str, ...]:
    when = f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
    mchid = book.merchant.mchid
    return (
        *(when, order.appid, mchid, "0", "", order.transaction_id, order.out_trade_no, order.payer_openid),
        *(order.trade_type, state, "OTHERS", "CNY"),
    )


def _payment_row(book: Book, order: Order) -> str:
    coupon = order.total - order.payer_total
    return _row(
        (
            *_head(book, order, order.paid_at or order.created_at, "SUCCESS"),
            *(yuan(order.payer_total), yuan(coupon), "0", "0", "0.00", "0.00", "", ""),
            *(order.description, order.attach, _fee_text(_fee(order.total)), "0.60%"),
            *(yuan(order.total), "0.00", ""),
        )
    )


def _refund_row(book: Book, order: Order, refund: RefundEntry) -> str:
    """In refund rows the order's own amounts are 0.00."""
    status = {"CLOSED": "FAIL", "ABNORMAL": "CHANGE"}.get(refund.status, refund.status)
    return _row(
        (
            *_head(book, order, refund.created_at, "REFUND"),
            *("0.00", "0.00", refund.refund_id, refund.out_refund_no, yuan(refund.amount), "0.00"),
            *("ORIGINAL", status, order.description, order.attach, _fee_text(-_fee(refund.amount)), "0.60%"),
            *("0.00", yuan(refund.amount), ""),
        )
    )
