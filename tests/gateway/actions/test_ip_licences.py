"""Licences in the graph: what is granted, what may be done, who was given artwork, and what an activation brought."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import insert, select, update

from adapters.cloud_storage import CloudStorageAdapter
from adapters.ip_content.tables import agreement, asset, asset_grant, reservation, sku
from gateway.database.facts import Fact, append_facts
from gateway.database.tables.dimensions import sku as dim_sku
from gateway.database.tables.facts import fact
from gateway.resolvers import ids
from sandbox.http1 import request
from tests.adapters.ip_content.odrl import faults
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOCUMENTS = Path(__file__).parents[3] / "examples" / "ip"
FILES = {path.stem: path.read_text("utf-8") for path in DOCUMENTS.glob("*.graphql")}
GTIN, LOGO, FOX = "06901234567892", "yunling-fox-logo", ids.encode("ip", "yunling-fox")
SHANGHAI = {"territory": "CN-SH", "channel": "OFFLINE_STORE", "use": "SELL"}


class Desk:
    """Headquarters, and a partner."""

    def __init__(self, served: Served) -> None:
        self.served = served

    async def ask(self, name: str, caller: str = "partner", **given: Any) -> Any:
        """A document's only field."""
        return next(iter((await self.served.client(caller).data(FILES[name], **given)).values()))

    async def refused(self, name: str, caller: str, **given: Any) -> str:
        """The code of a document's only error."""
        [error] = (await self.served.client(caller).ask(FILES[name], **given))["errors"]
        code: str = error["extensions"]["code"]
        return code

    async def change(self, statement: Any) -> None:
        """Something of the imported catalogue is otherwise."""
        async with self.served.gateway.services.database.write() as connection:
            await connection.execute(statement)

    async def downloads(self) -> int:
        """Rows of the ledger."""
        return len(await self.served.gateway.services.database.fetch(select(asset_grant.c.watermark)))


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> Desk:
    return Desk(await open_served())


async def test_a_partner_reads_agreements_and_their_policies(desk: Desk) -> None:
    nodes = (await desk.ask("agreements"))["nodes"]
    assert [each["number"] for each in nodes] == ["YJ-2025-004", "YJ-2026-017"]
    [grant] = nodes[1]["grants"]
    assert (nodes[1]["status"], grant["exclusivity"], grant["coPresence"]) == ("active", "EXCLUSIVE", False)
    assert (grant["startsOn"], grant["endsOn"], grant["territories"]) == ("2026-01-01", "2027-01-01", ["CN"])
    policies = [json.loads(each["policy"]) for each in nodes]
    assert [list(faults(each)) for each in policies] == [[], []]
    assert policies[1]["obligation"][0]["action"] == "ensureExclusivity"
    [one] = (await desk.ask("agreements", property=FOX))["nodes"]
    assert one["number"] == "YJ-2026-017"


async def test_a_product_is_cleared_until_the_grant_ends(desk: Desk) -> None:
    asked = {"of": {"gtin": GTIN}, **SHANGHAI, "at": "2026-11-11", "until": "2027-01-31"}
    granted = {"status": "GRANTED_TO_YOU", "reason": None, "until": None}
    term = {"status": "BLOCKED", "reason": "term", "until": None}
    first = {"startsOn": "2026-11-11", "endsOn": "2027-01-01"}
    rest = {"startsOn": "2027-01-01", "endsOn": "2027-01-31"}
    assert await desk.ask("clearance", **asked) == [granted | first, term | rest]
    # Without days it is asked of today.
    [today] = await desk.ask("clearance", of={"gtin": GTIN}, **SHANGHAI)
    assert (today["status"], today["startsOn"], today["endsOn"]) == ("GRANTED_TO_YOU", "2026-11-11", "2026-11-12")
    work = {"work": {"property": FOX, "category": "玩具"}}
    [scope] = await desk.ask("clearance", of=work, **SHANGHAI)
    assert scope["reason"] == "grant_scope"
    for values, reason in (({"state": "concept_draft"}, "approval_stage"), ({"units_sold": 5000}, "unit_cap")):
        await desk.change(update(sku).values(**values))
        [slot, _] = await desk.ask("clearance", **asked)
        assert (slot["status"], slot["reason"]) == ("BLOCKED", reason)


async def test_what_cannot_be_cleared_is_said(desk: Desk) -> None:
    assert await desk.refused("clearance", "partner", of={"gtin": "0"}, **SHANGHAI) == "NOT_FOUND"
    assert await desk.refused("clearance", "partner", of={"gtin": GTIN}, **SHANGHAI | {"territory": "x"}) == "INVALID"
    assert await desk.refused("clearance", "frontend", of={"gtin": GTIN}, **SHANGHAI) == "FORBIDDEN"


