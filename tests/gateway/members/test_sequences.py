"""Random sequences of evidence and decisions: the gateway's people are the naive model's, at every step."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

import pytest

from gateway.database import Database
from tests.databases import ManualClock
from tests.gateway.members.players import Player
from tests.gateway.members.rival import evidence

ROOT = Path(__file__).parents[3]

#: One example is about twelve steps. The long run has other seeds each time; a failure names its seed.
STEPS = 14
SAMPLE, MANY, PARTS = 4, 100, 10


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
@pytest.mark.parametrize("part", range(PARTS))
async def test_many_sequences_give_the_models_people(database: Database, clock: ManualClock, part: int) -> None:
    base = int(os.environ.get("IDENTITY_SEED", "1000"))
    for number in range(part, MANY, PARTS):
        await _play(database, clock, base + number, number)


@pytest.mark.long
async def test_two_processes_link_the_same_evidence_in_different_orders(
    database: Database, database_url: str, clock: ManualClock
) -> None:
    """One result, and the model's, whoever was first."""
    rivals = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.gateway.members.rival", database_url, str(seed), cwd=ROOT
        )
        for seed in (1, 2)
    ]
    assert [await each.wait() for each in rivals] == [0, 0]

    player = Player(database, clock, "0")
    for shown, at in evidence(player):
        player.model.show(shown, at)
    await player.check()
