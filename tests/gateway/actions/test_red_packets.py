"""redPacketSend, redPacketCancel: one number per request whatever is lost, nobody paid before confirming, limits."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from adapters.payments import TransferNotice
from gateway.database.tables.rewards import red_packet
from gateway.database.tables.sagas import saga
from gateway.events.projections import red_packets
from gateway.members.gate import Gate
from gateway.transactions.effects.red_packets import CANCEL, SEND, Offer, Offered, Taken, Wanted
from gateway.transactions.red_packets import RedPackets
from gateway.transactions.steps import StepContext, StepRefused
from sandbox.faults import FaultKind
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import allow, code, do
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import MCHID, Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

BILLS = "POST /v3/fund-app/mch-transfer/transfer-bills"
REPORT = {"活动名称": "618大促", "奖励说明": "签到红包"}


def wanted(shop: Shop, amount: int = 188, **more: Any) -> Wanted:
    """A red packet for 林晓雯."""
    values = {"scene": "1000", "report": REPORT, "remark": "618红包", "purpose": "MARKETING"} | more
    return Wanted(shop.buyer.member or "", amount, **values)


async def offer(shop: Shop, key: str = "red-packet-1", **more: Any) -> Offered:
    """One that is offered."""
    done = await do(shop, SEND, wanted(shop, **more), key)
    assert isinstance(done, Offered), done
    return done


async def rows(shop: Shop) -> list[Any]:
    return list(await shop.database.fetch(select(red_packet).order_by(red_packet.c.asked_at, red_packet.c.out_bill_no)))


async def state(shop: Shop) -> str:
    """Of the only one."""
    [row] = await rows(shop)
    return str(row.state)


async def facts(shop: Shop) -> list[tuple[str, str | None, int | None]]:
    kinds = [f"reward.{each}" for each in ("reserved", "claimed", "expired", "withdrawn", "failed", "refused")]
    return [(each.kind, each.member, each.amount_fen) for each in await shop.facts(*kinds)]


async def settle(shop: Shop) -> None:
    await RedPackets(shop.projector, shop.tools, shop.queue, Gate(shop.projector, shop.settings.reach)).settle()


async def confirmed(shop: Shop, package: str) -> None:
    await shop.act("payments", "confirm_transfer", package=package)


async def test_nobody_has_the_money_before_they_confirmed(any_shop: Shop) -> None:
    shop = any_shop
    await allow(shop)
    done = await offer(shop)
    assert await do(shop, SEND, wanted(shop), "red-packet-1") == done
    [row] = await rows(shop)
    assert (row.state, row.amount, row.name, row.settled_at) == ("WAIT_USER_CONFIRM", 188, "618大促", None)
    assert row.expires_at - row.asked_at > timedelta(hours=24)
    assert row.package
    me = shop.buyer.member
    assert await facts(shop) == [("reward.reserved", me, 188)]
    await confirmed(shop, row.package)
    await settle(shop)
    # It waits still, by our rows: the platform tells of its end, and is asked when its time is over.
    assert await state(shop) == "WAIT_USER_CONFIRM"
    await shop.act("payments", "settle_transfer", out_bill_no=done.number)
    await red_packets.told(shop.projector, [await transfer(shop, done)], source="webhook")
    await red_packets.told(shop.projector, [await transfer(shop, done)], source="poll")
    [row] = await rows(shop)
    assert (row.state, row.package, row.settled_at is None) == ("SUCCESS", None, False)
    assert await facts(shop) == [("reward.reserved", me, 188), ("reward.claimed", me, 188)]
    assert [shop.effects("payments", each) for each in ("transfer", "transfer_settled")] == [1, 1]


async def transfer(shop: Shop, done: Offered) -> Any:
    found = await shop.payments.transfer_status(done.number)
    return TransferNotice(found).transfer  # type: ignore[arg-type] # known to the platform


async def test_one_that_nobody_confirms_expires(shop: Shop) -> None:
    await allow(shop)
    await offer(shop)
    before = shop.calls("payments")
    await settle(shop)
    assert shop.calls("payments") == before
    shop.pass_time(hours=25)
    await settle(shop)
    await settle(shop)
    assert await state(shop) == "EXPIRED"
    assert [kind for kind, _, _ in await facts(shop)] == ["reward.reserved", "reward.expired"]
    assert shop.calls("payments") == before + 1


async def test_one_that_fails_says_why(shop: Shop) -> None:
    await allow(shop)
    done = await offer(shop)
    await confirmed(shop, (await rows(shop))[0].package)
    shop.pass_time(hours=25)
    await settle(shop)
    assert await state(shop) == "TRANSFERRING"
    await shop.act("payments", "settle_transfer", out_bill_no=done.number, fail_reason="ACCOUNT_FROZEN")
    await settle(shop)
    [row] = await rows(shop)
    assert (row.state, row.reason) == ("FAILED", "ACCOUNT_FROZEN")
    assert [kind for kind, _, _ in await facts(shop)] == ["reward.reserved", "reward.failed"]


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])
async def test_an_answer_that_is_lost_offers_once(shop: Shop, fault: FaultKind) -> None:
    """The question comes before any repetition, and the repetition has the same number: it tells the package."""
    await allow(shop)
    shop.sandbox.kit.faults.add("payments", fault, endpoint=BILLS, calls=(1,))
    with hurried():
        answer = await do(shop, SEND, wanted(shop), "red-packet-1")
    if not isinstance(answer, Offered):
        shop.pass_time(minutes=2)
        await shop.worker.drain()
        answer = await do(shop, SEND, wanted(shop), "red-packet-1")
    assert isinstance(answer, Offered)
    assert shop.effects("payments", "transfer") == 1
    [row] = await rows(shop)
    assert (row.state, bool(row.package)) == ("WAIT_USER_CONFIRM", True)
    assert [kind for kind, _, _ in await facts(shop)] == ["reward.reserved"]


async def test_a_refusal_leaves_nothing(shop: Shop) -> None:
    await allow(shop)
    shop.sandbox.kit.faults.add("payments", "code", endpoint=BILLS, value="NOT_ENOUGH")
    answer = await do(shop, SEND, wanted(shop), "red-packet-1")
    assert code(answer) == "REJECTED"
    assert (await rows(shop), await facts(shop), shop.effects("payments", "transfer")) == ([], [], 0)
    shop.sandbox.kit.faults.clear()
    assert isinstance(await do(shop, SEND, wanted(shop), "red-packet-1"), Offered)


async def test_it_is_taken_back_while_it_waits(any_shop: Shop) -> None:
    shop = any_shop
    await allow(shop)
    done = await offer(shop)
    taken = Taken(done.mchid, done.number)
    assert await do(shop, CANCEL, taken, "cancel-key") == done
    assert await do(shop, CANCEL, taken, "cancel-key") == done
    assert await state(shop) == "CANCELLING"
    assert code(await do(shop, CANCEL, taken, "cancel-key-2")) == "RED_PACKET_NOT_WAITING"
    await shop.act("payments", "settle_transfer", out_bill_no=done.number)
    await settle(shop)
    [row] = await rows(shop)
    assert (row.state, row.reason, row.package) == ("CANCELLED", None, None)
    assert [kind for kind, _, _ in await facts(shop)] == ["reward.reserved", "reward.withdrawn"]
    assert shop.effects("payments", "transfer_cancel") == 1


async def test_one_that_was_confirmed_is_not_taken_back(shop: Shop) -> None:
    await allow(shop)
    done = await offer(shop)
    await confirmed(shop, (await rows(shop))[0].package)
    assert code(await do(shop, CANCEL, Taken(done.mchid, done.number), "cancel-key")) == "REJECTED"
    assert await state(shop) == "TRANSFERRING"
    assert code(await do(shop, CANCEL, Taken(MCHID, "RP1"), "cancel-key")) == "RED_PACKET_UNKNOWN"
    assert shop.effects("payments", "transfer_cancel") == 0


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_undoing_cancels_what_waits(shop: Shop, known: bool) -> None:
    await allow(shop)
    done = await offer(shop)
    await _undo(shop, done, known=known)
    assert await state(shop) == "CANCELLING"
    assert shop.effects("payments", "transfer_cancel") == 1


async def test_undoing_fails_once_it_was_confirmed(shop: Shop) -> None:
    await allow(shop)
    done = await offer(shop)
    await confirmed(shop, (await rows(shop))[0].package)
    with pytest.raises(StepRefused) as refused:
        await _undo(shop, done, known=True)
    assert refused.value.code == "RED_PACKET_CONFIRMED"
    assert shop.effects("payments", "transfer_cancel") == 0


async def _undo(shop: Shop, done: Offered, *, known: bool) -> None:
    asked = wanted(shop)
    intent = Offer(
        done.mchid, done.number, "", "", asked.member, asked.purpose, asked.amount, asked.scene, REPORT, "", "", 0
    )
    gate = Gate(shop.projector, shop.settings.reach)
    ctx = StepContext("saga", None, shop.projector, shop.projector.clock.now(), gate, open_tools=shop.tools)
    assert SEND.step.undo is not None
    await SEND.step.undo(ctx, intent, done if known else None)


async def test_who_did_not_allow_it_is_offered_nothing(shop: Shop) -> None:
    refused = await do(shop, SEND, wanted(shop), "red-packet-1")
    assert (code(refused), refused.details["reason"]) == ("NOT_ALLOWED", "NO_CONSENT")
    await allow(shop)
    await allow(shop, given=False)
    assert code(await do(shop, SEND, wanted(shop), "red-packet-2")) == "NOT_ALLOWED"
    assert (await rows(shop), shop.effects("payments", "transfer")) == ([], 0)
    assert [kind for kind, _, _ in await facts(shop)] == ["reward.refused", "reward.refused"]
    # What makes an order good is no marketing.
    assert isinstance(await do(shop, SEND, wanted(shop, purpose="SERVICE"), "red-packet-3"), Offered)


async def test_limits(any_shop: Shop) -> None:
    """Also of requests at once: each takes the member's turn, and sees the one before it."""
    shop = any_shop
    await allow(shop)
    assert code(await do(shop, SEND, wanted(shop, 200_01), "red-packet-0")) == "REWARD_LIMIT"
    answers = await asyncio.gather(*(do(shop, SEND, wanted(shop, 90_00), f"red-packet-{n}") for n in range(1, 5)))
    assert sorted(type(each).__name__ for each in answers) == ["Offered", "Offered", "Problem", "Problem"]
    over = next(each for each in answers if not isinstance(each, Offered))
    assert (code(over), over.details["left"]) == ("REWARD_LIMIT", 20_00)
    assert shop.effects("payments", "transfer") == 2
    # What was given back is free again, and so is the next day.
    first = (await rows(shop))[0]
    await do(shop, CANCEL, Taken(MCHID, first.out_bill_no), "cancel-key")
    await shop.act("payments", "settle_transfer", out_bill_no=first.out_bill_no)
    await settle(shop)
    assert isinstance(await do(shop, SEND, wanted(shop, 90_00), "red-packet-6"), Offered)
    assert code(await do(shop, SEND, wanted(shop, 90_00), "red-packet-7")) == "REWARD_LIMIT"
    shop.pass_time(hours=24)
    assert isinstance(await do(shop, SEND, wanted(shop, 90_00), "red-packet-8"), Offered)


