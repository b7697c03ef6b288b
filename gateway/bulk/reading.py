"""Rows of a CSV or JSON lines file, streamed, each with its line and the byte at which the next one begins.

Nothing is lost: what cannot be read is a row as well, with the fault and the bytes as they stand in the file.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

import orjson

Format = Literal["csv", "jsonl"]
Encoding = Literal["utf-8", "gb18030"]

_BOM = b"\xef\xbb\xbf"
#: A row with more lines, or longer, is a quote that nobody closed: only its first line is given up.
MAX_LINES = 64
MAX_BYTES = 64 * 1024
_BLOCK = 1 << 20


class FileUnusable(Exception):
    """Nothing of the file can be imported. ``code`` stands in docs/errors.md."""

    code = "IMPORT_FILE_UNUSABLE"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row. ``column`` is empty when it is no single column's fault."""

    code: str
    message: str
    column: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``line`` counts from 1; ``end`` is the byte after it; ``values`` is empty where ``fault`` says why."""

    line: int
    lines: int
    end: int
    raw: bytes = field(repr=False)
    values: Mapping[str, object] = field(repr=False)
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A file, how it is written, and which of its columns means what.

    ``mapping`` is column of the file → our column; columns that it does not name keep their names.
    """

    path: Path
    format: Format
    encoding: Encoding = "utf-8"
    mapping: Mapping[str, str] = field(default_factory=dict)

    def open(self) -> BinaryIO:
        """The bytes. Raises FileUnusable."""
        try:
            return self.path.open("rb")
        except OSError as error:
            raise FileUnusable(
                f"{self.path}: {error.strerror}; give the path of a file that the gateway's process can read"
            ) from None

    def header(self) -> list[str] | None:
        """Our names of a CSV file's columns; None for JSON lines, which have no header. Raises FileUnusable."""
        if self.format == "jsonl":
            return None
        with self.open() as file:
            return self._header(file)[0]

    def rows(self, offset: int = 0, line: int = 0) -> Iterator[Row]:
        """Rows from a byte offset on, at which ``line`` lines have been read. Raises FileUnusable."""
        with self.open() as file:
            if self.format == "jsonl":
                if offset == 0:
                    offset = len(_BOM) if file.read(len(_BOM)) == _BOM else 0
                file.seek(offset)
                yield from self._json_rows(file, offset, line)
            else:
                names, begin, lines = self._header(file)
                if offset < begin:
                    offset, line = begin, lines
                file.seek(offset)
                yield from self._csv_rows(file, names, offset, line)

    def _header(self, file: BinaryIO) -> tuple[list[str], int, int]:
        """Names, the byte after the header, its lines."""
        raw = file.readline(MAX_BYTES)
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise FileUnusable(f"{self.path.name} is UTF-16: save it as CSV UTF-8, or as CSV with --encoding gb18030")
        try:
            text = raw.removeprefix(_BOM).decode(self.encoding)
        except UnicodeDecodeError:
            raise FileUnusable(
                f"the first line of {self.path.name} is not {self.encoding}; Excel in China writes gb18030"
            ) from None
        names = [name.strip() for name in next(csv.reader([text]), [])]
        if not any(names):
            raise FileUnusable(f"{self.path.name} has no header: the first line must name the columns")
        mapped = [self.mapping.get(name, name) for name in names]
        twice = sorted({name for name in mapped if name and mapped.count(name) > 1})
        if twice:
            raise FileUnusable(f"{self.path.name} has the column {twice[0]!r} twice")
        return mapped, len(raw), 1

    def _csv_rows(self, file: BinaryIO, names: Sequence[str], offset: int, line: int) -> Iterator[Row]:
        feed = _Lines(file, self.encoding)
        count = len(names)
        while True:
            # A fresh reader after each fault: the old one may be in the middle of a quoted field.
            reader = csv.reader(feed, strict=True)
            while True:
                taken: list[bytes] = []
                feed.taken = taken
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except (csv.Error, _TooLong, UnicodeDecodeError) as error:
                    feed.give_back(taken[1:])
                    raw = taken[0]
                    offset += len(raw)
                    line += 1
                    yield Row(line, 1, offset, raw, {}, _csv_fault(error, self.encoding))
                    break
                raw = taken[0] if len(taken) == 1 else b"".join(taken)
                offset += len(raw)
                first, line = line + 1, line + len(taken)
                if not cells:
                    continue
                if len(cells) != count:
                    fault = Fault("COLUMN_COUNT", f"the row has {len(cells)} columns and the header {count}")
                    yield Row(first, len(taken), offset, raw, {}, fault)
                else:
                    yield Row(first, len(taken), offset, raw, dict(zip(names, cells, strict=True)))

    def _json_rows(self, file: BinaryIO, offset: int, line: int) -> Iterator[Row]:
        mapping = self.mapping
        while raw := file.readline(MAX_BYTES):
            line += 1
            fault = None
            if len(raw) == MAX_BYTES and not raw.endswith(b"\n"):
                raw += _rest_of_line(file)
                fault = Fault("ROW_TOO_LONG", f"the line has more than {MAX_BYTES} bytes")
            offset += len(raw)
            if not raw.strip():
                continue
            values: Mapping[str, object] = {}
            if fault is None:
                try:
                    found = orjson.loads(raw if self.encoding == "utf-8" else raw.decode(self.encoding))
                except (orjson.JSONDecodeError, UnicodeDecodeError):
                    fault = Fault("JSON_INVALID", f"the line is not JSON in {self.encoding}")
                else:
                    if isinstance(found, dict):
                        values = {mapping.get(name, name): value for name, value in found.items()} if mapping else found
                    else:
                        fault = Fault("JSON_INVALID", "the line is JSON, but not an object")
            yield Row(line, 1, offset, raw, values, fault)


