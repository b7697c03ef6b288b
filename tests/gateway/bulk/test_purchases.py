"""Import of POS tickets and orders: lines that sum, facts that tell, corrections that take back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from gateway.database import Database
from gateway.database.facts import Fact, append_facts
from gateway.database.tables.facts import fact
from gateway.database.tables.labels import member_label
from gateway.database.tables.ledger import identity_total
from gateway.database.tables.members import identity, member
from gateway.database.tables.privacy import erased_handle, sealed_record
from gateway.database.tables.projections import after_sale, purchase, purchase_line
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


RETURNS = "number,original,created_at,out_id,store,mchid,refund_id,payable,order_discount,sku,quantity,list_amount\n"
SOLD = (
    "number,created_at,out_id,payable,sku,quantity,list_amount\n"
    "T1,2026-11-01,M1,500,A,2,500\nT2,2026-11-01,,80,B,1,80\n"
)


def _back(
    number: str, original: str = "", out_id: str = "", refund_id: str = "", amount: str = "-125", off: str = ""
) -> str:
    """A return of one piece; ``off`` is the discount that its list price had."""
    mchid, listed = "1900000001" if refund_id else "", f"{float(amount) + float(off or 0):.2f}"
    return f"{number},{original},2026-11-05 12:00,{out_id},SH1,{mchid},{refund_id},{amount},{off},A,-1,{listed}\n"


async def totals(database: Database) -> dict[str, tuple[int, int, int, int]]:
    """(orders, spend, refunds, refunded) by the customer's own number."""
    names = {row["id"]: row["value"] for row in await rows(database, identity)}
    found: dict[str, tuple[int, int, int, int]] = {}
    for row in await rows(database, identity_total):
        sums = (row["orders"], row["spend"], row["refunds"], row["refunded"])
        before = found.get(names[row["identity"]], (0, 0, 0, 0))
        found[names[row["identity"]]] = tuple(map(sum, zip(before, sums, strict=True)))  # type: ignore[assignment]
    return found


async def test_a_return_is_a_refund_of_the_ticket_that_it_names(
    database: Database, import_file: Import, tmp_path: Path
) -> None:
    """Whoever brings it, the refund is the buyer's; of an anonymous sale it is nobody's."""
    (tmp_path / "sold.csv").write_text(SOLD, "utf-8")
    await import_file("tickets", tmp_path / "sold.csv")
    path = tmp_path / "back.csv"
    path.write_text(RETURNS + _back("R1", "T1", "M2", off="-25") + _back("R2", "T2", "M1", amount="-80"), "utf-8")
    for again in (False, True):
        done = await import_file("tickets", path)
        assert (done.rows, done.created, done.updated, done.rejected) == (2, 0 if again else 2, 0, 0)
        first, second = await rows(database, after_sale)
        assert (first["purchase"], first["kind"], first["state"]) == ("POS:pos:T1", "RETURN", "SUCCEEDED")
        assert (first["quantity"], first["refund"], second["purchase"]) == (1, 12500, "POS:pos:T2")
        assert [row["refunded"] for row in await rows(database, purchase)] == [12500, 8000]
        assert await told(database, "refund.succeeded") == [(8000, None), (12500, None)]
        assert await totals(database) == {"M1": (1, 50000, 1, 12500)}
    [refund] = [row for row in await rows(database, fact) if row["order_ref"] == "POS:pos:T1" and row["reason"]]
    assert (refund["store"], refund["quantity"], refund["payload"]["lines"]) == (
        "SH1", 1, [{"sku": "A", "quantity": 1, "paid": 12500}],
    )  # fmt: skip


async def test_returns_and_their_tickets_come_in_any_order(
    database: Database, import_file: Import, tmp_path: Path
) -> None:
    """The original after its return, before it, again, corrected: what has gone back stays counted once."""
    back, sold = tmp_path / "back.csv", tmp_path / "sold.csv"
    back.write_text(RETURNS + _back("R1", "T1"), "utf-8")
    sold.write_text(SOLD, "utf-8")
    await import_file("tickets", back)
    await import_file("tickets", sold)
    again = await import_file("tickets", sold)
    assert (again.created, again.updated) == (0, 0)
    assert [row["refunded"] for row in await rows(database, purchase)] == [12500, 0]
    sold.write_text(SOLD.replace("500", "600"), "utf-8")
    corrected = await import_file("tickets", sold)
    assert (corrected.created, corrected.updated) == (0, 1)
    assert [row["refunded"] for row in await rows(database, purchase)] == [12500, 0]
    # The correction takes back what the ticket told, and not what its return did.
    assert await told(database, "refund.succeeded") == [(12500, None)]

    together = tmp_path / "together.csv"
    together.write_text(
        RETURNS + "T3,,2026-11-01,M1,SH1,,,300,,A,2,300\n" + _back("R3", "T3") + _back("R4", "T3", amount="-100"),
        "utf-8",
    )
    for _ in range(2):
        await import_file("tickets", together)
        assert [row["refunded"] for row in await rows(database, purchase)][2] == 22500
    # Whoever bought T1 gave no name when R1 came; what came later is M1's.
    assert (await totals(database))["M1"] == (2, 90000, 2, 22500)


