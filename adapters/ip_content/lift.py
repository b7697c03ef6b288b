"""How much more there was: the ratio of a treatment's daily mean to its baseline's, raw and against control stores.

"+200 %" is three times as much. A lift without a control is worth little around holidays, so both are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from adapters.ip_content.errors import FAULTS
from adapters.ip_content.records import LiftStudy

BASELINE_WEEKS: Final = 4
#: Days before the launch that count for neither: people wait for it.
ANTICIPATION_DAYS: Final = 3
#: Below so many days a mean says nothing.
LEAST_DAYS: Final = 7

Series = Mapping[date, int]


def baseline_days(first_teaser: date, treatment: Sequence[date], exclusions: Iterable[date] = ()) -> list[date]:
    """Days of the four weeks before the first teaser, the last three left out, on weekdays that the treatment has."""
    weekdays = {day.weekday() for day in treatment}
    left_out = set(exclusions)
    days = (first_teaser - timedelta(days=back) for back in range(BASELINE_WEEKS * 7, ANTICIPATION_DAYS, -1))
    return [day for day in days if day.weekday() in weekdays and day not in left_out]


def study(
    metric: str,
    treated: Series,
    baseline: Sequence[date],
    treatment: Sequence[date],
    control: Series | None = None,
    exclusions: Iterable[date] = (),
) -> LiftStudy:
    """The lift of a metric over daily values; a day without a value is a day of 0.

    ``exclusions`` (holidays, days out of stock) count on neither side. Raises Rejected ``insufficient_baseline``: too
    few days, or nothing to compare with.
    """
    left_out = set(exclusions)
    before = [day for day in baseline if day not in left_out]
    during = [day for day in treatment if day not in left_out]
    if len(before) < LEAST_DAYS or not during:
        raise _insufficient()
    ratio = _ratio(treated, before, during)
    adjusted = None if control is None else ratio / _positive(_ratio(control, before, during))
    return LiftStudy(
        metric,
        _bps(ratio),
        None if adjusted is None else _bps(adjusted),
        "pre_post" if adjusted is None else "did",
        len(before),
        len(during),
        tuple(sorted(left_out)),
    )


def _ratio(series: Series, before: Sequence[date], during: Sequence[date]) -> Fraction:
    return _mean(series, during) / _positive(_mean(series, before))


def _mean(series: Series, days: Sequence[date]) -> Fraction:
    return Fraction(sum(series.get(day, 0) for day in days), len(days))


def _positive(value: Fraction) -> Fraction:
    if value <= 0:
        raise _insufficient()
    return value


def _bps(ratio: Fraction) -> int:
    """Basis points above the baseline, half away from zero."""
    change = (ratio - 1) * 10_000
    rounded = int(abs(change) + Fraction(1, 2))
    return rounded if change >= 0 else -rounded


def _insufficient() -> Exception:
    return FAULTS.error("insufficient_baseline", endpoint="lift")
