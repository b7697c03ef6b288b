"""Web pages of the brand inside a WeChat client: which addresses are ours to vouch for."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit


def trusted(url: str, hosts: Collection[str]) -> bool:
    """Whether an address is https on one of these hosts: a signature or a login is a key to the client, and others'
    pages get none."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme == "https" and host in {each.lower() for each in hosts}
