"""QR codes, the menu, articles and files."""

from __future__ import annotations

import base64
import email.parser
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from adapters.official_account.sandbox.account import Account
from adapters.official_account.sandbox.callbacks import Callbacks
from adapters.official_account.sandbox.checks import OK, Endpoints, offset_page
from adapters.official_account.sandbox.errors import Refused
from sandbox.platform import Kit

#: Key of an answer that is a file: its type, and its bytes.
FILE = "\0file"
LONGEST_CODE = 2_592_000
PERMANENT_CODES = 100_000
_TYPES = {"image": "image/jpeg", "voice": "audio/amr", "video": "video/mp4", "thumb": "image/jpeg"}
_SIZES = {"image": 2 << 20, "voice": 2 << 20, "video": 10 << 20, "thumb": 64 << 10}
#: Kinds of a menu's entries → the key that each must have.
_BUTTONS = {
    "click": "key",
    "view": "url",
    "miniprogram": "appid",
    "scancode_push": "key",
    "scancode_waitmsg": "key",
    "pic_sysphoto": "key",
    "pic_photo_or_album": "key",
    "pic_weixin": "key",
    "location_select": "key",
    "media_id": "media_id",
    "view_limited": "media_id",
    "article_id": "article_id",
    "article_view_limited": "article_id",
}


