"""What complete card sets earn (集卡奖励): reserved by the draw that completes a set, claimed once, or expired.

The budget is taken when a reward is reserved, and given back when it expires.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.errors import UpstreamError
from adapters.base.runtime import Sql
from adapters.ip_content.errors import FAULTS
from adapters.ip_content.ledger import instant, micros
from adapters.ip_content.records import Reward, RewardClaimed
from adapters.ip_content.tables import reward

#: Rewards that one round lets expire.
EXPIRED_AT_ONCE: Final = 1_000
#: How long what has expired is told again: whoever was told may have died before it was noted.
TOLD: Final = timedelta(days=1)

_REWARDS: Final = (
    select(reward).where(reward.c.licensee == bindparam("licensee")).order_by(reward.c.reserved_at.desc(), reward.c.id)
)
_OF: Final = _REWARDS.where(reward.c.participant.in_(bindparam("participants", expanding=True)))
_ONE: Final = select(reward).where(reward.c.licensee == bindparam("licensee"), reward.c.id == bindparam("reward"))
_LOCKED: Final = _ONE.with_for_update()
_OF_SET: Final = select(reward).where(
    reward.c.licensee == bindparam("licensee"),
    reward.c.card_set == bindparam("card_set"),
    reward.c.participant == bindparam("participant"),
)
_TAKEN: Final = (
    select(func.count())
    .select_from(reward)
    .where(
        reward.c.licensee == bindparam("licensee"),
        reward.c.card_set == bindparam("card_set"),
        reward.c.prize == bindparam("prize"),
        reward.c.state != "expired",
    )
)
_LATE: Final = (
    select(reward)
    .where(
        reward.c.licensee == bindparam("licensee"),
        reward.c.state == "reserved",
        reward.c.expires_at <= bindparam("now"),
    )
    .order_by(reward.c.expires_at, reward.c.id)
    .limit(EXPIRED_AT_ONCE)
)
_RECENT: Final = (
    select(reward)
    .where(
        reward.c.licensee == bindparam("licensee"),
        reward.c.state == "expired",
        reward.c.expires_at >= bindparam("since"),
    )
    .order_by(reward.c.expires_at, reward.c.id)
)


async def earned(
    connection: AsyncConnection, ids: Mapping[str, str], prize: Mapping[str, Any], now: datetime
) -> Reward | None:
    """The reward of a complete set, reserved now or before; None when its budget is used up.

    Runs in the draw's transaction, which holds the set: two draws cannot both take the last reward.
    """
    before = (await connection.execute(_OF_SET, ids)).first()
    if before is not None:
        return _reward(before, now)
    if prize["budget"] is not None:
        taken = await connection.execute(_TAKEN, {**ids, "prize": prize["id"]})
        if taken.scalar_one() >= prize["budget"]:
            return None
    row = {
        "licensee": ids["licensee"],
        "id": "rw_" + secrets.token_urlsafe(15),
        "card_set": ids["card_set"],
        "participant": ids["participant"],
        "prize": prize["id"],
        "kind": prize["kind"],
        "name": prize["name"],
        "amount": prize["amount"],
        "state": "reserved",
        "reserved_at": micros(now),
        "expires_at": micros(now + timedelta(days=prize["claim_days"])),
    }
    inserted = insert(reward).returning(*reward.c)
    return _reward((await connection.execute(inserted, row)).one(), now)


class RewardDesk:
    """Keeps the rewards of one licensee."""

    def __init__(self, sql: Sql, licensee: str) -> None:
        self._sql = sql
        self._licensee = licensee

    async def rewards(self, participants: Sequence[str], now: datetime) -> Mapping[str, Sequence[Reward]]:
        """By pseudonym, the newest first; in one statement."""
        found: dict[str, list[Reward]] = {}
        wanted = list(set(participants))
        for row in await self._sql.fetch(_OF, self._ids(participants=wanted)) if wanted else []:
            found.setdefault(row.participant, []).append(_reward(row, now))
        return found

    async def claim(self, reward_id: str, participant: str, payout: str, now: datetime) -> RewardClaimed:
        """Claim it for this payout, or say that this payout has it."""
        async with self._sql.write() as connection:
            row = (await connection.execute(_LOCKED, self._ids(reward=reward_id))).first()
            # Somebody else's reward is none that this member could know of.
            if row is None or row.participant != participant:
                raise self._refusal("not_found")
            if row.state == "claimed":
                if row.payout != payout:
                    raise self._refusal("reward_claimed")
                return RewardClaimed(_reward(row, now), already=True)
            if row.state == "expired" or row.expires_at <= micros(now):
                raise self._refusal("reward_expired")
            claimed = self._of(reward_id).values(state="claimed", payout=payout, claimed_at=micros(now))
            changed = (await connection.execute(claimed.returning(*reward.c))).one()
        return RewardClaimed(_reward(changed, now), already=False)

    async def unclaim(self, reward_id: str, payout: str, now: datetime) -> Reward | None:
        """Take back the claim of this payout; None when the reward is not claimed for it."""
        mine = self._of(reward_id).where(reward.c.state == "claimed", reward.c.payout == payout)
        back = mine.values(state="reserved", payout=None, claimed_at=None).returning(*reward.c)
        async with self._sql.write() as connection:
            row = (await connection.execute(back)).first()
        return None if row is None else _reward(row, now)

    async def expire(self, now: datetime) -> Sequence[Reward]:
        """Let rewards expire that were not claimed in time, EXPIRED_AT_ONCE at most; those that did just now, and those
        that were due within TOLD."""
        async with self._sql.write() as connection:
            late = (await connection.execute(_LATE, self._ids(now=micros(now)))).all()
            ended = (
                update(reward)
                .where(
                    reward.c.licensee == self._licensee,
                    reward.c.id.in_([row.id for row in late]),
                    reward.c.state == "reserved",
                )
                .values(state="expired")
                .returning(*reward.c)
            )
            rows = [*(await connection.execute(ended)).all()]
            rows += (await connection.execute(_RECENT, self._ids(since=micros(now - TOLD)))).all()
        return [_reward(row, now) for row in {row.id: row for row in rows}.values()]

    def _of(self, reward_id: str) -> Any:
        return update(reward).where(reward.c.licensee == self._licensee, reward.c.id == reward_id)

    def _ids(self, **params: object) -> dict[str, object]:
        return {"licensee": self._licensee, **params}

    def _refusal(self, code: str) -> UpstreamError:
        return FAULTS.error(code, endpoint="claim_reward", account=self._licensee)


def _reward(row: Row[Any], now: datetime) -> Reward:
    # What is late is expired, whether or not a round has come by since.
    late = row.state == "reserved" and row.expires_at <= micros(now)
    return Reward(
        row.id,
        row.card_set,
        row.kind,
        row.name,
        row.amount,
        "expired" if late else row.state,
        instant(row.reserved_at),
        instant(row.expires_at),
        None if row.claimed_at is None else instant(row.claimed_at),
    )
