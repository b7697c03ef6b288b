"""Votes and quizzes: an entry casts one ballot, limits hold, and a closed count can be proved."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import pytest

from adapters.base.errors import Invalid, NotFound, QuotaExhausted, Rejected
from adapters.ip_content import BallotCast
from tests.adapters.ip_content.conftest import House

VOTE, QUIZ = "FOX-BADGE-VOTE", "FOX-BADGE-QUIZ"


async def test_an_entry_votes_once_whatever_it_asks_later(house: House) -> None:
    her, other = house.person("protagonist").unionid, house.person("gift_receiver").unionid
    assert await house.adapter.cast_ballot(VOTE, her, "scan-1", "FOX-1") == BallotCast("FOX-1", already=False)
    assert await house.adapter.cast_ballot(VOTE, her, "scan-1", "FOX-2") == BallotCast("FOX-1", already=True)
    with pytest.raises(Rejected) as caught:
        await house.adapter.cast_ballot(VOTE, other, "scan-1", "FOX-2")
    assert caught.value.reason == "entry_used"
    tally = await house.adapter.contest_tally(VOTE)
    assert (tally.counts, tally.closed, tally.proof) == ({"FOX-1": 1, "FOX-2": 0, "FOX-3": 0}, False, None)


async def test_limits_by_day_and_by_member_spend_nothing(house: House) -> None:
    her = house.person("protagonist").unionid
    drawn = await asyncio.gather(
        *(house.adapter.cast_ballot(VOTE, her, f"scan-{n}", "FOX-1") for n in range(3)), return_exceptions=True
    )
    assert [type(each) for each in drawn].count(QuotaExhausted) == 1
    house.sandbox.kit.clock.advance(timedelta(hours=12))
    assert not (await house.adapter.cast_ballot(VOTE, her, "scan-9", "FOX-2")).already

    await house.adapter.cast_ballot(QUIZ, her, "order-1", "FOX-3")
    with pytest.raises(QuotaExhausted) as caught:
        await house.adapter.cast_ballot(QUIZ, her, "order-2", "FOX-2")
    assert caught.value.reason == "limit_reached"
    assert sum((await house.adapter.contest_tally(QUIZ)).counts.values()) == 1


async def test_a_closed_count_is_proved_and_settled(house: House) -> None:
    await house.adapter.cast_ballot(QUIZ, house.person("protagonist").unionid, "order-2", "FOX-3")
    await house.adapter.cast_ballot(QUIZ, house.person("gift_receiver").unionid, "order-1", "FOX-1")
    house.sandbox.kit.clock.advance(timedelta(days=6))
    await house.publish("contest_terms", code=QUIZ, correct="FOX-3")

    with pytest.raises(Rejected) as caught:
        await house.adapter.cast_ballot(QUIZ, house.person("protagonist").unionid, "order-3", "FOX-3")
    assert caught.value.reason == "closed"
    # An answer of before is still answered.
    assert (await house.adapter.cast_ballot(QUIZ, house.person("protagonist").unionid, "order-2", "x")).already
    tally = await house.adapter.contest_tally(QUIZ)
    expected = hashlib.sha256(b"order-1\x1fFOX-1\norder-2\x1fFOX-3\n").hexdigest()
    assert (tally.closed, tally.proof, tally.correct) == (True, expected, "FOX-3")


async def test_nobody_and_nothing_is_refused(house: House) -> None:
    her = house.person("protagonist").unionid
    for unionid, entry in (("", "scan"), (her, ""), (her, "x" * 129)):
        with pytest.raises(Invalid):
            await house.adapter.cast_ballot(VOTE, unionid, entry, "FOX-1")
    with pytest.raises(Invalid) as choice:
        await house.adapter.cast_ballot(VOTE, her, "scan", "FOX-9")
    assert choice.value.reason == "bad_choice"
    with pytest.raises(NotFound):
        await house.adapter.cast_ballot("NONE", her, "scan", "FOX-1")
    with pytest.raises(NotFound):
        await house.adapter.contest_tally("NONE")


async def test_a_forgotten_members_ballots_stay_counted_and_nobodys(house: House) -> None:
    her = house.person("protagonist").unionid
    await house.adapter.cast_ballot(VOTE, her, "scan-1", "FOX-1")
    assert await house.adapter.forget(her) == 5  # four cards of her history, and this
    with pytest.raises(Rejected):
        await house.adapter.cast_ballot(VOTE, her, "scan-1", "FOX-1")
    assert (await house.adapter.contest_tally(VOTE)).counts["FOX-1"] == 1
