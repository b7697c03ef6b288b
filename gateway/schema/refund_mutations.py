"""Refunds that the payer's account does not take (异常退款)."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import refund_redirects

SCOPE = "operations"


@strawberry.input(description="A bank card of the payer's (用户银行卡): sealed until the platform has it, then gone.")
class RefundCardInput:
    """用户银行卡."""

    bank: str = strawberry.field(description="开户银行, in the platform's spelling, such as ICBC_DEBIT.")
    number: str = strawberry.field(description="收款银行卡号: digits.")
    holder: str = strawberry.field(description="收款用户姓名.")


@strawberry.input(description="A refund that goes to a bank card instead (发起异常退款).")
class RefundRedirectInput:
    """发起异常退款."""

    number: str = strawberry.field(description="商户退款单号, as orderRefund answered it.")
    card: RefundCardInput | None = strawberry.field(
        description="The payer's card. Without it the money goes to the merchant's own account (商户银行账户), and the"
        " payer is paid by hand.",
        default=None,
    )
    mchid: str | None = strawberry.field(
        description="The merchant that was paid; the first one of the settings when it is left out.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> refund_redirects.Wanted:
        """As the action takes it."""
        given = self.card
        card = None if given is None else refund_redirects.Card(given.bank, given.number, given.holder)
        return refund_redirects.Wanted(self.number, card, self.mchid or "")


@strawberry.type(description="A refund that is on its way to a bank card; it has not arrived by this.")
class RefundRedirected:
    """已受理."""

    transaction_id: strawberry.Private[str]
    mchid: str = strawberry.field(description="The merchant that was paid.")
    number: str = strawberry.field(description="商户退款单号.")
    transaction = done_by("The transaction that did it.")


RefundRedirectResult = Annotated[
    RefundRedirected | DomainProblem | ToolProblem,
    strawberry.union("RefundRedirectResult", description="The refund, or why it stays where it is."),
]


@strawberry.type(description="Mutations about refunds that go wrong.")
class RefundMutations:
    """Refunds."""

    @strawberry.mutation(
        description="Send a refund that the payer's account does not take to a bank card (发起异常退款). Its"
        " transaction goes on then, and waits for its end. Needs the scope operations."
    )
    async def refund_redirect(
        self,
        info: Info,
        input: Annotated[RefundRedirectInput, strawberry.argument(description="Which, and where to.")],  # noqa: A002
    ) -> RefundRedirectResult:
        info.context.principal.require(SCOPE)
        done = await ask(info, refund_redirects.REDIRECT, input)
        if not isinstance(done, Performed):
            return done
        return RefundRedirected(mchid=done.outcome.mchid, number=done.outcome.number, transaction_id=done.transaction)
