"""What people do around the platform: shoppers pay, tills collect, banks settle refunds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters.payments.sandbox import cash_coupons, certificates, coupons, orders, refunds
from adapters.payments.sandbox.notifications import Post
from adapters.payments.sandbox.state import Book, Misbooking, Order, holding
from adapters.payments.sandbox.wire import Refused, stamp
from sandbox.platform import Action, Kit
from sandbox.world import World


class People:
    """The actions of this platform."""

    def __init__(self, world: World, kit: Kit, all_books: Mapping[str, Book], post: Post) -> None:
        self._world = world
        self._kit = kit
        self._books = all_books
        self._post = post

    def actions(self) -> Mapping[str, Action]:
        """
        ==================  =====================================================================
        pay                 {out_trade_no, payment_request or code_url, mchid?, payer_openid?, cash_coupon?,
                            cash_coupon_id?, crossed?, quiet?}
                            cash_coupon: so many fen of a coupon that nobody sent; cash_coupon_id: of one that was
                            crossed: the payment was under way when the order was closed, and won
                            quiet: the notification is lost, with all its repetitions
        console_refund      {out_trade_no, amount, mchid?}: in the merchant console; it tells nobody
        settle_refund       {out_refund_no, status, mchid?}
        pos_pay             {mchid, person, total, description?}
        misbook             {mchid, amount, business_id?, fee?}: of this transaction_id or refund_id another amount
                            moves than the trade bill says, in fen, 0 for none; fee: the fee does
                            without business_id: money moves as for a trade that nobody knows
        redeem_in_shop      {coupon_code}
        take_coupon         {stock_id, person, notify_url?}
        sign_with           {mchid, kind: public_key | certificate}: notifications from now on
        rotate_certificate  {mchid}: a new 平台证书 signs from now on, the one before stays valid
        probe               {out_trade_no, mchid?}: test traffic that must be refused
        ==================  =====================================================================
        """
        return {
            "pay": self._pay,
            "settle_refund": self._settle_refund,
            "console_refund": self._console_refund,
            "pos_pay": self._pos_pay,
            "misbook": self._misbook,
            "redeem_in_shop": self._redeem,
            "take_coupon": self._take_coupon,
            "sign_with": self._sign_with,
            "rotate_certificate": self._rotate_certificate,
            "probe": self._probe,
        }

    async def _pay(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """``payment_request`` (timeStamp, nonceStr, package, signType, paySign) is checked as WeChat does."""
        book, order = self._order(asked)
        if "payment_request" in asked:
            orders.check_payment_request(book, self._kit, order, asked["payment_request"])
        payer, discount = str(asked.get("payer_openid", "")), int(asked.get("cash_coupon", 0))
        crossed, quiet = bool(asked.get("crossed", False)), bool(asked.get("quiet", False))
        chosen, known = None, None
        if coupon_id := str(asked.get("cash_coupon_id", "")):
            chosen = cash_coupons.taken(book, self._kit, order, coupon_id)
            discount, known = chosen.stock.value, (coupon_id, chosen.stock.stock_id)
        orders.pay(book, self._kit, order, payer, discount, crossed=crossed, coupon=known)
        told = cash_coupons.consumed(book, self._kit, chosen, order) if chosen else None
        if not quiet:
            self._post.send(book, order.notify_url, "TRANSACTION.SUCCESS", orders.describe(book, order))
            if told:
                # To the address of the console: a coupon knows no order's notify_url.
                self._post.send(book, "", "COUPON.USE", told)
        return {"transaction_id": order.transaction_id, "payer_total": order.payer_total}

    async def _settle_refund(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        number, status = str(asked["out_refund_no"]), str(asked["status"])
        book = self._holding(asked, lambda candidate: number in candidate.refunds, f"refund {number}")
        order, entry = book.refunds[number]
        refunds.settle(book, self._kit, entry, status)
        self._post.send(book, entry.notify_url, f"REFUND.{status}", refunds.notified(book, order, entry))
        return {"refund_id": entry.refund_id, "status": entry.status}

    async def _console_refund(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        book, order = self._order(asked)
        entry = refunds.by_hand(book, self._kit, order, int(asked["amount"]))
        return {"out_refund_no": entry.out_refund_no, "refund_id": entry.refund_id}

    async def _pos_pay(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """``person`` is a key of the world; a person without an openid in the mchid's apps pays unseen."""
        book = self._books.get(str(asked["mchid"]))
        person = self._world.people.get(str(asked["person"]))
        total = int(asked["total"])
        if book is None or person is None or total < 1:
            raise ValueError("pos_pay needs a known mchid, a known person and a total of 1 fen or more")
        appid = next((app for app in book.merchant.appids if app in person.openids), book.merchant.appids[0])
        description = str(asked.get("description", "门店收款"))
        openid = person.openids.get(appid, "")
        order = orders.pos_pay(book, self._kit, openid, appid, total, description)
        return {"out_trade_no": order.out_trade_no, "transaction_id": order.transaction_id}

    async def _misbook(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        book, now = self._books[str(asked["mchid"])], self._kit.clock.now()
        business_id = str(asked.get("business_id") or f"4299{now:%Y%m%d%H%M%S%f}")
        book.misbooked.append(Misbooking(now, business_id, int(asked["amount"]), bool(asked.get("fee", False))))
        return {"business_id": business_id}

    async def _redeem(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        code = str(asked["coupon_code"])
        book = self._holding(asked, lambda candidate: code in candidate.coupons, f"coupon {code}")
        coupon = book.coupons[code]
        try:
            body = {"appid": book.merchant.appids[0], "coupon_code": code}
            return coupons.redeem(book, self._kit, coupon, f"POS{code}", body)
        except Refused as refused:
            raise ValueError(f"{refused.code}: {refused.message}") from refused

    async def _take_coupon(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """``notify_url`` is the address that the merchant set for events of its coupons."""
        stock = next((each for each in self._world.coupon_stocks if each.stock_id == asked["stock_id"]), None)
        person = self._world.people.get(str(asked["person"]))
        if stock is None or person is None:
            raise ValueError("take_coupon needs a known stock_id and a known person")
        book = self._books[stock.mchid]
        appid = next((app for app in book.merchant.appids if app in person.openids), None)
        if appid is None:
            raise ValueError("this person has no openid in an app of the merchant")
        coupon = coupons.give(book, self._kit, stock, person)
        content = {
            "event_type": "EVENT_TYPE_BUSICOUPON_SEND",
            "coupon_code": coupon.code,
            "stock_id": stock.stock_id,
            "send_time": stamp(coupon.received_at),
            "openid": person.openids[appid],
            "unionid": person.unionid,
            "send_channel": "BUSICOUPON_SEND_CHANNEL_MINIAPP",
            "send_merchant": stock.mchid,
        }
        self._post.send(book, str(asked.get("notify_url", "")), "COUPON.SEND", content)
        return {"coupon_code": coupon.code}

    async def _sign_with(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        mchid, kind = str(asked["mchid"]), str(asked["kind"])
        if mchid not in self._books or kind not in {"public_key", "certificate"}:
            raise ValueError("sign_with needs a known mchid and the kind public_key or certificate")
        return {"serial": self._post.sign_with(mchid, kind).serial}

    async def _rotate_certificate(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        mchid = str(asked["mchid"])
        if mchid not in self._books:
            raise ValueError("rotate_certificate needs a known mchid")
        return {"serial": certificates.rotate(self._books[mchid])}

    async def _probe(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        book, order = self._order(asked)
        content = orders.describe(book, order)
        self._post.send(book, order.notify_url, "TRANSACTION.SUCCESS", content, probe=True)
        return {"probed": order.out_trade_no}

    def _order(self, asked: Mapping[str, Any]) -> tuple[Book, Order]:
        number = str(asked["out_trade_no"]) if "out_trade_no" in asked else self._shown(asked)
        book = self._holding(asked, lambda candidate: number in candidate.orders, f"order {number}")
        return book, book.orders[number]

    def _shown(self, asked: Mapping[str, Any]) -> str:
        """The order that a phone is asked to pay: it knows no number but the prepay_id, or the code it scanned."""
        code_url = asked.get("code_url")
        prepay_id = "" if code_url else str(asked["payment_request"]["package"]).removeprefix("prepay_id=")
        for book in self._books.values():
            for order in book.orders.values():
                if prepay_id in order.prepay_ids or code_url in order.code_urls:
                    return order.out_trade_no
        raise ValueError("no order at 微信支付 has this prepay_id or code")

    def _holding(self, asked: Mapping[str, Any], holds: Callable[[Book], bool], what: str) -> Book:
        return holding(self._books, asked, holds, what)
