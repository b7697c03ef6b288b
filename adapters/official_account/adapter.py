"""What the gateway calls: followers, tags and messages of one official account."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.base.runtime import Clock
from adapters.base.webhooks import InboundEvent, Received, WebhookRequest
from adapters.official_account import webhooks
from adapters.official_account.client import OfficialAccountClient
from adapters.official_account.config import OfficialAccountConfig
from adapters.official_account.errors import FOREIGN_OPENID
from adapters.official_account.models import (
    CustomArticle,
    CustomNews,
    CustomSendRequest,
    CustomText,
    TemplateMiniProgram,
    TemplateSendRequest,
    TemplateValue,
    UserInfo,
)
from adapters.official_account.records import CustomerServiceMessage, Follower, Link, Tag, TemplateMessage, TemplateSent
from adapters.wechat.callbacks import Callbacks, Payload

#: Openids that ``user/info/batchget`` takes at a time.
FOLLOWERS_PER_CALL: Final = 100
#: Characters of a ``client_msg_id`` that are known to be safe.
CLIENT_MSG_ID_LENGTH: Final = 32
#: Anything else would make the platform refuse the whole call it is in.
_OPENID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")


T = TypeVar("T")


class OfficialAccountAdapter:
    """One official account (公众号, 服务号)."""

    def __init__(self, config: OfficialAccountConfig, client: OfficialAccountClient, clock: Clock) -> None:
        self._config = config
        self._client = client
        self._clock = clock
        self._callbacks = Callbacks(config.crypto(), config.encrypted)

    @property
    def account(self) -> str:
        """The appid."""
        return self._config.appid

    async def ping(self) -> None:
        """Asks for the platform's own addresses, which takes a token that works."""
        await self._client.get_api_domain_ip()

    async def follower_ids(self, cursor: str | None = None) -> Page[str]:
        """Openids of all followers in the order they came, 10,000 at a time.

        ``cursor`` is the last openid of the page before; None begins. The platform counts 500 such calls a
        day. Raises NotFound ``openid_unknown`` for a cursor that it does not know (any more).
        """
        page = await self._client.user_get(cursor or "")
        openids = page.data.openid if page.data is not None else []
        # The platform shows its end in three ways; the last page with openids still has a cursor.
        more = page.count > 0 and openids and page.next_openid and page.next_openid != cursor
        return Page(openids, page.next_openid if more else None)

    async def followers(self, openids: Sequence[str]) -> Sequence[Follower | NotFound]:
        """Followers in the order of ``openids``; NotFound for an openid that is not of this appid.

        Whoever does not follow (any more) is a Follower with ``subscribed`` False. Takes
        ceil(n / ``FOLLOWERS_PER_CALL``) calls, at the same time; a foreign openid makes the platform refuse
        its whole call, which is then halved until the openid is found.
        """
        asked = [openid for openid in dict.fromkeys(openids) if _OPENID.fullmatch(openid)]
        chunks = [asked[i : i + FOLLOWERS_PER_CALL] for i in range(0, len(asked), FOLLOWERS_PER_CALL)]
        found: dict[str, Follower] = {}
        for part in await _together([self._chunk(chunk) for chunk in chunks]):
            found.update(part)
        return [found.get(openid) or self._unknown() for openid in openids]

    async def tags(self) -> Sequence[Tag]:
        """All tags of the account, 100 at most, in one call."""
        answer = await self._client.tags_get()
        return [Tag(tag.id, tag.name, tag.count) for tag in answer.tags]

    async def send_template(self, message: TemplateMessage) -> TemplateSent:
        """Send a template message; repeating it with the same ``client_msg_id`` is safe for ten minutes.

        Accepted is not delivered: ``TemplateDelivered`` comes by callback. Raises Rejected
        ``not_following``, Invalid ``template_unknown`` or ``template_field``, NotFound ``openid_unknown``.
        """
        jump = (
            TemplateMiniProgram(message.mini_program_appid, message.mini_program_path)
            if message.mini_program_appid
            else None
        )
        answer = await self._client.template_send(
            TemplateSendRequest(
                touser=message.openid,
                template_id=message.template_id,
                data={name: TemplateValue(text) for name, text in message.data.items()},
                client_msg_id=_client_msg_id(message.client_msg_id),
                url=message.url,
                miniprogram=jump,
            )
        )
        return TemplateSent(str(answer.msgid))

    async def send_customer_service(self, message: CustomerServiceMessage) -> None:
        """Send a customer-service message to one who wrote, tapped, followed or scanned a while ago.

        Never repeated: the platform has no key for it, cannot be asked about it, and tells nothing later. Raises
        Rejected ``window_closed``, ``window_spent``, ``not_following`` or ``user_blocks``, Invalid
        ``content_too_long``, NotFound ``openid_unknown``.
        """
        what = message.content
        if isinstance(what, Link):
            news = CustomNews([CustomArticle(what.title, what.url, what.description, what.picture)])
            request = CustomSendRequest(message.openid, "news", news=news)
        else:
            request = CustomSendRequest(message.openid, "text", CustomText(what))
        await self._client.custom_send(request)

    async def receive(self, request: WebhookRequest) -> Received:
        """Verify and read a callback; a GET is the console's check of the URL. Raises WebhookRefused."""
        return self._callbacks.receive(request, self._clock.now(), self._inbound)

    def interpret(self, event: InboundEvent) -> Sequence[object]:
        """FollowerChanged, QrScanned, Interacted, TemplateDelivered, answers to subscribe messages; else nothing."""
        return webhooks.interpret(event, self.account)

    def _inbound(self, payload: Payload) -> InboundEvent:
        return webhooks.inbound(payload, self._config.gh_id)

    async def _chunk(self, openids: Sequence[str]) -> Mapping[str, Follower]:
        """Followers of up to a hundred openids, without those that are foreign."""
        try:
            answer = await self._client.user_info_batchget(openids)
        except NotFound as error:
            if error.reason not in FOREIGN_OPENID:
                raise
            if len(openids) == 1:
                return {}
            middle = len(openids) // 2
            halves = await _together([self._chunk(openids[:middle]), self._chunk(openids[middle:])])
            return {**halves[0], **halves[1]}
        return {info.openid: self._follower(info) for info in answer.user_info_list}

    def _follower(self, info: UserInfo) -> Follower:
        if info.subscribe != 1:
            return Follower(self.account, info.openid, info.unionid or None)
        return Follower(
            appid=self.account,
            openid=info.openid,
            unionid=info.unionid or None,
            subscribed=True,
            subscribed_at=datetime.fromtimestamp(info.subscribe_time, UTC) if info.subscribe_time else None,
            scene=info.subscribe_scene,
            qr_scene=info.qr_scene_str or (str(info.qr_scene) if info.qr_scene else ""),
            remark=info.remark,
            tag_ids=tuple(info.tagid_list),
        )

    def _unknown(self) -> NotFound:
        return NotFound(
            "official_account",
            "openid_unknown",
            "The account has no such openid.",
            endpoint="user_info_batchget",
            account=self.account,
        )


def _client_msg_id(key: str) -> str:
    return key if len(key) <= CLIENT_MSG_ID_LENGTH else hashlib.sha256(key.encode()).hexdigest()[:32]


async def _together(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Results in order; the first failure ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except BaseExceptionGroup as failed:
        first = failed.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise first
