"""What can go wrong with the database itself, each with a code and an instruction.

Constraint violations are not here: SQLAlchemy's own ``IntegrityError`` reaches the caller, who knows
what the constraint means.
"""

from __future__ import annotations


class DatabaseError(Exception):
    """The database could not do its work. The message says what, where and what to do."""

    code = "DATABASE_ERROR"


class DatabaseLocked(DatabaseError):
    """Another writer held the lock for longer than we wait. Safe to repeat: nothing was written."""

    code = "DATABASE_LOCKED"


class DatabaseUnwritable(DatabaseError):
    """The file or its directory refuses writes, or the disk is full."""

    code = "DATABASE_UNWRITABLE"


class DatabaseUnreachable(DatabaseError):
    """The server does not answer, refuses the login, or dropped the connection."""

    code = "DATABASE_UNREACHABLE"


class DatabaseSchemaOld(DatabaseError):
    """The stored schema is older than the code; migrations are due."""

    code = "DATABASE_SCHEMA_OLD"


class DatabaseSchemaNewer(DatabaseError):
    """The stored schema is one that this release does not know."""

    code = "DATABASE_SCHEMA_NEWER"


class DatabaseUrlInvalid(DatabaseError):
    """The URL names no database that the gateway can use."""

    code = "DATABASE_URL_INVALID"


class SealError(DatabaseError):
    """Base of everything that is wrong with a key or a sealed value."""

    code = "DATABASE_SEAL_ERROR"


class MasterKeyInvalid(SealError):
    """The master key has the wrong form."""

    code = "DATABASE_MASTER_KEY_INVALID"


class MasterKeyWrong(SealError):
    """The database was sealed under another master key."""

    code = "DATABASE_MASTER_KEY_WRONG"


class DataKeyMissing(SealError):
    """A data key that a caller or a stored value names does not exist."""

    code = "DATABASE_DATA_KEY_MISSING"


class SubjectErased(SealError):
    """The subject's data key was destroyed; nothing can be sealed for it any more."""

    code = "DATABASE_SUBJECT_ERASED"


class SealBroken(SealError):
    """A sealed value is damaged, or was changed by someone without the key."""

    code = "DATABASE_SEAL_BROKEN"
