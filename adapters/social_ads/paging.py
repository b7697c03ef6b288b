"""Cursors for lists that the platform pages by number: they say where the next call begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from adapters.base.errors import Invalid
from adapters.social_ads import models
from adapters.social_ads.errors import NAME

#: Days of one daily_reports/get call; longer ranges are read window by window.
REPORT_DAYS_PER_CALL: Final = 90
#: Leads reachable by page number; what follows is asked for by the last row seen.
LEADS_BY_PAGE: Final = 5000


@dataclass(frozen=True, slots=True)
class ReportPlace:
    """A page within a window of days, which begins at ``first``."""

    first: date
    page: int = 1

    @classmethod
    def parse(cls, cursor: str | None, start: date) -> ReportPlace:
        """Raises Invalid for a cursor that is not ours."""
        if cursor is None:
            return cls(start)
        try:
            first, page = cursor.split("/")
            return cls(date.fromisoformat(first), int(page))
        except ValueError:
            raise bad_cursor("daily_reports_get") from None

    def last(self, end: date) -> date:
        """The window's last day; ``end`` is the day after the whole range."""
        return min(self.first + timedelta(days=REPORT_DAYS_PER_CALL), end) - timedelta(days=1)

    def after(self, total_pages: int, end: date) -> str | None:
        """The cursor of what follows this page."""
        if self.page < total_pages:
            return f"{self.first.isoformat()}/{self.page + 1}"
        following = self.last(end) + timedelta(days=1)
        return f"{following.isoformat()}/1" if following < end else None


@dataclass(frozen=True, slots=True)
class LeadPlace:
    """A place in a list that is newest first and ends at the Unix second ``last``.

    ``last`` is part of the cursor: were it "now" each time, new leads would push the pages along.
    """

    last: int
    page: int = 1
    after_values: tuple[str, str] | None = None

    @classmethod
    def parse(cls, cursor: str | None, last: int) -> LeadPlace:
        """Raises Invalid for a cursor that is not ours."""
        if cursor is None:
            return cls(last)
        try:
            numbers = [int(part) for part in cursor.split("/")]
            if len(numbers) == 2:
                return cls(numbers[0], numbers[1])
            end, milliseconds, lead = numbers
            return cls(end, after_values=(str(milliseconds), str(lead)))
        except ValueError:
            raise bad_cursor("leads_list_get") from None

    def after(self, rows: int, page_size: int, total_pages: int, milliseconds: int, lead: int) -> str | None:
        """The cursor of what follows ``rows`` rows, whose last is ``lead`` of that time."""
        if rows == 0:
            return None
        if self.after_values is None:
            if self.page >= total_pages:
                return None
            if self.page * page_size < LEADS_BY_PAGE:
                return f"{self.last}/{self.page + 1}"
        elif rows < page_size:
            return None
        return f"{self.last}/{milliseconds}/{lead}"


def page_number(cursor: str | None, endpoint: str) -> int:
    """The page that a cursor of a list by plain numbers means. Raises Invalid for one that is not ours."""
    if cursor is None:
        return 1
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10 and int(cursor) > 1):
        raise bad_cursor(endpoint)
    return int(cursor)


def next_page(page: int, info: models.PageInfo | None) -> str | None:
    """The cursor of the page after this one; None at the end."""
    return str(page + 1) if info is not None and page < info.total_page else None


def bad_cursor(endpoint: str) -> Invalid:
    """For a cursor that this list never gave."""
    message = "The cursor is not one of this list; start again without it."
    return Invalid(NAME, "cursor", message, endpoint=endpoint)
