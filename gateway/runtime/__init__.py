"""What tools need, built once per process, and the tools opened with it."""

from gateway.runtime.stores import CountingMeter, MemoryQuota, MemoryTokenStore, SystemClock
from gateway.runtime.tools import OpenTools, ToolNotConfigured, open_tools

__all__ = [
    "CountingMeter",
    "MemoryQuota",
    "MemoryTokenStore",
    "OpenTools",
    "SystemClock",
    "ToolNotConfigured",
    "open_tools",
]
