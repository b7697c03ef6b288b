"""What the gateway asks of a corp: employees, customers, groups, tags, app messages and events."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from adapters.base.errors import Invalid, NotFound
from adapters.base.http import Upstream
from adapters.base.page import Page
from adapters.base.webhooks import InboundEvent, Received, WebhookRequest
from adapters.enterprise_chat import models, webhooks
from adapters.enterprise_chat.client import BATCH_LIMIT, DUPLICATE_WINDOW, PAGE_LIMIT, EnterpriseChatClient
from adapters.enterprise_chat.config import EnterpriseChatConfig
from adapters.enterprise_chat.records import (
    AppMessage,
    AppMessageKind,
    AppMessageSent,
    Contact,
    CorpTag,
    Department,
    Employee,
    Group,
    GroupMember,
    JoinScene,
    MemberKind,
    Unassigned,
    Welcome,
)
from adapters.enterprise_chat.tokens import app_tokens

T = TypeVar("T")

NAME: Final = "enterprise_chat"
#: Calls at the same time. The platform refuses too many of one endpoint by one corp (45033) and does not
#: say how many that is.
CONCURRENCY: Final = 8
#: Recipients of one app message.
RECIPIENT_LIMIT: Final = 1000
#: Longer text is cut by the platform without a word, so it is refused here.
TEXT_LIMIT_BYTES: Final = 2048
TITLE_LIMIT: Final = 128
CARD_TEXT_LIMIT: Final = 512
URL_LIMIT_BYTES: Final = 2048
WELCOME_TEXT_LIMIT_BYTES: Final = 4000
LINK_TITLE_LIMIT_BYTES: Final = 128
LINK_DESCRIPTION_LIMIT_BYTES: Final = 512
MINI_PROGRAM_TITLE_LIMIT_BYTES: Final = 64
#: An uploaded picture (临时素材) can be used for so long.
MEDIA_LIVES: Final = timedelta(days=3)
IMAGE_LIMIT_BYTES: Final = 10 * 1024 * 1024
_IMAGE_NAME: Final = re.compile(r"[0-9A-Za-z_.-]{1,100}\.(jpg|jpeg|png)", re.IGNORECASE)
_DEDUPE_KEY: Final = re.compile(r"[0-9A-Za-z_@-]{0,128}")
_ACTIVE: Final = 1
_CUSTOMER: Final = 2
_PERSONAL_TAG: Final = 2


class EnterpriseChatAdapter:
    """One corp. Methods raise the ten kinds of ``adapters.base.errors``; a miss in a batch is a value."""

    def __init__(self, config: EnterpriseChatConfig, upstream: Upstream) -> None:
        self._corpid = config.corpid
        self._agentid = config.agentid
        self._clock = upstream.runtime.clock
        app = app_tokens(upstream, config.base_url, config.corpid, str(config.agentid), config.app_secret)
        customers = app
        if config.contact_secret and config.contact_secret != config.app_secret:
            customers = app_tokens(upstream, config.base_url, config.corpid, "customer_contact", config.contact_secret)
        self._client = EnterpriseChatClient(upstream, config.base_url, app, customers)
        self._callbacks = webhooks.callbacks(config.corpid, config.callback_token, config.aes_key)

    @property
    def account(self) -> str:
        """The corpid."""
        return self._corpid

    async def ping(self) -> None:
        """Asks who has customers: proves the customer-contact secret, the IP allow list and the scope."""
        await self._client.get_follow_user_list()

    async def employees(self, userids: Sequence[str]) -> Sequence[Employee | NotFound]:
        """Employees by userid, one call each; those who left are NotFound. Userids do not mind case."""
        return await _each(self._employee, userids)

    async def departments(self) -> Sequence[Department]:
        """All departments that the app sees; one call."""
        answer = await self._client.department_list()
        return tuple(Department(d.id, d.name, d.parentid or None) for d in answer.department)

    async def guide_ids(self) -> Sequence[str]:
        """Userids of employees who may have customers (客户联系 scope); one call."""
        return tuple((await self._client.get_follow_user_list()).follow_user)

    async def contact_ids(self, userid: str) -> Sequence[str]:
        """external_userids of one employee's customers, unpaged; one call. Raises NotFound for nobody."""
        try:
            return tuple((await self._client.externalcontact_list(userid)).external_userid)
        except NotFound as error:
            if error.reason == "no_relation":
                return ()
            raise

    async def contact(self, external_userid: str) -> Sequence[Contact] | NotFound:
        """A customer, once per employee who has them; one call per 500 employees."""
        found: list[Contact] = []
        cursor = ""
        try:
            while True:
                answer = await self._client.externalcontact_get(external_userid, cursor)
                found += [self._contact(answer.external_contact, follow) for follow in answer.follow_user]
                if not answer.next_cursor:
                    return tuple(found)
                cursor = answer.next_cursor
        except NotFound as error:
            return error

    async def contacts_of(self, userids: Sequence[str], cursor: str | None = None) -> Page[Contact]:
        """Customers of up to 100 employees, 100 pairs a page; a customer of two employees comes twice.

        Take the userids from ``guide_ids``: one who left makes the platform refuse the whole batch
        (NotFound). Tags come without names. Raises Conflict ``cursor_expired`` for a cursor of other userids.
        """
        if not 1 <= len(userids) <= BATCH_LIMIT:
            raise self._invalid("too_many_userids", f"{len(userids)} userids given, 1 to {BATCH_LIMIT} fit.")
        answer = await self._client.batch_get_by_user(userids, cursor or "", BATCH_LIMIT)
        rows = [self._contact(row.external_contact, row.follow_info) for row in answer.external_contact_list]
        return Page(rows, answer.next_cursor or None)

    async def corp_tags(self) -> Sequence[CorpTag]:
        """All corp tags, group by group; one call."""
        groups = (await self._client.get_corp_tag_list()).tag_group
        return tuple(CorpTag(tag.id, tag.name, group.group_name) for group in groups for tag in group.tag)

    async def unassigned(self, cursor: str | None = None) -> Page[Unassigned]:
        """Customers of employees who left, 1000 a page."""
        answer = await self._client.get_unassigned_list(cursor or "", PAGE_LIMIT)
        rows = [
            Unassigned(row.handover_userid, row.external_userid, _instant(row.dimission_time)) for row in answer.info
        ]
        return Page(rows, None if answer.is_last else answer.next_cursor or None)

    async def group_ids(self, cursor: str | None = None, *, owners: Sequence[str] = ()) -> Page[str]:
        """chat_ids of customer groups, 1000 a page.

        Without ``owners`` (at most 100) the groups of everyone still there, which the platform refuses to a
        corp with more than 1000 visible people (Invalid ``too_many_owners``). Groups of an owner who left
        are listed only where that owner is named.
        """
        answer = await self._client.groupchat_list(owners, cursor or "", PAGE_LIMIT)
        return Page([row.chat_id for row in answer.group_chat_list], answer.next_cursor or None)

    async def groups(self, chat_ids: Sequence[str]) -> Sequence[Group | NotFound]:
        """Groups with their members, one call each."""
        return await _each(self._group, chat_ids)

    async def send_app_message(self, message: AppMessage) -> AppMessageSent:
        """Send to employees. Errcode 0 does not mean everybody: see ``invalid_userids``.

        With a ``dedupe_key`` repeating within four hours is harmless; without one an unknown outcome stays
        OutcomeUnknown. Raises Invalid over a limit, Rejected ``nobody_reached``. The platform drops without
        a word what exceeds 30 messages a minute or 1000 an hour to one person.
        """
        self._check(message)
        answer = await self._client.message_send(_wire_message(message, self._agentid))
        failed = f"{answer.invaliduser}|{answer.unlicenseduser}".split("|")
        return AppMessageSent(answer.msgid, tuple(dict.fromkeys(userid for userid in failed if userid)))

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
        await self._client.send_welcome_msg(models.SendWelcome(welcome.code.reveal(), text, attachments))

    async def upload_image(self, name: str, content: bytes) -> str:
        """Store a JPG or PNG of 10 MB at most for three days (临时素材); returns its media_id. One call."""
        if _IMAGE_NAME.fullmatch(name) is None:
            raise self._invalid("image_name", "An image is called by letters, digits, _ . - and ends in .jpg or .png.")
        if not 5 < len(content) <= IMAGE_LIMIT_BYTES:
            raise self._invalid("image_size", f"The image has {len(content)} bytes, 6 to {IMAGE_LIMIT_BYTES} fit.")
        return (await self._client.media_upload(name, content)).media_id

    async def receive(self, request: WebhookRequest) -> Received:
        """See ``adapters.base.spec.ReceivesWebhooks``."""
        return self._callbacks.receive(request, self._clock.now(), webhooks.inbound_event)

    def interpret(self, event: InboundEvent) -> Sequence[object]:
        """See ``adapters.base.spec.ReceivesWebhooks``."""
        return webhooks.interpret(self._corpid, event)

    async def _employee(self, userid: str) -> Employee:
        wire = await self._client.user_get(userid)
        departments = tuple(wire.department)
        active = wire.status == _ACTIVE
        return Employee(self._corpid, wire.userid, wire.name, wire.position, wire.mobile, departments, active)

    async def _group(self, chat_id: str) -> Group:
        wire = (await self._client.groupchat_get(chat_id)).group_chat
        members = tuple(_group_member(member) for member in wire.member_list)
        created = _instant(wire.create_time)
        return Group(self._corpid, wire.chat_id, wire.name, wire.owner, created, members, wire.member_version)

    def _contact(self, who: models.ExternalContact, follow: models.Follow) -> Contact:
        shared = [tag for tag in follow.tags if tag.type != _PERSONAL_TAG and tag.tag_id]
        return Contact(
            corpid=self._corpid,
            external_userid=who.external_userid,
            userid=follow.userid,
            unionid=who.unionid or None,
            name=who.name,
            avatar=who.avatar,
            remark=follow.remark,
            remark_mobiles=tuple(mobile for mobile in follow.remark_mobiles if mobile),
            description=follow.description,
            add_way=follow.add_way,
            state=follow.state,
            added_at=_instant(follow.createtime),
            tag_ids=tuple(follow.tag_id) or tuple(tag.tag_id for tag in shared),
            tag_names=tuple(tag.tag_name for tag in shared),
            personal_tags=tuple(tag.tag_name for tag in follow.tags if tag.type == _PERSONAL_TAG),
        )

    def _check(self, message: AppMessage) -> None:
        card = message.kind is not AppMessageKind.TEXT
        size = len(message.text) if card else len(message.text.encode())
        limit, unit = (CARD_TEXT_LIMIT, "characters") if card else (TEXT_LIMIT_BYTES, "bytes")
        if not 1 <= len(message.to_userids) <= RECIPIENT_LIMIT:
            raise self._invalid(
                "recipients", f"{len(message.to_userids)} recipients given, 1 to {RECIPIENT_LIMIT} fit."
            )
        if not 1 <= size <= limit:
            raise self._invalid("text_length", f"The text has {size} {unit}, 1 to {limit} fit.")
        if card and not 1 <= len(message.title) <= TITLE_LIMIT:
            raise self._invalid(
                "title_length", f"The title has {len(message.title)} characters, 1 to {TITLE_LIMIT} fit."
            )
        if card and not 1 <= len(message.url.encode()) <= URL_LIMIT_BYTES:
            raise self._invalid("url_length", f"A card needs a URL of 1 to {URL_LIMIT_BYTES} bytes.")
        if _DEDUPE_KEY.fullmatch(message.dedupe_key) is None:
            raise self._invalid("dedupe_key", "A dedupe_key has at most 128 of 0-9 A-Z a-z _ @ -.")

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

    def _invalid(self, reason: str, message: str) -> Invalid:
        return Invalid(NAME, reason, message, account=self._corpid)


