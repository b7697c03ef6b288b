"""What is done with each kind of event that a platform sends: here webhooks meet projections and transactions.

Events of the store, of contacts, groups and employees are hints: the object is read again, and that answer counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from adapters.base.errors import NotFound
from adapters.enterprise_chat import (
    ContactAdded,
    ContactEdited,
    ContactRemoved,
    CorpTagsChanged,
    EmployeeChanged,
    EnterpriseChatAdapter,
    GroupChanged,
    HandoverFailed,
)
from adapters.mini_program_store import AfterSaleChanged, MiniProgramStoreAdapter, OrderChanged, ProductChanged
from adapters.official_account import (
    ArticlesPublished,
    FollowerChanged,
    Interacted,
    MassDelivered,
    QrScanned,
    TemplateDelivered,
)
from adapters.payments import (
    CashCouponUsed,
    CouponReceived,
    PaymentNotice,
    PaymentsAdapter,
    RefundNotice,
    ShareNotice,
    TransferNotice,
)
from adapters.social_ads import AdClick
from adapters.wechat.subscribe import SubscribeAnswered, SubscribeEnded
from gateway.cache import EntityCache, tags
from gateway.database.facts import Fact
from gateway.events.handling import Handling
from gateway.events.projections import (
    cash_coupons,
    enterprise_chat,
    mini_program_store,
    official_account,
    payments,
    places,
    red_packets,
    social_ads,
)
from gateway.events.projector import Projector
from gateway.members import grants
from gateway.members.gate import Gate
from gateway.members.welcoming import Welcomes
from gateway.runtime import OpenTools
from gateway.settings import Settings
from gateway.transactions.checkout import CheckoutService
from gateway.transactions.effects import mass_messages
from gateway.transactions.profit_shares import ProfitShares

T = TypeVar("T")
#: Kinds of ``ProductChanged`` with which a draft moves.
_DRAFTS_MOVE: Final = frozenset({"AUDITED", "UPDATED"})


def connect(
    handling: Handling,
    projector: Projector,
    tools: OpenTools,
    checkout: CheckoutService,
    profit_shares: ProfitShares,
    settings: Settings,
    cache: EntityCache,
    gate: Gate,
) -> None:
    """Tell the handling of stored events what to do with each kind of record, and which cached answers end with it."""
    flagship = settings.tools.get("mini_program_store", {}).get("accounts", {}).get(settings.checkout.app, {})
    advertised = str(flagship.get("appid", ""))

    async def orders(account: str, events: Sequence[OrderChanged]) -> None:
        adapter, seen = tools.get(MiniProgramStoreAdapter, account), projector.asking()
        records = _found(await adapter.orders(_once(each.order_id for each in events)))
        await mini_program_store.orders(seen, records, source="webhook")

    async def after_sales(account: str, events: Sequence[AfterSaleChanged]) -> None:
        adapter, seen = tools.get(MiniProgramStoreAdapter, account), projector.asking()
        records = _found(await adapter.after_sales(_once(each.after_sale_id for each in events)))
        await mini_program_store.after_sales(seen, records, source="webhook")

    async def products(account: str, events: Sequence[ProductChanged]) -> None:
        adapter, seen = tools.get(MiniProgramStoreAdapter, account), projector.asking()
        records = _found(await adapter.products(_once(each.product_id for each in events)))
        await mini_program_store.products(seen, records)
        await _drafts(projector, adapter, [each for each in events if each.kind in _DRAFTS_MOVE])

    async def contacts(account: str, events: Sequence[ContactAdded | ContactEdited]) -> None:
        adapter, seen = tools.get(EnterpriseChatAdapter, account), projector.asking()
        wanted = _once(each.external_userid for each in events)
        answers = await asyncio.gather(*(adapter.contact(each) for each in wanted))
        records = [each for answer in answers if not isinstance(answer, NotFound) for each in answer]
        await enterprise_chat.contacts(seen, records, source="webhook")
        # An edited contact adds no fact.
        cache.purge([tags.person(account, each) for each in wanted])

    async def groups(account: str, events: Sequence[GroupChanged]) -> None:
        adapter, seen = tools.get(EnterpriseChatAdapter, account), projector.asking()
        wanted = _once(each.chat_id for each in events)
        answers = await adapter.groups(wanted)
        await enterprise_chat.groups(seen, _found(answers), source="webhook")
        gone = [chat_id for chat_id, each in zip(wanted, answers, strict=True) if isinstance(each, NotFound)]
        if gone:
            await enterprise_chat.dismissed(seen, account, gone, source="webhook")

    async def employee(account: str, event: EmployeeChanged) -> None:
        [found] = await tools.get(EnterpriseChatAdapter, account).employees([event.userid])
        if isinstance(found, NotFound):
            await places.guides_left(projector, account, [event.userid], event.at, "webhook")
            cache.purge([tags.account(account)])
        else:
            await places.guides(projector, account, [found])

    async def corp_tags(account: str, _events: Sequence[CorpTagsChanged]) -> None:
        seen = projector.asking()
        await enterprise_chat.tags(seen, account, await tools.get(EnterpriseChatAdapter, account).corp_tags())

    async def followers(_account: str, events: Sequence[FollowerChanged]) -> None:
        await official_account.changed(projector, events)

    async def interacted(_account: str, events: Sequence[Interacted | QrScanned]) -> None:
        await official_account.interacted(projector, events)

    async def subscribed(_account: str, event: SubscribeAnswered | SubscribeEnded) -> None:
        await grants.told(projector, event)

    async def delivered(_account: str, events: Sequence[TemplateDelivered]) -> None:
        await official_account.delivered(projector, events)

    async def mass_delivered(_account: str, events: Sequence[MassDelivered]) -> None:
        await official_account.mass_delivered(projector, events)
        async with projector.batch() as batch:
            for each in events:
                await mass_messages.give_back(gate, batch, each.appid, each.message_id)

    async def publications_ended(_account: str, events: Sequence[ArticlesPublished]) -> None:
        await official_account.publications_ended(projector, events)

    async def handovers(_account: str, events: Sequence[HandoverFailed]) -> None:
        await enterprise_chat.handovers_failed(projector, events)

    async def coupon(account: str, event: CouponReceived) -> None:
        adapter, seen = tools.get(PaymentsAdapter, account), projector.asking()
        # The platform does not say in which app. Of a shopper whom none knows yet, the sync reads the coupons.
        apps = await payments.apps_of(projector, event.openid, adapter.appids)
        answers = [await adapter.coupon(event.openid, appid, event.code) for appid in apps]
        await payments.coupons(seen, _found(answers), source="webhook")

    async def cash_coupons_used(account: str, events: Sequence[CashCouponUsed]) -> None:
        await cash_coupons.used(projector, account, events)

    async def transfers(_account: str, events: Sequence[TransferNotice]) -> None:
        await red_packets.told(projector, [each.transfer for each in events], source="webhook")

    async def removed(account: str, events: Sequence[ContactRemoved]) -> None:
        await enterprise_chat.removed(projector, events)
        cache.purge([tags.person(account, each.external_userid) for each in events])

    async def clicks(_account: str, events: Sequence[AdClick]) -> None:
        await social_ads.clicked(projector, events, advertised)

    if settings.welcome:
        handling.urgent[ContactAdded] = Welcomes(projector, tools, gate, settings.welcome, contacts).send
    handling.together.update(
        {
            OrderChanged: orders,
            AfterSaleChanged: after_sales,
            ProductChanged: products,
            ContactAdded: contacts,
            ContactEdited: contacts,
            ContactRemoved: removed,
            GroupChanged: groups,
            HandoverFailed: handovers,
            CorpTagsChanged: corp_tags,
            FollowerChanged: followers,
            Interacted: interacted,
            QrScanned: interacted,
            TemplateDelivered: delivered,
            MassDelivered: mass_delivered,
            ArticlesPublished: publications_ended,
            AdClick: clicks,
            PaymentNotice: checkout.on_payments,
            RefundNotice: checkout.refunds.on_refunds,
            TransferNotice: transfers,
            ShareNotice: profit_shares.notices,
            CashCouponUsed: cash_coupons_used,
        }
    )
    handling.handlers.update(
        {
            CouponReceived: coupon,
            EmployeeChanged: employee,
            SubscribeAnswered: subscribed,
            SubscribeEnded: subscribed,
        }
    )


def _found(answers: Sequence[T | NotFound]) -> list[T]:
    return [each for each in answers if not isinstance(each, NotFound)]


def _once(ids: Iterable[str]) -> list[str]:
    """Each id once, in order."""
    return list(dict.fromkeys(ids))


async def _drafts(projector: Projector, adapter: MiniProgramStoreAdapter, events: Sequence[ProductChanged]) -> None:
    """Read the drafts again, one call each, and record what audits came to."""
    seen, found = projector.asking(), {}
    for number in _once(each.product_id for each in events):
        # Deleted since.
        with suppress(NotFound):
            found[number] = await adapter.product_draft(number)
    audits = [each for each in events if each.passed is not None]
    refused = {each.product_id: each.reason for each in audits if each.passed is False}
    facts = [
        Fact(
            kind="product.audited",
            occurred_at=each.at,
            source="webhook",
            source_key=f"{each.product_id}:{each.at.isoformat()}",
            account=adapter.account,
            tool="mini_program_store",
            reason="PASSED" if each.passed else "REJECTED",
            payload={"product": each.product_id},
        )
        for each in audits
    ]
    await mini_program_store.drafts(seen, adapter.account, found, reasons=refused, facts=facts)
