"""Verify, open and decode what 微信支付 sends (vendor page 4012075249)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Protocol

import msgspec

from adapters.base.webhooks import InboundEvent, Received, WebhookRefused, WebhookReply, WebhookRequest
from adapters.payments.models import Instant, Notification
from adapters.payments.signing import Unopened, Unverified, open_resource

#: 200 or 204 is taken as done; anything else, or five seconds of silence, is repeated for a day.
OK: Final = WebhookReply(204, b"", "application/json")

_ALGORITHM: Final = "AEAD_AES_256_GCM"


class Verifies(Protocol):
    """Knows the platform's keys."""

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Raises Unverified."""
        ...


def receive(request: WebhookRequest, *, mchid: str, key: bytes, verifier: Verifies, now: datetime) -> Received:
    """One notification as one event. Raises WebhookRefused.

    The order matters: method, signature over the raw bytes and its age, shape, decryption, addressee.
    """
    if request.method != "POST":
        raise WebhookRefused("method", "微信支付 notifies by POST", status=405)
    try:
        verifier.verify(request.headers, request.body, now)
    except Unverified as error:
        reason = "stale" if error.reason == "stale" else "signature"
        raise WebhookRefused(reason, f"the notification's signature does not hold: {error.reason}") from error
    try:
        envelope = msgspec.json.decode(request.body, type=Notification)
        if envelope.resource.algorithm != _ALGORITHM:
            raise WebhookRefused("shape", f"the resource must be {_ALGORITHM}", status=400)
        payload = msgspec.json.decode(_opened(envelope, key), type=dict[str, object])
        event = _event(envelope, payload)
    except (msgspec.MsgspecError, ValueError):
        # The cause may quote the notification.
        raise WebhookRefused("shape", "the notification is not of the documented shape", status=400) from None
    # A sharing is told to its receivers, and names who shared; that our key opened it says for whom it is.
    addressee = mchid if event.kind.startswith("PROFITSHARING.") else payload.get("mchid", mchid)
    if addressee != mchid:
        raise WebhookRefused("shape", "the notification is for another mchid", status=400)
    return Received(OK, (event,))


def _opened(envelope: Notification, key: bytes) -> bytes:
    resource = envelope.resource
    try:
        return open_resource(key, resource.nonce, resource.associated_data, resource.ciphertext)
    except Unopened as error:
        raise WebhookRefused("shape", "`apiv3_key` does not open the notification", status=400) from error


def _event(envelope: Notification, payload: dict[str, object]) -> InboundEvent:
    number, entity = _business(envelope, payload)
    told = payload.get("success_time") or payload.get("update_time") or envelope.create_time
    happened = msgspec.convert(told, Instant)
    return InboundEvent(
        kind=envelope.event_type,
        dedupe_key=f"{envelope.event_type}:{number}",
        entity=entity,
        occurred_at=happened.astimezone(UTC),
        payload=payload,
    )


def _business(envelope: Notification, payload: dict[str, object]) -> tuple[str, str]:
    """What the event is about, and within which entity it is ordered.

    Deliveries of one event overlap, and each is encrypted and signed anew: only the business number
    tells that two are the same.
    """
    order = payload.get("out_trade_no")
    if refund := payload.get("out_refund_no"):
        return str(refund), f"order:{order}"
    if order:
        return str(order), f"order:{order}"
    if transfer := payload.get("out_bill_no"):
        return str(transfer), f"transfer:{transfer}"
    if sharing := payload.get("order_id"):
        # One event for each receiver of it; a part that comes back in two pieces is two events.
        receiver = payload.get("receiver")
        parts = receiver if isinstance(receiver, dict) else {}
        number = f"{sharing}:{parts.get('account', '')}:{parts.get('amount', '')}:{payload.get('success_time', '')}"
        return number, f"sharing:{sharing}"
    if cash_coupon := payload.get("coupon_id"):
        return str(cash_coupon), f"cash_coupon:{cash_coupon}"
    if coupon := payload.get("coupon_code"):
        return str(coupon), f"coupon:{coupon}"
    return envelope.id, f"event:{envelope.id}"
