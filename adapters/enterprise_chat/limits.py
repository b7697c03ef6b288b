"""What the platform allows a corp per endpoint (vendor page: 访问频率限制).

Whoever exceeds a limit is shut out for as long as its window. App messages have limits per person and none per call.
"""

from __future__ import annotations

from typing import Final

from adapters.base.limits import Limits, limits

LIMITS: Final[Limits] = {"*": limits(minute=10_000, hour=150_000), "message_send": ()}
