"""Subscriptions: what happens, told as it happens. Each goes on after an ``eventId``; docs/subscriptions.md."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import date, datetime
from typing import Annotated, Any, TypeVar, cast

import strawberry

from gateway.events.horizon import LoggedFact
from gateway.resolvers import counters, ids, members, orders, places, streams, timeline, touch
from gateway.resolvers.counters import CounterRecord
from gateway.resolvers.streams import Asked
from gateway.schema.checkout import Transaction
from gateway.schema.contacts import Contact
from gateway.schema.info import Info
from gateway.schema.members import Member
from gateway.schema.orders import AfterSale, Order, Payment
from gateway.schema.places import Store
from gateway.schema.scalars import Long, Money
from gateway.schema.timeline import TimelineEntry, TimelineFamily

T = TypeVar("T")

Resume = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="The last eventId that you had: what came after it comes first (断线续传). Without it: from now on."
    ),
]
OfMember = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="Only this member's (会员). A shopper's session follows its own without it."),
]
OfOrder = Annotated[strawberry.ID | None, strawberry.argument(description="Only this order's (订单).")]
OfStore = Annotated[strawberry.ID | None, strawberry.argument(description="Only this store's (门店).")]
OfGuide = Annotated[strawberry.ID | None, strawberry.argument(description="Only this guide's (导购).")]


def _native(code: str, given: str | None) -> str | None:
    return None if given is None else ids.decode_as(code, given)[1]


@strawberry.interface(description="Something that a subscription tells (事件).")
class SubscriptionEvent:
    """One fact of the log."""

    fact: strawberry.Private[LoggedFact]
    event_id: strawberry.ID = strawberry.field(
        description="Pass the last one as after, and nothing is missed or told twice."
    )
    kind: str = strawberry.field(description="What happened, such as order.paid; docs/lists.md lists the kinds.")
    at: datetime = strawberry.field(description="When it happened.")

    @strawberry.field(description="The member (会员) it is about, masked as in queries; null for nobody we know.")
    async def member(self, info: Info) -> Member | None:
        if self.fact.member is None:
            return None
        record = await members.one(info.context, self.fact.member, live=False)
        return None if record is None else Member.of(info, record)

    @classmethod
    def values(cls, fact: LoggedFact) -> dict[str, Any]:
        """What every event has."""
        return {"fact": fact, "event_id": strawberry.ID(fact.id), "kind": fact.kind, "at": fact.occurred_at}


async def _order(info: Info, fact: LoggedFact) -> Order | None:
    if fact.order_ref is None:
        return None
    found = await info.context.loaders.load(orders.orders, fact.order_ref)
    return None if found is None else Order.of(found)


@strawberry.type(description="An order (订单) was placed, paid, shipped, picked up, completed or closed.")
class OrderChanged(SubscriptionEvent):
    """order.*"""

    @strawberry.field(description="The order, as it is now.")
    async def order(self, info: Info) -> Order | None:
        return await _order(info, self.fact)


@strawberry.type(description="Money was paid (微信支付) or went back (退款).")
class PaymentChanged(SubscriptionEvent):
    """payment.*, refund.*"""

    amount: Money | None = strawberry.field(description="Money that moved (金额).")

    @strawberry.field(description="The payment (支付单), as it is now.")
    async def payment(self, info: Info) -> Payment | None:
        number, loaders = self.fact.payload.get("outTradeNo"), info.context.loaders
        if number is not None:
            found = await loaders.load(orders.payments, (self.fact.account, number))
        elif self.fact.order_ref is not None:
            found = await loaders.load(orders.payments_of, self.fact.order_ref)
        else:
            return None
        return None if found is None else Payment.of(found)

    @strawberry.field(description="The order (订单) that it is for, when known.")
    async def order(self, info: Info) -> Order | None:
        return await _order(info, self.fact)


@strawberry.type(description="An after-sale (售后单) was requested, moved on or ended.")
class AfterSaleChanged(SubscriptionEvent):
    """after_sale.*"""

    @strawberry.field(description="The after-sale, as it is now.")
    async def after_sale(self, info: Info) -> AfterSale | None:
        number = self.fact.payload.get("afterSale")
        if number is None:
            return None
        found = await info.context.loaders.load(orders.after_sales_by_key, (self.fact.account, number))
        return None if found is None else AfterSale.of(found)

    @strawberry.field(description="Its order (订单).")
    async def order(self, info: Info) -> Order | None:
        return await _order(info, self.fact)


@strawberry.type(
    description="A transaction over several tools (跨工具交易), or one of its steps, has a new state or got further."
)
class TransactionChanged(SubscriptionEvent):
    """transaction.*"""

    state: str = strawberry.field(
        description="The state that was entered, or that goes on: the transaction's, or the step's if there is one."
    )
    step: str | None = strawberry.field(description="The step that stands in it; null for the transaction itself.")

    @strawberry.field(description="The transaction, as it is now.")
    async def transaction(self, info: Info) -> Transaction | None:
        found = self.fact.payload["transaction"]
        view = await info.context.services.checkout.transaction(found, info.context.principal)
        return None if view is None else Transaction.of(view)


@strawberry.type(description="Something happened between a member and the brand (会员动态): an entry of the timeline.")
class MemberActivity(SubscriptionEvent):
    """Every kind of the timeline."""

    entry: TimelineEntry = strawberry.field(description="The timeline's entry (时间线).")


@strawberry.type(description="A guide was added, given or deleted as a contact (外部联系人).")
class ContactChanged(SubscriptionEvent):
    """contact.*"""

    @strawberry.field(description="The contact, as it is now, or as it was when it ended.")
    async def contact(self, info: Info) -> Contact | None:
        if self.fact.guide is None or self.fact.identity is None:
            return None
        found = await info.context.loaders.load(touch.contacts_by_key, (self.fact.guide, self.fact.identity))
        return None if found is None else Contact.of(info, found)


@strawberry.type(description="A store's counters of today (今日实时数据), after an event that changed them.")
class StoreCounters:
    """Sums up to the event."""

    record: strawberry.Private[CounterRecord]
    event_id: strawberry.ID = strawberry.field(
        description="Pass the last one as after, and counting goes on from there."
    )
    at: datetime = strawberry.field(description="When the event happened; of the first answer, now.")
    date: date = strawberry.field(description="The business day (营业日) that is counted, in Asia/Shanghai.")
    orders: Long = strawberry.field(description="Orders paid (支付订单数).")
    revenue: Money = strawberry.field(description="Paid for them (支付金额), refunds not taken off.")
    refunds: Long = strawberry.field(description="Refunds that succeeded (退款笔数).")
    refunded: Money = strawberry.field(description="What they gave back (退款金额).")
    visits: Long = strawberry.field(description="Mini-program opened (小程序访问) or code scanned (扫码).")
    new_members: Long = strawberry.field(description="Members who came through the store first (新会员).")

    @strawberry.field(description="The store (门店); null for what happened in none of them.")
    async def store(self, info: Info) -> Store | None:
        if self.record.store is None:
            return None
        found = await info.context.loaders.load(places.stores, self.record.store)
        return None if found is None else Store.of(found)

    @property
    def part(self) -> str:
        """Which of the payloads of one event this is."""
        return f"{self.record}"

    @classmethod
    def of(cls, record: CounterRecord) -> StoreCounters:
        return cls(
            record=record,
            event_id=strawberry.ID(record.event),
            at=record.at,
            date=record.day,
            orders=Long(record.orders),
            revenue=Money.of(record.revenue),
            refunds=Long(record.refunds),
            refunded=Money.of(record.refunded),
            visits=Long(record.visits),
            new_members=Long(record.members),
        )


@strawberry.type(description="Subscriptions, by WebSocket and by server-sent events.")
class Subscriptions:
    """Every field answers an async iterator that can be asked whether the caller may still be told."""

    @strawberry.subscription(description="Orders (订单), as they change.")
    async def order_changed(
        self, info: Info, order: OfOrder = None, member: OfMember = None, store: OfStore = None,
        guide: OfGuide = None, after: Resume = None,
    ) -> AsyncGenerator[OrderChanged, None]:  # fmt: skip
        asked = _asked(streams.ORDERS, order=order, member=member, store=store, guide=guide, after=after)
        return await _stream(info, asked, lambda fact: OrderChanged(**OrderChanged.values(fact)))

    @strawberry.subscription(description="Payments (微信支付) and refunds (退款), as they happen.")
    async def payment_changed(
        self, info: Info, order: OfOrder = None, member: OfMember = None, store: OfStore = None, after: Resume = None
    ) -> AsyncGenerator[PaymentChanged, None]:
        def made(fact: LoggedFact) -> PaymentChanged:
            return PaymentChanged(amount=Money.maybe(fact.amount_fen), **PaymentChanged.values(fact))

        return await _stream(info, _asked(streams.PAYMENTS, order=order, member=member, store=store, after=after), made)

    @strawberry.subscription(description="After-sales (售后), as they move on.")
    async def after_sale_changed(
        self, info: Info, order: OfOrder = None, member: OfMember = None, store: OfStore = None, after: Resume = None
    ) -> AsyncGenerator[AfterSaleChanged, None]:
        asked = _asked(streams.AFTER_SALES, order=order, member=member, store=store, after=after)
        return await _stream(info, asked, lambda fact: AfterSaleChanged(**AfterSaleChanged.values(fact)))

    @strawberry.subscription(
        description="Transactions over several tools (跨工具交易) and their steps; others' by the scope operations."
    )
    async def transaction_changed(
        self,
        info: Info,
        transaction: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only this transaction (交易).")
        ] = None,
        order: OfOrder = None,
        member: OfMember = None,
        after: Resume = None,
    ) -> AsyncGenerator[TransactionChanged, None]:
        wanted = _native("tx", transaction)

        def also(fact: LoggedFact) -> bool:
            return wanted is None or fact.payload.get("transaction") == wanted

        def made(fact: LoggedFact) -> TransactionChanged:
            payload = fact.payload
            values = TransactionChanged.values(fact)
            return TransactionChanged(state=payload["state"], step=payload.get("step"), **values)

        asked = _asked(streams.TRANSACTIONS, order=order, member=member, after=after, also=also)
        return await _stream(info, asked, made, scope="operations")

    @strawberry.subscription(description="What happens between members and the brand (会员动态), entry by entry.")
    async def member_activity(
        self,
        info: Info,
        member: OfMember = None,
        store: OfStore = None,
        guide: OfGuide = None,
        families: Annotated[
            list[TimelineFamily] | None, strawberry.argument(description="Only these families of kinds.")
        ] = None,
        kinds: Annotated[
            list[str] | None, strawberry.argument(description="Only these kinds, such as order.paid.")
        ] = None,
        after: Resume = None,
    ) -> AsyncGenerator[MemberActivity, None]:
        wanted = streams.told_kinds(kinds, None if families is None else [each.name for each in families])

        def also(fact: LoggedFact) -> bool:
            return fact.member is not None

        def made(fact: LoggedFact) -> MemberActivity:
            return MemberActivity(entry=TimelineEntry.of(timeline.entry(fact)), **MemberActivity.values(fact))

        asked = _asked(wanted, member=member, store=store, guide=guide, after=after, also=also)
        return await _stream(info, asked, made)

    @strawberry.subscription(description="Contacts of guides (外部联系人), as they are added, tagged and deleted.")
    async def contact_changed(
        self, info: Info, member: OfMember = None, guide: OfGuide = None, after: Resume = None
    ) -> AsyncGenerator[ContactChanged, None]:
        asked = _asked(streams.CONTACTS, member=member, guide=guide, after=after)
        return await _stream(info, asked, lambda fact: ContactChanged(**ContactChanged.values(fact)))

    @strawberry.subscription(
        description="Live counters of today per store (门店实时看板): those of now first, then after each event."
        " Needs the scope members:read."
    )
    async def store_counters(
        self, info: Info, store: OfStore = None, after: Resume = None
    ) -> AsyncGenerator[StoreCounters, None]:
        stream = await counters.counters(info.context, _native("st", store), after, StoreCounters.of)
        return cast("AsyncGenerator[StoreCounters, None]", stream)


def _asked(kinds: frozenset[str], **given: Any) -> Asked:
    """What is asked for, by native ids. Raises IdInvalid or IdForeign."""
    return Asked(
        kinds=kinds,
        member=_native("mb", given.get("member")),
        order=_native("or", given.get("order")),
        store=_native("st", given.get("store")),
        guide=_native("gd", given.get("guide")),
        after=given.get("after"),
        also=given.get("also"),
    )


async def _stream(
    info: Info, asked: Asked, made: Callable[[LoggedFact], T], *, scope: str = streams.SCOPE
) -> AsyncGenerator[T, None]:
    return cast("AsyncGenerator[T, None]", await streams.opened(info.context, asked, made, scope=scope))
