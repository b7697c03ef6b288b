"""Money that customers paid guides in chats (对外收款), as the platform lists it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from adapters.base.page import Page
from adapters.enterprise_chat import EnterpriseChatAdapter
from adapters.enterprise_chat.records.figures import CollectionBill
from gateway.context import Context
from gateway.database.clock import BUSINESS_ZONE
from gateway.resolvers import handovers
from gateway.resolvers.errors import UserError
from gateway.resolvers.live_pages import forward
from gateway.resolvers.paging import PageArgs, Slice

#: Who sees what guides collect.
SCOPE: Final = "statistics:read"
#: Days of one question: the platform's own limit.
MOST_DAYS: Final = 31


@dataclass(frozen=True, slots=True)
class BillRecord:
    """A row; ``member`` None: a stranger, or somebody whom we do not know."""

    bill: CollectionBill
    member: str | None


async def bills(
    ctx: Context, account: str | None, guide: tuple[str, str] | None, start: date, until: date, args: PageArgs
) -> Slice[BillRecord]:
    """Rows of whole business days, in the platform's order, forward only; one call per thousand and one statement.

    Raises Forbidden, ToolNotConfigured and UserError.
    """
    ctx.principal.require(SCOPE)
    if not timedelta(0) < until - start <= timedelta(days=MOST_DAYS):
        raise UserError(f"Ask for 1 to {MOST_DAYS} days: until is the day after the last one.")
    corpid, userid = guide or (account, "")
    if account is not None and account != corpid:
        raise UserError("The guide is of another corp than account.")
    adapter = ctx.tool(EnterpriseChatAdapter, corpid)
    # The platform counts in whole seconds, and its spans are closed.
    first, last = _midnight(start), _midnight(until) - timedelta(seconds=1)

    async def read(cursor: str | None) -> Page[CollectionBill]:
        return await adapter.collection_bills(first, last, cursor, userid=userid)

    page = await forward(ctx, f"collectionBills:{adapter.account}:{userid}:{start}:{until}", args, read)
    payers = [each.external_userid for each in page.items if each.external_userid]
    members = await handovers.known(ctx, adapter.account, payers) if payers else {}
    return page.map(lambda each: BillRecord(each, members.get(each.external_userid)))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BUSINESS_ZONE)
