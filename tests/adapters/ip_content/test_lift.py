"""Lift: the worked vectors, what counts as a baseline, and what cannot be said."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from adapters.base.errors import Rejected
from adapters.ip_content import LiftStudy, baseline_days, study

LAUNCH = date(2026, 11, 1)
BEFORE = [LAUNCH - timedelta(days=n) for n in range(28, 3, -1)]
DURING = [LAUNCH + timedelta(days=n) for n in range(14)]


def flat(before: int, during: int) -> dict[date, int]:
    return {**dict.fromkeys(BEFORE, before), **dict.fromkeys(DURING, during)}


def test_twice_the_traffic_is_plus_hundred_percent() -> None:
    assert study("traffic", flat(1200, 2400), BEFORE, DURING) == LiftStudy(
        "traffic", 10_000, None, "pre_post", 25, 14, ()
    )


def test_control_stores_take_their_own_growth_out() -> None:
    found = study("traffic", flat(1200, 2400), BEFORE, DURING, flat(1000, 1050))
    # 2 / 1.05 - 1 = +90.48 %
    assert (found.raw_bps, found.adjusted_bps, found.method) == (10_000, 9_048, "did")


def test_three_times_the_sales_is_plus_two_hundred_percent() -> None:
    assert study("derivative_sales", flat(20_000, 60_000), BEFORE, DURING).raw_bps == 20_000


def test_a_fall_is_negative_and_a_missing_day_is_a_day_of_nothing() -> None:
    assert study("orders", dict.fromkeys(BEFORE, 10) | dict.fromkeys(DURING[:7], 10), BEFORE, DURING).raw_bps == -5_000


def test_excluded_days_count_on_neither_side() -> None:
    series = flat(100, 200) | {DURING[0]: 9_000, BEFORE[0]: 9_000}
    found = study("gmv", series, BEFORE, DURING, exclusions=[DURING[0], BEFORE[0]])
    assert (found.raw_bps, found.baseline_days, found.treatment_days) == (10_000, 24, 13)
    assert found.exclusions == (BEFORE[0], DURING[0])


@pytest.mark.parametrize(
    ("treated", "baseline", "treatment", "control"),
    [
        (flat(100, 200), BEFORE[:6], DURING, None),
        (flat(100, 200), BEFORE, [], None),
        (flat(0, 200), BEFORE, DURING, None),
        (flat(100, 200), BEFORE, DURING, flat(0, 10)),
        (flat(100, 200), BEFORE, DURING, flat(10, 0)),
    ],
)
def test_what_has_nothing_to_compare_with_is_refused(
    treated: dict[date, int], baseline: list[date], treatment: list[date], control: dict[date, int] | None
) -> None:
    with pytest.raises(Rejected) as caught:
        study("traffic", treated, baseline, treatment, control)
    assert caught.value.reason == "insufficient_baseline"


def test_the_baseline_is_four_weeks_of_the_same_weekdays_without_the_last_three_days() -> None:
    teaser = date(2026, 10, 29)  # a Thursday
    weekend = [date(2026, 11, 7), date(2026, 11, 8)]
    days = baseline_days(teaser, weekend, exclusions=[date(2026, 10, 4)])
    assert days == [
        date(2026, 10, 3),
        date(2026, 10, 10),
        date(2026, 10, 11),
        date(2026, 10, 17),
        date(2026, 10, 18),
        date(2026, 10, 24),
        date(2026, 10, 25),
    ]
    every = baseline_days(teaser, [teaser + timedelta(days=n) for n in range(7)])
    assert (every[0], every[-1], len(every)) == (date(2026, 10, 1), date(2026, 10, 25), 25)
