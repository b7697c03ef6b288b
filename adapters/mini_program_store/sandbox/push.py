"""Message push: signed, plain or AES, XML or JSON, on the store's own retry schedule."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from adapters.mini_program_store.sandbox.state import App
from sandbox.http1 import Answer, request
from sandbox.platform import Kit
from sandbox.pusher import Push

NAME: Final = "mini_program_store"
#: Pauses before the second to tenth delivery of a store event, seconds.
STORE_RETRIES: Final = (0.0, 0.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 3600.0, 3600.0)
Event = Mapping[str, Any]


def signature(*parts: str) -> str:
    """SHA-1 of the sorted texts, joined."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def encrypt(aes_key: str, appid: str, message: bytes, prefix: bytes) -> str:
    """AES-256-CBC over prefix, length, message and appid, padded to blocks of 32; Base64."""
    key = base64.b64decode(aes_key + "=")
    plain = prefix + len(message).to_bytes(4, "big") + message + appid.encode()
    fill = 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()).decode()


def as_xml(event: Event) -> bytes:
    """Texts in CDATA, numbers bare, objects nested."""
    return f"<xml>{_elements(event)}</xml>".encode()


def _elements(values: Event) -> str:
    return "".join(f"<{name}>{_text(value)}</{name}>" for name, value in values.items())


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return _elements(value)
    if isinstance(value, int | float):
        return str(value)
    # A CDATA section cannot hold its own end.
    text = str(value)
    return escape(text) if "]]>" in text else f"<![CDATA[{text}]]>"


def subscribe_event(app: App, openid: str, at: int, name: str, entry: Event) -> Event:
    """One of the ``subscribe_msg_…`` events: XML wraps its list in an element of the event's own, JSON does not."""
    wrapper = "".join(part.capitalize() for part in name.split("_"))
    told: Event = {wrapper: {"List": entry}} if app.push_format == "xml" else {"List": [entry]}
    return {
        "ToUserName": app.owner.gh_id,
        "FromUserName": openid,
        "CreateTime": at,
        "MsgType": "event",
        "Event": name,
        **told,
    }


@dataclass(frozen=True, slots=True)
class Desk:
    """Builds and sends pushes of the apps."""

    kit: Kit

    def send(self, app: App, event: Event) -> None:
        """Deliver an event to the URL in the app's console, if there is one."""
        target = self.kit.pusher.target(NAME, app.owner.appid)
        if target is None:
            return
        body = as_xml(event) if app.push_format == "xml" else orjson.dumps(event)
        self.kit.pusher.push(
            NAME,
            app.owner.appid,
            str(event["Event"]),
            lambda: self.build(app, target, body, str(event["FromUserName"])),
            accept=accepted,
            retry_after=STORE_RETRIES,
        )

    def build(self, app: App, target: str, body: bytes, openid: str) -> Push:
        """One attempt: the same message, signed anew."""
        query = self._signed(app)
        query["openid"] = openid
        if app.encrypted:
            sealed = encrypt(app.owner.aes_key, app.owner.appid, body, secrets.token_bytes(16))
            stamp = (app.owner.callback_token, query["timestamp"], query["nonce"], sealed)
            query |= {"encrypt_type": "aes", "msg_signature": signature(*stamp)}
            outer = {"ToUserName": app.owner.gh_id, "Encrypt": sealed}
            body = as_xml(outer) if app.push_format == "xml" else orjson.dumps(outer)
        kind = "text/xml" if app.push_format == "xml" else "application/json"
        return Push("POST", _url(target, query), {"Content-Type": kind}, body)

    async def verify_url(self, app: App) -> bool:
        """The console's check of the URL: a signed GET whose echostr must come back."""
        target = self.kit.pusher.target(NAME, app.owner.appid)
        if target is None:
            raise ValueError("no URL is set for this appid")
        echo = secrets.token_hex(10)
        answer = await request("GET", _url(target, {**self._signed(app), "echostr": echo}))
        return answer.status == 200 and answer.body == echo.encode()

    def _signed(self, app: App) -> dict[str, str]:
        timestamp, nonce = str(int(self.kit.clock.now().timestamp())), str(secrets.randbelow(10**9))
        stamp = signature(app.owner.callback_token, timestamp, nonce)
        return {"signature": stamp, "timestamp": timestamp, "nonce": nonce}


def accepted(answer: Answer) -> bool:
    """The platform is content with an empty body or ``success``."""
    return answer.status == 200 and answer.body in {b"", b"success"}


def _url(target: str, query: Mapping[str, str]) -> str:
    return f"{target}{'&' if '?' in target else '?'}{urlencode(query)}"
