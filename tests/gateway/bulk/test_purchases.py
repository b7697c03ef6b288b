"""Import of POS tickets and orders: lines that sum, facts that tell, corrections that take back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from gateway.database import Database
from gateway.database.tables.facts import fact
from gateway.database.tables.labels import member_label
from gateway.database.tables.ledger import identity_total
from gateway.database.tables.members import member
from gateway.database.tables.privacy import erased_handle, sealed_record
from gateway.database.tables.projections import purchase, purchase_line
from gateway.events.erased import handle_text, natural
from tests.databases import ManualClock
from tests.gateway.bulk.conftest import EXAMPLES, Import, rejects, rows

HEADER = "number,created_at,out_id,payable,order_discount,sku,quantity,list_amount,line_discount\n"


async def told(database: Database, kind: str) -> list[tuple[int | None, str | None]]:
    """Amounts of a kind's facts, taken-back ones negative, and their lines."""
    return sorted(
        ((row["amount_fen"] if row["reversal_of"] is None else -row["amount_fen"]), row["line"])
        for row in await rows(database, fact)
        if row["kind"] == kind
    )


async def test_tickets_come_in_with_lines_that_sum(database: Database, import_file: Import) -> None:
    await import_file("members", EXAMPLES / "members.csv")
    done = await import_file("tickets", EXAMPLES / "tickets.csv")
    assert (done.state, done.rows, done.created, done.rejected) == ("DONE", 3, 2, 0)

    first, second = await rows(database, purchase)
    assert (first["id"], first["source"], first["form"]) == ("POS:pos:T20251111-0001", "POS", "IN_STORE")
    assert (first["list_total"], first["discount"], first["payable"]) == (119800, 10000, 109800)
    assert (first["store"], first["state"], first["payer_paid"]) == ("SH-ANFU", "COMPLETED", 109800)
    assert second["identity"] is None
    lines = await rows(database, purchase_line)
    shares = [(line["sku"], line["discount"], line["paid"]) for line in lines if line["purchase"] == first["id"]]
    # 100.00 over 899.00 and 299.00: 75.0417 and 24.9583.
    assert shares == [("SL-DOWN-1M", 7504, 82396), ("YL-SOCK-2", 2496, 27404)]
    assert sum(paid for *_, paid in shares) == first["payable"]

    assert await told(database, "pos.ticket") == [(5990, None), (109800, None)]
    assert await told(database, "order.paid") == [(5990, None), (109800, None)]
    assert await told(database, "order.line") == [(5990, "YL-SOCK-1"), (27404, "YL-SOCK-2"), (82396, "SL-DOWN-1M")]
    owners = {row["order_ref"]: row["member"] for row in await rows(database, fact) if row["kind"] == "order.paid"}
    lin = await database.one(select(member.c.id).where(member.c.out_id == "00100001"))
    assert lin is not None
    assert owners == {first["id"]: lin.id, second["id"]: None}


async def test_orders_of_the_past(database: Database, import_file: Import) -> None:
    done = await import_file("orders", EXAMPLES / "orders.jsonl")
    assert (done.created, done.rejected) == (2, 0)
    done_order, closed = await rows(database, purchase)
    assert (done_order["payable"], done_order["freight"], done_order["receiver"]) == (91100, 1200, "林晓雯")
    assert (closed["state"], closed["paid_at"], closed["payer_paid"]) == ("CLOSED", None, None)
    assert await told(database, "order.created") == [(29900, None), (91100, None)]
    assert await told(database, "order.paid") == [(91100, None)]
    assert await told(database, "order.closed") == [(29900, None)]


async def test_the_same_file_again_changes_nothing(database: Database, import_file: Import) -> None:
    await import_file("tickets", EXAMPLES / "tickets.csv")
    await import_file("orders", EXAMPLES / "orders.jsonl")
    before = [await rows(database, table) for table in (purchase, purchase_line, fact)]
    for kind, name in (("tickets", "tickets.csv"), ("orders", "orders.jsonl")):
        again = await import_file(kind, EXAMPLES / name)
        assert (again.created, again.updated) == (0, 0)
    assert [await rows(database, table) for table in (purchase, purchase_line, fact)] == before


