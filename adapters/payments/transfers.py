"""Merchant transfers (商家转账): red packets and the like, which the user confirms on the phone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from adapters.base.errors import NotFound
from adapters.payments import models, translation
from adapters.payments.checks import OUT_BILL_NO, Checks
from adapters.payments.client import TransfersClient, Wire
from adapters.payments.records import Transfer, TransferAccepted, TransferIntent, TransferState

#: Fen: the least that is paid, from where a name may be given, and from where it must be.
TRANSFER_LEAST: Final = 10
TRANSFER_NAMED_FROM: Final = 30
TRANSFER_NAMED_ALWAYS: Final = 2_000_00
TRANSFER_REMARK_LENGTH: Final = 32
#: A user who does not confirm gets nothing, and the money returns.
CONFIRM_WITHIN: Final = timedelta(hours=24)
#: What a scene must report; others are agreed with the platform one by one.
SCENE_REPORTS: Final[Mapping[str, frozenset[str]]] = {"1000": frozenset({"活动名称", "奖励说明"})}


class Transfers:
    """Of one mchid; see ``PaymentsAdapter``."""

    def __init__(self, wire: Wire, checks: Checks) -> None:
        self._wire = wire
        self._checks = checks
        self._transfers = TransfersClient(wire)

    async def send_transfer(self, intent: TransferIntent) -> TransferAccepted:
        """Offer money to a user: WAIT_USER_CONFIRM means that nothing is paid before the user confirms.

        Equal intents may be repeated: one number pays once. After any failure that is not Invalid ask
        ``transfer_status`` before another number is taken: a second number may pay twice. Rejected
        ``not_enough``: add funds, same number.
        """
        self._check(intent)
        sealed_for = await self._wire.keys.sealing(self._wire.now()) if intent.user_name else ""
        request = models.TransferRequest(
            appid=intent.appid,
            out_bill_no=intent.out_bill_no,
            transfer_scene_id=intent.scene_id,
            openid=intent.openid,
            transfer_amount=intent.amount,
            transfer_remark=intent.remark,
            transfer_scene_report_infos=tuple(models.TransferReport(*each) for each in intent.report.items()),
            notify_url=intent.notify_url,
            user_name=self._wire.keys.seal(sealed_for, intent.user_name) if sealed_for else "",
            user_recv_perception=intent.perception,
        )
        answer = await self._transfers.create_transfer(msgspec.json.encode(request), sealed_for)
        return translation.accepted(self._wire.mchid, answer)

    async def cancel_transfer(self, out_bill_no: str) -> TransferState:
        """Take the offer back before the user confirms; repeatable.

        CANCELLING is accepted and not yet done: the money returns with CANCELLED. Rejected ``rule_broken`` once
        the user has confirmed; NotFound is raised for a number that the platform does not know.
        """
        return translation.transfer_state((await self._transfers.cancel_transfer(out_bill_no)).state)

    async def transfer_status(self, out_bill_no: str) -> Transfer | NotFound:
        """A transfer as 微信支付 has it; NotFound (a value) when it was never taken on, or is older than 30 days."""
        try:
            return translation.transfer(self._wire.mchid, await self._transfers.query_transfer(out_bill_no))
        except NotFound as missing:
            return missing

    async def transfer_by_id(self, transfer_bill_no: str) -> Transfer | NotFound:
        """The same, by the platform's own number, such as a notification or a bill gives it."""
        try:
            return translation.transfer(self._wire.mchid, await self._transfers.query_transfer_by_id(transfer_bill_no))
        except NotFound as missing:
            return missing

    def _check(self, intent: TransferIntent) -> None:
        within, named = self._checks.within, bool(intent.user_name)
        self._checks.appid(intent.appid)
        within(bool(OUT_BILL_NO.fullmatch(intent.out_bill_no)), "out_bill_no", "1–32 letters and digits")
        within(intent.amount >= TRANSFER_LEAST, "amount", f"{TRANSFER_LEAST} fen at least")
        self._checks.length(intent.remark, "remark", least=1, most=TRANSFER_REMARK_LENGTH)
        if named:
            self._checks.sealable(intent.user_name, "user_name")
        within(not named or intent.amount >= TRANSFER_NAMED_FROM, "user_name", "empty below 0.3 yuan")
        within(named or intent.amount < TRANSFER_NAMED_ALWAYS, "user_name", "given from 2,000 yuan up")
        wanted = SCENE_REPORTS.get(intent.scene_id)
        within(
            wanted is None or set(intent.report) == wanted,
            "report",
            f"exactly {'、'.join(sorted(wanted or ()))} for this scene",
        )
