"""Drawing a card: the odds, and the one transaction that spends an entry."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, bindparam, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.base.errors import UpstreamError
from adapters.base.runtime import Sql
from adapters.ip_content.errors import FAULTS
from adapters.ip_content.ledger import micros
from adapters.ip_content.records import CardDrawn, Reward
from adapters.ip_content.rewards import earned
from adapters.ip_content.tables import activation, draw

#: The time zone of agreements, windows and daily caps.
BEIJING: Final = ZoneInfo("Asia/Shanghai")
MAX_ENTRY_REF: Final = 128

# Draws of one set wait for each other, or two could take its last card or pass a cap. SQLite has one
# writer anyway and leaves FOR UPDATE out.
_SET: Final = (
    select(activation)
    .where(activation.c.licensee == bindparam("licensee"), activation.c.code == bindparam("card_set"))
    .with_for_update()
)
_DRAWS: Final[Select[Any]] = (
    select(draw.c.entry_ref, draw.c.participant, draw.c.card, draw.c.drawn_at)
    .where(
        draw.c.licensee == bindparam("licensee"),
        draw.c.card_set == bindparam("card_set"),
        or_(draw.c.participant == bindparam("participant"), draw.c.entry_ref == bindparam("entry_ref")),
    )
    .order_by(draw.c.drawn_at, draw.c.entry_ref)
)
_SPENT: Final = (
    select(draw.c.card, func.count().label("times"))
    .where(draw.c.licensee == bindparam("licensee"), draw.c.card_set == bindparam("card_set"))
    .group_by(draw.c.card)
)


@dataclass(frozen=True, slots=True)
class DrawCard:
    """A card of the set as the draw needs it; ``left`` None is unlimited."""

    id: str
    name: str
    weight: int
    left: int | None


def choose(
    cards: Sequence[DrawCard],
    held: Sequence[str],
    guarantee_after: int | None,
    rng: random.Random,
) -> DrawCard | None:
    """One card by weight; None when none is left. ``held`` is what the member drew, oldest first.

    After ``guarantee_after`` draws in a row that brought nothing new, the next brings a missing card
    (保底) if one is left; 0 means never a duplicate before the set is complete.
    """
    open_cards = [card for card in cards if card.left is None or card.left > 0]
    if guarantee_after is not None and _barren(held) >= guarantee_after:
        open_cards = [card for card in open_cards if card.id not in held] or open_cards
    if not open_cards:
        return None
    return rng.choices(open_cards, [card.weight for card in open_cards])[0]


def _barren(held: Sequence[str]) -> int:
    """How many of the latest draws in a row brought nothing new."""
    newest = max((held.index(card) for card in held), default=-1)
    return len(held) - 1 - newest


class DrawDesk:
    """Draws cards for one licensee."""

    def __init__(self, sql: Sql, licensee: str, rng: random.Random) -> None:
        self._sql = sql
        self._licensee = licensee
        self._rng = rng

    async def draw(self, code: str, participant: str, entry_ref: str, now: datetime) -> CardDrawn:
        """Spend the entry, or say what it gave before."""
        ids = {
            "licensee": self._licensee,
            "card_set": code,
            "participant": participant,
            "entry_ref": entry_ref,
        }
        async with self._sql.write() as connection:
            found: Row[Any] | None = (await connection.execute(_SET, ids)).first()
            if found is None:
                raise self._refusal("not_found")
            rows: Sequence[Row[Any]] = (await connection.execute(_DRAWS, ids)).all()
            spent = next((row for row in rows if row.entry_ref == entry_ref), None)
            held = [row.card for row in rows if row.participant == participant]
            if spent is not None:
                return await self._before(connection, spent, found, ids, held, now)
            self._check(found, [r.drawn_at for r in rows], now)
            card = choose(await self._cards(connection, found, ids), held, found.guarantee_after, self._rng)
            if card is None:
                raise self._refusal("no_cards_left")
            await connection.execute(insert(draw), {**ids, "card": card.id, "drawn_at": micros(now)})
            complete = _complete(found.cards, [*held, card.id])
            reward = await self._reward(connection, found, ids, complete, now)
        return CardDrawn(card.id, card.name, complete, already=False, reward=reward)

    async def _before(
        self,
        connection: AsyncConnection,
        spent: Row[Any],
        found: Row[Any],
        ids: Mapping[str, str],
        held: Sequence[str],
        now: datetime,
    ) -> CardDrawn:
        if spent.participant != ids["participant"]:
            raise self._refusal("entry_used")
        # A later catalogue may have dropped the card: its id is still the answer.
        name = next((card["name"] for card in found.cards if card["id"] == spent.card), "")
        complete = _complete(found.cards, held)
        reward = await self._reward(connection, found, ids, complete, now)
        return CardDrawn(spent.card, name, complete, already=True, reward=reward)

    async def _reward(
        self, connection: AsyncConnection, found: Row[Any], ids: Mapping[str, str], complete: bool, now: datetime
    ) -> Reward | None:
        if not complete or found.prize is None:
            return None
        return await earned(connection, ids, found.prize, now)

    def _check(self, found: Row[Any], drawn_at: Sequence[int], now: datetime) -> None:
        local = now.astimezone(BEIJING)
        today = local.date().isoformat()
        if found.state != "live" or not found.starts <= today < found.ends:
            raise self._refusal("out_of_window")
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        draws_today = sum(1 for at in drawn_at if at >= micros(midnight))
        if found.daily_cap is not None and draws_today >= found.daily_cap:
            raise self._refusal("daily_cap", resets_at=midnight + timedelta(days=1))

    async def _cards(self, connection: AsyncConnection, found: Row[Any], ids: Mapping[str, str]) -> list[DrawCard]:
        """The set's cards with what is left; counted only where stock is limited."""
        spent: dict[str, int] = {}
        if any(card["stock"] is not None for card in found.cards):
            spent = {row.card: row.times for row in (await connection.execute(_SPENT, ids)).all()}
        return [
            DrawCard(
                card["id"],
                card["name"],
                card["weight"],
                None if card["stock"] is None else card["stock"] - spent.get(card["id"], 0),
            )
            for card in found.cards
        ]

    def _refusal(self, code: str, *, resets_at: datetime | None = None) -> UpstreamError:
        return FAULTS.error(code, endpoint="draw_card", account=self._licensee, resets_at=resets_at)


def _complete(cards: Sequence[Mapping[str, Any]], held: Sequence[str]) -> bool:
    return bool(cards) and {card["id"] for card in cards} <= set(held)
