"""What the gateway asks of a corp: employees, customers, groups, tags, messages, the sidebar and events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from adapters.base.http import Upstream
from adapters.base.webhooks import InboundEvent, Received, WebhookRequest
from adapters.enterprise_chat import webhooks
from adapters.enterprise_chat.adapter.account import NAME
from adapters.enterprise_chat.adapter.bills import Bills
from adapters.enterprise_chat.adapter.customers import Customers
from adapters.enterprise_chat.adapter.directory import Directory
from adapters.enterprise_chat.adapter.groups import Groups
from adapters.enterprise_chat.adapter.handovers import Handovers
from adapters.enterprise_chat.adapter.messages import RECIPIENT_LIMIT, Messages
from adapters.enterprise_chat.adapter.sends import (
    LINK_DESCRIPTION_LIMIT_BYTES,
    LINK_TITLE_LIMIT_BYTES,
    MEDIA_LIMIT_BYTES,
    MEDIA_LIVES,
    MINI_PROGRAM_TITLE_LIMIT_BYTES,
    WELCOME_TEXT_LIMIT_BYTES,
    Sends,
)
from adapters.enterprise_chat.adapter.sidebar import Sidebar
from adapters.enterprise_chat.adapter.ways import Ways
from adapters.enterprise_chat.config import EnterpriseChatConfig

#: Calls at the same time. The platform refuses too many of one endpoint by one corp (45033) and does not
#: say how many that is.
CONCURRENCY: Final = 8

__all__ = [
    "CONCURRENCY",
    "LINK_DESCRIPTION_LIMIT_BYTES",
    "LINK_TITLE_LIMIT_BYTES",
    "MEDIA_LIMIT_BYTES",
    "MEDIA_LIVES",
    "MINI_PROGRAM_TITLE_LIMIT_BYTES",
    "NAME",
    "RECIPIENT_LIMIT",
    "WELCOME_TEXT_LIMIT_BYTES",
    "EnterpriseChatAdapter",
]


class EnterpriseChatAdapter(Directory, Customers, Ways, Groups, Sends, Handovers, Messages, Bills, Sidebar):
    """One corp. Methods raise the ten kinds of ``adapters.base.errors``; a miss in a batch is a value."""

    def __init__(self, config: EnterpriseChatConfig, upstream: Upstream) -> None:
        super().__init__(config, upstream)
        self._callbacks = webhooks.callbacks(config.corpid, config.callback_token, config.aes_key)

    async def ping(self) -> None:
        """Asks who has customers: proves the customer-contact secret, the IP allow list and the scope."""
        await self._customers.get_follow_user_list()

    async def receive(self, request: WebhookRequest) -> Received:
        """See ``adapters.base.spec.ReceivesWebhooks``."""
        return self._callbacks.receive(request, self._clock.now(), webhooks.inbound_event)

    def interpret(self, event: InboundEvent) -> Sequence[object]:
        """See ``adapters.base.spec.ReceivesWebhooks``."""
        return webhooks.interpret(self._corpid, event)
