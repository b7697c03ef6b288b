"""The one list of identity kinds: used by ``member(by:)``, search, the graph and the docs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

#: What a handle proves: STRONG joins; CONDITIONAL joins by its rules; WEAK is a hint and joins nobody; NEVER is not
#: even a hint, and stands for nobody.
Strength = Literal["STRONG", "CONDITIONAL", "WEAK", "NEVER"]
#: Better first.
STRENGTHS: Final[tuple[Strength, ...]] = ("STRONG", "CONDITIONAL", "WEAK", "NEVER")

#: Within what a phone number is unique.
PHONE_ISSUER: Final = "brand"


@dataclass(frozen=True, slots=True)
class IdentityKind:
    """A kind of name for a shopper.

    ``strength`` says what it proves unless its evidence says less. ``issuer`` says what the value is unique within.
    """

    name: str
    title: str
    issuer: str
    strength: Strength


KINDS: Final = {
    kind.name: kind
    for kind in (
        IdentityKind("UNIONID", "unionid", "the brand's Open Platform account (开放平台)", "STRONG"),
        IdentityKind("OPENID", "openid", "appid of the official account, mini-program or store", "STRONG"),
        IdentityKind("EXTERNAL_USERID", "外部联系人 external_userid", "corpid", "STRONG"),
        IdentityKind("CARD", "会员卡号", "card programme", "STRONG"),
        IdentityKind("OUT_ID", "the brand's own member number", "the system that gave it", "STRONG"),
        IdentityKind("PHONE", "手机号", f"the brand: always {PHONE_ISSUER!r}", "CONDITIONAL"),
        IdentityKind("CLICK_ID", "广告点击 click id", "the macro: __CLICK_ID__, gdt_vid or qz_gdt", "WEAK"),
    )
}

_SEPARATORS = re.compile(r"[\s\-().]")


def normal(kind: str, value: str) -> str:
    """The one spelling of a value, by which it is hashed and found. Platform ids are left as they are."""
    return phone_number(value) if kind == "PHONE" else value.strip()


def phone_number(text: str) -> str:
    """Digits; a mainland number without its country code, a foreign one with it and without the plus."""
    digits = _SEPARATORS.sub("", text).removeprefix("+").removeprefix("00")
    return digits[2:] if len(digits) == 13 and digits.startswith("861") else digits
