"""The file of rejected rows: JSON lines with the place, the reason and the row as it stood.

It belongs to the checkpoint: bytes after the length that was committed are of a batch that never was, and are cut off
before the run goes on. It holds what the imported file held, so only its owner may read it.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import orjson

from gateway.bulk.reading import Encoding, Fault, FileUnusable, Row


class RejectFile:
    """Open for the time of one attempt. Raises FileUnusable when it cannot be written."""

    def __init__(self, path: Path, length: int, encoding: Encoding) -> None:
        self._path = path
        self._encoding = encoding
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise FileUnusable(f"{path}: {error.strerror}; name another file with --rejects") from None
        have = os.fstat(descriptor).st_size
        if have < length:
            os.close(descriptor)
            raise FileUnusable(
                f"{path} has lost rejected rows: it has {have} bytes of {length}. Restore it, or import the file again"
            )
        os.truncate(descriptor, length)
        self._file: BinaryIO = os.fdopen(descriptor, "r+b")
        self._file.seek(length)

    def add(self, rows: Sequence[Row], at: Row, fault: Fault) -> None:
        """Reject these rows, which stand together, for what is wrong with one of them."""
        raw = b"".join(row.raw for row in rows)
        line: dict[str, object] = {
            "line": at.line,
            "column": fault.column or None,
            "code": fault.code,
            "reason": fault.message,
        }
        try:
            line["raw"] = raw.decode(self._encoding)
        except UnicodeDecodeError:
            line["rawBase64"] = base64.b64encode(raw).decode()
        self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def sync(self) -> int:
        """Make sure that they are on the disk; returns the length."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self, *, drop_if_empty: bool = False) -> None:
        """Close it; a file without rejects need not stay."""
        empty = self._file.seek(0, os.SEEK_END) == 0
        self._file.close()
        if empty and drop_if_empty:
            self._path.unlink(missing_ok=True)
