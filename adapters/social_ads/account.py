"""What every part of the adapter needs: the client, tokens for it, and the account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from adapters.base.errors import Invalid
from adapters.base.runtime import Runtime
from adapters.base.tokens import AccessTokens, with_token
from adapters.social_ads.client import SocialAdsClient
from adapters.social_ads.config import SocialAdsConfig
from adapters.social_ads.errors import BEIJING, NAME

T = TypeVar("T")


class Account:
    """One advertiser account."""

    def __init__(
        self, client: SocialAdsClient, tokens: AccessTokens, runtime: Runtime, config: SocialAdsConfig
    ) -> None:
        self._client = client
        self._tokens = tokens
        self._runtime = runtime
        self._config = config

    @property
    def account(self) -> str:
        """The account_id as text."""
        return self._config.external_id

    async def _with(self, call: Callable[[str], Awaitable[T]]) -> T:
        """A call with the access token, once more with a new one if it is refused."""
        return await with_token(self._tokens, call)

    def _invalid(self, endpoint: str, reason: str, message: str) -> Invalid:
        return Invalid(NAME, reason, message, endpoint=endpoint, account=self.account)


def wall_clock(at: datetime) -> datetime:
    """The instant of a Beijing wall-clock text."""
    return at.replace(tzinfo=BEIJING).astimezone(UTC)
