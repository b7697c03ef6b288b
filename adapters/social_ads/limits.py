"""What the platform allows an application per endpoint: 20,000 reads and 10,000 writes a day, 1,000 calls a minute.

That is the old document's figure; the real one goes by the application's level. It is counted per application, and here
per account: with several accounts under one application, give each its share in the setting ``limits``.
"""

from __future__ import annotations

from typing import Final

from adapters.base.limits import Limits, limits

_READ: Final = limits(minute=1000, day=20_000)

_WRITE: Final = limits(minute=1000, day=10_000)

LIMITS: Final[Limits] = {
    "advertiser_get": _READ,
    "funds_get": _READ,
    "realtime_cost_get": _READ,
    "adgroups_get": _READ,
    "dynamic_creatives_get": _READ,
    "daily_reports_get": _READ,
    "hourly_reports_get": _READ,
    "custom_audiences_get": _READ,
    "custom_audience_files_get": _READ,
    "user_action_sets_get": _READ,
    "leads_list_get": _READ,
    "advertiser_update_daily_budget": _WRITE,
    "adgroups_add": _WRITE,
    "adgroups_update": _WRITE,
    "adgroups_update_configured_status": _WRITE,
    "adgroups_update_daily_budget": _WRITE,
    "custom_audiences_add": _WRITE,
    "custom_audiences_update": _WRITE,
    "custom_audiences_delete": _WRITE,
    "custom_audience_files_add": _WRITE,
    "user_action_sets_add": _WRITE,
    "leads_status_update": _WRITE,
    "user_actions_add": _WRITE,
}
