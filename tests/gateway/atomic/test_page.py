"""The tables of docs/atomic.md and docs/transactions.md, compared with what the actions declare."""

from __future__ import annotations

import re

from gateway.transactions.actions import AnyAction
from gateway.transactions.atomic import is_queued, must_be_last
from gateway.transactions.effects import ACTIONS
from scripts.checks.source import ROOT


def rows(page: str, heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, without its own head."""
    text = (ROOT / "docs" / page).read_text("utf-8").partition(f"\n{heading}")[2]
    lines = [line for line in text.split("\n\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def named(cell: str) -> list[str]:
    return re.findall("`([^`]+)`", cell)


def place(action: AnyAction) -> str:
    return "retriable" if is_queued(action) else "pivot" if must_be_last(action) else "compensatable"


def test_every_action_stands_where_it_may_stand() -> None:
    found = {re.split("[:,]", kind)[0]: named(fields) for kind, fields, _ in rows("atomic.md", "## Which fields")}
    assert found == {
        kind: sorted({each.mutation for each in ACTIONS if place(each) == kind})
        for kind in ("compensatable", "pivot", "retriable")
    }


def test_every_action_is_told_as_it_is_declared() -> None:
    """A mutation that is about several tools has an action, and a row, for each."""
    found = sorted(
        (name, *named(tool), kind.split()[0].strip(":"), delivery.split()[0].strip(":"))
        for fields, tool, kind, delivery, *_ in rows("transactions.md", "## Actions")
        for name in named(fields)
    )
    assert found == sorted(
        (
            each.mutation,
            *([each.step.tool] if each.step.tool else []),
            each.step.kind.value.lower(),
            each.step.delivery.value.lower(),
        )
        for each in ACTIONS
    )
