"""Red packets (红包) on their way to members, as the gateway asked for them and as 微信支付 tells of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, update

from adapters.payments import CONFIRM_WITHIN, Transfer, TransferAccepted, TransferState
from gateway.database.clock import BUSINESS_ZONE
from gateway.database.facts import Fact, Source
from gateway.database.statements import insert_new
from gateway.database.tables.members import identity
from gateway.database.tables.rewards import red_packet
from gateway.events.projector import Batch, Projector

TOOL: Final = "payments"
REQUESTED: Final = "REQUESTED"
#: Not decided yet, in the order in which they follow each other; each holds its place under the daily limit.
OPEN: Final = (REQUESTED, "CHECKING", "WAIT_USER_CONFIRM", "TRANSFERRING", "CANCELLING")
#: The shopper has no money of these, and never will.
GIVEN_BACK: Final = ("FAILED", "CANCELLED", "EXPIRED")
#: Where a red packet may come from that is now told to be in a state. What is decided stays.
_BEFORE: Final[Mapping[str, Sequence[str]]] = {
    "CHECKING": OPEN[:1],
    "WAIT_USER_CONFIRM": OPEN[:2],
    "TRANSFERRING": OPEN[:3],
    "CANCELLING": OPEN[:3],
}
_STATES: Final = {
    TransferState.ACCEPTED: "CHECKING",
    TransferState.PROCESSING: "CHECKING",
    TransferState.WAIT_USER_CONFIRM: "WAIT_USER_CONFIRM",
    TransferState.TRANSFERRING: "TRANSFERRING",
    TransferState.CANCELLING: "CANCELLING",
    TransferState.SUCCESS: "SUCCESS",
    TransferState.CANCELLED: "CANCELLED",
}
_FACTS: Final = {
    "SUCCESS": "reward.claimed",
    "FAILED": "reward.failed",
    "CANCELLED": "reward.withdrawn",
    "EXPIRED": "reward.expired",
}
_OVERDUE: Final = "OVERDUE_CLOSE"


async def reserve(batch: Batch, row: Mapping[str, Any], member: str, daily: int) -> int | None:
    """Write a red packet that is about to be asked for; None, or how many fen the member's day still has, if too few.

    Whoever calls holds the member's turn at the gate, so that two of them see each other. The same number again
    holds its place. ``row`` has the columns up to ``amount``, and ``asked_at``.
    """
    connection, now = batch.connection, row["asked_at"]
    key = (red_packet.c.mchid == row["mchid"], red_packet.c.out_bill_no == row["out_bill_no"])
    if (await connection.execute(select(red_packet.c.state).where(*key))).one_or_none() is not None:
        return None
    midnight = now.astimezone(BUSINESS_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    spent = await connection.scalar(
        select(func.coalesce(func.sum(red_packet.c.amount), 0))
        .join(identity, identity.c.id == red_packet.c.identity)
        .where(identity.c.member == member, red_packet.c.asked_at >= midnight)
        .where(red_packet.c.asked_at < midnight + timedelta(days=1), red_packet.c.state.not_in(GIVEN_BACK))
    )
    left = daily - int(spent or 0)
    if row["amount"] > left:
        return max(0, left)
    await stands(batch, row)
    return None


async def stands(batch: Batch, row: Mapping[str, Any]) -> None:
    """See that it has its row, which is REQUESTED where it had none."""
    await insert_new(batch.connection, red_packet, [{**row, "state": REQUESTED}], keys=("mchid", "out_bill_no"))


async def never_offered(batch: Batch, mchid: str, number: str) -> None:
    """The platform surely never took it on: it leaves no row, and its place under the limit is free."""
    mine = (red_packet.c.mchid == mchid, red_packet.c.out_bill_no == number, red_packet.c.state == REQUESTED)
    await batch.connection.execute(delete(red_packet).where(*mine))


async def offered(batch: Batch, accepted: TransferAccepted, now: datetime) -> None:
    """The platform has taken it on: the shopper may confirm."""
    state = _STATES.get(accepted.state, "CHECKING")
    values: dict[str, Any] = {"transfer_bill_no": accepted.transfer_bill_no, "package": accepted.package or None}
    values |= {"expires_at": accepted.created_at + CONFIRM_WITHIN}
    mine = (red_packet.c.mchid == accepted.mchid, red_packet.c.out_bill_no == accepted.out_bill_no)
    await batch.connection.execute(update(red_packet).where(*mine, red_packet.c.state.in_(OPEN)).values(values))
    await batch.connection.execute(
        update(red_packet).where(*mine, red_packet.c.state.in_(_BEFORE.get(state, OPEN))).values(state=state)
    )
    row = await _row(batch, accepted.mchid, accepted.out_bill_no)
    if row is not None:
        batch.facts.append(_fact(row, "reward.reserved", now, "own"))


async def packaged(batch: Batch, accepted: TransferAccepted) -> None:
    """What opens the confirming page of one that waits, and was answered without it; told late it changes nothing."""
    await batch.connection.execute(
        update(red_packet)
        .where(red_packet.c.mchid == accepted.mchid, red_packet.c.out_bill_no == accepted.out_bill_no)
        .where(red_packet.c.state == "WAIT_USER_CONFIRM")
        .values(package=accepted.package)
    )


async def told(projector: Projector, transfers: Iterable[Transfer], *, source: Source) -> None:
    """What the platform says of red packets; transfers that are not the gateway's are left out."""
    async with projector.batch() as batch:
        for each in transfers:
            await moved(batch, each, source=source)


