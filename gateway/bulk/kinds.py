"""What the kinds of import have in common: rows become records, records are written batch by batch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.bulk.columns import Columns
from gateway.bulk.reading import Fault, Row
from gateway.events.projector import Handle


@dataclass(frozen=True, slots=True)
class Counts:
    """What a batch did. Rows that said nothing new are in neither."""

    created: int = 0
    updated: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """Rows that are one thing, and its record or the fault of one of the rows (``at``)."""

    rows: Sequence[Row]
    record: Any = None
    fault: Fault | None = None
    at: Row | None = None


#: Called inside the transaction that writes a batch, so that the checkpoint commits with it.
Commit = Callable[[AsyncConnection, Counts], Awaitable[None]]


class Kind(Protocol):
    """One kind of import."""

    @property
    def name(self) -> str:
        """Such as ``members``."""
        ...

    @property
    def columns(self) -> Columns:
        """What its files may hold."""
        ...

    def items(self, rows: Iterator[Row]) -> Iterator[Item]:
        """Group and parse rows. Pure, and lazy: it takes no more rows than it needs, and one."""
        ...

    def prepare(self, records: Sequence[Any]) -> Any:
        """What can be computed before the transaction. Runs on another thread, beside the batch before."""
        ...

    async def write(self, prepared: Any, run: str, commit: Commit) -> None:
        """Write one batch of a run and call ``commit``, in one transaction. Repeating it changes nothing."""
        ...


#: What a prefix of an import's column stands for.
ISSUED = {"openid": "OPENID", "external_userid": "EXTERNAL_USERID", "card": "CARD"}


def handles(values: dict[str, Any], open_platform: str) -> list[Handle]:
    """The names in a row that prove who it is, the brand's own number first: rows refer to the first one."""
    found = [Handle("OUT_ID", OUT_ID_ISSUER, values["out_id"])] if "out_id" in values else []
    issued = [
        Handle(ISSUED[kind], issuer, value)
        for kind, _, issuer, value in ((*name.partition(":"), value) for name, value in values.items())
        if issuer and kind in ISSUED
    ]
    found += sorted(issued, key=lambda handle: (handle.kind, handle.issuer))
    if "unionid" in values:
        found.append(Handle("UNIONID", open_platform, values["unionid"]))
    return found


#: Within what the brand's own member numbers are unique.
OUT_ID_ISSUER = "brand"
