"""The rotating token pair: one keeper, one lock, nothing used before it is stored.

What can go wrong between the platform and our store, and what is left then:

- **The access token runs out, once a day.** ``/oauth/token`` renews it alone; the refresh token stays,
  so a lost answer or a dead process costs nothing. Only when the refresh token nears its 30 days (or its
  age is not known) is the pair exchanged by ``/oauth/refresh_token``, which kills the old pair at once.
- **A process dies, or the line breaks, between the platform's exchange and our write.** The new pair is
  then known to nobody. Before the exchange the keeper stores that it begins, so the next one knows. It
  goes on with the old access token if that still works, and tries the old refresh token again: if the
  exchange never reached the platform, all is well. If the platform refuses it, every call raises
  Unauthorized ``token_pair_lost``, which says what an operator must do. A newly authorised pair in the
  settings is taken at the next start, since what is stored belongs to the initial pair it descends from.
- **The store fails after the exchange.** The pair stays in this process and is stored at the next try;
  it is not used before.
- **The caller is cancelled or out of time.** The renewal runs on in a task of its own, without the
  caller's deadline, and is waited for when the account closes.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from adapters.base.deadline import remaining
from adapters.base.errors import OutcomeUnknown, Unauthorized, Unavailable, UpstreamError
from adapters.base.runtime import Rotation, Runtime
from adapters.social_ads.client import SocialAdsClient
from adapters.social_ads.config import SocialAdsConfig
from adapters.social_ads.errors import FAULTS, NAME
from adapters.social_ads.models import Tokens

log = logging.getLogger("adapters.social_ads.tokens")

#: An access token with less than this left is renewed.
EARLY: Final = timedelta(minutes=5)
#: The pair is exchanged when the refresh token has less than this left of its 30 days.
EXCHANGE_EARLY: Final = timedelta(days=10)
#: A refused refresh token is not tried again for so long, whoever asks.
PAUSE_AFTER_REFUSAL: Final = timedelta(seconds=60)
#: Seconds that an access token of unknown age is trusted, until somebody sees it refused.
UNKNOWN_LIFE: Final = 3600.0
#: Seconds that a caller waits for a renewal at most.
LONGEST_WAIT: Final = 20.0


@dataclass(frozen=True, slots=True)
class Pair:
    """A token pair and what is known about it.

    ``exchanging`` is true from before an exchange until its outcome is stored. ``refused_at`` and
    ``refused_code`` tell when and how the platform last refused the refresh token.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access_ends: datetime | None = None
    refresh_ends: datetime | None = None
    exchanging: bool = False
    refused_at: datetime | None = None
    refused_code: str = ""

    @classmethod
    def stored(cls, value: Mapping[str, str]) -> Pair:
        """The pair as it was written by ``texts``."""
        return cls(
            value["access_token"],
            value["refresh_token"],
            _instant(value, "access_ends"),
            _instant(value, "refresh_ends"),
            value.get("exchanging") == "yes",
            _instant(value, "refused_at"),
            value.get("refused_code", ""),
        )

    def texts(self) -> dict[str, str]:
        """Texts only, for the secret store; what is unknown is left out."""
        instants = {
            "access_ends": self.access_ends,
            "refresh_ends": self.refresh_ends,
            "refused_at": self.refused_at,
        }
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            **{name: at.isoformat() for name, at in instants.items() if at is not None},
            **({"exchanging": "yes"} if self.exchanging else {}),
            **({"refused_code": self.refused_code} if self.refused_code else {}),
        }

    def answered(self, answer: Tokens, now: datetime) -> Pair:
        """The pair after a renewal; a refresh token that the answer leaves out stays."""
        access_ends = now + timedelta(seconds=answer.access_token_expires_in)
        if not answer.refresh_token:
            return Pair(answer.access_token, self.refresh_token, access_ends, self.refresh_ends)
        refresh_ends = (
            now + timedelta(seconds=answer.refresh_token_expires_in) if answer.refresh_token_expires_in else None
        )
        return Pair(answer.access_token, answer.refresh_token, access_ends, refresh_ends)


