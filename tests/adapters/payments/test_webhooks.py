"""Notifications: the genuine, the forged, the stale, the repeated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from adapters.base.webhooks import Received, WebhookRefused, WebhookRequest
from adapters.payments import (
    TOOL,
    CashCouponUsed,
    CouponReceived,
    Payment,
    PaymentNotice,
    PaymentsAdapter,
    PaymentState,
    RefundNotice,
    RefundState,
    ShareNotice,
    TransferNotice,
    TransferState,
)
from adapters.payments.sandbox.notifications import SCHEDULE
from adapters.payments.sandbox.wire import PlatformKey, encrypt
from adapters.payments.signing import Verifier
from adapters.payments.webhooks import receive
from sandbox.server import Sandbox
from tests.adapters.payments import vectors
from tests.adapters.payments.conftest import act
from tests.adapters.payments.products import FRANCHISE, arrived, cash_send, share_return, transfer
from tests.adapters.payments.shopping import NUMBER, hero_order, intent, refund_intent
from tests.conftest import EVENING, OpenTool

MCHID = "1900007291"


class Receiver:
    """A merchant's endpoint on loopback that keeps what arrives and answers as it is told."""

    def __init__(self) -> None:
        self.requests: list[WebhookRequest] = []
        self.statuses: list[int] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append(WebhookRequest(head[0].split(" ")[0], {}, headers, body))
        status = self.statuses.pop(0) if self.statuses else 204
        writer.write(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
        await writer.drain()
        writer.close()


@pytest.fixture
async def merchant() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks/payments/{MCHID}"
    async with server:
        yield receiver


async def paid(adapter: PaymentsAdapter, sandbox: Sandbox, merchant: Receiver) -> WebhookRequest:
    """A genuine TRANSACTION.SUCCESS, as it arrived."""
    await adapter.prepay(adapter.prepay_body(intent(sandbox, notify_url=merchant.url)))
    await act(sandbox, "pay", out_trade_no=NUMBER)
    await sandbox.kit.pusher.settle()
    return merchant.requests[-1]


def changed(request: WebhookRequest, body: bytes | None = None, **headers: str) -> WebhookRequest:
    """The request with other headers or another body."""
    named = {f"wechatpay-{name}": value for name, value in headers.items()}
    return WebhookRequest(request.method, {}, {**request.headers, **named}, request.body if body is None else body)


async def test_a_payment_is_notified_to_the_prepays_own_url(
    adapter: PaymentsAdapter, sandbox: Sandbox, merchant: Receiver
) -> None:
    received = await adapter.receive(await paid(adapter, sandbox, merchant))
    assert (received.reply.status, received.reply.body) == (204, b"")
    (event,) = received.events
    assert (event.kind, event.dedupe_key) == ("TRANSACTION.SUCCESS", f"TRANSACTION.SUCCESS:{NUMBER}")
    assert (event.entity, event.claim) == (f"order:{NUMBER}", False)
    (notice,) = adapter.interpret(event)
    assert isinstance(notice, PaymentNotice)
    assert notice.payment == await adapter.payment(NUMBER)
    assert notice.payment.state is PaymentState.SUCCESS
    assert notice.payment.paid_at == event.occurred_at
    assert "openid" not in repr(event) + repr(notice.payment)


async def test_each_try_is_encrypted_and_signed_anew_and_means_the_same(
    adapter: PaymentsAdapter, sandbox: Sandbox, merchant: Receiver
) -> None:
    sandbox.kit.pusher.pace = 0.0
    merchant.statuses = [500, 400, 204]
    await paid(adapter, sandbox, merchant)
    events = [(await adapter.receive(request)).events[0] for request in merchant.requests]
    assert len(merchant.requests) == 3
    assert len({request.body for request in merchant.requests}) == 3
    assert len({request.headers["wechatpay-nonce"] for request in merchant.requests}) == 3
    assert len({event.dedupe_key for event in events}) == 1
    assert [d.state for d in sandbox.kit.pusher.deliveries] == ["done"]


async def test_the_platform_gives_up_after_a_day(
    adapter: PaymentsAdapter, sandbox: Sandbox, merchant: Receiver
) -> None:
    sandbox.kit.pusher.pace = 0.0
    merchant.statuses = [500] * 20
    await paid(adapter, sandbox, merchant)
    assert len(merchant.requests) == 16
    assert sum(SCHEDULE) == 86640
    assert [d.state for d in sandbox.kit.pusher.deliveries] == ["failed"]


@pytest.mark.parametrize("status", ["SUCCESS", "ABNORMAL", "CLOSED"])
async def test_a_refund_is_notified(
    adapter: PaymentsAdapter, sandbox: Sandbox, merchant: Receiver, status: str
) -> None:
    asked = refund_intent(sandbox)
    sandbox.kit.pusher.targets[("payments", MCHID)] = merchant.url
    await adapter.refund(asked)
    await act(sandbox, "settle_refund", out_refund_no=asked.out_refund_no, status=status)
    await sandbox.kit.pusher.settle()
    (event,) = (await adapter.receive(merchant.requests[0])).events
    (notice,) = adapter.interpret(event)
    assert (event.kind, event.entity) == (f"REFUND.{status}", f"order:{asked.out_trade_no}")
    assert event.dedupe_key == f"REFUND.{status}:{asked.out_refund_no}"
    assert isinstance(notice, RefundNotice)
    assert (notice.refund.state, notice.refund.amount) == (RefundState(status), 5900)
    assert (notice.refund.succeeded_at is None) == (status != "SUCCESS")
    assert notice.refund.transaction_id == hero_order(sandbox).transaction_id


async def test_notifications_signed_by_the_old_certificate_are_believed(
    adapter: PaymentsAdapter, sandbox: Sandbox, merchant: Receiver
) -> None:
    await act(sandbox, "sign_with", mchid=MCHID, kind="certificate")
    request = await paid(adapter, sandbox, merchant)
    assert request.headers["wechatpay-serial"] == "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
    assert len((await adapter.receive(request)).events) == 1


async def test_test_traffic_is_refused_and_the_genuine_message_follows(
    adapter: PaymentsAdapter, sandbox: Sandbox, merchant: Receiver
) -> None:
    merchant.statuses = [204, 401]
    genuine = await paid(adapter, sandbox, merchant)
    await act(sandbox, "probe", out_trade_no=NUMBER)
    await sandbox.kit.pusher.settle()
    with pytest.raises(WebhookRefused) as caught:
        await adapter.receive(merchant.requests[1])
    assert (caught.value.reason, caught.value.status) == ("signature", 401)
    assert sandbox.kit.pusher.deliveries[1].state == "done"
    assert len((await adapter.receive(genuine)).events) == 1


async def test_forgeries_are_refused(adapter: PaymentsAdapter, sandbox: Sandbox, merchant: Receiver) -> None:
    genuine = await paid(adapter, sandbox, merchant)
    forged = {
        "body": changed(genuine, genuine.body.replace(b"TRANSACTION", b"TRANSACTIOM")),
        "nonce": changed(genuine, nonce="other"),
        "signature": changed(genuine, signature="AAAA"),
        "unsigned": changed(genuine, signature=""),
        "serial": changed(genuine, serial="PUB_KEY_ID_09"),
        "certificate": changed(genuine, serial="5157F09EFDC096DE15EBE81A47057A7232F1B8E1"),
    }
    for name, request in forged.items():
        with pytest.raises(WebhookRefused) as caught:
            await adapter.receive(request)
        assert (name, caught.value.reason, caught.value.status) == (name, "signature", 401)
    with pytest.raises(WebhookRefused) as caught:
        await adapter.receive(WebhookRequest("GET", {}, genuine.headers, b""))
    assert (caught.value.reason, caught.value.status) == ("method", 405)


async def test_a_stale_notification_is_refused(adapter: PaymentsAdapter, sandbox: Sandbox, merchant: Receiver) -> None:
    genuine = await paid(adapter, sandbox, merchant)
    sandbox.kit.clock.advance(timedelta(seconds=301))
    with pytest.raises(WebhookRefused) as caught:
        await adapter.receive(genuine)
    assert caught.value.reason == "stale"


def test_the_published_notification() -> None:
    timestamp, nonce, body, signature = vectors.ANSWERS["N1"]
    headers = {
        "wechatpay-timestamp": timestamp,
        "wechatpay-nonce": nonce,
        "wechatpay-signature": signature,
        "wechatpay-serial": "PUB_KEY_ID_01",
    }
    received = taken(WebhookRequest("POST", {}, headers, body.encode()), int(timestamp))
    assert received.events[0].payload["transaction_id"] == "4200001234202601310123456789"
    assert received.events[0].occurred_at == datetime(2026, 1, 31, 2, 20, 30, tzinfo=UTC)


def taken(request: WebhookRequest, now: int, mchid: str = vectors.MCHID) -> Received:
    """What the receiver makes of a request signed with the sample key."""
    key = vectors.APIV3_KEY.encode()
    verifier = Verifier({"PUB_KEY_ID_01": vectors.KEY.public_key()})
    at = datetime.fromtimestamp(now, UTC)
    return receive(request, mchid=mchid, key=key, verifier=verifier, now=at)


def made(content: object, *, event_type: str = "TRANSACTION.SUCCESS", **resource: str) -> WebhookRequest:
    """A notification signed with the sample key."""
    sealed = encrypt(vectors.APIV3_KEY, orjson.dumps(content), "") | resource
    value = {
        "id": "EV-1",
        "create_time": "2026-11-11T21:00:00+08:00",
        "event_type": event_type,
        "resource": sealed,
    }
    body = orjson.dumps(value)
    headers = PlatformKey("PUB_KEY_ID_01", vectors.KEY).headers(body, EVENING)
    return WebhookRequest("POST", {}, {name.lower(): text for name, text in headers.items()}, body)


@pytest.mark.parametrize(
    "request_",
    [
        made([]),
        made({"mchid": "1900000000", "out_trade_no": "SR000001"}),
        made({"mchid": MCHID}, algorithm="AEAD_SM4_GCM"),
        made({"mchid": MCHID}, ciphertext="AAAA"),
        made({"mchid": MCHID}, associated_data="other"),
        made({"mchid": MCHID, "success_time": "yesterday"}),
    ],
    ids=["list", "other mchid", "algorithm", "ciphertext", "associated data", "time"],
)
def test_signed_but_unreadable(request_: WebhookRequest) -> None:
    with pytest.raises(WebhookRefused) as caught:
        taken(request_, int(EVENING.timestamp()))
    assert (caught.value.reason, caught.value.status) == ("shape", 400)


def test_a_coupon_that_was_taken(adapter: PaymentsAdapter) -> None:
    content = {
        "event_type": "EVENT_TYPE_BUSICOUPON_SEND",
        "coupon_code": "1000000000000000000001",
        "stock_id": "98065001",
        "send_time": "2026-11-11T21:00:00+08:00",
        "openid": "oTestOpenid0000000000000001",
        "unionid": "o6_Test",
    }
    (event,) = taken(made(content, event_type="COUPON.SEND"), int(EVENING.timestamp())).events
    assert event.dedupe_key == "COUPON.SEND:1000000000000000000001"
    at = datetime(2026, 11, 11, 13, tzinfo=UTC)
    assert adapter.interpret(event) == (
        CouponReceived(MCHID, "98065001", "1000000000000000000001", "oTestOpenid0000000000000001", "o6_Test", at),
    )


def test_an_event_of_tomorrow_is_kept_and_means_nothing_yet(adapter: PaymentsAdapter) -> None:
    (event,) = taken(made({"x": 1}, event_type="NEW.KIND"), int(EVENING.timestamp())).events
    assert (event.dedupe_key, event.entity) == ("NEW.KIND:EV-1", "event:EV-1")
    assert adapter.interpret(event) == ()


async def test_a_sandbox_never_calls_out(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    await adapter.prepay(adapter.prepay_body(intent(sandbox)))
    await act(sandbox, "pay", out_trade_no=NUMBER)
    assert sandbox.kit.pusher.deliveries == []
    payment = await adapter.payment(NUMBER)
    assert isinstance(payment, Payment)
    assert payment.state is PaymentState.SUCCESS


async def test_a_transfer_a_share_and_a_cash_coupon_are_told(
    adapter: PaymentsAdapter, sandbox: Sandbox, merchant: Receiver, open_tool: OpenTool
) -> None:
    """Each to whom it concerns: the share to the franchise, under its own keys, though another merchant shared."""
    franchise: PaymentsAdapter = await open_tool(TOOL, sandbox, "xian")
    for mchid in (MCHID, FRANCHISE):
        sandbox.kit.pusher.targets["payments", mchid] = merchant.url
    await adapter.send_transfer(transfer(sandbox, notify_url=merchant.url))
    await adapter.cancel_transfer("TB20261111000001")
    await act(sandbox, "settle_transfer", out_bill_no="TB20261111000001")
    await arrived(adapter, sandbox)
    await adapter.return_share(share_return())
    await act(sandbox, "settle_share_return", out_return_no="RT20261111000001")
    coupon = await adapter.send_cash_coupon(cash_send(sandbox))
    await adapter.prepay(adapter.prepay_body(intent(sandbox)))
    await act(sandbox, "pay", out_trade_no=NUMBER, cash_coupon_id=coupon)
    await sandbox.kit.pusher.settle()

    found: dict[str, object] = {}
    for request in merchant.requests:
        for owner in (adapter, franchise):
            with suppress(WebhookRefused):
                (event,) = (await owner.receive(request)).events
                (notice,) = owner.interpret(event)
                found[f"{owner.account} {event.kind} {event.entity.partition(':')[0]}"] = notice
    assert found.pop(f"{MCHID} TRANSACTION.SUCCESS order") is not None
    told = found[f"{MCHID} MCHTRANSFER.BILL.FINISHED transfer"]
    assert isinstance(told, TransferNotice)
    assert (told.transfer.state, told.transfer.fail_reason) == (TransferState.CANCELLED, "MCH_CANCEL")
    used = found[f"{MCHID} COUPON.USE cash_coupon"]
    assert isinstance(used, CashCouponUsed)
    assert (used.coupon_id, used.amount) == (coupon, 1000)
    shares = [found[f"{FRANCHISE} PROFITSHARING.{kind} sharing"] for kind in ("SUCCESS", "RETURN")]
    assert [(s.mchid, s.amount, s.returned) for s in shares if isinstance(s, ShareNotice)] == [
        (MCHID, 500, False),
        (MCHID, 200, True),
    ]
    assert len(found) == 4
