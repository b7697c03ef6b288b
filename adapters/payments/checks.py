"""What the platform would refuse, refused here before anything is stored or sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from adapters.base.errors import Invalid
from adapters.payments.errors import TOOL
from adapters.payments.keys import SEALED_BYTES

OUT_TRADE_NO: Final = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
#: Numbers of refunds, sharings and returns of shares.
OUT_NO: Final = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
OUT_BILL_NO: Final = re.compile(r"[0-9A-Za-z]{1,32}")


class Checks:
    """For one account."""

    def __init__(self, mchid: str, appids: Sequence[str]) -> None:
        self._mchid = mchid
        self._appids = appids

    def within(self, holds: bool, name: str, limit: str) -> None:
        """Raises Invalid ``invalid_<name>`` unless it holds."""
        if not holds:
            raise Invalid(TOOL, f"invalid_{name}", f"{name} must be {limit}.", account=self._mchid)

    def appid(self, appid: str) -> None:
        """One of the account's."""
        self.within(appid in self._appids, "appid", "one of the account's `appids`")

    def length(self, text: str, name: str, *, most: int, least: int = 0) -> None:
        """So many characters."""
        limit = f"{least}–{most} characters" if least else f"at most {most} characters"
        self.within(least <= len(text) <= most, name, limit)

    def out_no(self, number: str, name: str) -> None:
        """A number of ours, of 64 characters."""
        self.within(bool(OUT_NO.fullmatch(number)), name, "1–64 of 0-9A-Za-z_-|*@")

    def page(self, offset: int, limit: int, most: int) -> None:
        """A page of a list."""
        self.within(1 <= limit <= most, "limit", f"1–{most}")
        self.within(offset >= 0, "offset", "0 or more")

    def sealable(self, text: str, name: str) -> None:
        """What fits in an encrypted field."""
        self.within(0 < len(text.encode()) <= SEALED_BYTES, name, f"1–{SEALED_BYTES} bytes of UTF-8")
