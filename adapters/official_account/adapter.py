"""What the gateway calls: all the parts of one official account, and what followers do."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.base.runtime import Runtime
from adapters.base.webhooks import InboundEvent, Received, WebhookRequest
from adapters.official_account import webhooks
from adapters.official_account.config import OfficialAccountConfig
from adapters.official_account.content import Content
from adapters.official_account.mass import Mass
from adapters.official_account.messages import Messages
from adapters.official_account.people import People
from adapters.official_account.statistics import Statistics
from adapters.official_account.web import Web
from adapters.wechat.callbacks import Callbacks, Payload


class OfficialAccountAdapter(People, Messages, Mass, Content, Statistics, Web):
    """One official account (公众号, 服务号)."""

    def __init__(self, config: OfficialAccountConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._callbacks = Callbacks(config.crypto(), config.encrypted)

    async def ping(self) -> None:
        """Asks for the platform's own addresses, which takes a token that works."""
        await self._people.get_api_domain_ip()

    async def receive(self, request: WebhookRequest) -> Received:
        """Verify and read a callback; a GET is the console's check of the URL. Raises WebhookRefused."""
        return self._callbacks.receive(request, self._clock.now(), self._inbound)

    def interpret(self, event: InboundEvent) -> Sequence[object]:
        """What followers did, and how messages and publications ended; nothing for an event of no use here."""
        return webhooks.interpret(event, self.account)

    def _inbound(self, payload: Payload) -> InboundEvent:
        return webhooks.inbound(payload, self._config.gh_id)
