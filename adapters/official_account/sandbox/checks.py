"""What many endpoints check in the same way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters.official_account.sandbox.account import Account
from adapters.official_account.sandbox.errors import Refused

Handler = Callable[[Account, Any], Mapping[str, Any]]
#: Path → verb and handler.
Endpoints = Mapping[str, tuple[str, Handler]]
OK: Mapping[str, Any] = {"errcode": 0, "errmsg": "ok"}


def own(account: Account, openid: object) -> str:
    """An openid of this appid; somebody else's is refused."""
    if not isinstance(openid, str) or openid not in account.unionids:
        raise Refused(40003)
    return openid


def several(account: Account, given: Mapping[str, Any], most: int) -> list[str]:
    """The ``openid_list`` of a call."""
    openids = given.get("openid_list")
    if not isinstance(openids, list) or not 1 <= len(openids) <= most:
        raise Refused(40032)
    return [own(account, openid) for openid in openids]


def openid_page(openids: list[str], after: object, size: int) -> dict[str, Any]:
    """A page behind ``after``; the end has no ``data``."""
    if after and after not in openids:
        raise Refused(40003)
    start = openids.index(str(after)) + 1 if after else 0
    page = openids[start : start + size]
    if not page:
        return {"total": len(openids), "count": 0, "next_openid": ""}
    return {"total": len(openids), "count": len(page), "data": {"openid": page}, "next_openid": page[-1]}


def offset_page(rows: list[dict[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """A page of drafts or publications: 1 to 20 from an offset."""
    offset, count = given.get("offset"), given.get("count")
    if not isinstance(offset, int) or not isinstance(count, int) or offset < 0 or not 1 <= count <= 20:
        raise Refused(40097)
    page = rows[offset : offset + count]
    return {"total_count": len(rows), "item_count": len(page), "item": page}
