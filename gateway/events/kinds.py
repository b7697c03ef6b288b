"""The one list of identity kinds: used by ``member(by:)``, search, the graph and the docs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class IdentityKind:
    """A kind of name for a shopper.

    ``strength`` says what a shared value proves: STRONG merges, CONDITIONAL merges by its rules, WEAK
    never alone. ``issuer`` says what the value is unique within.
    """

    name: str
    title: str
    issuer: str
    strength: str


KINDS: Final = {
    kind.name: kind
    for kind in (
        IdentityKind("UNIONID", "unionid", "the brand's Open Platform account (开放平台)", "STRONG"),
        IdentityKind("OPENID", "openid", "appid of the official account, mini-program or store", "STRONG"),
        IdentityKind("EXTERNAL_USERID", "外部联系人 external_userid", "corpid", "STRONG"),
        IdentityKind("PHONE", "手机号", "the brand", "CONDITIONAL"),
        IdentityKind("CARD", "会员卡号", "card programme", "STRONG"),
    )
}
