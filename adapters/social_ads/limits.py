"""What the platform allows an application per endpoint: 20,000 reads and 10,000 writes a day, 1,000 calls a minute.

That is the old document's figure; the real one goes by the application's level. It is counted per application, and here
per account: with several accounts under one application, give each its share in the setting ``limits``.
"""

from __future__ import annotations

from typing import Final

from adapters.base.limits import Limits, limits

_READ: Final = limits(minute=1000, day=20_000)

LIMITS: Final[Limits] = {
    "adgroups_get": _READ,
    "daily_reports_get": _READ,
    "leads_list_get": _READ,
    "user_actions_add": limits(minute=1000, day=10_000),
}
