"""The platform's envelope: HTTP 200 for everything, the outcome in ``errcode``, a trace id in ``errmsg``."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response


class Refusal(Exception):
    """The platform says no. ``code`` is its errcode, ``text`` its errmsg without the request id."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


def arguments(text: str) -> Refusal:
    """40097, the answer to every body of the wrong shape."""
    return Refusal(40097, f"invalid args, {text}")


def answer(payload: Mapping[str, Any]) -> Response:
    """A JSON answer, Chinese unescaped."""
    return Response(orjson.dumps(payload), media_type="application/json; encoding=utf-8")


def refused(_request: Request, refusal: Exception) -> Response:
    """An error answer with a fresh trace id; the application's handler of ``Refusal``."""
    if not isinstance(refusal, Refusal):
        raise refusal
    rid = "-".join(secrets.token_hex(4) for _ in range(3))
    return answer({"errcode": refusal.code, "errmsg": f"{refusal.text} rid: {rid}"})


def ok(**payload: Any) -> dict[str, Any]:
    """A successful answer of those endpoints that name their success."""
    return {"errcode": 0, "errmsg": "ok", **payload}
