"""orderReceiptRemind and shippingPageSet: once, through the gate, and again the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.members.consent import Purpose, Said, record
from gateway.transactions.effects.shipments import SHIP
from gateway.transactions.effects.shipments import Wanted as Ready
from gateway.transactions.effects.shipping_info import REMIND, SET_PAGE, Page, PageSet, Received, Reminded
from sandbox.faults import FaultKind
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import TOOL, bought, code, do, misbehave, ordered, ref, store
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

NOTIFY = "POST /wxa/sec/order/notify_confirm_receive"
PATH = "POST /wxa/sec/order/set_msg_jump_path"


async def shipped(shop: Shop) -> Received:
    """An own order that the platform was told of, and that has arrived."""
    order = await bought(shop)
    await do(shop, SHIP, Ready(order, "", ()), "ready-of-a-test")
    shop.pass_time(hours=1)
    return Received(order, shop.projector.clock.now() - timedelta(minutes=1))


def asked(shop: Shop) -> int:
    return shop.effects(TOOL, "receipt_asked")


async def accepted(shop: Shop) -> list[Any]:
    """Reminders that the platform took; guides are written to as well."""
    facts = await shop.facts("message.accepted")
    return [each for each in facts if each.payload.get("channel") == "RECEIPT_REMINDER"]


async def test_a_shopper_is_reminded_once(any_shop: Shop) -> None:
    shop = any_shop
    arrived = await shipped(shop)
    for _ in range(2):
        assert await do(shop, REMIND, arrived) == Reminded()
    assert asked(shop) == 1
    [told] = await accepted(shop)
    assert (told.member, told.payload["purpose"]) == (shop.buyer.member, "SERVICE")
    # The platform sends one per payment.
    again = await do(shop, REMIND, arrived, "another-key")
    assert (code(again), asked(shop)) == ("CONFLICT", 1)
    assert [each.reason for each in await shop.facts("message.failed")] == ["shipping_state"]


async def test_who_refuses_service_is_not_reminded(shop: Shop) -> None:
    arrived = await shipped(shop)
    said = Said(
        member=shop.buyer.member or "", purpose=Purpose.SERVICE, given=False, policy_version="1", channel="STORE",
        recorded_by="test",
    )  # fmt: skip
    await record(shop.projector, said)
    refused = await do(shop, REMIND, arrived)
    assert (code(refused), refused.details["reason"], asked(shop)) == ("NOT_REACHABLE", "NO_CONSENT", 0)
    [told] = await shop.facts("message.refused")
    assert (told.reason, told.order_ref) == ("NO_CONSENT", arrived.order)


@pytest.mark.parametrize("fault", ["reset_after", "truncate", "hang"])
async def test_a_reminder_whose_answer_is_lost_is_not_repeated(shop: Shop, fault: FaultKind) -> None:
    arrived = await shipped(shop)
    misbehave(shop, fault, NOTIFY)
    with hurried():
        assert code(await do(shop, REMIND, arrived)) == "OUTCOME_UNKNOWN"
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert code(await do(shop, REMIND, arrived)) == "OUTCOME_UNKNOWN"
    assert (shop.sandbox.kit.journal.count(TOOL, NOTIFY), await accepted(shop)) == (1, [])


async def test_what_was_not_shipped_is_not_reminded_of(shop: Shop) -> None:
    order = await bought(shop)
    now = shop.projector.clock.now()
    for given, refusal in (
        (Received(order, now), "ORDER_NOT_SHIPPED"),
        (Received(order, now + timedelta(hours=1)), "BAD_USER_INPUT"),
        (Received(ref(shop, await ordered(shop)), now), "ORDER_NOT_SHIPPED"),
        (Received("none", now), "ORDER_UNKNOWN"),
    ):
        assert code(await do(shop, REMIND, given, f"key-of-{given.order}-{refusal}"[:60])) == refusal
    assert asked(shop) == 0


async def test_a_page_is_set_once(any_shop: Shop) -> None:
    shop = any_shop
    appid = shop.sandbox.world.mini_programs[0].appid
    for key in ("page-key-1", "page-key-1", "page-key-2"):
        assert await do(shop, SET_PAGE, Page(appid, "pages/order/detail"), key) == PageSet(appid)
    assert shop.effects(TOOL, "jump_path_set") == 1
    assert await do(shop, SET_PAGE, Page(None, "pages/order/detail"), "page-key-3") == PageSet(appid)


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])
async def test_a_page_whose_answer_is_lost_is_set_once(shop: Shop, fault: FaultKind) -> None:
    misbehave(shop, fault, PATH)
    given = Page(None, "pages/order/detail")
    with hurried():
        await do(shop, SET_PAGE, given)
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert isinstance(await do(shop, SET_PAGE, given), PageSet)
    assert shop.effects(TOOL, "jump_path_set") == 1


async def test_what_is_no_page_is_refused(shop: Shop) -> None:
    wrong: list[Any] = [Page(None, each) for each in ("", "/pages/order", "pages order", "x" * 129)]
    for number, given in enumerate([*wrong, Page(store(shop).account, "pages/order")]):
        assert code(await do(shop, SET_PAGE, given, f"wrong-page-{number}")) == "BAD_USER_INPUT"
    assert shop.effects(TOOL, "jump_path_set") == 0
