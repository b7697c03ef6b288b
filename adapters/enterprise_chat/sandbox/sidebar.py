"""聊天工具栏: logins of those who open it, tickets, and the client that checks a page's signature."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from adapters.enterprise_chat.sandbox.answers import Refusal
from adapters.enterprise_chat.sandbox.gate import Call
from adapters.enterprise_chat.sandbox.state import CorpState
from sandbox.platform import Kit

NAME = "enterprise_chat"
CODE_LIVES = timedelta(minutes=5)
TICKET_LIVES = timedelta(seconds=7200)
#: Domains that the administrator entered (可信域名).
TRUSTED_HOSTS = ("guide.yujian.example",)
ADDRESSES = ("203.0.113.0/24", "198.51.100.17")
#: Where a page of the sidebar may be opened from.
ENTRIES = {"normal", "contact_profile", "single_chat_tools", "group_chat_tools", "chat_attachment"}


@dataclass(slots=True)
class Login:
    """A code: whose, for which of the two doors, and where the redirect led."""

    answer: Mapping[str, Any]
    door: str
    host: str
    at: datetime
    used: bool = False


class Sidebar:
    """``trusted_hosts`` may be changed, as in the console."""

    def __init__(self, state: CorpState, kit: Kit) -> None:
        self._state = state
        self._kit = kit
        self.trusted_hosts = list(TRUSTED_HOSTS)
        self._logins: dict[str, Login] = {}
        self._tickets: dict[str, tuple[str, datetime]] = {}

    def getuserinfo(self, call: Call) -> Mapping[str, Any]:
        """Whose code it is, once; the redirect's host must be one of the app's."""
        login = self._login(call.query.get("code", ""), "web")
        if login.host not in self.trusted_hosts:
            raise Refusal(50001)
        login.used = True
        return login.answer

    def old_getuserinfo(self, call: Call) -> Mapping[str, Any]:
        """The older path, which spells its fields with capitals."""
        answer = self.getuserinfo(call)
        if "userid" in answer:
            return {"UserId": answer["userid"], "DeviceId": ""}
        return {"OpenId": answer["openid"], "DeviceId": ""} | {k: v for k, v in answer.items() if k != "openid"}

    def jscode2session(self, call: Call) -> Mapping[str, Any]:
        """An employee in a mini-program."""
        if call.query.get("grant_type") != "authorization_code":
            raise Refusal(40035)
        login = self._login(call.query.get("js_code", ""), "mini_program")
        login.used = True
        corpid = self._state.corp.corpid
        return {"corpid": corpid, **login.answer, "session_key": secrets.token_urlsafe(18)}

    def get_jsapi_ticket(self, _call: Call) -> Mapping[str, Any]:
        """The corp's ticket."""
        return self._ticket("corp")

    def ticket_get(self, call: Call) -> Mapping[str, Any]:
        """The app's ticket."""
        if call.query.get("type") != "agent_config":
            raise Refusal(40035)
        return self._ticket("agent")

    def getcallbackip(self, _call: Call) -> Mapping[str, Any]:
        """Where callbacks come from."""
        return {"ip_list": list(ADDRESSES)}

    def issue(self, answer: Mapping[str, Any], door: str = "web", host: str = TRUSTED_HOSTS[0]) -> str:
        """A fresh code."""
        code = secrets.token_urlsafe(32)
        self._logins[code] = Login(answer, door, host, self._kit.clock.now())
        return code

    async def open(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """{userid | external_userid, entry?, host?, mini_program?}: somebody opens a page or the mini-program.

        Answers the code that the page gets.
        """
        entry = str(body.get("entry", "single_chat_tools"))
        if entry not in ENTRIES:
            raise ValueError(f"entry is one of {', '.join(sorted(ENTRIES))}")
        if "userid" in body:
            member = self._state.member(str(body["userid"]))
            if member is None:
                raise ValueError(f"no employee {body['userid']}")
            answer = {"userid": member.userid}
        else:
            external = str(body["external_userid"])
            openid = "o" + hashlib.sha256(external.encode()).hexdigest()[:27]
            answer = {"openid": openid} | ({"external_userid": external} if self._state.followers(external) else {})
        door = "mini_program" if body.get("mini_program") else "web"
        return {"code": self.issue(answer, door, str(body.get("host", TRUSTED_HOSTS[0]))), "entry": entry}

    async def check_js_config(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """{identity: corp | agent, url, timestamp, nonceStr, signature}: the page calls wx.config or wx.agentConfig."""
        page = str(body["url"]).partition("#")[0]
        if urlsplit(page).hostname not in self.trusted_hosts:
            return {"errMsg": "config:fail", "errCode": 80001}
        known = self._tickets.get(str(body["identity"]))
        ticket = known[0] if known is not None and known[1] > self._kit.clock.now() else ""
        text = f"jsapi_ticket={ticket}&noncestr={body['nonceStr']}&timestamp={body['timestamp']}&url={page}"
        if not ticket or hashlib.sha1(text.encode()).hexdigest() != body["signature"]:
            return {"errMsg": "config:fail", "errCode": 40093}
        return {"errMsg": "config:ok", "errCode": 0}

    def _login(self, code: str, door: str) -> Login:
        login = self._logins.get(code)
        if login is None or login.door != door:
            raise Refusal(40029)
        if login.used:
            raise Refusal(42022)
        if self._kit.clock.now() - login.at > CODE_LIVES:
            raise Refusal(42003)
        return login

    def _ticket(self, identity: str) -> Mapping[str, Any]:
        now = self._kit.clock.now()
        known = self._tickets.get(identity)
        if known is None or known[1] <= now:
            known = (secrets.token_urlsafe(64), now + TICKET_LIVES)
            self._tickets[identity] = known
        return {"ticket": known[0], "expires_in": round((known[1] - now).total_seconds())}
