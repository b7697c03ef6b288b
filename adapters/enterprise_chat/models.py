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
    """A tag of a group."""

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


class Attachment(Struct, omit_defaults=True):
    """An attachment (附件); the body under the key named by ``msgtype``."""

    msgtype: str
    link: WelcomeLink | None = None
    miniprogram: WelcomeCard | None = None


class SendWelcome(Struct, omit_defaults=True):
    """Request of ``externalcontact/send_welcome_msg``: text, attachments, or both."""

    welcome_code: str
    text: Text | None = None
    attachments: list[Attachment] = []


class Uploaded(Struct):
    """``media/upload``: 临时素材, which lives three days."""

    media_id: str


class TextCard(Struct):
    """Body of ``msgtype`` textcard."""

    title: str
    description: str
    url: str


class CardTitle(Struct):
    """Headline of a template card."""

    title: str


class CardAction(Struct):
    """Where a tap on the card leads; type 1 is a URL."""

    url: str
    type: int = 1


class TemplateCard(Struct, omit_defaults=True):
    """Body of ``msgtype`` template_card with ``card_type`` text_notice. ``task_id`` is unique per app."""

    card_type: str
    main_title: CardTitle
    sub_title_text: str
    card_action: CardAction
    task_id: str = ""


class SendMessage(Struct, omit_defaults=True, kw_only=True):
    """Request of ``message/send``; the body under the key named by ``msgtype``."""

    touser: str
    msgtype: str
    agentid: int
    text: Text | None = None
    textcard: TextCard | None = None
    template_card: TemplateCard | None = None
    enable_duplicate_check: int = 0
    duplicate_check_interval: int = 0


class SendMessageAnswer(Struct):
    """``message/send``: partial failure is errcode 0 with names, joined by bars and lower-cased."""

    msgid: str = ""
    invaliduser: str = ""
    unlicenseduser: str = ""
