"""Shipping information (发货信息管理) of a mini-program: without it a payment's money stays frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.mini_program_store.account import Account
from adapters.mini_program_store.client import ShippingClient
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.models import shipping as models
from adapters.mini_program_store.reading import BEIJING, TOOL, instant, turned
from adapters.mini_program_store.records.shipping import (
    Carrier,
    PaidOrder,
    PaidOrderState,
    Payment,
    Shipment,
    ShippedParcel,
    ShippingMethod,
)

#: Our choice: no page has a limit.
PAID_ORDERS_PER_PAGE: Final = 50
#: The platform's.
PARCELS_PER_PAYMENT: Final = 15
GOODS_LENGTH: Final = 120

_METHODS: Final = {
    ShippingMethod.EXPRESS: 1,
    ShippingMethod.CITY: 2,
    ShippingMethod.VIRTUAL: 3,
    ShippingMethod.PICKUP: 4,
}
_UNIFIED, _SPLIT = 1, 2
_STATES: Final = {
    1: PaidOrderState.TO_SHIP,
    2: PaidOrderState.SHIPPED,
    3: PaidOrderState.RECEIVED,
    4: PaidOrderState.COMPLETED,
    5: PaidOrderState.REFUNDED,
}
_BY_TRADE_NUMBER, _BY_TRANSACTION = 1, 2


class Shipping(Account):
    """See ``MiniProgramStoreAdapter``."""

    def __init__(self, config: MiniProgramStoreConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._shipping = ShippingClient(self._api)

    async def shipping_upload(self, shipment: Shipment, openid: str, at: datetime) -> None:
        """Say how a payment of ``openid`` was sent (发货信息录入); ``at`` is later than the upload before.

        The same call again, after a complete one or in another mode, is the correction (重新发货), of which a payment
        has one. Once: after OutcomeUnknown ask ``paid_order``. NotFound ``payment_unknown`` within a minute of the
        payment too; Conflict ``shipping_state``.
        """
        self._must_be("mini_program")
        await self._shipping.upload_shipping_info(
            models.UploadShippingInfo(
                order_key=self._key(shipment.payment),
                logistics_type=_METHODS[shipment.method],
                delivery_mode=_SPLIT if shipment.split else _UNIFIED,
                is_all_delivered=shipment.complete,
                shipping_list=self._parcels(shipment),
                upload_time=_rfc3339(at),
                payer=models.Payer(openid),
            )
        )

    async def shipping_upload_combined(
        self, payment: Payment, shipments: Sequence[Shipment], openid: str, at: datetime
    ) -> None:
        """Say how the parts of a combined payment (合单支付) were sent; each names its own payment."""
        self._must_be("mini_program")
        await self._shipping.upload_combined_shipping_info(
            models.UploadCombinedShippingInfo(
                order_key=self._key(payment),
                sub_orders=tuple(
                    models.SubOrder(
                        order_key=self._key(part.payment),
                        logistics_type=_METHODS[part.method],
                        delivery_mode=_SPLIT if part.split else _UNIFIED,
                        is_all_delivered=part.complete,
                        shipping_list=self._parcels(part),
                    )
                    for part in shipments
                ),
                upload_time=_rfc3339(at),
                payer=models.Payer(openid),
            )
        )

    async def paid_order(self, payment: Payment) -> PaidOrder:
        """A payment as the platform sees it, and what was uploaded for it; NotFound."""
        self._must_be("mini_program")
        wire = (await self._shipping.get_order(self._named(payment))).order
        if wire is None:
            number = payment.transaction_id or payment.out_trade_no
            raise NotFound(TOOL, "missing", f"The platform has no payment {number}.", account=self.account)
        return _paid(self.account, wire)

    async def paid_orders(
        self,
        cursor: str | None = None,
        *,
        paid_from: datetime | None = None,
        paid_to: datetime | None = None,
        state: PaidOrderState | None = None,
        openid: str | None = None,
    ) -> Page[PaidOrder]:
        """Payments, fifty a page, such as those that wait to be shipped."""
        self._must_be("mini_program")
        question: dict[str, object] = {"page_size": PAID_ORDERS_PER_PAGE}
        if paid_from is not None and paid_to is not None:
            question["pay_time_range"] = {
                "begin_time": int(paid_from.timestamp()),
                "end_time": int(paid_to.timestamp()),
            }
        if state is not None:
            if state is PaidOrderState.OTHER:
                raise self._invalid("state", "Payments cannot be listed by OTHER, which is every unknown state.")
            question["order_state"] = turned(_STATES)[state]
        question |= {k: v for k, v in (("openid", openid), ("last_index", cursor)) if v}
        wire = await self._shipping.get_order_list(question)
        following = self._next(wire.has_more, wire.last_index)
        return Page([_paid(self.account, row) for row in wire.order_list], following)

    async def shipping_page_set(self, page: str) -> None:
        """Which page the platform's message about a shipment opens, such as ``pages/order/detail``."""
        self._must_be("mini_program")
        await self._shipping.set_msg_jump_path(page)

    async def shipping_managed(self) -> bool:
        """Whether this mini-program's money waits for shipping information."""
        self._must_be("mini_program")
        return (await self._shipping.is_trade_managed(self.account)).is_trade_managed

    async def shipping_confirmed(self) -> bool:
        """Whether its owner has confirmed the kinds of trade (交易结算管理确认)."""
        self._must_be("mini_program")
        return (await self._shipping.is_trade_management_confirmation_completed(self.account)).completed

    async def shipping_carriers(self) -> Sequence[Carrier]:
        """Carriers whose codes an upload takes; the store's are others (``carriers``)."""
        self._must_be("mini_program")
        rows = (await self._shipping.get_delivery_list()).delivery_list
        return [Carrier(row.delivery_id, row.delivery_name) for row in rows]

    def _key(self, payment: Payment) -> models.OrderKey:
        if payment.transaction_id:
            return models.OrderKey(_BY_TRANSACTION, transaction_id=payment.transaction_id)
        self._named(payment)
        return models.OrderKey(_BY_TRADE_NUMBER, mchid=payment.mchid, out_trade_no=payment.out_trade_no)

    def _named(self, payment: Payment) -> Mapping[str, str]:
        if payment.transaction_id:
            return {"transaction_id": payment.transaction_id}
        if not (payment.mchid and payment.out_trade_no):
            raise self._invalid("payment", "Name the payment by transaction_id, or by mchid and out_trade_no.")
        return {"merchant_id": payment.mchid, "merchant_trade_no": payment.out_trade_no}

    def _parcels(self, shipment: Shipment) -> tuple[models.Shipped, ...]:
        most = PARCELS_PER_PAYMENT if shipment.split else 1
        if not 1 <= len(shipment.parcels) <= most:
            raise self._invalid("parcels", f"This shipment has 1 to {most} parcels, not {len(shipment.parcels)}.")
        express = shipment.method is ShippingMethod.EXPRESS
        if shipment.split and not express:
            raise self._invalid("split", "Only what is sent by EXPRESS can be split.")
        return tuple(self._parcel(parcel, express) for parcel in shipment.parcels)

    def _parcel(self, parcel: ShippedParcel, express: bool) -> models.Shipped:
        if express and not (parcel.carrier and parcel.tracking_number):
            raise self._invalid("parcel", "A parcel by EXPRESS has a carrier and a number.")
        if len(parcel.goods) > GOODS_LENGTH:
            raise self._invalid(
                "goods", f"goods has {len(parcel.goods)} characters; the platform takes {GOODS_LENGTH}."
            )
        phones = models.Contact(parcel.sender_phone, parcel.receiver_phone)
        known = parcel.sender_phone or parcel.receiver_phone
        return models.Shipped(parcel.goods, parcel.tracking_number, parcel.carrier, phones if known else None)


def _rfc3339(at: datetime) -> str:
    """With milliseconds and an offset, as the platform wants it."""
    return at.astimezone(BEIJING).isoformat(timespec="milliseconds")


def _paid(appid: str, wire: models.PaidOrder) -> PaidOrder:
    return PaidOrder(
        appid=appid,
        transaction_id=wire.transaction_id,
        out_trade_no=wire.merchant_trade_no,
        mchid=wire.merchant_id,
        openid=wire.openid,
        paid=wire.paid_amount,
        paid_at=instant(wire.pay_time),
        state=_STATES.get(wire.order_state, PaidOrderState.OTHER),
        in_complaint=wire.in_complaint,
        complete=wire.shipping.finish_shipping,
        uploads=wire.shipping.finish_shipping_count,
        parcels=tuple(
            ShippedParcel(row.goods_desc or wire.shipping.goods_desc, row.express_company, row.tracking_no)
            for row in wire.shipping.shipping_list
        ),
    )
