"""What goes to customers: welcomes, and tasks that ask employees to send."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from adapters.base.page import Page
from adapters.enterprise_chat import models
from adapters.enterprise_chat.adapter.account import URL_LIMIT_BYTES, Account, instant, moment, unix
from adapters.enterprise_chat.client import sends
from adapters.enterprise_chat.records import Welcome
from adapters.enterprise_chat.records.messages import MediaKind
from adapters.enterprise_chat.records.sends import (
    Attachment,
    Delivery,
    DeliveryState,
    FileAttachment,
    GroupSend,
    GroupSendCreated,
    GroupSendTask,
    GroupWelcome,
    LinkAttachment,
    MiniProgramAttachment,
    PictureAttachment,
    SenderState,
)

WELCOME_TEXT_LIMIT_BYTES: Final = 4000
LINK_TITLE_LIMIT_BYTES: Final = 128
LINK_DESCRIPTION_LIMIT_BYTES: Final = 512
MINI_PROGRAM_TITLE_LIMIT_BYTES: Final = 64
#: An uploaded file (临时素材) can be used for so long.
MEDIA_LIVES: Final = timedelta(days=3)
IMAGE_LIMIT_BYTES: Final = 10 * 1024 * 1024
#: Bytes of 临时素材 by kind (上传临时素材).
MEDIA_LIMIT_BYTES: Final = {
    MediaKind.IMAGE: IMAGE_LIMIT_BYTES,
    MediaKind.VOICE: 2 * 1024 * 1024,
    MediaKind.VIDEO: 10 * 1024 * 1024,
    MediaKind.FILE: 20 * 1024 * 1024,
}
#: Customers, groups, and tags of one set, in one task.
CUSTOMERS_LIMIT: Final = 10_000
CHATS_LIMIT: Final = 2000
TAG_SET_LIMIT: Final = 100
ATTACHMENT_LIMIT: Final = 9
GROUP_WELCOME_LIMIT_BYTES: Final = 3000
#: The longest time over which tasks are listed.
TASK_WINDOW: Final = timedelta(days=30)
_TASKS_PER_PAGE: Final = 100
_RESULTS_PER_PAGE: Final = 1000
_BY_CORP, _ALL = 0, 2
_TASK_SENT: Final = 2
_DELIVERIES: Final = {0: Delivery.PENDING, 1: Delivery.SENT, 2: Delivery.NO_FRIEND, 3: Delivery.CAPPED}
_IMAGE_NAME: Final = re.compile(r"[0-9A-Za-z_.-]{1,100}\.(jpg|jpeg|png)", re.IGNORECASE)
_FILE_NAME: Final = re.compile(r"[0-9A-Za-z_.-]{1,100}")


class Sends(Account):
    """客户群发, 欢迎语 and 素材; see ``EnterpriseChatAdapter``."""

    async def send_welcome(self, welcome: Welcome) -> None:
        """Greet a new contact with the code of their event; one call, never repeated.

        Raises Invalid over a limit, Rejected ``welcome_code_expired`` after 20 seconds and ``welcome_done`` where the
        code was used, Conflict ``welcome_under_way`` where another app of the corp uses it right now.
        """
        self._check_welcome(welcome)
        attachments = []
        if welcome.link is not None:
            link = models.WelcomeLink(
                welcome.link.title, welcome.link.url, welcome.link.picture_url, welcome.link.description
            )
            attachments.append(models.Attachment("link", link=link))
        if welcome.card is not None:
            card = models.WelcomeCard(welcome.card.title, welcome.card.media_id, welcome.card.appid, welcome.card.page)
            attachments.append(models.Attachment("miniprogram", miniprogram=card))
        text = models.Text(welcome.text) if welcome.text else None
        await self._sends.send_welcome_msg(models.SendWelcome(welcome.code.reveal(), text, attachments))

    async def upload_image(self, name: str, content: bytes) -> str:
        """Store a JPG or PNG of 10 MB at most for three days (临时素材); returns its media_id. One call."""
        self._check_image(name, content)
        return (await self._sends.media_upload(name, content)).media_id

    async def upload_media(self, kind: MediaKind, name: str, content: bytes) -> str:
        """Store a file for three days (临时素材); returns its media_id. One call, never repeated.

        Bytes: image 10 MB (JPG, PNG), voice 2 MB (AMR of a minute), video 10 MB (MP4), file 20 MB.
        """
        if _FILE_NAME.fullmatch(name) is None:
            raise self._invalid("file_name", "A file is called by 1 to 100 letters, digits, _ . and -.")
        if not 5 < len(content) <= MEDIA_LIMIT_BYTES[kind]:
            raise self._invalid("file_size", f"{len(content)} bytes given, 6 to {MEDIA_LIMIT_BYTES[kind]} fit.")
        return (await self._sends.media_upload(name, content, kind.value)).media_id

    async def publish_image(self, name: str, content: bytes) -> str:
        """Store a picture for ever and return its address, for messages only; 1000 a day, 3000 a month. One call."""
        self._check_image(name, content)
        return (await self._sends.media_uploadimg(name, content)).url

    async def create_group_send(self, send: GroupSend) -> GroupSendCreated:
        """Ask employees to send a message to customers or groups (企业群发). **It sends nothing**: they confirm.

        One call, never repeated, and without a key: after OutcomeUnknown look for the task in ``group_sends`` by its
        words or by a marker in the page of its mini-program card. Raises Invalid over a limit, Rejected
        ``nobody_to_send_to``.
        """
        self._check_group_send(send)
        groups = send.to_groups
        tags = [sends.TagGroupFilter(list(each)) for each in send.tags]
        wire = sends.MsgTemplate(
            chat_type="group" if groups else "single",
            external_userid=list(send.external_userids),
            chat_id_list=list(send.chat_ids),
            tag_filter=sends.TagFilter(tags) if tags else None,
            sender=send.sender,
            allow_select=send.employee_may_select,
            text=models.Text(send.text) if send.text else None,
            attachments=[_attachment(each) for each in send.attachments],
        )
        answer = await self._sends.add_msg_template(wire)
        return GroupSendCreated(answer.msgid, tuple(answer.fail_list))

    async def group_sends(
        self, start: datetime, end: datetime, cursor: str | None = None, *, to_groups: bool = False, own: bool = True
    ) -> Page[GroupSendTask]:
        """Tasks made in a time of at most 30 days, 100 a page; with ``own`` those of employees, too."""
        if not timedelta(0) < end - start <= TASK_WINDOW:
            raise self._invalid("window", f"Ask for more than nothing and at most {TASK_WINDOW.days} days at once.")
        chat_type, kinds = "group" if to_groups else "single", _ALL if own else _BY_CORP
        answer = await self._sends.get_groupmsg_list_v2(
            chat_type, unix(start), unix(end), kinds, cursor or "", _TASKS_PER_PAGE
        )
        return Page([_task(row) for row in answer.group_msg_list], answer.next_cursor or None)

    async def group_send_senders(self, task_id: str, cursor: str | None = None) -> Page[SenderState]:
        """Who was asked, and whether they sent; 1000 a page. Unavailable ``dispatching`` right after creation."""
        answer = await self._sends.get_groupmsg_task(task_id, cursor or "", _RESULTS_PER_PAGE)
        rows = [SenderState(row.userid, row.status == _TASK_SENT, moment(row.send_time)) for row in answer.task_list]
        return Page(rows, answer.next_cursor or None)

    async def group_send_deliveries(self, task_id: str, userid: str, cursor: str | None = None) -> Page[DeliveryState]:
        """What became of each customer or group of one employee's task; 1000 a page. Of groups only those sent to."""
        answer = await self._sends.get_groupmsg_send_result(task_id, userid, cursor or "", _RESULTS_PER_PAGE)
        rows = [
            DeliveryState(
                row.external_userid or row.chat_id,
                row.userid,
                _DELIVERIES.get(row.status, Delivery.OTHER),
                moment(row.send_time),
            )
            for row in answer.send_list
        ]
        return Page(rows, answer.next_cursor or None)

    async def remind_group_send(self, task_id: str) -> None:
        """Remind those who have yet to send; three times in 24 hours (Rejected ``reminded_enough``). Never repeated."""
        await self._sends.remind_groupmsg_send(task_id)

    async def cancel_group_send(self, task_id: str) -> None:
        """Stop a task; what employees sent stays sent. Raises Conflict ``send_cancelled`` where it was."""
        await self._sends.cancel_groupmsg_send(task_id)

    async def add_group_welcome(self, welcome: GroupWelcome, *, notify: bool = False) -> str:
        """Store a 入群欢迎语, which group owners may choose; returns its id. One call, never repeated.

        ``notify`` tells the owners. A corp has at most 100.
        """
        wire = self._group_welcome(welcome)
        wire.notify = int(notify)
        return (await self._sends.group_welcome_template_add(wire)).template_id

    async def group_welcome(self, template_id: str) -> GroupWelcome:
        """A 入群欢迎语; raises Invalid for an id that is none."""
        wire = await self._sends.group_welcome_template_get(template_id)
        return GroupWelcome(wire.text.content if wire.text else "", _shown(wire))

    async def update_group_welcome(self, template_id: str, welcome: GroupWelcome) -> None:
        """Replace a 入群欢迎语; harmless to repeat."""
        wire = self._group_welcome(welcome)
        wire.template_id = template_id
        await self._sends.group_welcome_template_edit(wire)

    async def delete_group_welcome(self, template_id: str) -> None:
        """Delete a 入群欢迎语; groups that chose it greet no more."""
        await self._sends.group_welcome_template_del(template_id)

    def _group_welcome(self, welcome: GroupWelcome) -> sends.GroupWelcome:
        self._check_bytes("welcome_length", "The text", welcome.text, GROUP_WELCOME_LIMIT_BYTES)
        if not welcome.text and welcome.attachment is None:
            raise self._invalid("welcome_empty", "A welcome needs a text or an attachment.")
        if isinstance(welcome.attachment, FileAttachment):
            raise self._invalid("attachments", "The welcome of a group shows a picture, a link or a card.")
        shown = None if welcome.attachment is None else _attachment(welcome.attachment)
        return sends.GroupWelcome(
            text=models.Text(welcome.text) if welcome.text else None,
            image=shown.image if shown else None,
            link=shown.link if shown else None,
            miniprogram=shown.miniprogram if shown else None,
        )

    def _check_group_send(self, send: GroupSend) -> None:
        self._check_bytes("text_length", "The text", send.text, WELCOME_TEXT_LIMIT_BYTES)
        self._check_count("attachments", "attachments", send.attachments, ATTACHMENT_LIMIT, least=0 if send.text else 1)
        self._check_count("too_many_customers", "customers", send.external_userids, CUSTOMERS_LIMIT, least=0)
        self._check_count("too_many_groups", "groups", send.chat_ids, CHATS_LIMIT, least=0)
        for each in send.tags:
            self._check_count("too_many_tags", "tags of a set", each, TAG_SET_LIMIT)
        if send.to_groups and not send.sender:
            raise self._invalid("no_sender", "A message to groups needs the employee who sends it.")
        if not send.to_groups and not (send.sender or send.external_userids or send.tags):
            raise self._invalid("no_recipient", "Name a sender, customers or tags.")

    def _check_image(self, name: str, content: bytes) -> None:
        if _IMAGE_NAME.fullmatch(name) is None:
            raise self._invalid("image_name", "An image is called by letters, digits, _ . - and ends in .jpg or .png.")
        if not 5 < len(content) <= IMAGE_LIMIT_BYTES:
            raise self._invalid("image_size", f"The image has {len(content)} bytes, 6 to {IMAGE_LIMIT_BYTES} fit.")

    def _check_welcome(self, welcome: Welcome) -> None:
        if not welcome.text and welcome.link is None and welcome.card is None:
            raise self._invalid("welcome_empty", "A welcome needs a text, a link or a card.")
        sizes = [("text", welcome.text, WELCOME_TEXT_LIMIT_BYTES)]
        if welcome.link is not None:
            sizes += [
                ("link's title", welcome.link.title, LINK_TITLE_LIMIT_BYTES),
                ("link's description", welcome.link.description, LINK_DESCRIPTION_LIMIT_BYTES),
                ("link's URL", welcome.link.url, URL_LIMIT_BYTES),
                ("link's picture", welcome.link.picture_url, URL_LIMIT_BYTES),
            ]
        if welcome.card is not None:
            sizes.append(("card's title", welcome.card.title, MINI_PROGRAM_TITLE_LIMIT_BYTES))
        for what, text, limit in sizes:
            if len(text.encode()) > limit:
                raise self._invalid(
                    "welcome_length", f"The {what} of a welcome has {len(text.encode())} bytes, {limit} fit."
                )


