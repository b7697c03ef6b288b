"""QR codes (带参数的二维码), the menu (自定义菜单), articles (图文) and temporary media (临时素材)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, Literal
from urllib.parse import urlencode

from adapters.base.errors import Malformed, NotFound
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.official_account.account import TOOL, Account
from adapters.official_account.client import ContentClient
from adapters.official_account.config import OfficialAccountConfig
from adapters.official_account.models.wire import Button, DraftRow, NewsItem, PublishedRow
from adapters.official_account.records import (
    Article,
    ArticleGroup,
    Media,
    MenuEntry,
    Publication,
    PublishStatus,
    SceneCode,
)

#: The longest life of a temporary code.
LONGEST_CODE: Final = timedelta(days=30)
SCENE_LENGTH: Final = 64
#: Drafts and publications of one page.
ARTICLES_PER_PAGE: Final = 20
PUBLISH_STATUS: Final = dict(enumerate(list(PublishStatus)[:7]))
_IMAGES: Final = "https://mp.weixin.qq.com/cgi-bin/showqrcode"
#: Menu kinds that lead to something other than a key.
_VALUES: Final[Mapping[str, str]] = {
    "view": "url",
    "miniprogram": "url",
    "media_id": "media_id",
    "view_limited": "media_id",
    "article_id": "article_id",
    "article_view_limited": "article_id",
}
#: A file for messages (临时素材) can be used for so long.
MEDIA_LIVES: Final = timedelta(days=3)
#: Bytes of one, by kind (新增临时素材).
MEDIA_LIMIT_BYTES: Final[Mapping[str, int]] = {
    "image": 2 * 1024 * 1024,
    "voice": 2 * 1024 * 1024,
    "video": 10 * 1024 * 1024,
    "thumb": 64 * 1024,
}
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Content(Account):
    """See ``OfficialAccountAdapter``."""

    def __init__(self, config: OfficialAccountConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._content = ContentClient(self._api)

    async def scene_code(self, scene: str, lifetime: timedelta | None = None) -> SceneCode:
        """A QR code whose scan tells ``scene``, of 1 to 64 characters, with ``FollowerChanged`` or ``QrScanned``.

        ``lifetime`` is up to 30 days. None is for ever, and one of the account's 100,000. Raises Rejected
        ``too_many_codes``.
        """
        if not 1 <= len(scene) <= SCENE_LENGTH:
            raise self._invalid("scene", f"The scene has {len(scene)} characters; the platform takes 1 to 64.")
        request: dict[str, object] = {
            "action_name": "QR_LIMIT_STR_SCENE" if lifetime is None else "QR_STR_SCENE",
            "action_info": {"scene": {"scene_str": scene}},
        }
        if lifetime is not None:
            if not timedelta(seconds=1) <= lifetime <= LONGEST_CODE:
                raise self._invalid("lifetime", "A temporary code lives for a second to 30 days.")
            request["expire_seconds"] = int(lifetime.total_seconds())
        asked = self._clock.now()
        wire = await self._content.qrcode_create(request)
        seconds = wire.expire_seconds
        if lifetime is not None and not 0 < seconds <= LONGEST_CODE.total_seconds():
            raise Malformed(TOOL, "time", "The platform gave a code without an end.", account=self.account)
        ends = asked + timedelta(seconds=seconds) if lifetime is not None else None
        return SceneCode(wire.ticket, wire.url, f"{_IMAGES}?{urlencode({'ticket': wire.ticket})}", ends)

    async def menu(self) -> Sequence[MenuEntry]:
        """The menu that everybody has; none where there is no menu."""
        try:
            return [_entry(button) for button in (await self._content.menu_get()).menu.button]
        except NotFound as error:
            if error.reason != "menu_missing":
                raise
            return []

    async def menu_replace(self, entries: Sequence[MenuEntry]) -> None:
        """Put up to three entries, each over up to five, in place of the menu; phones may show the old one for a day.

        Raises Invalid ``menu`` for what the platform does not take, Rejected ``mini_program_unlinked``.
        """
        await self._content.menu_create([_button(entry) for entry in entries])

    async def menu_delete(self) -> None:
        """Take the menu away, and those for some people only too."""
        await self._content.menu_delete()

    async def drafts(self, cursor: str | None = None) -> Page[ArticleGroup]:
        """Drafts (草稿箱), the newest first, 20 at a time."""
        offset = self._offset(cursor)
        wire = await self._content.draft_batchget(offset, ARTICLES_PER_PAGE)
        return Page([self._group(row, row.media_id) for row in wire.item], _next(offset, wire.item, wire.total_count))

    async def draft(self, media_id: str) -> Sequence[Article]:
        """The articles of a draft. Raises Invalid ``media_unknown``."""
        return [_article(item) for item in (await self._content.draft_get(media_id)).news_item]

    async def publish(self, media_id: str) -> str:
        """Publish a draft without telling anybody (发布), and answer the job's number.

        ``publication`` asks how it went, and ``ArticlesPublished`` tells it. After OutcomeUnknown look at ``drafts``: a
        draft that was taken is there no more.
        """
        return str((await self._content.freepublish_submit(media_id)).publish_id)

    async def publication(self, publish_id: str) -> Publication:
        """How a publication went. Raises NotFound ``article_unknown``."""
        wire = await self._content.freepublish_get(publish_id)
        status = PUBLISH_STATUS.get(wire.publish_status, PublishStatus.OTHER)
        return Publication(publish_id, status, wire.article_id, tuple(wire.fail_idx))

    async def published(self, cursor: str | None = None) -> Page[ArticleGroup]:
        """Published articles, the newest first, 20 at a time: no call lists those of mass messages."""
        offset = self._offset(cursor)
        wire = await self._content.freepublish_batchget(offset, ARTICLES_PER_PAGE)
        return Page([self._group(row, row.article_id) for row in wire.item], _next(offset, wire.item, wire.total_count))

    async def published_articles(self, article_id: str) -> Sequence[Article]:
        """The articles of one publication. Raises NotFound ``article_unknown``."""
        return [_article(item) for item in (await self._content.freepublish_getarticle(article_id)).news_item]

    async def media_upload(self, kind: Literal["image", "voice", "video", "thumb"], name: str, content: bytes) -> str:
        """Upload a file for messages, and answer its media_id, which lives for three days.

        image: 2 MB; voice: 2 MB and 60 seconds; video: 10 MB of MP4; thumb: 64 KB of JPEG. ``name`` has an ending,
        and letters, digits and ``_.-`` only.
        """
        if not _FILE_NAME.fullmatch(name):
            raise self._invalid("file_name", "The name of a file has 1 to 64 letters, digits, or one of _.-")
        wire = await self._content.media_upload(kind, name, content)
        if not (number := wire.media_id or wire.thumb_media_id):
            raise Malformed(TOOL, "media_id", "The platform did not name the file.", account=self.account)
        return number

    async def media(self, media_id: str) -> Media:
        """A file that was uploaded, or that a follower sent. Raises Invalid ``media_unknown`` after three days."""
        answer = await self._content.media_get(media_id)
        return Media(answer.headers["content-type"], answer.body)

    def _offset(self, cursor: str | None) -> int:
        if cursor is None:
            return 0
        if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):
            raise self._invalid("cursor", "The cursor is not one that this list gave out; begin at the first page.")
        return int(cursor)

    def _group(self, row: DraftRow | PublishedRow, number: str) -> ArticleGroup:
        return ArticleGroup(
            number, tuple(_article(item) for item in row.content.news_item), self._moment(row.update_time)
        )


def _next(offset: int, rows: Sequence[object], total: int) -> str | None:
    return str(offset + len(rows)) if rows and offset + len(rows) < total else None


def _article(item: NewsItem) -> Article:
    return Article(item.title, item.author, item.digest, item.url, item.is_deleted)


def _entry(button: Button) -> MenuEntry:
    value = str(getattr(button, _VALUES.get(button.type, "key")))
    below = tuple(_entry(each) for each in button.sub_button)
    return MenuEntry(button.name, button.type, value, button.appid, button.pagepath, below)


def _button(entry: MenuEntry) -> Button:
    button = Button(entry.name, entry.kind, appid=entry.appid, pagepath=entry.path)
    if entry.value:
        setattr(button, _VALUES.get(entry.kind, "key"), entry.value)
    button.sub_button = [_button(each) for each in entry.entries]
    return button
