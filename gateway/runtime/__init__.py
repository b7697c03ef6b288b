"""What tools need, built once per process, and the tools opened with it."""

from gateway.runtime.quotas import Quotas, QuotaState
from gateway.runtime.stores import CountingMeter, MemoryTokenStore, SystemClock
from gateway.runtime.tools import OpenTools, ToolNotConfigured, open_tools

__all__ = [
    "CountingMeter",
    "MemoryTokenStore",
    "OpenTools",
    "QuotaState",
    "Quotas",
    "SystemClock",
    "ToolNotConfigured",
    "open_tools",
]
