"""Where sagas and steps stand, and which way they may go. docs/transactions.md shows the same tables."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class SagaState(StrEnum):
    """A whole transaction."""

    #: Its compensatable steps run in the process that began it.
    RUNNING = "RUNNING"
    #: Everything is in place; the shopper decides.
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    #: Past the pivot: retriable steps run as jobs until all have ended.
    COMPLETING = "COMPLETING"
    COMPLETED = "COMPLETED"
    #: Steps are being undone, in reverse.
    COMPENSATING = "COMPENSATING"
    COMPENSATED = "COMPENSATED"
    #: A person must look: money and order disagree, or a step can neither go on nor be undone.
    NEEDS_ATTENTION = "NEEDS_ATTENTION"


class Attention(StrEnum):
    """Why a transaction needs a person, and so what a retry would do."""

    #: Money came in that does not match the order. Nothing to retry.
    PAYMENT_MISMATCH = "PAYMENT_MISMATCH"
    #: An order that had closed was paid. Nothing to retry.
    PAYMENT_LATE = "PAYMENT_LATE"
    #: The payment platform could not be asked in the order's limit. A retry asks again.
    PAYMENT_UNDECIDED = "PAYMENT_UNDECIDED"
    #: A platform did not let something be taken back. A retry undoes again.
    UNDO_FAILED = "UNDO_FAILED"
    #: Nobody could find out whether a transaction that a client composed goes through: its last field may have
    #: happened. A retry decides anew, unless that can be neither asked about nor repeated.
    UNDECIDED = "UNDECIDED"
    #: A step was refused for good, or nobody can tell whether it happened. A retry runs it again, unless it may
    #: have happened and can be neither asked about nor repeated.
    STEP_FAILED = "STEP_FAILED"


class StepState(StrEnum):
    """One step."""

    #: The intent is committed; nothing has happened.
    PENDING = "PENDING"
    #: An attempt was committed and has not been seen to end.
    RUNNING = "RUNNING"
    DONE = "DONE"
    #: It was not needed; the reason is in its outcome.
    SKIPPED = "SKIPPED"
    UNDONE = "UNDONE"
    #: Refused for good; nothing happened.
    FAILED = "FAILED"
    #: It may have happened, and asking or repeating cannot tell any more.
    UNKNOWN = "UNKNOWN"


SAGA_MOVES: Final[Mapping[SagaState, frozenset[SagaState]]] = {
    SagaState.RUNNING: frozenset(
        {SagaState.AWAITING_PAYMENT, SagaState.COMPLETING, SagaState.COMPENSATING, SagaState.NEEDS_ATTENTION}
    ),
    SagaState.AWAITING_PAYMENT: frozenset({SagaState.COMPLETING, SagaState.COMPENSATING, SagaState.NEEDS_ATTENTION}),
    SagaState.COMPLETING: frozenset({SagaState.COMPLETED, SagaState.NEEDS_ATTENTION}),
    SagaState.COMPLETED: frozenset(),
    SagaState.COMPENSATING: frozenset({SagaState.COMPENSATED, SagaState.NEEDS_ATTENTION}),
    SagaState.COMPENSATED: frozenset({SagaState.NEEDS_ATTENTION}),
    # Only by a person: the first four are retries, the others say that it was dealt with.
    SagaState.NEEDS_ATTENTION: frozenset(
        {
            SagaState.RUNNING,
            SagaState.AWAITING_PAYMENT,
            SagaState.COMPLETING,
            SagaState.COMPENSATING,
            SagaState.COMPLETED,
            SagaState.COMPENSATED,
        }
    ),
}

STEP_MOVES: Final[Mapping[StepState, frozenset[StepState]]] = {
    StepState.PENDING: frozenset(
        {StepState.RUNNING, StepState.DONE, StepState.SKIPPED, StepState.FAILED, StepState.UNKNOWN}
    ),
    StepState.RUNNING: frozenset(
        {
            StepState.RUNNING,
            StepState.DONE,
            StepState.SKIPPED,
            StepState.UNDONE,
            StepState.FAILED,
            StepState.UNKNOWN,
        }
    ),
    StepState.DONE: frozenset({StepState.UNDONE}),
    StepState.SKIPPED: frozenset(),
    StepState.UNDONE: frozenset(),
    StepState.FAILED: frozenset({StepState.PENDING}),
    StepState.UNKNOWN: frozenset({StepState.PENDING, StepState.UNDONE}),
}

#: Steps that will not move by themselves any more.
SETTLED: Final = frozenset({StepState.DONE, StepState.SKIPPED, StepState.UNDONE, StepState.FAILED, StepState.UNKNOWN})


def saga_before(target: SagaState) -> list[SagaState]:
    """The states from which a saga moves to ``target`` by itself: nothing but a person ends NEEDS_ATTENTION."""
    return [state for state, moves in SAGA_MOVES.items() if target in moves and state is not SagaState.NEEDS_ATTENTION]


def step_before(target: StepState) -> list[StepState]:
    """The states from which a step may move to ``target``."""
    return [state for state, moves in STEP_MOVES.items() if target in moves]
