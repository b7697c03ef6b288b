"""A process of its own that links evidence: ``python -m tests.gateway.members.rival URL SEED``.

Every process links the same evidence, each in an order and in batches of its own.
"""

from __future__ import annotations

import asyncio
import random
import sys
from datetime import datetime, timedelta

from gateway.database import Database, Keyring
from gateway.events.projector import Evidence, Handle
from tests.databases import MASTER, ManualClock
from tests.gateway.members.conftest import SEEN
from tests.gateway.members.model import Name
from tests.gateway.members.players import Player

Shown = list[tuple[Name, str]]


def evidence(player: Player, count: int = 40) -> list[tuple[Shown, datetime]]:
    """The same for every process: openids, unionids, contacts and verified phones, contradictions among them."""
    dice = random.Random(7)
    found: list[tuple[Shown, datetime]] = []
    for _ in range(count):
        names = sorted(dice.sample(player.pool(), 2), key=lambda name: name[0] == "PHONE")
        if names[0][0] == "PHONE":
            continue
        shown = [(name, "CONDITIONAL" if name[0] == "PHONE" else "STRONG") for name in names]
        found.append((shown, SEEN + timedelta(hours=dice.randint(0, 3))))
    return found


async def main(url: str, seed: int) -> None:
    clock = ManualClock()
    async with Database.open(url, Keyring(MASTER), clock=clock) as database:
        player = Player(database, clock, "0")
        shown = evidence(player)
        random.Random(seed).shuffle(shown)
        while shown:
            size = 1 + len(shown) % 3
            batch, shown = shown[:size], shown[size:]
            records = [
                Evidence(tuple(Handle(*name, strength) for name, strength in names), "test.source", at)  # type: ignore[arg-type]
                for names, at in batch
            ]
            async with player.projector.batch(records):
                pass


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
