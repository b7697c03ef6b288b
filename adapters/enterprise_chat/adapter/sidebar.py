"""The sidebar of a chat: who opened our page, and signatures with which it may ask the client whom the chat is with."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from adapters.base.errors import Unauthorized
from adapters.base.http import Upstream
from adapters.base.tokens import AccessTokens, Fetch
from adapters.enterprise_chat.adapter.account import NAME, Account, instant, unix
from adapters.enterprise_chat.client.directory import Ticket
from adapters.enterprise_chat.config import EnterpriseChatConfig
from adapters.enterprise_chat.records.sidebar import JsConfig, JsIdentity, Visitor
from adapters.enterprise_chat.signing import js_signature
from adapters.wechat.pages import trusted

#: The platform's own limit for the codes of its logins.
CODE_LIMIT_BYTES: Final = 512


class Sidebar(Account):
    """聊天工具栏; see ``EnterpriseChatAdapter``."""

    def __init__(self, config: EnterpriseChatConfig, upstream: Upstream) -> None:
        super().__init__(config, upstream)
        # Tickets live as access tokens do: fetched once for every process, renewed when their time is over.
        place = f"{NAME}/{config.corpid}/jsapi_ticket"
        self._tickets = {
            JsIdentity.CORP: AccessTokens(upstream.runtime, place, _fetch(self._directory.get_jsapi_ticket)),
            JsIdentity.AGENT: AccessTokens(
                upstream.runtime, f"{place}/{config.agentid}", _fetch(self._directory.ticket_get)
            ),
        }

    async def visitor(self, code: str) -> Visitor:
        """Who came back from the OAuth redirect with this code, which works once, for five minutes; one call.

        Raises Rejected ``login_code`` for a code that is used, old or made up, Unauthorized ``host_not_trusted``.
        """
        self._check_bytes("login_code_length", "The code", code, CODE_LIMIT_BYTES)
        wire = await self._directory.auth_getuserinfo(code)
        return Visitor(wire.userid, wire.openid, wire.external_userid)

    async def mini_program_employee(self, code: str) -> str:
        """Which employee opened our mini-program in the client, by the code of ``wx.qy.login``; one call.

        Raises Rejected ``login_code``, Unauthorized ``other_corp`` for an employee of somebody else's.
        """
        self._check_bytes("login_code_length", "The code", code, CODE_LIMIT_BYTES)
        wire = await self._directory.jscode2session(code)
        if wire.corpid != self._corpid:
            raise Unauthorized(NAME, "other_corp", "The employee belongs to another corp.", account=self._corpid)
        return wire.userid

    async def js_config(self, url: str, identity: JsIdentity) -> JsConfig:
        """Sign a page's address as the browser has it; its fragment does not count. No call while the ticket lives.

        Raises Invalid ``page_not_trusted`` for an address that is not on one of the account's ``trusted_hosts``: a
        signature is a key to the client, and others' pages get none.
        """
        page = url.partition("#")[0]
        if not trusted(page, self._config.trusted_hosts):
            raise self._invalid("page_not_trusted", "The page is not https on one of the account's trusted_hosts.")
        ticket = await self._tickets[identity].get()
        seconds, nonce = unix(self._clock.now()), secrets.token_hex(8)
        signature = js_signature(ticket, nonce, seconds, page)
        return JsConfig(self._corpid, self._agentid, nonce, instant(seconds), signature)


def _fetch(ask: Callable[[], Awaitable[Ticket]]) -> Fetch:
    async def fetch(refused: str | None) -> tuple[str, float]:
        del refused
        ticket = await ask()
        return ticket.ticket, ticket.expires_in

    return fetch
