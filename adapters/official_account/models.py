"""Wire types of api.weixin.qq.com, in its own field names. Unknown fields are ignored."""

from __future__ import annotations

import msgspec


class Addresses(msgspec.Struct):
    """``get_api_domain_ip``."""

    ip_list: list[str]


class OpenidList(msgspec.Struct):
    """The inner list of ``user/get``."""

    openid: list[str] = []


class UserGet(msgspec.Struct):
    """``user/get``. The terminal answer has no ``data`` and an empty ``next_openid``."""

    count: int = 0
    data: OpenidList | None = None
    next_openid: str = ""


class UserQuery(msgspec.Struct):
    """One entry of a ``batchget`` request."""

    openid: str


class BatchGetRequest(msgspec.Struct):
    """``user/info/batchget``: 1 to 100 entries."""

    user_list: list[UserQuery]


class UserInfo(msgspec.Struct):
    """A follower; with ``subscribe`` 0 there is nothing but the openid. Names and pictures ended in 2021."""

    openid: str
    subscribe: int = 0
    unionid: str = ""
    subscribe_time: int = 0
    remark: str = ""
    tagid_list: list[int] = []
    subscribe_scene: str = ""
    qr_scene: int = 0
    qr_scene_str: str = ""


class UserInfoList(msgspec.Struct):
    """``user/info/batchget``, in request order."""

    user_info_list: list[UserInfo]


class TagInfo(msgspec.Struct):
    """One tag of ``tags/get``."""

    id: int
    name: str
    count: int = 0


class TagList(msgspec.Struct):
    """``tags/get``."""

    tags: list[TagInfo] = []


class TemplateValue(msgspec.Struct):
    """One field of a template's text."""

    value: str


class TemplateMiniProgram(msgspec.Struct, omit_defaults=True):
    """Where a tap leads, inside a mini-program."""

    appid: str
    pagepath: str = ""


class TemplateSendRequest(msgspec.Struct, omit_defaults=True):
    """``message/template/send``."""

    touser: str
    template_id: str
    data: dict[str, TemplateValue]
    client_msg_id: str
    url: str = ""
    miniprogram: TemplateMiniProgram | None = None


class TemplateSendAnswer(msgspec.Struct):
    """``msgid`` is a 64-bit integer beyond 2^53."""

    msgid: int | str


class CustomText(msgspec.Struct):
    """Text of a customer-service message."""

    content: str


class CustomArticle(msgspec.Struct, omit_defaults=True):
    """A link with title and picture (图文); the platform takes one per message."""

    title: str
    url: str
    description: str = ""
    picurl: str = ""


class CustomNews(msgspec.Struct):
    """The list of one that the platform wants."""

    articles: list[CustomArticle]


class CustomSendRequest(msgspec.Struct, omit_defaults=True):
    """``message/custom/send``: ``msgtype`` names the one part that is there."""

    touser: str
    msgtype: str
    text: CustomText | None = None
    news: CustomNews | None = None
