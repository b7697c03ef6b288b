"""What is done with orders of the 微信小店 beside shipping: once each, and an address leaves nothing behind."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import select, update

from adapters.base.errors import NotFound, OutcomeUnknown
from gateway.database import ERASED
from gateway.database.tables.projections import purchase
from gateway.database.tables.sagas import order_address, saga_step
from gateway.members.gate import Gate
from gateway.transactions.effects.extra_parcels import ADD, Added
from gateway.transactions.effects.extra_parcels import Wanted as Extra
from gateway.transactions.effects.order_addresses import ANSWER, CHANGE, Answer, Readdress, Readdressed, To, Wish
from gateway.transactions.effects.order_addresses import Wanted as Elsewhere
from gateway.transactions.effects.order_notes import SET, Note, Noted
from gateway.transactions.effects.order_notes import Wanted as Remark
from gateway.transactions.effects.shipments import Item, Parcel
from gateway.transactions.steps import StepContext, StepRefused
from sandbox.faults import FaultKind
from tests.adapters.mini_program_store import scenes
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import TOOL, bought, code, do, known, misbehave, ordered, ref, store
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import COAT, Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

HOME = To("陈一诺", "13800000007", "上海市", "上海市", "徐汇区", "安福路 322 号")
ORDER = "POST /channels/ec/order"
FAULTS = pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])


async def wished(shop: Shop) -> str:
    """Our id of an order whose buyer asks for another address."""
    number = await scenes.asked_address(shop.sandbox)
    await known(shop, number)
    return ref(shop, number)


async def sent(shop: Shop) -> str:
    """Our id of an order on its way, in one parcel."""
    number = await scenes.shipped(shop.sandbox)
    await known(shop, number)
    return ref(shop, number)


def number(order: str) -> str:
    return order.rpartition(":")[2]


async def kept(shop: Shop) -> list[Any]:
    """Addresses that lie in the database."""
    return list(await shop.database.fetch(select(order_address)))


async def twice(shop: Shop, action: Any, asked: object) -> Any:
    """Asked for, its job run, and asked for again."""
    with hurried():
        await do(shop, action, asked)
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    return await do(shop, action, asked)


def context(shop: Shop) -> StepContext:
    """As a transaction that is not in the database."""
    gate, now = Gate(shop.projector, shop.settings.reach), shop.projector.clock.now()
    return StepContext("saga", None, shop.projector, now, gate, open_tools=shop.tools)


async def told(shop: Shop, order: str, *kinds: str) -> list[str]:
    facts = await shop.facts(*kinds)
    row = await shop.order(order)
    assert {(each.order_ref, each.identity) for each in facts} <= {(order, row.identity)}
    return [each.kind for each in facts]


# Another address ------------------------------------------------------------------------------------


async def test_an_order_goes_elsewhere_and_the_address_stays_nowhere(any_shop: Shop) -> None:
    shop = any_shop
    order = ref(shop, await ordered(shop))
    for _ in range(2):
        assert await do(shop, CHANGE, Elsewhere(order, HOME)) == Readdressed()
    there = await store(shop).order_address(number(order))
    assert (there.name, there.phone, there.detail) == (HOME.name, HOME.phone, HOME.detail)
    assert (await kept(shop), shop.effects(TOOL, "order_readdressed")) == ([], 1)
    [intent] = [each.intent for each in await shop.database.fetch(select(saga_step))]
    assert intent["value"].keys() == {"order", "account", "native", "identity"}
    assert HOME.detail not in repr(Elsewhere(order, HOME))
    assert await told(shop, order, "order.address_changed") == ["order.address_changed"]
    assert all(HOME.detail not in str(each.payload) for each in await shop.facts("order.address_changed"))


@FAULTS
async def test_an_address_whose_answer_is_lost_is_set_once(shop: Shop, fault: FaultKind) -> None:
    order = ref(shop, await ordered(shop))
    misbehave(shop, fault, f"{ORDER}/address/update")
    assert await twice(shop, CHANGE, Elsewhere(order, HOME)) == Readdressed()
    assert (await kept(shop), shop.effects(TOOL, "order_readdressed")) == ([], 1)
    assert len(await told(shop, order, "order.address_changed")) == 1


async def unfinished(shop: Shop) -> tuple[str, Elsewhere]:
    """An address that the platform could not be told yet."""
    order = ref(shop, await ordered(shop))
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=f"{ORDER}/address/update", value=500)
    asked = Elsewhere(order, HOME)
    with hurried():
        assert code(await do(shop, CHANGE, asked)) == "TRANSACTION_IN_PROGRESS"
    return order, asked


async def test_an_address_is_sealed_for_its_buyer(shop: Shop) -> None:
    order, _ = await unfinished(shop)
    [row] = await kept(shop)
    assert (row.purchase, row.address["detail"]) == (order, HOME.detail)
    await shop.database.keyring.destroy(shop.buyer.member or "")
    [row] = await kept(shop)
    assert row.address is ERASED


async def test_an_address_of_nobody_is_sealed_too(shop: Shop) -> None:
    order = ref(shop, await ordered(shop))
    async with shop.database.write() as connection:
        await connection.execute(update(purchase).where(purchase.c.id == order).values(identity=None))
    assert await do(shop, CHANGE, Elsewhere(order, HOME)) == Readdressed()
    assert await do(shop, SET, Remark(order, "老客户"), "a-note-1") == Noted()


@pytest.mark.parametrize("wish", [True, False], ids=["a wish", "another address"])
async def test_an_address_that_came_later_stays(any_shop: Shop, wish: bool) -> None:
    """The first one got no answer, and its job comes when the second one is there."""
    shop = any_shop
    order = await wished(shop) if wish else ref(shop, await ordered(shop))
    first = Elsewhere(order, HOME)
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=f"{ORDER}/address/update", value=500)
    with hurried():
        assert code(await do(shop, CHANGE, first)) == "TRANSACTION_IN_PROGRESS"
    shop.sandbox.kit.faults.clear()
    shop.pass_time(minutes=2)
    second: Any = (
        Wish(order, accept=True) if wish else Elsewhere(order, msgspec.structs.replace(HOME, detail="武康路 1 号"))
    )
    assert await do(shop, ANSWER if wish else CHANGE, second, "a-later-key") == Readdressed()
    there = await store(shop).order_address(number(order))
    await shop.worker.drain()
    assert await store(shop).order_address(number(order)) == there
    assert there.detail != HOME.detail
    assert code(await do(shop, CHANGE, first)) == "OUTCOME_UNKNOWN"


async def test_an_address_that_was_forgotten_is_asked_for_again(shop: Shop) -> None:
    order, asked = await unfinished(shop)
    async with shop.database.write() as connection:
        await connection.execute(order_address.delete())
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    # The first attempt may have had its effect.
    assert code(await do(shop, CHANGE, asked)) == "OUTCOME_UNKNOWN"
    with pytest.raises(StepRefused) as refused:
        await CHANGE.step.run(context(shop), Readdress(order, store(shop).account, number(order), None))
    assert refused.value.code == "ADDRESS_FORGOTTEN"
    assert shop.effects(TOOL, "order_readdressed") == 0


@pytest.mark.parametrize(
    "to",
    [
        To("", "13800000007", "上海市", "上海市", "", "安福路"),
        To("陈一诺", "no number", "上海市", "上海市", "", "安福路"),
        To("陈一诺", "13800000007", "上海市", "上海市", "", "安" * 201),
        To("陈一诺", "13800000007", "上海市", "上海市", "", "安福路", postal_code="x"),
    ],
)
async def test_what_is_no_address_is_refused_and_not_repeated(shop: Shop, to: To) -> None:
    refused = await do(shop, CHANGE, Elsewhere(ref(shop, await ordered(shop)), to))
    assert code(refused) == "BAD_USER_INPUT"
    assert "陈一诺" not in refused.message
    assert await kept(shop) == []


async def test_what_has_left_goes_where_it_was_sent(shop: Shop) -> None:
    for order, refusal in (
        (await sent(shop), "ORDER_ADDRESS_FIXED"),
        (await bought(shop), "ORDER_NOT_OF_A_SHOP"),
        ("STORE:x:1", "ORDER_UNKNOWN"),
    ):
        assert code(await do(shop, CHANGE, Elsewhere(order, HOME), f"key-of-{refusal}")) == refusal
    assert await kept(shop) == []


# A buyer's wish -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("accept", "kind"), [(True, "order.address_changed"), (False, "order.address_refused")])
async def test_a_wish_is_answered_once(any_shop: Shop, accept: bool, kind: str) -> None:
    shop = any_shop
    order = await wished(shop)
    for _ in range(2):
        assert await do(shop, ANSWER, Wish(order, accept)) == Readdressed()
    [seen] = await store(shop).orders([number(order)])
    assert not getattr(seen, "address_change_waits")  # noqa: B009 — it may be NotFound for the checker
    assert await told(shop, order, "order.address_changed", "order.address_refused") == [kind]
    assert code(await do(shop, ANSWER, Wish(order, accept), "another-key")) == "ORDER_ADDRESS_NOT_ASKED"


@FAULTS
async def test_a_wish_whose_answer_is_lost_is_answered_once(shop: Shop, fault: FaultKind) -> None:
    order = await wished(shop)
    misbehave(shop, fault, f"{ORDER}/addressmodify/reject")
    assert await twice(shop, ANSWER, Wish(order, accept=False)) == Readdressed()
    assert shop.effects(TOOL, "order_address_refused") == 1
    assert len(await told(shop, order, "order.address_refused")) == 1


@pytest.mark.parametrize("accept", [True, False])
async def test_the_opposite_answer_of_the_console_is_not_taken_for_ours(shop: Shop, accept: bool) -> None:
    order = await wished(shop)
    shop.sandbox.kit.faults.add(TOOL, "reset_before", endpoint=f"{ORDER}/addressmodify/*")
    with hurried():
        assert code(await do(shop, ANSWER, Wish(order, accept))) == "TRANSACTION_IN_PROGRESS"
    shop.sandbox.kit.faults.clear()
    await store(shop).order_address_request(number(order), accept=not accept)
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert code(await do(shop, ANSWER, Wish(order, accept))) == "CHANGED_MEANWHILE"
    assert await told(shop, order, "order.address_changed", "order.address_refused") == []


async def test_an_answer_is_told_by_codes_of_addresses_where_there_are_any(shop: Shop) -> None:
    order = await wished(shop)
    await store(shop).order_address_request(number(order), accept=True)
    [seen] = await store(shop).orders([number(order)])
    assert not isinstance(seen, NotFound)
    assert seen.wished_address_code == ""
    asked = Answer(order, store(shop).account, number(order), None, True, "before", seen.address_code)
    assert ANSWER.step.ask is not None
    assert await ANSWER.step.ask(context(shop), asked) == Readdressed()
    assert await ANSWER.step.ask(context(shop), replace(asked, accept=False, before="", wished="")) == Readdressed()
    with pytest.raises(OutcomeUnknown):
        await ANSWER.step.ask(context(shop), replace(asked, wished="elsewhere"))


# The remark -----------------------------------------------------------------------------------------


async def notes(shop: Shop, order: str) -> str:
    [found] = await store(shop).orders([number(order)])
    return str(getattr(found, "merchant_notes"))  # noqa: B009 — the same


async def test_a_remark_replaces_the_former_one(any_shop: Shop) -> None:
    shop = any_shop
    order = ref(shop, await ordered(shop))
    for _ in range(2):
        assert await do(shop, SET, Remark(order, "老客户，送贺卡")) == Noted()
    assert (await notes(shop, order), shop.effects(TOOL, "order_noted")) == ("老客户，送贺卡", 1)
    assert code(await do(shop, SET, Remark(order, "x" * 501), "too-long-1")) == "BAD_USER_INPUT"
    # Its words die with its buyer.
    await shop.database.keyring.destroy(shop.buyer.member or "")
    assert [each.intent for each in await shop.database.fetch(select(saga_step))] == [ERASED]
    assert "老客户" not in repr(Remark(order, "老客户")) + repr(Note("", "", "老客户", "老客户"))


@FAULTS
async def test_a_remark_whose_answer_is_lost_is_set_once(shop: Shop, fault: FaultKind) -> None:
    order = ref(shop, await ordered(shop))
    misbehave(shop, fault, f"{ORDER}/merchantnotes/update")
    assert await twice(shop, SET, Remark(order, "送贺卡")) == Noted()
    assert (await notes(shop, order), shop.effects(TOOL, "order_noted")) == ("送贺卡", 1)


async def test_a_remark_that_came_later_stays(shop: Shop) -> None:
    order = ref(shop, await ordered(shop))
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=f"{ORDER}/merchantnotes/update", value=500)
    with hurried():
        assert code(await do(shop, SET, Remark(order, "first"))) == "TRANSACTION_IN_PROGRESS"
    shop.sandbox.kit.faults.clear()
    shop.pass_time(minutes=2)
    assert await do(shop, SET, Remark(order, "second"), "a-later-key") == Noted()
    await shop.worker.drain()
    assert await notes(shop, order) == "second"
    assert code(await do(shop, SET, Remark(order, "first"))) == "OUTCOME_UNKNOWN"


async def test_a_remark_is_put_back(shop: Shop) -> None:
    order = ref(shop, await ordered(shop))
    await do(shop, SET, Remark(order, "first"), "note-key-1")
    await do(shop, SET, Remark(order, "second"), "note-key-2")
    assert SET.step.undo is not None
    await SET.step.undo(context(shop), Note(store(shop).account, number(order), "second", "first"), None)
    assert await notes(shop, order) == "first"
    # What somebody else wrote meanwhile stays.
    await store(shop).order_note(number(order), "third")
    await SET.step.undo(context(shop), Note(store(shop).account, number(order), "second", "first"), None)
    assert await notes(shop, order) == "third"


# A parcel more --------------------------------------------------------------------------------------


def extra(order: str, tracking: str = "YT0000000009", **changes: Any) -> Extra:
    given: dict[str, Any] = {"parcels": (Parcel("YTO", tracking, (Item(COAT, 1),)),), "reason": "漏发配件"} | changes
    return Extra(order, **given)


async def test_a_parcel_is_sent_after_all(any_shop: Shop) -> None:
    shop = any_shop
    order = await sent(shop)
    for _ in range(2):
        assert await do(shop, ADD, extra(order)) == Added()
    [seen] = await store(shop).orders([number(order)])
    assert "YT0000000009" in getattr(seen, "tracking_numbers")  # noqa: B009 — the same
    assert shop.effects(TOOL, "order_parcel_added") == 1
    assert await told(shop, order, "order.parcel_added") == ["order.parcel_added"]
    assert code(await do(shop, ADD, extra(order), "another-key")) == "BAD_USER_INPUT"


@FAULTS
async def test_a_parcel_whose_answer_is_lost_is_told_once(shop: Shop, fault: FaultKind) -> None:
    order = await sent(shop)
    misbehave(shop, fault, f"{ORDER}/delivery/compensation")
    assert await twice(shop, ADD, extra(order)) == Added()
    assert (shop.effects(TOOL, "order_parcel_added"), len(await shop.facts("order.parcel_added"))) == (1, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": " "},
        {"reason": "x" * 201},
        {"parcels": ()},
        {"parcels": (Parcel("YTO", "YT1"),)},
        {"parcels": (Parcel("YTO", "YT1", (Item("NOT-IN-IT", 1),)),)},
        {"parcels": (Parcel("YTO", "YT1", (Item(COAT, 1),)),) * 2},
    ],
)
async def test_what_is_no_parcel_is_refused(shop: Shop, changes: dict[str, Any]) -> None:
    assert code(await do(shop, ADD, extra(await sent(shop), **changes))) == "BAD_USER_INPUT"
    assert shop.effects(TOOL, "order_parcel_added") == 0


async def test_what_has_not_left_is_shipped_instead(shop: Shop) -> None:
    assert code(await do(shop, ADD, extra(ref(shop, await ordered(shop))))) == "ORDER_NOT_SHIPPED"
