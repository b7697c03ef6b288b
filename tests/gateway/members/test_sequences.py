"""Random sequences of evidence and decisions: the gateway's people are the naive model's, at every step."""

from __future__ import annotations

import os
import random

import pytest

from gateway.database import Database
from tests.databases import ManualClock
from tests.gateway.members.players import Player

#: One example is about twelve steps. The long run has other seeds each time; a failure names its seed.
STEPS = 14
SAMPLE, MANY = 6, 150


async def _play(database: Database, clock: ManualClock, seed: int, tag: int) -> None:
    player, dice = Player(database, clock, str(tag)), random.Random(seed)
    for number in range(STEPS):
        await player.step(dice)
        try:
            await player.check()
        except AssertionError as error:
            error.add_note(f"seed {seed}, after step {number + 1} of {STEPS}")
            raise


async def test_a_sample_of_sequences_gives_the_models_people(database: Database, clock: ManualClock) -> None:
    for seed in range(SAMPLE):
        await _play(database, clock, seed, seed)


@pytest.mark.identity
async def test_many_sequences_give_the_models_people(database: Database, clock: ManualClock) -> None:
    base = int(os.environ.get("IDENTITY_SEED", "1000"))
    for number in range(MANY):
        await _play(database, clock, base + number, number)
