"""Money that customers paid in chats."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from adapters.base.page import Page
from adapters.enterprise_chat.adapter.account import Account, instant, unix
from adapters.enterprise_chat.client import PAGE_LIMIT
from adapters.enterprise_chat.client.bills import Bill
from adapters.enterprise_chat.records.figures import BillKind, BillRefund, CollectionBill

#: The longest time of one question.
BILL_WINDOW: Final = timedelta(days=31)
_REFUND: Final = 1
_PAID_BACK: Final = 2


class Bills(Account):
    """对外收款; see ``EnterpriseChatAdapter``."""

    async def collection_bills(
        self, start: datetime, end: datetime, cursor: str | None = None, *, userid: str = ""
    ) -> Page[CollectionBill]:
        """对外收款记录 of a time, a month at most, of everybody or of one employee; 1000 a page.

        Employees whom the app does not see are taken out of pages: one may be short or empty and not the last.
        """
        if not timedelta(0) < end - start <= BILL_WINDOW:
            raise self._invalid("window", f"Ask for more than nothing and at most {BILL_WINDOW.days} days at once.")
        answer = await self._bills.get_bill_list(unix(start), unix(end), userid, cursor or "", PAGE_LIMIT)
        return Page([self._bill(row) for row in answer.bill_list], answer.next_cursor or None)

    def _bill(self, wire: Bill) -> CollectionBill:
        return CollectionBill(
            corpid=self._corpid,
            kind=BillKind.REFUND if wire.bill_type == _REFUND else BillKind.PAYMENT,
            transaction_id=wire.transaction_id,
            out_trade_no=wire.out_trade_no,
            external_userid=wire.external_userid,
            userid=wire.payee_userid,
            amount=wire.total_fee,
            refunded=wire.total_refund_fee,
            at=instant(wire.pay_time),
            mchid=wire.mch_id,
            payment_type=wire.payment_type,
            remark=wire.remark,
            lines=tuple((line.description, line.amount) for line in wire.commodity_list),
            refunds=tuple(
                BillRefund(refund.out_refund_no, refund.refund_fee, refund.refund_status == _PAID_BACK)
                for refund in wire.refund_list
            ),
        )
