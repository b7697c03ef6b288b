"""What the platform pushes to the brand: signed, and encrypted where the account says so."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sandbox.http1 import Answer, request
from sandbox.platform import Kit
from sandbox.pusher import Push
from sandbox.world import OfficialAccount

#: Three attempts in all, each given five seconds.
RETRY_AFTER = (5.0, 5.0)


def sign(*texts: str) -> str:
    """Lower-case hex SHA-1 of the sorted, joined texts."""
    return hashlib.sha1("".join(sorted(texts)).encode()).hexdigest()


def encrypt(encoding_aes_key: str, appid: str, message: str, prefix: bytes | None = None) -> str:
    """AES-256-CBC of 16 random bytes, length, message, appid, padded to 32; as Base64."""
    key = base64.b64decode(encoding_aes_key + "=")
    data = message.encode()
    plain = (prefix or secrets.token_bytes(16)) + len(data).to_bytes(4, "big") + data + appid.encode()
    count = 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([count]) * count) + encryptor.finalize()).decode()


Fields = Mapping[str, "str | int | Fields"]


def to_xml(fields: Fields) -> str:
    """One ``<xml>`` element: integers bare, texts in CDATA, mappings nested."""
    return f"<xml>{_elements(fields)}</xml>"


def _elements(fields: Fields) -> str:
    return "".join(f"<{name}>{_value(value)}</{name}>" for name, value in fields.items())


def _value(value: str | int | Fields) -> str:
    if isinstance(value, Mapping):
        return _elements(value)
    return str(value) if isinstance(value, int) else _cdata(value)


def _cdata(text: str) -> str:
    return escape(text) if "]]>" in text else f"<![CDATA[{text}]]>"


class Callbacks:
    """Pushes the events of one account to the URL entered in its console."""

    def __init__(self, name: str, account: OfficialAccount, kit: Kit) -> None:
        self._name = name
        self._account = account
        self._kit = kit

    def event(self, openid: str, event: str, **more: str | int | Fields) -> None:
        """Start delivering an event; without a URL nothing is sent."""
        self._push(openid, event, {"MsgType": "event", "Event": event, **more})

    def message(self, openid: str, text: str) -> None:
        """Start delivering what a follower wrote."""
        self._push(openid, "text", {"MsgType": "text", "Content": text, "MsgId": secrets.randbelow(2**63)})

    def _push(self, openid: str, name: str, more: Fields) -> None:
        target = self._kit.pusher.target(self._name, self._account.appid)
        if target is None:
            return
        fields: Fields = {
            "ToUserName": self._account.gh_id,
            "FromUserName": openid,
            "CreateTime": int(self._kit.clock.now().timestamp()),
            **more,
        }
        # The same bytes at every attempt; only timestamp, nonce and signature are made anew.
        body, encrypted = self._body(to_xml(fields))
        self._kit.pusher.push(
            self._name,
            self._account.appid,
            name,
            lambda: Push(
                "POST",
                _with_query(target, {**self.signed(encrypted), "openid": openid}),
                {"Content-Type": "text/xml"},
                body,
            ),
            accept=accepts,
            retry_after=RETRY_AFTER,
        )

    async def check_url(self) -> bool:
        """The console's check when a URL is entered: does it answer ``echostr`` to a signed GET?"""
        target = self._kit.pusher.target(self._name, self._account.appid)
        if target is None:
            raise ValueError("no webhook URL is set for this account")
        echo = str(secrets.randbelow(10**19))
        # The echo is plain in both modes.
        answer = await request("GET", _with_query(target, {**self.signed(""), "echostr": echo}), seconds=5)
        return answer.status == 200 and answer.body == echo.encode()

    def signed(self, encrypted: str) -> dict[str, str]:
        """The query of one attempt; ``msg_signature`` only with a ciphertext."""
        token = self._account.callback_token
        timestamp = str(int(self._kit.clock.now().timestamp()))
        nonce = str(secrets.randbelow(10**10))
        query = {"signature": sign(token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
        if encrypted:
            query["encrypt_type"] = "aes"
            query["msg_signature"] = sign(token, timestamp, nonce, encrypted)
        return query

    def _body(self, message: str) -> tuple[bytes, str]:
        if not self._account.encrypted:
            return message.encode(), ""
        encrypted = encrypt(self._account.aes_key, self._account.appid, message)
        return to_xml({"ToUserName": self._account.gh_id, "Encrypt": encrypted}).encode(), encrypted


def accepts(answer: Answer) -> bool:
    """Empty, ``success`` or a reply in XML ends the delivery."""
    body = answer.body.strip()
    return answer.status == 200 and (body in {b"", b"success"} or body.startswith(b"<xml>"))


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return url + ("&" if "?" in url else "?") + urlencode(query)
