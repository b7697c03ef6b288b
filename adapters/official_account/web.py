"""The account's web pages: who opened one (网页授权), and what the JS-SDK on it needs."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta
from typing import Final, Literal
from urllib.parse import urlencode

from adapters.base.errors import Malformed
from adapters.base.runtime import Runtime
from adapters.base.secrets import Secret
from adapters.base.tokens import AccessTokens
from adapters.official_account.account import TOOL, Account
from adapters.official_account.client import WebClient
from adapters.official_account.config import OfficialAccountConfig
from adapters.official_account.figures import PageConfig, WebLogin, WebUser
from adapters.official_account.models.wire import WebToken
from adapters.wechat.pages import trusted

_STATE: Final = re.compile(r"[A-Za-z0-9]{1,128}")
_AUTHORIZE: Final = "https://open.weixin.qq.com/connect/oauth2/authorize"


class Web(Account):
    """See ``OfficialAccountAdapter``."""

    def __init__(self, config: OfficialAccountConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._web = WebClient(self._upstream, config, self._api)
        self._tickets = AccessTokens(runtime, f"wechat/{config.appid}/jsapi_ticket", self._ticket)

    def authorize_url(
        self, redirect_uri: str, state: str, scope: Literal["snsapi_base", "snsapi_userinfo"] = "snsapi_base"
    ) -> str:
        """Where to send a browser inside WeChat, which comes back to ``redirect_uri`` with a code and ``state``.

        ``snsapi_base`` asks nothing and tells the openid; ``snsapi_userinfo`` asks the person, and tells the unionid.
        Raises Invalid ``page_not_trusted`` for a page that is not on one of the account's ``trusted_hosts``: the code
        would be handed to somebody else, and ``state`` for more than 128 letters and digits.
        """
        self._ours(redirect_uri)
        if not _STATE.fullmatch(state):
            raise self._invalid("state", "The state has 1 to 128 letters and digits.")
        # WeChat compares the address as a whole: the order of the parameters matters, and so does the fragment.
        query = {
            "appid": self.account,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": scope,
            "state": state,
        }
        return f"{_AUTHORIZE}?{urlencode(query)}#wechat_redirect"

    async def web_login(self, code: str) -> WebLogin:
        """Who brought a code back. It works once, for about five minutes.

        Raises Rejected ``code_invalid``, ``code_used`` or ``code_expired``; after OutcomeUnknown begin anew.
        """
        return self._login(await self._web.oauth2_access_token(code))

    async def web_refresh(self, refresh_token: Secret) -> WebLogin:
        """A new token for somebody who logged in less than 30 days ago; the unionid is not told again.

        Raises Rejected ``login_over``.
        """
        return self._login(await self._web.oauth2_refresh_token(refresh_token))

    async def web_user(self, login: WebLogin) -> WebUser:
        """Name and picture of somebody who agreed (``snsapi_userinfo``). Raises Rejected ``login_over``."""
        wire = await self._web.sns_userinfo(login.token, login.openid)
        return WebUser(wire.openid, wire.unionid or None, wire.nickname, wire.headimgurl)

    async def web_check(self, login: WebLogin) -> None:
        """Whether a login still holds; raises Rejected ``login_over`` where it does not."""
        await self._web.sns_auth(login.token, login.openid)

    async def page_config(self, url: str) -> PageConfig:
        """The signature with which a page of the account may use the JS-SDK.

        ``url`` is the page's address as its browser has it; what follows ``#`` is not signed. All processes share a
        ticket. Raises Invalid ``page_not_trusted`` for an address that is not on one of ``trusted_hosts``.
        """
        self._ours(url)
        nonce, timestamp = secrets.token_hex(8), int(self._clock.now().timestamp())
        signature = page_signature(await self._tickets.get(), nonce, timestamp, url)
        return PageConfig(self.account, timestamp, nonce, signature)

    def _ours(self, url: str) -> None:
        if not trusted(url, self._config.trusted_hosts):
            raise self._invalid("page_not_trusted", "The page is not https on one of the account's trusted_hosts.")

    async def _ticket(self, refused: str | None) -> tuple[str, float]:
        del refused
        wire = await self._web.ticket_getticket()
        return wire.ticket, wire.expires_in

    def _login(self, wire: WebToken) -> WebLogin:
        if not 0 <= wire.expires_in <= 10**6:
            raise Malformed(TOOL, "time", "The platform gave a token a life that no token has.", account=self.account)
        return WebLogin(
            appid=self.account,
            openid=wire.openid,
            unionid=wire.unionid or None,
            snapshot=wire.is_snapshotuser == 1,
            scope=wire.scope,
            token=Secret(wire.access_token),
            refresh_token=Secret(wire.refresh_token),
            expires_at=self._clock.now() + timedelta(seconds=wire.expires_in),
        )


def page_signature(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """Lower-case hex SHA-1 of the raw values, the address up to its ``#``."""
    page = url.partition("#")[0]
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
