"""Opaque global ids: base64url of (frozen type code : platform account : native id).

The codes are frozen: stored ids must resolve whatever becomes of a Python class's name.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from gateway.resolvers.errors import IdForeign, IdInvalid

TYPE_CODES: Final = {
    "mb": "Member",
    "or": "Order",
    "as": "AfterSale",
    "py": "Payment",
    "cp": "Coupon",
    "st": "Store",
    "gd": "Guide",
    "pr": "Product",
    "sk": "Sku",
    "ad": "Ad",
    "cm": "Campaign",
    "fl": "File",
    "tx": "Transaction",
    "gp": "CustomerGroup",
    "gs": "GroupSend",
    "cw": "ContactWay",
    "jw": "JoinWay",
    "gw": "GroupWelcome",
    "ip": "IpProperty",
    "ac": "IpActivation",
    "er": "MemberErasure",
    "rp": "MemberAccessReport",
    "jb": "Job",
    "id": "Identity",
    "rc": "ReviewCase",
    "we": "WebhookEndpoint",
    "wd": "WebhookDelivery",
    "wr": "WebhookReplay",
    "rn": "Reconciliation",
    "mm": "MassMessage",
    "au": "Audience",
    "ld": "Lead",
    "rk": "RedPacket",
    "rw": "IpReward",
    "sc": "StoreCoupon",
}
_LIMIT = 512


def encode(code: str, native: str, account: str = "") -> str:
    """The global id of a native one."""
    raw = f"{code}:{account}:{native}".encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> tuple[str, str, str]:
    """(type code, account, native id). Raises IdInvalid."""
    short = text[:_LIMIT]
    try:
        raw = base64.b64decode(short + "=" * (-len(short) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raw = ""
    parts = raw.split(":", 2)
    bad = len(parts) != 3 or parts[0] not in TYPE_CODES or not parts[2] or "\0" in raw
    if bad or len(text) > _LIMIT:
        # The text is not repeated: somebody may have passed a phone number.
        raise IdInvalid(f"A text of {len(text)} characters is no id of this gateway; pass an id as you received it.")
    return parts[0], parts[1], parts[2]


def decode_as(code: str, text: str) -> tuple[str, str]:
    """(account, native id) of an id of one type. Raises IdInvalid or IdForeign."""
    found, account, native = decode(text)
    if found != code:
        raise IdForeign(f"This is an id of a {TYPE_CODES[found]}; here the id of a {TYPE_CODES[code]} is needed.")
    return account, native
