"""App access tokens of api.weixin.qq.com, from ``POST /cgi-bin/stable_token``.

Normal mode answers the same token with its remaining life however often and from however many
processes it is asked, so that nobody disturbs anybody. ``force_refresh`` kills the current token: the
vendor allows it 20 times a day, 30 seconds apart (vendor page: api_getstableaccesstoken).
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

import msgspec

from adapters.base.endpoint import read
from adapters.base.errors import FaultTable
from adapters.base.http import Upstream
from adapters.base.secrets import Secret
from adapters.base.tokens import AccessTokens
from adapters.base.transport import Request, Response
from adapters.wechat.api import post_request
from adapters.wechat.envelope import decode
from adapters.wechat.faults import TOKEN_ROWS

FORCED_PER_DAY: Final = 20
FORCED_APART: Final = timedelta(seconds=30)
#: Asking for a token has no effect that a caller could regret: a lost answer is Unavailable.
STABLE_TOKEN: Final = read("stable_token", family="token")


class StableToken(msgspec.Struct):
    """Answer of ``stable_token``; ``expires_in`` are the seconds left, 7200 at most."""

    access_token: str
    expires_in: float


def stable_tokens(upstream: Upstream, base_url: str, appid: str, secret: Secret, table: FaultTable) -> AccessTokens:
    """The access tokens of an appid; every process of the gateway shares them through the token store."""
    fetch = StableTokenFetch(upstream, base_url, appid, secret, table)
    return AccessTokens(upstream.runtime, f"wechat/{appid}/stable_token", fetch)


class StableTokenFetch:
    """Fetches in normal mode; forces a new token only where normal mode repeats the refused one."""

    def __init__(self, upstream: Upstream, base_url: str, appid: str, secret: Secret, table: FaultTable) -> None:
        self._upstream = upstream
        self._base_url = base_url
        self._appid = appid
        self._secret = secret
        # Here 40001 speaks of the secret, not of a token: the same code needs another answer.
        self._table = FaultTable(table.tool, dict(chain(table.items(), TOKEN_ROWS.items())))
        self._forced: deque[datetime] = deque()

    async def __call__(self, refused: str | None) -> tuple[str, float]:
        """See ``adapters.base.tokens.Fetch``. Without a free force the refused token is answered again."""
        token = await self._ask(force=False)
        if refused is not None and token.access_token == refused and self._may_force():
            token = await self._ask(force=True)
        return token.access_token, token.expires_in

    def _may_force(self) -> bool:
        now = self._upstream.runtime.clock.now()
        while self._forced and now - self._forced[0] >= timedelta(days=1):
            self._forced.popleft()
        if len(self._forced) >= FORCED_PER_DAY or (self._forced and now - self._forced[-1] < FORCED_APART):
            return False
        self._forced.append(now)
        return True

    async def _ask(self, *, force: bool) -> StableToken:
        # A force whose answer was lost is followed up in normal mode, which answers what it made.
        modes = iter([force])

        async def prepare() -> Request:
            body = {
                "grant_type": "client_credential",
                "appid": self._appid,
                "secret": self._secret.reveal(),
                "force_refresh": next(modes, False),
            }
            return post_request(self._base_url, "/cgi-bin/stable_token", {}, body)

        def answer(response: Response) -> StableToken:
            return decode(response, StableToken, self._table, STABLE_TOKEN, self._appid)

        return await self._upstream.call(STABLE_TOKEN, prepare, answer)
