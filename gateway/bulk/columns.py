"""What a column of an import file may hold, and how its text becomes a value.

A text is taken as Excel leaves it: spaces around it go, and so do the apostrophe and the ``="…"`` that keep long
numbers from becoming 1.38E+10. An empty text is no value: it never overwrites one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from gateway.bulk.reading import Fault, FileUnusable
from gateway.database.clock import BUSINESS_ZONE

#: Turns a text into a value; raises Refused.
Parse = Callable[[str], Any]

_MOBILE = re.compile(r"1[3-9]\d{9}")
_FOREIGN = re.compile(r"[1-9]\d{6,14}")
_SPACE = re.compile(r"\s")
_SEPARATORS = re.compile(r"[\s\-().]")
_MONEY = re.compile(r"(\d{1,12})(?:\.(\d{1,2})0*)?")
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+\d+", re.IGNORECASE)
_EXCEL_TEXT = re.compile(r'="(.*)"')
_YES = frozenset({"1", "true", "yes", "y", "是"})
_NO = frozenset({"0", "false", "no", "n", "否"})


class Refused(Exception):
    """A text that its column does not take. The message never shows the text: it may be personal."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its name. ``prefix`` means that the name ends with an issuer: ``openid:wx0123456789abcdef``."""

    name: str
    parse: Parse
    what: str
    required: bool = False
    prefix: bool = False


class Columns:
    """The columns of one kind of import."""

    def __init__(self, columns: Iterable[Column]) -> None:
        self.all = tuple(columns)
        self._fixed = {column.name: column for column in self.all if not column.prefix}
        self._prefixes = {column.name: column for column in self.all if column.prefix}
        self._required = [column.name for column in self.all if column.required]

    def find(self, name: str) -> Column | None:
        """The column that a name of the file stands for."""
        found = self._fixed.get(name)
        if found is None and ":" in name:
            kind, _, issuer = name.partition(":")
            found = self._prefixes.get(kind) if issuer else None
        return found

    def check_header(self, names: Iterable[str] | None) -> None:
        """Raise FileUnusable for a header with a column that means nothing here, or without a required one."""
        if names is None:
            return
        named = [name for name in names if name]
        unknown = [name for name in named if self.find(name) is None]
        if unknown:
            known = ", ".join(f"{column.name}:…" if column.prefix else column.name for column in self.all)
            raise FileUnusable(
                f"column {unknown[0]!r} means nothing here; rename it with --mapping '{unknown[0]}=…', or leave it"
                f" out with --mapping '{unknown[0]}='. The columns are {known}"
            )
        missing = [name for name in self._required if name not in named]
        if missing:
            raise FileUnusable(f"the header lacks the column {missing[0]!r}")

    def parse(self, row: Mapping[str, object]) -> dict[str, Any] | Fault:
        """The row's values by column; those that are empty are left out."""
        values: dict[str, Any] = {}
        for name, given in row.items():
            if not name or given is None or given == "":
                continue
            column = self._fixed.get(name) or self.find(name)
            if column is None:
                return Fault("COLUMN_UNKNOWN", "no such column; docs/bulk.md lists them", name)
            try:
                text = _text(given)
                if text:
                    values[name] = column.parse(text)
            except Refused as error:
                return Fault(error.code, str(error), name)
        for name in self._required:
            if name not in values:
                return Fault("VALUE_MISSING", "this column must have a value", name)
        return values


def _text(given: object) -> str:
    """What the cell says, without the marks that Excel needs."""
    if isinstance(given, str):
        text = given.strip()
        if text.startswith("'"):
            text = text[1:].strip()
        elif text.startswith('="'):
            found = _EXCEL_TEXT.fullmatch(text)
            text = found[1].strip() if found else text
        if "\0" in text:
            raise Refused("TEXT_INVALID", "the text holds a NUL character, which PostgreSQL cannot store")
        return text
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, int | float):
        return repr(given)
    raise Refused("TEXT_INVALID", "the value must be a text, a number or true and false")


def text(most: int) -> Parse:
    """Any text of up to ``most`` characters."""

    def parse(value: str) -> str:
        if len(value) > most:
            raise Refused("TEXT_TOO_LONG", f"the text has {len(value)} characters, {most} are possible")
        return value

    return parse


