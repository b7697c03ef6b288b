"""Answers in the platform's envelope, and readers of its query parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from starlette.responses import Response

#: The documentation shows 31033 alone; the other numbers of the parameter block are made up.
MISSING: Final = 31001
WRONG_TYPE: Final = 31002
NOT_IN_RANGE: Final = 31003
NOT_PERMITTED: Final = 31033


class Refusal(Exception):
    """The platform says no, with a code."""

    def __init__(self, code: int, message: str, message_cn: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.message_cn = message_cn or message


def answer(data: Mapping[str, Any], trace: str, remaining: str) -> Response:
    """A success: HTTP 200, code 0."""
    return _response({"code": 0, "message": "", "message_cn": "", "data": data}, trace, remaining)


def refuse(refusal: Refusal, trace: str, remaining: str) -> Response:
    """A business error: HTTP 200 as well, without ``data``; the trace id is in header and text."""
    body: dict[str, Any] = {
        "code": refusal.code,
        "message": f"{refusal.message} [trace id: {trace}]",
        "message_cn": refusal.message_cn,
    }
    if 31000 <= refusal.code <= 31999:
        body["errors"] = [
            {
                "type": "COMMON_PARAM_EXCEPTION",
                "description": refusal.message,
                "common_param_exception_spec": {},
            }
        ]
    return _response(body, trace, remaining)


def _response(body: Mapping[str, Any], trace: str, remaining: str) -> Response:
    headers = {"X-TSA-Trace-Id": trace}
    if remaining:
        headers["X-RateLimit-Remaining"] = remaining
    return Response(orjson.dumps(body), 200, headers, "application/json")


class Parameters:
    """Query parameters of one call: scalars plain, lists and objects as JSON text."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query

    def text(self, name: str, default: str | None = None) -> str:
        """A plain text; without a default it must be there."""
        value = self._query.get(name, default)
        if value is None:
            raise Refusal(MISSING, f"The parameter {name} is required.", f"缺少参数 {name}")
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        text = self.text(name, None if default is None else str(default))
        if not text.isascii() or not text.removeprefix("-").isdigit():
            raise Refusal(WRONG_TYPE, f"The parameter {name} must be an integer.")
        return int(text)

    def page(self, largest: int, pages: int = 99_999) -> tuple[int, int]:
        """(page, page_size), both in range."""
        page, size = self.integer("page", 1), self.integer("page_size", 10)
        if not 1 <= page <= pages:
            raise Refusal(NOT_IN_RANGE, f"The parameter page must be between 1 and {pages}.")
        if not 1 <= size <= largest:
            raise Refusal(NOT_IN_RANGE, f"The parameter page_size must be between 1 and {largest}.")
        return page, size

    def object(self, name: str) -> dict[str, Any]:
        """A JSON object that must be there."""
        value = self._json(name, self.text(name))
        if not isinstance(value, dict):
            raise Refusal(WRONG_TYPE, f"The parameter {name} must be a JSON object.")
        return value

    def array(self, name: str, default: Sequence[Any] | None = None) -> list[Any]:
        """A JSON array; without a default it must be there."""
        if default is not None and name not in self._query:
            return list(default)
        value = self._json(name, self.text(name))
        if not isinstance(value, list):
            raise Refusal(WRONG_TYPE, f"The parameter {name} must be a JSON array.")
        return value

    def _json(self, name: str, text: str) -> Any:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise Refusal(WRONG_TYPE, f"The parameter {name} is not JSON.") from error


def page_info(page: int, size: int, total: int) -> dict[str, int]:
    """``page_info`` of a normal list."""
    return {"page": page, "page_size": size, "total_number": total, "total_page": -(-total // size)}


def only(row: Mapping[str, Any], fields: Sequence[Any]) -> dict[str, Any]:
    """The fields that were asked for."""
    return {name: value for name, value in row.items() if name in fields}


def matches(row: Mapping[str, Any], filtering: Sequence[Any]) -> bool:
    """Does the row pass ``filtering``? Only adgroup_id is emulated; values are always strings."""
    for item in filtering:
        if not isinstance(item, dict) or item.get("field") != "adgroup_id":
            raise Refusal(NOT_PERMITTED, "The parameter filtering.field is not permitted here.")
        values, limit = item.get("values"), {"EQUALS": 1, "IN": 100}.get(str(item.get("operator")))
        if limit is None:
            raise Refusal(NOT_PERMITTED, "The parameter filtering.operator is not permitted here.")
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            raise Refusal(WRONG_TYPE, "The parameter filtering.values must be an array of strings.")
        if not 1 <= len(values) <= limit:
            raise Refusal(NOT_IN_RANGE, f"The parameter filtering.values must have 1 to {limit} elements.")
        if str(row["adgroup_id"]) not in values:
            return False
    return True
