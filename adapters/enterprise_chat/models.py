"""Wire types of qyapi.weixin.qq.com, in its own field names; times are Unix seconds."""

from __future__ import annotations

from msgspec import Struct


class GetToken(Struct):
    """``gettoken``: seconds left, 7200 at most."""

    access_token: str
    expires_in: float


class Member(Struct):
    """``user/get``: the member lies flat in the envelope.

    Apps made after 2022-06-20 get no mobile, avatar, gender, mail or address. ``status`` 1 active,
    2 disabled, 4 not activated, 5 left.
    """

    userid: str
    name: str = ""
    department: list[int] = []
    position: str = ""
    mobile: str = ""
    status: int = 1


class Department(Struct):
    """One department; the root is 1 with parent 0."""

    id: int
    name: str = ""
    parentid: int = 0


class DepartmentList(Struct):
    """``department/list``."""

    department: list[Department]


class FollowUserList(Struct):
    """``externalcontact/get_follow_user_list``."""

    follow_user: list[str]


class ExternalUserList(Struct):
    """``externalcontact/list``."""

    external_userid: list[str]


class ExternalContact(Struct):
    """A customer. ``unionid`` only for WeChat users (type 1) of a corp with a bound developer account."""

    external_userid: str
    name: str = ""
    avatar: str = ""
    type: int = 1
    unionid: str | None = None


class FollowTag(Struct):
    """A tag as ``get`` shows it: type 1 corp tag, 2 the employee's own (no id), 3 strategy tag."""

    tag_name: str = ""
    group_name: str = ""
    tag_id: str = ""
    type: int = 1


class Follow(Struct):
    """One (employee, customer) pair. ``get`` fills ``tags``, ``batch/get_by_user`` fills ``tag_id``."""

    userid: str
    createtime: int
    remark: str = ""
    description: str = ""
    remark_mobiles: list[str] = []
    add_way: int = 0
    state: str = ""
    tags: list[FollowTag] = []
    tag_id: list[str] = []


class ContactAnswer(Struct):
    """``externalcontact/get``; a cursor only above 500 followers."""

    external_contact: ExternalContact
    follow_user: list[Follow] = []
    next_cursor: str = ""


class ContactPair(Struct):
    """A row of ``batch/get_by_user``."""

    external_contact: ExternalContact
    follow_info: Follow


class ContactPairs(Struct):
    """``externalcontact/batch/get_by_user``."""

    external_contact_list: list[ContactPair] = []
    next_cursor: str = ""


class CorpTag(Struct):
    """A tag of a group; ``deleted`` is told only of those who were asked for by id."""

    id: str
    name: str
    deleted: bool = False


class CorpTagGroup(Struct):
    """A group of tags."""

    group_id: str
    group_name: str
    tag: list[CorpTag] = []
    deleted: bool = False


class CorpTagList(Struct):
    """``externalcontact/get_corp_tag_list``."""

    tag_group: list[CorpTagGroup] = []


class GroupChatRow(Struct):
    """``status`` 0 normal, 1 the owner left, 2 being handed over, 3 handed over."""

    chat_id: str
    status: int = 0


class GroupChatList(Struct):
    """``externalcontact/groupchat/list``."""

    group_chat_list: list[GroupChatRow] = []
    next_cursor: str = ""


class GroupChatMember(Struct):
    """``type`` 1 employee, 2 customer; ``join_scene`` 1 invited, 2 by link, 3 by QR code."""

    userid: str
    type: int
    join_time: int
    join_scene: int = 0
    unionid: str | None = None
    state: str = ""


class GroupChat(Struct):
    """A customer group. ``member_version`` changes with every join and leave."""

    chat_id: str
    owner: str
    create_time: int
    name: str = ""
    member_list: list[GroupChatMember] = []
    member_version: str = ""


class GroupChatAnswer(Struct):
    """``externalcontact/groupchat/get``."""

    group_chat: GroupChat


class UnassignedRow(Struct):
    """A customer whose employee left at ``dimission_time``."""

    handover_userid: str
    external_userid: str
    dimission_time: int


class UnassignedList(Struct):
    """``externalcontact/get_unassigned_list``: either mark tells the end."""

    info: list[UnassignedRow] = []
    is_last: bool = False
    next_cursor: str = ""


class Text(Struct):
    """Body of ``msgtype`` text."""

    content: str


class WelcomeLink(Struct, omit_defaults=True):
    """Body of an attachment of ``msgtype`` link."""

    title: str
    url: str
    picurl: str = ""
    desc: str = ""


class WelcomeCard(Struct):
    """Body of an attachment of ``msgtype`` miniprogram."""

    title: str
    pic_media_id: str
    appid: str
    page: str


