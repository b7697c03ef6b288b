"""The platform's callbacks (事件通知): XML events, sealed and signed anew for each attempt."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from adapters.enterprise_chat.sandbox.crypto import Sealer
from sandbox.http1 import Answer, request
from sandbox.platform import Kit
from sandbox.pusher import Push
from sandbox.world import Corp

NAME = "enterprise_chat"
#: Pauses before the three repetitions, seconds. That there are three is documented, the pauses are not.
RETRY_AFTER = (5.0, 5.0, 5.0)


class CallbackSender:
    """Sends events of one corp to the URL entered in its console."""

    def __init__(self, corp: Corp, kit: Kit) -> None:
        self._corp = corp
        self._kit = kit
        self._sealer = Sealer(corp.callback_token, corp.aes_key, corp.corpid)

    def send(
        self, event: str, change: str, fields: Mapping[str, str | int | list[str]], *, sender: str = "sys"
    ) -> bool:
        """Start delivering; False where no URL is configured. Events of apps have no ``change``, and a sender."""
        target = self._kit.pusher.target(NAME, self._corp.corpid)
        if target is None:
            return False
        seconds = int(self._kit.clock.now().timestamp())
        message = event_xml(self._corp.corpid, seconds, event, change, fields, sender).encode()
        self._kit.pusher.push(
            NAME,
            self._corp.corpid,
            f"{event}/{change}" if change else event,
            lambda: self._push(target, message),
            accept=_accepted,
            retry_after=RETRY_AFTER,
        )
        return True

    async def verify(self) -> bool:
        """What the console does when the URL is saved: a GET whose echo must come back in clear.

        Raises ValueError where no URL is configured.
        """
        target = self._kit.pusher.target(NAME, self._corp.corpid)
        if target is None:
            raise ValueError("no webhook target is set for this corp")
        echo = str(secrets.randbelow(9 * 10**18) + 10**18)
        encrypted = self._sealer.seal(echo.encode())
        query = {**self._query(encrypted), "echostr": encrypted}
        answer = await request("GET", _with_query(target, query), seconds=5)
        return answer.status == 200 and answer.body == echo.encode()

    def _push(self, target: str, message: bytes) -> Push:
        encrypted = self._sealer.seal(message)
        body = (
            f"<xml><ToUserName><![CDATA[{self._corp.corpid}]]></ToUserName>"
            f"<AgentID><![CDATA[]]></AgentID>"
            f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
        )
        url = _with_query(target, self._query(encrypted))
        return Push("POST", url, {"Content-Type": "text/xml"}, body.encode())

    def _query(self, encrypted: str) -> dict[str, str]:
        timestamp, nonce = str(int(self._kit.clock.now().timestamp())), secrets.token_hex(8)
        signature = self._sealer.signature(timestamp, nonce, encrypted)
        return {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce}


def event_xml(
    corpid: str,
    seconds: int,
    event: str,
    change: str,
    fields: Mapping[str, str | int | list[str]],
    sender: str = "sys",
) -> str:
    """An event in the platform's order of elements; a list becomes ``Item`` elements."""
    inner = "".join(_element(name, value) for name, value in fields.items())
    return (
        f"<xml>{_element('ToUserName', corpid)}{_element('FromUserName', sender)}"
        f"{_element('CreateTime', seconds)}{_element('MsgType', 'event')}"
        f"{_element('Event', event)}{_element('ChangeType', change) if change else ''}{inner}</xml>"
    )


def _element(name: str, value: str | int | list[str]) -> str:
    if isinstance(value, list):
        return f"<{name}>{''.join(_element('Item', item) for item in value)}</{name}>"
    if isinstance(value, int):
        return f"<{name}>{value}</{name}>"
    return f"<{name}><![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]></{name}>"


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _accepted(answer: Answer) -> bool:
    return answer.status == 200
