"""Where entries lie: in this process, or in Redis for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

#: What a tag's state is named by. It is another one after every purge, and never one that was there before.
Generation = bytes


class StoreDown(Exception):
    """The store does not answer: read on without it."""


class Store(Protocol):
    """Entries by key, and generations by tag. Everything is opaque: keys and tags are keyed hashes, entries sealed.

    Nothing is deleted when a tag is purged: the tag gets a new generation, and an entry that was made under another one
    counts no more. So a purge costs the same however much it hits, and a read that is under way when it comes keeps
    an entry that nobody will take: it carries the generations from before it asked.
    """

    async def look(self, key: str, tags: Sequence[str]) -> tuple[bytes | None, tuple[Generation, ...]]:
        """The entry and the tags' generations, as of one instant. Raises StoreDown."""
        ...

    async def keep(self, key: str, entry: bytes, seconds: float) -> None:
        """Store an entry for so long. Raises StoreDown."""
        ...

    async def purge(self, tags: Sequence[str]) -> None:
        """Give the tags new generations. Raises StoreDown; then none, some or all have them."""
        ...

    async def claim(self, key: str, seconds: float) -> str | None:
        """A receipt for whoever asks the platform for this key; None while another has it. Raises StoreDown."""
        ...

    async def release(self, key: str, receipt: str) -> None:
        """Give a claim back."""
        ...
