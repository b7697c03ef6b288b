"""Orders of both kinds in a shop, for the tests of what is done with them."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import select

from adapters.base.errors import NotFound
from adapters.mini_program_store import MiniProgramStoreAdapter
from gateway.access.principal import Principal
from gateway.database.tables.projections import after_sale
from gateway.events.projections import mini_program_store
from gateway.members.consent import Purpose, Said, record
from gateway.transactions.actions import Action, Performed
from gateway.transactions.atomic import Atomic, Failed
from gateway.transactions.checkout import CheckoutService
from gateway.transactions.records import Problem
from sandbox.faults import FaultKind
from tests.gateway.transactions.shop import COAT, Shop

HQ = Principal("hq", "hq", frozenset({"orders:write", "orders:pickup", "operations", "checkout"}))
TOOL = "mini_program_store"


def store(shop: Shop) -> MiniProgramStoreAdapter:
    """The brand's 微信小店."""
    return shop.tools.named(MiniProgramStoreAdapter, "store")


async def bought(shop: Shop, **more: Any) -> str:
    """An own order that is paid, a minute and more ago; its id."""
    done = await shop.buy(shop.basket(**more), 89900)
    await shop.notify(await shop.pay(done))
    await shop.worker.drain()
    shop.pass_time(minutes=2)
    return done.order_id


async def ordered(shop: Shop, quantity: int = 1) -> str:
    """An order of the store that is paid, as our rows have it; the platform's number."""
    made = await shop.act(TOOL, "order_new", person="linxiaowen", sku=COAT, quantity=quantity)
    await shop.act(TOOL, "order_paid", order_id=made["order_id"])
    await known(shop, made["order_id"])
    number: str = made["order_id"]
    return number


async def known(shop: Shop, number: str) -> None:
    """Read an order of the store into our rows."""
    [order] = await store(shop).orders([number])
    assert not isinstance(order, NotFound)
    await mini_program_store.orders(shop.projector, [order])


def ref(shop: Shop, number: str) -> str:
    """Our id of an order of the store."""
    return f"STORE:{store(shop).account}:{number}"


async def complaint(shop: Shop, number: str, kind: str) -> str:
    """The buyer asks for an after-sale of the order, as our rows have it."""
    made = await shop.act(TOOL, "after_sale_new", order_id=number, type=kind)
    found = await store(shop).after_sales([made["after_sale_id"]])
    await mini_program_store.after_sales(shop.projector, [each for each in found if not isinstance(each, NotFound)])
    case: str = made["after_sale_id"]
    return case


async def state_of(shop: Shop, case: str) -> str:
    """Of an after-sale, by our rows."""
    row = await shop.database.one(select(after_sale.c.state).where(after_sale.c.after_sale_id == case))
    assert row is not None
    return str(row.state)


async def allow(shop: Shop, *, given: bool = True) -> None:
    """林晓雯 answers about marketing."""
    said = Said(
        member=shop.buyer.member or "", purpose=Purpose.MARKETING, given=given, policy_version="1", channel="STORE",
        recorded_by="test",
    )  # fmt: skip
    await record(shop.projector, said)


async def do(shop: Shop, action: Action[Any, Any], asked: object, key: str = "key-of-a-test") -> Any:
    """The outcome of an action, or its problem."""
    done = await shop.checkout.actions.perform(HQ, action, asked, key)
    return done.outcome if isinstance(done, Performed) else done


class Transacting(Protocol):
    """A shop, or a gateway's services."""

    @property
    def checkout(self) -> CheckoutService: ...


async def begun(shop: Transacting, key: str = "atomic-of-a-test") -> Atomic:
    """A transaction that a client composes."""
    opened = await shop.checkout.atomics.open(HQ, key, "a document")
    assert isinstance(opened, Atomic), opened
    return opened


async def part(opened: Atomic, field: str, action: Action[Any, Any], asked: object) -> Any:
    """What the transaction's field answers."""
    opened.at(field)
    done = await opened.perform(action, asked)
    return done.outcome if isinstance(done, Performed) else done


async def rolled_back(opened: Atomic) -> str:
    """The transaction fails after all of its fields; what each of them answers."""
    return (await opened.undo(Failed("later", "REJECTED", "No."))).code


def code(answer: Any) -> str:
    """Of a problem."""
    assert isinstance(answer, Problem), answer
    return answer.code


def misbehave(shop: Shop, kind: FaultKind, endpoint: str, call: int = 1) -> None:
    """One call of the platform goes wrong."""
    shop.sandbox.kit.faults.add(TOOL, kind, endpoint=endpoint, calls=(call,))
