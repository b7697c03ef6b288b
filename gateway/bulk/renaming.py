"""Lists of old and new names in a file, for ``gateway.members.renames``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.bulk.columns import Column, Columns, choice, code
from gateway.bulk.reading import Fault, FileUnusable, Source
from gateway.events.kinds import KINDS
from gateway.members.renames import Rename

#: A platform id is as long as the column that holds it; none of the seven gives longer ones.
_NAME = code(128)

RENAME_COLUMNS: Final = Columns(
    (
        Column("kind", choice({kind: kind for kind in KINDS}), "kind of the name", required=True),
        Column("issuer", code(), "within what the old name is unique", required=True),
        Column("old", _NAME, "the name until now", required=True),
        Column("new", _NAME, "the name from now on", required=True),
        Column("newIssuer", code(), "within what the new name is unique, where that differs"),
    )
)


class RenamesInvalid(FileUnusable):
    """A list with a line that is no rename; nothing of it was applied. Never shows the line: it holds names."""

    code = "RENAMES_INVALID"


def check(source: Source) -> int:
    """Read the whole list before any of it is applied; returns how many renames it holds.

    Raises FileUnusable for a file or header that cannot be read, RenamesInvalid for the first line that is no rename.
    """
    RENAME_COLUMNS.check_header(source.header())
    return sum(1 for _ in renames(source))


def renames(source: Source) -> Iterator[Rename]:
    """The renames of a list, a line at a time. Raises RenamesInvalid."""
    for row in source.rows():
        values = row.fault or RENAME_COLUMNS.parse(row.values)
        if isinstance(values, Fault):
            column = f", column {values.column}" if values.column else ""
            raise RenamesInvalid(
                f"{source.path.name}, line {row.line}{column}: {values.code}, {values.message}."
                " Put it right and run it again"
            )
        issuer = values["issuer"]
        yield Rename(values["kind"], issuer, values["old"], values.get("newIssuer", issuer), values["new"])
