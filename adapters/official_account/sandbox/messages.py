"""Template, subscribe and customer-service messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from adapters.official_account.sandbox.account import FIELD_RULES, Account
from adapters.official_account.sandbox.callbacks import Callbacks
from adapters.official_account.sandbox.checks import OK, Endpoints, own
from adapters.official_account.sandbox.errors import Refused
from adapters.official_account.sandbox.shelf import LIBRARY
from sandbox.platform import Kit
from sandbox.world import names

#: Bytes of a text.
TEXT_BYTES = 2048
#: Kinds of customer-service messages → the keys that each must have.
_PARTS = {
    "text": ("content",),
    "news": ("articles",),
    "image": ("media_id",),
    "voice": ("media_id",),
    "video": ("media_id", "thumb_media_id"),
    "mpnews": ("media_id",),
    "mpnewsarticle": ("article_id",),
    "msgmenu": ("head_content", "list"),
    "miniprogrampage": ("title", "appid", "pagepath", "thumb_media_id"),
}
_TYPING_AFTER = timedelta(seconds=30)


class Messages:
    """模板消息, 订阅通知, 客服消息."""

    def __init__(self, name: str, callbacks: Mapping[str, Callbacks], kit: Kit) -> None:
        self._name = name
        self._callbacks = callbacks
        self._kit = kit
        #: What TEMPLATESENDJOBFINISH will say.
        self.template_status = "success"

    def endpoints(self) -> Endpoints:
        """See ``Api``."""
        return {
            "/cgi-bin/message/template/send": ("POST", self._template_send),
            "/cgi-bin/template/get_all_private_template": ("GET", self._templates),
            "/cgi-bin/template/api_add_template": ("POST", self._template_add),
            "/cgi-bin/template/del_private_template": ("POST", self._template_delete),
            "/cgi-bin/template/get_industry": ("GET", self._industry),
            "/cgi-bin/message/subscribe/bizsend": ("POST", self._bizsend),
            "/wxaapi/newtmpl/gettemplate": ("GET", self._subscribe_templates),
            "/wxaapi/newtmpl/addtemplate": ("POST", self._subscribe_add),
            "/wxaapi/newtmpl/deltemplate": ("POST", self._subscribe_delete),
            "/cgi-bin/message/custom/send": ("POST", self._custom_send),
            "/cgi-bin/message/custom/typing": ("POST", self._typing),
        }

    def _template_send(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        openid = own(account, given.get("touser"))
        template_id = given.get("template_id")
        if template_id not in account.templates:
            raise Refused(40037)
        if openid not in account.subscribed():
            raise Refused(43004)
        if openid in account.shelf.blacklist:
            raise Refused(43019)
        jump = given.get("miniprogram")
        if isinstance(jump, dict) and jump.get("appid") and jump["appid"] not in account.mini_programs:
            raise Refused(40166)
        data = given.get("data")
        bad = account.bad_field(str(template_id), data if isinstance(data, dict) else {})
        if bad:
            raise Refused(47003, f" data.{bad}.value invalid")
        key = str(given.get("client_msg_id") or "")
        msgid, new = account.accept_template(key, self._kit.clock.now())
        if new:
            self._deliver(account, openid, msgid, key, given)
        return {"errcode": 0, "errmsg": "ok", "msgid": msgid}

    def _deliver(self, account: Account, openid: str, msgid: int, key: str, given: Mapping[str, Any]) -> None:
        appid = account.settings.appid
        self._kit.effect(
            self._name,
            "template_sent",
            f"{appid}/{key or msgid}",
            msgid=msgid,
            message={k: v for k, v in given.items() if k != "client_msg_id"},
        )
        self._callbacks[appid].event(openid, "TEMPLATESENDJOBFINISH", MsgID=msgid, Status=self.template_status)

    # Customer-service messages -------------------------------------------------------------------

    def _custom_send(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        openid = own(account, given.get("touser"))
        if openid not in account.subscribed():
            raise Refused(43004)
        if openid in account.shelf.blacklist:
            raise Refused(43019)
        kind = given.get("msgtype")
        if kind not in _PARTS:
            raise Refused(40008)
        part = given.get(kind)
        if kind == "text":
            _check_text(part)
        elif kind == "news":
            _check_news(part)
        else:
            self._check_part(account, kind, part)
        refused = account.take_message(openid, self._kit.clock.now())
        if refused:
            raise Refused(refused)
        message = {"msgtype": kind, kind: part}
        self._kit.effect(self._name, "custom_sent", f"{account.settings.appid}/{openid}", message=message)
        return {"errcode": 0, "errmsg": "ok"}

    def _check_part(self, account: Account, kind: str, part: object) -> None:
        if not isinstance(part, dict) or any(not part.get(key) for key in _PARTS[kind]):
            raise Refused(40035)
        numbers = [str(part[key]) for key in ("media_id", "thumb_media_id") if key in part]
        if any(not account.has_media(number, self._kit.clock.now()) for number in numbers):
            raise Refused(40007)
        if kind == "miniprogrampage" and part["appid"] not in account.mini_programs:
            raise Refused(40166)

    def _typing(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        openid, command = own(account, given.get("touser")), given.get("command")
        if command not in {"Typing", "CancelTyping"}:
            raise Refused(45072)
        seen, now = account.last_seen.get(openid), self._kit.clock.now()
        if seen is None or now - seen > _TYPING_AFTER:
            raise Refused(45080)
        if command == "CancelTyping":
            account.shelf.typing.discard(openid)
        elif openid in account.shelf.typing:
            raise Refused(45081)
        else:
            account.shelf.typing.add(openid)
            self._kit.effect(self._name, "typing_shown", f"{account.settings.appid}/{openid}")
        return OK

    # Templates ------------------------------------------------------------------------------------

    def _templates(self, account: Account, _given: Any) -> Mapping[str, Any]:
        rows = [
            {
                "template_id": number,
                "title": "订单支付成功通知",
                "primary_industry": "消费品",
                "deputy_industry": "消费品",
                "content": "".join(f"{{{{{field}.DATA}}}}\n" for field in fields),
                "example": "",
            }
            for number, fields in account.templates.items()
        ]
        return {"template_list": rows}

    def _template_add(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        if given.get("template_id_short") not in LIBRARY:
            raise Refused(40037)
        number = names.text(len(account.templates), f"{account.settings.appid}/added", 43)
        account.templates[number] = ("thing1",)
        self._kit.effect(self._name, "template_added", f"{account.settings.appid}/{number}")
        return {"errcode": 0, "errmsg": "ok", "template_id": number}

    def _template_delete(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        number = str(given.get("template_id"))
        if account.templates.pop(number, None) is None:
            raise Refused(40037)
        self._kit.effect(self._name, "template_deleted", f"{account.settings.appid}/{number}")
        return OK

    def _industry(self, _account: Account, _given: Any) -> Mapping[str, Any]:
        return {
            "primary_industry": {"first_class": "消费品", "second_class": "消费品"},
            "secondary_industry": {"first_class": "IT科技", "second_class": "互联网|电子商务"},
        }

    # Subscribe messages ---------------------------------------------------------------------------

    def _bizsend(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        openid, number = own(account, given.get("touser")), str(given.get("template_id"))
        if number not in account.shelf.subscribe_templates:
            raise Refused(40037)
        data = given.get("data")
        if not isinstance(data, dict) or not data:
            raise Refused(47003)
        for name, value in data.items():
            rule = FIELD_RULES.get(name.rstrip("0123456789"))
            text = value.get("value") if isinstance(value, dict) else None
            if rule is None or not isinstance(text, str) or not rule.fullmatch(text):
                raise Refused(47003, f" data.{name}.value invalid")
        if account.shelf.grants.get((openid, number), 0) < 1:
            raise Refused(43101)
        account.shelf.grants[openid, number] -= 1
        self._kit.effect(self._name, "subscribe_sent", f"{account.settings.appid}/{openid}", data=data)
        told = {"TemplateId": number, "MsgID": "1700827132819554304", "ErrorCode": "0", "ErrorStatus": "success"}
        self._callbacks[account.settings.appid].event(
            openid, "subscribe_msg_sent_event", SubscribeMsgSentEvent={"List": told}
        )
        return OK

    def _subscribe_templates(self, account: Account, _given: Any) -> Mapping[str, Any]:
        rows = [
            {"priTmplId": number, "title": title, "content": "{{thing1.DATA}}", "example": "", "type": 2}
            for number, title in account.shelf.subscribe_templates.items()
        ]
        return {"errcode": 0, "errmsg": "ok", "data": rows}

    def _subscribe_add(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        words = given.get("kidList")
        if not given.get("tid") or not isinstance(words, list) or not words:
            raise Refused(40035)
        number = names.text(len(account.shelf.subscribe_templates), f"{account.settings.appid}/subscribe", 43)
        account.shelf.subscribe_templates[number] = "到货通知"
        self._kit.effect(self._name, "subscribe_template_added", f"{account.settings.appid}/{number}")
        return {"errcode": 0, "errmsg": "ok", "priTmplId": number}

    def _subscribe_delete(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        number = str(given.get("priTmplId"))
        if account.shelf.subscribe_templates.pop(number, None) is None:
            raise Refused(40037)
        self._kit.effect(self._name, "subscribe_template_deleted", f"{account.settings.appid}/{number}")
        return OK


def _check_text(part: object) -> None:
    content = part.get("content") if isinstance(part, dict) else None
    if not isinstance(content, str) or not content:
        raise Refused(44004)
    if len(content.encode()) > TEXT_BYTES:
        raise Refused(45002)


def _check_news(part: object) -> None:
    articles = part.get("articles") if isinstance(part, dict) else None
    if not isinstance(articles, list) or not articles:
        raise Refused(44003)
    if len(articles) > 1:
        raise Refused(45008)
