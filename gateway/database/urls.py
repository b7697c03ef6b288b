"""One URL per database; the drivers are our choice."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway.database.errors import DatabaseUrlInvalid

_FORMS = "use sqlite:///relative.db, sqlite:////absolute/file.db or postgresql://user:password@host:5432/name"


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A checked URL. Its ``str`` and ``repr`` hold no password and no query values."""

    url: URL

    @classmethod
    def parse(cls, text: str) -> DatabaseUrl:
        """Check a setting's text. DatabaseUrlInvalid does not repeat it: it may hold a password."""
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            raise DatabaseUrlInvalid(f"the database URL cannot be read; {_FORMS}") from None
        if url.drivername not in ("sqlite", "postgresql", "postgres"):
            raise DatabaseUrlInvalid(f"the database URL begins with {url.drivername!r}; {_FORMS}")
        if url.drivername == "sqlite" and url.database in (None, "", ":memory:"):
            raise DatabaseUrlInvalid(f"a database in memory loses every intent when the process dies; {_FORMS}")
        return cls(url)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a file of ours and not a server."""
        return self.url.drivername == "sqlite"

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return Path(self.url.database or "")

    def __str__(self) -> str:
        if self.is_sqlite:
            return f"sqlite:///{self.path}"
        host = self.url.host or "local socket"
        return f"postgresql://{host}:{self.url.port or 5432}/{self.url.database or ''}"

    __repr__ = __str__

    def sync_url(self) -> URL:
        """For migrations: sqlite3 or psycopg, which take the query as it is."""
        return self.url.set(drivername="sqlite" if self.is_sqlite else "postgresql+psycopg")

    def async_url(self) -> URL:
        """For work: aiosqlite or asyncpg, without the query (see ``asyncpg_arguments``)."""
        if self.is_sqlite:
            return self.url.set(drivername="sqlite+aiosqlite")
        kept = {name: value for name, value in self.url.query.items() if name in ("host", "port")}
        return self.url.set(drivername="postgresql+asyncpg", query=kept)

    def asyncpg_arguments(self) -> dict[str, object]:
        """libpq's query words in asyncpg's terms: ``sslmode`` → ``ssl``, ``options=-c a=b`` → settings."""
        arguments: dict[str, object] = {}
        settings: dict[str, str] = {}
        for name, value in self.url.query.items():
            text = value if isinstance(value, str) else value[-1]
            if name == "sslmode":
                arguments["ssl"] = text
            elif name == "options":
                settings.update(_options(text))
            elif name == "application_name":
                settings[name] = text
            elif name == "connect_timeout":
                arguments["timeout"] = float(text)
            elif name not in ("host", "port"):
                raise DatabaseUrlInvalid(
                    f"the database URL has the parameter {name!r}; known are sslmode, options, "
                    "application_name, connect_timeout, host and port"
                )
        return arguments | {"server_settings": settings}


def _options(text: str) -> dict[str, str]:
    """``-c name=value`` pairs, written with or without the space."""
    words = " ".join(shlex.split(text)).replace("-c ", "-c").split()
    pairs = [word.removeprefix("-c").partition("=") for word in words]
    return {name: value for name, _, value in pairs}
