"""The one push of 腾讯广告 (点击监测), and its use here."""

from __future__ import annotations

from typing import Final

from adapters.base.webhooks import EventKind

EVENT_KINDS: Final = (
    EventKind(
        "ad_click",
        "点击监测",
        "AdClick",
        "a claimed touchpoint; never proof of who somebody is, never counted as the platform's clicks",
    ),
)
