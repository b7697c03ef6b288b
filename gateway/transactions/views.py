"""Transactions as one watches them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.transactions.log import SagaRow, StepRow
from gateway.transactions.records import StepView, TransactionView


def viewed(row: SagaRow, steps: Sequence[StepRow]) -> TransactionView:
    """A stored saga with its steps, without what they hold."""
    return TransactionView(
        id=row.id,
        state=row.state.value,
        steps=tuple(
            StepView(
                each.name, each.tool, each.state.value, each.started_at, each.finished_at, each.reason, each.progress
            )
            for each in steps
        ),
        created_at=row.created_at,
        updated_at=row.updated_at,
        order_id=(row.input or {}).get("order"),
        kind=row.kind,
        attention=row.attention,
    )
