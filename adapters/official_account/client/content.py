"""QR codes (带参数的二维码), menus (自定义菜单), articles (草稿, 发布) and temporary media (临时素材)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.base.endpoint import idempotent, once, read
from adapters.base.transport import Response
from adapters.official_account.models import wire as models
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

# Another ticket for the same scene does what the first one does.
QRCODE_CREATE: Final = idempotent("qrcode_create", "scene", family="qrcode")
# It replaces the whole menu.
MENU_CREATE: Final = idempotent("menu_create", "button", family="menu")
MENU_GET: Final = read("menu_get", family="menu")
MENU_DELETE: Final = idempotent("menu_delete", "appid", family="menu")
DRAFT_GET: Final = read("draft_get", family="articles")
DRAFT_BATCHGET: Final = read("draft_batchget", family="articles")
FREEPUBLISH_SUBMIT: Final = once("freepublish_submit", family="articles")
FREEPUBLISH_GET: Final = read("freepublish_get", family="articles")
FREEPUBLISH_BATCHGET: Final = read("freepublish_batchget", family="articles")
FREEPUBLISH_GETARTICLE: Final = read("freepublish_getarticle", family="articles")
# A repetition uploads the file a second time, which costs one of the day's uploads.
MEDIA_UPLOAD: Final = once("media_upload", timeout=30.0, family="media")
MEDIA_GET: Final = read("media_get", timeout=30.0, family="media")


class ContentClient:
    """The calls about what one account shows."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def qrcode_create(self, request: Mapping[str, object]) -> models.QrCode:
        """POST /cgi-bin/qrcode/create."""
        return await self._api.post(QRCODE_CREATE, "/cgi-bin/qrcode/create", models.QrCode, request)

    async def menu_create(self, buttons: Sequence[models.Button]) -> None:
        """POST /cgi-bin/menu/create."""
        await self._api.post(MENU_CREATE, "/cgi-bin/menu/create", Envelope, {"button": list(buttons)})

    async def menu_get(self) -> models.MenuGet:
        """GET /cgi-bin/menu/get."""
        return await self._api.get(MENU_GET, "/cgi-bin/menu/get", models.MenuGet)

    async def menu_delete(self) -> None:
        """GET /cgi-bin/menu/delete: an effect, although it is a GET."""
        await self._api.get(MENU_DELETE, "/cgi-bin/menu/delete", Envelope)

    async def draft_get(self, media_id: str) -> models.News:
        """POST /cgi-bin/draft/get."""
        return await self._api.post(DRAFT_GET, "/cgi-bin/draft/get", models.News, {"media_id": media_id})

    async def draft_batchget(self, offset: int, count: int) -> models.DraftPage:
        """POST /cgi-bin/draft/batchget, without the articles' text."""
        body = {"offset": offset, "count": count, "no_content": 1}
        return await self._api.post(DRAFT_BATCHGET, "/cgi-bin/draft/batchget", models.DraftPage, body)

    async def freepublish_submit(self, media_id: str) -> models.PublishJob:
        """POST /cgi-bin/freepublish/submit."""
        path = "/cgi-bin/freepublish/submit"
        return await self._api.post(FREEPUBLISH_SUBMIT, path, models.PublishJob, {"media_id": media_id})

    async def freepublish_get(self, publish_id: str) -> models.PublishState:
        """POST /cgi-bin/freepublish/get."""
        path = "/cgi-bin/freepublish/get"
        return await self._api.post(FREEPUBLISH_GET, path, models.PublishState, {"publish_id": publish_id})

    async def freepublish_batchget(self, offset: int, count: int) -> models.PublishedPage:
        """POST /cgi-bin/freepublish/batchget, without the articles' text."""
        # In the body alone: the platform refuses them in the query (40097).
        body = {"offset": offset, "count": count, "no_content": 1}
        return await self._api.post(FREEPUBLISH_BATCHGET, "/cgi-bin/freepublish/batchget", models.PublishedPage, body)

    async def freepublish_getarticle(self, article_id: str) -> models.News:
        """POST /cgi-bin/freepublish/getarticle."""
        path = "/cgi-bin/freepublish/getarticle"
        return await self._api.post(FREEPUBLISH_GETARTICLE, path, models.News, {"article_id": article_id})

    async def media_upload(self, kind: str, name: str, content: bytes) -> models.MediaUploaded:
        """POST /cgi-bin/media/upload; ``kind`` is image, voice, video or thumb."""
        path, query = "/cgi-bin/media/upload", {"type": kind}
        return await self._api.post_file(MEDIA_UPLOAD, path, models.MediaUploaded, query, (name, content))

    async def media_get(self, media_id: str) -> Response:
        """GET /cgi-bin/media/get: the file, as it came."""
        return await self._api.get_for_file(MEDIA_GET, "/cgi-bin/media/get", {"media_id": media_id}, _whole)


def _whole(response: Response) -> Response:
    """Raises ValueError for a file of another length than announced, or without a type."""
    length = response.headers.get("content-length", "")
    if length and length != str(len(response.body)):
        raise ValueError("the file was cut")
    if not response.headers.get("content-type", "").partition("/")[2]:
        raise ValueError("the file has no type")
    return response
