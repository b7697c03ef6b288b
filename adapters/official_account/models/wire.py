"""Wire types of api.weixin.qq.com, in its own field names. Unknown fields are ignored."""

from __future__ import annotations

import msgspec


class Addresses(msgspec.Struct):
    """``get_api_domain_ip``."""

    ip_list: list[str]


class OpenidList(msgspec.Struct):
    """The inner list of ``user/get``."""

    openid: list[str] = []


class OpenidPage(msgspec.Struct):
    """``user/get``, ``user/tag/get``, ``getblacklist``.

    The terminal answer has no ``data`` and an empty ``next_openid``.
    """

    count: int = 0
    data: OpenidList | None = None
    next_openid: str = ""


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


class PrivateTemplate(msgspec.Struct):
    """A row of ``get_all_private_template``."""

    template_id: str
    title: str = ""
    primary_industry: str = ""
    deputy_industry: str = ""
    content: str = ""
    example: str = ""


class TemplateList(msgspec.Struct):
    """``get_all_private_template``."""

    template_list: list[PrivateTemplate] = []


class TemplateAdded(msgspec.Struct):
    """``api_add_template``."""

    template_id: str


class Industry(msgspec.Struct, frozen=True):
    """One of the two of ``get_industry``."""

    first_class: str = ""
    second_class: str = ""


class Industries(msgspec.Struct):
    """``get_industry``."""

    primary_industry: Industry = Industry()
    secondary_industry: Industry = Industry()


class BizSendRequest(msgspec.Struct, omit_defaults=True):
    """``message/subscribe/bizsend``."""

    touser: str
    template_id: str
    data: dict[str, TemplateValue]
    page: str = ""
    miniprogram: TemplateMiniProgram | None = None


class SubscribeTemplateRow(msgspec.Struct):
    """A row of ``gettemplate``: ``type`` 2 is once per consent, 3 for long."""

    priTmplId: str
    title: str = ""
    content: str = ""
    example: str = ""
    type: int = 2


class SubscribeTemplates(msgspec.Struct):
    """``gettemplate``."""

    data: list[SubscribeTemplateRow] = []


class SubscribeTemplateAdded(msgspec.Struct):
    """``addtemplate``."""

    priTmplId: str


class TagCreated(msgspec.Struct):
    """``tags/create``."""

    tag: TagInfo


class TagIds(msgspec.Struct):
    """``tags/getidlist``."""

    tagid_list: list[int] = []


class MassJob(msgspec.Struct):
    """``mass/send`` and ``mass/sendall``; ``msg_data_id`` for articles alone."""

    msg_id: int | str
    msg_data_id: int | str = 0


class MassState(msgspec.Struct):
    """``mass/get``."""

    msg_status: str


class MassSpeed(msgspec.Struct):
    """``mass/speed/get``: 0 is the fastest, 4 the slowest."""

    speed: int


class QrCode(msgspec.Struct):
    """``qrcode/create``; a permanent one has no ``expire_seconds``."""

    ticket: str
    url: str = ""
    expire_seconds: int = 0


class Button(msgspec.Struct, omit_defaults=True):
    """An entry of a menu, or a heading over up to five."""

    name: str
    type: str = ""
    key: str = ""
    url: str = ""
    appid: str = ""
    pagepath: str = ""
    media_id: str = ""
    article_id: str = ""
    sub_button: list[Button] = []


class Menu(msgspec.Struct, frozen=True):
    """The default menu."""

    button: list[Button] = []


class MenuGet(msgspec.Struct):
    """``menu/get``."""

    menu: Menu = Menu()


class NewsItem(msgspec.Struct):
    """An article of a draft or of a publication."""

    title: str = ""
    author: str = ""
    digest: str = ""
    url: str = ""
    thumb_url: str = ""
    is_deleted: bool = False


class News(msgspec.Struct, frozen=True):
    """``draft/get``, ``freepublish/getarticle`` and the ``content`` of lists."""

    news_item: list[NewsItem] = []


class DraftRow(msgspec.Struct):
    """A row of ``draft/batchget``."""

    media_id: str
    content: News = News()
    update_time: int = 0


class DraftPage(msgspec.Struct):
    """``draft/batchget``."""

    total_count: int
    item_count: int
    item: list[DraftRow] = []


class PublishedRow(msgspec.Struct):
    """A row of ``freepublish/batchget``."""

    article_id: str
    content: News = News()
    update_time: int = 0


class PublishedPage(msgspec.Struct):
    """``freepublish/batchget``."""

    total_count: int
    item_count: int
    item: list[PublishedRow] = []


class PublishJob(msgspec.Struct):
    """``freepublish/submit``."""

    publish_id: int | str


class PublishState(msgspec.Struct):
    """``freepublish/get``: ``fail_idx`` counts from 1."""

    publish_status: int
    article_id: str = ""
    fail_idx: list[int] = []


class MediaUploaded(msgspec.Struct):
    """``media/upload``; a thumb's number may have a name of its own."""

    media_id: str = ""
    thumb_media_id: str = ""
    created_at: int = 0


class WebToken(msgspec.Struct):
    """``sns/oauth2/access_token`` and ``refresh_token``."""

    access_token: str
    expires_in: float
    refresh_token: str
    openid: str
    scope: str = ""
    is_snapshotuser: int = 0
    unionid: str = ""


class WebUser(msgspec.Struct):
    """``sns/userinfo``: whatever else it has is blank nowadays."""

    openid: str
    nickname: str = ""
    headimgurl: str = ""
    unionid: str = ""


class Ticket(msgspec.Struct):
    """``ticket/getticket``."""

    ticket: str
    expires_in: float
