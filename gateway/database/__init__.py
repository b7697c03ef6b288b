"""The storage room: engine, column types, keyring, tables and migrations. See docs/database.md."""

from gateway.database.commit import after_commit
from gateway.database.counting import Counter, count_statements
from gateway.database.engine import Database
from gateway.database.errors import DatabaseError
from gateway.database.facts import Fact, append_facts
from gateway.database.keyring import ERASED, Erased, Keyring, Sealed
from gateway.database.migrate import upgrade
from gateway.database.schema import metadata
from gateway.database.statements import insert_new, upsert
from gateway.database.types import Encrypted, EncryptedJson, Json, KeyedHash, Long, UtcDateTime
from gateway.database.ulid import Ulids, uuid7
from gateway.database.versions import record_versions

__all__ = [
    "ERASED",
    "Counter",
    "Database",
    "DatabaseError",
    "Encrypted",
    "EncryptedJson",
    "Erased",
    "Fact",
    "Json",
    "KeyedHash",
    "Keyring",
    "Long",
    "Sealed",
    "Ulids",
    "UtcDateTime",
    "after_commit",
    "append_facts",
    "count_statements",
    "insert_new",
    "metadata",
    "record_versions",
    "upgrade",
    "upsert",
    "uuid7",
]