async def test_what_stands_in_the_way_of_a_wish(desk: Desk) -> None:
    """X1 and X2; nobody is named."""
    draft: dict[str, Any] = {
        "property": FOX, "territories": ["CN-SH"], "categories": ["toys"], "channels": ["VENDING"],
        "startsOn": "2026-06-01", "endsOn": "2026-07-01",
    }  # fmt: skip
    assert await desk.ask("wish", draft=draft) == []
    talent = await desk.ask("wish", draft=draft | {"talent": True})
    assert talent == [{"reason": "talent_consent_missing", "until": None}]
    abroad = await desk.ask("wish", draft=draft | {"territories": ["JP"]})
    assert abroad == [{"reason": "rights_in_exceeded", "until": None}]
    [row] = await desk.served.gateway.services.database.fetch(select(agreement.c.licensee).limit(1))
    axes = {"territories": ["CN"], "excluded_territories": [], "categories": ["toys"], "channels": ["vending"]}
    held = {"licensee": row.licensee, "number": 99, "property": "yunling-fox", **axes}
    await desk.change(insert(reservation).values(**held, starts="2026-01-01", ends="2026-06-15"))
    taken = await desk.ask("wish", draft=draft)
    assert taken == [{"reason": "exclusivity_conflict", "until": "2026-06-15"}]


async def test_artwork_is_handed_out_under_a_watermark(desk: Desk) -> None:
    [product] = (await desk.ask("products"))["nodes"]
    assert (product["gtin"], product["conceptApproved"], product["property"]["title"]) == (GTIN, True, "云岭小狐")
    [art] = (await desk.ask("assets", property=FOX))["nodes"]
    assert (art["id"], art["renditions"], art["creditLine"]) == (LOGO, ["preview", "comp", "master"], "© yunling-fox")
    services = desk.served.gateway.services
    bucket = services.tools.named(CloudStorageAdapter, "assets")
    await bucket.put("ip/yunling-fox/logo.png", b"artwork", "image/png")
    asked = {"asset": LOGO, "rendition": "MASTER", "purpose": "badge", "gtin": GTIN, "idempotencyKey": "art-000001"}

    given = await desk.ask("download", download=asked)

    answer = await request("GET", given["url"])
    assert (answer.status, answer.body) == (200, b"artwork")
    assert datetime.fromisoformat(given["expiresAt"]) - services.clock.now() <= timedelta(minutes=15)
    again = await desk.ask("download", download=asked)
    assert (again["watermark"], await desk.downloads()) == (given["watermark"], 1)
    for by in ({"watermark": given["watermark"]}, {"asset": LOGO}):
        [noted] = (await desk.ask("downloads", "hq", by=by))["nodes"]
        assert (noted["user"], noted["purpose"], noted["gtin"]) == ("partner", "badge", GTIN)
    assert (await desk.ask("downloads", "hq", by={"watermark": "wm_invented"}))["nodes"] == []
    # A quarter of an hour later the same download has no address any more.
    desk.served.sandbox.kit.clock.advance(timedelta(minutes=16))
    services.clock.advance(timedelta(minutes=16))  # type: ignore[attr-defined]
    late = await desk.ask("download", download=asked)
    assert (late["url"], late["watermark"]) == (None, given["watermark"])


async def test_what_is_not_licensed_is_not_handed_out(desk: Desk) -> None:
    asked = {"asset": LOGO, "rendition": "MASTER", "purpose": "badge", "idempotencyKey": "art-000002"}
    without_product = await desk.ask("download", download=asked)
    assert (without_product["code"], without_product["reason"]) == ("REJECTED", "concept_not_approved")
    assert (await desk.ask("download", download=asked | {"purpose": ""}))["code"] == "BAD_USER_INPUT"
    assert (await desk.ask("download", download=asked | {"asset": "none"}))["code"] == "NOT_FOUND"
    await desk.change(update(agreement).values(status="suspended"))
    comp = await desk.ask("download", download=asked | {"rendition": "COMP"})
    assert (comp["code"], comp["reason"]) == ("UNAUTHORIZED", "not_licensed")
    await desk.change(update(asset).values(embargo_until=2**52))
    early = await desk.ask("download", download=asked | {"rendition": "PREVIEW"})
    assert early["reason"] == "embargoed"
    assert await desk.downloads() == 0


