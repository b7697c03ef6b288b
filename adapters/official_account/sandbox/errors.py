"""Errcodes as the platform words them."""

from __future__ import annotations

import secrets
from datetime import datetime

TEXTS = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40008: "invalid message type",
    40013: "invalid appid",
    40014: "invalid access_token",
    40032: "invalid openid list size",
    40033: "invalid charset. please check your request, if include \\uxxxx will create fail!",
    40035: "invalid args",
    40037: "invalid template_id",
    40125: "invalid appsecret",
    40164: "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist",
    40166: "invalid appid in miniprogram",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43004: "require subscribe",
    44002: "empty post data",
    44003: "empty news data",
    44004: "empty content",
    45002: "content size out of limit",
    45008: "article size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    47001: "data format error",
    47003: "argument invalid!",
    48001: "api unauthorized",
    40004: "invalid media type",
    40007: "invalid media_id",
    40016: "invalid button size",
    40017: "invalid button type",
    40018: "invalid button name size",
    40019: "invalid button key size",
    40029: "invalid code",
    40030: "invalid refresh_token",
    40053: "invalid action info",
    40054: "invalid button url domain",
    40097: "invalid args",
    40163: "code been used",
    41008: "missing code",
    42003: "code expired",
    43019: "require remove blacklist",
    43101: "user refuse to accept the msg",
    45028: "has no masssend quota",
    45029: "qrcode count out of limit",
    45056: "tag num limit exceeded",
    45058: "can not modify sys tag",
    45059: "can not tag user, too many tags",
    45064: "no permission to use weapp in menu",
    45065: "clientmsgid exist",
    45067: "clientmsgid size out of limit",
    45072: "invalid command",
    45080: "no interaction in 30 seconds",
    45081: "already in typing",
    45083: "speed out of range",
    45084: "no speed given",
    45157: "invalid tag name",
    45158: "tag name too long",
    45159: "invalid tag id",
    46003: "menu no exist",
    50001: "user unauthorized",
    53600: "article not found",
    61500: "date format error",
    61501: "date range error",
    61503: "data not ready",
}


class Refused(Exception):
    """The platform answers an errcode other than 0; ``detail`` goes behind its text, ``more`` beside it."""

    def __init__(self, code: int, detail: str = "", **more: object) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.more = more

    def body(self, now: datetime) -> dict[str, object]:
        """The answer, with a fresh request id."""
        text = TEXTS.get(self.code, "refused") + self.detail
        rid = f"{int(now.timestamp()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
        return {"errcode": self.code, "errmsg": f"{text} rid: {rid}", **self.more}
