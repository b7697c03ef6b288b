"""Merchant transfers (商家转账)."""

from __future__ import annotations

import msgspec

from adapters.payments.models.envelopes import Instant


class TransferReport(msgspec.Struct, frozen=True):
    """One of ``transfer_scene_report_infos``: what the money is for, in the words of the scene."""

    info_type: str
    info_content: str


class TransferRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of ``POST …/transfer-bills``; ``user_name`` is encrypted."""

    appid: str
    out_bill_no: str
    transfer_scene_id: str
    openid: str
    transfer_amount: int
    transfer_remark: str
    transfer_scene_report_infos: tuple[TransferReport, ...]
    notify_url: str = ""
    user_name: str = ""
    user_recv_perception: str = ""


class TransferAnswer(msgspec.Struct, frozen=True):
    """Answer of ``POST …/transfer-bills``. ``package_info`` only while the user has to confirm."""

    out_bill_no: str
    transfer_bill_no: str
    state: str
    create_time: Instant
    package_info: str = ""


class TransferCancelled(msgspec.Struct, frozen=True):
    """Answer of ``POST …/out-bill-no/{out_bill_no}/cancel``."""

    out_bill_no: str
    transfer_bill_no: str
    state: str
    update_time: Instant


class TransferNotification(msgspec.Struct, frozen=True):
    """Content of MCHTRANSFER.BILL.FINISHED."""

    out_bill_no: str
    transfer_bill_no: str
    state: str
    transfer_amount: int
    create_time: Instant
    update_time: Instant
    openid: str = ""
    fail_reason: str = ""


class TransferBill(TransferNotification, frozen=True):
    """A transfer, as the query tells it."""

    appid: str = ""
