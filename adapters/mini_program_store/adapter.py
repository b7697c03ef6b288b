"""What the gateway calls: a mini-program's shoppers, and all the parts of a store and of a mini-program."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from adapters.base.runtime import Runtime
from adapters.base.secrets import Secret
from adapters.base.webhooks import InboundEvent, Received, WebhookRequest
from adapters.mini_program_store.after_sales import AfterSales
from adapters.mini_program_store.client import MiniProgramClient
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.coupons import Coupons
from adapters.mini_program_store.funds import Funds
from adapters.mini_program_store.live import Live
from adapters.mini_program_store.models import mini_program as models
from adapters.mini_program_store.orders import Orders
from adapters.mini_program_store.products import Products
from adapters.mini_program_store.records.mini_program import (
    CodePicture,
    Login,
    PhoneNumber,
    SubscribeMessage,
    SubscribeTemplate,
)
from adapters.mini_program_store.records.shipping import Payment
from adapters.mini_program_store.shipping import Shipping
from adapters.mini_program_store.shop import Shop
from adapters.mini_program_store.visits import Visits
from adapters.mini_program_store.webhooks import MessagePush, hints

_LONG_TERM: Final = 3
_PNG: Final = b"\x89PNG"


class MiniProgramStoreAdapter(Products, Orders, AfterSales, Coupons, Funds, Shop, Live, Shipping, Visits):
    """One appid: a mini-program (小程序) or a store (微信小店).

    A call for the other kind of account raises Invalid without asking the platform.
    """

    def __init__(self, config: MiniProgramStoreConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._shoppers = MiniProgramClient(self._upstream, config, self._api)
        self._push = MessagePush.of(config)

    async def ping(self) -> None:
        """See ``Adapter.ping``."""
        if self._config.kind == "store":
            await self.store_info()
        else:
            await self._shoppers.openapi_quota_get("/wxa/business/getuserphonenumber")

    async def login(self, js_code: str) -> Login:
        """Who holds a code of ``wx.login``. A code works once, for about five minutes.

        Rejected when it does not work (any more); after OutcomeUnknown ask the client for a new code.
        """
        self._must_be("mini_program")
        wire = await self._shoppers.jscode2session(js_code)
        return Login(self.account, wire.openid, wire.unionid or None, Secret(wire.session_key))

    async def session_check(self, openid: str, session_key: Secret) -> None:
        """Whether a session key is the shopper's still; Rejected ``session_over`` where it is not."""
        self._must_be("mini_program")
        await self._shoppers.checksession(openid, _signature(session_key))

    async def session_reset(self, openid: str, session_key: Secret) -> Login:
        """End a shopper's session and begin another, such as after a theft; its unionid is not told again."""
        self._must_be("mini_program")
        wire = await self._shoppers.resetusersessionkey(openid, _signature(session_key))
        return Login(self.account, wire.openid, None, Secret(wire.session_key))

    async def paid_unionid(self, openid: str, payment: Payment) -> str | None:
        """The unionid of somebody who paid within some minutes and has not logged in; None where there is none.

        NotFound ``payment_unknown`` for a payment of somebody else's, or one that is too old.
        """
        self._must_be("mini_program")
        named = {"mch_id": payment.mchid, "out_trade_no": payment.out_trade_no}
        given = {"transaction_id": payment.transaction_id} if payment.transaction_id else named
        return (await self._shoppers.getpaidunionid(openid, given)).unionid or None

    async def phone_number(self, code: str, openid: str | None = None) -> PhoneNumber:
        """The number behind a code of the phone button, which is not a login code; once, five minutes.

        With ``openid`` the platform refuses a code that another shopper's tap gave.
        """
        self._must_be("mini_program")
        wire = (await self._shoppers.getuserphonenumber(code, openid)).phone_info
        return PhoneNumber(wire.purePhoneNumber, str(wire.countryCode))

    async def scene_code(
        self, scene: str, page: str = "", *, width: int = 430, transparent: bool = False, published: bool = True
    ) -> CodePicture:
        """A code (小程序码) that opens ``page`` with ``scene``, which the page reads URL-encoded from its query.

        A scene has 1 to 32 characters of ``0-9A-Za-z!#$&'()*+,/:;=?@-._~``; ``page`` has no leading slash and no
        query, empty for the home page; ``width`` is 280 to 1280 pixels. With ``published=False`` the page need not
        be out yet. Codes are not counted and do not expire. Invalid ``page_path`` for an unknown page.
        """
        self._must_be("mini_program")
        content = await self._shoppers.getwxacodeunlimit(
            models.SceneCodeRequest(scene, page, check_path=published, width=width, is_hyaline=transparent)
        )
        return CodePicture("image/png" if content.startswith(_PNG) else "image/jpeg", content)

    async def send_subscribe(self, message: SubscribeMessage) -> None:
        """Send a subscribe message, which spends one grant of the shopper's for its template.

        Never repeated: the platform has no key for it and cannot be asked about it. Raises Rejected ``no_grant``,
        Invalid ``template_unknown``, ``template_field`` or ``page_path``, NotFound ``openid_unknown``.
        """
        self._must_be("mini_program")
        data = {name: models.SubscribeValue(text) for name, text in message.data.items()}
        await self._shoppers.subscribe_send(
            models.SubscribeSendRequest(message.openid, message.template, data, message.page)
        )

    async def subscribe_templates(self) -> Sequence[SubscribeTemplate]:
        """The templates that the mini-program may send, all at once."""
        self._must_be("mini_program")
        return [
            SubscribeTemplate(row.priTmplId, row.title, row.content, row.example, row.type == _LONG_TERM)
            for row in (await self._shoppers.gettemplate()).data
        ]

    async def subscribe_template_add(self, title: str, keywords: Sequence[int], purpose: str) -> str:
        """Take a template of the platform's library by the number of its title, and answer its own number.

        ``keywords`` are numbers of two to five of its words, in the order of the text. After OutcomeUnknown look
        whether it is in ``subscribe_templates``.
        """
        self._must_be("mini_program")
        return (await self._shoppers.addtemplate(title, keywords, purpose)).priTmplId

    async def subscribe_template_delete(self, template: str) -> None:
        """Give a template up; its grants are lost."""
        self._must_be("mini_program")
        await self._shoppers.deltemplate(template)

    async def remind_receipt(self, payment: Payment, received_at: int) -> None:
        """Ask the payer to confirm receipt, once per payment; ``received_at`` in epoch seconds is when it arrived.

        It is the platform's own message (确认收货提醒), and nothing of it can be worded.
        """
        self._must_be("mini_program")
        await self._shipping.notify_confirm_receive(self._named(payment), received_at)

    async def receive(self, request: WebhookRequest) -> Received:
        """See ``ReceivesWebhooks.receive``."""
        return self._push.receive(request, self._clock.now())

    def interpret(self, event: InboundEvent) -> Sequence[object]:
        """OrderChanged, AfterSaleChanged or ProductChanged: hints, since the events are not the objects.

        Of subscribe messages the answers themselves.
        """
        return hints(self.account, event)


def _signature(session_key: Secret) -> str:
    """The hex HMAC of empty text (unverified: whether the key is taken as its Base64 text, as here)."""
    return hmac.new(session_key.reveal().encode(), b"", hashlib.sha256).hexdigest()
