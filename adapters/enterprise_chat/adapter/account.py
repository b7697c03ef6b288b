"""What every part of the adapter stands on: one corp's clients and its own refusals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from adapters.base.errors import Invalid
from adapters.base.http import Upstream
from adapters.enterprise_chat.client import (
    BillsClient,
    CustomersClient,
    DirectoryClient,
    GroupsClient,
    HandoversClient,
    MessagesClient,
    SendsClient,
    WaysClient,
)
from adapters.enterprise_chat.config import EnterpriseChatConfig
from adapters.enterprise_chat.errors import FAULTS
from adapters.enterprise_chat.tokens import app_tokens
from adapters.wechat.api import TokenApi

NAME: Final = "enterprise_chat"
URL_LIMIT_BYTES: Final = 2048


class Account:
    """One corp: who it is, and a client for each kind of thing, with the token that it takes."""

    def __init__(self, config: EnterpriseChatConfig, upstream: Upstream) -> None:
        self._config = config
        self._corpid = config.corpid
        self._agentid = config.agentid
        self._runtime = upstream.runtime
        self._clock = upstream.runtime.clock
        tokens = app_tokens(upstream, config.base_url, config.corpid, str(config.agentid), config.app_secret)
        app = customers = sync = TokenApi(upstream, tokens, config.base_url, FAULTS)
        if config.contact_secret and config.contact_secret != config.app_secret:
            tokens = app_tokens(upstream, config.base_url, config.corpid, "customer_contact", config.contact_secret)
            customers = TokenApi(upstream, tokens, config.base_url, FAULTS)
        if config.sync_secret:
            tokens = app_tokens(upstream, config.base_url, config.corpid, "contacts_sync", config.sync_secret)
            sync = TokenApi(upstream, tokens, config.base_url, FAULTS)
        self._directory = DirectoryClient(app, sync)
        self._messages = MessagesClient(app)
        self._customers = CustomersClient(customers)
        self._ways = WaysClient(customers)
        self._groupchats = GroupsClient(customers)
        self._handovers = HandoversClient(customers)
        self._sends = SendsClient(customers)
        self._bills = BillsClient(customers)

    @property
    def account(self) -> str:
        """The corpid."""
        return self._corpid

    def _invalid(self, reason: str, message: str) -> Invalid:
        return Invalid(NAME, reason, message, account=self._corpid)

    def _check_count(self, reason: str, what: str, given: Sequence[object], limit: int, *, least: int = 1) -> None:
        if not least <= len(given) <= limit:
            raise self._invalid(reason, f"{len(given)} {what} given, {least} to {limit} fit.")

    def _check_bytes(self, reason: str, what: str, text: str, limit: int) -> None:
        if len(text.encode()) > limit:
            raise self._invalid(reason, f"{what} has {len(text.encode())} bytes, {limit} fit.")

    def _check_characters(self, reason: str, what: str, text: str, limit: int) -> None:
        if len(text) > limit:
            raise self._invalid(reason, f"{what} has {len(text)} characters, {limit} fit.")


def instant(seconds: int) -> datetime:
    """Unix seconds as an aware instant, UTC. Raises OverflowError or ValueError beyond the calendar."""
    return datetime.fromtimestamp(seconds, UTC)


def moment(seconds: int) -> datetime | None:
    """The same where 0 stands for never."""
    return instant(seconds) if seconds else None


def unix(at: datetime) -> int:
    """An aware instant as Unix seconds."""
    return int(at.timestamp())
