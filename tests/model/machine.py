"""Two gateways on one database, shoppers, a bank and head office: everything that may happen to a transaction.

Each rule is one thing that somebody does or that goes wrong, with what its caller must be told; after each one
``books.check_always`` looks at every row. At the end time passes until nothing goes on, and ``books.check_at_rest``
compares the gateway's books with the payment platform's.
"""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.access.principal import AUDIENCE_SCOPES, Principal
from gateway.resolvers import ids
from gateway.transactions.records import (
    BasketLine,
    CheckoutDone,
    CheckoutInput,
    CouponRef,
    OrderPayment,
    Problem,
    QuoteInput,
    RefundDone,
    RefundInput,
)
from sandbox.faults import FaultKind
from sandbox.keys import KeyRing
from sandbox.pusher import Delivery
from sandbox.server import Sandbox, running
from tests.conftest import EVENING
from tests.crashes.checkout import give_coupon
from tests.gateway.transactions.shop import COAT, MCHID, STORE, TOOLS, session, stock_shelves
from tests.model.books import Books, Place, check_always, check_at_rest
from tests.model.mortal import Mortal

T = TypeVar("T")

HQ = Principal("hq", "hq", AUDIENCE_SCOPES["hq"])
PRICE, OFF = 89900, 8000
#: After so long nothing waits for the time of an order, of a lease or of another attempt.
LATER = timedelta(hours=2)
#: So often that passes at the end; more often while something goes on yet, such as pieces that a late refund brings.
ROUNDS, MOST_ROUNDS = 12, 30
#: Seconds after which a step hangs.
HANGS = 60
_KEYS = KeyRing()

#: Nothing was done, or it is being done: the same request again finds out.
UNDECIDED = {"UNAVAILABLE", "OUTCOME_UNKNOWN", "MALFORMED", "RATE_LIMITED", "IDEMPOTENCY_IN_FLIGHT", "SAGA_BUSY",
             "TRANSACTION_IN_PROGRESS"}  # fmt: skip
#: How a call goes wrong: before its effect, after it, or with an answer that nobody understands.
FAULTS: list[tuple[FaultKind, int]] = [
    ("reset_before", 0), ("reset_after", 0), ("status", 500), ("status", 503), ("truncate", 0), ("garbage", 0),
    ("html", 0),
]  # fmt: skip
CALLS = ["POST /v3/pay/transactions/jsapi", "GET /v3/pay/transactions/*", "POST /v3/pay/transactions/*/close",
         "POST /v3/refund/*", "GET /v3/refund/*", "POST /v3/marketing/*", "*"]  # fmt: skip
ADJUST = """
mutation ($input: StockAdjustInput!) {
  stockAdjust(input: $input) { ... on StockAdjusted { onHand reserved } ... on Problem { code } }
}
"""
MOVE = """
mutation ($key: String!, $store: ID!, $sku: String!, $out: Int!, $in: Int!) @atomic(key: $key) {
  out: stockAdjust(input: {sku: $sku, delta: $out, reason: "moved"}) { ... on Problem { code } }
  in: stockAdjust(input: {sku: $sku, delta: $in, reason: "moved", store: $store}) { ... on Problem { code } }
}
"""
MOVE_AND_FIND = (
    MOVE.rstrip().removesuffix("}")
    + """
  more: stockAdjust(input: {sku: $sku, delta: 1, reason: "found"}) { ... on Problem { code } }
}
"""
)


@dataclass
class Wanted:
    """A purchase that somebody asks for, and every order that they were told of."""

    buyer: Principal
    asked: CheckoutInput
    told: list[CheckoutDone] = field(default_factory=list)


@dataclass
class Correction:
    """Pieces that head office corrects, alone or as a transaction; ``done`` once it was told so."""

    text: str
    variables: dict[str, Any]
    moves: Counter[Place]
    done: bool = False


#: The names of all rules.
RULES: list[str] = []
gateways = st.integers(0, 1)
any_of = st.integers(0, 1000)


