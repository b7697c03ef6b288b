"""Personal values as a caller without ``pii:read`` sees them."""

from __future__ import annotations

from gateway.context import Context
from gateway.resolvers.members import MemberRecord


def may_see(ctx: Context, member: MemberRecord | None) -> bool:
    """By scope, or the shopper's own."""
    if ctx.principal.sees_personal_data:
        return True
    return member is not None and ctx.principal.member == member.id


def phone(text: str | None, *, shown: bool) -> str | None:
    """``190****9472``."""
    return text if text is None or shown else f"{text[:3]}****{text[-4:]}"


def name(text: str | None, *, shown: bool) -> str | None:
    """The first character and stars."""
    return text if text is None or shown else text[:1] + "*" * (len(text) - 1)


def handle(text: str, *, shown: bool) -> str:
    """First and last four characters of a platform id; of a short text only the first two."""
    if shown:
        return text
    return f"{text[:4]}…{text[-4:]}" if len(text) >= 16 else f"{text[:2]}…"


def identity(kind: str, value: str, *, shown: bool) -> str:
    """A name that a platform has for somebody: a phone number as ``phone`` does, else as ``handle``."""
    masked = phone(value, shown=shown) if kind == "PHONE" else None
    return masked if masked is not None else handle(value, shown=shown)


def profile(field: str, value: str, *, shown: bool) -> str:
    """A field of a profile: name and phone by their own rules, of a birthday the year, and of the rest nothing."""
    if shown:
        return value
    if field == "name":
        return name(value, shown=False) or ""
    if field == "phone":
        return phone(value, shown=False) or ""
    return f"{value[:4]}-**-**" if field == "birthday" else "*"