async def test_what_cannot_be_is_refused(shop: Shop) -> None:
    await allow(shop)
    wrong: tuple[dict[str, Any], ...] = (
        {"amount": 9},
        {"remark": ""},
        {"remark": "长" * 33},
        {"report": {"活动名称": "618大促"}},
        {"report": REPORT | {"奖励说明": ""}},
        {"appid": "wx-another"},
    )
    for number, more in enumerate(wrong):
        assert code(await do(shop, SEND, wanted(shop, **more), f"bad-request-{number}")) == "BAD_USER_INPUT"
    nobody = Wanted("nobody", 188, "1000", REPORT, "618红包", "MARKETING")
    assert code(await do(shop, SEND, nobody, "to-nobody")) == "MEMBER_UNKNOWN_TO_MERCHANT"
    assert (await rows(shop), shop.effects("payments", "transfer")) == ([], 0)
    assert await shop.database.fetch(select(saga)) == []


async def test_one_that_is_checked_first_has_its_package_later(any_shop: Shop) -> None:
    """The platform tells it to whoever sends the same number again, and to nobody else."""
    shop = any_shop
    await allow(shop)
    await shop.act("payments", "hold_transfers", mchid=MCHID, hold=True)
    done = await offer(shop)
    await settle(shop)
    [row] = await rows(shop)
    assert (row.state, row.package) == ("CHECKING", None)
    await shop.act("payments", "check_transfer", out_bill_no=done.number)
    for _ in range(2):
        await settle(shop)
    [row] = await rows(shop)
    assert row.state == "WAIT_USER_CONFIRM"
    assert shop.effects("payments", "transfer") == 1
    assert shop.sandbox.kit.journal.count("payments", BILLS) == 2
    await confirmed(shop, row.package)
    await shop.act("payments", "settle_transfer", out_bill_no=done.number)
    await red_packets.told(shop.projector, [await transfer(shop, done)], source="webhook")
    assert await state(shop) == "SUCCESS"
    assert await facts(shop) == [
        ("reward.reserved", shop.buyer.member, 188),
        ("reward.claimed", shop.buyer.member, 188),
    ]


