"""Click tracking: the link from the console with its macros replaced, fetched for every click."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from sandbox.http1 import Answer
from sandbox.platform import Kit
from sandbox.pusher import Push

#: What an operator who follows our README enters; used where the target is a bare address.
USUAL_QUERY: Final = (
    "account_id=__ACCOUNT_ID__&click_id=__CLICK_ID__&click_time=__CLICK_TIME__&imp_id=__IMPRESSION_ID__"
    "&imp_time=__IMPRESSION_TIME__&adgroup_id=__ADGROUP_ID__&creative_id=__DYNAMIC_CREATIVE_ID__"
    "&rid=__REQUEST_ID__&wxopenid=__WECHAT_OPEN_ID__&muid=__MUID__&callback=__CALLBACK__"
)


def link(target: str, click_key: str) -> str:
    """The console's link: the target itself if it has macros, else the usual one on that address."""
    if "__" in target:
        return target
    return f"{target}{'&' if '?' in target else '?'}k={click_key}&{USUAL_QUERY}"


def filled(link_: str, macros: Mapping[str, str]) -> str:
    """Every known macro replaced by its URL-encoded value; the others stay as they are."""
    for name, value in macros.items():
        link_ = link_.replace(f"__{name}__", quote(value, safe=""))
    return link_


def push_click(kit: Kit, account_id: int, url: str) -> None:
    """GET without a body or a signature. Whether the platform repeats a failed one is not documented: no."""
    kit.pusher.push("social_ads", str(account_id), "click", lambda: Push("GET", url), accept=_accepted)


def _accepted(answer: Answer) -> bool:
    return answer.status == 200
