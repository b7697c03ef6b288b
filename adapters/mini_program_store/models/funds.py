"""The store's own ledger (资金结算); amounts in fen."""

from __future__ import annotations

import msgspec

from adapters.mini_program_store.models.numbers import Id, Number


class Balance(msgspec.Struct):
    """POST /channels/ec/funds/getbalance."""

    available_amount: int
    pending_amount: int
    sub_mchid: str = ""


class FlowList(msgspec.Struct):
    """POST /channels/ec/funds/getfundsflowlist: ids only."""

    flow_ids: tuple[Id, ...] = ()
    has_more: bool = False
    next_key: str = ""


class RelatedInfo(msgspec.Struct):
    """What a flow is about; ``related_type`` is a number, and text in one sample."""

    related_type: int | str = 0
    order_id: Id = ""
    aftersale_id: Id = ""
    withdraw_id: Id = ""
    transaction_id: str = ""


class FundsFlow(msgspec.Struct):
    """``flow_type`` 1 income, 2 expense; ``bookkeeping_time`` is Beijing's wall clock."""

    flow_id: Id
    funds_type: int = 0
    funds_type_desc: str = ""
    flow_type: int = 0
    amount: int = 0
    balance: int = 0
    related_info_list: tuple[RelatedInfo, ...] = ()
    bookkeeping_time: str = ""
    remark: str = ""


class FlowDetail(msgspec.Struct):
    """POST /channels/ec/funds/getfundsflowdetail."""

    funds_flow: FundsFlow | None = None


class OrderFlow(msgspec.Struct):
    """One of listorderflow; ``mch_settle_…`` are estimates until settled."""

    order_id: Id
    order_state: int = 0
    order_settle_state: int = 0
    order_create_time: Number = 0
    order_paid_time: Number = 0
    mch_settle_amount: int = 0
    mch_settle_time: Number = 0
    buyer_paid_amount: int = 0
    buyer_refund_amount: int = 0
    platform_commission_amount: int = 0
    promoter_commission_amount: int = 0


class OrderFlowList(msgspec.Struct):
    """POST /channels/ec/funds/listorderflow; ``total_count`` is indicative."""

    data_list: tuple[OrderFlow, ...] = ()
    total_count: int = 0
    page_ctx: str = ""


class WithdrawList(msgspec.Struct):
    """POST /channels/ec/funds/getwithdrawlist: ids only."""

    withdraw_ids: tuple[Id, ...] = ()
    total_num: int = 0


class Withdrawal(msgspec.Struct):
    """POST /channels/ec/funds/getwithdrawdetail; the bank's own fields are not read."""

    amount: int
    status: str
    create_time: Number = 0
    update_time: Number = 0
    reason: str = ""
    remark: str = ""
