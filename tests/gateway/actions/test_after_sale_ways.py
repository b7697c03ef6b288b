"""After-sales that are opened, proposed, exchanged and proved: once each, read back from the platform."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from adapters.mini_program_store import AfterSaleAccept, AfterSaleKind, AfterSaleProposal
from gateway.transactions.effects.after_sale_ways import (
    EXCHANGE_REFUSE,
    EXCHANGE_SHIP,
    OPEN,
    PROPOSE,
    REFUND_PROVE,
    Offer,
    Opened,
    Parcel,
    Proof,
    Wanted,
)
from gateway.transactions.effects.after_sales import ACCEPT, Acceptance, Decided, Refusal
from sandbox.faults import FaultKind
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import (
    TOOL,
    bought,
    code,
    complaint,
    do,
    known,
    misbehave,
    ordered,
    ref,
    state_of,
    store,
)
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import COAT, Shop, hurried

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

AFTER_SALE = "POST /channels/ec/aftersale/"
GET = f"{AFTER_SALE}getaftersaleorder"
LOST: list[FaultKind] = ["reset_after", "reset_before", "truncate", "hang"]
REFUND = AfterSaleKind.REFUND
#: Of the sandbox's: the goods of an exchange are out of stock.
OUT_OF_STOCK = 4
#: What each leads to, and its endpoint.
WAYS = {
    PROPOSE.mutation: (PROPOSE, "AWAITING_BUYER", "merchantupdateaftersale"),
    EXCHANGE_SHIP.mutation: (EXCHANGE_SHIP, "SUCCEEDED", "acceptexchangereship"),
    EXCHANGE_REFUSE.mutation: (EXCHANGE_REFUSE, "REJECTED", "rejectexchangereship"),
    REFUND_PROVE.mutation: (REFUND_PROVE, "AWAITING_BUYER", "uploadrefundcertificate"),
}


async def case(shop: Shop, kind: str, status: str = "") -> str:
    """An after-sale of an order that is shipped, in a state; some time ago."""
    number = await ordered(shop)
    await shop.act(TOOL, "order_ship", order_id=number)
    made = await complaint(shop, number, kind)
    if status:
        await shop.act(TOOL, "after_sale_update", after_sale_id=made, status=status)
    shop.pass_time(minutes=2)
    return made


async def asked(shop: Shop, action: Any, number: str = "") -> Any:
    """What a client wants of an after-sale that waits for it."""
    account = store(shop).account
    if action is PROPOSE:
        number = number or await case(shop, "RETURN")
        return Offer(account, AfterSaleProposal(number, REFUND, 5000, 1, 1, "部分退款"))
    if action is REFUND_PROVE:
        return Proof(account, number or await case(shop, "REFUND", "PLATFORM_REFUND_FAIL"), ("media",), "已线下退款")
    number = number or await case(shop, "EXCHANGE", "MERCHANT_WAIT_RECEIPT")
    return (
        Parcel(account, number, "SF", "SF9") if action is EXCHANGE_SHIP else Refusal(account, number, OUT_OF_STOCK, "")
    )


def number_of(given: Any) -> str:
    return str(given.proposal.after_sale_id if isinstance(given, Offer) else given.after_sale)


@pytest.mark.parametrize("way", WAYS)
async def test_it_is_done_once(any_shop: Shop, way: str) -> None:
    (action, state, _), shop = WAYS[way], any_shop
    given = await asked(shop, action)
    for _ in range(2):
        assert await do(shop, action, given) == Decided(state)
    assert (await state_of(shop, number_of(given)), shop.effects(TOOL, "after_sale_decided")) == (state, 1)
    refused = await do(shop, action, given, "another-key")
    assert (code(refused), refused.details["state"]) == ("AFTER_SALE_STATE", state)


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_that_is_lost_does_it_once(shop: Shop, way: str, fault: FaultKind) -> None:
    action, state, endpoint = WAYS[way]
    given = await asked(shop, action)
    misbehave(shop, fault, AFTER_SALE + endpoint)
    with hurried():
        await do(shop, action, given)
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert await do(shop, action, given) == Decided(state)
    assert (await state_of(shop, number_of(given)), shop.effects(TOOL, "after_sale_decided")) == (state, 1)


async def test_the_yes_of_a_colleague_is_no_proposal(shop: Shop) -> None:
    """Both leave the after-sale to the buyer; the second one to come is refused."""
    given = await asked(shop, PROPOSE)
    for call in (1, 2):
        misbehave(shop, "reset_before", f"{AFTER_SALE}merchantupdateaftersale", call=call)
    with hurried():
        await do(shop, PROPOSE, given)
    await store(shop).after_sale_accept(number_of(given), AfterSaleAccept.RETURN_GOODS, "1001")
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert code(await do(shop, PROPOSE, given)) == "OUTCOME_UNKNOWN"


async def test_the_proposal_of_a_colleague_is_no_yes(shop: Shop) -> None:
    given = await asked(shop, PROPOSE)
    wish = Acceptance(given.appid, number_of(given), AfterSaleAccept.RETURN_GOODS, "1001")
    for call in (1, 2):
        misbehave(shop, "reset_before", f"{AFTER_SALE}acceptapply", call=call)
    with hurried():
        await do(shop, ACCEPT, wish)
    await store(shop).after_sale_propose(given.proposal)
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert code(await do(shop, ACCEPT, wish)) == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize("way", WAYS)
async def test_where_it_cannot_be_read_again_it_is_done_all_the_same(shop: Shop, way: str) -> None:
    action, _, _ = WAYS[way]
    given = await asked(shop, action)
    # The first read is the plan's.
    shop.sandbox.kit.faults.add(TOOL, "status", endpoint=GET, value=500, calls=(2, 3, 4, 5))
    with hurried():
        assert await do(shop, action, given) == Decided("")
    assert shop.effects(TOOL, "after_sale_decided") == 1


async def test_only_an_exchange_is_sent(shop: Shop) -> None:
    number = await case(shop, "RETURN", "MERCHANT_WAIT_RECEIPT")
    for action in (EXCHANGE_SHIP, EXCHANGE_REFUSE):
        assert code(await do(shop, action, await asked(shop, action, number), action.mutation)) == "AFTER_SALE_STATE"
    waiting = await case(shop, "EXCHANGE")
    # The goods are not back yet, as only the platform knows.
    assert code(await do(shop, EXCHANGE_SHIP, await asked(shop, EXCHANGE_SHIP, waiting), "too-early")) == "CONFLICT"
    assert shop.effects(TOOL, "after_sale_decided") == 0


async def test_what_cannot_be_is_refused(shop: Shop) -> None:
    offer, proof = await asked(shop, PROPOSE), await asked(shop, REFUND_PROVE)
    parcel, refusal = await asked(shop, EXCHANGE_SHIP), await asked(shop, EXCHANGE_REFUSE)
    wrong: list[dict[str, Any]] = [
        {"kind": AfterSaleKind.OTHER},
        {"amount": -1},
        {"proposal_type": 101},
        {"text": "x" * 201},
        {"media_ids": ("x",) * 21},
    ]
    requests: list[tuple[Any, Any]] = [
        *((PROPOSE, Offer(offer.appid, replace(offer.proposal, **changes))) for changes in wrong),
        (REFUND_PROVE, msgspec.structs.replace(proof, pictures=())),
        (EXCHANGE_SHIP, msgspec.structs.replace(parcel, tracking="")),
        # A reason for another scene.
        (EXCHANGE_REFUSE, msgspec.structs.replace(refusal, reason=1)),
    ]
    for place, (action, given) in enumerate(requests):
        assert code(await do(shop, action, given, f"refused-{place}")) == "BAD_USER_INPUT"
    assert shop.effects(TOOL, "after_sale_decided") == 0


def wanted(order: str, **changes: Any) -> Wanted:
    given = Wanted(order, COAT, 1, 9900, REFUND, "1", "", "来电")
    return msgspec.structs.replace(given, **changes)


async def test_an_after_sale_is_opened(any_shop: Shop) -> None:
    shop, order = any_shop, ref(any_shop, await ordered(any_shop))
    made = await do(shop, OPEN, wanted(order))
    assert await do(shop, OPEN, wanted(order)) == made
    assert (await state_of(shop, made.after_sale), shop.effects(TOOL, "after_sale_opened")) == ("AWAITING_MERCHANT", 1)


@pytest.mark.parametrize("fault", LOST)
async def test_an_answer_that_is_lost_opens_one(shop: Shop, fault: FaultKind) -> None:
    order = ref(shop, await ordered(shop))
    misbehave(shop, fault, f"{AFTER_SALE}genaftersaleorder")
    with hurried():
        await do(shop, OPEN, wanted(order))
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    assert isinstance(await do(shop, OPEN, wanted(order)), Opened)
    assert shop.effects(TOOL, "after_sale_opened") == 1


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"sku": "NOT-IN-IT"}, "BAD_USER_INPUT"),
        ({"quantity": 2}, "BAD_USER_INPUT"),
        ({"quantity": 0}, "BAD_USER_INPUT"),
        ({"amount": 0}, "REFUND_TOO_MUCH"),
        ({"amount": 10**8}, "REFUND_TOO_MUCH"),
        ({"kind": AfterSaleKind.RETURN}, "BAD_USER_INPUT"),
        ({"kind": AfterSaleKind.OTHER}, "BAD_USER_INPUT"),
        ({"kind": AfterSaleKind.EXCHANGE, "return_address": "1001"}, "BAD_USER_INPUT"),
        ({"reason": ""}, "BAD_USER_INPUT"),
        ({"text": "x" * 201}, "BAD_USER_INPUT"),
        ({"order": "STORE:x:1"}, "ORDER_UNKNOWN"),
    ],
)
async def test_what_cannot_be_opened(shop: Shop, changes: dict[str, Any], refusal: str) -> None:
    given = {"order": ref(shop, await ordered(shop))} | changes
    assert code(await do(shop, OPEN, wanted(**given))) == refusal
    assert shop.effects(TOOL, "after_sale_opened") == 0


async def test_only_paid_orders_of_the_store_have_after_sales(shop: Shop) -> None:
    made = await shop.act(TOOL, "order_new", person="linxiaowen", sku=COAT, quantity=1)
    await known(shop, made["order_id"])
    for place, order in enumerate((ref(shop, made["order_id"]), await bought(shop))):
        assert code(await do(shop, OPEN, wanted(order), f"unpaid-{place}")) == "ORDER_NOT_REFUNDABLE"
