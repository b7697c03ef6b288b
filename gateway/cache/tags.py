"""Tags: what an entry is about, and what purges it."""

from __future__ import annotations


def member(member_id: str) -> str:
    """Everything that was read about a member."""
    return f"member:{member_id}"


def account(external_id: str) -> str:
    """Everything that was read of an account, by the platform's own id (appid, mchid, corpid, bucket)."""
    return f"account:{external_id}"


def person(external_id: str, handle: str) -> str:
    """What an account was asked about a shopper, by the account's own name for them."""
    return f"person:{external_id}:{handle}"
