"""The state machine in code is the one in the documentation."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest

from gateway.transactions.planning import STEPS
from gateway.transactions.states import SAGA_MOVES, SETTLED, STEP_MOVES, SagaState, StepState

PAGE = (Path(__file__).parents[3] / "docs" / "transactions.md").read_text("utf-8")


def table(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


@pytest.mark.parametrize(
    ("heading", "moves"), [("States of a transaction", SAGA_MOVES), ("States of a step", STEP_MOVES)]
)
def test_tables_are_equal(heading: str, moves: dict[StrEnum, frozenset[StrEnum]]) -> None:
    documented = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2])) for row in table(heading)}
    assert documented == {state.value: {each.value for each in after} for state, after in moves.items()}


def test_every_state_is_in_the_tables() -> None:
    assert set(SAGA_MOVES) == set(SagaState)
    assert set(STEP_MOVES) == set(StepState)
    assert {StepState.PENDING, StepState.RUNNING} == set(StepState) - SETTLED


def test_every_step_is_documented_as_it_is_declared() -> None:
    documented = [
        (row[0].strip("`"), row[1].strip("`"), row[2], row[3].split()[0]) for row in table("Steps of a checkout")
    ]
    assert documented == [(each.name, each.tool or "—", each.kind.lower(), each.delivery.lower()) for each in STEPS]
