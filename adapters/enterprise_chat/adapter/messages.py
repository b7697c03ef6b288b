"""What goes to employees: app messages of every kind, and the app's tile on their workbench."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from adapters.enterprise_chat import models
from adapters.enterprise_chat.adapter.account import URL_LIMIT_BYTES, Account
from adapters.enterprise_chat.adapter.contents import check_content, fill
from adapters.enterprise_chat.client import DUPLICATE_WINDOW, messages
from adapters.enterprise_chat.records import AppMessage, AppMessageKind, AppMessageSent
from adapters.enterprise_chat.records.messages import (
    Audience,
    MessageContent,
    MiniProgramMessage,
    Tile,
    TileItem,
    TileKind,
)

#: Recipients of one app message: employees; departments; tags of employees.
RECIPIENT_LIMIT: Final = 1000
GROUPING_LIMIT: Final = 100
#: Longer text is cut by the platform without a word, so it is refused here.
TEXT_LIMIT_BYTES: Final = 2048
TITLE_LIMIT: Final = 128
CARD_TEXT_LIMIT: Final = 512
#: Employees in one change of tiles.
TILE_USERS_LIMIT: Final = 1000
_ITEM_LIMITS: Final = {TileKind.FIGURES: 4, TileKind.LINES: 3}
_DEDUPE_KEY: Final = re.compile(r"[0-9A-Za-z_@-]{0,128}")
_TO_PAGE: Final = 1


class Messages(Account):
    """应用消息 and 工作台; see ``EnterpriseChatAdapter``."""

    async def send_app_message(self, message: AppMessage) -> AppMessageSent:
        """Send to employees. Errcode 0 does not mean everybody: see ``invalid_userids``.

        With a ``dedupe_key`` repeating within four hours is harmless; without one an unknown outcome stays
        OutcomeUnknown. Raises Invalid over a limit, Rejected ``nobody_reached``. The platform drops without
        a word what exceeds 30 messages a minute or 1000 an hour to one person.
        """
        self._check(message)
        return _sent(await self._messages.message_send(_wire_message(message, self._agentid)))

    async def send_content(
        self, audience: Audience, content: MessageContent, *, dedupe: bool = False, safe: bool = False
    ) -> AppMessageSent:
        """Send any kind of app message to employees, departments, tags of employees, or everybody.

        ``dedupe``: the same content to the same people within four hours is one message, so that repeating is
        harmless. ``safe`` (保密消息) forbids to pass it on. Cards that call back bring a ``response_code`` for
        ``answer_card``. Raises as ``send_app_message``; Unauthorized ``callback_missing`` where the app has no
        callback URL and a card needs one, Conflict ``card_used`` for a task_id of before.
        """
        wire = self._addressed(audience)
        if audience.everybody and isinstance(content, MiniProgramMessage):
            raise self._invalid("recipients", "A mini-program's notice goes to named employees, not to everybody.")
        if reason := check_content(content):
            raise self._invalid(*reason)
        fill(wire, content)
        wire.safe = int(safe)
        if dedupe:
            wire.enable_duplicate_check = 1
            wire.duplicate_check_interval = int(DUPLICATE_WINDOW.total_seconds())
        return _sent(await self._messages.message_send(wire))

    async def recall_app_message(self, message_id: str) -> None:
        """Take a message back within 24 hours (Conflict ``card_used`` after that). One call, never repeated."""
        await self._messages.message_recall(message_id)

    async def answer_card(self, response_code: str, text: str, userids: Sequence[str] = ()) -> Sequence[str]:
        """Say ``text`` on the buttons of a card, for these employees or for all; returns who could not be reached.

        The code comes with the message or with the event of a press, lives 72 hours and works once (Conflict
        ``card_used``). One call, never repeated.
        """
        self._check_count("recipients", "recipients", userids, RECIPIENT_LIMIT, least=0)
        button, everybody = messages.ReplacedButton(text), int(not userids)
        update = messages.UpdateCard(self._agentid, response_code, button, list(userids), everybody)
        return tuple((await self._messages.update_template_card(update)).invaliduser)

    async def set_tile(self, tile: Tile, *, replace_users: bool = False) -> None:
        """What the app's tile shows everybody (工作台模版); ``replace_users`` drops what single employees have.

        Harmless to repeat. Raises Invalid over a limit, Rejected ``tile_off`` where the console has no 自定义 mode.
        """
        wire = self._tile(tile)
        await self._messages.set_workbench_template(
            messages.Template(
                **msgspec.structs.asdict(wire),
                agentid=self._agentid,
                replace_user_data=replace_users,
            )
        )

    async def tile(self, userid: str = "") -> Tile:
        """What the tile shows everybody, or one employee."""
        if userid:
            return _shown(await self._messages.get_workbench_data(self._agentid, userid))
        return _shown(await self._messages.get_workbench_template(self._agentid))

    async def set_tiles(self, userids: Sequence[str], tile: Tile) -> None:
        """What the tile shows each of 1 to 1000 employees; one call, harmless to repeat. At most ten a minute each."""
        self._check_count("recipients", "employees", userids, TILE_USERS_LIMIT)
        wire = self._tile(tile)
        if len(userids) > 1:
            await self._messages.batch_set_workbench_data(self._agentid, userids, wire)
            return
        await self._messages.set_workbench_data(
            messages.UserTile(
                **msgspec.structs.asdict(wire),
                agentid=self._agentid,
                userid=userids[0],
            )
        )

    def _tile(self, tile: Tile) -> messages.Tile:
        limit = _ITEM_LIMITS.get(tile.kind, 0)
        self._check_count("tile_items", "items", tile.items, limit, least=min(limit, 1))
        wire = messages.Tile(tile.kind.value)
        if tile.kind is TileKind.FIGURES:
            wire.keydata = messages.KeyData([messages.KeyDatum(i.label, i.value, i.url, i.page) for i in tile.items])
        elif tile.kind is TileKind.LINES:
            wire.list = messages.Lines([messages.ListLine(i.label, i.url, i.page) for i in tile.items])
        elif tile.kind is TileKind.PICTURE:
            wire.image = messages.Picture(tile.content_url, tile.url, tile.page)
        elif tile.kind is TileKind.PAGE:
            height = "double_row" if tile.double_height else "single_row"
            wire.webview = messages.WebView(tile.content_url, tile.url, tile.page, height)
        return wire

    def _addressed(self, audience: Audience) -> models.SendMessage:
        self._check_count("recipients", "employees", audience.userids, RECIPIENT_LIMIT, least=0)
        self._check_count("recipients", "departments", audience.departments, GROUPING_LIMIT, least=0)
        self._check_count("recipients", "tags of employees", audience.tags, GROUPING_LIMIT, least=0)
        named = audience.userids or audience.departments or audience.tags
        if bool(named) is audience.everybody:
            raise self._invalid("no_recipient", "Name employees, departments or tags, or else everybody.")
        return models.SendMessage(
            touser="@all" if audience.everybody else "|".join(audience.userids),
            toparty="|".join(map(str, audience.departments)),
            totag="|".join(map(str, audience.tags)),
            msgtype="text",
            agentid=self._agentid,
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


def _sent(answer: models.SendMessageAnswer) -> AppMessageSent:
    failed = f"{answer.invaliduser}|{answer.unlicenseduser}".split("|")
    invalid = tuple(dict.fromkeys(userid for userid in failed if userid))
    return AppMessageSent(answer.msgid, invalid, answer.response_code)


def _shown(wire: messages.Tile) -> Tile:
    kind = TileKind(wire.type) if wire.type in set(TileKind) else TileKind.OFF
    items: tuple[TileItem, ...] = ()
    if wire.keydata is not None:
        items = tuple(TileItem(i.key, i.data, i.jump_url, i.pagepath) for i in wire.keydata.items)
    elif wire.list is not None:
        items = tuple(TileItem(i.title, "", i.jump_url, i.pagepath) for i in wire.list.items)
    if wire.image is not None:
        return Tile(kind, items, wire.image.url, wire.image.jump_url, wire.image.pagepath)
    if wire.webview is not None:
        page, double = wire.webview, wire.webview.height == "double_row"
        return Tile(kind, items, page.url, page.jump_url, page.pagepath, double)
    return Tile(kind, items)


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
            models.CardAction(_TO_PAGE, message.url),
            message.dedupe_key,
        )
    if message.dedupe_key:
        wire.enable_duplicate_check = 1
        wire.duplicate_check_interval = int(DUPLICATE_WINDOW.total_seconds())
    return wire
