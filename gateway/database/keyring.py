"""Envelope encryption of personal data: data keys wrapped by one master key.

A sealed cell is ``version (1) · key id (16) · nonce (12) · AES-256-GCM ciphertext and tag``; the first
two parts are authenticated with it. Values belong to the shared data key or to a subject's own. When
a subject's key is destroyed its cells read as ``ERASED``, in every table and in every backup that does
not hold the key any more.

The hash key of ``KeyedHash`` columns is itself a wrapped key. It is not derived from the master key,
so that changing the master key means wrapping rows again (``gateway.database.rotation``) and never hashing every
phone number.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Final, Literal, Protocol

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.database.errors import (
    DataKeyMissing,
    MasterKeyInvalid,
    MasterKeyWrong,
    SealBroken,
    SubjectErased,
)

HASH_SUBJECT = "gateway:hash"
_FORMAT = b"\x01"
_ID = slice(1, 17)
_NONCE = slice(17, 29)
_BODY = slice(29, None)


class Erased(Enum):
    """Stands where a value was whose key is destroyed. It is false, so ``value or None`` reads well."""

    ERASED = "erased"

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "ERASED"


ERASED: Final = Erased.ERASED


class Sealed(bytes):
    """A cell sealed by a Keyring; ``Encrypted`` columns store it as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Sealed({len(self)} bytes)"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """One row of ``data_key``. ``wrapped`` is None once destroyed; ``subject`` None for shared keys."""

    id: bytes
    subject: str | None
    wrapped: bytes | None
    master_id: str


class FreshKey:
    """A new subject's data key before its row is stored: see ``Keyring.fresh``."""

    __slots__ = ("_header", "_key", "row")

    def __init__(self, row: WrappedKey, key: bytes) -> None:
        self.row = row
        self._header = _FORMAT + row.id
        self._key = AESGCM(key)

    def seal(self, text: str) -> Sealed:
        """Seal text under it."""
        return _sealed(self._key, self._header, text.encode())


class KeyStore(Protocol):
    """Where wrapped keys live. Lookups are synchronous, by primary or unique key, and rare."""

    def by_id(self, key_id: bytes) -> WrappedKey | None:
        """The key with that id."""
        ...

    def by_subjects(self, subjects: Sequence[str]) -> Sequence[WrappedKey]:
        """The keys of those subjects that have one, destroyed ones included."""
        ...

    async def shared(self) -> WrappedKey | None:
        """The shared key to seal with now, or None when a new one is due."""
        ...

    def newest_shared(self) -> WrappedKey | None:
        """The newest shared key, also when a new one is due."""
        ...

    async def add(self, keys: Sequence[WrappedKey]) -> None:
        """Commit new keys; one whose subject already has a key is dropped."""
        ...

    async def destroy(self, subject: str) -> bool:
        """Overwrite the subject's wrapped key for good; False when there was none."""
        ...


