"""After-sales."""

from __future__ import annotations

import msgspec

from adapters.mini_program_store.models.numbers import Id, Number


class AfterSaleList(msgspec.Struct):
    """POST /channels/ec/aftersale/getaftersalelist: ids only."""

    after_sale_order_id_list: tuple[Id, ...] = ()
    has_more: bool = False
    next_key: str = ""


class AfterSaleProduct(msgspec.Struct):
    """``product_info`` of an after-sale."""

    product_id: Id = ""
    sku_id: Id = ""
    count: int = 0


class RefundInfo(msgspec.Struct):
    """Fen."""

    amount: int = 0


class ReturnInfo(msgspec.Struct):
    """The parcel in which the buyer sends goods back."""

    waybill_id: str = ""
    delivery_id: str = ""
    delivery_name: str = ""


class AfterSale(msgspec.Struct):
    """``after_sale_order``; ``status`` is an open set of texts."""

    after_sale_order_id: Id
    order_id: Id
    status: str
    type: str
    create_time: Number
    update_time: Number
    reason: str = ""
    reason_text: str = ""
    openid: str = ""
    product_info: AfterSaleProduct = msgspec.field(default_factory=AfterSaleProduct)
    refund_info: RefundInfo = msgspec.field(default_factory=RefundInfo)
    return_info: ReturnInfo = msgspec.field(default_factory=ReturnInfo)
    #: Seconds left to answer, only while the merchant is waited for.
    deadline: Number = 0


class AfterSaleGet(msgspec.Struct):
    """POST /channels/ec/aftersale/getaftersaleorder."""

    after_sale_order: AfterSale | None = None


class RejectReason(msgspec.Struct):
    """``reject_scene`` 1 refund only, 4 return, 5 exchange, 6 shipment of an exchange."""

    reject_reason_type: int
    reject_reason_type_text: str = ""
    reject_reason: str = ""
    reject_scene: int = 0


class RejectReasons(msgspec.Struct):
    """POST /channels/ec/aftersale/rejectreason/get."""

    reason_list: tuple[RejectReason, ...] = ()


class AfterSaleUpdate(msgspec.Struct):
    """POST /channels/ec/aftersale/merchantupdateaftersale: the merchant proposes something else."""

    after_sale_order_id: str
    type: str
    amount: int
    update_reason_type: int
    merchant_update_type: int
    merchant_update_desc: str
    media_ids: tuple[str, ...] = ()


class AfterSaleRequest(msgspec.Struct, omit_defaults=True):
    """POST /channels/ec/aftersale/genaftersaleorder; ``request_id`` makes a repetition harmless."""

    request_id: str
    order_id: str
    product_id: str
    sku_id: str
    count: int
    amount: int
    reason: str
    type: str
    address_id: str = ""
    desc: str = ""


class AfterSaleMade(msgspec.Struct):
    """The answer of genaftersaleorder."""

    after_sale_order_id: Id
