"""A process is killed at every commit and around every effect; after another has recovered, all books agree."""

from __future__ import annotations

import pytest

from tests.crashes.atomic import AtomicCase, InVain, Through
from tests.crashes.checkout import CheckoutCase, Paid, Refused, Scanned, Unpaid
from tests.crashes.matrix import Case, Matrix
from tests.crashes.refund import Parts, RefundCase, Whole

pytestmark = pytest.mark.crash_matrix


#: Every scenario, and how many instants it has at least: fewer would mean that the harness misses some.
CASES: tuple[tuple[Case, int], ...] = (
    (CheckoutCase(Paid), 36),
    (CheckoutCase(Unpaid), 16),
    (CheckoutCase(Scanned), 36),
    (CheckoutCase(Refused), 10),
    (RefundCase(Whole), 20),
    (RefundCase(Parts), 30),
    (AtomicCase(Through), 36),
    (AtomicCase(InVain), 26),
)


@pytest.mark.parametrize(("case", "least"), CASES, ids=lambda value: getattr(value, "plays", "").rpartition(".")[2])
async def test_whoever_dies_whenever(
    matrix: Matrix, case: Case, least: int, capsys: pytest.CaptureFixture[str]
) -> None:
    killed = await matrix.run(case)
    with capsys.disabled():
        print(f"\n{case.plays}: killed at {killed} instants", end=" ")  # noqa: T201
    assert killed >= least
