"""What the rights service allows a client: 20 requests a second, which is 1,200 a minute."""

from __future__ import annotations

from typing import Final

from adapters.base.limits import Limits, limits

LIMITS: Final[Limits] = {"*": limits(minute=1200)}