@dataclass(frozen=True, slots=True)
class Measure:
    """A file's size, its lines, and the SHA-256 of its bytes: another file must not be continued in its place."""

    size: int
    lines: int
    fingerprint: str


def measure(source: Source) -> Measure:
    """Read the file once; a gigabyte takes a second or two."""
    digest = hashlib.sha256()
    size = lines = 0
    block = b""
    with source.open() as file:
        while more := file.read(_BLOCK):
            block = more
            digest.update(block)
            size += len(block)
            lines += block.count(b"\n")
    return Measure(size, lines + bool(block and not block.endswith(b"\n")), digest.hexdigest())


class _TooLong(Exception):
    """A row that does not end."""


class _Lines:
    """Lines for the CSV reader, which takes no more of them than its row needs.

    ``taken`` collects the bytes of the row under way.
    """

    def __init__(self, file: BinaryIO, encoding: Encoding) -> None:
        self._file = file
        self._encoding = encoding
        self._given_back: list[bytes] = []
        self._bytes = 0
        self.taken: list[bytes] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = self._given_back.pop() if self._given_back else self._file.readline(MAX_BYTES)
        if not raw:
            raise StopIteration
        taken = self.taken
        taken.append(raw)
        if len(taken) > 1:
            if len(taken) > MAX_LINES or sum(map(len, taken)) > MAX_BYTES:
                raise _TooLong
        elif len(raw) == MAX_BYTES and not raw.endswith(b"\n"):
            taken[0] = raw + _rest_of_line(self._file)
            raise _TooLong
        return raw.decode(self._encoding)

    def give_back(self, lines: Sequence[bytes]) -> None:
        """Have them read again, in order."""
        self._given_back.extend(reversed(lines))


def _rest_of_line(file: BinaryIO) -> bytes:
    """What a reject must still hold of a line that is too long to be a row."""
    pieces = []
    while piece := file.readline(MAX_BYTES):
        pieces.append(piece)
        if piece.endswith(b"\n"):
            break
    return b"".join(pieces)


def _csv_fault(error: Exception, encoding: Encoding) -> Fault:
    if isinstance(error, UnicodeDecodeError):
        return Fault("ENCODING", f"the row is not {encoding} at its byte {error.start + 1}")
    if isinstance(error, _TooLong):
        return Fault("QUOTE_OPEN", f"a quoted text does not end within {MAX_LINES} lines and {MAX_BYTES} bytes")
    return Fault("QUOTING", "quotes stand where none may: double each quote inside a quoted text")
