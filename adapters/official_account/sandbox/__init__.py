"""The official account platform (公众号) emulated: api.weixin.qq.com as far as this tool speaks to it.

Written from the vendor's pages alone: it shares no code with the adapter in front of it.
"""

from adapters.official_account.sandbox.platform import Sandbox

__all__ = ["Sandbox"]
