"""afterSaleAccept and afterSaleReject: one decision each, read back from the platform."""

from __future__ import annotations

import pytest

from adapters.mini_program_store import AfterSaleAccept
from adapters.mini_program_store.sandbox.returns import ADDRESSES
from gateway.transactions.effects.after_sales import ACCEPT, REJECT, Acceptance, Decided, Refusal
from sandbox.faults import FaultKind
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import TOOL, code, complaint, do, misbehave, ordered, state_of, store
from tests.gateway.transactions.conftest import opens, shop, sqlite_url
from tests.gateway.transactions.shop import Shop, hurried

__all__ = ["opens", "shop", "sqlite_url"]

ACCEPTS = "POST /channels/ec/aftersale/acceptapply"
REJECTS = "POST /channels/ec/aftersale/rejectapply"
RETURN, REFUND = AfterSaleAccept.RETURN_GOODS, AfterSaleAccept.REFUND


async def accept(shop: Shop, case: str, what: AfterSaleAccept, key: str = "accept-key", address: str = "") -> object:
    return await do(shop, ACCEPT, Acceptance(store(shop).account, case, what, address), key)


async def test_a_refund_is_agreed_to_once(shop: Shop) -> None:
    case = await complaint(shop, await ordered(shop), "REFUND")
    assert await accept(shop, case, REFUND) == Decided("SUCCEEDED")
    assert await accept(shop, case, REFUND) == Decided("SUCCEEDED")
    assert await state_of(shop, case) == "SUCCEEDED"
    assert shop.effects(TOOL, "after_sale_decided") == 1
    assert code(await accept(shop, case, REFUND, "another-key")) == "AFTER_SALE_STATE"


async def test_a_return_is_agreed_to_twice(shop: Shop) -> None:
    number = await ordered(shop)
    await shop.act(TOOL, "order_ship", order_id=number)
    case = await complaint(shop, number, "RETURN")
    assert code(await accept(shop, case, RETURN, "no-address")) == "BAD_USER_INPUT"
    # The wrong yes pays nothing: the platform refuses it.
    assert code(await accept(shop, case, REFUND, "too-early")) == "CONFLICT"
    address = next(iter(ADDRESSES))
    assert await accept(shop, case, RETURN, "goods-first", address) == Decided("AWAITING_BUYER")
    await shop.act(TOOL, "after_sale_update", after_sale_id=case, status="MERCHANT_WAIT_RECEIPT")
    shop.pass_time(minutes=2)
    assert await accept(shop, case, REFUND, "then-money") == Decided("SUCCEEDED")
    assert await state_of(shop, case) == "SUCCEEDED"


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])
async def test_an_answer_that_is_lost_decides_once(shop: Shop, fault: FaultKind) -> None:
    yes, no = [await complaint(shop, await ordered(shop), "REFUND") for _ in range(2)]
    [reason, *_] = await store(shop).after_sale_reject_reasons()
    misbehave(shop, fault, ACCEPTS)
    misbehave(shop, fault, REJECTS)
    refusal = Refusal(store(shop).account, no, reason.number, "")
    shop.pass_time(minutes=2)
    for _ in range(2):
        with hurried():
            await accept(shop, yes, REFUND)
        with hurried():
            await do(shop, REJECT, refusal, "reject-key")
        shop.pass_time(minutes=2)
        await shop.worker.drain()
    assert await accept(shop, yes, REFUND) == Decided("SUCCEEDED")
    assert await do(shop, REJECT, refusal, "reject-key") == Decided("REJECTED")
    assert [await state_of(shop, each) for each in (yes, no)] == ["SUCCEEDED", "REJECTED"]
    assert shop.effects(TOOL, "after_sale_decided") == 2


async def test_a_refusal_has_a_reason_of_the_platforms(shop: Shop) -> None:
    case = await complaint(shop, await ordered(shop), "REFUND")
    account = store(shop).account
    assert code(await do(shop, REJECT, Refusal(account, case, 987654, ""), "no-reason")) == "BAD_USER_INPUT"
    assert await state_of(shop, case) == "AWAITING_MERCHANT"
    assert code(await do(shop, REJECT, Refusal(account, "1", 1, ""), "no-such-case")) == "NOT_FOUND"
