"""What platforms answered a short while ago, kept until it is too old or something says that it changed.

``EntityCache.read`` stands between a resolver and an adapter. docs/freshness.md has the rules and the table of reads.
"""

from gateway.cache import tags
from gateway.cache.entities import OUTAGES, Answer, EntityCache, Key, Read
from gateway.cache.freshness import ANY, Asked, Demands, Note, Source, Wish
from gateway.cache.memory import MemoryStore
from gateway.cache.shared import RedisStore
from gateway.cache.store import Store, StoreDown

__all__ = [
    "ANY",
    "OUTAGES",
    "Answer",
    "Asked",
    "Demands",
    "EntityCache",
    "Key",
    "MemoryStore",
    "Note",
    "Read",
    "RedisStore",
    "Source",
    "Store",
    "StoreDown",
    "Wish",
    "tags",
]
