"""What WeChat sends to the merchant, and how stubbornly."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from adapters.payments.sandbox.state import Book
from adapters.payments.sandbox.wire import LOOPBACK, PlatformKey, encrypt, stamp
from sandbox.clock import BEIJING
from sandbox.http1 import Answer
from sandbox.platform import Kit
from sandbox.pusher import Push

#: Seconds between tries: fifteen of them, about a day.
SCHEDULE = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
SIGNTEST = "WECHATPAY/SIGNTEST/"
SUMMARIES = {
    "TRANSACTION.SUCCESS": "支付成功",
    "REFUND.SUCCESS": "退款成功",
    "REFUND.ABNORMAL": "退款异常",
    "REFUND.CLOSED": "退款关闭",
    "COUPON.SEND": "商家券领券",
    "COUPON.USE": "代金券核销通知",
    "MCHTRANSFER.BILL.FINISHED": "商家转账单据终态通知",
    "PROFITSHARING.SUCCESS": "分账成功",
    "PROFITSHARING.RETURN": "分账回退成功",
}
#: ``original_type`` by the first word of the event; published samples of coupons have none.
_ORIGINAL = {"REFUND": "refund", "COUPON": "", "MCHTRANSFER": "mch_payment", "PROFITSHARING": "profitsharing"}


@dataclass(frozen=True, slots=True)
class Notice:
    """One event: its id and content stay, its ciphertext and headers are new on each try."""

    id: str
    event_type: str
    original_type: str
    content: Mapping[str, Any]
    created: str

    def body(self, apiv3_key: str) -> bytes:
        """The envelope, encrypted anew."""
        sealed = encrypt(apiv3_key, orjson.dumps(dict(self.content)), self.original_type)
        return orjson.dumps(
            {
                "id": self.id,
                "create_time": self.created,
                "resource_type": "encrypt-resource",
                "event_type": self.event_type,
                "summary": SUMMARIES.get(self.event_type, ""),
                "resource": {"original_type": self.original_type, **sealed},
            }
        )


class Post:
    """Sends for all merchants, with the key that each one's notifications are signed with at the time."""

    def __init__(self, kit: Kit, key_of: Callable[[str, str], PlatformKey]) -> None:
        self._kit = kit
        self._key_of = key_of
        #: ``public_key`` or ``certificate``, per mchid; in a migration either may come.
        self._kinds: dict[str, str] = {}

    def sign_with(self, mchid: str, kind: str) -> PlatformKey:
        """From now on."""
        self._kinds[mchid] = kind
        return self._key_of(mchid, kind)

    def send(self, book: Book, url: str, event_type: str, content: Mapping[str, Any], *, probe: bool = False) -> None:
        """See ``notify``."""
        mchid = book.merchant.mchid
        key = self._key_of(mchid, self._kinds.get(mchid, "public_key"))
        notify(book, self._kit, key, url, event_type, content, probe=probe)


def notify(
    book: Book,
    kit: Kit,
    key: PlatformKey,
    url: str,
    event_type: str,
    content: Mapping[str, Any],
    *,
    probe: bool = False,
) -> None:
    """Start delivering to ``url``, or to the account's console target where that is off this machine.

    A sandbox never calls out: without a loopback address nothing is sent. ``probe`` sends the
    platform's test traffic, whose signature must be refused.
    """
    mchid = book.merchant.mchid
    target = url if urlsplit(url).hostname in LOOPBACK else kit.pusher.target("payments", mchid)
    if not target:
        return
    now = kit.clock.now()
    notice = Notice(
        f"EV-{now.astimezone(BEIJING):%Y%m%d%H%M%S}{secrets.randbelow(10**6):06d}",
        event_type,
        _ORIGINAL.get(event_type.partition(".")[0], "transaction"),
        content,
        stamp(now),
    )

    def build() -> Push:
        body = notice.body(book.merchant.apiv3_key)
        headers = key.headers(body, kit.clock.now())
        if probe:
            headers["Wechatpay-Signature"] = SIGNTEST + headers["Wechatpay-Signature"]
        return Push("POST", target, {**headers, "Content-Type": "application/json"}, body)

    accept = _refused if probe else _done
    pauses = () if probe else tuple(float(seconds) for seconds in SCHEDULE)
    kit.pusher.push("payments", mchid, event_type, build, accept=accept, retry_after=pauses)


def _done(answer: Answer) -> bool:
    return answer.status in {200, 204}


def _refused(answer: Answer) -> bool:
    return answer.status >= 400