def step(
    when: Callable[[Transactions], bool] | None = None, **strategies: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A rule whose runs are counted. It does nothing while not ``when``.

    Not a precondition of hypothesis': what races leave behind differs between two runs of the same steps, and which
    rules may come next must not.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def counted(self: Transactions, **values: Any) -> None:
            if when is not None and not when(self):
                return
            self.ran[function.__name__] += 1
            self.story.append(f"{function.__name__}({', '.join(f'{name}={each}' for name, each in values.items())})")
            with self.telling():
                function(self, **values)

        RULES.append(function.__name__)
        made: Callable[..., None] = rule(**strategies)(counted)
        return made

    return decorate


class Transactions(RuleBasedStateMachine):
    """Whatever may happen to transactions, in any order."""

    #: Makes the URL of a new database.
    new_database: ClassVar[Callable[[], AbstractContextManager[str]]]
    #: How often each rule ran, over all examples.
    ran: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.wanted: list[Wanted] = []
        self.corrections: list[Correction] = []
        self.refunds: list[tuple[RefundInput, RefundDone | None]] = []
        self.crossed: list[Delivery] = []
        self.story: list[str] = []
        self.number = 0
        self.run(self._open())

    async def _open(self) -> None:
        url = self.stack.enter_context(type(self).new_database())
        self.sandbox: Sandbox = await self.stack.enter_async_context(running(TOOLS, now=EVENING, keys=_KEYS, size=50))
        self.sandbox.kit.pusher.modes["payments"] = "hold"
        self.gateways = [Mortal(self.sandbox, url) for _ in range(2)]
        for each in self.gateways:
            await each.open()
        services = self.gateways[0].services
        await stock_shelves(services.tools, services.projector, self.sandbox)
        self.guide = f"{services.tools.all(EnterpriseChatAdapter)[0].account}:chenyutong"
        appid = self.sandbox.world.mini_programs[0].appid
        people = self.sandbox.world.people
        other = next(key for key, each in people.items() if appid in each.openids and key != "linxiaowen")
        self.buyers = [await session(services.projector, self.sandbox, key) for key in ("linxiaowen", other)]
        self.before = await Books.read(services.database)
        self.since = self.sandbox.kit.journal.next_sequence()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        async def in_time() -> T:
            async with asyncio.timeout(HANGS):
                return await work

        return self.runner.run(in_time())

    def key(self, what: str) -> str:
        self.number += 1
        return f"{what}-{self.number:06d}"

    @property
    def book(self) -> Any:
        """The payment platform's own memory."""
        return self.sandbox.platforms["payments"].books[MCHID]  # type: ignore[attr-defined]

    @invariant()
    def the_books_are_true(self) -> None:
        with self.telling():
            check_always(self.run(Books.read(self.gateways[0].services.database)), self.sandbox)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell what came before a failure: tasks take turns as they like, so that the seed alone may not show it."""
        try:
            yield
        except Exception as error:
            error.add_note("\n".join(self.story))
            raise

    # Buying ---------------------------------------------------------------------------------------

    def _want(self, who: int, pieces: int, *, pickup: bool, coupon: bool) -> Wanted:
        line, ref, off = (BasketLine(COAT, pieces),), None, 0
        if coupon and who == 0:
            ref, off = CouponRef(*give_coupon(self.sandbox, self.number)), OFF
        guide = self.guide if pickup else None
        quote = QuoteInput(line, ref, "PICKUP" if pickup else "EXPRESS", STORE if pickup else None, guide)
        found = Wanted(self.buyers[who], CheckoutInput(quote, PRICE * pieces - off, self.key("purchase"), None))
        self.wanted.append(found)
        return found

    async def _buy(self, at: int, wanted: Wanted) -> None:
        checkout = self.gateways[at].services.checkout
        answer = await checkout.checkout(wanted.buyer, wanted.asked)
        if isinstance(answer, CheckoutDone):
            wanted.told.append(answer)
            return
        expected = UNDECIDED | {"OUT_OF_STOCK", "ORDER_NOT_PAYABLE", "UPSTREAM_UNAVAILABLE"}
        assert answer.code in expected, answer

    @step(at=gateways, who=st.integers(0, 1), pieces=st.integers(1, 2), pickup=st.booleans(), coupon=st.booleans())
    def checkout(self, at: int, who: int, pieces: int, pickup: bool, coupon: bool) -> None:
        self.run(self._buy(at, self._want(who, pieces, pickup=pickup, coupon=coupon)))

    @step(at=gateways, of=any_of, when=lambda self: bool(self.wanted))
    def checkout_again(self, at: int, of: int) -> None:
        """The client repeats its request, at whichever gateway."""
        self.run(self._buy(at, self.wanted[of % len(self.wanted)]))

    @step(who=st.integers(0, 1), pickup=st.booleans(), same=st.booleans(), times=st.integers(2, 3))
    def checkout_at_once(self, who: int, pickup: bool, same: bool, times: int) -> None:
        """Several at the same moment at both gateways, under one key or under several."""
        wanted = [self._want(who, 1, pickup=pickup, coupon=False) for _ in range(1 if same else times)]

        async def all_of_them() -> None:
            await asyncio.gather(*(self._buy(n % 2, wanted[n % len(wanted)]) for n in range(times)))

        self.run(all_of_them())

    @step(at=gateways, of=any_of, when=lambda self: bool(self.wanted))
    def checkout_otherwise(self, at: int, of: int) -> None:
        """Another basket under a key that was used."""
        wanted = self.wanted[of % len(self.wanted)]
        books = self.run(Books.read(self.gateways[at].services.database))
        taken = any(row.key == wanted.asked.idempotency_key and row.mutation == "checkout"
                    for row in books.keys.values())  # fmt: skip
        if not taken:
            return
        asked = CheckoutInput(wanted.asked.quote, wanted.asked.expected_payable + 1, wanted.asked.idempotency_key, None)
        answer = self.run(self.gateways[at].services.checkout.checkout(wanted.buyer, asked))
        assert isinstance(answer, Problem)
        assert answer.code == "IDEMPOTENCY_MISMATCH"

    def _told(self, of: int) -> tuple[Wanted, CheckoutDone]:
        told = [(each, done) for each in self.wanted for done in each.told]
        return told[of % len(told)]

    def _has_orders(self) -> bool:
        return any(each.told for each in self.wanted)

    @step(at=gateways, of=any_of, when=lambda self: self._has_orders())
    def renew(self, at: int, of: int) -> None:
        wanted, done = self._told(of)
        answer = self.run(self.gateways[at].services.checkout.renew(wanted.buyer, done.order_id))
        if isinstance(answer, CheckoutDone):
            assert answer.order_id == done.order_id
            # What the shopper can pay, the platform has not closed.
            assert self.book.orders[_number(done)].paid_state != "CLOSED"
        else:
            assert answer.code in UNDECIDED | {"ORDER_NOT_PAYABLE"}, answer

    @step(at=gateways, of=any_of, when=lambda self: self._has_orders())
    def sync(self, at: int, of: int) -> None:
        wanted, done = self._told(of)
        answer = self.run(self.gateways[at].services.checkout.sync(wanted.buyer, done.order_id))
        if isinstance(answer, OrderPayment) and answer.state == "SUCCESS":
            assert self.book.orders[_number(done)].paid_state == "SUCCESS"

    # Paying ---------------------------------------------------------------------------------------

    def _payable(self, state: str) -> list[str]:
        """Orders that a shopper holds a payment request of, and that the platform has in this state."""
        now = self.sandbox.kit.clock.now()
        numbers = dict.fromkeys(_number(done) for each in self.wanted for done in each.told)
        held = [self.book.orders[each] for each in numbers]
        return [each.out_trade_no for each in held
                if each.paid_state == state and (state == "CLOSED" or now < each.expires_at)]  # fmt: skip

    @step(of=any_of, when=lambda self: bool(self._payable("NOTPAY")))
    def pay(self, of: int) -> None:
        numbers = self._payable("NOTPAY")
        self.run(self._at_the_platform("pay", out_trade_no=numbers[of % len(numbers)]))

    @step(at=gateways, who=st.integers(0, 1), pickup=st.booleans(), coupon=st.booleans(), told=st.booleans())
    def buy(self, at: int, who: int, pickup: bool, coupon: bool, told: bool) -> None:
        """All of it as it usually goes: without it, few examples would come to what follows a payment."""
        wanted = self._want(who, 1, pickup=pickup, coupon=coupon)
        self.run(self._buy(at, wanted))
        number = _number(wanted.told[-1]) if wanted.told else ""
        if number in self._payable("NOTPAY"):
            self.run(self._at_the_platform("pay", out_trade_no=number))
            if told:
                self.run(self._deliver(1 - at, self.sandbox.kit.pusher.deliveries[-1]))
                self.run(self._work(at))

    @step(of=any_of, when=lambda self: bool(self._payable("CLOSED")))
    def pay_crossed(self, of: int) -> None:
        """The payment was under way when the order was closed, and won."""
        numbers = self._payable("CLOSED")
        self.run(self._at_the_platform("pay", out_trade_no=numbers[of % len(numbers)], crossed=True))
        self.crossed.append(self.sandbox.kit.pusher.deliveries[-1])

    async def _at_the_platform(self, action: str, **values: Any) -> None:
        await self.sandbox.platforms["payments"].actions()[action](values)

    def _letters(self, state: str = "held") -> list[Delivery]:
        return [each for each in self.sandbox.kit.pusher.deliveries if each.state == state]

    async def _deliver(self, at: int, letter: Delivery) -> None:
        if await self.gateways[at].told(letter.build()) in {200, 204}:
            letter.state = "done"

    @step(at=gateways, of=any_of, when=lambda self: bool(self._letters()))
    def notified(self, at: int, of: int) -> None:
        """Any of the notifications arrives: late, and before others that were sent first."""
        letters = self._letters()
        self.run(self._deliver(at, letters[of % len(letters)]))

    @step(of=any_of, when=lambda self: bool(self._letters()))
    def notified_twice(self, of: int) -> None:
        """At both gateways at the same moment."""
        letters = self._letters()
        letter = letters[of % len(letters)]

        async def both() -> None:
            await asyncio.gather(self._deliver(0, letter), self._deliver(1, letter))
            await asyncio.gather(*(each.worker.drain() for each in self.gateways))

        self.run(both())

    @step(at=gateways, of=any_of, when=lambda self: bool(self._letters("done")))
    def notified_again(self, at: int, of: int) -> None:
        """One that was received long ago."""
        letters = self._letters("done")
        self.run(self._deliver(at, letters[of % len(letters)]))

    @step(of=any_of, when=lambda self: bool(self._letters()))
    def notification_lost(self, of: int) -> None:
        letters = self._letters()
        letters[of % len(letters)].state = "lost"

    # Giving money back ----------------------------------------------------------------------------

    async def _refund(self, at: int, asked: RefundInput) -> None:
        answer = await self.gateways[at].services.checkout.refunds.refund(HQ, asked)
        if isinstance(answer, RefundDone):
            earlier = [done for other, done in self.refunds if other == asked and done is not None]
            assert all(each == answer for each in earlier), "one key, two refunds"
            self.refunds.append((asked, answer))
        else:
            assert answer.code in {"ORDER_NOT_REFUNDABLE", "REFUND_TOO_MUCH", "IDEMPOTENCY_IN_FLIGHT"}, answer
            if answer.code == "REFUND_TOO_MUCH" and asked.amount is not None:
                assert asked.amount > answer.details["refundable"] >= 0

    def _to_refund(self, of: int, amount: int | None) -> RefundInput:
        return RefundInput(self._told(of)[1].order_id, amount, "七天无理由", self.key("refund"))

    @step(
        at=gateways,
        of=any_of,
        amount=st.sampled_from([None, 1, 10_000, 50_000, PRICE, 10 * PRICE]),
        sent=st.booleans(),
        when=lambda self: self._has_orders(),
    )
    def refund(self, at: int, of: int, amount: int | None, sent: bool) -> None:
        """All of it, a part, more than is left, or of an order that was not paid."""
        asked = self._to_refund(of, amount)
        self.refunds.append((asked, None))
        self.run(self._refund(at, asked))
        if sent:
            self.run(self._work(1 - at))

    @step(of=any_of, amount=st.sampled_from([None, 30_000, 50_000]), when=lambda self: self._has_orders())
    def refunds_at_once(self, of: int, amount: int | None) -> None:
        asked = [self._to_refund(of, amount) for _ in range(3)]

        async def all_of_them() -> None:
            await asyncio.gather(*(self._refund(n % 2, each) for n, each in enumerate(asked)))

        self.run(all_of_them())

    @step(at=gateways, of=any_of, when=lambda self: bool(self.refunds))
    def refund_again(self, at: int, of: int) -> None:
        """The same key is the same refund."""
        self.run(self._refund(at, self.refunds[of % len(self.refunds)][0]))

    def _at_the_bank(self) -> list[str]:
        return [number for number, (_, entry) in self.book.refunds.items() if entry.status == "PROCESSING"
                and number.startswith("RF")]  # fmt: skip

    @step(
        of=any_of,
        status=st.sampled_from(["SUCCESS", "SUCCESS", "SUCCESS", "CLOSED", "ABNORMAL"]),
        when=lambda self: bool(self._at_the_bank()),
    )
    def bank_decides(self, of: int, status: str) -> None:
        numbers = self._at_the_bank()
        number = numbers[of % len(numbers)]
        self.run(self._at_the_platform("settle_refund", out_refund_no=number, status=status))

    # Correcting stock -----------------------------------------------------------------------------

    async def _correct(self, at: int, each: Correction) -> None:
        data = await self.gateways[at].stage().mutate(HQ, each.text, each.variables)
        codes = {field["code"] for field in data.values() if "code" in field}
        if not codes:
            each.done = True
            return
        assert not each.done or codes <= UNDECIDED, f"it was done, and then {codes}"
        assert codes <= UNDECIDED | {"STOCK_SHORT", "TRANSACTION_ROLLED_BACK"}, codes

    @step(at=gateways, delta=st.sampled_from([-5, -1, 1, 3]), store=st.booleans())
    def stock_adjust(self, at: int, delta: int, store: bool) -> None:
        asked = {"sku": COAT, "delta": delta, "reason": "counted", "idempotencyKey": self.key("adjust")}
        asked |= {"store": ids.encode("st", STORE)} if store else {}
        moves = Counter({(COAT, STORE if store else "CENTRAL"): delta})
        self.corrections.append(Correction(ADJUST, {"input": asked}, moves))
        self.run(self._correct(at, self.corrections[-1]))

    @step(at=gateways, pieces=st.sampled_from([1, 2, 500]), more=st.booleans(), backwards=st.booleans())
    def atomic(self, at: int, pieces: int, more: bool, backwards: bool) -> None:
        """Two or three fields: pieces are moved between warehouse and store, or nothing is."""
        self.run(self._correct(at, self._moving(pieces, more=more, backwards=backwards)))

    def _moving(self, pieces: int, *, more: bool, backwards: bool) -> Correction:
        out = pieces if backwards else -pieces
        values = {"key": self.key("atomic-move"), "store": ids.encode("st", STORE), "sku": COAT, "out": out, "in": -out}
        moves = Counter({(COAT, "CENTRAL"): out + (1 if more else 0), (COAT, STORE): -out})
        self.corrections.append(Correction(MOVE_AND_FIND if more else MOVE, values, moves))
        return self.corrections[-1]

    @step(of=any_of, when=lambda self: bool(self.corrections))
    def correct_again_at_once(self, of: int) -> None:
        """The same key at both gateways."""
        each = self.corrections[of % len(self.corrections)]

        async def both() -> None:
            await asyncio.gather(self._correct(0, each), self._correct(1, each))

        self.run(both())

    # What goes wrong, and what goes on ------------------------------------------------------------------

    @step(fault=st.sampled_from(FAULTS), call=st.sampled_from(CALLS), times=st.sampled_from([1, 1, 3, 7]))
    def fault(self, fault: tuple[FaultKind, int], call: str, times: int) -> None:
        """The platform's next calls fail, before or after their effect; more than two outlast our own repetitions."""
        calls = tuple(range(1, times + 1))
        self.sandbox.kit.faults.add("payments", fault[0], endpoint=call, value=fault[1], calls=calls)

    @step(when=lambda self: bool(self.sandbox.kit.faults.rules))
    def platforms_behave(self) -> None:
        self.sandbox.kit.faults.clear()

    @step(seconds=st.sampled_from([31, 61, 130, 31 * 60, 31 * 60, 2 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self._advance(timedelta(seconds=seconds))

    def _advance(self, by: timedelta) -> None:
        self.sandbox.kit.clock.advance(by)
        for each in self.gateways:
            each.advance(by)

    @step(at=gateways)
    def work(self, at: int) -> None:
        self.run(self._work(at))

    async def _work(self, at: int) -> None:
        await self.gateways[at].worker.drain()

    @step()
    def work_at_once(self) -> None:
        async def both() -> None:
            await asyncio.gather(*(each.worker.drain() for each in self.gateways))

        self.run(both())

    @step(at=gateways)
    def recover(self, at: int) -> None:
        self.run(self.gateways[at].recover())

    @step(at=gateways)
    def restart(self, at: int) -> None:
        async def again() -> None:
            await self.gateways[at].close()
            await self.gateways[at].open()

        self.run(again())

    @step(at=gateways, instant=st.integers(1, 6), pieces=st.integers(1, 2), pickup=st.booleans())
    def die_in_checkout(self, at: int, instant: int, pieces: int, pickup: bool) -> None:
        wanted = self._want(0, pieces, pickup=pickup, coupon=False)
        self.run(self.gateways[at].dying(instant, lambda: self._buy(at, wanted)))

    @step(at=gateways, instant=st.integers(1, 30), seconds=st.sampled_from([0, 61, 31 * 60]))
    def die_at_work(self, at: int, instant: int, seconds: int) -> None:
        self._advance(timedelta(seconds=seconds))
        self.run(self.gateways[at].dying(instant, lambda: self._work(at)))

    @step(at=gateways, instant=st.integers(1, 8), pieces=st.sampled_from([1, 2, 500]))
    def die_in_atomic(self, at: int, instant: int, pieces: int) -> None:
        each = self._moving(pieces, more=True, backwards=False)
        self.run(self.gateways[at].dying(instant, lambda: self._correct(at, each)))

    @step(
        at=gateways,
        of=any_of,
        instant=st.integers(1, 6),
        when=lambda self: bool(self._letters() or self._letters("done")),
    )
    def die_when_notified(self, at: int, of: int, instant: int) -> None:
        """Before or after the notification is kept: the platform sends again what was not answered."""
        letters = self._letters() or self._letters("done")
        self.run(self.gateways[at].dying(instant, lambda: self._deliver(at, letters[of % len(letters)])))

    # The end --------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            with self.telling():
                self.run(self._come_to_rest())
        finally:
            self.run(self._close())
            self.runner.close()

    async def _come_to_rest(self) -> None:
        """Everybody behaves, the bank decides, and time passes until nothing goes on."""
        self.sandbox.kit.faults.clear()
        for each in self.gateways:
            await each.close()
            await each.open()
        await self._let_time_pass(ROUNDS)
        for each in self.crossed:
            # Nobody asks about an order that is closed: here the platform's repetitions must arrive.
            if each.state != "done":
                await self._deliver(0, each)
        await self.gateways[0].recover()
        for each in self.corrections:
            # Whoever was told nothing asks again, and is told what became of it, or has it done now.
            await self._correct(0, each)
        for row in (await self._books()).sagas.values():
            # The pieces may be back since it was given up: a person tries again.
            if (row.state, row.attention) == ("NEEDS_ATTENTION", "UNDO_FAILED"):
                await self.gateways[0].services.checkout.desk.retry(HQ, row.id, "counted")
        await self._let_time_pass(1)
        books = await self._books()
        check_always(books, self.sandbox)
        adjusted: Counter[Place] = Counter()
        for each in self.corrections:
            if each.done:
                adjusted.update(each.moves)
        check_at_rest(books, self.sandbox, self.before, adjusted, self.since)

    async def _let_time_pass(self, rounds: int) -> None:
        """So often, and until nothing goes on."""
        for number in range(MOST_ROUNDS):
            if number >= rounds and not (await self._books()).under_way():
                return
            self._advance(LATER)
            await self.gateways[number % 2].recover()
            for refund in self._at_the_bank():
                await self._at_the_platform("settle_refund", out_refund_no=refund, status="SUCCESS")

    async def _books(self) -> Books:
        return await Books.read(self.gateways[0].services.database)

    async def _close(self) -> None:
        for each in self.gateways:
            await each.close()
        await self.stack.aclose()


def _number(done: CheckoutDone) -> str:
    return done.order_id.rsplit(":", 1)[-1]
