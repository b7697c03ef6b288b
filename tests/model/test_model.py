"""Transactions against a model: two gateways, every interruption, and books that agree at every step."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.databases import own_schema
from tests.model.machine import RULES, Transactions

pytestmark = pytest.mark.model

#: Steps of an example, of which most find nothing to do, and examples that come from one seed.
STEPS, EXAMPLES = 110, 8


def _play(
    capsys: pytest.CaptureFixture[str], new_database: Callable[[], AbstractContextManager[str]], steps: int
) -> list[str]:
    """Examples until so many steps were done; returns the rules that never ran.

    Other sequences each time: MODEL_SEED begins with those of an earlier run, and MODEL_STEPS says when to end.
    """
    wanted = int(os.environ.get("MODEL_STEPS", steps))
    chosen = int(os.environ.get("MODEL_SEED", secrets.randbelow(10**9)))
    ran: Counter[str] = Counter()
    how = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        print_blob=False,
        phases=[Phase.generate],
    )
    while ran.total() < wanted:
        machine = seed(chosen)(type("Transactions", (Transactions,), {"new_database": new_database, "ran": ran}))
        try:
            run_state_machine_as_test(machine, settings=how, _min_steps=STEPS)
        finally:
            with capsys.disabled():
                print(f"\nMODEL_SEED={chosen}: {ran.total()} steps", end=" ")  # noqa: T201
        chosen += 1
    with capsys.disabled():
        print(", ".join(f"{name} {ran[name]}" for name in RULES), end=" ")  # noqa: T201
    return [name for name in RULES if not ran[name]]


def test_on_sqlite(capsys: pytest.CaptureFixture[str], sqlite_template: Path, tmp_path: Path) -> None:
    numbers = itertools.count()

    @contextmanager
    def new_database() -> Iterator[str]:
        path = tmp_path / f"{next(numbers)}.db"
        shutil.copyfile(sqlite_template, path)
        yield f"sqlite:///{path}"

    never = _play(capsys, staticmethod(new_database), 2000)
    assert not never, f"rules that never ran: {never}"


@pytest.mark.postgresql
def test_on_postgresql(capsys: pytest.CaptureFixture[str], postgresql_server: str, postgresql_ddl: str) -> None:
    @contextmanager
    def new_database() -> Iterator[str]:
        with own_schema(postgresql_server) as url:
            with psycopg.connect(url) as connection:
                connection.execute(postgresql_ddl)
            yield url

    never = _play(capsys, staticmethod(new_database), 800)
    # Each example has some of the rules only, and these are too few examples for all of them.
    assert len(never) < len(RULES) // 2, f"rules that never ran: {never}"
