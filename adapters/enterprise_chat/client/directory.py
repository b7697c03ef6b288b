"""Who works where (通讯录管理), and who opened a page (身份验证). With the app's token but for one."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from adapters.base.endpoint import read
from adapters.enterprise_chat import models
from adapters.wechat.api import TokenApi

USER_GET: Final = read("user_get", family="directory")
USER_LIST: Final = read("user_list", family="directory")
USER_SIMPLELIST: Final = read("user_simplelist", family="directory")
USER_LIST_ID: Final = read("user_list_id", family="directory")
DEPARTMENT_GET: Final = read("department_get", family="directory")
DEPARTMENT_LIST: Final = read("department_list", family="directory")
DEPARTMENT_SIMPLELIST: Final = read("department_simplelist", family="directory")
GETUSERINFO: Final = read("auth_getuserinfo", family="sidebar")
JSCODE2SESSION: Final = read("jscode2session", family="sidebar")
GET_JSAPI_TICKET: Final = read("get_jsapi_ticket", family="sidebar")
TICKET_GET: Final = read("ticket_get", family="sidebar")
GETCALLBACKIP: Final = read("getcallbackip", family="directory")


class Members(Struct):
    """``user/list``, and ``user/simplelist`` with fewer fields."""

    userlist: list[models.Member]


class MemberPlace(Struct):
    """A member in one department: one who is in two comes twice."""

    userid: str
    department: int


class MemberPlaces(Struct):
    """``user/list_id``."""

    dept_user: list[MemberPlace] = []
    next_cursor: str = ""


class DepartmentAnswer(Struct):
    """``department/get``."""

    department: models.Department


class DepartmentPlaces(Struct):
    """``department/simplelist``: the ids under another name than in ``department/list``, and no names."""

    department_id: list[models.Department]


class UserInfo(Struct):
    """``auth/getuserinfo``: a member, or somebody else, whose external_userid is there if a follower is visible."""

    userid: str = ""
    openid: str = ""
    external_userid: str = ""


class Session(Struct):
    """``miniprogram/jscode2session``: the session key is not used, and not kept."""

    corpid: str
    userid: str


class Ticket(Struct):
    """A jsapi_ticket; seconds left."""

    ticket: str
    expires_in: float


class CallbackAddresses(Struct):
    """``getcallbackip``: addresses and networks."""

    ip_list: list[str]


class DirectoryClient:
    """Members, departments, tickets. ``contacts_sync`` carries the token of 通讯录同步."""

    def __init__(self, app: TokenApi, contacts_sync: TokenApi) -> None:
        self._app = app
        self._contacts_sync = contacts_sync

    async def user_get(self, userid: str) -> models.Member:
        """读取成员."""
        return await self._app.get(USER_GET, "/cgi-bin/user/get", models.Member, {"userid": userid})

    async def user_list(self, department: int) -> Members:
        """获取部门成员详情: of one department, not of those below it."""
        return await self._app.get(USER_LIST, "/cgi-bin/user/list", Members, {"department_id": str(department)})

    async def user_simplelist(self, department: int) -> Members:
        """获取部门成员: userids, names and departments."""
        query = {"department_id": str(department)}
        return await self._app.get(USER_SIMPLELIST, "/cgi-bin/user/simplelist", Members, query)

    async def user_list_id(self, cursor: str, limit: int) -> MemberPlaces:
        """获取成员ID列表: the whole corp, at most 10,000 rows."""
        body = {"cursor": cursor, "limit": limit}
        return await self._contacts_sync.post(USER_LIST_ID, "/cgi-bin/user/list_id", MemberPlaces, body)

    async def department_get(self, department: int) -> DepartmentAnswer:
        """获取单个部门详情."""
        query = {"id": str(department)}
        return await self._app.get(DEPARTMENT_GET, "/cgi-bin/department/get", DepartmentAnswer, query)

    async def department_list(self, department: int | None = None) -> models.DepartmentList:
        """获取部门列表: all of them, or one with all below it."""
        query = {} if department is None else {"id": str(department)}
        return await self._app.get(DEPARTMENT_LIST, "/cgi-bin/department/list", models.DepartmentList, query)

    async def department_simplelist(self, department: int | None = None) -> DepartmentPlaces:
        """获取子部门ID列表: all, or one with all below it."""
        query = {} if department is None else {"id": str(department)}
        path = "/cgi-bin/department/simplelist"
        return await self._app.get(DEPARTMENT_SIMPLELIST, path, DepartmentPlaces, query)

    async def auth_getuserinfo(self, code: str) -> UserInfo:
        """获取访问用户身份: the code of the OAuth redirect works once. A repetition costs a new login at worst."""
        return await self._app.get(GETUSERINFO, "/cgi-bin/auth/getuserinfo", UserInfo, {"code": code})

    async def jscode2session(self, code: str) -> Session:
        """小程序登录: the code of ``wx.qy.login``; the app is the one that is linked to the mini-program."""
        query = {"js_code": code, "grant_type": "authorization_code"}
        return await self._app.get(JSCODE2SESSION, "/cgi-bin/miniprogram/jscode2session", Session, query)

    async def get_jsapi_ticket(self) -> Ticket:
        """获取企业的jsapi_ticket."""
        return await self._app.get(GET_JSAPI_TICKET, "/cgi-bin/get_jsapi_ticket", Ticket)

    async def ticket_get(self) -> Ticket:
        """获取应用的jsapi_ticket."""
        return await self._app.get(TICKET_GET, "/cgi-bin/ticket/get", Ticket, {"type": "agent_config"})

    async def getcallbackip(self) -> CallbackAddresses:
        """获取企业微信回调IP段."""
        return await self._app.get(GETCALLBACKIP, "/cgi-bin/getcallbackip", CallbackAddresses)
