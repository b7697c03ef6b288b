"""Followers (粉丝), their tags (用户标签) and the blacklist (黑名单)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.official_account.account import TOOL, Account, together
from adapters.official_account.client import PeopleClient
from adapters.official_account.config import OfficialAccountConfig
from adapters.official_account.errors import FOREIGN_OPENID
from adapters.official_account.models.wire import OpenidPage, UserInfo
from adapters.official_account.records import Follower, Tag

#: Openids that ``user/info/batchget`` takes at a time.
FOLLOWERS_PER_CALL: Final = 100
#: Openids that may get or lose a tag in one call.
TAGGED_PER_CALL: Final = 50
#: Openids that the blacklist takes at a time (not confirmed by the vendor).
BLACKLISTED_PER_CALL: Final = 20
#: Anything else would make the platform refuse the whole call it is in.
_OPENID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")


class People(Account):
    """See ``OfficialAccountAdapter``."""

    def __init__(self, config: OfficialAccountConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._people = PeopleClient(self._api)

    async def follower_ids(self, cursor: str | None = None) -> Page[str]:
        """Openids of all followers in the order they came, 10,000 at a time.

        ``cursor`` is the last openid of the page before; None begins. The platform counts 500 such calls a
        day. Raises NotFound ``openid_unknown`` for a cursor that it does not know (any more).
        """
        return _page(await self._people.user_get(cursor or ""), cursor)

    async def followers(self, openids: Sequence[str]) -> Sequence[Follower | NotFound]:
        """Followers in the order of ``openids``; NotFound for an openid that is not of this appid.

        Whoever does not follow (any more) is a Follower with ``subscribed`` False. Takes
        ceil(n / ``FOLLOWERS_PER_CALL``) calls, at the same time; a foreign openid makes the platform refuse
        its whole call, which is then halved until the openid is found.
        """
        asked = [openid for openid in dict.fromkeys(openids) if _OPENID.fullmatch(openid)]
        chunks = [asked[i : i + FOLLOWERS_PER_CALL] for i in range(0, len(asked), FOLLOWERS_PER_CALL)]
        found: dict[str, Follower] = {}
        for part in await together([self._chunk(chunk) for chunk in chunks]):
            found.update(part)
        return [found.get(openid) or self._unknown() for openid in openids]

    async def tags(self) -> Sequence[Tag]:
        """All tags of the account, 100 at most, in one call."""
        answer = await self._people.tags_get()
        return [Tag(tag.id, tag.name, tag.count) for tag in answer.tags]

    async def follower(self, openid: str) -> Follower:
        """One follower; NotFound ``openid_unknown`` for an openid that is not of this appid."""
        return self._follower(await self._people.user_info(openid))

    async def remark(self, openid: str, text: str) -> None:
        """Set the brand's own note about a follower (备注名), empty to take it off; 30 characters at most."""
        await self._people.user_info_updateremark(openid, text)

    async def blacklist(self, cursor: str | None = None) -> Page[str]:
        """Openids whose messages and comments the account does not want, 10,000 at a time; see ``follower_ids``."""
        return _page(await self._people.getblacklist(cursor or ""), cursor)

    async def blacklist_add(self, openids: Sequence[str]) -> None:
        """Put 1 to ``BLACKLISTED_PER_CALL`` openids on the blacklist: nothing can be sent to them any more."""
        self._at_most(openids, BLACKLISTED_PER_CALL, "openids")
        await self._people.batchblacklist(openids)

    async def blacklist_remove(self, openids: Sequence[str]) -> None:
        """Take 1 to ``BLACKLISTED_PER_CALL`` openids off the blacklist."""
        self._at_most(openids, BLACKLISTED_PER_CALL, "openids")
        await self._people.batchunblacklist(openids)

    async def tag_create(self, name: str) -> Tag:
        """A new tag of 1 to 30 characters. Raises Rejected ``tag_name`` for one that exists, ``too_many_tags``."""
        tag = (await self._people.tags_create(name)).tag
        return Tag(tag.id, tag.name, tag.count)

    async def tag_rename(self, tag: int, name: str) -> None:
        """Give a tag another name. Raises NotFound ``tag_unknown``, Rejected ``tag_name`` or ``tag_of_system``."""
        await self._people.tags_update(tag, name)

    async def tag_delete(self, tag: int) -> None:
        """Delete a tag; its followers lose it. Raises Rejected ``tag_too_large`` above 100,000 followers."""
        await self._people.tags_delete(tag)

    async def tag_followers(self, tag: int, cursor: str | None = None) -> Page[str]:
        """Openids that carry a tag, 10,000 at a time; see ``follower_ids``."""
        return _page(await self._people.user_tag_get(tag, cursor or ""), cursor)

    async def tags_of(self, openid: str) -> Sequence[int]:
        """Ids of a follower's tags, 20 at most."""
        return (await self._people.getidlist(openid)).tagid_list

    async def tag(self, tag: int, openids: Sequence[str]) -> None:
        """Give a tag to 1 to ``TAGGED_PER_CALL`` followers: all of them, or none where one openid is foreign.

        Two calls for the same follower at the same time make the platform deny that the tag exists; it is asked
        whether it does, and then once more.
        """
        await self._tagging(self._people.batchtagging, tag, openids)

    async def untag(self, tag: int, openids: Sequence[str]) -> None:
        """Take a tag off 1 to ``TAGGED_PER_CALL`` followers; see ``tag``."""
        await self._tagging(self._people.batchuntagging, tag, openids)

    async def _tagging(
        self, call: Callable[[int, Sequence[str]], Awaitable[None]], tag: int, openids: Sequence[str]
    ) -> None:
        self._at_most(openids, TAGGED_PER_CALL, "openids")
        try:
            await call(tag, openids)
        except NotFound as error:
            if error.reason != "tag_unknown" or tag not in {each.id for each in await self.tags()}:
                raise
            await call(tag, openids)

    async def _chunk(self, openids: Sequence[str]) -> Mapping[str, Follower]:
        """Followers of up to a hundred openids, without those that are foreign."""
        try:
            answer = await self._people.user_info_batchget(openids)
        except NotFound as error:
            if error.reason not in FOREIGN_OPENID:
                raise
            if len(openids) == 1:
                return {}
            middle = len(openids) // 2
            halves = await together([self._chunk(openids[:middle]), self._chunk(openids[middle:])])
            return {**halves[0], **halves[1]}
        return {info.openid: self._follower(info) for info in answer.user_info_list}

    def _follower(self, info: UserInfo) -> Follower:
        if info.subscribe != 1:
            return Follower(self.account, info.openid, info.unionid or None)
        return Follower(
            appid=self.account,
            openid=info.openid,
            unionid=info.unionid or None,
            subscribed=True,
            subscribed_at=self._moment(info.subscribe_time),
            scene=info.subscribe_scene,
            qr_scene=info.qr_scene_str or (str(info.qr_scene) if info.qr_scene else ""),
            remark=info.remark,
            tag_ids=tuple(info.tagid_list),
        )

    def _unknown(self) -> NotFound:
        return NotFound(
            TOOL,
            "openid_unknown",
            "The account has no such openid.",
            endpoint="user_info_batchget",
            account=self.account,
        )


def _page(page: OpenidPage, cursor: str | None) -> Page[str]:
    """The platform shows its end in three ways; the last page with openids still has a cursor."""
    openids = page.data.openid if page.data is not None else []
    more = page.count > 0 and openids and page.next_openid and page.next_openid != cursor
    return Page(openids, page.next_openid if more else None)
