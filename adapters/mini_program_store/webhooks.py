"""Message push (消息推送) of mini-programs and stores: verified, keyed, and turned into hints.

The store tries ten times over some 3.6 hours, delivers at least once and in no order, and its events carry
no id; whether each attempt is signed anew is not documented. Vendor page: doc/store/shop/notify.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.base.webhooks import InboundEvent, Received, WebhookRequest
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.records.after_sales import AfterSaleKind, AfterSaleState
from adapters.mini_program_store.records.hints import AfterSaleChanged, OrderChanged, ProductChanged
from adapters.wechat.callbacks import CallbackCrypto, Callbacks
from adapters.wechat.subscribe import EVENTS as SUBSCRIBE_EVENTS
from adapters.wechat.subscribe import subscribe_records

#: A push is taken this long after it was signed: the platform's whole retry schedule, and a little.
RETRIES_LAST: Final = timedelta(hours=4)

_ORDER_EVENTS: Final = {
    "channels_ec_order_new": "CREATED",
    "channels_ec_order_cancel": "CANCELLED",
    "channels_ec_order_pay": "PAID",
    "channels_ec_order_wait_shipping": "AWAITING_SHIPMENT",
    "channels_ec_order_deliver": "SHIPPED",
    "channels_ec_order_confirm": "CONFIRMED",
    "channels_ec_order_settle": "SETTLED",
    "channels_ec_order_ext_info_update": "UPDATED",
    "product_order_status_update": "UPDATED",
}
_PRODUCT_EVENTS: Final = {
    "product_spu_audit": "AUDITED",
    "product_spu_listing": "LISTED",
    "product_spu_update": "UPDATED",
    "channels_ec_stock_no_enough": "STOCK_LOW",
}
#: ``status`` of an audit's event.
_AUDITS: Final = {"2": False, "3": True}
_AFTER_SALE_EVENT: Final = "channels_ec_aftersale_update"
#: Which id an event is about, the most particular first, and how its entity is called.
_SUBJECTS: Final = (
    ("after_sale_order_id", "after_sale"),
    ("order_id", "order"),
    ("product_id", "product"),
    ("coupon_id", "coupon"),
)

#: ``type`` and ``status`` as the platform spells them, once wrongly.
AFTER_SALE_KINDS: Final = {kind.value: kind for kind in AfterSaleKind}
AFTER_SALE_STATES: Final = {
    "USER_CANCELD": AfterSaleState.CANCELLED,
    "RETURN_CLOSED": AfterSaleState.CANCELLED,
    "MERCHANT_PROCESSING": AfterSaleState.AWAITING_MERCHANT,
    "MERCHANT_WAIT_RECEIPT": AfterSaleState.AWAITING_MERCHANT,
    "MERCHANT_REJECT_REFUND": AfterSaleState.REJECTED,
    "MERCHANT_REJECT_RETURN": AfterSaleState.REJECTED,
    "USER_WAIT_RETURN": AfterSaleState.AWAITING_BUYER,
    "USER_WAIT_CONFIRM": AfterSaleState.AWAITING_BUYER,
    "USER_WAIT_CONFIRM_UPDATE": AfterSaleState.AWAITING_BUYER,
    "USER_WAIT_HANDLE_MERCHANT_AFTER_SALE": AfterSaleState.AWAITING_BUYER,
    "MERCHANT_OVERDUE_REFUND": AfterSaleState.REFUNDING,
    "PLATFORM_REFUNDING": AfterSaleState.REFUNDING,
    "PLATFORM_REFUND_FAIL": AfterSaleState.REFUNDING,
    "MERCHANT_REFUND_RETRY_FAIL": AfterSaleState.REFUNDING,
    "MERCHANT_FAIL": AfterSaleState.REFUNDING,
    "MERCHANT_REFUND_SUCCESS": AfterSaleState.SUCCEEDED,
    "MERCHANT_RETURN_SUCCESS": AfterSaleState.SUCCEEDED,
    "MERCHANT_EXCHANGE_SUCCESS": AfterSaleState.SUCCEEDED,
}


@dataclass(frozen=True, slots=True)
class MessagePush:
    """The push URL of one appid."""

    appid: str
    gh_id: str
    callbacks: Callbacks

    @classmethod
    def of(cls, config: MiniProgramStoreConfig) -> MessagePush:
        """Raises ValueError for an EncodingAESKey of the wrong form."""
        crypto = CallbackCrypto(config.callback_token, config.aes_key, config.appid)
        return cls(config.appid, config.gh_id, Callbacks(crypto, config.encrypted))

    def receive(self, request: WebhookRequest, now: datetime) -> Received:
        """See ``ReceivesWebhooks.receive``."""
        return self.callbacks.receive(request, _judged_at(request, now), self._event)

    def _event(self, payload: Mapping[str, object]) -> InboundEvent:
        if payload["ToUserName"] != self.gh_id:
            raise ValueError("the push is addressed to another account")
        name, created = str(payload.get("Event") or payload["MsgType"]), int(str(payload["CreateTime"]))
        entity = _entity(payload)
        return InboundEvent(
            kind=name,
            dedupe_key=f"{name}:{entity}:{created}:{_digest(payload)}",
            entity=entity,
            occurred_at=datetime.fromtimestamp(created, UTC),
            payload=payload,
        )


def hints(appid: str, event: InboundEvent) -> Sequence[object]:
    """What to read again because of an event, and what was answered about subscribe messages; nothing for events that
    are known and unused."""
    fields, name, at = _fields(event.payload), event.kind.lower(), event.occurred_at
    if name in SUBSCRIBE_EVENTS:
        return subscribe_records(name, event.payload, appid, at)
    if name == _AFTER_SALE_EVENT and "after_sale_order_id" in fields:
        state = AFTER_SALE_STATES.get(fields.get("status", ""), AfterSaleState.OTHER)
        ids = fields["after_sale_order_id"], fields.get("order_id", "")
        return (AfterSaleChanged(appid, *ids, state, at),)
    if name in _ORDER_EVENTS and "order_id" in fields:
        partly = name == "channels_ec_order_deliver" and fields.get("finish_delivery") == "0"
        kind = "PARTLY_SHIPPED" if partly else _ORDER_EVENTS[name]
        return (OrderChanged(appid, fields["order_id"], kind, at),)
    if name in _PRODUCT_EVENTS and "product_id" in fields:
        gone = name == "product_spu_listing" and fields.get("status") != "5"
        kind = "DELISTED" if gone else _PRODUCT_EVENTS[name]
        if kind != "AUDITED":
            return (ProductChanged(appid, fields["product_id"], kind, at),)
        passed, reason = _AUDITS.get(fields.get("status", "")), fields.get("reason", "")
        return (ProductChanged(appid, fields["product_id"], kind, at, passed, reason),)
    return ()


def _judged_at(request: WebhookRequest, now: datetime) -> datetime:
    """The instant to judge a push's freshness by.

    A retry may carry the signature of the first attempt, so one that was made within the platform's
    retry schedule counts as made now. Older ones, and those from the future, are judged as they are.
    """
    stamp = request.query.get("timestamp", "")
    if request.method != "POST" or not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        return now
    signed = datetime.fromtimestamp(int(stamp), UTC) if int(stamp) <= now.timestamp() else now
    return signed if now - signed <= RETRIES_LAST else now


def _entity(payload: Mapping[str, object]) -> str:
    fields = _fields(payload)
    for name, kind in _SUBJECTS:
        if fields.get(name):
            return f"{kind}:{fields[name]}"
    return f"user:{payload.get('FromUserName', '')}"


def _fields(payload: Mapping[str, object]) -> dict[str, str]:
    """The fields of the event's one body object, whatever its key, as text.

    The key differs from event to event and from page to page, and ids come quoted or bare.
    """
    bodies = (value for value in payload.values() if isinstance(value, Mapping))
    return {str(name): str(value) for body in bodies for name, value in body.items()}


def _digest(payload: Mapping[str, object]) -> str:
    """The same for every delivery, quoted numbers or not."""
    text = "\n".join(f"{name}={value}" for name, value in sorted(_fields(payload).items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
