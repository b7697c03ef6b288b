"""Merchant transfers."""

from __future__ import annotations

from adapters.payments import models
from adapters.payments.records import Transfer, TransferAccepted, TransferState
from adapters.payments.translation.times import utc


def accepted(mchid: str, wire: models.TransferAnswer) -> TransferAccepted:
    """What the platform took on."""
    return TransferAccepted(
        mchid=mchid,
        out_bill_no=wire.out_bill_no,
        transfer_bill_no=wire.transfer_bill_no,
        state=transfer_state(wire.state),
        package=wire.package_info,
        created_at=utc(wire.create_time),
    )


def transfer(mchid: str, wire: models.TransferBill | models.TransferNotification) -> Transfer:
    """A transfer, from the query or from a notification."""
    return Transfer(
        mchid=mchid,
        out_bill_no=wire.out_bill_no,
        transfer_bill_no=wire.transfer_bill_no,
        state=transfer_state(wire.state),
        amount=wire.transfer_amount,
        openid=wire.openid,
        fail_reason=wire.fail_reason,
        created_at=utc(wire.create_time),
        updated_at=utc(wire.update_time),
    )


def transfer_state(text: str) -> TransferState:
    """The platform's own spellings are the values."""
    return TransferState(text) if text in {each.value for each in TransferState} else TransferState.UNKNOWN
