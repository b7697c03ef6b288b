"""What the platform says: HTTP 200 and an ``errcode``; refusals carry a hint and the caller's address."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from starlette.responses import Response

#: The platform's short reasons, for the codes that this emulation decides by itself.
REASONS = {
    40001: "invalid credential",
    40003: "invalid UserID",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid corpid",
    40014: "invalid access_token",
    40032: "invalid userid list size",
    40033: "invalid json encoding",
    40035: "invalid parameter",
    40050: "invalid chatid",
    40058: "invalid args size",
    40063: "some parameters are empty",
    40096: "invalid external userid",
    41001: "access_token missing",
    41002: "corpid missing",
    41004: "corpsecret missing",
    41011: "missing agentid",
    41035: "missing external userid",
    41049: "missing welcome code",
    41050: "invalid welcome code",
    41051: "welcome message sent or chat started",
    41064: "invalid attachments",
    42001: "access_token expired",
    42014: "invalid task_id",
    44001: "empty media data",
    40145: "media_id expired",
    45009: "api freq out of limit",
    48002: "api forbidden for this agent",
    50100: "invalid cursor",
    60111: "userid not found",
    60123: "invalid party id",
    60268: "cursor does not match the filter",
    81013: "user & party & tag all invalid",
    81017: "too many objects",
    82001: "user & party & tag all empty",
    84061: "not external contact",
    301002: "no permission to operate this agentid",
}


class Refusal(Exception):
    """The platform's own errcode, answered instead of a result."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


def ok(fields: Mapping[str, Any], *, warned: bool = False) -> Response:
    """The success envelope. ``warned`` adds the platform's remark on a body it could not read as JSON."""
    message = "ok. Warning: wrong json format." if warned else "ok"
    return _json({"errcode": 0, "errmsg": message, **fields})


def refused(code: int, now: datetime, ip: str, *, warned: bool = False) -> Response:
    """The refusal envelope: reason, trace hint, the caller's address, and where to look the code up."""
    seconds = int(now.timestamp())
    trace = hashlib.sha256(f"{now.isoformat()}/{code}".encode()).hexdigest()[:32]
    message = (
        f"{REASONS.get(code, 'request refused')}, hint: [{seconds}_28_{trace}], from ip: {ip}, "
        f"more info at https://open.work.weixin.qq.com/devtool/query?e={code}"
    )
    if warned:
        message += " Warning: wrong json format."
    return _json({"errcode": code, "errmsg": message})


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json; charset=UTF-8")
