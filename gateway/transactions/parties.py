"""Who buys and who sells: the shopper of a session, and the merchant, store and guide of an order."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sqlalchemy import select

from adapters.payments import PaymentsAdapter
from gateway.access.principal import Principal
from gateway.database.engine import Database
from gateway.database.tables.dimensions import guide, store
from gateway.database.tables.members import identity
from gateway.runtime import OpenTools
from gateway.settings import Settings
from gateway.transactions.records import QuoteInput
from gateway.transactions.steps import StepRefused
from gateway.transactions.stock import CENTRAL

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Shopper:
    """Whose session it is; the payer. Never taken from arguments."""

    identity: str
    member: str
    appid: str
    openid: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seller:
    """Where the goods lie, who is credited, and whose merchant account collects."""

    location: str
    store: str | None
    guide: str | None
    corpid: str | None
    userid: str | None
    payments: PaymentsAdapter


async def shopper(database: Database, principal: Principal) -> Shopper:
    """The shopper behind the session. Raises StepRefused SESSION_REQUIRED."""
    refusal = StepRefused("SESSION_REQUIRED", "This needs a shopper's session: call sessionCreate and send its token.")
    if principal.session_identity is None or principal.app is None:
        raise refusal
    row = await database.one(
        select(identity.c.value, identity.c.member, identity.c.issuer).where(
            identity.c.id == principal.session_identity, identity.c.kind == "OPENID"
        )
    )
    if row is None or not row.value or row.issuer != principal.app:
        raise refusal
    return Shopper(principal.session_identity, row.member, principal.app, row.value)


async def seller(database: Database, tools: OpenTools, settings: Settings, asked: QuoteInput) -> Seller:
    """The seller of a basket. A franchise store (加盟) collects on its own mchid.

    Raises StepRefused STORE_UNKNOWN or GUIDE_UNKNOWN, and ToolNotConfigured for a mchid that is not ours.
    """
    mchid = await _franchise_mchid(database, asked)
    payments = (
        tools.named(PaymentsAdapter, settings.checkout.payments_account)
        if mchid is None
        else tools.get(PaymentsAdapter, mchid)
    )
    location = asked.store if asked.method == "PICKUP" and asked.store else CENTRAL
    corpid, userid = await _guide(database, asked.guide)
    return Seller(location, asked.store, asked.guide, corpid, userid, payments)


async def _franchise_mchid(database: Database, asked: QuoteInput) -> str | None:
    if asked.store is None:
        if asked.method == "PICKUP":
            raise StepRefused("STORE_UNKNOWN", "PICKUP needs the store where the goods are handed out.")
        return None
    row = await database.one(
        select(store.c.own_or_franchise, store.c.legal_entity).where(
            store.c.id == asked.store, store.c.valid_to.is_(None)
        )
    )
    if row is None:
        raise StepRefused("STORE_UNKNOWN", "There is no such store; take one from the query stores.")
    return row.legal_entity if row.own_or_franchise == "FRANCHISE" else None


async def _guide(database: Database, guide_id: str | None) -> tuple[str | None, str | None]:
    if guide_id is None:
        return None, None
    row = await database.one(
        select(guide.c.corpid, guide.c.userid).where(guide.c.id == guide_id, guide.c.valid_to.is_(None))
    )
    if row is None:
        raise StepRefused("GUIDE_UNKNOWN", "There is no such guide; take one from the query stores.")
    return row.corpid, row.userid


def notify_url(tools: OpenTools, settings: Settings, payments: PaymentsAdapter) -> str:
    """Where the payment platform reports. Raises StepRefused when the setting cannot be used."""
    parts = urlsplit(settings.checkout.notify_base)
    plain = settings.environment == "sandbox" and parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not (parts.scheme == "https" or plain) or not parts.hostname or parts.query:
        raise StepRefused(
            "SETTING_INVALID", "checkout.notify_base must be an https address without a query; ask the operator."
        )
    alias = next(
        alias for tool, alias, adapter in tools.items() if tool == "payments" and adapter.account == payments.account
    )
    return f"{settings.checkout.notify_base.rstrip('/')}/hooks/payments/{alias}"
