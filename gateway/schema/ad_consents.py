"""The consent (授权) of an administrator of an ad account (广告主账号)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.resolvers import ad_consents
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import ad_consents as effects

_ACCOUNT = "account_id; the first one of the settings without it."


@strawberry.input(description="What the consent page brought back.")
class AdConsentInput:
    """Consent."""

    code: str = strawberry.field(description="authorization_code: works once, for ten minutes.")
    redirect_uri: str = strawberry.field(description="The address to which the browser came back, as it was asked for.")
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it."""
        return effects.Wanted(self.code, self.redirect_uri, self.account)


@strawberry.type(description="The gateway works with the account by this consent from now on; it tells no token.")
class AdConsented:
    """Consented."""

    transaction_id: strawberry.Private[str]
    account: str = strawberry.field(description="account_id.")
    scopes: list[str] = strawberry.field(description="What was consented to, in the platform's words (权限范围).")
    ends_at: datetime = strawberry.field(
        description="When the consent would end by itself (refresh_token 有效期); the gateway renews it before."
    )

    transaction = done_by("The transaction that took it.")


AdConsentResult = Annotated[
    AdConsented | DomainProblem | ToolProblem,
    strawberry.union("AdConsentResult", description="What was consented to, or why nothing was."),
]


@strawberry.type(description="Questions about the consent of ad accounts.")
class AdConsentQueries:
    """Consent."""

    @strawberry.field(
        description="Where an administrator of an ad account consents (授权页): the browser comes back to redirectUri"
        " with authorization_code and state. Needs the scope operations."
    )
    async def ad_consent_page(
        self,
        info: Info,
        redirect_uri: Annotated[
            str, strawberry.argument(description="https, without a port; entered in the platform's console before.")
        ],
        state: Annotated[str, strawberry.argument(description="1 to 128 characters, made for this browser.")],
        account: Annotated[str | None, strawberry.argument(description=_ACCOUNT)] = None,
    ) -> str | None:
        return ad_consents.page(info.context, redirect_uri, state, account)


@strawberry.type(description="Mutations about the consent of ad accounts.")
class AdConsentMutations:
    """Consent."""

    @strawberry.mutation(
        description="Take the code of the consent page (授权码换取令牌): the pair of tokens is kept sealed, in place of"
        " the one before, and works at once. At most once, since a code does. Needs the scope operations."
    )
    async def ad_consent(
        self,
        info: Info,
        input: Annotated[AdConsentInput, strawberry.argument(description="The code.")],  # noqa: A002
    ) -> AdConsentResult:
        info.context.principal.require(ad_consents.SCOPE)
        done = await ask(info, effects.CONSENT, input)
        if not isinstance(done, Performed):
            return done
        taken = done.outcome
        return AdConsented(
            transaction_id=done.transaction,
            account=taken.account,
            scopes=list(taken.scopes),
            ends_at=taken.refresh_ends,
        )
