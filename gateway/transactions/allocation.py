"""Shares a discount among lines, to the fen."""

from __future__ import annotations

from collections.abc import Sequence


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """Split ``total`` in proportion to ``weights``, in whole units that sum exactly.

    Each share is its exact part rounded down or up; of equal remainders the earlier line gets the unit.
    No share exceeds its weight when ``total`` does not exceed their sum. Raises ValueError when there is
    something to split and nothing to split it over.
    """
    whole = sum(weights)
    if total == 0:
        return [0] * len(weights)
    if whole <= 0:
        raise ValueError("there is nothing to share the amount over")
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares
