"""What must be true of the gateway's books, of the platform's own, and of both together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, text

from gateway.database import Database
from gateway.database.tables.jobs import job
from gateway.database.tables.projections import payment, purchase, purchase_line, refund
from gateway.database.tables.sagas import idempotency, saga, saga_step
from gateway.database.tables.stock import coupon_lock, stock
from sandbox.server import Sandbox
from tests.gateway.transactions.shop import MCHID

#: States in which a transaction goes on by itself: some job must be there to do it.
_GOING_ON = ("RUNNING", "AWAITING_PAYMENT", "COMPENSATING", "COMPLETING")
_ENDED = frozenset({"DONE", "SKIPPED", "UNDONE", "FAILED", "UNKNOWN"})
Place = tuple[str, str]
_OWN = select(purchase).where(purchase.c.source == "MINI_PROGRAM")
_SHELVES = select(stock).where(stock.c.channel == "MINI_PROGRAM")


@dataclass(frozen=True, slots=True)
class Books:
    """All rows of one moment."""

    stock: dict[Place, Any]
    orders: dict[str, Any]
    lines: dict[str, list[Any]]
    sagas: dict[str, Any]
    steps: dict[str, list[Any]]
    jobs: list[Any]
    keys: dict[str, Any]
    payments: dict[str, Any]
    refunds: list[Any]
    locks: list[Any]

    @classmethod
    async def read(cls, database: Database) -> Books:
        """In one transaction: a commit of a process that died may still be under way."""
        async with database.write() as connection:
            if not database.url.is_sqlite:
                await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))

            async def rows(statement: Select[Any]) -> Sequence[Any]:
                return (await connection.execute(statement)).all()

            orders = {row.id: row for row in await rows(_OWN)}
            numbers = {row.native_id for row in orders.values()}
            return cls(
                {(row.sku, row.location): row for row in await rows(_SHELVES)},
                orders,
                _by(await rows(select(purchase_line)), "purchase"),
                {row.id: row for row in await rows(select(saga))},
                _by(await rows(select(saga_step).order_by(saga_step.c.saga_id, saga_step.c.seq)), "saga_id"),
                list(await rows(select(job.c.kind, job.c.payload, job.c.state, job.c.error_code))),
                {row.id: row for row in await rows(select(idempotency))},
                {row.out_trade_no: row for row in await rows(select(payment)) if row.out_trade_no in numbers},
                [row for row in await rows(select(refund)) if row.out_trade_no in numbers],
                list(await rows(select(coupon_lock))),
            )

    def pieces(self, order: Any) -> Counter[Place]:
        """What an order takes, and where."""
        location = order.store if order.method == "PICKUP" else "CENTRAL"
        return Counter({(line.sku, location): line.quantity for line in self.lines[order.id]})

    def standing(self, row: Any) -> list[tuple[Place, int]]:
        """Corrections of a transaction that is being undone which have yet to be taken back."""
        asked = [each.intent["value"]["asked"] for each in self.steps[row.id] if each.state == "DONE"]
        return [((each["sku"], each["location"]), each["delta"]) for each in asked]

    def is_short(self, row: Any) -> bool:
        """Whether pieces that a transaction brought, and is to take back, are not there any more: sold, or promised."""
        return any(delta > self.stock[place].on_hand - self.stock[place].reserved
                   for place, delta in self.standing(row))  # fmt: skip

    def under_way(self) -> list[Any]:
        """Transactions that will end by themselves."""
        missed = self.are_missed()
        return [row for row in self.sagas.values() if row.state in _GOING_ON and row not in missed]

    def told(self, row: Any) -> list[Any]:
        """The steps of a transaction, for whoever looks for what is wrong."""
        return [(each.name, each.state, each.attempts, each.intent and each.intent["value"], each.outcome)
                for each in self.steps[row.id]]  # fmt: skip

    def are_missed(self) -> list[Any]:
        """Transactions that cannot be undone for want of pieces."""
        return [row for row in self.sagas.values()
                if row.kind == "atomic" and row.state in {"COMPENSATING", "NEEDS_ATTENTION"}
                and row.attention in {None, "UNDO_FAILED"} and self.is_short(row)]  # fmt: skip

    def step(self, order: Any, name: str) -> str:
        """The state of a step of an order's transaction."""
        return next(each.state for each in self.steps[order.saga] if each.name == name)


def _by(rows: Sequence[Any], name: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(getattr(row, name), []).append(row)
    return found


# After every step -------------------------------------------------------------------------------------


def check_always(books: Books, sandbox: Sandbox) -> None:
    """What no interruption may break."""
    _stock_is_reserved_for_open_orders(books)
    _lines_sum(books)
    _one_order_per_key(books)
    _everything_goes_on(books)
    _no_money_that_is_not_there(books, sandbox)


def _stock_is_reserved_for_open_orders(books: Books) -> None:
    held: Counter[Place] = Counter()
    for order in books.orders.values():
        # An order that is being undone holds its pieces until their own step is undone.
        if order.state != "PAID" and books.step(order, "stock.reserve") == "DONE":
            held += books.pieces(order)
    for place, row in books.stock.items():
        assert 0 <= row.reserved <= row.on_hand, f"{place}: {row.on_hand} on hand, {row.reserved} reserved"
        holders = [(each.id, each.state, books.sagas[each.saga].state) for each in books.orders.values()
                   if place in books.pieces(each)]  # fmt: skip
        assert row.reserved == held[place], f"{place}: {row.reserved} reserved, {held[place]} held by {holders}"


def _lines_sum(books: Books) -> None:
    for order in books.orders.values():
        lines = books.lines[order.id]
        assert sum(each.list_amount for each in lines) == order.list_total
        assert sum(each.discount for each in lines) == order.discount
        assert sum(each.paid for each in lines) + order.freight == order.payable
        assert order.list_total - order.discount + order.freight == order.payable


def _one_order_per_key(books: Books) -> None:
    """An order that stands holds its key, and no other one has it: a key is free when its order is being undone."""
    for order in books.orders.values():
        row = books.sagas[order.saga]
        if order.state == "CLOSED" or row.state in {"COMPENSATING", "NEEDS_ATTENTION"}:
            continue
        claim = books.keys.get(row.input["claim"])
        assert claim is not None, f"{order.id} is {order.state}, {row.state}, and its key is free"
        assert claim.result_ids["order"] == order.id


def _everything_goes_on(books: Books) -> None:
    """No transaction is left that no job will end."""
    active = [each.payload for each in books.jobs if each.state in {"QUEUED", "RUNNING"} and "saga" in each.payload]
    whole = {each["saga"] for each in active if "seq" not in each}
    steps = {(each["saga"], each["seq"]) for each in active if "seq" in each}
    for row in books.sagas.values():
        if row.state not in _GOING_ON:
            continue
        left = [each for each in books.steps[row.id] if each.state not in _ENDED]
        ahead = {(row.id, each.seq) for each in left if each.kind == "RETRIABLE"}
        if row.state == "COMPLETING":
            assert left, f"{row.kind} {row.id} is COMPLETING, and nothing is left of it"
            assert ahead <= steps, f"{row.kind} {row.id} is COMPLETING: no job for {ahead - steps}"
        else:
            assert row.id in whole | {of for of, _ in steps}, f"no job ends the {row.kind} {row.id}, {row.state}"
    for each in books.jobs:
        if each.state == "PARKED":
            found = books.sagas.get((each.payload or {}).get("saga"))
            assert found is not None, f"{each.kind} is parked: {each.error_code}"
            assert found.state not in _GOING_ON, f"{each.kind} of a {found.state} {found.kind}: {each.error_code}"


def _no_money_that_is_not_there(books: Books, sandbox: Sandbox) -> None:
    """Our own books never say more than the platform's."""
    book = sandbox.platforms["payments"].books[MCHID]  # type: ignore[attr-defined]
    for order in books.orders.values():
        theirs = book.orders.get(order.native_id)
        captured = theirs.payer_total if theirs is not None and theirs.paid_state == "SUCCESS" else 0
        assert (order.payer_paid or 0) <= captured
        assert order.refunded <= _given_back(theirs)
        if theirs is not None:
            assert theirs.total == order.payable
            assert theirs.refunded() <= captured
    for row in books.refunds:
        if row.state != "CLOSED" and row.out_refund_no in book.refunds:
            assert book.refunds[row.out_refund_no][1].amount == row.amount


def _given_back(order: Any) -> int:
    return 0 if order is None else sum(each.amount for each in order.refunds if each.status == "SUCCESS")


# When everything that can end has ended -----------------------------------------------------------------


def check_at_rest(books: Books, sandbox: Sandbox, before: Books, adjusted: Counter[Place], since: int) -> None:
    """Both sides say the same. ``adjusted`` is what corrections of the stock were told to have done."""
    missed = books.are_missed()
    left = [(row.kind, row.state, books.told(row)) for row in books.under_way()]
    assert not left, f"still under way: {left}; {books.stock}"
    _attention_is_deserved(books, sandbox, missed)
    _money_agrees(books, sandbox, since)
    standing = adjusted.copy()
    for row in missed:
        for place, delta in books.standing(row):
            standing[place] += delta
    _stock_agrees(books, before, standing)
    _coupons_agree(books, sandbox)


def _attention_is_deserved(books: Books, sandbox: Sandbox, missed: Sequence[Any]) -> None:
    book = sandbox.platforms["payments"].books[MCHID]  # type: ignore[attr-defined]
    for row in books.sagas.values():
        if row.state != "NEEDS_ATTENTION" or row in missed:
            continue
        bad = {each.name: each.state for each in books.steps[row.id] if each.state in {"FAILED", "UNKNOWN"}}
        why = [(each.attempts, each.outcome) for each in books.steps[row.id] if each.name in bad]
        told = f"{row.kind} needs attention: {row.attention} {bad} {why}"
        if row.attention == "PAYMENT_LATE":
            order = books.orders[row.input["order"]]
            assert book.orders[order.native_id].paid_state == "SUCCESS", told
        else:
            assert row.attention == "STEP_FAILED", told
            if row.kind == "refund":
                number = row.input["refund"]
                assert number in book.refunds, f"{told}; the platform has never heard of it"
                status = book.refunds[number][1].status
                assert (bad, status in {"CLOSED", "ABNORMAL"}) == ({"refund.settle": "FAILED"}, True), told
            else:
                # A message that may have been sent, and is not known to its platform any more.
                assert bad == {"guide.notify": "UNKNOWN"}, told


def _money_agrees(books: Books, sandbox: Sandbox, since: int) -> None:
    """Captured less refunded, here and in the platform's ledger and journal."""
    book = sandbox.platforms["payments"].books[MCHID]  # type: ignore[attr-defined]
    effects = [each for each in sandbox.kit.journal.effects if each.sequence > since and each.platform == "payments"]
    doubled = [pair for pair, n in Counter((each.kind, each.key) for each in effects
               if each.kind in {"order", "refund", "coupon_use", "coupon_return"}).items() if n > 1]  # fmt: skip
    assert not doubled, f"twice at the platform: {doubled}"
    numbers = {each.native_id: each for each in books.orders.values()}
    captured = {each.key: each.data["total"] for each in effects if each.kind == "payment"}
    assert captured.keys() <= numbers.keys(), "money for an order that we do not know"
    settled = {each.key: each.data["status"] for each in effects if each.kind == "refund_settled"}
    refunded: Counter[str] = Counter()
    for each in effects:
        if each.kind == "refund" and settled.get(each.key) == "SUCCESS":
            refunded[each.data["out_trade_no"]] += each.data["amount"]
    for number, order in numbers.items():
        ours, theirs = books.payments.get(number), book.orders.get(number)
        took, gave = captured.get(number, 0), refunded[number]
        known = ours is not None and ours.paid_at is not None
        kept = ours.total - ours.refunded if known else 0
        assert (known, kept) == (took > 0, took - gave), f"{number}: {took} captured, {gave} back, and we say {kept}"
        assert order.refunded == gave
        if order.state == "PAID":
            assert order.payer_paid == took == order.payable
        elif took:
            assert (order.state, books.sagas[order.saga].attention) == ("CLOSED", "PAYMENT_LATE")
        else:
            assert order.state == "CLOSED", f"nobody will pay {number}, and it is {order.state}"
            assert theirs is None or theirs.paid_state == "CLOSED", f"{number} can still be paid"
    theirs_refunds = {each.key: each.data["amount"] for each in effects if each.kind == "refund"}
    assert {row.out_refund_no: row.amount for row in books.refunds} == theirs_refunds
    assert {row.out_refund_no: row.state for row in books.refunds} == settled


def _stock_agrees(books: Books, before: Books, adjusted: Counter[Place]) -> None:
    sold: Counter[Place] = Counter()
    for order in books.orders.values():
        if order.state == "PAID" and order.fulfilment_state != "CANCELLED":
            sold.update(books.pieces(order))
        if order.state == "PAID":
            assert (order.fulfilment_state == "CANCELLED") == (order.refunded == order.payable), order.fulfilment_state
    for place, row in books.stock.items():
        assert row.reserved == 0, f"{row.reserved} of {place} are reserved for nobody"
        wanted = before.stock[place].on_hand + adjusted[place] - sold[place]
        assert row.on_hand == wanted, f"{place}: {row.on_hand} on hand, {wanted} by the movements"


def _coupons_agree(books: Books, sandbox: Sandbox) -> None:
    """A coupon is held by the order that was paid with it, and written off at the platform."""
    coupons = sandbox.platforms["payments"].books[MCHID].coupons  # type: ignore[attr-defined]
    for row in books.locks:
        order = books.orders[row.purchase]
        assert order.state == "PAID", f"a coupon is locked by an order that is {order.state}"
        whole = order.refunded == order.payable
        late = books.sagas[order.saga].state == "NEEDS_ATTENTION"
        assert late or coupons[row.code].state == ("SENDED" if whole else "USED")
