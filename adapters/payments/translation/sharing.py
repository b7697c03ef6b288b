"""Profit sharing."""

from __future__ import annotations

from adapters.payments import models
from adapters.payments.records import (
    ShareNotice,
    SharePart,
    ShareResult,
    ShareReturn,
    ShareReturnState,
    Sharing,
)
from adapters.payments.translation.times import utc


def sharing(mchid: str, wire: models.Sharing) -> Sharing:
    """A sharing and its parts."""
    return Sharing(
        mchid=mchid,
        transaction_id=wire.transaction_id,
        out_order_no=wire.out_order_no,
        order_id=wire.order_id,
        finished=wire.state == "FINISHED",
        parts=tuple(_part(each) for each in wire.receivers),
    )


def _part(wire: models.SharePart) -> SharePart:
    return SharePart(
        kind=wire.type,
        account=wire.account,
        amount=wire.amount,
        description=wire.description,
        result=ShareResult(wire.result) if wire.result in ShareResult.__members__ else ShareResult.UNKNOWN,
        fail_reason=wire.fail_reason,
        finished_at=utc(wire.finish_time) if wire.finish_time else None,
    )


def share_return(mchid: str, out_order_no: str, out_return_no: str, wire: models.ShareReturn) -> ShareReturn:
    """A return; the platform need not repeat the numbers that it was asked with."""
    known = wire.result in ShareReturnState.__members__
    return ShareReturn(
        mchid=mchid,
        out_order_no=out_order_no,
        out_return_no=out_return_no,
        return_id=wire.return_id,
        state=ShareReturnState(wire.result) if known else ShareReturnState.UNKNOWN,
        fail_reason=wire.fail_reason,
    )


def share_notice(mchid: str, wire: models.ShareNotification, *, returned: bool) -> ShareNotice:
    """What one receiver got or gave back."""
    return ShareNotice(
        mchid=wire.mchid or mchid,
        transaction_id=wire.transaction_id,
        order_id=wire.order_id,
        out_order_no=wire.out_order_no,
        account=wire.receiver.account,
        amount=wire.receiver.amount,
        returned=returned,
        at=utc(wire.success_time),
    )
