"""Template messages (模板消息), subscribe messages (订阅通知) and customer-service messages (客服消息)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.base.runtime import Runtime
from adapters.official_account.account import Account
from adapters.official_account.client import MessagesClient
from adapters.official_account.config import OfficialAccountConfig
from adapters.official_account.models.wire import (
    BizSendRequest,
    TemplateMiniProgram,
    TemplateSendRequest,
    TemplateValue,
)
from adapters.official_account.records import (
    Choices,
    CustomerServiceContent,
    CustomerServiceMessage,
    Draft,
    Link,
    MiniProgramPage,
    Picture,
    PublishedArticle,
    SubscribeMessage,
    SubscribeTemplate,
    Template,
    TemplateMessage,
    TemplateSent,
    Video,
    Voice,
)

#: Characters of a ``client_msg_id`` that are known to be safe.
CLIENT_MSG_ID_LENGTH: Final = 32
_LONG_TERM: Final = 3


class Messages(Account):
    """See ``OfficialAccountAdapter``."""

    def __init__(self, config: OfficialAccountConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._messages = MessagesClient(self._api)

    async def templates(self) -> Sequence[Template]:
        """The templates of the account, all at once."""
        rows = (await self._messages.get_all_private_template()).template_list
        return [Template(row.template_id, row.title, row.content, row.example) for row in rows]

    async def template_add(self, number: str, keywords: Sequence[str] = ()) -> str:
        """Take a template of the platform's library by its number (``TM00015``), and answer its id here.

        ``keywords`` name the words of a template by category. After OutcomeUnknown look at ``templates``.
        """
        return (await self._messages.api_add_template(number, keywords)).template_id

    async def template_delete(self, template: str) -> None:
        """Give a template up. Raises Invalid ``template_unknown``."""
        await self._messages.del_private_template(template)

    async def industries(self) -> Sequence[tuple[str, str]]:
        """The account's two industries (所属行业), which decide its templates, as (class, class below)."""
        wire = await self._messages.get_industry()
        return [(each.first_class, each.second_class) for each in (wire.primary_industry, wire.secondary_industry)]

    async def subscribe_templates(self) -> Sequence[SubscribeTemplate]:
        """The templates of subscribe messages that the account may send, all at once."""
        return [
            SubscribeTemplate(row.priTmplId, row.title, row.content, row.example, row.type == _LONG_TERM)
            for row in (await self._messages.gettemplate()).data
        ]

    async def subscribe_template_add(self, title: str, keywords: Sequence[int], purpose: str) -> str:
        """Take a template of the library by the number of its title, and answer its id here.

        After OutcomeUnknown look at ``subscribe_templates``.
        """
        return (await self._messages.addtemplate(title, keywords, purpose)).priTmplId

    async def subscribe_template_delete(self, template: str) -> None:
        """Give a template up; its grants are lost. Raises Invalid ``template_unknown``."""
        await self._messages.deltemplate(template)

    async def send_subscribe(self, message: SubscribeMessage) -> None:
        """Send a subscribe message, which spends one grant unless the template is long-term.

        Never repeated: the platform has no key for it and cannot be asked about it. Raises Rejected ``user_refused``
        where no grant is left, Invalid ``template_unknown`` or ``template_field``, NotFound ``openid_unknown``.
        """
        await self._messages.subscribe_bizsend(
            BizSendRequest(
                touser=message.openid,
                template_id=message.template_id,
                data=_values(message.data),
                page=message.page,
                miniprogram=_jump(message),
            )
        )

    async def send_template(self, message: TemplateMessage) -> TemplateSent:
        """Send a template message; repeating it with the same ``client_msg_id`` is safe for ten minutes.

        Accepted is not delivered: ``TemplateDelivered`` comes by callback. Raises Rejected
        ``not_following``, Invalid ``template_unknown`` or ``template_field``, NotFound ``openid_unknown``.
        """
        answer = await self._messages.template_send(
            TemplateSendRequest(
                touser=message.openid,
                template_id=message.template_id,
                data=_values(message.data),
                client_msg_id=_client_msg_id(message.client_msg_id),
                url=message.url,
                miniprogram=_jump(message),
            )
        )
        return TemplateSent(str(answer.msgid))

    async def send_customer_service(self, message: CustomerServiceMessage) -> None:
        """Send a customer-service message to one who wrote, tapped, followed or scanned a while ago.

        Never repeated: the platform has no key for it, cannot be asked about it, and tells nothing later. Raises
        Rejected ``window_closed``, ``window_spent``, ``not_following`` or ``user_blocks``, Invalid
        ``content_too_long``, NotFound ``openid_unknown``.
        """
        kind, part = _content(message.content)
        request: dict[str, object] = {"touser": message.openid, "msgtype": kind, kind: part}
        if message.sender:
            request["customservice"] = {"kf_account": message.sender}
        await self._messages.custom_send(request)

    async def show_typing(self, openid: str, *, typing: bool = True) -> None:
        """Let a follower see that an answer is being written, or not any more (客服输入状态).

        Raises Rejected ``no_recent_message`` where they did nothing for 30 seconds, ``typing_already``.
        """
        await self._messages.custom_typing(openid, "Typing" if typing else "CancelTyping")


def _content(content: CustomerServiceContent) -> tuple[str, Mapping[str, Any]]:
    """``msgtype``, and what stands under its name."""
    match content:
        case str():
            return "text", {"content": content}
        case Link():
            article = {"title": content.title, "url": content.url}
            more = {"description": content.description, "picurl": content.picture}
            return "news", {"articles": [{**article, **{name: text for name, text in more.items() if text}}]}
        case Picture():
            return "image", {"media_id": content.media_id}
        case Voice():
            return "voice", {"media_id": content.media_id}
        case Video():
            return "video", {
                "media_id": content.media_id,
                "thumb_media_id": content.thumb_media_id,
                "title": content.title,
                "description": content.description,
            }
        case Draft():
            return "mpnews", {"media_id": content.media_id}
        case PublishedArticle():
            return "mpnewsarticle", {"article_id": content.article_id}
        case MiniProgramPage():
            return "miniprogrampage", {
                "title": content.title,
                "appid": content.appid,
                "pagepath": content.path,
                "thumb_media_id": content.thumb_media_id,
            }
        case Choices():
            return "msgmenu", {
                "head_content": content.question,
                "list": [{"id": number, "content": text} for number, text in content.options],
                "tail_content": content.tail,
            }


def _values(data: Mapping[str, str]) -> dict[str, TemplateValue]:
    return {name: TemplateValue(text) for name, text in data.items()}


def _jump(message: TemplateMessage | SubscribeMessage) -> TemplateMiniProgram | None:
    if not message.mini_program_appid:
        return None
    return TemplateMiniProgram(message.mini_program_appid, message.mini_program_path)


def _client_msg_id(key: str) -> str:
    return key if len(key) <= CLIENT_MSG_ID_LENGTH else hashlib.sha256(key.encode()).hexdigest()[:32]
