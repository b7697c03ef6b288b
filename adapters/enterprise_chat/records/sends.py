"""What goes to customers: tasks of 企业群发 and welcomes of groups."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PictureAttachment:
    """图片: a ``media_id``, or an address of ``publish_image``."""

    media_id: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class FileAttachment:
    """视频 or 文件 of ``upload_media``."""

    media_id: str
    video: bool = False


@dataclass(frozen=True, slots=True)
class LinkAttachment:
    """图文消息: title 128 bytes, description 512, addresses 2048."""

    title: str
    url: str
    picture_url: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class MiniProgramAttachment:
    """小程序卡片: title 64 bytes. ``page`` is where a marker can stand that tells tasks apart."""

    title: str
    appid: str
    page: str
    media_id: str


Attachment = PictureAttachment | FileAttachment | LinkAttachment | MiniProgramAttachment


@dataclass(frozen=True, slots=True)
class GroupSend:
    """企业群发: a task for employees, who send it, or do not.

    Attributes:
        to_groups: to the sender's groups instead of customers; needs a sender.
        external_userids: at most 10,000; each is asked of the employee whom they chatted with last.
        chat_ids: at most 2000, with ``to_groups``.
        tags: customers with any tag of each set: ``(("et1", "et2"), ("et3",))`` is (et1 or et2) and et3.
            Disregarded where ``external_userids`` are given.
        sender: alone, all customers (or groups) of that employee.
        text: 4000 bytes.
        attachments: at most nine.
    """

    text: str = field(repr=False)
    to_groups: bool = False
    external_userids: tuple[str, ...] = ()
    chat_ids: tuple[str, ...] = ()
    tags: tuple[tuple[str, ...], ...] = ()
    sender: str = ""
    attachments: tuple[Attachment, ...] = ()
    employee_may_select: bool = False


@dataclass(frozen=True, slots=True)
class GroupSendCreated:
    """The task is there; nobody has sent anything. ``unreachable`` customers are in no employee's task."""

    task_id: str
    unreachable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupSendTask:
    """A task as it is found again: by the time, the words and the pages of its cards. ``creator`` None: the API."""

    task_id: str
    created_at: datetime
    creator: str | None
    by_corp: bool
    text: str = field(repr=False)
    pages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SenderState:
    """An employee who was asked. ``sent_at`` None: not yet."""

    userid: str
    sent: bool
    sent_at: datetime | None


class Delivery(enum.StrEnum):
    """What became of one customer or group. CAPPED: they had as many group sends as the month has days."""

    PENDING = "PENDING"
    SENT = "SENT"
    NO_FRIEND = "NO_FRIEND"
    CAPPED = "CAPPED"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """One customer (external_userid) or group (chat_id) of one employee's task."""

    target: str
    userid: str
    delivery: Delivery
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class GroupWelcome:
    """入群欢迎语: text, 3000 bytes, and at most one attachment, which is no file."""

    text: str = field(repr=False)
    attachment: Attachment | None = None
