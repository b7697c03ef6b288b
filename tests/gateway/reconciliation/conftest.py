"""Shops whose day is over and whose bills are out."""

from __future__ import annotations

from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]
