"""What a shopper's client is given sealed with its session key: ``encryptedData``, and a signed ``rawData``."""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def seal(session_key: str, vector: str, message: bytes) -> str:
    """AES-128-CBC with PKCS#7, in Base64."""
    fill = 16 - len(message) % 16
    cipher = Cipher(algorithms.AES(base64.b64decode(session_key)), modes.CBC(base64.b64decode(vector)))
    encryptor = cipher.encryptor()
    sealed = encryptor.update(message + bytes([fill]) * fill) + encryptor.finalize()
    return base64.b64encode(sealed).decode()


def unseal(session_key: str, vector: str, data: str) -> bytes:
    """The message that was sealed, unchecked."""
    cipher = Cipher(algorithms.AES(base64.b64decode(session_key)), modes.CBC(base64.b64decode(vector)))
    decryptor = cipher.decryptor()
    padded = decryptor.update(base64.b64decode(data)) + decryptor.finalize()
    return padded[: -padded[-1]]


def sign_raw(raw_data: str, session_key: str) -> str:
    """The signature that the client is given beside ``rawData``."""
    return hashlib.sha1((raw_data + session_key).encode()).hexdigest()
