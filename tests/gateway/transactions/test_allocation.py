"""The discount's shares sum exactly, whatever the basket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.transactions.allocation import largest_remainder

AMOUNTS = st.lists(st.integers(min_value=0, max_value=10**8), min_size=1, max_size=50).filter(any)


@given(AMOUNTS, st.data())
def test_shares_sum_and_none_is_more_than_a_unit_off(amounts: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(min_value=0, max_value=sum(amounts)))
    shares = largest_remainder(total, amounts)
    assert sum(shares) == total
    for share, amount in zip(shares, amounts, strict=True):
        assert 0 <= share <= amount
        assert abs(share * sum(amounts) - total * amount) < sum(amounts)


def test_the_larger_remainder_gets_the_odd_fen() -> None:
    assert largest_remainder(100, [1, 1, 1]) == [34, 33, 33]
    assert largest_remainder(8000, [89900, 15900]) == [6798, 1202]
    assert largest_remainder(5, [1, 5, 6]) == [0, 2, 3]


def test_nothing_to_share_over_is_refused() -> None:
    assert largest_remainder(0, [0, 0]) == [0, 0]
    with pytest.raises(ValueError, match="nothing to share"):
        largest_remainder(1, [0, 0])
