"""Parts of payments that go on to other merchants (分账), as the gateway asked and as 微信支付 tells of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select, update

from adapters.payments import ShareNotice, ShareResult, ShareReturn, ShareReturnState, Sharing
from gateway.database.facts import Fact, Source
from gateway.database.statements import insert_new, upsert
from gateway.database.tables.projections import payment
from gateway.database.tables.sharing import profit_receiver, profit_share, profit_share_return
from gateway.events.projector import Batch

TOOL: Final = "payments"
REQUESTED: Final = "REQUESTED"
#: Not decided yet: parts, and returns.
OPEN: Final = (REQUESTED, "PENDING")
OPEN_RETURNS: Final = (REQUESTED, "PROCESSING")
_RESULTS: Final = {
    ShareResult.PENDING: "PENDING",
    ShareResult.SUCCESS: "SUCCESS",
    ShareResult.CLOSED: "CLOSED",
}
_RETURNS: Final = {
    ShareReturnState.PROCESSING: "PROCESSING",
    ShareReturnState.SUCCESS: "SUCCESS",
    ShareReturnState.FAILED: "FAILED",
}


# Receivers ----------------------------------------------------------------------------------------


async def added(batch: Batch, row: Mapping[str, Any]) -> None:
    """A merchant that may get parts now."""
    await upsert(batch.connection, profit_receiver, [dict(row)], keys=("mchid", "account"))


async def struck_off(batch: Batch, mchid: str, account: str) -> None:
    """One that may get none any more."""
    mine = (profit_receiver.c.mchid == mchid, profit_receiver.c.account == account)
    await batch.connection.execute(delete(profit_receiver).where(*mine))


# Parts --------------------------------------------------------------------------------------------


async def asked(batch: Batch, rows: Sequence[Mapping[str, Any]]) -> None:
    """Parts that are about to be asked for; the same number again changes nothing."""
    made = [{**row, "state": REQUESTED} for row in rows]
    await insert_new(batch.connection, profit_share, made, keys=("mchid", "number", "receiver"))


async def never_shared(batch: Batch, mchid: str, number: str) -> None:
    """The platform surely never took the sharing on: it leaves no rows."""
    mine = (profit_share.c.mchid == mchid, profit_share.c.number == number, profit_share.c.state == REQUESTED)
    await batch.connection.execute(delete(profit_share).where(*mine))


async def told(batch: Batch, sharing: Sharing, *, source: Source) -> None:
    """What the platform says of a sharing of ours. What is told late or twice changes nothing."""
    for part in sharing.parts:
        state = _RESULTS.get(part.result)
        if state is not None:
            at = (part.finished_at or batch.now) if state in {"SUCCESS", "CLOSED"} else None
            reason = _code(part.fail_reason) if state == "CLOSED" else None
            values = {"state": state, "amount": part.amount, "reason": reason, "settled_at": at}
            await _moved(batch, sharing.mchid, sharing.out_order_no, part.account, values, source)


async def noticed(batch: Batch, notice: ShareNotice) -> None:
    """分账动账通知 of a part that arrived, also of what others shared with a merchant of ours."""
    mine = _part(notice.mchid, notice.out_order_no, notice.account)
    values = {"state": "SUCCESS", "amount": notice.amount, "reason": None, "settled_at": notice.at}
    if (await batch.connection.execute(select(profit_share.c.state).where(*mine))).one_or_none() is not None:
        await _moved(batch, notice.mchid, notice.out_order_no, notice.account, values, "webhook")
        return
    key = f"{notice.out_order_no}:{notice.account}"
    about = {"number": notice.out_order_no, "receiver": notice.account}
    batch.facts.append(
        _fact("share.arrived", notice.mchid, key, notice.at, notice.amount, None, about, source="webhook")
    )


async def returned_elsewhere(batch: Batch, notice: ShareNotice) -> None:
    """What a merchant of ours gave back of a sharing that is not the gateway's."""
    key = f"{notice.out_order_no}:{notice.account}:{notice.at.isoformat()}"
    about = {"number": notice.out_order_no, "receiver": notice.account}
    batch.facts.append(
        _fact("share.returned", notice.mchid, key, notice.at, notice.amount, None, about, source="webhook")
    )


async def _moved(
    batch: Batch, mchid: str, number: str, receiver: str, values: Mapping[str, Any], source: Source
) -> None:
    mine = _part(mchid, number, receiver)
    result = await batch.connection.execute(
        update(profit_share).where(*mine, profit_share.c.state.in_(OPEN)).values(values)
    )
    if result.rowcount != 1 or values["settled_at"] is None:
        return
    row = (await batch.connection.execute(select(profit_share).where(*mine))).one()
    # What was unfrozen is the merchant's own: nothing arrived anywhere.
    if row.kind == "SHARE":
        kind = "share.arrived" if row.state == "SUCCESS" else "share.closed"
        order = await _order(batch, mchid, row.out_trade_no)
        about = {"number": number, "receiver": receiver, "transaction": row.saga}
        batch.facts.append(
            _fact(
                kind, mchid, f"{number}:{receiver}", row.settled_at, row.amount, order, about, source=source,
                reason=row.reason,
            )
        )  # fmt: skip


def _part(mchid: str, number: str, receiver: str) -> tuple[Any, ...]:
    return profit_share.c.mchid == mchid, profit_share.c.number == number, profit_share.c.receiver == receiver


# Returns ------------------------------------------------------------------------------------------


async def return_asked(batch: Batch, row: Mapping[str, Any]) -> None:
    """A return that is about to be asked for; the same number again changes nothing."""
    await insert_new(batch.connection, profit_share_return, [{**row, "state": REQUESTED}], keys=("mchid", "number"))


async def never_returned(batch: Batch, mchid: str, number: str) -> None:
    """The platform surely never took it on: it leaves no row."""
    mine = _return(mchid, number)
    await batch.connection.execute(delete(profit_share_return).where(*mine, profit_share_return.c.state == REQUESTED))


async def return_told(batch: Batch, found: ShareReturn, *, source: Source) -> None:
    """What the platform says of a return of ours. What is told late or twice changes nothing."""
    state = _RETURNS.get(found.state)
    if state is None:
        return
    ends = state in {"SUCCESS", "FAILED"}
    values = {"state": state, "reason": _code(found.fail_reason) if state == "FAILED" else None}
    mine = _return(found.mchid, found.out_return_no)
    result = await batch.connection.execute(
        update(profit_share_return)
        .where(*mine, profit_share_return.c.state.in_(OPEN_RETURNS))
        .values(values | ({"settled_at": batch.now} if ends else {}))
    )
    if result.rowcount == 1 and state == "SUCCESS":
        row = (await batch.connection.execute(select(profit_share_return).where(*mine))).one()
        order = await _order(batch, row.mchid, row.out_trade_no)
        about = {"number": row.share, "receiver": row.receiver, "transaction": row.saga}
        batch.facts.append(
            _fact("share.returned", row.mchid, row.number, batch.now, row.amount, order, about, source=source)
        )


def _return(mchid: str, number: str) -> tuple[Any, ...]:
    return profit_share_return.c.mchid == mchid, profit_share_return.c.number == number


def _code(text: str) -> str | None:
    """A code of the platform's, and never a text of it."""
    return text if re.fullmatch("[A-Z][A-Z0-9_]{0,63}", text) else None


async def _order(batch: Batch, mchid: str, out_trade_no: str) -> str | None:
    found = await batch.connection.scalar(
        select(payment.c.purchase).where(payment.c.mchid == mchid, payment.c.out_trade_no == out_trade_no)
    )
    return None if found is None else str(found)


def _fact(
    kind: str,
    mchid: str,
    key: str,
    at: datetime,
    amount: int,
    order: str | None,
    about: Mapping[str, Any],
    *,
    source: Source,
    reason: str | None = None,
) -> Fact:
    return Fact(
        kind=kind,
        occurred_at=at,
        source=source,
        source_key=key,
        account=mchid,
        tool=TOOL,
        order_ref=order,
        amount_fen=amount,
        reason=reason,
        payload=dict(about),
    )
