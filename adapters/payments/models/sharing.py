"""Profit sharing (分账)."""

from __future__ import annotations

import msgspec

from adapters.payments.models.envelopes import Instant


class ReceiverRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of ``POST …/receivers/add``, and without relation and name of ``…/receivers/delete``."""

    appid: str
    type: str
    account: str
    relation_type: str = ""
    custom_relation: str = ""
    name: str = ""


class ReceiverAdded(msgspec.Struct, frozen=True):
    """Answer of both."""

    type: str
    account: str


class SharePartAsked(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of ``receivers`` of an order; ``name`` is encrypted."""

    type: str
    account: str
    amount: int
    description: str
    name: str = ""


class ShareRequest(msgspec.Struct, frozen=True):
    """Body of ``POST …/orders``."""

    appid: str
    transaction_id: str
    out_order_no: str
    receivers: tuple[SharePartAsked, ...]
    unfreeze_unsplit: bool


class SharePart(msgspec.Struct, frozen=True):
    """One of ``receivers`` of an answer."""

    type: str
    account: str
    amount: int
    result: str
    description: str = ""
    fail_reason: str = ""
    detail_id: str = ""
    finish_time: Instant | None = None


class Sharing(msgspec.Struct, frozen=True):
    """A profit-sharing order (分账单)."""

    transaction_id: str
    out_order_no: str
    order_id: str
    state: str
    receivers: tuple[SharePart, ...] = ()


class UnfreezeRequest(msgspec.Struct, frozen=True):
    """Body of ``POST …/orders/unfreeze``."""

    transaction_id: str
    out_order_no: str
    description: str


class ShareReturnRequest(msgspec.Struct, frozen=True):
    """Body of ``POST …/return-orders``."""

    out_order_no: str
    out_return_no: str
    return_mchid: str
    amount: int
    description: str


class ShareReturn(msgspec.Struct, frozen=True):
    """Answer of ``POST …/return-orders`` and of its query."""

    return_id: str
    result: str
    out_return_no: str = ""
    amount: int | None = None
    fail_reason: str = ""


class UnsharedAmount(msgspec.Struct, frozen=True):
    """Answer of ``GET …/transactions/{transaction_id}/amounts``."""

    transaction_id: str
    unsplit_amount: int


class ShareNotified(msgspec.Struct, frozen=True):
    """``receiver`` of a notification."""

    type: str
    account: str
    amount: int
    description: str = ""


class ShareNotification(msgspec.Struct, frozen=True):
    """Content of PROFITSHARING.SUCCESS and .RETURN: one receiver each. ``mchid`` is who shared."""

    transaction_id: str
    order_id: str
    out_order_no: str
    receiver: ShareNotified
    success_time: Instant
    mchid: str = ""