async def moved(batch: Batch, transfer: Transfer, *, source: Source) -> None:
    """One of them. What is told late or twice changes nothing."""
    state = state_of(transfer)
    if state is None:
        return
    ends = state in _FACTS
    values: dict[str, Any] = {"state": state, "transfer_bill_no": transfer.transfer_bill_no}
    values |= {"expires_at": func.coalesce(red_packet.c.expires_at, transfer.created_at + CONFIRM_WITHIN)}
    if ends:
        values |= {"settled_at": transfer.updated_at, "package": None, "reason": _reason(transfer, state)}
    result = await batch.connection.execute(
        update(red_packet)
        .where(red_packet.c.mchid == transfer.mchid, red_packet.c.out_bill_no == transfer.out_bill_no)
        .where(red_packet.c.state.in_(_BEFORE.get(state, OPEN)))
        .values(values)
    )
    if ends and result.rowcount == 1:
        row = await _row(batch, transfer.mchid, transfer.out_bill_no)
        assert row is not None  # noqa: S101 — it was just written
        batch.facts.append(_fact(row, _FACTS[state], transfer.updated_at, source))


async def cancelled(batch: Batch, mchid: str, number: str, state: TransferState, now: datetime) -> None:
    """The platform took our cancelling on: CANCELLING, or at once CANCELLED."""
    row = await _row(batch, mchid, number)
    if row is not None and state in {TransferState.CANCELLING, TransferState.CANCELLED}:
        bill, asked = row.transfer_bill_no or "", row.asked_at
        told = Transfer(mchid, number, bill, state, row.amount, "", "MCH_CANCEL", asked, now)
        await moved(batch, told, source="own")


def state_of(transfer: Transfer) -> str | None:
    """In our words; None where the platform has one that is not documented."""
    if transfer.state is TransferState.FAIL:
        return "EXPIRED" if transfer.fail_reason == _OVERDUE else "FAILED"
    return _STATES.get(transfer.state)


def _reason(transfer: Transfer, state: str) -> str | None:
    """A code of the platform's, and never a text of it."""
    known = state == "FAILED" and re.fullmatch("[A-Z][A-Z0-9_]{0,63}", transfer.fail_reason)
    return transfer.fail_reason if known else None


async def _row(batch: Batch, mchid: str, number: str) -> Any:
    mine = (red_packet.c.mchid == mchid, red_packet.c.out_bill_no == number)
    columns = [each for each in red_packet.columns if each.name != "package"]
    found = select(*columns, identity.c.member).outerjoin(identity, identity.c.id == red_packet.c.identity)
    return (await batch.connection.execute(found.where(*mine))).one_or_none()


def _fact(row: Any, kind: str, at: datetime, source: Source) -> Fact:
    return Fact(
        kind=kind,
        occurred_at=at,
        source=source,
        source_key=f"{row.mchid}:{row.out_bill_no}",
        account=row.mchid,
        tool=TOOL,
        member=row.member,
        identity=row.identity,
        reason=row.reason,
        amount_fen=row.amount,
        payload={"name": row.name, "scene": row.scene, "transaction": row.saga},
    )