@pytest.mark.parametrize("fault", ["reset_after", "status"])
async def test_a_package_that_cannot_be_asked_for_now_is_asked_for_again(shop: Shop, fault: FaultKind) -> None:
    await allow(shop)
    await shop.act("payments", "hold_transfers", mchid=MCHID, hold=True)
    done = await offer(shop)
    await shop.act("payments", "check_transfer", out_bill_no=done.number)
    shop.sandbox.kit.faults.add("payments", fault, endpoint=BILLS, value=500)
    with hurried():
        await settle(shop)
    [row] = await rows(shop)
    assert (row.state, row.package) == ("WAIT_USER_CONFIRM", None)
    shop.sandbox.kit.faults.clear()
    await settle(shop)
    assert (await rows(shop))[0].package
    assert shop.effects("payments", "transfer") == 1


async def test_who_allows_it_no_more_is_asked_for_nothing(shop: Shop) -> None:
    await allow(shop)
    await shop.act("payments", "hold_transfers", mchid=MCHID, hold=True)
    done = await offer(shop)
    await shop.act("payments", "check_transfer", out_bill_no=done.number)
    await allow(shop, given=False)
    for _ in range(2):
        await settle(shop)
    assert shop.sandbox.kit.journal.count("payments", BILLS) == 1
    assert await state(shop) == "WAIT_USER_CONFIRM"
    await allow(shop)
    await settle(shop)
    assert (await rows(shop))[0].package


