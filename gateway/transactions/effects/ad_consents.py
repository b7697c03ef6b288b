"""The consent (授权) of an administrator of an ad account: its code becomes the token pair that the gateway works with.

The pair goes from the platform's answer into the secret store, sealed, and nowhere else: no intent or outcome has it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from adapters.social_ads import SocialAdsAdapter
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Characters of a code, and of an address.
CODE_LENGTH: Final = 256
ADDRESS_LENGTH: Final = 512


class Wanted(msgspec.Struct, frozen=True):
    """The code that came back from the page, and the page's address. ``account`` None: not said."""

    code: str
    redirect_uri: str
    account: str | None


class Exchange(msgspec.Struct, frozen=True):
    """The same, of one account."""

    account: str
    code: str
    redirect_uri: str


class Consented(msgspec.Struct, frozen=True):
    """What was consented to, and when an administrator must do it again, if nobody renews it before."""

    account: str
    scopes: tuple[str, ...]
    refresh_ends: datetime


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if not 1 <= len(asked.code) <= CODE_LENGTH or not 1 <= len(asked.redirect_uri) <= ADDRESS_LENGTH:
        raise StepRefused("BAD_USER_INPUT", "Give code and redirectUri as the browser brought them back.")
    adapter = planning.tools.get(SocialAdsAdapter, asked.account)
    account, accounts = adapter.account, planning.tools.all(SocialAdsAdapter)
    shared = [each.account for each in accounts if each.authorisation == adapter.authorisation]
    if len(shared) > 1:
        # The pair of one advertiser's own consent is none for the others.
        raise StepRefused(
            "CONSENT_SHARED",
            f"The accounts {', '.join(sorted(shared))} share one pair of tokens; give its new pair in the settings.",
        )
    return Effect(Exchange(account, asked.code, asked.redirect_uri), values={"account": account})


# ONCE: the platform takes a code once, and tells nothing of it later. A PIVOT: the pair before may be dead.
@step(name="ad_account.consent", tool="social_ads", kind=Kind.PIVOT, delivery=Delivery.ONCE)
async def exchange(ctx: StepContext, intent: Exchange) -> Consented:
    """One call; a pair of another account is given back to nobody."""
    adapter = ctx.tools.get(SocialAdsAdapter, intent.account)
    consent = await adapter.consent(intent.code, intent.redirect_uri)
    if consent.account_id is not None and str(consent.account_id) != intent.account:
        raise StepRefused(
            "CONSENT_OF_OTHER_ACCOUNT",
            f"An administrator of the account {consent.account_id} consented; {intent.account} is meant."
            " Nothing was changed: open the page again as an administrator of this one.",
        )
    await adapter.adopt(consent)
    return Consented(intent.account, consent.scopes, consent.refresh_ends)


CONSENT: Final = Action("adConsent", exchange, _plan)
