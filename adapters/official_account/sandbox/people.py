"""Followers, tags and the blacklist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.official_account.sandbox.account import Account
from adapters.official_account.sandbox.checks import OK, Endpoints, openid_page, own, several
from adapters.official_account.sandbox.errors import Refused
from sandbox.platform import Kit

OPENIDS_PER_PAGE = 10_000
USERS_PER_CALL = 100
TAGS = 100
TAGS_OF_ONE = 20
TAGGED_PER_CALL = 50
BLACKLISTED_PER_CALL = 20
NAME_LENGTH = 30
SYSTEM_TAGS = frozenset({0, 1, 2})


class People:
    """用户管理, 标签管理, 黑名单."""

    def __init__(self, name: str, kit: Kit) -> None:
        self._name = name
        self._kit = kit
        self.page_size = OPENIDS_PER_PAGE

    def endpoints(self) -> Endpoints:
        """See ``Api``."""
        members = "/cgi-bin/tags/members"
        return {
            "/cgi-bin/user/get": ("GET", self._user_get),
            "/cgi-bin/user/info": ("GET", self._user_info),
            "/cgi-bin/user/info/batchget": ("POST", self._batchget),
            "/cgi-bin/user/info/updateremark": ("POST", self._updateremark),
            "/cgi-bin/tags/get": ("GET", self._tags_get),
            "/cgi-bin/tags/create": ("POST", self._tags_create),
            "/cgi-bin/tags/update": ("POST", self._tags_update),
            "/cgi-bin/tags/delete": ("POST", self._tags_delete),
            "/cgi-bin/tags/getidlist": ("POST", self._getidlist),
            "/cgi-bin/user/tag/get": ("POST", self._user_tag_get),
            f"{members}/batchtagging": ("POST", self._batchtagging),
            f"{members}/batchuntagging": ("POST", self._batchuntagging),
            f"{members}/getblacklist": ("POST", self._getblacklist),
            f"{members}/batchblacklist": ("POST", self._batchblacklist),
            f"{members}/batchunblacklist": ("POST", self._batchunblacklist),
        }

    def _user_get(self, account: Account, given: Mapping[str, str]) -> Mapping[str, Any]:
        after = given.get("next_openid", "")
        if after and after not in account.followers:
            raise Refused(40003)
        order = list(account.followers.values())
        start = next((i + 1 for i, f in enumerate(order) if f.openid == after), 0)
        rest = [f.openid for f in order[start:] if f.subscribed]
        return {**openid_page(rest, "", self.page_size), "total": len(account.subscribed())}

    def _user_info(self, account: Account, given: Mapping[str, str]) -> Mapping[str, Any]:
        return account.user(own(account, given.get("openid")))

    def _batchget(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        users = given.get("user_list")
        if not isinstance(users, list) or not 1 <= len(users) <= USERS_PER_CALL:
            raise Refused(40032)
        openids = [own(account, user.get("openid") if isinstance(user, dict) else None) for user in users]
        return {"user_info_list": [account.user(openid) for openid in openids]}

    def _updateremark(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        openid, remark = own(account, given.get("openid")), given.get("remark")
        if not isinstance(remark, str) or len(remark) > NAME_LENGTH:
            raise Refused(40035)
        follower = account.followers.get(openid)
        if follower is not None and follower.remark != remark:
            follower.remark = remark
            self._effect("remark_set", account, openid)
        return OK

    # Tags -----------------------------------------------------------------------------------------

    def _tags_get(self, account: Account, _given: Any) -> Mapping[str, Any]:
        return {"tags": account.tag_rows()}

    def _tags_create(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        name = _tag(given).get("name")
        if len(account.tags) >= TAGS:
            raise Refused(45056)
        tag = max([99, *account.tags]) + 1
        account.tags[tag] = self._named(account, tag, name)
        self._effect("tag_created", account, str(tag))
        return {"tag": {"id": tag, "name": name}}

    def _tags_update(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        tag = self._changeable(account, _tag(given).get("id"))
        name = self._named(account, tag, _tag(given).get("name"))
        if account.tags[tag] != name:
            account.tags[tag] = name
            self._effect("tag_renamed", account, str(tag))
        return OK

    def _tags_delete(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        tag = self._changeable(account, _tag(given).get("id"))
        del account.tags[tag]
        for follower in account.followers.values():
            follower.tags = [each for each in follower.tags if each != tag]
        self._effect("tag_deleted", account, str(tag))
        return OK

    def _getidlist(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        follower = account.followers.get(own(account, given.get("openid")))
        return {"tagid_list": follower.tags if follower else []}

    def _user_tag_get(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        tag = self._known(account, given.get("tagid"))
        openids = [f.openid for f in account.followers.values() if f.subscribed and tag in f.tags]
        page = openid_page(openids, given.get("next_openid"), self.page_size)
        del page["total"]
        return page if page["count"] else {"count": 0}

    def _batchtagging(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        openids, tag = several(account, given, TAGGED_PER_CALL), self._known(account, given.get("tagid"))
        new = [f for f in (account.followers.get(o) for o in openids) if f is not None and tag not in f.tags]
        if any(len(follower.tags) >= TAGS_OF_ONE for follower in new):
            raise Refused(45059)
        for follower in new:
            follower.tags.append(tag)
        if new:
            self._effect("tagged", account, str(tag))
        return OK

    def _batchuntagging(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        openids, tag = several(account, given, TAGGED_PER_CALL), self._known(account, given.get("tagid"))
        old = [f for f in (account.followers.get(o) for o in openids) if f is not None and tag in f.tags]
        for follower in old:
            follower.tags.remove(tag)
        if old:
            self._effect("untagged", account, str(tag))
        return OK

    def _known(self, account: Account, tag: object) -> int:
        if account.denied_tags > 0:
            account.denied_tags -= 1
            raise Refused(45159)
        if not isinstance(tag, int) or tag not in account.tags:
            raise Refused(45159)
        return tag

    def _changeable(self, account: Account, tag: object) -> int:
        if tag in SYSTEM_TAGS:
            raise Refused(45058)
        return self._known(account, tag)

    def _named(self, account: Account, tag: int, name: object) -> str:
        if not isinstance(name, str) or not name or any(n == name for t, n in account.tags.items() if t != tag):
            raise Refused(45157)
        if len(name) > NAME_LENGTH:
            raise Refused(45158)
        return name

    # Blacklist ------------------------------------------------------------------------------------

    def _getblacklist(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return openid_page(account.shelf.blacklist, given.get("begin_openid"), self.page_size)

    def _batchblacklist(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        new = [o for o in several(account, given, BLACKLISTED_PER_CALL) if o not in account.shelf.blacklist]
        account.shelf.blacklist += new
        if new:
            self._effect("blacklisted", account, new[0])
        return OK

    def _batchunblacklist(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        old = [o for o in several(account, given, BLACKLISTED_PER_CALL) if o in account.shelf.blacklist]
        account.shelf.blacklist = [o for o in account.shelf.blacklist if o not in old]
        if old:
            self._effect("unblacklisted", account, old[0])
        return OK

    def _effect(self, kind: str, account: Account, key: str) -> None:
        self._kit.effect(self._name, kind, f"{account.settings.appid}/{key}")


def _tag(given: Mapping[str, Any]) -> Mapping[str, Any]:
    tag = given.get("tag")
    if not isinstance(tag, dict):
        raise Refused(40035)
    return tag
