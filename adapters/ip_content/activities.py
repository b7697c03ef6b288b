"""What happens in stores and with members: moves of activations, draws, ballots, drops and rewards."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from adapters.base.errors import NotFound, UpstreamError
from adapters.base.runtime import Runtime
from adapters.ip_content import moves
from adapters.ip_content.contests import ContestDesk
from adapters.ip_content.draws import MAX_ENTRY_REF, DrawDesk
from adapters.ip_content.drops import DropDesk
from adapters.ip_content.errors import FAULTS, TOOL_NAME
from adapters.ip_content.records import (
    ActivationMoved,
    BallotCast,
    CardDrawn,
    Contest,
    ContestTally,
    Drop,
    DropEntered,
    DropPlace,
    Reward,
    RewardClaimed,
)
from adapters.ip_content.rewards import RewardDesk
from adapters.ip_content.tables import ballot, draw, drop_entry, reward

#: Ledgers that name a member by a pseudonym.
_OF_MEMBERS = (draw, ballot, drop_entry, reward)


class Activities:
    """Of one licensee; see ``IpContentAdapter``."""

    def __init__(self, licensee: str, runtime: Runtime, rng: random.Random | None) -> None:
        self._licensee = licensee
        self._runtime = runtime
        # Cards can be worth something: nobody may foresee them, so the system's own randomness.
        chance = rng or random.SystemRandom()
        self._desk = DrawDesk(runtime.sql, licensee, chance)
        self._drops = DropDesk(runtime.sql, licensee, chance)
        self._contests = ContestDesk(runtime.sql, licensee)
        self._rewards = RewardDesk(runtime.sql, licensee)
        self._moves = moves.MoveDesk(runtime.sql, licensee)

    async def move_activation(
        self, activation: str, target: str, *, user: str, key: str, territories: Mapping[str, str]
    ) -> ActivationMoved:
        """Move an activation on (主题活动状态), once per ``key``. ``territories`` is store → ISO 3166-2 code.

        Clearing and going live want every store to be in a granted territory, and works that share a store to be
        allowed to. Raises NotFound, Rejected (``illegal_transition``, ``store_not_in_territory``,
        ``co_presence_denied``); then it stays as it was.
        """
        asked = moves.Asked(activation, target, user, key, territories)
        return await self._moves.move(asked, self._runtime.clock.now())

    async def draw_card(self, activation: str, unionid: str, entry_ref: str) -> CardDrawn:
        """Draw one card for an entry (a scan, an order, a share), once: the same member asking again with
        it gets the same card and ``already``. The draw that completes the set reserves what it earns.

        Raises NotFound for an unknown activation, Rejected (``out_of_window``, ``entry_used``,
        ``no_cards_left``) and QuotaExhausted (``daily_cap``, resets at midnight in Beijing); then the
        entry is not spent. Raises Invalid for an empty member or an entry of more than 128 characters.
        """
        participant = self._entrant(unionid, entry_ref, "draw_card")
        return await self._desk.draw(activation, participant, entry_ref, self._runtime.clock.now())

    async def contests(self, codes: Sequence[str]) -> Sequence[Contest | NotFound]:
        """Votes and quizzes. Same order, same length; one statement."""
        found = await self._contests.contests(codes)
        return [found.get(code) or self._missing("contests", "contest", code) for code in codes]

    async def contests_of(self, activations: Sequence[str]) -> Sequence[Sequence[Contest]]:
        """Per activation, those that open first first; one statement."""
        found = await self._contests.of_activations(activations)
        return [found.get(code, ()) for code in activations]

    async def cast_ballot(self, contest: str, unionid: str, entry_ref: str, choice: str) -> BallotCast:
        """Vote, or answer a quiz, with an entry, once: asking again with it answers what it chose and ``already``.

        Raises NotFound, Invalid (``bad_choice``, ``bad_entry``), Rejected (``closed``, ``entry_used``) and
        QuotaExhausted (``limit_reached``); then the entry is not spent.
        """
        participant = self._entrant(unionid, entry_ref, "cast_ballot")
        return await self._contests.cast(contest, participant, entry_ref, choice, self._runtime.clock.now())

    async def contest_tally(self, contest: str) -> ContestTally:
        """The count of a vote or quiz. Raises NotFound."""
        return await self._contests.tally(contest, self._runtime.clock.now())

    async def contest_tallies(self, contests: Sequence[str]) -> Sequence[ContestTally | NotFound]:
        """The counts of several. Same order, same length; three statements."""
        found = await self._contests.tallies(contests, self._runtime.clock.now())
        return [found.get(code) or self._missing("contest_tallies", "contest", code) for code in contests]

    async def drops(self, codes: Sequence[str]) -> Sequence[Drop | NotFound]:
        """Limited editions. Same order, same length; two statements."""
        found = await self._drops.drops(codes)
        return [found.get(code) or self._missing("drops", "drop", code) for code in codes]

    async def drops_of(self, activations: Sequence[str]) -> Sequence[Sequence[Drop]]:
        """Per activation, those that open first first; two statements."""
        found = await self._drops.of_activations(activations)
        return [found.get(code, ()) for code in activations]

    async def drop_places(self, unionids: Sequence[str]) -> Sequence[Sequence[DropPlace]]:
        """Per member, the newest first; one statement."""
        participants = [self._runtime.pseudonym(unionid) for unionid in unionids]
        found = await self._drops.places(participants)
        return [found.get(participant, ()) for participant in participants]

    async def enter_drop(self, drop: str, unionid: str, entry_ref: str) -> DropEntered:
        """Take a place in a limited edition (限定发售) with an entry, once. Who may enter is the caller's to check.

        Raises NotFound, Invalid (``bad_entry``), Rejected (``closed``, ``entry_used``, ``sold_out``) and
        QuotaExhausted (``limit_reached``); then the entry is not spent.
        """
        participant = self._entrant(unionid, entry_ref, "enter_drop")
        return await self._drops.enter(drop, participant, entry_ref, self._runtime.clock.now())

    async def withdraw_drop(self, drop: str, entry_ref: str) -> bool:
        """Give a place back, for somebody else; False when the entry has none. Twice is as once."""
        return await self._drops.withdraw(drop, entry_ref)

    async def settle_drops(self) -> Sequence[DropPlace]:
        """Draw the raffles that have closed, each once; the places of all that were drawn within a day."""
        return await self._drops.settle(self._runtime.clock.now())

    async def rewards(self, unionids: Sequence[str]) -> Sequence[Sequence[Reward]]:
        """Per member, the newest first; one statement."""
        participants = [self._runtime.pseudonym(unionid) for unionid in unionids]
        found = await self._rewards.rewards(participants, self._runtime.clock.now())
        return [found.get(participant, ()) for participant in participants]

    async def claim_reward(self, reward_id: str, unionid: str, payout: str) -> RewardClaimed:
        """Claim a reward (领取奖励) for a payout, once: asking again with it answers ``already``.

        Raises NotFound, also for somebody else's, and Rejected (``reward_claimed``, ``reward_expired``).
        """
        participant = self._runtime.pseudonym(unionid)
        return await self._rewards.claim(reward_id, participant, payout, self._runtime.clock.now())

    async def unclaim_reward(self, reward_id: str, payout: str) -> Reward | None:
        """Make a reward claimable again whose payout did not come about; None when this payout has not claimed it."""
        return await self._rewards.unclaim(reward_id, payout, self._runtime.clock.now())

    async def expire_rewards(self) -> Sequence[Reward]:
        """Let rewards expire that were not claimed in time, a thousand at most; those, and what was due in a day."""
        return await self._rewards.expire(self._runtime.clock.now())

    async def forget(self, unionid: str) -> int:
        """Cut a member's draws, ballots, places and rewards from the member; how many there were.

        The entries stay spent, and a later import does not bring the tie back.
        """
        participant = self._runtime.pseudonym(unionid)
        forgotten = 0
        async with self._runtime.sql.write() as connection:
            for table in _OF_MEMBERS:
                mine = (table.c.licensee == self._licensee) & (table.c.participant == participant)
                forgotten += (await connection.execute(table.update().where(mine).values(participant=""))).rowcount
        return forgotten

    def _entrant(self, unionid: str, entry_ref: str, endpoint: str) -> str:
        """The member's pseudonym. Raises Invalid ``bad_entry``."""
        if not unionid or not 0 < len(entry_ref) <= MAX_ENTRY_REF:
            raise self._bad_entry(endpoint)
        return self._runtime.pseudonym(unionid)

    def _bad_entry(self, endpoint: str) -> UpstreamError:
        return FAULTS.error("bad_entry", endpoint=endpoint, account=self._licensee)

    def _missing(self, endpoint: str, noun: str, key: str) -> NotFound:
        return NotFound(
            TOOL_NAME,
            "not_found",
            f"The imported catalogue has no {noun} {key!r}.",
            endpoint=endpoint,
            account=self._licensee,
        )
