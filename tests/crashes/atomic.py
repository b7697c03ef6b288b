"""Five fields under @atomic as a scenario: points and pieces change hands, and a message tells of it; or none of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from adapters.official_account import Follower, OfficialAccountAdapter
from gateway.access.principal import AUDIENCE_SCOPES, Principal
from gateway.database.ledgers import PointsEntry
from gateway.database.tables.sagas import saga, saga_step
from gateway.events.projections import official_account
from gateway.members import points
from gateway.resolvers import ids
from sandbox.journal import Effect
from tests.crashes.playing import Stage
from tests.gateway.transactions.shop import COAT, STORE, Shop

_HQ = Principal("hq", "hq", AUDIENCE_SCOPES["hq"])
_GIVEN, _PIECES = 300, 2
_DOCUMENT = """
mutation ($key: String!, $from: ID!, $to: ID!, $store: ID!, $sku: String!, $given: Long!,
          $message: TemplateMessageSendInput!) @atomic(key: $key) {
  tell: templateMessageSend(input: $message) { ... on DomainProblem { code } }
  take: pointsAdjust(input: {member: $from, points: -300, reason: "转赠"}) { ...code }
  out: stockAdjust(input: {sku: $sku, delta: -2, reason: "moved"}) { ... on Problem { code } }
  in: stockAdjust(input: {sku: $sku, delta: 2, reason: "moved", store: $store}) { ... on Problem { code } }
  give: pointsAdjust(input: {member: $to, points: $given, reason: "转赠"}) { ...code }
}
fragment code on PointsAdjustResult { ... on DomainProblem { code } }
"""


async def _ask(stage: Stage, values: dict[str, Any], given: int) -> set[str | None]:
    variables = {name: values[name] for name in ("key", "from", "to", "store", "sku", "message")}
    data = await stage.mutate(_HQ, _DOCUMENT, variables | {"given": given})
    return {each.get("code") for each in data.values()}


class Through:
    """All five happen; the message is sent by its job."""

    async def act(self, stage: Stage, values: dict[str, Any]) -> None:
        assert await _ask(stage, values, _GIVEN) == {None, "QUEUED"}
        await stage.work()


class InVain:
    """The last one is refused, since nobody has so many points; the others are undone."""

    async def act(self, stage: Stage, values: dict[str, Any]) -> None:
        assert await _ask(stage, values, -90_000_000) == {"TRANSACTION_ROLLED_BACK"}
        await stage.work()


class AtomicCase:
    """Moves points from one member to another and pieces from the warehouse to a store, and says so to the first."""

    #: The platform knows a repeated message for less than ten minutes; all leases are over before.
    later = 150

    def __init__(self, plays: type) -> None:
        self.plays = f"{plays.__module__}:{plays.__name__}"
        self._fails = plays is InVain

    async def prepare(self, shop: Shop, number: int) -> dict[str, Any]:
        giver, taker = [(await shop.person(key)).member or "" for key in ("linxiaowen", _somebody_else(shop))]
        await _follow(shop, "linxiaowen")
        gift = PointsEntry(
            member=giver, kind="ADJUST", delta=_GIVEN, reason="a gift", source="test",
            source_key=f"{self.plays}-{number}", occurred_at=shop.projector.clock.now(),
        )  # fmt: skip
        async with shop.database.write() as connection:
            await points.post(connection, gift, clock=shop.projector.clock)
        told = shop.sandbox.describe()["platforms"]["official_account"]["known"]["main"]
        fields = {"thing1": "风衣", "amount2": "899.00", "time3": "2026-11-11 20:57"}
        return {
            "key": f"transfer-{number:04d}-{self.plays[-6:]}",
            "from": ids.encode("mb", giver),
            "to": ids.encode("mb", taker),
            "store": ids.encode("st", STORE),
            "sku": COAT,
            "message": {
                "member": ids.encode("mb", giver),
                "template": told["templates"]["order_paid"],
                "fields": [{"name": name, "value": value} for name, value in fields.items()],
                "purpose": "SERVICE",
            },
            "members": [giver, taker],
            "before": await _books(shop, [giver, taker]),
            "sagas": len(await _sagas(shop)),
        }

    async def settle(self, shop: Shop, values: dict[str, Any]) -> None:
        """Nothing that others still do."""

    async def check(self, shop: Shop, values: dict[str, Any], effects: Sequence[Effect], *, died: bool) -> None:
        mine = (await _sagas(shop))[values["sagas"] :]
        sent = [each for each in effects if each.kind == "template_sent"]
        giver, taker, central, store = values["before"]
        if not mine:
            assert died, "there is no transaction"
            done = False
        else:
            [row] = mine
            assert row.state in ({"COMPENSATED"} if self._fails else {"COMPLETED", "COMPENSATED"})
            assert died or self._fails or row.state == "COMPLETED"
            done = row.state == "COMPLETED"
            steps = await shop.database.fetch(select(saga_step.c.state).where(saga_step.c.saga_id == row.id))
            assert {each.state for each in steps} <= ({"DONE"} if done else {"UNDONE", "FAILED", "SKIPPED"})
        assert len(sent) == (1 if done else 0)
        after = [giver - _GIVEN, taker + _GIVEN, central - _PIECES, store + _PIECES]
        assert await _books(shop, values["members"]) == (after if done else values["before"])
        assert await shop.queue.due() == 0


def _somebody_else(shop: Shop) -> str:
    world = shop.sandbox.world
    appid = world.mini_programs[0].appid
    return next(key for key, each in world.people.items() if appid in each.openids and key != "linxiaowen")


async def _follow(shop: Shop, person: str) -> None:
    """They follow the official account, and the gateway knows it."""
    [account, *_] = shop.tools.all(OfficialAccountAdapter)
    known = await account.followers([shop.sandbox.world.people[person].openids[account.account]])
    await official_account.followers(shop.projector, [each for each in known if isinstance(each, Follower)])


async def _books(shop: Shop, members: Sequence[str]) -> list[int]:
    """Both members' points, and the pieces in the warehouse and in the store."""
    found = await points.balances(shop.database.fetch, members, shop.projector.clock.now())
    central, store = [(await shop.pieces(location=each))[0] for each in ("CENTRAL", STORE)]
    return [*(found.get(each, 0) for each in members), central, store]


async def _sagas(shop: Shop) -> Sequence[Any]:
    return await shop.database.fetch(select(saga.c.id, saga.c.state).where(saga.c.kind == "atomic").order_by(saga.c.id))
