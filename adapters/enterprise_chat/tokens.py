"""Access tokens of a corp's apps, from ``GET gettoken`` (获取access_token).

One secret, one token; while it is valid the platform may answer the same one again, so a renewal can
bring back the refused token: then the call fails and nobody loops. Repeated wrong secrets get our address
shut out for an hour, so a refused secret is not shown again for a while.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from adapters.base.endpoint import read
from adapters.base.errors import Unauthorized
from adapters.base.http import Upstream
from adapters.base.secrets import Secret
from adapters.base.tokens import AccessTokens
from adapters.base.transport import Request, Response
from adapters.enterprise_chat.errors import FAULTS
from adapters.enterprise_chat.models import GetToken
from adapters.wechat.api import get_request
from adapters.wechat.envelope import decode

GETTOKEN: Final = read("gettoken", family="token")
#: After a refused secret the platform is left alone for so long.
REFUSAL_PAUSE: Final = timedelta(minutes=5)


def app_tokens(upstream: Upstream, base_url: str, corpid: str, agent: str, secret: Secret) -> AccessTokens:
    """The tokens of one secret; ``agent`` tells a corp's apps apart in the shared token store."""
    fetch = GetTokenFetch(upstream, base_url, corpid, secret)
    return AccessTokens(upstream.runtime, f"enterprise_chat/{corpid}/{agent}", fetch)


class GetTokenFetch:
    """Fetches the token of one (corpid, secret)."""

    def __init__(self, upstream: Upstream, base_url: str, corpid: str, secret: Secret) -> None:
        self._upstream = upstream
        self._base_url = base_url
        self._corpid = corpid
        self._secret = secret
        self._refusal: tuple[datetime, str] | None = None

    async def __call__(self, refused: str | None) -> tuple[str, float]:
        """See ``adapters.base.tokens.Fetch``."""
        del refused
        now = self._upstream.runtime.clock.now()
        if self._refusal is not None and now < self._refusal[0]:
            raise FAULTS.error(self._refusal[1], endpoint=GETTOKEN.name, account=self._corpid)
        try:
            token = await self._upstream.call(GETTOKEN, self._prepare, self._answer)
        except Unauthorized as error:
            if error.reason == "secret_wrong":
                self._refusal = (now + REFUSAL_PAUSE, error.upstream_code)
            raise
        return token.access_token, token.expires_in

    async def _prepare(self) -> Request:
        query = {"corpid": self._corpid, "corpsecret": self._secret.reveal()}
        return get_request(self._base_url, "/cgi-bin/gettoken", query)

    def _answer(self, response: Response) -> GetToken:
        return decode(response, GetToken, FAULTS, GETTOKEN, self._corpid)