def _attachment(record: Attachment) -> models.Attachment:
    if isinstance(record, PictureAttachment):
        return models.Attachment("image", image=models.Image(record.media_id, record.url))
    if isinstance(record, LinkAttachment):
        link = models.WelcomeLink(record.title, record.url, record.picture_url, record.description)
        return models.Attachment("link", link=link)
    if isinstance(record, FileAttachment):
        media = models.MediaId(record.media_id)
        return models.Attachment("video", video=media) if record.video else models.Attachment("file", file=media)
    card = models.WelcomeCard(record.title, record.media_id, record.appid, record.page)
    return models.Attachment("miniprogram", miniprogram=card)


def _shown(wire: sends.GroupWelcome) -> Attachment | None:
    if wire.image is not None:
        return PictureAttachment(wire.image.media_id, wire.image.pic_url)
    if wire.link is not None:
        return LinkAttachment(wire.link.title, wire.link.url, wire.link.picurl, wire.link.desc)
    if wire.miniprogram is not None:
        card = wire.miniprogram
        return MiniProgramAttachment(card.title, card.appid, card.page, card.pic_media_id)
    return None


def _task(wire: sends.GroupMsg) -> GroupSendTask:
    return GroupSendTask(
        task_id=wire.msgid,
        created_at=instant(int(wire.create_time)),
        creator=wire.creator or None,
        by_corp=wire.create_type == _BY_CORP,
        text=wire.text.content if wire.text else "",
        pages=tuple(each.miniprogram.page for each in wire.attachments if each.miniprogram is not None),
    )