class TokenKeeper:
    """Fetches access tokens for ``AccessTokens``, out of the stored pair or from the platform."""

    def __init__(self, client: SocialAdsClient, runtime: Runtime, config: SocialAdsConfig) -> None:
        self._client = client
        self._runtime = runtime
        self._config = config
        self._initial = Pair(config.access_token.reveal(), config.refresh_token.reveal())
        self._application = str(config.client_id)
        self._lineage = _lineage(config)
        self._running: set[asyncio.Task[tuple[str, float]]] = set()
        self._unsaved: tuple[str, Pair] | None = None

    @property
    def key(self) -> str:
        """Under which the access token is shared: equal for all accounts of one authorisation."""
        return f"{NAME}:{self._application}:{self._lineage}"

    async def fetch(self, refused: str | None) -> tuple[str, float]:
        """An access token other than ``refused`` and the seconds it lives. See ``tokens.Fetch``.

        Raises Unauthorized when the pair is dead, Unavailable when a renewal could not be finished now.
        """
        task = asyncio.get_running_loop().create_task(
            self._fetch(refused),
            # The caller's deadline must not cut an exchange in two.
            context=contextvars.Context(),
        )
        self._running.add(task)
        task.add_done_callback(self._done)
        try:
            async with asyncio.timeout(remaining(LONGEST_WAIT)):
                return await asyncio.shield(task)
        except TimeoutError as error:
            raise self._unavailable("token_renewal_slow", _SLOW) from error

    async def adopt(self, pair: Pair) -> None:
        """Store a newly consented pair in place of the one before, when no renewal is under way anywhere.

        A process that still shares the old access token sees it refused, and finds this one.
        """
        store = self._runtime.secret_store
        async with store.rotate(NAME, self._application, f"oauth-{self._lineage}") as rotation:
            await rotation.put(pair.texts())
            self._unsaved = None

    async def close(self) -> None:
        """Wait for renewals under way: a pair that is being exchanged must still be stored."""
        await asyncio.gather(*self._running, return_exceptions=True)

    def _done(self, task: asyncio.Task[tuple[str, float]]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.info("token renewal of account %s: %s", self._config.external_id, type(error).__name__)

    async def _fetch(self, refused: str | None) -> tuple[str, float]:
        store = self._runtime.secret_store
        async with store.rotate(NAME, self._application, f"oauth-{self._lineage}") as rotation:
            value = rotation.value
            pair = Pair.stored(value) if value is not None else self._initial
            pair = await self._save_left_over(rotation, pair)
            now = self._runtime.clock.now()
            if pair.access_token != refused and (pair.access_ends is None or pair.access_ends - now > EARLY):
                return pair.access_token, self._life(pair, now)
            if pair.refused_at is not None and now - pair.refused_at < PAUSE_AFTER_REFUSAL:
                raise self._dead(pair)
            new = await self._renew(rotation, pair, now)
            return new.access_token, self._life(new, now)

    async def _renew(self, rotation: Rotation, pair: Pair, now: datetime) -> Pair:
        ends = pair.refresh_ends
        if pair.exchanging or ends is None or ends - now < EXCHANGE_EARLY:
            return await self._exchange(rotation, pair)
        try:
            answer = await self._client.oauth_token(pair.refresh_token)
        except Unauthorized as error:
            await self._note_refusal(rotation, pair, error)
            raise
        new = pair.answered(answer, self._runtime.clock.now())
        await self._save(rotation, pair, new)
        return new

    async def _exchange(self, rotation: Rotation, pair: Pair) -> Pair:
        await rotation.put(replace(pair, exchanging=True).texts())
        try:
            answer = await self._client.oauth_refresh_token(pair.refresh_token)
        except OutcomeUnknown as error:
            # The mark stays: the next try finds out whether the old pair is dead.
            raise self._unavailable("token_renewal_unfinished", _UNFINISHED) from error
        except Unauthorized as error:
            dead = await self._note_refusal(rotation, pair, error)
            raise self._dead(dead) from error
        except UpstreamError:
            await rotation.put(pair.texts())
            raise
        new = pair.answered(answer, self._runtime.clock.now())
        await self._save(rotation, pair, new)
        return new

    async def _note_refusal(self, rotation: Rotation, pair: Pair, error: Unauthorized) -> Pair:
        dead = replace(pair, refused_at=self._runtime.clock.now(), refused_code=error.upstream_code)
        await rotation.put(dead.texts())
        return dead

    async def _save(self, rotation: Rotation, old: Pair, new: Pair) -> None:
        """Store the new pair; if the store fails, keep it here for the next try and do not use it."""
        try:
            await rotation.put(new.texts())
        except Exception as error:
            self._unsaved = (old.refresh_token, new)
            raise self._unavailable("token_renewal_not_stored", _NOT_STORED) from error
        self._unsaved = None

    async def _save_left_over(self, rotation: Rotation, pair: Pair) -> Pair:
        if self._unsaved is None:
            return pair
        replaced, new = self._unsaved
        if replaced != pair.refresh_token:
            self._unsaved = None
            return pair
        await self._save(rotation, pair, new)
        return new

    def _life(self, pair: Pair, now: datetime) -> float:
        return UNKNOWN_LIFE if pair.access_ends is None else (pair.access_ends - now).total_seconds()

    def _dead(self, pair: Pair) -> UpstreamError:
        if not pair.exchanging:
            return FAULTS.error(pair.refused_code, endpoint="oauth_refresh_token", account=self._config.external_id)
        return Unauthorized(
            NAME,
            "token_pair_lost",
            _LOST,
            upstream_code=pair.refused_code,
            endpoint="oauth_refresh_token",
            account=self._config.external_id,
        )

    def _unavailable(self, reason: str, message: str) -> Unavailable:
        account = self._config.external_id
        return Unavailable(NAME, reason, message, endpoint="oauth_refresh_token", account=account)


def _lineage(config: SocialAdsConfig) -> str:
    """Names the initial pair without showing it: a new pair in the settings begins a new history."""
    initial = f"{NAME}\n{config.client_id}\n{config.refresh_token.reveal()}"
    return hashlib.sha256(initial.encode()).hexdigest()[:32]


def _instant(value: Mapping[str, str], name: str) -> datetime | None:
    return datetime.fromisoformat(value[name]) if name in value else None


_SLOW: Final = "The access token is being renewed and this request's time is up; repeat in a few seconds."
_UNFINISHED: Final = (
    "The platform's answer to the token exchange was lost, and the call itself was not made; repeat: the "
    "next one finds out whether the old token pair still works."
)
_NOT_STORED: Final = (
    "The renewed tokens could not be stored and are not used before they are; the call was not made. Look "
    "at the gateway's database, and do not stop this process before a call has succeeded."
)
_LOST: Final = (
    "The platform exchanged the token pair, but the new pair was lost before it was stored; authorise the "
    "account again on the platform's consent page, enter access_token and refresh_token of the new pair in "
    "its settings, and restart."
)
