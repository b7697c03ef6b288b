"""What users and banks do about money that leaves the merchant: transfers and shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.payments.sandbox import sharing, transfers
from adapters.payments.sandbox.notifications import Post
from adapters.payments.sandbox.state import Book, SharePart, TransferEntry, holding
from sandbox.platform import Action, Kit


class Payouts:
    """Further actions of this platform."""

    def __init__(self, kit: Kit, all_books: Mapping[str, Book], post: Post) -> None:
        self._kit = kit
        self._books = all_books
        self._post = post

    def actions(self) -> Mapping[str, Action]:
        """
        ====================  =========================================================================
        hold_transfers        {mchid, hold}: transfers are ACCEPTED first, from now on or no more
        check_transfer        {out_bill_no, mchid?}: one that is ACCEPTED waits for the user, and has its package
        confirm_transfer      {out_bill_no or package, mchid?}: the user confirms on the phone
        settle_transfer       {out_bill_no, fail_reason?, mchid?}: what was confirmed arrives or fails, what was
                              cancelled is CANCELLED; the merchant is told
        settle_sharing        {out_order_no, fail_reason?, mchid?}: parts arrive or are CLOSED; receivers are told
        settle_share_return   {out_return_no, fail_reason?, mchid?}: the part comes back or not; its giver is told
        ====================  =========================================================================
        """
        return {
            "hold_transfers": self._hold_transfers,
            "check_transfer": self._check_transfer,
            "confirm_transfer": self._confirm_transfer,
            "settle_transfer": self._settle_transfer,
            "settle_sharing": self._settle_sharing,
            "settle_share_return": self._settle_share_return,
        }

    async def _hold_transfers(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        book = self._books[str(asked["mchid"])]
        book.checks_transfers = bool(asked["hold"])
        return {"hold": book.checks_transfers}

    async def _check_transfer(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        _, entry = self._transfer(asked)
        transfers.checked(self._kit, entry)
        return {"out_bill_no": entry.out_bill_no, "state": entry.state}

    async def _confirm_transfer(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        book, entry = self._transfer(asked)
        transfers.confirm(book, self._kit, entry)
        return {"out_bill_no": entry.out_bill_no, "state": entry.state}

    async def _settle_transfer(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        book, entry = self._transfer(asked)
        transfers.settle(book, self._kit, entry, str(asked.get("fail_reason", "")))
        self._post.send(book, entry.notify_url, "MCHTRANSFER.BILL.FINISHED", transfers.notified(book, entry))
        return {"out_bill_no": entry.out_bill_no, "state": entry.state}

    def _transfer(self, asked: Mapping[str, Any]) -> tuple[Book, TransferEntry]:
        """By number, or by the package that the phone was given."""
        wanted = str(asked.get("out_bill_no") or asked["package"])

        def its_own(book: Book) -> list[TransferEntry]:
            return [each for each in book.transfers.values() if wanted in {each.out_bill_no, each.package}]

        book = holding(self._books, asked, lambda each: bool(its_own(each)), f"transfer {wanted}")
        return book, its_own(book)[0]

    async def _settle_sharing(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        number = str(asked["out_order_no"])
        book = holding(self._books, asked, lambda each: number in each.sharings, f"sharing {number}")
        entry = book.sharings[number]
        for part in sharing.settle(book, self._kit, entry, str(asked.get("fail_reason", ""))):
            if part.result == "SUCCESS" and part.finished_at is not None:
                content = sharing.notified(book, entry, part, part.amount, part.finished_at)
                self._tell(part, "PROFITSHARING.SUCCESS", content)
        return {"out_order_no": number, "results": [part.result for part in entry.parts]}

    async def _settle_share_return(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        number = str(asked["out_return_no"])
        book = holding(self._books, asked, lambda each: number in each.share_returns, f"share return {number}")
        entry = book.share_returns[number]
        sharing.settle_return(book, self._kit, entry, str(asked.get("fail_reason", "")))
        if entry.result == "SUCCESS":
            now = self._kit.clock.now()
            content = sharing.notified(book, entry.sharing, entry.part, entry.amount, now)
            self._tell(entry.part, "PROFITSHARING.RETURN", content)
        return {"out_return_no": number, "result": entry.result}

    def _tell(self, part: SharePart, event_type: str, content: Mapping[str, Any]) -> None:
        """The receiver, where it is a merchant of the brand's, at its console's address."""
        if part.type == "MERCHANT_ID" and part.account in self._books:
            self._post.send(self._books[part.account], "", event_type, content)
