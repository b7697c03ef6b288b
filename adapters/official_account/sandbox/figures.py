"""Daily figures: of followers as they came, of the rest a few that are always the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta, timezone
from typing import Any

from adapters.official_account.sandbox.account import Account
from adapters.official_account.sandbox.checks import Endpoints, Handler
from adapters.official_account.sandbox.errors import Refused
from sandbox.platform import Kit

BEIJING = timezone(timedelta(hours=8))
#: Name → days at most, both ends counted.
SPANS = {
    "getusersummary": 7,
    "getusercumulate": 7,
    "getarticlesummary": 1,
    "getarticletotal": 1,
    "getuserread": 3,
    "getusershare": 7,
    "getupstreammsg": 7,
    "getbizsummary": 1,
    "getarticletotaldetail": 1,
}
_READING = {
    "int_page_read_user": 120,
    "int_page_read_count": 210,
    "ori_page_read_user": 3,
    "ori_page_read_count": 4,
    "share_user": 9,
    "share_count": 12,
    "add_to_fav_user": 2,
    "add_to_fav_count": 2,
}
_ARTICLE = {"msgid": "206261912_1", "title": "山岚轻羽绒服上新"}
_ATTENTION = {"read_user": 120, "share_user": 9, "zaikan_user": 5, "like_user": 7, "comment_count": 3}


def endpoints(kit: Kit) -> Endpoints:
    """See ``Api``."""
    return {f"/datacube/{name}": ("POST", _named(name, kit)) for name in SPANS}


def _named(name: str, kit: Kit) -> Handler:
    def answer(account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            begin, end = date.fromisoformat(given["begin_date"]), date.fromisoformat(given["end_date"])
        except (KeyError, TypeError, ValueError):
            raise Refused(61500) from None
        days = [begin + timedelta(days=n) for n in range((end - begin).days + 1)]
        if not 1 <= len(days) <= SPANS[name] or end >= kit.clock.now().astimezone(BEIJING).date():
            raise Refused(61501)
        rows = [row for day in days for row in _rows(name, account, day)]
        return {"list": rows, **({"is_delay": False} if name in {"getbizsummary", "getarticletotaldetail"} else {})}

    return answer


def _rows(name: str, account: Account, day: date) -> list[dict[str, Any]]:
    on = day.isoformat()
    present = [(f.since.astimezone(BEIJING).date(), f.scene) for f in account.followers.values() if f.subscribed]
    match name:
        case "getusersummary":
            came = [scene for at, scene in present if at == day]
            sources = {30: came.count("ADD_SCENE_QR_CODE"), 0: len(came) - came.count("ADD_SCENE_QR_CODE")}
            return [
                {"ref_date": on, "user_source": source, "new_user": number, "cancel_user": 0}
                for source, number in sources.items()
            ]
        case "getusercumulate":
            total = sum(at <= day for at, _ in present)
            return [{"ref_date": on, "user_source": 0, "cumulate_user": total}]
        case "getarticlesummary":
            return [{"ref_date": on, **_ARTICLE, **_READING}]
        case "getarticletotal":
            return [{"ref_date": on, **_ARTICLE, "details": [{"stat_date": on, "target_user": 240, **_READING}]}]
        case "getuserread":
            return [{"ref_date": on, "user_source": source, **_READING} for source in (99999999, 0)]
        case "getusershare":
            return [{"ref_date": on, "share_scene": 1, "share_user": 9, "share_count": 12}]
        case "getupstreammsg":
            return [{"ref_date": on, "msg_type": 1, "msg_user": 4, "msg_count": 11}]
        case "getbizsummary":
            return [{"ref_date": on, "detail": _ATTENTION}]
        case _:
            detail = [{"stat_date": on, **_ATTENTION}]
            return [{"ref_date": on, "msgid": _ARTICLE["msgid"], "publish_type": 0, "detail_list": detail}]