async def test_a_corrected_return_takes_back_what_it_told(
    database: Database, import_file: Import, tmp_path: Path
) -> None:
    sold, back = tmp_path / "sold.csv", tmp_path / "back.csv"
    sold.write_text(SOLD + "T3,2026-11-01,M3,500,A,2,500\n", "utf-8")
    await import_file("tickets", sold)
    back.write_text(RETURNS + _back("R1", "T1"), "utf-8")
    await import_file("tickets", back)
    back.write_text(RETURNS + _back("R1", "T3", amount="-99.99"), "utf-8")
    done = await import_file("tickets", back)
    assert (done.created, done.updated) == (0, 1)
    assert [row["refunded"] for row in await rows(database, purchase)] == [0, 0, 9999]
    assert await told(database, "refund.succeeded") == [(-12500, None), (9999, None), (12500, None)]
    assert await totals(database) == {"M1": (1, 50000, 0, 0), "M3": (1, 50000, 1, 9999)}


async def test_a_return_that_names_no_ticket(database: Database, import_file: Import, tmp_path: Path) -> None:
    path = tmp_path / "back.csv"
    path.write_text(RETURNS + _back("R1", out_id="M1") + _back("R2"), "utf-8")
    for _ in range(2):
        await import_file("tickets", path)
        assert await rows(database, purchase) == []
        assert [row["purchase"] for row in await rows(database, after_sale)] == ["POS:pos:R1", "POS:pos:R2"]
        assert await totals(database) == {"M1": (0, 0, 1, 12500)}


async def test_a_refund_at_wechat_is_told_once_by_the_bill_and_the_file(
    database: Database, import_file: Import, tmp_path: Path, clock: ManualClock
) -> None:
    sold, back = tmp_path / "sold.csv", tmp_path / "back.csv"
    sold.write_text(SOLD, "utf-8")
    await import_file("tickets", sold)
    async with database.write() as connection:
        bill = {"kind": "refund.succeeded", "source": "bill", "account": "1900000001", "source_key": "50300000001"}
        told_by_bill = Fact(occurred_at=clock.now(), amount_fen=12500, order_ref="POS:pos:T1", **bill)  # type: ignore[arg-type]
        await append_facts(connection, [told_by_bill], clock=clock)
    back.write_text(RETURNS + _back("R1", "T1", refund_id="50300000001"), "utf-8")
    for _ in range(2):
        await import_file("tickets", back)
        assert await told(database, "refund.succeeded") == [(12500, None)]
    assert [row["refunded"] for row in await rows(database, purchase)] == [12500, 0]


async def test_signs_that_do_not_go_together_are_rejected(
    database: Database, import_file: Import, tmp_path: Path
) -> None:
    path = tmp_path / "mixed.csv"
    path.write_text(
        RETURNS
        + "X1,,2026-11-05,,,,,-100,,A,1,-100\n"
        + "X2,,2026-11-05,,,,,100,,A,-1,100\n"
        + "X3,,2026-11-05,,,,,-50,,A,-1,-100\nX3,,2026-11-05,,,,,-50,,B,1,50\n"
        + "X4,T1,2026-11-05,,,,,100,,A,1,100\n"
        + "X5,,2026-11-05,,,,,-90,,A,-1,-100\n"
        + "X6,,2026-11-05,,,,,-90,10,A,-1,-100\n"
        + "X7,,2026-11-05,,,,,0,,A,0,0\n",
        "utf-8",
    )
    done = await import_file("tickets", path)
    assert (done.created, done.rejected) == (0, 8)
    found = [(each["line"], each["column"], each["code"]) for each in rejects(done)]
    assert found == [
        (2, "quantity", "SIGNS_MIXED"),
        (3, "payable", "SIGNS_MIXED"),
        (4, "quantity", "SIGNS_MIXED"),
        (6, "original", "SIGNS_MIXED"),
        (7, "payable", "LINES_DO_NOT_SUM"),
        (8, "order_discount", "SIGNS_MIXED"),
        (9, "quantity", "SIGNS_MIXED"),
    ]
    orders = tmp_path / "orders.csv"
    orders.write_text("number,created_at,payable,sku,quantity,list_amount\nO1,2026-11-05,-1,A,-1,-1\n", "utf-8")
    [refused] = rejects(await import_file("orders", orders))
    assert refused["code"] == "AMOUNT_INVALID"


async def test_a_return_of_a_ticket_that_an_erasure_has_sealed_stays_out(
    database: Database, import_file: Import, tmp_path: Path, clock: ManualClock
) -> None:
    async with database.write() as connection:
        await connection.execute(
            sealed_record.insert().values(
                id="s1",
                kind="purchase",
                class_="TRANSACTION",
                natural=natural("purchase", ["POS:pos:T1"]),
                record={},
                sealed_on=clock.now().date(),
                until=clock.now().date() + timedelta(days=900),
            )
        )
    path = tmp_path / "back.csv"
    path.write_text(RETURNS + _back("R1", "T1", "M1"), "utf-8")
    await import_file("tickets", path)
    assert await rows(database, after_sale) == []
    assert await told(database, "refund.succeeded") == []
