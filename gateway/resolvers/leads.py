"""Sales leads (销售线索): what strangers left in the forms of ads, for who calls them back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from adapters.social_ads import SocialAdsAdapter
from gateway.context import Context
from gateway.database.keyring import Erased
from gateway.database.tables.projections import lead
from gateway.resolvers.paging import PageArgs, Slice, keyset


@dataclass(frozen=True, slots=True)
class LeadRecord:
    """A lead. Name and phone are what somebody typed, and prove nothing."""

    account_id: str
    lead_id: str
    adgroup_id: str | None
    name: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    created_at: datetime


async def page(ctx: Context, args: PageArgs) -> Slice[LeadRecord]:
    """All leads, newest first. Needs the scope members:read. One statement."""
    ctx.principal.require("members:read")
    ctx.tool(SocialAdsAdapter)
    order = [(lead.c.created_at, True), (lead.c.account_id, True), (lead.c.lead_id, True)]
    return await keyset(ctx, "leads", select(lead), order, args, _lead)


def _lead(row: Row[Any]) -> LeadRecord:
    return LeadRecord(row.account_id, row.lead_id, row.adgroup_id, _open(row.name), _open(row.phone), row.created_at)


def _open(value: str | Erased | None) -> str | None:
    return None if isinstance(value, Erased) else value