class Image(Struct, omit_defaults=True):
    """Body of an attachment of ``msgtype`` image: of ``media/upload``, or an address of ``media/uploadimg``."""

    media_id: str = ""
    pic_url: str = ""


class MediaId(Struct):
    """Body of ``msgtype`` image, voice, video or file."""

    media_id: str = ""


class Attachment(Struct, omit_defaults=True):
    """An attachment (附件); the body under the key named by ``msgtype``."""

    msgtype: str
    link: WelcomeLink | None = None
    miniprogram: WelcomeCard | None = None
    image: Image | None = None
    video: MediaId | None = None
    file: MediaId | None = None


class SendWelcome(Struct, omit_defaults=True):
    """Request of ``externalcontact/send_welcome_msg``: text, attachments, or both."""

    welcome_code: str
    text: Text | None = None
    attachments: list[Attachment] = []


class Uploaded(Struct):
    """``media/upload``: 临时素材, which lives three days."""

    media_id: str


class TextCard(Struct, omit_defaults=True):
    """Body of ``msgtype`` textcard."""

    title: str
    description: str
    url: str
    btntxt: str = ""


class Video(Struct, omit_defaults=True):
    """Body of ``msgtype`` video."""

    media_id: str
    title: str = ""
    description: str = ""


class Article(Struct, omit_defaults=True):
    """An article of ``msgtype`` news; appid and pagepath win over url."""

    title: str
    description: str = ""
    url: str = ""
    picurl: str = ""
    appid: str = ""
    pagepath: str = ""


class News(Struct):
    """Body of ``msgtype`` news: at most eight."""

    articles: list[Article]


class NoticeItem(Struct):
    """A line of a mini-program notice."""

    key: str
    value: str


class MiniProgramNotice(Struct, omit_defaults=True):
    """Body of ``msgtype`` miniprogram_notice."""

    appid: str
    title: str
    page: str = ""
    description: str = ""
    emphasis_first_item: bool = False
    content_item: list[NoticeItem] = []


class CardTitle(Struct, omit_defaults=True):
    """Headline of a template card."""

    title: str
    desc: str = ""


class CardAction(Struct, omit_defaults=True):
    """Where a tap on the card leads; type 1 is a URL, 2 a mini-program."""

    type: int
    url: str = ""
    appid: str = ""
    pagepath: str = ""


class CardLine(Struct):
    """A line of a template card."""

    keyname: str
    value: str


class CardImage(Struct):
    """Picture of a template card."""

    url: str


class CardButton(Struct, omit_defaults=True):
    """A button of a template card: ``type`` 0 calls back with its key, 1 opens its url."""

    text: str
    type: int
    style: int = 0
    key: str = ""
    url: str = ""


class CardOption(Struct):
    """Something to choose."""

    id: str
    text: str


class CardChoice(Struct, omit_defaults=True):
    """A question with its answers. ``mode`` of a vote: 0 one answer, 1 several."""

    question_key: str
    option_list: list[CardOption]
    title: str = ""
    mode: int | None = None


class CardSubmit(Struct):
    """The button under questions."""

    text: str
    key: str


class TemplateCard(Struct, omit_defaults=True):
    """Body of ``msgtype`` template_card; its parts depend on ``card_type``. ``task_id`` is unique per app."""

    card_type: str
    main_title: CardTitle | None = None
    sub_title_text: str = ""
    card_action: CardAction | None = None
    task_id: str = ""
    horizontal_content_list: list[CardLine] = []
    card_image: CardImage | None = None
    button_list: list[CardButton] = []
    checkbox: CardChoice | None = None
    select_list: list[CardChoice] = []
    submit_button: CardSubmit | None = None


class SendMessage(Struct, omit_defaults=True, kw_only=True):
    """Request of ``message/send``; the body under the key named by ``msgtype``."""

    touser: str = ""
    toparty: str = ""
    totag: str = ""
    msgtype: str
    agentid: int
    text: Text | None = None
    textcard: TextCard | None = None
    template_card: TemplateCard | None = None
    image: MediaId | None = None
    voice: MediaId | None = None
    file: MediaId | None = None
    video: Video | None = None
    news: News | None = None
    markdown: Text | None = None
    miniprogram_notice: MiniProgramNotice | None = None
    safe: int = 0
    enable_duplicate_check: int = 0
    duplicate_check_interval: int = 0


class SendMessageAnswer(Struct):
    """``message/send``: partial failure is errcode 0 with names, joined by bars and lower-cased.

    ``response_code`` comes with cards that call back.
    """

    msgid: str = ""
    invaliduser: str = ""
    unlicenseduser: str = ""
    response_code: str = ""
    invalidparty: str = ""
    invalidtag: str = ""
