"""CRC-64/XZ (ECMA-182, reflected), the checksum that COS states for every whole object and every part.

The standard library has it in C, as the check of a block of the .xz format, though under no name of its own: bytes that
stand uncompressed in such a block are compared with the sum behind them when the block is read. That is a hundred
times faster than a loop over bytes in Python, which would hold up the whole process.
"""

from __future__ import annotations

import lzma
import re
from typing import Final

#: Header of a stream that says CRC-64, and of a block whose only filter is LZMA2 with the smallest dictionary.
_HEADERS: Final = bytes.fromhex("fd377a585a000004e6d6b446") + bytes.fromhex("0200210100000000372797d6")
#: An uncompressed chunk of LZMA2 holds at most this much.
_CHUNK: Final = 0x10000
_FIRST, _NEXT, _END = b"\x01", b"\x02", b"\x00"


class Crc64:
    """Takes bytes as they pass; then says whether a stated checksum is theirs."""

    def __init__(self) -> None:
        self._block = lzma.LZMADecompressor(lzma.FORMAT_XZ)
        self._block.decompress(_HEADERS)
        self._control = _FIRST
        self._length = 0

    def update(self, data: bytes) -> None:
        """The next bytes."""
        for start in range(0, len(data), _CHUNK):
            chunk = data[start : start + _CHUNK]
            self._feed(self._control + (len(chunk) - 1).to_bytes(2, "big") + chunk)
            self._control = _NEXT

    def matches(self, stated: str) -> bool:
        """Whether ``stated``, unsigned decimal text as COS writes it, is the checksum. Nothing can follow."""
        if not re.fullmatch("[0-9]{1,20}", stated) or int(stated) >= 2**64:
            return False
        self._feed(_END)
        try:
            self._feed(bytes(-self._length % 4) + int(stated).to_bytes(8, "little"))
        except lzma.LZMAError:
            return False
        return True

    def _feed(self, data: bytes) -> None:
        self._block.decompress(data)
        self._length += len(data)


def matches(body: bytes, stated: str) -> bool:
    """Whether ``stated`` is the checksum of the body."""
    check = Crc64()
    check.update(body)
    return check.matches(stated)
