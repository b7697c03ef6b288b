"""The tool on the gateway's own database, SQLite and PostgreSQL: same answers, and races that end well."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from adapters.base.errors import Rejected, UpstreamError
from adapters.ip_content import TOOL, CardDrawn, Clearance, ClearanceQuery, DropEntered
from adapters.ip_content.tables import draw, metadata
from gateway.database import Database
from tests.adapters.ip_content.conftest import PLATFORM, House
from tests.conftest import OpenTool, StartSandbox

SET = "FOX-BADGE"


@pytest.fixture
async def real_house(database: Database, start_sandbox: StartSandbox, open_tool: OpenTool) -> House:
    async with database.write() as connection:
        await connection.run_sync(metadata.create_all)
    sandbox = await start_sandbox(PLATFORM)
    return House(sandbox, database, await open_tool(TOOL, sandbox, "main", sql=database))  # type: ignore[arg-type]


async def test_import_read_draw(real_house: House) -> None:
    adapter, her = real_house.adapter, real_house.person("protagonist").unionid
    query = ClearanceQuery(
        "yunling-fox", "CN-SH", "包袋", "offline_store", "display", date(2026, 11, 11), date(2027, 1, 2)
    )

    assert (await adapter.import_catalogue()).draws == 4
    assert (await adapter.import_catalogue()).changed is False
    assert [type(x).__name__ for x in await adapter.properties(["yunling-fox", "x"])] == [
        "Property",
        "NotFound",
    ]
    assert list(await adapter.clearance(query)) == [
        Clearance("granted_to_you", None, None, date(2026, 11, 11), date(2027, 1, 1)),
        Clearance("blocked", "term", None, date(2027, 1, 1), date(2027, 1, 2)),
    ]
    drawn = await adapter.draw_card(SET, her, "s")
    assert (drawn.card_id, drawn.set_complete, drawn.already) == ("FOX-5", True, False)
    assert drawn.reward is not None
    assert (await adapter.claim_reward(drawn.reward.id, her, "p-1")).reward.state == "claimed"
    assert await adapter.unclaim_reward(drawn.reward.id, "p-1")
    assert [each.state for each in (await adapter.rewards([her]))[0]] == ["reserved"]
    assert [p.completed for p in (await adapter.participations([her]))[0]] == [True]
    assert [len(at) for at in await adapter.activations_at(["SH-AFL", "CD-CXL"])] == [1, 0]
    assert await adapter.forget(her) == 5 + 1


async def test_simultaneous_imports_write_once(real_house: House) -> None:
    results = await asyncio.gather(*(real_house.adapter.import_catalogue() for _ in range(4)))

    assert sorted(r.changed for r in results) == [False, False, False, True]
    assert len({r.version for r in results}) == 1
    assert len(await real_house.sql.fetch(draw.select())) == 4


async def test_the_last_card_goes_to_one_member(real_house: House) -> None:
    await real_house.adapter.import_catalogue()
    cards = {f"FOX-{i}": {"stock": 1} for i in range(1, 6)}
    await real_house.publish("card_rules", activation=SET, cards=cards)

    async def attempt(number: int) -> CardDrawn | UpstreamError:
        try:
            return await real_house.adapter.draw_card(SET, f"member-{number}", f"scan-{number}")
        except Rejected as refused:
            return refused

    results = await asyncio.gather(*(attempt(number) for number in range(6)))

    assert [r.card_id for r in results if isinstance(r, CardDrawn)] == ["FOX-5"]
    assert [r.reason for r in results if isinstance(r, UpstreamError)] == ["no_cards_left"] * 5


async def test_simultaneous_entries_do_not_pass_the_daily_cap(real_house: House) -> None:
    await real_house.adapter.import_catalogue()
    who = real_house.person("gift_receiver").unionid

    results = await asyncio.gather(
        *(real_house.adapter.draw_card(SET, who, f"scan-{n}") for n in range(5)), return_exceptions=True
    )

    refused = [r.reason for r in results if isinstance(r, UpstreamError)]
    assert refused == ["daily_cap", "daily_cap"]
    assert len(await real_house.sql.fetch(draw.select())) == 4 + 3


async def test_a_draw_during_an_import_finds_its_activation(real_house: House) -> None:
    await real_house.adapter.import_catalogue()

    async def imports() -> None:
        for _ in range(5):
            await real_house.publish("property_status", slug="frontier-isle", status="licensable")

    async def draws(worker: int) -> int:
        return len([await real_house.adapter.draw_card(SET, f"m-{worker}-{n}", f"s-{worker}-{n}") for n in range(20)])

    results = await asyncio.gather(imports(), *(draws(worker) for worker in range(3)))

    assert results == [None, 20, 20, 20]
    assert len(await real_house.sql.fetch(draw.select())) == 64


async def test_the_last_piece_goes_to_one_member(real_house: House) -> None:
    await real_house.adapter.import_catalogue()
    await real_house.publish("drop_terms", code="FOX-BADGE-DROP", stock_total=2)
    entries = (real_house.adapter.enter_drop("FOX-BADGE-DROP", f"member-{n}", f"e-{n}") for n in range(6))

    results = await asyncio.gather(*entries, return_exceptions=True)

    assert [r.place.state for r in results if isinstance(r, DropEntered)] == ["won", "won"]
    assert [r.reason for r in results if isinstance(r, UpstreamError)] == ["sold_out"] * 4


async def test_simultaneous_rounds_draw_a_raffle_once(real_house: House) -> None:
    await real_house.adapter.import_catalogue()
    for number in range(5):
        await real_house.adapter.enter_drop("FOX-BADGE-RAFFLE", f"member-{number}", f"e-{number}")
    real_house.sandbox.kit.clock.advance(timedelta(days=6))

    rounds = await asyncio.gather(*(real_house.adapter.settle_drops() for _ in range(3)))

    assert [len(each) for each in rounds] == [5, 5, 5]
    assert rounds[0] == rounds[1] == rounds[2]
    told = {place.entry_ref: place.state for each in rounds for place in each}
    assert sorted(told.values()) == ["lost", "lost", "lost", "won", "won"]
    [[place]] = await real_house.adapter.drop_places(["member-0"])
    assert place.state == told["e-0"]


async def test_a_move_of_ours_outlives_imports_until_the_catalogue_says_another(real_house: House) -> None:
    await real_house.adapter.import_catalogue()
    await real_house.adapter.move_activation(SET, "closed", user="hq", key="k-1", territories={})

    await real_house.publish("property_status", slug="frontier-isle", status="licensable")
    assert [each.state for each in await real_house.adapter.all_activations()] == ["closed"]
    await real_house.publish("activation_status", code=SET, status="pulled")
    assert [each.state for each in await real_house.adapter.all_activations()] == ["pulled"]


async def test_the_last_of_a_budget_goes_to_one_member(real_house: House) -> None:
    prize = {"id": "P", "kind": "goods", "name": "徽章盒", "amount": 0, "budget": 1, "claim_days": 7}
    await real_house.adapter.import_catalogue()
    await real_house.publish("card_rules", activation=SET, daily_cap=None, prize=prize)
    for number in range(3):
        for draws in range(4):
            await real_house.adapter.draw_card(SET, f"member-{number}", f"{number}-{draws}")

    last = (real_house.adapter.draw_card(SET, f"member-{number}", f"{number}-4") for number in range(3))
    drawn = await asyncio.gather(*last)

    assert [each.set_complete for each in drawn] == [True] * 3
    assert len([each for each in drawn if each.reward is not None]) == 1
