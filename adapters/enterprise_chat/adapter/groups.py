"""Customer groups: who is in them, what happened in them, whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.enterprise_chat import models
from adapters.enterprise_chat.adapter.account import Account, instant, unix
from adapters.enterprise_chat.adapter.directory import each
from adapters.enterprise_chat.client import PAGE_LIMIT
from adapters.enterprise_chat.client.groups import GroupFigures as WireFigures
from adapters.enterprise_chat.records import Group, GroupMember, JoinScene, MemberKind
from adapters.enterprise_chat.records.figures import GroupFigures

#: Owners in one question.
OWNER_LIMIT: Final = 100
_CUSTOMER: Final = 2


class Groups(Account):
    """客户群; see ``EnterpriseChatAdapter``."""

    async def group_ids(self, cursor: str | None = None, *, owners: Sequence[str] = ()) -> Page[str]:
        """chat_ids of customer groups, 1000 a page.

        Without ``owners`` (at most 100) the groups of everyone still there, which the platform refuses to a
        corp with more than 1000 visible people (Invalid ``too_many_owners``). Groups of an owner who left
        are listed only where that owner is named.
        """
        answer = await self._groupchats.groupchat_list(owners, cursor or "", PAGE_LIMIT)
        return Page([row.chat_id for row in answer.group_chat_list], answer.next_cursor or None)

    async def groups(self, chat_ids: Sequence[str]) -> Sequence[Group | NotFound]:
        """Groups with their members, one call each."""
        return await each(self._group, chat_ids)

    async def group_of(self, opengid: str) -> str:
        """The chat_id of the group in which a mini-program was opened; one call.

        Raises NotFound ``not_a_customer_group``, Invalid ``opengid``.
        """
        return (await self._groupchats.opengid_to_chatid(opengid)).chat_id

    async def group_figures_by_owner(
        self, owners: Sequence[str], start: datetime, end: datetime, cursor: str | None = None
    ) -> Page[tuple[str, GroupFigures]]:
        """Figures of owners' groups over days, those with the most groups first; 1000 a page.

        Both days count: at most 30, from 180 days ago to yesterday. 1 to 100 owners.
        """
        self._check_count("too_many_owners", "owners", owners, OWNER_LIMIT)
        offset = int(cursor or 0)
        answer = await self._groupchats.groupchat_statistic(owners, unix(start), unix(end), offset, PAGE_LIMIT)
        more = offset < answer.next_offset < answer.total
        rows = [(row.owner, _figures(row.data)) for row in answer.items]
        return Page(rows, str(answer.next_offset) if more else None)

    async def group_figures_by_day(
        self, owners: Sequence[str], start: datetime, end: datetime
    ) -> Sequence[tuple[datetime, GroupFigures]]:
        """The same, day by day and summed over the owners; one call."""
        self._check_count("too_many_owners", "owners", owners, OWNER_LIMIT)
        answer = await self._groupchats.groupchat_statistic_group_by_day(owners, unix(start), unix(end))
        return tuple((instant(row.stat_time), _figures(row.data)) for row in answer.items)

    async def _group(self, chat_id: str) -> Group:
        wire = (await self._groupchats.groupchat_get(chat_id)).group_chat
        members = tuple(_member(member) for member in wire.member_list)
        created = instant(wire.create_time)
        return Group(self._corpid, wire.chat_id, wire.name, wire.owner, created, members, wire.member_version)


def _member(wire: models.GroupChatMember) -> GroupMember:
    kind = MemberKind.CUSTOMER if wire.type == _CUSTOMER else MemberKind.EMPLOYEE
    scenes = {1: JoinScene.INVITED, 2: JoinScene.LINK, 3: JoinScene.QR}
    scene = scenes.get(wire.join_scene, JoinScene.OTHER)
    return GroupMember(wire.userid, kind, wire.unionid or None, instant(wire.join_time), scene, wire.state)


def _figures(wire: WireFigures) -> GroupFigures:
    return GroupFigures(
        new_groups=wire.new_chat_cnt,
        groups=wire.chat_total,
        active_groups=wire.chat_has_msg,
        new_members=wire.new_member_cnt,
        members=wire.member_total,
        active_members=wire.member_has_msg,
        messages=wire.msg_total,
    )
