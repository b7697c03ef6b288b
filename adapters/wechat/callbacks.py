"""What the WeChat platforms push to us: verified, decrypted and parsed.

Every request carries ``timestamp``, ``nonce`` and a SHA-1 over the sorted texts: ``signature`` covers
[token, timestamp, nonce], and ``msg_signature`` also the ciphertext. Only the second one speaks for
the body, so an account whose callbacks are encrypted (安全模式) accepts nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from adapters.base.secrets import Secret
from adapters.base.webhooks import InboundEvent, Received, WebhookRefused, WebhookReply, WebhookRequest

#: Padding goes up to this many bytes, though AES itself works in blocks of 16.
PAD_BLOCK: Final = 32
#: A push older (or younger) than this is refused. Our choice: the platforms give up after some 15 seconds.
MAX_AGE: Final = timedelta(minutes=5)
#: Real pushes are a few kilobytes.
MAX_BODY_BYTES: Final = 1024 * 1024

#: Tags of a document. A push about five hundred people has some three thousand; a megabyte of nothing else would cost
#: a hundred times its size in memory, before anybody has proved who sent it.
MAX_TAGS: Final = 10_000

Payload = Mapping[str, object]


class CallbackCrypto:
    """Signature and AES of one callback URL.

    Args:
        token: the Token entered in the platform's console.
        aes_key: the EncodingAESKey, 43 characters; may be empty where callbacks are plain.
        receive_id: what the platform puts behind the message: the appid, at enterprise chat the corpid.
        previous_aes_key: the EncodingAESKey before the last change, which may be used for a while yet.

    Raises ValueError for an EncodingAESKey that is not 43 Base64 characters.
    """

    def __init__(
        self, token: Secret, aes_key: Secret, receive_id: str, *, previous_aes_key: Secret | None = None
    ) -> None:
        self._token = token
        self._keys = tuple(_aes_key(key) for key in (aes_key, previous_aes_key) if key)
        self._receive_id = receive_id.encode()

    def signature(self, *parts: str) -> str:
        """SHA-1 over the token and ``parts``, sorted and joined without separators; lower-case hex."""
        text = "".join(sorted((self._token.reveal(), *parts)))
        return hashlib.sha1(text.encode(errors="replace"), usedforsecurity=False).hexdigest()

    def verify(self, claimed: str, *parts: str) -> None:
        """Raises WebhookRefused unless ``claimed`` is the signature of ``parts``."""
        if not hmac.compare_digest(self.signature(*parts).encode(), claimed.encode(errors="replace")):
            raise WebhookRefused("signature", "The callback's signature is not made with our token.")

    def decrypt(self, encrypted: str) -> bytes:
        """The message inside a ciphertext in Base64; raises WebhookRefused. Verify the signature first."""
        try:
            data = base64.b64decode(encrypted)
        except ValueError as error:
            raise _shape("The callback's Encrypt is not Base64.") from error
        if not data or len(data) % 16:
            raise _shape("The callback's ciphertext is not a whole number of AES blocks.")
        for key in self._keys:
            message = self._opened(key, data)
            if message is not None:
                return message
        raise _shape(
            "The callback cannot be decrypted for this account; compare EncodingAESKey and account id "
            "with the platform's console."
        )

    def _opened(self, key: bytes, data: bytes) -> bytes | None:
        """16 random bytes, 4 bytes length, message, receive id, padding; None where that does not fit."""
        decryptor = Cipher(AES(key), CBC(key[:16])).decryptor()
        plain = decryptor.update(data) + decryptor.finalize()
        pad = plain[-1]
        if not 1 <= pad <= PAD_BLOCK or plain[-pad:] != bytes([pad]) * pad:
            return None
        content = plain[16:-pad]
        length = int.from_bytes(content[:4], "big")
        message, receive_id = content[4 : 4 + length], content[4 + length :]
        if len(content) < 4 or len(message) != length or receive_id != self._receive_id:
            return None
        return message


@dataclass(frozen=True, slots=True)
class Callbacks:
    """One callback URL of one account.

    Attributes:
        crypto: its keys.
        encrypted: True for 安全模式; a plain body is then refused.
        encrypted_echo: True where the echo of the URL check is encrypted too (enterprise chat).
        accepted: the body that tells the platform to be content.
    """

    crypto: CallbackCrypto
    encrypted: bool
    encrypted_echo: bool = False
    accepted: bytes = b"success"

    def receive(self, request: WebhookRequest, now: datetime, event: Callable[[Payload], InboundEvent]) -> Received:
        """The answer to a request, and the event it brought.

        A GET is the console's check of the URL and brings nothing. ``event`` makes an InboundEvent of a
        verified payload; its KeyError, ValueError and TypeError mean that the payload has not the
        platform's shape. Raises WebhookRefused.
        """
        if request.method == "GET":
            return Received(self.echo(request, now))
        if request.method != "POST":
            raise WebhookRefused("method", "The platform calls with GET and POST only.", status=405)
        payload = self.payload(request, now)
        try:
            found = event(payload)
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise _shape("The callback lacks an element that every callback of this platform has.") from error
        return Received(WebhookReply(body=self.accepted), (found,))

    def echo(self, request: WebhookRequest, now: datetime) -> WebhookReply:
        """The answer to the console's check of the URL: ``echostr``, decrypted where it is encrypted."""
        echo = request.query.get("echostr", "")
        if self.encrypted_echo:
            self._verify(request, now, "msg_signature", echo)
            return WebhookReply(body=self.crypto.decrypt(echo))
        self._verify(request, now, "signature")
        return WebhookReply(body=echo.encode())

    def payload(self, request: WebhookRequest, now: datetime) -> dict[str, object]:
        """The body of a POST: verified, decrypted, parsed by ``parse``; raises WebhookRefused."""
        if not self.encrypted:
            self._verify(request, now, "signature")
            return self._plain(request.body)
        # Parsing comes before the check because the signed text is inside; ``parse`` is safe on any bytes.
        encrypted = parse(request.body).get("Encrypt")
        if not isinstance(encrypted, str) or not encrypted:
            raise _shape("The callback is not encrypted, but this account's are; see the console's setting.")
        self._verify(request, now, "msg_signature", encrypted)
        return parse(self.crypto.decrypt(encrypted))

    def _plain(self, body: bytes) -> dict[str, object]:
        payload = parse(body)
        # 兼容模式 sends both: the clear part is then all there.
        if "Encrypt" in payload and len(payload) <= 2:
            raise _shape("The callback is encrypted, but this account's are plain; see the console's setting.")
        return payload

    def _verify(self, request: WebhookRequest, now: datetime, name: str, *signed: str) -> None:
        query = request.query
        timestamp = query.get("timestamp", "")
        self.crypto.verify(query.get(name, ""), timestamp, query.get("nonce", ""), *signed)
        if not timestamp.isdecimal() or len(timestamp) > 12:
            raise _shape("The callback's timestamp is not a number of seconds.")
        if abs(now.timestamp() - int(timestamp)) > MAX_AGE.total_seconds():
            raise WebhookRefused(
                "stale",
                f"The callback was signed more than {int(MAX_AGE.total_seconds())} seconds from now; "
                "it is a replay, or our clock is wrong.",
            )


