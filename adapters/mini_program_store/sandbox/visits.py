"""Endpoints of /datacube: invented figures, always the same for the same app and day."""

from __future__ import annotations

import hashlib
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final, Literal

from starlette.routing import Route

from adapters.mini_program_store.sandbox.bodies import Body
from adapters.mini_program_store.sandbox.gate import Gate, Handler
from adapters.mini_program_store.sandbox.state import App
from adapters.mini_program_store.sandbox.wire import Refusal
from sandbox.platform import Kit

Span = Literal["day", "week", "month", "portrait"]
PAGES: Final = ("pages/index", "pages/product", "pages/order")
_BEIJING: Final = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class VisitsApi:
    """Handlers that need no state."""

    gate: Gate
    kit: Kit

    def routes(self) -> list[Route]:
        """Every endpoint below /datacube."""
        handlers: dict[str, tuple[Span, Handler]] = {
            "getweanalysisappiddailysummarytrend": ("day", self._summary),
            "getweanalysisappiddailyvisittrend": ("day", self._trend("day")),
            "getweanalysisappidweeklyvisittrend": ("week", self._trend("week")),
            "getweanalysisappidmonthlyvisittrend": ("month", self._trend("month")),
            "getweanalysisappiddailyretaininfo": ("day", self._retention("day")),
            "getweanalysisappidweeklyretaininfo": ("week", self._retention("week")),
            "getweanalysisappidmonthlyretaininfo": ("month", self._retention("month")),
            "getweanalysisappidvisitdistribution": ("day", self._distribution),
            "getweanalysisappidvisitpage": ("day", self._pages),
            "getweanalysisappiduserportrait": ("portrait", self._portrait),
        }
        return [
            self.gate.post(f"/datacube/{name}", "mini_program", self._spanned(span, handler))
            for name, (span, handler) in handlers.items()
        ]

    def _spanned(self, span: Span, handler: Handler) -> Handler:
        """Checks the two days before the handler sees them."""

        def check(app: App, body: Body) -> Any:
            begin, end = _day(body, "begin_date"), _day(body, "end_date")
            today = self.kit.clock.now().astimezone(_BEIJING).date()
            if not _fits(span, begin, end, today):
                raise Refusal(61501, "date range error")
            if end >= today:
                raise Refusal(61503, "data not ready")
            return handler(app, body)

        return check

    def _summary(self, app: App, body: Body) -> Mapping[str, Any]:
        day = str(body["begin_date"])
        shares = _number(app, day, "share", 10, 90)
        row = {"ref_date": day, "visit_total": _number(app, day, "total", 9000, 9999), "share_pv": shares}
        return {"list": [{**row, "share_uv": shares // 2}]}

    def _trend(self, span: Span) -> Handler:
        def trend(app: App, body: Body) -> Mapping[str, Any]:
            ref = _ref(span, body)
            sessions = _number(app, ref, "session", 300, 900)
            visitors = sessions * 2 // 3
            row = {
                "ref_date": ref,
                "session_cnt": sessions,
                "visit_pv": sessions * 4,
                "visit_uv": visitors,
                "visit_uv_new": visitors // 5,
                "stay_time_uv": 84.5,
                "stay_time_session": 56.25,
                "visit_depth": 2.75,
            }
            return {"list": [row]}

        return trend

    def _retention(self, span: Span) -> Handler:
        def retention(app: App, body: Body) -> Mapping[str, Any]:
            ref = _ref(span, body)
            first = _number(app, ref, "session", 300, 900) * 2 // 3
            kept = [{"key": 0, "value": first}, {"key": 1, "value": first // 3}]
            new = [{"key": 0, "value": first // 5}, {"key": 1, "value": first // 20}]
            return {"ref_date": ref, "visit_uv_new": new, "visit_uv": kept}

        return retention

    def _distribution(self, app: App, body: Body) -> Mapping[str, Any]:
        day = str(body["begin_date"])
        sessions = _number(app, day, "session", 300, 900)
        halves = [{"key": 1, "value": sessions // 2}, {"key": 2, "value": sessions - sessions // 2}]
        names = ("access_source_session_cnt", "access_staytime_info", "access_depth_info")
        return {"ref_date": day, "list": [{"index": name, "item_list": halves} for name in names]}

    def _pages(self, app: App, body: Body) -> Mapping[str, Any]:
        day, found = str(body["begin_date"]), []
        for path in PAGES:
            views = _number(app, day, path, 100, 999)
            figures = {"page_visit_pv": views, "page_visit_uv": views // 2, "page_staytime_pv": 12.5}
            ways = {"entrypage_pv": views // 3, "exitpage_pv": views // 4, "page_share_pv": 5, "page_share_uv": 3}
            found.append({"page_path": path, **figures, **ways})
        return {"ref_date": day, "list": found}

    def _portrait(self, app: App, body: Body) -> Mapping[str, Any]:
        count = _number(app, str(body["end_date"]), "portrait", 100, 999)
        side = {
            "province": [{"id": 31, "name": "上海市", "value": count}],
            "city": [{"id": 3101, "name": "上海", "value": count}],
            "genders": [{"id": 2, "name": "女", "value": count}],
            "platforms": [{"id": 1, "name": "iPhone", "value": count}],
            "devices": [{"name": "iPhone 15", "value": count}],
            "ages": [{"id": 3, "name": "25-29岁", "value": count}],
        }
        return {"ref_date": f"{body['begin_date']}-{body['end_date']}", "visit_uv_new": side, "visit_uv": side}


def _day(body: Body, name: str) -> date:
    """``20240501``: with dashes it is another product's format."""
    value = body.get(name)
    if not isinstance(value, str) or len(value) != 8 or not value.isdecimal():
        raise Refusal(61500, "date format error")
    try:
        return datetime.strptime(value, "%Y%m%d").replace(tzinfo=_BEIJING).date()
    except ValueError:
        raise Refusal(61500, "date format error") from None


def _fits(span: Span, begin: date, end: date, today: date) -> bool:
    if span == "week":
        return begin.weekday() == 0 and end - begin == timedelta(days=6)
    if span == "month":
        return begin.day == 1 and end == begin.replace(day=monthrange(begin.year, begin.month)[1])
    if span == "portrait":
        return (end - begin).days in {0, 6, 29} and end == today - timedelta(days=1)
    return begin == end


def _ref(span: Span, body: Body) -> str:
    begin, end = str(body["begin_date"]), str(body["end_date"])
    return {"day": begin, "week": f"{begin}-{end}", "month": begin[:6], "portrait": end}[span]


def _number(app: App, day: str, what: str, least: int, most: int) -> int:
    seed = hashlib.sha256(f"{app.owner.appid}/{day}/{what}".encode()).digest()
    return least + int.from_bytes(seed[:4], "big") % (most - least + 1)
