"""Other ways through an after-sale: opened for a buyer, proposed, exchanged, and refunds proved."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, TypeVar

import strawberry

from adapters.mini_program_store import AfterSaleKind as KindRecord
from adapters.mini_program_store import AfterSaleProposal
from gateway.resolvers import ids
from gateway.schema.acting import KEY_DESCRIPTION, Given, ask
from gateway.schema.info import Info
from gateway.schema.order_handling import WRITE, AfterSaleDecided, AfterSaleResult
from gateway.schema.scalars import Long
from gateway.transactions.actions import Action, Performed
from gateway.transactions.effects import after_sale_ways as effects
from gateway.transactions.effects.after_sales import Decided, Refusal

A = TypeVar("A")
_TEXT = "Words for the shopper, up to 200 characters; no personal data."


@strawberry.enum(description="What an after-sale is to bring (售后类型).")
class AfterSaleKind(Enum):
    """售后类型."""

    REFUND = strawberry.enum_value("REFUND", description="仅退款: money, and no goods.")
    RETURN = strawberry.enum_value("RETURN", description="退货退款: goods come back, then money goes back.")
    EXCHANGE = strawberry.enum_value("EXCHANGE", description="换货: goods come back, and others leave.")


@strawberry.input(description="An after-sale that staff open for a buyer (商家代客发起售后).")
class AfterSaleOpenInput:
    """商家代客发起售后."""

    order: strawberry.ID = strawberry.field(description="The order, of the store; paid.")
    sku: str = strawberry.field(description="The brand's code (商家编码) of a line.")
    quantity: int = strawberry.field(description="Pieces of the line.", default=1)
    amount: Long | None = strawberry.field(
        description="Fen to go back, at most what was paid for the line; none for an exchange.", default=None
    )
    kind: AfterSaleKind = strawberry.field(description="What it is to bring.")
    reason: str = strawberry.field(description="The platform's code of a reason (售后原因).")
    return_address: str | None = strawberry.field(
        description="The number of the store's address for returns (退货地址编号); needed unless it is a REFUND.",
        default=None,
    )
    text: str | None = strawberry.field(description=_TEXT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Wanted(
            order=ids.decode_as("or", self.order)[1],
            sku=self.sku,
            quantity=self.quantity,
            amount=self.amount or 0,
            kind=KindRecord[self.kind.name],
            reason=self.reason,
            return_address=self.return_address or "",
            text=self.text or "",
        )


@strawberry.input(description="Another way out of an after-sale, which the buyer answers (商家协商).")
class AfterSaleProposeInput:
    """商家协商."""

    after_sale: strawberry.ID = strawberry.field(description="The after-sale.")
    kind: AfterSaleKind = strawberry.field(description="What it is to bring instead.")
    amount: Long = strawberry.field(description="Fen to go back.", default=0)
    proposal_type: int = strawberry.field(description="The platform's number of the proposal (协商类型).")
    reason_type: int = strawberry.field(description="The platform's number of its reason (协商原因).")
    text: str = strawberry.field(description=_TEXT)
    pictures: list[str] = strawberry.field(
        description="Up to 20 pictures, by the media ids of the store's console.", default_factory=list
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Offer:
        """As the action takes it. Raises UserError for an id that is none."""
        appid, number = ids.decode_as("as", self.after_sale)
        proposal = AfterSaleProposal(
            after_sale_id=number,
            kind=KindRecord[self.kind.name],
            amount=self.amount,
            proposal_type=self.proposal_type,
            reason_type=self.reason_type,
            text=self.text,
            media_ids=tuple(self.pictures),
        )
        return effects.Offer(appid, proposal)


@strawberry.input(description="How the other goods of an exchange leave (换货发货).")
class AfterSaleExchangeShipInput:
    """换货发货."""

    after_sale: strawberry.ID = strawberry.field(description="The after-sale, an exchange whose goods are back.")
    carrier: str = strawberry.field(description="The platform's code of the carrier (快递公司编码), such as SF.")
    tracking: str = strawberry.field(description="Waybill number (运单号).")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Parcel:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Parcel(*ids.decode_as("as", self.after_sale), self.carrier, self.tracking)


@strawberry.input(description="Why the other goods of an exchange do not leave (换货拒绝发货).")
class AfterSaleExchangeRefuseInput:
    """换货拒绝发货."""

    after_sale: strawberry.ID = strawberry.field(description="The after-sale, an exchange.")
    reason: int = strawberry.field(description="The number of one of AfterSale.rejectReasons, of scene 6.")
    text: str | None = strawberry.field(description=_TEXT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> Refusal:
        """As the action takes it. Raises UserError for an id that is none."""
        return Refusal(*ids.decode_as("as", self.after_sale), self.reason, self.text or "")


@strawberry.input(description="Proof of money that went back outside the platform (上传退款凭证).")
class AfterSaleRefundProveInput:
    """上传退款凭证."""

    after_sale: strawberry.ID = strawberry.field(
        description="The after-sale, whose refund the platform could not make."
    )
    pictures: list[str] = strawberry.field(description="1 to 20 pictures, by the media ids of the store's console.")
    text: str = strawberry.field(description=_TEXT)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Proof:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Proof(*ids.decode_as("as", self.after_sale), tuple(self.pictures), self.text)


@strawberry.type(description="More mutations about after-sales of the store.")
class AfterSaleMutations:
    """After-sales."""

    @strawberry.mutation(
        description="Open an after-sale for a buyer (商家代客发起售后); it waits for afterSaleAccept then. Needs"
        " the scope orders:write."
    )
    async def after_sale_open(
        self,
        info: Info,
        input: Annotated[AfterSaleOpenInput, strawberry.argument(description="Of which order, and what.")],  # noqa: A002
    ) -> AfterSaleResult:
        info.context.principal.require(WRITE)
        done = await ask(info, effects.OPEN, input)
        if not isinstance(done, Performed):
            return done
        return AfterSaleDecided(key=(done.outcome.appid, done.outcome.after_sale), transaction_id=done.transaction)

    @strawberry.mutation(
        description="Propose another way out of an after-sale to its buyer (商家协商). Needs the scope orders:write."
    )
    async def after_sale_propose(
        self,
        info: Info,
        input: Annotated[AfterSaleProposeInput, strawberry.argument(description="Which, and what.")],  # noqa: A002
    ) -> AfterSaleResult:
        info.context.principal.require(WRITE)
        return await _decided(info, effects.PROPOSE, input, input.after_sale)

    @strawberry.mutation(
        description="Tell how the other goods of an exchange leave (换货发货). Needs the scope orders:write."
    )
    async def after_sale_exchange_ship(
        self,
        info: Info,
        input: Annotated[AfterSaleExchangeShipInput, strawberry.argument(description="Which, and how.")],  # noqa: A002
    ) -> AfterSaleResult:
        info.context.principal.require(WRITE)
        return await _decided(info, effects.EXCHANGE_SHIP, input, input.after_sale)

    @strawberry.mutation(
        description="Refuse to send the other goods of an exchange (换货拒绝发货). Needs the scope orders:write."
    )
    async def after_sale_exchange_refuse(
        self,
        info: Info,
        input: Annotated[AfterSaleExchangeRefuseInput, strawberry.argument(description="Which, and why.")],  # noqa: A002
    ) -> AfterSaleResult:
        info.context.principal.require(WRITE)
        return await _decided(info, effects.EXCHANGE_REFUSE, input, input.after_sale)

    @strawberry.mutation(
        description="Show that money went back outside the platform, where it could not refund (上传退款凭证). Needs"
        " the scope orders:write."
    )
    async def after_sale_refund_prove(
        self,
        info: Info,
        input: Annotated[AfterSaleRefundProveInput, strawberry.argument(description="Which, and what.")],  # noqa: A002
    ) -> AfterSaleResult:
        info.context.principal.require(WRITE)
        return await _decided(info, effects.REFUND_PROVE, input, input.after_sale)


async def _decided(
    info: Info, action: Action[A, Decided], given: Given[A], after_sale: strawberry.ID
) -> AfterSaleResult:
    done = await ask(info, action, given)
    if not isinstance(done, Performed):
        return done
    return AfterSaleDecided(key=ids.decode_as("as", after_sale), transaction_id=done.transaction)
