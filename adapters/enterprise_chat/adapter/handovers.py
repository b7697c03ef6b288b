"""Customers and groups of one employee given to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.base.page import Page
from adapters.enterprise_chat.adapter.account import Account, moment
from adapters.enterprise_chat.client.groups import FailedChats
from adapters.enterprise_chat.client.handovers import Transfer, TransferResult
from adapters.enterprise_chat.errors import FAULTS
from adapters.enterprise_chat.records.handovers import HandoverResult, HandoverRow, HandoverStatus

#: Customers, and groups, in one call.
HANDOVER_LIMIT: Final = 100
#: Characters of what the customer reads.
HANDOVER_TEXT_LIMIT: Final = 200
_STATUSES: Final = {
    1: HandoverStatus.DONE,
    2: HandoverStatus.WAITING,
    3: HandoverStatus.REFUSED,
    4: HandoverStatus.FULL,
}


class Handovers(Account):
    """在职继承 and 离职继承; see ``EnterpriseChatAdapter``."""

    async def hand_over(
        self, old: str, new: str, external_userids: Sequence[str], message: str = ""
    ) -> Sequence[HandoverRow]:
        """Give customers of an employee who stays to another; one call, never repeated.

        1 to 100 customers; ``message`` is what they read, 200 characters. In the order asked: whose row is
        accepted has the new employee after 24 hours, unless they refuse. A customer is given at most twice in 90
        days. Raises Conflict ``edited_at_once`` while another handover is being entered.
        """
        self._check_count("too_many_customers", "customers", external_userids, HANDOVER_LIMIT)
        self._check_characters("handover_text", "The message", message, HANDOVER_TEXT_LIMIT)
        return _rows(external_userids, await self._handovers.transfer_customer(old, new, external_userids, message))

    async def hand_over_resigned(self, old: str, new: str, external_userids: Sequence[str]) -> Sequence[HandoverRow]:
        """The same for an employee who left, at most a year ago; see ``unassigned``."""
        self._check_count("too_many_customers", "customers", external_userids, HANDOVER_LIMIT)
        return _rows(external_userids, await self._handovers.resigned_transfer_customer(old, new, external_userids))

    async def handovers(self, old: str, new: str, cursor: str | None = None) -> Page[HandoverResult]:
        """What became of the customers that one gave the other, 1000 a page."""
        return _results(await self._handovers.transfer_result(old, new, cursor or ""))

    async def handovers_resigned(self, old: str, new: str, cursor: str | None = None) -> Page[HandoverResult]:
        """The same for an employee who left."""
        return _results(await self._handovers.resigned_transfer_result(old, new, cursor or ""))

    async def hand_over_groups(self, chat_ids: Sequence[str], new_owner: str) -> Sequence[HandoverRow]:
        """Give groups of employees who stay to another owner; at once. 1 to 100 groups, never repeated."""
        self._check_count("too_many_groups", "groups", chat_ids, HANDOVER_LIMIT)
        return _groups(chat_ids, await self._groupchats.groupchat_onjob_transfer(chat_ids, new_owner))

    async def hand_over_groups_resigned(self, chat_ids: Sequence[str], new_owner: str) -> Sequence[HandoverRow]:
        """The same for groups whose owner left."""
        self._check_count("too_many_groups", "groups", chat_ids, HANDOVER_LIMIT)
        return _groups(chat_ids, await self._groupchats.groupchat_transfer(chat_ids, new_owner))


def _row(an_id: str, code: int) -> HandoverRow:
    if not code:
        return HandoverRow(an_id)
    return HandoverRow(an_id, FAULTS.error(code).reason, str(code))


def _rows(asked: Sequence[str], answer: Transfer) -> Sequence[HandoverRow]:
    codes = {row.external_userid: row.errcode for row in answer.customer}
    # A customer of whom the answer says nothing is not under way: that is the safe reading.
    return tuple(_row(each, codes[each]) if each in codes else HandoverRow(each, "not_answered") for each in asked)


def _results(answer: TransferResult) -> Page[HandoverResult]:
    rows = [
        HandoverResult(row.external_userid, _STATUSES.get(row.status, HandoverStatus.OTHER), moment(row.takeover_time))
        for row in answer.customer
    ]
    return Page(rows, answer.next_cursor or None)


def _groups(asked: Sequence[str], answer: FailedChats) -> Sequence[HandoverRow]:
    codes = {row.chat_id: row.errcode for row in answer.failed_chat_list}
    return tuple(_row(each, codes.get(each, 0)) for each in asked)
