"""Consent (授权): the token pair. These calls take neither access token, timestamp nor nonce."""

from __future__ import annotations

from typing import Final

from adapters.base.endpoint import once, read
from adapters.social_ads import models
from adapters.social_ads.client.wire import Wire

#: Renews the access token alone; a lost answer costs nothing.
OAUTH_TOKEN: Final = read("oauth_token", family="oauth")
#: A consent code is used up by the first exchange, whoever saw its answer.
OAUTH_CODE: Final = once("oauth_code", family="oauth")
#: Exchanges both tokens and kills the old ones: never repeated unseen.
OAUTH_REFRESH_TOKEN: Final = once("oauth_refresh_token", family="oauth")


class OAuthClient(Wire):
    """``/oauth``, which has no version in its path."""

    async def oauth_token(self, refresh_token: str) -> models.Tokens:
        """GET /oauth/token with grant_type=refresh_token: a new access token, the refresh token stays."""
        return await self._oauth(OAUTH_TOKEN, "token", refresh_token=refresh_token, grant_type="refresh_token")

    async def oauth_code(self, code: str, redirect_uri: str) -> models.Tokens:
        """GET /oauth/token with grant_type=authorization_code: the first pair of a consent."""
        return await self._oauth(
            OAUTH_CODE,
            "token",
            grant_type="authorization_code",
            authorization_code=code,
            redirect_uri=redirect_uri,
        )

    async def oauth_refresh_token(self, refresh_token: str) -> models.Tokens:
        """GET /oauth/refresh_token: a new pair; the old pair is dead from the platform's answer on."""
        return await self._oauth(OAUTH_REFRESH_TOKEN, "refresh_token", refresh_token=refresh_token)
