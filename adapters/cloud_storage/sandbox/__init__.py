"""腾讯云 COS on loopback: signed requests, XML errors, lists, links and upload forms; objects in memory."""

from adapters.cloud_storage.sandbox.platform import Sandbox

__all__ = ["Sandbox"]