def parse(body: bytes) -> dict[str, object]:
    """A callback body as a mapping: JSON where it begins with a brace, else XML.

    From XML every leaf is text; an element with children is a mapping, a repeated one a list (so one
    occurrence and many look different: use ``as_list``). Raises WebhookRefused, for a document type
    declaration too.
    """
    if len(body) > MAX_BODY_BYTES:
        raise _shape(f"The callback is larger than {MAX_BODY_BYTES} bytes.")
    if body.count(b"<") > MAX_TAGS:
        raise _shape(f"The callback has more than {MAX_TAGS} tags.")
    try:
        value = json.loads(body) if body.lstrip()[:1] == b"{" else _mapping(fromstring(body, forbid_dtd=True))
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise _shape("The callback's body is neither XML nor JSON that can be read.") from error
    if not isinstance(value, dict):
        raise _shape("The callback's body has no elements.")
    return value


def as_list(value: object) -> list[Any]:
    """A repeated element as a list: absent, once or many times, in XML and in JSON."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _mapping(element: Iterable[Element]) -> dict[str, object]:
    found: dict[str, object] = {}
    for child in element:
        value: object = _mapping(child) if len(child) else child.text or ""
        if child.tag not in found:
            found[child.tag] = value
            continue
        before = found[child.tag]
        found[child.tag] = [*before, value] if isinstance(before, list) else [before, value]
    return found


def _aes_key(encoded: Secret) -> bytes:
    """The last character may carry spare bits, which Base64 decoding must not mind."""
    text = encoded.reveal()
    try:
        key = base64.b64decode(text + "=")
    except ValueError:
        key = b""
    if len(text) != 43 or len(key) != 32:
        raise ValueError("an EncodingAESKey has 43 Base64 characters; copy it from the platform's console")
    return key


def _shape(message: str) -> WebhookRefused:
    return WebhookRefused("shape", message, status=400)