def code(most: int = 64) -> Parse:
    """A number or name that some system gave: no spaces inside, and not what Excel made of it."""

    def parse(value: str) -> str:
        if len(value) > most:
            raise Refused("TEXT_TOO_LONG", f"the text has {len(value)} characters, {most} are possible")
        if _SCIENTIFIC.fullmatch(value):
            raise Refused("NUMBER_MANGLED", "a spreadsheet has rounded this number; format the column as text")
        if _SPACE.search(value) is not None:
            raise Refused("TEXT_INVALID", "there are spaces inside")
        return value

    return parse


def phone(value: str) -> str:
    """A mainland mobile number as 11 digits; a foreign one, written with ``+``, with its country code."""
    if _SCIENTIFIC.fullmatch(value):
        raise Refused("NUMBER_MANGLED", "a spreadsheet has rounded this number; format the column as text")
    plain = _SEPARATORS.sub("", value)
    digits = plain.removeprefix("+").removeprefix("00")
    if len(digits) == 13 and digits.startswith("861"):
        digits = digits[2:]
    if _MOBILE.fullmatch(digits) or (plain != digits and _FOREIGN.fullmatch(digits)):
        return digits
    raise Refused("PHONE_INVALID", "not a mobile number: 11 digits from 13 on, or + and the country code")


def yes_no(value: str) -> bool:
    """yes or no, true or false, 1 or 0, 是 or 否."""
    lower = value.lower()
    if lower in _YES:
        return True
    if lower in _NO:
        return False
    raise Refused("CHOICE_INVALID", "give yes or no")


def choice(choices: Mapping[str, str]) -> Parse:
    """One of some texts, in whatever case, as the value that stands for it."""

    def parse(value: str) -> str:
        found = choices.get(value.upper())
        if found is None:
            raise Refused("CHOICE_INVALID", f"give one of {', '.join(choices)}")
        return found

    return parse


def whole(least: int, most: int) -> Parse:
    """A whole number within bounds."""

    def parse(value: str) -> int:
        digits = value.removesuffix(".0")
        if not digits.removeprefix("-").isascii() or not digits.removeprefix("-").isdigit() or len(digits) > 18:
            raise Refused("NUMBER_INVALID", "not a whole number")
        number = int(digits)
        if not least <= number <= most:
            raise Refused("NUMBER_INVALID", f"the number must be between {least} and {most}")
        return number

    return parse


def yuan(value: str) -> int:
    """An amount in yuan with at most two decimals, as fen."""
    found = _MONEY.fullmatch(value)
    if found is None or not value.isascii():
        raise Refused("AMOUNT_INVALID", "not an amount in yuan such as 1299 or 1299.00, without sign or separators")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def signed_yuan(value: str) -> int:
    """The same with a sign, as a till writes what it gave back."""
    return -yuan(value[1:]) if value.startswith("-") else yuan(value)


def day(value: str) -> str:
    """A date as ``2026-11-11``."""
    try:
        return date.fromisoformat(_dashed(value)).isoformat()
    except ValueError:
        raise Refused("DATE_INVALID", "not a date such as 2026-11-11") from None


def instant(value: str) -> datetime:
    """An instant; without a zone it is Beijing time, and a date alone is its midnight."""
    try:
        at = datetime.fromisoformat(_dashed(value))
    except ValueError:
        raise Refused(
            "DATE_INVALID", "not an instant such as 2026-11-11 20:41:00 or 2026-11-11T20:41:00+08:00"
        ) from None
    at = (at if at.tzinfo is not None else at.replace(tzinfo=BUSINESS_ZONE)).astimezone(UTC)
    if not 1970 <= at.year <= 9998:
        raise Refused("DATE_INVALID", "the instant must be between 1970 and 9998")
    return at


def _dashed(value: str) -> str:
    """``2026/1/5 9:30`` as a spreadsheet writes it, in the ISO form."""
    if "/" not in value:
        return value
    days, _, time = value.partition(" ")
    parts = days.split("/")
    if len(parts) != 3:
        return value
    clock = f" {time.zfill(5) if time.count(':') == 1 else time.zfill(8)}" if time else ""
    return f"{parts[0]}-{parts[1].zfill(2)}-{parts[2].zfill(2)}{clock}"


GENDERS: Final = {"MALE": "MALE", "M": "MALE", "男": "MALE", "FEMALE": "FEMALE", "F": "FEMALE", "女": "FEMALE"}
