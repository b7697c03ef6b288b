"""Login on web pages (网页授权) and the ticket of the JS-SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from adapters.base.endpoint import Endpoint, once, read
from adapters.base.http import Upstream
from adapters.base.secrets import Secret
from adapters.base.transport import Request, Response
from adapters.official_account.config import OfficialAccountConfig
from adapters.official_account.errors import WEB_FAULTS
from adapters.official_account.models import wire as models
from adapters.wechat.api import TokenApi, get_request
from adapters.wechat.envelope import Envelope, decode

T = TypeVar("T")

# A code is used up by the first call, whoever hears its answer.
OAUTH2_ACCESS_TOKEN: Final = once("oauth2_access_token", timeout=5.0, family="web")
OAUTH2_REFRESH_TOKEN: Final = read("oauth2_refresh_token", family="web")
SNS_USERINFO: Final = read("sns_userinfo", family="web")
SNS_AUTH: Final = read("sns_auth", family="web")
TICKET_GETTICKET: Final = read("ticket_getticket", family="ticket")


class WebClient:
    """The calls behind the pages of one account. The tokens of people are not the account's token."""

    def __init__(self, upstream: Upstream, config: OfficialAccountConfig, api: TokenApi) -> None:
        self._upstream = upstream
        self._config = config
        self._api = api

    async def oauth2_access_token(self, code: str) -> models.WebToken:
        """GET /sns/oauth2/access_token: the secret stands in the query."""
        query = {
            "appid": self._config.appid,
            "secret": self._config.secret.reveal(),
            "code": code,
            "grant_type": "authorization_code",
        }
        return await self._plain(OAUTH2_ACCESS_TOKEN, "/sns/oauth2/access_token", query, models.WebToken)

    async def oauth2_refresh_token(self, refresh_token: Secret) -> models.WebToken:
        """GET /sns/oauth2/refresh_token."""
        query = {
            "appid": self._config.appid,
            "grant_type": "refresh_token",
            "refresh_token": refresh_token.reveal(),
        }
        return await self._plain(OAUTH2_REFRESH_TOKEN, "/sns/oauth2/refresh_token", query, models.WebToken)

    async def sns_userinfo(self, token: Secret, openid: str) -> models.WebUser:
        """GET /sns/userinfo."""
        query = {"access_token": token.reveal(), "openid": openid, "lang": "zh_CN"}
        return await self._plain(SNS_USERINFO, "/sns/userinfo", query, models.WebUser)

    async def sns_auth(self, token: Secret, openid: str) -> None:
        """GET /sns/auth."""
        await self._plain(SNS_AUTH, "/sns/auth", {"access_token": token.reveal(), "openid": openid}, Envelope)

    async def ticket_getticket(self) -> models.Ticket:
        """GET /cgi-bin/ticket/getticket, with the account's own token."""
        return await self._api.get(TICKET_GETTICKET, "/cgi-bin/ticket/getticket", models.Ticket, {"type": "jsapi"})

    async def _plain(self, endpoint: Endpoint, path: str, query: Mapping[str, str], kind: type[T]) -> T:
        async def prepare() -> Request:
            return get_request(self._config.base_url, path, query)

        def answer(response: Response) -> T:
            return decode(response, kind, WEB_FAULTS, endpoint, self._config.appid)

        return await self._upstream.call(endpoint, prepare, answer)
