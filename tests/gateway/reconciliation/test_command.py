"""``retail-gateway reconcile`` in a process of its own, against the emulated platforms: its words and its exit code."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from gateway.database.tables.projections import payment, purchase, refund
from gateway.database.tables.reconciliation import store_funds_flow
from gateway.events.projections import payments
from gateway.reconciliation import Kind
from tests.databases import *  # noqa: F403
from tests.databases import MASTER
from tests.gateway.actions.allotting import allot, by_hand
from tests.gateway.actions.trading import ordered, store
from tests.gateway.reconciliation.test_funds import begin, finished, out
from tests.gateway.reconciliation.test_funds import misbook as misbook_of_store
from tests.gateway.reconciliation.test_merchants import morning, number, reconcile, today
from tests.gateway.transactions.settings_file import settings_file
from tests.gateway.transactions.shop import COAT, MCHID, Shop

pytestmark = pytest.mark.long

Told = set[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Ended:
    """How the command ended, and what it said."""

    code: int | None
    out: str
    err: str

    def account(self, account: str) -> Mapping[str, Any]:
        """What its JSON says of one account."""
        [found] = [each for each in json.loads(self.out)["accounts"] if each["account"] == account]
        return dict(found)


async def command(shop: Shop, folder: Path, *arguments: str) -> Ended:
    path = settings_file(folder / "gateway.toml", shop, base64.b64encode(MASTER).decode())
    asked = [sys.executable, "-m", "gateway", "reconcile", "--settings", str(path), *arguments]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*asked, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    return Ended(process.returncode, out.decode(), err.decode())


async def on(shop: Shop, folder: Path, day: date) -> tuple[int | None, Mapping[str, Any]]:
    """Exit code, and what was found in the main merchant account."""
    ended = await command(shop, folder, "--date", day.isoformat(), "--json")
    assert ended.err == ""
    return ended.code, ended.account(MCHID)


def told(found: Sequence[Mapping[str, Any]]) -> Told:
    return {(each["kind"], each["number"]) for each in found}


async def till(shop: Shop, total: int) -> Any:
    return await shop.act("payments", "pos_pay", mchid=MCHID, person="maqiang", total=total)


async def misbook(shop: Shop, amount: int, **about: Any) -> str:
    done = await shop.act("payments", "misbook", mchid=MCHID, amount=amount, **about)
    return str(done["business_id"])


async def test_a_day_as_it_should_be_ends_with_0(any_shop: Shop, tmp_path: Path) -> None:
    shop, day = any_shop, today(any_shop)
    await shop.notify(await shop.pay(await shop.flagship()))
    await till(shop, 12345)
    await morning(shop)
    ended = await command(shop, tmp_path)
    assert (ended.code, ended.err) == (0, "")
    [line] = [each.split() for each in ended.out.splitlines() if MCHID in each]
    assert line == ["payments", MCHID, "CLEAN", *["2", "compared,", "0", "repaired,", "0", "left"]]
    # Without a date it was yesterday.
    ended = await command(shop, tmp_path, "--date", day.isoformat(), "--json")
    assert (ended.code, json.loads(ended.out)["date"]) == (0, day.isoformat())
    assert ended.account(MCHID) == {
        "tool": "payments", "account": MCHID, "book": "BILLS",
        "state": "CLEAN", "compared": 2, "learned": 0, "errorCode": None,
        "repaired": [], "left": [],
    }  # fmt: skip


async def test_what_is_certain_is_repaired_and_ends_with_0(any_shop: Shop, tmp_path: Path) -> None:
    shop, day = any_shop, today(any_shop)
    paid = await shop.flagship()
    await shop.notify(await shop.pay(paid))
    back = await shop.act("payments", "console_refund", out_trade_no=number(paid), amount=1900)
    lost = await shop.buy(shop.basket((COAT, 1)), 89900, key="whose-notification-is-lost")
    await shop.pay(lost, quiet=True)
    # Not by its own expiry job: that stands still here.
    shop.pass_time(hours=24)
    code, found = await on(shop, tmp_path, day)
    assert (code, found["state"], found["left"]) == (0, "REPAIRED", [])
    assert told(found["repaired"]) == {("MISSING_HERE", number(lost)), ("MISSING_HERE", back["out_refund_no"])}
    assert (await shop.order(lost.order_id)).state == "PAID"
    assert (await shop.order(paid.order_id)).refunded == 1900
    async with shop.database.write() as connection:
        await connection.execute(update(refund).values(state="PROCESSING", succeeded_at=None))
    code, found = await on(shop, tmp_path, day)
    assert (code, told(found["repaired"]), found["left"]) == (0, {("STATE_DIFFERS", back["out_refund_no"])}, [])
    assert await on(shop, tmp_path, day) == (0, found | {"state": "CLEAN", "repaired": []})


async def test_what_only_a_person_can_decide_is_left_and_ends_with_10(any_shop: Shop, tmp_path: Path) -> None:
    shop, day = any_shop, today(any_shop)
    closed = await shop.flagship()
    shop.pass_time(minutes=31)
    await shop.worker.drain()
    await shop.act("payments", "pay", out_trade_no=number(closed), crossed=True, quiet=True)
    forgotten = await shop.buy(shop.basket((COAT, 1)), 89900, key="whose-order-will-be-lost")
    await shop.notify(await shop.pay(forgotten))
    wrong, gone, unmoved, short, fee = [await till(shop, total) for total in (10000, 20000, 30000, 40000, 50000)]
    await misbook(shop, 0, business_id=unmoved["transaction_id"])
    await misbook(shop, 39999, business_id=short["transaction_id"])
    await misbook(shop, -400, business_id=fee["transaction_id"], fee=True)
    stray = await misbook(shop, 700)
    await morning(shop)
    await payments.bill(shop.projector, await shop.payments.trade_bill(day) or [])
    shop.sandbox.platforms["payments"].books[MCHID].orders.pop(gone["out_trade_no"])  # type: ignore[attr-defined]
    async with shop.database.write() as connection:
        of_wrong = payment.c.out_trade_no == wrong["out_trade_no"]
        await connection.execute(update(payment).where(of_wrong).values(total=10001))
        await connection.execute(delete(purchase).where(purchase.c.id == forgotten.order_id))
    left = {
        ("LATE_PAYMENT", number(closed)),
        ("UNKNOWN_ORDER", number(forgotten)),
        ("AMOUNT_DIFFERS", wrong["out_trade_no"]),
        ("MISSING_THERE", gone["out_trade_no"]),
        ("FUNDS_MISSING", unmoved["transaction_id"]),
        ("FUNDS_DIFFER", short["transaction_id"]),
        ("FUNDS_UNKNOWN", stray),
        ("FEE_DIFFERS", fee["transaction_id"]),
    }
    for _ in range(2):
        code, found = await on(shop, tmp_path, day)
        assert (code, found["state"], told(found["left"])) == (10, "DIFFERENT", left)
    amounts = {each["kind"]: (each["oursFen"], each["theirsFen"]) for each in found["left"]}
    assert amounts == {
        "LATE_PAYMENT": (0, 81900), "UNKNOWN_ORDER": (None, 89900), "AMOUNT_DIFFERS": (10001, 10000),
        "MISSING_THERE": (20000, None), "FUNDS_MISSING": (None, 30000), "FUNDS_DIFFER": (40000, 39999),
        "FUNDS_UNKNOWN": (None, 700), "FEE_DIFFERS": (300, 400),
    }  # fmt: skip
    assert {kind for kind, _ in left} | {"MISSING_HERE", "STATE_DIFFERS", "STOCK_DIFFERS"} == set(Kind)


async def test_a_stores_money_and_stock_that_differ_end_with_10(any_shop: Shop, tmp_path: Path) -> None:
    shop, day = any_shop, await begin(any_shop)
    await finished(shop)
    wrong = await ordered(shop)
    await misbook_of_store(shop, 1, 1, wrong)
    await allot(shop, 1)
    shop.pass_time(seconds=5)
    await by_hand(shop, 4)
    await out(shop)
    for _ in range(2):
        ended = await command(shop, tmp_path, "--date", day.isoformat(), "--json")
        assert (ended.code, ended.err) == (10, "")
        books = {
            each["book"]: each for each in json.loads(ended.out)["accounts"] if each["account"] == store(shop).account
        }
        assert told(books["FUNDS"]["left"]) == {("FUNDS_DIFFER", wrong)}
        assert told(books["ORDERS"]["left"]) == {("STOCK_DIFFERS", COAT)}
        assert (books["FUNDS"]["compared"], books["FUNDS"]["repaired"]) == (3, [])
    # Put right on both sides.
    await misbook_of_store(shop, 1, 89900, wrong)
    async with shop.database.write() as connection:
        await connection.execute(delete(store_funds_flow).where(store_funds_flow.c.order_id == wrong))
    ended = await command(shop, tmp_path, "--date", day.isoformat())
    assert "mini_program_store:funds" in ended.out
    assert [line.split()[2] for line in ended.out.splitlines() if ":funds" in line] == ["CLEAN"]


async def test_an_account_that_cannot_be_asked_ends_with_6(shop: Shop, tmp_path: Path) -> None:
    day = today(shop)
    code, found = await on(shop, tmp_path, day)
    assert (code, found["state"], found["errorCode"]) == (6, "FAILED", "DAY_NOT_OVER")
    await morning(shop)
    shop.sandbox.kit.faults.add("payments", "code", endpoint="GET /v3/bill/*", value="NO_AUTH")
    code, found = await on(shop, tmp_path, day)
    assert (code, found["state"]) == (6, "FAILED")
    shop.sandbox.kit.faults.clear()
    assert (await reconcile(shop, day)).state == "CLEAN"
    yesterday = await command(shop, tmp_path, "--date", (day - timedelta(days=1)).isoformat())
    assert yesterday.code == 0
