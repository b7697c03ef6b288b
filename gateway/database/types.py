"""Column types: aware UTC times, sealed personal data, keyed hashes, JSON, 64-bit integers.

Sealed and hashed types find their keyring on the dialect, which SQLAlchemy makes per engine: two
databases in one process never share it, and the tables need not know it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import JSON, BigInteger, Integer, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.operators import OperatorType, is_, is_not
from sqlalchemy.types import TypeDecorator, TypeEngine

from gateway.database.keyring import ERASED, Erased, Keyring, Sealed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_KEYRING = "gateway_keyring"
#: In a column's ``info``: the expression by which PostgreSQL fills it in the inserts of gateway.database.statements.
COMPUTED = "computed_on_postgresql"

#: A 64-bit integer on PostgreSQL; SQLite's INTEGER has 64 bits already and is the only one that can be
#: a row's own number.
Long = BigInteger().with_variant(Integer(), "sqlite")


def bind_keyring(dialect: Dialect, keyring: Keyring) -> None:
    """Give an engine's dialect the keyring that its sealed columns use."""
    setattr(dialect, _KEYRING, keyring)


def _keyring(dialect: Dialect) -> Keyring:
    keyring: Keyring | None = getattr(dialect, _KEYRING, None)
    if keyring is None:
        raise RuntimeError("this engine has no keyring; open the database with Database.open")
    return keyring


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant. Refuses naive values, stores UTC, returns aware UTC.

    SQLite has no time type, and SQLAlchemy's own returns naive values there. We store an integer of
    microseconds since 1970: exact, eight bytes at most, and it sorts and subtracts as time does. Read it
    in a shell with ``datetime(column / 1000000, 'unixepoch')``.
    """

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone; give an aware datetime")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else (utc - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return _EPOCH + timedelta(microseconds=value)


class Json(TypeDecorator[Any]):
    """A JSON value without personal data. Python's None is SQL's NULL."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(JSONB(none_as_null=True))
        return dialect.type_descriptor(JSON(none_as_null=True))


class _SealedType(TypeDecorator[Any]):
    """Common to the sealed types: bytes in the table, and no comparison but with NULL."""

    impl = LargeBinary
    cache_ok = True

    class Comparator(TypeDecorator.Comparator[Any]):
        def operate(self, op: OperatorType, *other: Any, **kwargs: Any) -> Any:
            if op not in (is_, is_not) and any(value is not None for value in other):
                raise TypeError(
                    f"{self.expr} is sealed and equals nothing, not even itself; compare a KeyedHash column"
                )
            return super().operate(op, *other, **kwargs)

    comparator_factory = Comparator


class Encrypted(_SealedType):
    """Personal text. Takes str (sealed under the shared key) or ``keyring.seal(text, subject=…)``.

    Returns str, or ERASED when the key was destroyed.
    """

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        if value is None or isinstance(value, Sealed):
            return value
        if not isinstance(value, str):
            raise TypeError(f"an Encrypted column takes str or Sealed, not {type(value).__name__}")
        return _keyring(dialect).seal(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | Erased | None:
        if value is None:
            return None
        data = _keyring(dialect).unseal(value)
        return ERASED if isinstance(data, Erased) else data.decode()


class EncryptedJson(_SealedType):
    """A personal JSON value. Takes the value, or ``keyring.seal_json(value, subject=…)``.

    Python's None is SQL's NULL. Returns the value, or ERASED.
    """

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        if value is None or isinstance(value, Sealed):
            return value
        return _keyring(dialect).seal_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        data = _keyring(dialect).unseal(value)
        return data if isinstance(data, Erased) else orjson.loads(data)


class KeyedHash(TypeDecorator[Any]):
    """The HMAC-SHA-256 of a text, for finding personal data that is stored sealed.

    Takes str and hashes it, also in comparisons (``table.c.phone_hash == "138…"``), or 32 bytes that
    ``keyring.hash`` made. Returns bytes. Hashes compare only between columns of one purpose.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, purpose: str = "") -> None:
        super().__init__()
        self.purpose = purpose

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        if isinstance(value, str):
            return _keyring(dialect).hash(value, self.purpose)
        if value is None or (isinstance(value, bytes) and len(value) == 32):
            return value
        raise TypeError(f"a KeyedHash column takes str or 32 bytes, not {type(value).__name__}")
