"""The platform's side of the callback encryption (加解密方案说明): signs and seals, never opens."""

from __future__ import annotations

import base64
import hashlib
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

#: The scheme pads to 32 bytes although AES has blocks of 16.
PADDING_BLOCK = 32


class Sealer:
    """Encrypts for one receiver: 16 random bytes, length, message, receive id; AES-256-CBC."""

    def __init__(self, token: str, aes_key: str, receive_id: str) -> None:
        self._token = token
        self._key = base64.b64decode(aes_key + "=")
        self._receive_id = receive_id.encode()

    def seal(self, message: bytes, noise: bytes | None = None) -> str:
        """The ``Encrypt`` text, standard base64. ``noise`` fixes the 16 random bytes."""
        plain = noise or secrets.token_bytes(16)
        plain += struct.pack(">I", len(message)) + message + self._receive_id
        pad = PADDING_BLOCK - len(plain) % PADDING_BLOCK
        plain += bytes([pad]) * pad
        encryptor = Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16])).encryptor()
        return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()

    def signature(self, timestamp: str, nonce: str, encrypted: str) -> str:
        """``msg_signature``: SHA-1 over the four sorted texts."""
        joined = "".join(sorted((self._token, timestamp, nonce, encrypted)))
        return hashlib.sha1(joined.encode()).hexdigest()