@pytest.mark.parametrize(
    ("name", "callers", "given"),
    [
        ("agreements", ("frontend", "guide"), {}),
        ("products", ("frontend", "guide"), {}),
        ("assets", ("frontend", "guide"), {"property": FOX}),
        ("downloads", ("frontend", "guide", "partner"), {"by": {"asset": LOGO}}),
        (
            "download",
            ("frontend", "guide"),
            {"download": {"asset": LOGO, "rendition": "PREVIEW", "purpose": "x", "idempotencyKey": "art-000003"}},
        ),
        ("lift", ("frontend", "guide", "partner"), {"activation": ids.encode("ac", "FOX-BADGE"), "metric": "GMV"}),
    ],
)
async def test_others_do_not_see_them(desk: Desk, name: str, callers: tuple[str, ...], given: dict[str, Any]) -> None:
    for caller in callers:
        assert await desk.refused(name, caller, **given) == "FORBIDDEN"
    assert await desk.downloads() == 0


async def test_lists_cost_the_same_for_any_number(desk: Desk) -> None:
    database = desk.served.gateway.services.database
    [row] = await database.fetch(sku.select())
    costs, have = set(), 1
    for number in (1, 10, 50):
        for each in range(have, number):
            await desk.change(insert(sku).values(row._asdict() | {"gtin": f"{each:014}"}))
        have = number
        with desk.served.counted() as count:
            found = await desk.served.client().data(FILES["products"].replace("first: 100", f"first: {number}"))
        assert len(found["licensedSkus"]["nodes"]) == number
        costs.add((tuple(count.calls.items()), count.statements))
    assert len(costs) == 1


async def traded(desk: Desk, store: str, before: int, during: int, kind: str = "order.paid", **more: Any) -> None:
    """So much on every day of the 28 before the activation and of the activation itself."""
    starts = date(2026, 10, 21)
    facts = [
        Fact(
            kind=kind,
            occurred_at=datetime.combine(starts + timedelta(days=day), time(4), UTC),
            source="import",
            source_key=f"{store}:{day}:{more}",
            store=store,
            amount_fen=before if day < 0 else during,
            **more,
        )
        for day in range(-28, 21)
    ]
    async with desk.served.gateway.services.database.write() as connection:
        await append_facts(connection, facts)


async def test_lift_is_the_worked_figures(desk: Desk) -> None:
    """L1 to L3: twice as much is +100 %, against controls +90.48 %, three times as much is +200 %."""
    await desk.change(update(fact).values(is_test=True))
    await traded(desk, "SH-AFL", 1200, 2400)
    await traded(desk, "BJ-SLT", 1000, 1050)
    asked = {"activation": ids.encode("ac", "FOX-BADGE"), "metric": "GMV"}

    raw = (await desk.ask("lift", "hq", **asked))["lift"]
    control = [ids.encode("st", "BJ-SLT")]
    adjusted = (await desk.ask("lift", "hq", **asked, control=control))["lift"]

    assert raw == {"rawBps": 10_000, "adjustedBps": None, "baselineDays": 25, "treatmentDays": 21}
    assert (adjusted["rawBps"], adjusted["adjustedBps"]) == (10_000, 9_048)
    [carrier] = await desk.served.gateway.services.database.fetch(
        select(dim_sku.c.code).where(dim_sku.c.ip_property == "yunling-fox").limit(1)
    )
    await traded(desk, "HZ-HB", 20_000, 60_000, "order.line", line=carrier.code)
    await traded(desk, "HZ-HB", 7, 9, "order.line", line="SL-DOWN-1M")
    sales = (await desk.ask("lift", "hq", **asked | {"metric": "DERIVATIVE_SALES"}))["lift"]
    assert sales["rawBps"] == 20_000
    fewer = (await desk.ask("lift", "hq", **asked, exclusions=["2026-11-10", "2026-10-01"]))["lift"]
    assert (fewer["baselineDays"], fewer["treatmentDays"]) == (24, 20)


async def test_a_lift_over_nothing_is_none(desk: Desk) -> None:
    await desk.change(update(fact).values(is_test=True))
    asked = {"activation": ids.encode("ac", "FOX-BADGE"), "metric": "ORDERS"}
    assert await desk.refused("lift", "hq", **asked) == "REJECTED"
    own = [ids.encode("st", "SH-AFL")]
    assert await desk.refused("lift", "hq", **asked, control=own) == "BAD_USER_INPUT"
    assert await desk.refused("lift", "hq", **asked, control=[]) == "BAD_USER_INPUT"
