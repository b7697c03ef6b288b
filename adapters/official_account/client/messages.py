"""Template messages (模板消息), subscribe messages (订阅通知) and customer-service messages (客服消息)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from adapters.base.endpoint import idempotent, once, read
from adapters.official_account.models import wire as models
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

TEMPLATE_SEND: Final = idempotent("template_send", "client_msg_id", lifetime=timedelta(minutes=10), family="template")
GET_ALL_PRIVATE_TEMPLATE: Final = read("get_all_private_template", family="template")
# A repetition adds the template a second time, under another id.
API_ADD_TEMPLATE: Final = once("api_add_template", family="template")
DEL_PRIVATE_TEMPLATE: Final = once("del_private_template", family="template")
GET_INDUSTRY: Final = read("get_industry", family="template")
# It has no key, and each one spends a grant of the follower's.
SUBSCRIBE_BIZSEND: Final = once("subscribe_bizsend", family="subscribe")
GETTEMPLATE: Final = read("gettemplate", family="subscribe")
ADDTEMPLATE: Final = once("addtemplate", family="subscribe")
DELTEMPLATE: Final = once("deltemplate", family="subscribe")
# It has no key: whatever is sent twice arrives twice, and is counted twice.
CUSTOM_SEND: Final = once("custom_send", family="custom")
# A second one is refused while the first one shows.
CUSTOM_TYPING: Final = once("custom_typing", family="custom")


class MessagesClient:
    """The calls that send something to one follower."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def template_send(self, message: models.TemplateSendRequest) -> models.TemplateSendAnswer:
        """POST /cgi-bin/message/template/send."""
        path = "/cgi-bin/message/template/send"
        return await self._api.post(TEMPLATE_SEND, path, models.TemplateSendAnswer, message)

    async def get_all_private_template(self) -> models.TemplateList:
        """GET /cgi-bin/template/get_all_private_template."""
        path = "/cgi-bin/template/get_all_private_template"
        return await self._api.get(GET_ALL_PRIVATE_TEMPLATE, path, models.TemplateList)

    async def api_add_template(self, number: str, keywords: Sequence[str]) -> models.TemplateAdded:
        """POST /cgi-bin/template/api_add_template; ``keywords`` for templates by category only."""
        body: dict[str, object] = {"template_id_short": number}
        if keywords:
            body["keyword_name_list"] = list(keywords)
        return await self._api.post(API_ADD_TEMPLATE, "/cgi-bin/template/api_add_template", models.TemplateAdded, body)

    async def del_private_template(self, template: str) -> None:
        """POST /cgi-bin/template/del_private_template."""
        path = "/cgi-bin/template/del_private_template"
        await self._api.post(DEL_PRIVATE_TEMPLATE, path, Envelope, {"template_id": template})

    async def get_industry(self) -> models.Industries:
        """GET /cgi-bin/template/get_industry."""
        return await self._api.get(GET_INDUSTRY, "/cgi-bin/template/get_industry", models.Industries)

    async def subscribe_bizsend(self, message: models.BizSendRequest) -> None:
        """POST /cgi-bin/message/subscribe/bizsend: the answer says no more than that it was taken."""
        await self._api.post(SUBSCRIBE_BIZSEND, "/cgi-bin/message/subscribe/bizsend", Envelope, message)

    async def gettemplate(self) -> models.SubscribeTemplates:
        """GET /wxaapi/newtmpl/gettemplate."""
        return await self._api.get(GETTEMPLATE, "/wxaapi/newtmpl/gettemplate", models.SubscribeTemplates)

    async def addtemplate(self, title: str, keywords: Sequence[int], purpose: str) -> models.SubscribeTemplateAdded:
        """POST /wxaapi/newtmpl/addtemplate."""
        body = {"tid": title, "kidList": list(keywords), "sceneDesc": purpose}
        path = "/wxaapi/newtmpl/addtemplate"
        return await self._api.post(ADDTEMPLATE, path, models.SubscribeTemplateAdded, body)

    async def deltemplate(self, template: str) -> None:
        """POST /wxaapi/newtmpl/deltemplate."""
        await self._api.post(DELTEMPLATE, "/wxaapi/newtmpl/deltemplate", Envelope, {"priTmplId": template})

    async def custom_send(self, message: Mapping[str, object]) -> None:
        """POST /cgi-bin/message/custom/send: the answer says no more than that it was taken."""
        await self._api.post(CUSTOM_SEND, "/cgi-bin/message/custom/send", Envelope, message)

    async def custom_typing(self, openid: str, command: str) -> None:
        """POST /cgi-bin/message/custom/typing; ``command`` is Typing or CancelTyping."""
        body = {"touser": openid, "command": command}
        await self._api.post(CUSTOM_TYPING, "/cgi-bin/message/custom/typing", Envelope, body)
