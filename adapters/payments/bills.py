"""Bills (账单), fetched, checked and read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date
from functools import partial
from typing import Final, TypeVar

from adapters.base.errors import Malformed, NotFound
from adapters.payments import models, translation
from adapters.payments.client import BillsClient
from adapters.payments.errors import TOOL
from adapters.payments.records import BillRow, FundAccount, FundFlow

R = TypeVar("R")

_BAD_ROW: Final = "A row of the bill holds a time or an amount that its documentation does not describe."


class Bills:
    """Of one mchid; see ``PaymentsAdapter``."""

    def __init__(self, mchid: str, client: BillsClient) -> None:
        self._mchid = mchid
        self._bills = client

    async def trade_bill(self, day: date) -> Sequence[BillRow] | None:
        """Every payment and refund of a Beijing day; None when nothing was traded.

        Yesterday's is ready from 10:00, days reach three months back. RateLimited
        ``statement_creating`` before that. A wrong hash is Malformed.
        """
        link = self._bills.trade_bill(day.isoformat())
        return await self._bill(link, models.trade_bill_rows, translation.bill_row)

    async def fund_flows(self, day: date, account: FundAccount = FundAccount.BASIC) -> Sequence[FundFlow] | None:
        """Every movement of money in one of the merchant's accounts on a Beijing day (资金账单); None when none did.

        Ready and refused as ``trade_bill`` is.
        """
        link = self._bills.fund_flow_bill(day.isoformat(), account.value)
        return await self._bill(link, models.fund_flow_rows, partial(translation.fund_flow, account))

    async def _bill(
        self,
        asked: Awaitable[models.BillLink],
        read: Callable[[str], Iterable[models.BillLine]],
        translated: Callable[[models.BillLine], R],
    ) -> list[R] | None:
        try:
            return [translated(row) for row in await self._bills.download_bill(await asked, read)]
        except ValueError:
            # The cause may quote the bill.
            raise Malformed(TOOL, "unreadable", _BAD_ROW, endpoint="download_bill", account=self._mchid) from None
        except NotFound as missing:
            if missing.reason == "no_statement":
                return None
            raise
