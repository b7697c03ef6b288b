"""What is cached about somebody, purged by what becomes known about them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.cache import EntityCache, tags
from gateway.database.facts import Fact


class Purging:
    """A listener of ``Projector``: whatever an own mutation, an event or a sync has just added about a member makes
    older answers about them count no more."""

    def __init__(self, cache: EntityCache) -> None:
        self._cache = cache

    def __call__(self, facts: Sequence[Fact]) -> None:
        """Committed facts."""
        self._cache.purge({tags.member(each.member) for each in facts if each.member is not None})