STATUS = "GET /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/*"


@pytest.mark.parametrize(
    ("endpoint", "refusal"), [(BILLS, "INVALID_REQUEST"), (BILLS, "USER_NOT_EXISTS"), (STATUS, "INVALID_REQUEST")]
)
async def test_a_refused_package_keeps_no_other_from_being_told(shop: Shop, endpoint: str, refusal: str) -> None:
    await allow(shop)
    await shop.act("payments", "hold_transfers", mchid=MCHID, hold=True)
    for key in ("red-packet-1", "red-packet-2"):
        done = await offer(shop, key)
        await shop.act("payments", "check_transfer", out_bill_no=done.number)
    shop.sandbox.kit.faults.add("payments", "code", endpoint=endpoint, value=refusal, calls=(1,))
    await settle(shop)
    assert sorted(bool(each.package) for each in await rows(shop)) == [False, True]


async def test_an_erased_shoppers_offer_expires_without_its_package(shop: Shop) -> None:
    await allow(shop)
    await shop.act("payments", "hold_transfers", mchid=MCHID, hold=True)
    done = await offer(shop)
    await shop.act("payments", "check_transfer", out_bill_no=done.number)
    assert await shop.database.keyring.destroy(shop.buyer.member or "")
    await settle(shop)
    assert (await state(shop), shop.sandbox.kit.journal.count("payments", BILLS)) == ("WAIT_USER_CONFIRM", 1)
    shop.pass_time(hours=25)
    await settle(shop)
    assert await state(shop) == "EXPIRED"
