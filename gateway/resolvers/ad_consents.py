"""Where an administrator of an ad account consents (授权) to what the gateway does with it."""

from __future__ import annotations

from urllib.parse import urlsplit

from adapters.social_ads import SocialAdsAdapter
from gateway.context import Context
from gateway.resolvers.errors import UserError

#: Who keeps the gateway's own credentials.
SCOPE = "operations"
_STATE_LENGTH = 128
_ADDRESS_LENGTH = 512


def page(ctx: Context, redirect_uri: str, state: str, account: str | None) -> str:
    """The page's address. Raises Forbidden, ToolNotConfigured and UserError."""
    ctx.principal.require(SCOPE)
    if not 1 <= len(state) <= _STATE_LENGTH:
        raise UserError(f"state has 1 to {_STATE_LENGTH} characters: made for this browser, and compared afterwards.")
    try:
        parts = urlsplit(redirect_uri)
        port = parts.port
    except ValueError:
        raise UserError("redirectUri is no web address.") from None
    if parts.scheme != "https" or not parts.hostname or port is not None or len(redirect_uri) > _ADDRESS_LENGTH:
        raise UserError("redirectUri must begin with https:// and have no port; the platform knows it by its console.")
    return ctx.tool(SocialAdsAdapter, account).consent_page(redirect_uri, state)
