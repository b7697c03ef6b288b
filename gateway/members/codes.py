"""The member code (会员码): what a shopper's phone shows at the till, and a scanner reads.

74 digits, so that Code 128 packs two into a symbol and a scanner that types like a keyboard cannot garble them: a 9,
then version, member id, expiry, nonce and the first eight bytes of an HMAC-SHA-256 over these. No name, no phone, no
platform id. The key is the database's own: another brand's gateway makes other codes, a restart the same.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from gateway.database.keyring import Keyring

#: Seconds that a code may live.
SHORTEST, LONGEST = 10, 300
#: How far the clocks of two processes may differ.
SKEW: Final = timedelta(seconds=5)
#: Before it stands the format's digit, apart from those of payment codes (付款码 begin with 1 or 2).
_FORMAT: Final = "9"
_DIGITS: Final = 74
_MEMBER, _EXPIRY, _NONCE, _MAC = slice(0, 16), slice(16, 20), slice(20, 22), slice(22, 30)


class CodeRefused(Exception):
    """It is no member code: a payment code, a coupon, a misread. ``code`` stands in docs/errors.md."""

    code = "MEMBER_CODE_INVALID"


class CodeForged(CodeRefused):
    """It has the form of a member code, and this gateway did not sign it."""

    code = "MEMBER_CODE_FORGED"


class CodeExpired(CodeRefused):
    """Its time is over, or the clock that made it is far from this one."""

    code = "MEMBER_CODE_EXPIRED"


def issue(keyring: Keyring, member: str, now: datetime, seconds: int) -> str:
    """A code for a member that lives for so many seconds, SHORTEST to LONGEST. Raises ValueError."""
    if not SHORTEST <= seconds <= LONGEST:
        raise ValueError(f"a member code lives {SHORTEST} to {LONGEST} seconds, not {seconds}")
    expiry = int(now.timestamp()) + seconds
    said = uuid.UUID(member).bytes + expiry.to_bytes(4, "big") + secrets.token_bytes(2)
    number = int.from_bytes(said + _mac(keyring, said), "big")
    return f"{_FORMAT}{number:0{_DIGITS - 1}d}"


def redeem(keyring: Keyring, code: str, now: datetime) -> str:
    """The member whose code it is. Raises CodeRefused, CodeForged or CodeExpired."""
    # str.isdigit knows more digits than a till does.
    if len(code) != _DIGITS or code[0] != _FORMAT or not (code.isascii() and code.isdigit()):
        raise CodeRefused(f"This is no member code: one has {_DIGITS} digits and begins with {_FORMAT}; scan it again.")
    number = int(code[1:])
    data = number.to_bytes(31, "big")[1:] if number.bit_length() <= 240 else b""
    if not hmac.compare_digest(data[_MAC], _mac(keyring, data[: _NONCE.stop])):
        raise CodeForged("This member code was not made by this gateway; ask the shopper to open the code here.")
    expires_at = datetime.fromtimestamp(int.from_bytes(data[_EXPIRY], "big"), UTC)
    if now >= expires_at + SKEW:
        raise CodeExpired("This member code has expired; ask the shopper to show a fresh one.")
    if expires_at > now + timedelta(seconds=LONGEST) + SKEW:
        raise CodeExpired("This member code is from a clock far ahead of ours; compare the servers' clocks.")
    return str(uuid.UUID(bytes=data[_MEMBER]))


def _mac(keyring: Keyring, said: bytes) -> bytes:
    key = keyring.hash("member code", "member_code")
    return hmac.digest(key, said, sha256)[:8]
