"""What the gateway calls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from adapters.base.errors import NotFound
from adapters.sample.client import SampleClient
from adapters.sample.config import SampleConfig
from adapters.sample.errors import NAME
from adapters.sample.records import Item, Note

#: Ids that ``items/batch_get`` takes at a time.
ITEMS_PER_CALL: Final = 20


class SampleAdapter:
    """One account."""

    def __init__(self, config: SampleConfig, client: SampleClient) -> None:
        self._config = config
        self._client = client

    @property
    def account(self) -> str:
        """The client id."""
        return self._config.external_id

    async def ping(self) -> None:
        """Asks who we are, which takes a token that works."""
        await self._client.account()

    async def items(self, ids: Sequence[str]) -> Sequence[Item | NotFound]:
        """Items in the order of ``ids``; NotFound for an id that the platform does not know.

        Takes ceil(n / ``ITEMS_PER_CALL``) calls, at the same time.
        """
        asked = list(dict.fromkeys(ids))
        chunks = [asked[i : i + ITEMS_PER_CALL] for i in range(0, len(asked), ITEMS_PER_CALL)]
        answers = await asyncio.gather(*(self._client.items_batch_get(chunk) for chunk in chunks))
        found = {wire.item_id: Item(wire.item_id, wire.title, wire.price_fen) for a in answers for wire in a.items}
        return [found.get(one) or self._missing(one) for one in ids]

    async def add_note(self, key: str, text: str) -> Note:
        """Keep a note; repeating it with the same ``key`` is safe."""
        return Note((await self._client.notes_add(key, text)).note_id)

    def _missing(self, item: str) -> NotFound:
        message = f"The platform has no item {item!r}."
        return NotFound(NAME, "not_found", message, endpoint="items_batch_get", account=self.account)