class Keyring:
    """Seals, opens and hashes for one database. Unwrapped keys are cached, bounded in number and age.

    Keys are wrapped by ``master``, and opened whether ``master`` or one of ``accepted`` has wrapped them: so
    that processes serve on while the master key is changed. The age (60 s) is how long another process may
    still read a subject after its key was destroyed.
    """

    def __init__(
        self,
        master: bytes,
        *,
        accepted: Sequence[bytes] = (),
        cache_size: int = 10_000,
        cache_seconds: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        for key in (master, *accepted):
            if len(key) != 32:
                raise MasterKeyInvalid(
                    f"a master key has {len(key)} bytes and needs 32; "
                    "make one with: python -c 'import base64,os;print(base64.b64encode(os.urandom(32)).decode())'"
                )
        self._master = AESGCM(master)
        #: Names the master key without telling it; written beside every key that it wraps.
        self.master_id = _master_id(master)
        self._masters = {_master_id(key): AESGCM(key) for key in (*accepted, master)}
        self._cache = _Cache(cache_size, cache_seconds, monotonic)
        self._store: KeyStore | None = None
        self._shared = b""
        self._monotonic = monotonic
        self._shared_seconds = cache_seconds
        self._shared_until = 0.0
        self._hash_key = b""
        self._hashes: dict[str, hmac.HMAC] = {}

    @classmethod
    def from_base64(cls, text: str, accepted: Sequence[str] = ()) -> Keyring:
        """A keyring from the settings' texts: 32 bytes in base64 each."""
        return cls(_decoded(text), accepted=[_decoded(each) for each in accepted])

    def __repr__(self) -> str:
        return f"Keyring(master_id={self.master_id!r})"

    @property
    def accepted_ids(self) -> frozenset[str]:
        """Names of the master keys that open data keys here, the current one among them."""
        return frozenset(self._masters)

    async def attach(self, store: KeyStore) -> None:
        """Bind to the database's keys; makes the hash key and the shared key when there are none.

        Raises MasterKeyWrong when the database was sealed under another master key.
        """
        if self._store is not None:
            raise RuntimeError("this Keyring already belongs to a Database; make one Keyring per Database")
        hash_row = await self._ensure_row(store, HASH_SUBJECT)
        shared = await store.shared()
        if shared is None:
            shared = self._new_key(None)
            await store.add([shared])
        self._hash_key = self._unwrap(hash_row)
        self.use_shared(shared)
        self._store = store

    def seal(self, text: str, *, subject: str | None = None) -> Sealed:
        """Seal text under the shared key, or under the subject's (see ``ensure``)."""
        return self.seal_bytes(text.encode(), subject=subject)

    def seal_json(self, value: object, *, subject: str | None = None) -> Sealed:
        """Seal a JSON value for an ``EncryptedJson`` column."""
        return self.seal_bytes(orjson.dumps(value), subject=subject)

    def seal_bytes(self, data: bytes, *, subject: str | None = None) -> Sealed:
        """Seal bytes. Raises DataKeyMissing for an unknown subject, SubjectErased for an erased one."""
        key_id = self._shared_key() if subject is None else self._subject_key(subject)
        key = self._key(key_id)
        if key is None:
            raise SubjectErased("the data key was destroyed; nothing can be sealed for this subject")
        return _sealed(key, _FORMAT + key_id, data)

    def fresh(self, subject: str) -> FreshKey:
        """A key for a subject that nobody knows yet, to seal with before its row is stored.

        Insert the row in the very transaction that stores what it seals: then either both exist or neither. A subject
        that somebody else could know needs ``ensure``. Touches no cache, so any thread may call it.
        """
        key = AESGCM.generate_key(256)
        return FreshKey(self._wrapped(secrets.token_bytes(16), subject, key), key)

    def unseal(self, cell: bytes) -> bytes | Erased:
        """What a cell holds, or ERASED when its key was destroyed.

        Raises SealBroken for a damaged cell and DataKeyMissing when its key's row is gone.
        """
        if cell[:1] != _FORMAT or len(cell) < 45:
            raise SealBroken(
                f"a sealed value of {len(cell)} bytes has no format that this release reads; "
                "was the column written by hand or by a newer release?"
            )
        key = self._key(cell[_ID])
        if key is None:
            return ERASED
        try:
            return key.decrypt(cell[_NONCE], cell[_BODY], cell[:17])
        except InvalidTag:
            raise SealBroken("a sealed value does not fit its key: it was damaged or changed") from None

    def hash(self, text: str, purpose: str = "") -> bytes:
        """32 bytes of HMAC-SHA-256 under the database's hash key; equal texts of one purpose are equal."""
        if not self._hash_key:
            raise RuntimeError("the Keyring is not attached to a Database yet")
        begun = self._hashes.get(purpose)
        if begun is None:
            # The key and the purpose are hashed once; an import hashes a dozen texts per row.
            begun = self._hashes[purpose] = hmac.new(self._hash_key, purpose.encode() + b"\0", sha256)
        digest = begun.copy()
        digest.update(text.encode())
        return digest.digest()

    async def ensure(self, *subjects: str) -> None:
        """Make a data key for each subject that has none.

        It commits by itself. Call it before the transaction that seals: a key made inside one could be
        rolled back after a concurrent transaction has sealed with it.
        """
        store = self._attached()
        known = {key.subject for key in store.by_subjects(subjects)}
        new = [self._new_key(subject) for subject in dict.fromkeys(subjects) if subject not in known]
        if new:
            await store.add(new)
        self.prime(subjects)

    def prime(self, subjects: Iterable[str]) -> None:
        """Load many subjects' keys in one statement, before a page of their values is read."""
        wanted = [subject for subject in dict.fromkeys(subjects) if self._cache.by_subject(subject) is None]
        for row in self._attached().by_subjects(wanted) if wanted else ():
            self._remember(row)

    async def destroy(self, subject: str) -> bool:
        """Erase everything that is sealed under the subject's key. False when there was no key left."""
        if subject == HASH_SUBJECT:
            raise ValueError("the hash key belongs to no subject")
        destroyed = await self._attached().destroy(subject)
        self._cache.drop_subject(subject)
        return destroyed

    def forget(self, subjects: Iterable[str]) -> None:
        """Drop cached keys of subjects whose rows were destroyed in somebody's own transaction."""
        for subject in subjects:
            self._cache.drop_subject(subject)

    def rewrapped(self, row: WrappedKey) -> WrappedKey:
        """The same data key, wrapped by the current master key. Raises MasterKeyWrong, SealBroken."""
        return self._wrapped(row.id, row.subject, self._unwrap(row))

    def renew_shared(self) -> WrappedKey:
        """A new shared key, to be stored and then used by ``use_shared``."""
        return self._new_key(None)

    def renewed(self, subject: str) -> WrappedKey:
        """A new key for a subject that has one; to be stored in its place."""
        return self._new_key(subject)

    def use_shared(self, row: WrappedKey) -> None:
        """Seal with this shared key from now on."""
        self._cache.put(row, AESGCM(self._unwrap(row)))
        self._shared = row.id
        self._shared_until = self._monotonic() + self._shared_seconds

    @property
    def shared_id(self) -> bytes:
        """The id of the shared key that is sealed with now."""
        return self._shared

    async def _ensure_row(self, store: KeyStore, subject: str) -> WrappedKey:
        rows = store.by_subjects([subject])
        if not rows:
            await store.add([self._new_key(subject)])
            # Another process may have been first: what is stored counts.
            rows = store.by_subjects([subject])
        return rows[0]

    def _shared_key(self) -> bytes:
        """The newest shared key, looked up once a minute: another process may have made it."""
        if self._shared_until <= self._monotonic():
            newest = self._attached().newest_shared()
            if newest is not None:
                self.use_shared(newest)
        return self._shared

    def _subject_key(self, subject: str) -> bytes:
        key_id = self._cache.by_subject(subject)
        if key_id is None:
            rows = self._attached().by_subjects([subject])
            if not rows:
                raise DataKeyMissing("this subject has no data key yet; await keyring.ensure(subject) first")
            self._remember(rows[0])
            key_id = rows[0].id
        return key_id

    def _key(self, key_id: bytes) -> AESGCM | None:
        found = self._cache.get(key_id)
        if found is not None:
            return found.key
        row = self._attached().by_id(key_id)
        if row is None:
            raise DataKeyMissing(
                f"data key {key_id.hex()} is not in table data_key; was the table restored from an older backup?"
            )
        return self._remember(row)

    def _remember(self, row: WrappedKey) -> AESGCM | None:
        key = None if row.wrapped is None else AESGCM(self._unwrap(row))
        self._cache.put(row, key)
        return key

    def _new_key(self, subject: str | None) -> WrappedKey:
        return self._wrapped(secrets.token_bytes(16), subject, AESGCM.generate_key(256))

    def _wrapped(self, key_id: bytes, subject: str | None, key: bytes) -> WrappedKey:
        nonce = secrets.token_bytes(12)
        return WrappedKey(key_id, subject, nonce + self._master.encrypt(nonce, key, key_id), self.master_id)

    def _unwrap(self, row: WrappedKey) -> bytes:
        master = self._masters.get(row.master_id)
        if master is None or row.wrapped is None:
            raise MasterKeyWrong(
                f"data key {row.id.hex()} was wrapped by master key {row.master_id}, and this one is "
                f"{self.master_id}; set the master key that this database was made with, or add it to "
                "master_keys_accepted"
            )
        try:
            return master.decrypt(row.wrapped[:12], row.wrapped[12:], row.id)
        except InvalidTag:
            raise SealBroken(f"data key {row.id.hex()} is damaged; restore table data_key") from None

    def _attached(self) -> KeyStore:
        if self._store is None:
            raise RuntimeError("the Keyring is not attached to a Database yet")
        return self._store


def key_id(cell: bytes) -> bytes:
    """Which data key sealed a cell."""
    return bytes(cell[_ID])


def _master_id(master: bytes) -> str:
    return hmac.digest(master, b"master key id", sha256)[:8].hex()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        # The cause would show the key's text.
        raise MasterKeyInvalid("a master key is not base64 of 32 bytes") from None


def _sealed(key: AESGCM, header: bytes, data: bytes) -> Sealed:
    nonce = secrets.token_bytes(12)
    return Sealed(header + nonce + key.encrypt(nonce, data, header))


@dataclass(frozen=True, slots=True)
class _Entry:
    key: AESGCM | None
    subject: str | None
    until: float


class _Cache:
    """Least recently used keys, each for a limited time; a destroyed key is kept as None."""

    def __init__(self, size: int, seconds: float, monotonic: Callable[[], float]) -> None:
        self._size = size
        self._seconds = seconds
        self._monotonic = monotonic
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._subjects: dict[str, bytes] = {}

    def get(self, key_id: bytes) -> _Entry | None:
        entry = self._entries.get(key_id)
        if entry is None:
            return None
        if entry.until <= self._monotonic():
            self._drop(key_id)
            return None
        self._entries.move_to_end(key_id)
        return entry

    def by_subject(self, subject: str) -> bytes | None:
        key_id = self._subjects.get(subject)
        return key_id if key_id is not None and self.get(key_id) is not None else None

    def put(self, row: WrappedKey, key: AESGCM | None) -> None:
        self._drop(row.id)
        self._entries[row.id] = _Entry(key, row.subject, self._monotonic() + self._seconds)
        if row.subject is not None:
            self._subjects[row.subject] = row.id
        if len(self._entries) > self._size:
            self._drop(next(iter(self._entries)))

    def drop_subject(self, subject: str) -> None:
        key_id = self._subjects.get(subject)
        if key_id is not None:
            self._drop(key_id)

    def _drop(self, key_id: bytes) -> None:
        entry = self._entries.pop(key_id, None)
        if entry is not None and entry.subject is not None:
            self._subjects.pop(entry.subject, None)
