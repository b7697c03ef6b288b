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
    40006: "invalid media size",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid corpid",
    40014: "invalid access_token",
    40029: "invalid code",
    40031: "invalid userid list",
    40032: "invalid userid list size",
    40033: "invalid json encoding",
    40035: "invalid parameter",
    40050: "invalid chatid",
    40058: "invalid args size",
    40063: "some parameters are empty",
    40068: "invalid tag id",
    40071: "tag name exists",
    40072: "invalid tag name length",
    40096: "invalid external userid",
    40097: "handover user is not resigned",
    40126: "too many tags",
    40128: "transferred too often",
    40129: "customer is being transferred",
    40130: "same user",
    40131: "not a follower",
    40144: "customer has too many tags",
    40145: "media_id expired",
    41001: "access_token missing",
    41002: "corpid missing",
    41004: "corpsecret missing",
    41011: "missing agentid",
    41035: "missing external userid",
    41037: "missing contact way type",
    41038: "invalid contact way type",
    41039: "invalid contact way scene",
    41040: "invalid contact way style",
    41041: "too many users",
    41043: "missing config_id",
    41044: "invalid config_id",
    41045: "contact way quota used up",
    41046: "missing msgid",
    41047: "invalid msgid",
    41048: "no customer to send to",
    41049: "missing welcome code",
    41050: "invalid welcome code",
    41051: "welcome message sent or chat started",
    41063: "message is being dispatched",
    41064: "invalid attachments",
    41065: "invalid attachment",
    41093: "message was cancelled",
    41094: "reminded too often",
    42001: "access_token expired",
    42003: "code expired",
    42014: "invalid task_id",
    42022: "code was used",
    42052: "message too old",
    43012: "require callback url",
    44001: "empty media data",
    45002: "content too long",
    45008: "too many articles",
    45009: "api freq out of limit",
    48002: "api forbidden for this agent",
    48009: "api forbidden for contacts sync",
    50001: "redirect_url domain is not trusted",
    50100: "invalid cursor",
    60111: "userid not found",
    60123: "invalid party id",
    60140: "response_code expired",
    60268: "cursor does not match the filter",
    81011: "no permission for this tag",
    81013: "user & party & tag all invalid",
    81017: "too many objects",
    82001: "user & party & tag all empty",
    84061: "not external contact",
    90500: "the owner of this chat is not resigned",
    90501: "not an external chat",
    90502: "the owner of this chat is resigned",
    90504: "already the owner",
    90509: "not a customer group",
    90511: "invalid opengid",
    94000: "custom mode is not enabled",
    94001: "invalid workbench type",
    94002: "too many items",
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
