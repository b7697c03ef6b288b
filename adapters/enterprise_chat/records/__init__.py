"""What leaves this folder: employees, customers, groups and events in our words. Instants are aware, UTC."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime

from adapters.base.secrets import Secret


@dataclass(frozen=True, slots=True)
class Employee:
    """成员. ``mobile`` is empty where the platform withholds it, as from apps younger than June 2022."""

    corpid: str
    userid: str
    name: str = field(repr=False)
    position: str
    mobile: str = field(repr=False)
    departments: tuple[int, ...]
    active: bool


@dataclass(frozen=True, slots=True)
class Department:
    """部门. The root has id 1 and no parent."""

    id: int
    name: str
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class Contact:
    """客户: a customer as one employee has them; a customer of two employees is two of these.

    Attributes:
        unionid: joins the customer to the other WeChat tools; None where the corp has no bound developer
            account for them.
        add_way: the platform's number for how they met (0 unknown, 1 QR code, 3 shared card, 4 group,
            16 acquisition link, 202 assigned by an administrator, …).
        state: the channel that the QR code or link carried, empty where it carried none.
        tag_ids: corp tags (企业标签) and strategy tags.
        tag_names: their names in the same order; empty where the platform does not give them
            (``contacts_of``).
        personal_tags: the employee's own tags, which have no id; only from ``contact``.
    """

    corpid: str
    external_userid: str
    userid: str
    unionid: str | None = field(repr=False)
    name: str = field(repr=False)
    avatar: str = field(repr=False)
    remark: str = field(repr=False)
    remark_mobiles: tuple[str, ...] = field(repr=False)
    description: str = field(repr=False)
    add_way: int
    state: str
    added_at: datetime
    tag_ids: tuple[str, ...]
    tag_names: tuple[str, ...] = ()
    personal_tags: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class CorpTag:
    """企业标签. ``group`` is the name of its tag group (标签组)."""

    id: str
    name: str
    group: str


class MemberKind(enum.StrEnum):
    """Who a group member is."""

    EMPLOYEE = "EMPLOYEE"
    CUSTOMER = "CUSTOMER"


class JoinScene(enum.StrEnum):
    """How somebody came into a group."""

    INVITED = "INVITED"
    LINK = "LINK"
    QR = "QR"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class GroupMember:
    """Someone in a group. ``id`` is a userid of an EMPLOYEE, an external_userid of a CUSTOMER.

    ``state`` is the channel that the QR code of a join way carried, empty where there was none.
    """

    id: str
    kind: MemberKind
    unionid: str | None = field(repr=False)
    joined_at: datetime
    join_scene: JoinScene
    state: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """客户群. ``version`` changes whenever somebody joins or leaves."""

    corpid: str
    chat_id: str
    name: str
    owner_userid: str
    created_at: datetime
    members: tuple[GroupMember, ...]
    version: str


class AppMessageKind(enum.StrEnum):
    """The look of an app message: plain text, 文本卡片, or 模板卡片 of 文本通知型."""

    TEXT = "TEXT"
    TEXT_CARD = "TEXT_CARD"
    NOTICE_CARD = "NOTICE_CARD"


@dataclass(frozen=True, slots=True)
class AppMessage:
    """应用消息 to employees.

    The platform knows a repetition by its content: with a ``dedupe_key`` the same content to the same
    people within four hours is one message. It never sees the key itself, but for a NOTICE_CARD, where the
    key is the card's task_id. So two different TEXT messages or TEXT_CARDs that must both arrive have to
    differ in what they say (an order number, a URL); a NOTICE_CARD need not.

    Attributes:
        to_userids: 1 to 1000.
        title: cards only, 128 characters.
        text: TEXT 2048 bytes; TEXT_CARD 512 characters. Links as ``<a href>`` are allowed in TEXT.
        url: cards only, 2048 bytes.
        dedupe_key: makes repetition safe; 128 of ``[0-9A-Za-z_@-]``. Empty: sent at most once.
    """

    to_userids: tuple[str, ...]
    kind: AppMessageKind
    title: str
    text: str = field(repr=False)
    url: str
    dedupe_key: str


@dataclass(frozen=True, slots=True)
class AppMessageSent:
    """Accepted. ``invalid_userids`` (lower case) will not get it: gone, invisible or unlicensed."""

    message_id: str
    invalid_userids: tuple[str, ...]
    #: Of a card that calls back: the right to say something on its buttons, once.
    response_code: str = ""


@dataclass(frozen=True, slots=True)
class WelcomeLink:
    """图文消息: title 128, description 512, both addresses 2048 bytes."""

    title: str
    url: str
    picture_url: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class WelcomeCard:
    """小程序卡片: title 64 bytes; ``media_id`` of ``upload_image``. The corp has linked the mini-program."""

    title: str
    appid: str
    page: str
    media_id: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """新客户欢迎语: ``text`` of 4000 bytes, a link, a card, or several of them. The code works once."""

    code: Secret
    text: str = field(default="", repr=False)
    link: WelcomeLink | None = None
    card: WelcomeCard | None = None


@dataclass(frozen=True, slots=True)
class Unassigned:
    """待分配客户: a customer of an employee who left."""

    handover_userid: str
    external_userid: str
    left_at: datetime


@dataclass(frozen=True, slots=True)
class ContactAdded:
    """A customer and an employee became contacts.

    ``welcome_code`` lives 20 seconds and works once; None where an administrator's welcome message is set.
    Not ``confirmed`` means half-added: the employee has yet to accept, and reads of the pair may miss.
    """

    corpid: str
    userid: str
    external_userid: str
    state: str
    welcome_code: Secret | None
    at: datetime
    confirmed: bool = True


class RemovedBy(enum.StrEnum):
    """Who ended a contact. TRANSFER: the customer was handed to another employee."""

    CUSTOMER = "CUSTOMER"
    GUIDE = "GUIDE"
    TRANSFER = "TRANSFER"


@dataclass(frozen=True, slots=True)
class ContactRemoved:
    """One deleted the other. After the CUSTOMER did, the pair stays readable."""

    corpid: str
    userid: str
    external_userid: str
    by: RemovedBy
    at: datetime


@dataclass(frozen=True, slots=True)
class ContactEdited:
    """The employee changed remark, phones or tags: read the contact again."""

    corpid: str
    userid: str
    external_userid: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HandoverFailed:
    """A handover to ``userid`` came to nothing; ``reason`` customer_refused or customer_limit_exceed."""

    corpid: str
    userid: str
    external_userid: str
    reason: str
    at: datetime


class GroupChange(enum.StrEnum):
    """What happened to a group."""

    CREATED = "CREATED"
    DISMISSED = "DISMISSED"
    MEMBERS_JOINED = "MEMBERS_JOINED"
    MEMBERS_LEFT = "MEMBERS_LEFT"
    OWNER = "OWNER"
    NAME = "NAME"
    NOTICE = "NOTICE"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """A group changed: read it again, up to two seconds later (the platform's own lag).

    ``member_ids`` are who joined or left, ``version`` the group's new one; both may be missing.
    """

    corpid: str
    chat_id: str
    change: GroupChange
    at: datetime
    member_ids: tuple[str, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class CorpTagsChanged:
    """A tag, a group or the order of tags changed: read all tags again. ``id`` may be empty: all of them."""

    corpid: str
    id: str
    at: datetime


class EmployeeChange(enum.StrEnum):
    """What happened to an employee."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    LEFT = "LEFT"


@dataclass(frozen=True, slots=True)
class EmployeeChanged:
    """An employee came, changed department or id (``new_userid``), or left."""

    corpid: str
    userid: str
    change: EmployeeChange
    at: datetime
    new_userid: str = ""
