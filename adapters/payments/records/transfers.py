"""Merchant transfers (商家转账): money to a user, who confirms it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


class TransferState(enum.Enum):
    """State of a transfer. Nobody has the money before SUCCESS."""

    #: The platform is checking.
    ACCEPTED = "ACCEPTED"
    PROCESSING = "PROCESSING"
    #: Waits for the user, 24 hours at most. Can be cancelled.
    WAIT_USER_CONFIRM = "WAIT_USER_CONFIRM"
    #: The user confirmed; the platform spells it ``TRANSFERING``.
    TRANSFERRING = "TRANSFERING"
    SUCCESS = "SUCCESS"
    FAIL = "FAIL"
    #: A cancellation was accepted; the transfer may still be on its way to CANCELLED.
    CANCELLING = "CANCELING"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"

    @property
    def final(self) -> bool:
        """True when it changes no more, and another transfer in its place cannot pay twice."""
        return self in {TransferState.SUCCESS, TransferState.FAIL, TransferState.CANCELLED}


@dataclass(frozen=True, slots=True)
class TransferIntent:
    """A transfer to ask for. Equal intents may be repeated: one number pays once, and another pays again.

    Attributes:
        out_bill_no: 1–32 letters and digits, nothing else.
        scene_id: 转账场景ID as approved for the merchant; ``1000`` is 现金营销 (red packets).
        amount: fen, 10 at least.
        remark: 1–32 characters, shown to the user.
        report: 场景报备信息, info_type → content. Scene 1000 wants exactly 活动名称 and 奖励说明.
        user_name: the receiver's real name; required from 2,000 yuan up, forbidden below 0.3 yuan.
        perception: 用户收款感知, one of the phrases of the scene; empty for the scene's own.
    """

    appid: str
    openid: str = field(repr=False)
    out_bill_no: str
    scene_id: str
    amount: int
    remark: str
    notify_url: str
    report: Mapping[str, str]
    user_name: str = field(default="", repr=False)
    perception: str = ""


@dataclass(frozen=True, slots=True)
class TransferAccepted:
    """The platform took the transfer on; nothing is paid yet.

    ``package`` is for ``wx.requestMerchantTransfer({mchId, appId, package})`` on the user's phone, and empty
    unless the user has to confirm.
    """

    mchid: str
    out_bill_no: str
    transfer_bill_no: str
    state: TransferState
    package: str = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer at 微信支付. ``fail_reason`` is the platform's code, such as ``OVERDUE_CLOSE``; empty otherwise."""

    mchid: str
    out_bill_no: str
    transfer_bill_no: str
    state: TransferState
    amount: int
    openid: str = field(repr=False)
    fail_reason: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TransferNotice:
    """商家转账单据终态通知."""

    transfer: Transfer
