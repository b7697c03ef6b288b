"""Profit sharing (分账), of payments whose prepay declared it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from adapters.base.errors import NotFound
from adapters.payments import models, translation
from adapters.payments.checks import Checks
from adapters.payments.client import SharingClient, Wire
from adapters.payments.records import (
    Receiver,
    ReceiverKind,
    Relation,
    Share,
    ShareIntent,
    ShareReturn,
    ShareReturnIntent,
    Sharing,
)

#: Parts of one sharing; and sharings of one payment, within 30 days of it.
SHARE_PARTS: Final = 50
SHARINGS_PER_PAYMENT: Final = 50
SHARE_DESCRIPTION_LENGTH: Final = 80


class ProfitSharing:
    """Of one mchid; see ``PaymentsAdapter``."""

    def __init__(self, wire: Wire, checks: Checks) -> None:
        self._wire = wire
        self._checks = checks
        self._sharing = SharingClient(wire)

    async def add_receiver(self, receiver: Receiver) -> None:
        """Enter who may get parts (添加分账接收方); repeatable."""
        self._checks.appid(receiver.appid)
        custom = receiver.relation is Relation.CUSTOM
        self._checks.within(custom == bool(receiver.custom), "custom", "given for the relation CUSTOM, and only then")
        named = bool(receiver.name) or receiver.kind is not ReceiverKind.MERCHANT
        self._checks.within(named, "name", "given for a merchant")
        sealed_for, (name,) = await self._sealed((receiver.name,))
        request = models.ReceiverRequest(
            receiver.appid, receiver.kind.value, receiver.account, receiver.relation.value, receiver.custom, name
        )
        await self._sharing.add_receiver(msgspec.json.encode(request), sealed_for)

    async def delete_receiver(self, appid: str, kind: ReceiverKind, account: str) -> None:
        """Strike a receiver off (删除分账接收方); parts that are under way still arrive."""
        self._checks.appid(appid)
        await self._sharing.delete_receiver(msgspec.json.encode(models.ReceiverRequest(appid, kind.value, account)))

    async def share(self, intent: ShareIntent) -> Sharing:
        """Give parts of a payment on (请求分账): accepted is not done, each part has its own result.

        From a minute after the payment, for 30 days. Equal intents may be repeated: one number shares once; after
        OutcomeUnknown ask ``sharing`` and keep the number. Rejected ``rule_broken`` for a payment whose prepay
        did not declare it, ``not_enough`` for more than is left of it.
        """
        self._checks.appid(intent.appid)
        self._checks.out_no(intent.out_order_no, "out_order_no")
        self._checks.within(1 <= len(intent.parts) <= SHARE_PARTS, "parts", f"1–{SHARE_PARTS}")
        for part in intent.parts:
            self._checks.within(part.amount >= 1, "amount", "1 fen at least")
            self._checks.length(part.description, "description", least=1, most=SHARE_DESCRIPTION_LENGTH)
        sealed_for, names = await self._sealed([part.name for part in intent.parts])
        request = models.ShareRequest(
            appid=intent.appid,
            transaction_id=intent.transaction_id,
            out_order_no=intent.out_order_no,
            receivers=tuple(_asked(part, name) for part, name in zip(intent.parts, names, strict=True)),
            unfreeze_unsplit=intent.unfreeze_rest,
        )
        answer = await self._sharing.create_sharing(msgspec.json.encode(request), sealed_for)
        return translation.sharing(self._wire.mchid, answer)

    async def sharing(self, out_order_no: str, transaction_id: str) -> Sharing | NotFound:
        """A sharing as 微信支付 has it; NotFound (a value) when it was never accepted."""
        try:
            found = await self._sharing.query_sharing(out_order_no, transaction_id)
        except NotFound as missing:
            return missing
        return translation.sharing(self._wire.mchid, found)

    async def unfreeze(self, transaction_id: str, out_order_no: str, description: str) -> Sharing:
        """Share no more of a payment: the rest is the merchant's own (解冻剩余资金).

        ``out_order_no`` is a new number of its own; equal requests are one.
        """
        self._checks.out_no(out_order_no, "out_order_no")
        self._checks.length(description, "description", least=1, most=SHARE_DESCRIPTION_LENGTH)
        request = models.UnfreezeRequest(transaction_id, out_order_no, description)
        return translation.sharing(self._wire.mchid, await self._sharing.unfreeze(msgspec.json.encode(request)))

    async def return_share(self, intent: ShareReturnIntent) -> ShareReturn:
        """Take a part back from a merchant (请求分账回退), as before the refund of a payment that was shared.

        Equal intents may be repeated. PROCESSING is not done: ask ``share_return``; FAILED needs a new number.
        """
        self._checks.out_no(intent.out_return_no, "out_return_no")
        self._checks.within(intent.amount >= 1, "amount", "1 fen at least")
        self._checks.length(intent.description, "description", least=1, most=SHARE_DESCRIPTION_LENGTH)
        request = models.ShareReturnRequest(
            intent.out_order_no, intent.out_return_no, intent.return_mchid, intent.amount, intent.description
        )
        answer = await self._sharing.return_share(msgspec.json.encode(request))
        return translation.share_return(self._wire.mchid, intent.out_order_no, intent.out_return_no, answer)

    async def share_return(self, out_return_no: str, out_order_no: str) -> ShareReturn | NotFound:
        """A return as 微信支付 has it; NotFound (a value) when it was never accepted."""
        try:
            found = await self._sharing.query_share_return(out_return_no, out_order_no)
        except NotFound as missing:
            return missing
        return translation.share_return(self._wire.mchid, out_order_no, out_return_no, found)

    async def unshared_amount(self, transaction_id: str) -> int | NotFound:
        """Fen of a payment that can still be shared (查询剩余待分金额); NotFound (a value) for an unknown payment."""
        try:
            return (await self._sharing.unshared_amount(transaction_id)).unsplit_amount
        except NotFound as missing:
            return missing

    async def _sealed(self, names: Sequence[str]) -> tuple[str, Sequence[str]]:
        """The key that the names are encrypted for, and the names; nothing for none."""
        if not any(names):
            return "", names
        for name in filter(None, names):
            self._checks.sealable(name, "name")
        serial = await self._wire.keys.sealing(self._wire.now())
        return serial, [self._wire.keys.seal(serial, name) if name else "" for name in names]


def _asked(part: Share, sealed_name: str) -> models.SharePartAsked:
    return models.SharePartAsked(part.kind.value, part.account, part.amount, part.description, sealed_name)