class Content:
    """带参数的二维码, 自定义菜单, 草稿与发布, 临时素材."""

    def __init__(self, name: str, callbacks: Mapping[str, Callbacks], kit: Kit) -> None:
        self._name = name
        self._callbacks = callbacks
        self._kit = kit

    def endpoints(self) -> Endpoints:
        """See ``Api``."""
        return {
            "/cgi-bin/qrcode/create": ("POST", self._qrcode),
            "/cgi-bin/menu/create": ("POST", self._menu_create),
            "/cgi-bin/menu/get": ("GET", self._menu_get),
            "/cgi-bin/menu/delete": ("GET", self._menu_delete),
            "/cgi-bin/draft/get": ("POST", self._draft_get),
            "/cgi-bin/draft/batchget": ("POST", self._draft_batchget),
            "/cgi-bin/freepublish/submit": ("POST", self._submit),
            "/cgi-bin/freepublish/get": ("POST", self._publication),
            "/cgi-bin/freepublish/batchget": ("POST", self._published),
            "/cgi-bin/freepublish/getarticle": ("POST", self._getarticle),
            "/cgi-bin/media/upload": ("POST", self._never),
            "/cgi-bin/media/get": ("GET", self._media_get),
        }

    def _never(self, _account: Account, _given: Any) -> Mapping[str, Any]:
        raise LookupError("files are read by ``media_upload``")

    def _qrcode(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        action, info = given.get("action_name"), given.get("action_info")
        scene = info.get("scene") if isinstance(info, dict) else None
        if not isinstance(scene, dict):
            raise Refused(40053)
        if action in {"QR_STR_SCENE", "QR_LIMIT_STR_SCENE"}:
            text = scene.get("scene_str")
            good = isinstance(text, str) and 1 <= len(text) <= 64
        elif action in {"QR_SCENE", "QR_LIMIT_SCENE"}:
            text = scene.get("scene_id")
            most = 100_000 if action == "QR_LIMIT_SCENE" else 2**32 - 1
            good = isinstance(text, int) and text > 0 and (action == "QR_SCENE" or text <= most)
            # A number out of range is not refused but cut.
            text = min(text, most) if isinstance(text, int) else text
        else:
            raise Refused(40053)
        if not good:
            raise Refused(40053)
        lasting = "LIMIT" in action
        if lasting and sum(each.startswith("L") for each in account.shelf.codes) >= PERMANENT_CODES:
            raise Refused(45029)
        name = f"{'L' if lasting else 'T'}{text}"
        if name not in account.shelf.codes:
            account.shelf.codes[name] = "gQ" + base64.b64encode(name.encode() + b"=").decode()
            self._kit.effect(self._name, "code_made", f"{account.settings.appid}/{name}")
        ticket = account.shelf.codes[name]
        answer: dict[str, Any] = {"ticket": ticket, "url": f"http://weixin.qq.com/q/{quote(ticket, safe='')}"}
        if not lasting:
            answer["expire_seconds"] = min(int(given.get("expire_seconds") or 60), LONGEST_CODE)
        return answer

    # Menu -----------------------------------------------------------------------------------------

    def _menu_create(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        buttons = given.get("button")
        if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
            raise Refused(40016)
        for button in buttons:
            below = button.get("sub_button") if isinstance(button, dict) else None
            _check_button(account, button, 16)
            if below and len(below) > 5:
                raise Refused(40016)
            for each in below or ():
                _check_button(account, each, 60)
                if each.get("sub_button"):
                    raise Refused(40017)
        if account.shelf.menu != buttons:
            account.shelf.menu = buttons
            self._kit.effect(self._name, "menu_set", account.settings.appid)
        return OK

    def _menu_get(self, account: Account, _given: Any) -> Mapping[str, Any]:
        if account.shelf.menu is None:
            raise Refused(46003)
        shown = [{**button, "sub_button": button.get("sub_button") or []} for button in account.shelf.menu]
        return {"menu": {"button": shown, "menuid": 208396938}}

    def _menu_delete(self, account: Account, _given: Any) -> Mapping[str, Any]:
        if account.shelf.menu is not None:
            account.shelf.menu = None
            self._kit.effect(self._name, "menu_deleted", account.settings.appid)
        return OK

    # Articles -------------------------------------------------------------------------------------

    def _draft_get(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        draft = account.shelf.drafts.get(str(given.get("media_id")))
        if draft is None:
            raise Refused(40007)
        return {"news_item": draft["news_item"]}

    def _draft_batchget(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return offset_page([_row("media_id", *each, given) for each in account.shelf.drafts.items()], given)

    def _submit(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        shelf = account.shelf
        draft = shelf.drafts.pop(str(given.get("media_id")), None)
        if draft is None:
            raise Refused(40007)
        number, article = str(100000001 + len(shelf.publications)), secrets.token_urlsafe(32)
        shelf.publications[number] = article
        url = f"https://mp.weixin.qq.com/s/{article}"
        items = [{**item, "url": url, "is_deleted": False} for item in draft["news_item"]]
        shelf.published[article] = {"news_item": items, "update_time": int(self._kit.clock.now().timestamp())}
        appid = account.settings.appid
        self._kit.effect(self._name, "published", f"{appid}/{article}")
        self._callbacks[appid].event(
            "oMassOperator00000000000000A",
            "FREEPUBLISHJOBFINISH",
            PublishEventInfo={
                "publish_id": number,
                "publish_status": 0,
                "article_id": article,
                "article_detail": {"count": 1, "item": {"idx": 1, "article_url": url}},
            },
        )
        return {"errcode": 0, "errmsg": "ok", "publish_id": number}

    def _publication(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        number = str(given.get("publish_id"))
        article = account.shelf.publications.get(number)
        if article is None:
            raise Refused(53600)
        items = account.shelf.published[article]["news_item"]
        detail = [{"idx": place, "article_url": item["url"]} for place, item in enumerate(items, 1)]
        return {
            "publish_id": number,
            "publish_status": 0,
            "article_id": article,
            "article_detail": {"count": len(detail), "item": detail},
            "fail_idx": [],
        }

    def _published(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        newest = reversed(account.shelf.published.items())
        return offset_page([_row("article_id", *each, given) for each in newest], given)

    def _getarticle(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        article = account.shelf.published.get(str(given.get("article_id")))
        if article is None:
            raise Refused(53600)
        return {"news_item": article["news_item"]}

    # Files ----------------------------------------------------------------------------------------

    def media_upload(self, account: Account, kind: str, body: bytes, content_type: str) -> Mapping[str, Any]:
        """One file in the form field ``media``."""
        if kind not in _TYPES:
            raise Refused(40004)
        form = email.parser.BytesParser().parsebytes(b"content-type: " + content_type.encode() + b"\r\n\r\n" + body)
        parts = form.get_payload() if form.is_multipart() else []
        named = [
            p for p in parts if not isinstance(p, str) and p.get_param("name", header="content-disposition") == "media"
        ]
        content = named[0].get_payload(decode=True) if named and named[0].get_filename() else None
        if not isinstance(content, bytes) or not content or len(content) > _SIZES[kind]:
            raise Refused(40004)
        number, now = secrets.token_urlsafe(48), self._kit.clock.now()
        account.shelf.media[number] = (_TYPES[kind], content, now)
        self._kit.effect(self._name, "media_uploaded", f"{account.settings.appid}/{number}")
        named_as = "thumb_media_id" if kind == "thumb" else "media_id"
        return {"type": kind, named_as: number, "created_at": int(now.timestamp())}

    def _media_get(self, account: Account, given: Mapping[str, str]) -> Mapping[str, Any]:
        number = given.get("media_id", "")
        if number not in account.shelf.media or not account.has_media(number, self._kit.clock.now()):
            raise Refused(40007)
        return {FILE: account.shelf.media[number][:2]}


def _row(key: str, number: str, group: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    hidden = {"content"} if given.get("no_content") else set()
    items = [{k: v for k, v in item.items() if k not in hidden} for item in group["news_item"]]
    return {key: number, "content": {"news_item": items}, "update_time": group["update_time"]}


def _check_button(account: Account, button: object, most: int) -> None:
    if not isinstance(button, dict) or not 1 <= len(str(button.get("name", "")).encode()) <= most:
        raise Refused(40018)
    if button.get("sub_button"):
        return
    key = _BUTTONS.get(str(button.get("type")))
    if key is None:
        raise Refused(40017)
    if not button.get(key) or len(str(button.get("key", "")).encode()) > 128:
        raise Refused(40019)
    if key == "url" and not str(button["url"]).startswith(("http://", "https://")):
        raise Refused(40054)
    if key == "appid" and button["appid"] not in account.mini_programs:
        raise Refused(45064)