async def _each(one: Callable[[str], Awaitable[T]], ids: Sequence[str]) -> Sequence[T | NotFound]:
    """Ask for each id at the same time; the first failure that is no miss fails all."""

    async def found(an_id: str) -> T | NotFound:
        try:
            return await one(an_id)
        except NotFound as error:
            return error

    return await asyncio.gather(*(found(an_id) for an_id in ids))


def _group_member(wire: models.GroupChatMember) -> GroupMember:
    kind = MemberKind.CUSTOMER if wire.type == _CUSTOMER else MemberKind.EMPLOYEE
    scenes = {1: JoinScene.INVITED, 2: JoinScene.LINK, 3: JoinScene.QR}
    scene = scenes.get(wire.join_scene, JoinScene.OTHER)
    return GroupMember(wire.userid, kind, wire.unionid or None, _instant(wire.join_time), scene)


def _wire_message(message: AppMessage, agentid: int) -> models.SendMessage:
    wire = models.SendMessage(touser="|".join(message.to_userids), msgtype="text", agentid=agentid)
    if message.kind is AppMessageKind.TEXT:
        wire.text = models.Text(message.text)
    elif message.kind is AppMessageKind.TEXT_CARD:
        wire.msgtype = "textcard"
        wire.textcard = models.TextCard(message.title, message.text, message.url)
    else:
        wire.msgtype = "template_card"
        wire.template_card = models.TemplateCard(
            "text_notice",
            models.CardTitle(message.title),
            message.text,
            models.CardAction(message.url),
            message.dedupe_key,
        )
    if message.dedupe_key:
        wire.enable_duplicate_check = 1
        wire.duplicate_check_interval = int(DUPLICATE_WINDOW.total_seconds())
    return wire


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
