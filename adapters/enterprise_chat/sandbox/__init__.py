"""企业微信 on loopback: one corp, its employees, customers, groups and callbacks, emulated to the wire.

Written from the vendor's pages alone; it shares no code with the adapter.
"""

from adapters.enterprise_chat.sandbox.platform import Sandbox

__all__ = ["Sandbox"]
