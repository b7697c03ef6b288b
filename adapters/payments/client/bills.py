"""Bills: asked for, then fetched from where they lie."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final
from urllib.parse import urlencode, urlsplit

from adapters.base.endpoint import read
from adapters.base.transport import Response
from adapters.payments import models
from adapters.payments.client.wire import Wire
from adapters.payments.errors import BILL_HASH

TRADE_BILL: Final = read("trade_bill", family="bills")
FUND_FLOW_BILL: Final = read("fund_flow_bill", family="bills")
DOWNLOAD_BILL: Final = read("download_bill", timeout=30.0, family="bills")

_GZIP: Final = b"\x1f\x8b"


class BillsClient:
    """``/v3/bill``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def trade_bill(self, bill_date: str) -> models.BillLink:
        """申请交易账单 (4013071227)."""
        query = urlencode({"bill_date": bill_date, "bill_type": "ALL", "tar_type": "GZIP"})
        return await self._wire.json(TRADE_BILL, "GET", f"/v3/bill/tradebill?{query}", models.BillLink)

    async def fund_flow_bill(self, bill_date: str, account_type: str) -> models.BillLink:
        """申请资金账单 (4013071235)."""
        query = urlencode({"bill_date": bill_date, "account_type": account_type, "tar_type": "GZIP"})
        return await self._wire.json(FUND_FLOW_BILL, "GET", f"/v3/bill/fundflowbill?{query}", models.BillLink)

    async def download_bill(
        self, link: models.BillLink, read_rows: Callable[[str], Iterable[models.BillLine]]
    ) -> Sequence[models.BillLine]:
        """下载账单 (4013071238). The answer is not signed: its hash was, in the answer that gave the link."""

        def rows(response: Response) -> Sequence[models.BillLine]:
            plain = _unpacked(response.body)
            # SHA-1 is the platform's choice and guards against broken transfers only.
            digest = hashlib.sha1(plain).hexdigest()  # noqa: S324
            if link.hash_type != "SHA1" or digest != link.hash_value.lower():
                raise self._wire.failure(BILL_HASH, DOWNLOAD_BILL, response)
            return tuple(read_rows(plain.decode()))

        parts = urlsplit(link.download_url)
        # Signed and sent exactly as given.
        target = link.download_url.removeprefix(f"{parts.scheme}://{parts.netloc}")
        return await self._wire.call(DOWNLOAD_BILL, "GET", target, rows, url=link.download_url, signed=False)


def _unpacked(body: bytes) -> bytes:
    """The bill's own bytes. Raises ValueError for a broken archive."""
    if not body.startswith(_GZIP):
        return body
    try:
        return gzip.decompress(body)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError("the archive is broken") from error
