"""What the platform allows an appid. For most calls of 微信小店 no page has a figure; 45009 tells when one is spent."""

from __future__ import annotations

from typing import Final

from adapters.base.limits import Limits, limits

LIMITS: Final[Limits] = {"stable_token": limits(minute=10_000, day=500_000)}