async def test_a_correction_takes_its_facts_back(database: Database, import_file: Import, tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text(HEADER + "T1,2025-11-11 15:20,M1,100,,A,1,60,\nT1,2025-11-11 15:20,M1,100,,B,1,40,\n", "utf-8")
    await import_file("tickets", path)
    path.write_text(HEADER + "T1,2025-11-11 15:20,M1,90,,A,1,90,\n", "utf-8")
    again = await import_file("tickets", path)
    assert (again.created, again.updated) == (0, 1)
    assert [(line["sku"], line["paid"]) for line in await rows(database, purchase_line)] == [("A", 9000)]
    paid = await told(database, "order.paid")
    assert [amount for amount, _ in paid] == [-10000, 9000, 10000]
    assert sum(amount or 0 for amount, _ in await told(database, "order.line")) == 9000
    # A third version takes back the second one, and the first one no more.
    path.write_text(HEADER + "T1,2025-11-11 15:20,M1,80,,A,1,80,\n", "utf-8")
    await import_file("tickets", path)
    assert sum(amount or 0 for amount, _ in await told(database, "order.paid")) == 8000
    assert len(await told(database, "order.paid")) == 5


async def test_a_ticket_with_one_bad_row_is_rejected_whole(
    database: Database, import_file: Import, tmp_path: Path
) -> None:
    path = tmp_path / "tickets.csv"
    good = "T3,2025-11-11 15:20,,10,,A,1,10,\n"
    bad = "T1,2025-11-11 15:20,,100,,A,1,60,\nT1,2025-11-11 15:20,,100,,B,none,40,\n"
    torn = "T2,2025-11-11 15:20,,100,,A,1,60,\n"
    path.write_text(HEADER + bad + torn + good, "utf-8")
    done = await import_file("tickets", path)
    assert (done.created, done.rejected) == (1, 3)
    found = rejects(done)
    assert [(each["line"], each["column"], each["code"]) for each in found] == [
        (3, "quantity", "NUMBER_INVALID"),
        (4, "payable", "LINES_DO_NOT_SUM"),
    ]
    assert "".join(each["raw"] for each in found) == bad + torn


async def test_a_first_purchase_gives_the_member_its_store_until_it_is_somebody_elses(
    database: Database, import_file: Import, tmp_path: Path
) -> None:
    path = tmp_path / "tickets.csv"
    header = "number,created_at,out_id,store,payable,sku,quantity,list_amount\n"
    path.write_text(header + "T1,2025-11-11 15:20,M1,SH-ANFU,100,A,1,100\n", "utf-8")
    await import_file("tickets", path)
    names = {row["id"]: row["out_id"] for row in await rows(database, member)}
    assert [(row["value"], names[row["member"]]) for row in await rows(database, member_label)] == [("SH-ANFU", "M1")]
    path.write_text(header + "T1,2025-11-11 15:20,M2,SH-ANFU,100,A,1,100\n", "utf-8")
    await import_file("tickets", path)
    names = {row["id"]: row["out_id"] for row in await rows(database, member)}
    assert [(row["value"], names[row["member"]]) for row in await rows(database, member_label)] == [("SH-ANFU", "M2")]


async def test_an_order_counts_once_in_its_customers_totals(database: Database, import_file: Import) -> None:
    await import_file("members", EXAMPLES / "members.csv")
    for _ in range(2):
        await import_file("tickets", EXAMPLES / "tickets.csv")
    totals = [(row["orders"], row["spend"], row["refunds"]) for row in await rows(database, identity_total)]
    assert [each for each in totals if any(each)] == [(1, 109800, 0)]


async def test_orders_of_before_an_erasure_are_nobodys(
    database: Database, clock: ManualClock, import_file: Import
) -> None:
    handle = handle_text("OUT_ID", "brand", "00100001")
    erased_at, until = clock.now(), clock.now() + timedelta(days=1000)
    async with database.write() as connection:
        await connection.execute(erased_handle.insert().values(hash=handle, erased_at=erased_at, until=until))
    done = await import_file("tickets", EXAMPLES / "tickets.csv")
    assert (done.created, done.rejected) == (2, 0)
    assert [row["identity"] for row in await rows(database, purchase)] == [None, None]
    assert await rows(database, member) == []


async def test_a_sealed_ticket_stays_as_it_was_sealed(
    database: Database, clock: ManualClock, import_file: Import
) -> None:
    natural_key = natural("purchase", ["POS:pos:T20251111-0001"])
    async with database.write() as connection:
        await connection.execute(
            sealed_record.insert().values(
                id="1",
                kind="purchase",
                class_="TRANSACTION",
                natural=natural_key,
                record=database.keyring.seal_json({}),
                sealed_on=clock.now().date(),
                until=clock.now().date() + timedelta(days=1000),
            )
        )
    done = await import_file("tickets", EXAMPLES / "tickets.csv")
    assert (done.created, done.rejected) == (1, 0)
    assert "POS:pos:T20251111-0001" not in {row["id"] for row in await rows(database, purchase)}
