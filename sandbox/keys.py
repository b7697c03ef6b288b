"""RSA key pairs of the emulated parties: generated at first use, kept in a folder, never committed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


class KeyRing:
    """Named RSA-2048 keys; with a folder they survive restarts."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._keys: dict[str, RSAPrivateKey] = {}

    def rsa(self, name: str) -> RSAPrivateKey:
        """The key of a party, such as ``payments/1900007291/merchant``."""
        if name not in self._keys:
            self._keys[name] = _load(self._folder, name) if self._folder is not None else _new()
        return self._keys[name]

    def private_pem(self, name: str) -> str:
        """PKCS#8 PEM."""
        return self.rsa(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")

    def public_pem(self, name: str) -> str:
        """SubjectPublicKeyInfo PEM."""
        public = self.rsa(name).public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def _load(folder: Path, name: str) -> RSAPrivateKey:
    path = folder / (hashlib.sha256(name.encode()).hexdigest()[:24] + ".pem")
    if path.exists():
        key = load_pem_private_key(path.read_bytes(), password=None)
        if isinstance(key, RSAPrivateKey):
            return key
    key = _new()
    folder.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def _new() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)
