"""The member code: who shows it, for how long, and everything that is refused at the till."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from gateway.database import Database, Keyring
from gateway.members.codes import LONGEST, SHORTEST, CodeExpired, CodeForged, CodeRefused, issue, redeem
from tests.databases import ManualClock

WHO = str(uuid.UUID(int=(1 << 128) - 1))


async def test_a_code_leads_to_its_member_until_it_expires(sqlite_database: Database, clock: ManualClock) -> None:
    keyring = sqlite_database.keyring
    code = issue(keyring, WHO, clock.now(), 60)
    assert len(code) == 74
    assert code.isdigit()
    for seconds in (0, 59, 5):  # The last is the skew that is allowed.
        clock.advance(seconds=seconds)
        assert redeem(keyring, code, clock.now()) == WHO
    clock.advance(seconds=1)
    with pytest.raises(CodeExpired) as caught:
        redeem(keyring, code, clock.now())
    assert caught.value.code == "MEMBER_CODE_EXPIRED"


async def test_every_code_is_another_one(sqlite_database: Database, clock: ManualClock) -> None:
    assert len({issue(sqlite_database.keyring, WHO, clock.now(), 60) for _ in range(20)}) > 15


async def test_a_code_from_a_clock_far_ahead(sqlite_database: Database, clock: ManualClock) -> None:
    keyring, now = sqlite_database.keyring, clock.now()
    allowed = issue(keyring, WHO, now + timedelta(seconds=5), LONGEST)
    assert redeem(keyring, allowed, now) == WHO
    with pytest.raises(CodeExpired, match="clock far ahead"):
        redeem(keyring, issue(keyring, WHO, now + timedelta(seconds=6), LONGEST), now)


async def test_no_digit_can_be_changed(sqlite_database: Database, clock: ManualClock) -> None:
    keyring, now = sqlite_database.keyring, clock.now()
    code = issue(keyring, WHO, now, 60)
    for place in range(len(code)):
        changed = code[:place] + str((int(code[place]) + 1) % 10) + code[place + 1 :]
        with pytest.raises(CodeRefused) as caught:
            redeem(keyring, changed, now)
        assert caught.value.code == ("MEMBER_CODE_FORGED" if place else "MEMBER_CODE_INVALID")


async def test_another_gateways_code(sqlite_database: Database, clock: ManualClock) -> None:
    class Other(Keyring):
        def hash(self, text: str, purpose: str = "") -> bytes:
            return sqlite_database.keyring.hash(text, purpose + "other")

    with pytest.raises(CodeForged) as caught:
        redeem(sqlite_database.keyring, issue(Other(bytes(32)), WHO, clock.now(), 60), clock.now())
    assert caught.value.code == "MEMBER_CODE_FORGED"


@pytest.mark.parametrize(
    "text",
    ["", "134567890123456789", "9" + "0" * 72, "9" + "0" * 74, "8" + "0" * 73, "9" + "٣" * 73, "9" + "x" * 73],
    ids=["empty", "payment code", "short", "long", "other format", "other digits", "letters"],
)
async def test_what_is_no_member_code(sqlite_database: Database, clock: ManualClock, text: str) -> None:
    with pytest.raises(CodeRefused) as caught:
        redeem(sqlite_database.keyring, text, clock.now())
    assert caught.value.code == "MEMBER_CODE_INVALID"


async def test_the_largest_number_is_forged(sqlite_database: Database, clock: ManualClock) -> None:
    with pytest.raises(CodeForged):
        redeem(sqlite_database.keyring, "9" * 74, clock.now())


@pytest.mark.parametrize("seconds", [SHORTEST - 1, LONGEST + 1])
async def test_how_long_a_code_may_live(sqlite_database: Database, clock: ManualClock, seconds: int) -> None:
    with pytest.raises(ValueError, match=f"lives 10 to 300 seconds, not {seconds}"):
        issue(sqlite_database.keyring, WHO, clock.now(), seconds)
