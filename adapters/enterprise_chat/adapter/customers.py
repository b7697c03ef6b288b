"""Customers as employees have them, and their tags."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.enterprise_chat import models
from adapters.enterprise_chat.adapter.account import Account, instant, unix
from adapters.enterprise_chat.client import BATCH_LIMIT, PAGE_LIMIT
from adapters.enterprise_chat.client.customers import AddTags, EditTag, NewTag, Remark
from adapters.enterprise_chat.records import Contact, CorpTag, Unassigned
from adapters.enterprise_chat.records.figures import BehaviourDay

REMARK_LIMIT: Final = 20
DESCRIPTION_LIMIT: Final = 150
TAG_NAME_LIMIT: Final = 30
_PERSONAL_TAG: Final = 2


class Customers(Account):
    """客户联系; see ``EnterpriseChatAdapter``."""

    async def guide_ids(self) -> Sequence[str]:
        """Userids of employees who may have customers (客户联系 scope); one call."""
        return tuple((await self._customers.get_follow_user_list()).follow_user)

    async def contact_ids(self, userid: str) -> Sequence[str]:
        """external_userids of one employee's customers, unpaged; one call. Raises NotFound for nobody."""
        try:
            return tuple((await self._customers.externalcontact_list(userid)).external_userid)
        except NotFound as error:
            if error.reason == "no_relation":
                return ()
            raise

    async def contact(self, external_userid: str) -> Sequence[Contact] | NotFound:
        """A customer, once per employee who has them; one call per 500 employees."""
        found: list[Contact] = []
        cursor = ""
        try:
            while True:
                answer = await self._customers.externalcontact_get(external_userid, cursor)
                found += [self._contact(answer.external_contact, follow) for follow in answer.follow_user]
                if not answer.next_cursor:
                    return tuple(found)
                cursor = answer.next_cursor
        except NotFound as error:
            return error

    async def contacts_of(self, userids: Sequence[str], cursor: str | None = None) -> Page[Contact]:
        """Customers of up to 100 employees, 100 pairs a page; a customer of two employees comes twice.

        Take the userids from ``guide_ids``: one who left makes the platform refuse the whole batch
        (NotFound). Tags come without names. Raises Conflict ``cursor_expired`` for a cursor of other userids.
        """
        if not 1 <= len(userids) <= BATCH_LIMIT:
            raise self._invalid("too_many_userids", f"{len(userids)} userids given, 1 to {BATCH_LIMIT} fit.")
        answer = await self._customers.batch_get_by_user(userids, cursor or "", BATCH_LIMIT)
        rows = [self._contact(row.external_contact, row.follow_info) for row in answer.external_contact_list]
        return Page(rows, answer.next_cursor or None)

    async def remark(
        self,
        userid: str,
        external_userid: str,
        *,
        remark: str | None = None,
        description: str | None = None,
        company: str | None = None,
        mobiles: Sequence[str] | None = None,
    ) -> None:
        """Change what an employee noted about a customer; what is None stays. One call, harmless to repeat.

        ``remark`` and ``company`` have 20 characters, ``description`` 150; ``mobiles`` replace those that are there.
        Raises Invalid over a limit or with nothing to change, NotFound ``no_relation``.
        """
        if all(each is None for each in (remark, description, company, mobiles)):
            raise self._invalid("nothing_to_change", "Give a remark, a description, a company or mobiles.")
        self._check_characters("remark_length", "The remark", remark or "", REMARK_LIMIT)
        self._check_characters("remark_length", "The company", company or "", REMARK_LIMIT)
        self._check_characters("remark_length", "The description", description or "", DESCRIPTION_LIMIT)
        # An empty list would be dropped; one empty text is how the platform is told to forget them.
        numbers = None if mobiles is None else list(mobiles) or [""]
        await self._customers.externalcontact_remark(
            Remark(userid, external_userid, remark, description, company, numbers)
        )

    async def corp_tags(self) -> Sequence[CorpTag]:
        """All corp tags, group by group; one call."""
        return _tags((await self._customers.get_corp_tag_list()).tag_group)

    async def corp_tags_by_id(self, *, tags: Sequence[str] = (), groups: Sequence[str] = ()) -> Sequence[CorpTag]:
        """Those of the given tags or groups that are there; one call. With groups, ``tags`` do not count."""
        if not tags and not groups:
            return ()
        return _tags((await self._customers.get_corp_tag_list(tags, groups)).tag_group)

    async def add_corp_tags(self, group: str, names: Sequence[str]) -> Sequence[CorpTag]:
        """Add tags to the group of that name, which is made if need be; one call, never repeated.

        Names have 30 characters. Names that are there already are not made again and are not answered. Raises Rejected
        ``tag_quota``.
        """
        self._check_tag_names(group, *names)
        if not names:
            raise self._invalid("tag_names", "A group of tags has at least one tag.")
        wire = AddTags([NewTag(name) for name in names], group_name=group)
        return _tags([(await self._customers.add_corp_tag(wire)).tag_group])

    async def edit_corp_tag(self, id: str, *, name: str = "", order: int | None = None) -> None:  # noqa: A002
        """Rename or move a tag or a group of tags; higher ``order`` stands first. Harmless to repeat.

        Only what this app added may be changed: Unauthorized ``no_tag_right``. Raises Conflict ``tag_exists``.
        """
        self._check_tag_names(name or "-")
        if order is not None and not 0 <= order < 2**32:
            raise self._invalid("tag_order", f"The order is {order}, 0 to {2**32 - 1} fit.")
        await self._customers.edit_corp_tag(EditTag(id, name, order))

    async def delete_corp_tags(self, *, tags: Sequence[str] = (), groups: Sequence[str] = ()) -> None:
        """Delete tags, and groups with all their tags; customers lose them. Only what this app added."""
        if not tags and not groups:
            raise self._invalid("tag_names", "Name at least one tag or group of tags.")
        await self._customers.del_corp_tag(tags, groups)

    async def mark_tags(
        self, userid: str, external_userid: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> None:
        """Put tags on one employee's customer, and take others off; one call, harmless to repeat.

        Raises NotFound ``no_relation`` and ``no_such_tag``, Rejected ``too_many_tags``, Conflict ``edited_at_once``.
        """
        if not add and not remove:
            raise self._invalid("tag_names", "Name at least one tag to add or to remove.")
        await self._customers.mark_tag(userid, external_userid, add, remove)

    async def behaviour(
        self, start: datetime, end: datetime, *, userids: Sequence[str] = (), departments: Sequence[int] = ()
    ) -> Sequence[BehaviourDay]:
        """What employees did, day by day and **summed over all of them**: ask per employee to compare them.

        Both days count; at most 30 of the last 180. At most 100 userids and 100 departments, and one of either.
        """
        self._check_count("too_many_userids", "userids", userids, BATCH_LIMIT, least=0 if departments else 1)
        self._check_count("too_many_departments", "departments", departments, BATCH_LIMIT, least=0)
        answer = await self._customers.get_user_behavior_data(userids, departments, unix(start), unix(end))
        return tuple(
            BehaviourDay(
                day=instant(row.stat_time),
                chats=row.chat_cnt,
                messages=row.message_cnt,
                reply_percentage=row.reply_percentage,
                reply_minutes=row.avg_reply_time,
                lost=row.negative_feedback_cnt,
                applied=row.new_apply_cnt,
                added=row.new_contact_cnt,
            )
            for row in answer.behavior_data
        )

    async def unassigned(self, cursor: str | None = None) -> Page[Unassigned]:
        """Customers of employees who left, 1000 a page."""
        answer = await self._handovers.get_unassigned_list(cursor or "", PAGE_LIMIT)
        rows = [
            Unassigned(row.handover_userid, row.external_userid, instant(row.dimission_time)) for row in answer.info
        ]
        return Page(rows, None if answer.is_last else answer.next_cursor or None)

    def _check_tag_names(self, *names: str) -> None:
        for name in names:
            if not 1 <= len(name) <= TAG_NAME_LIMIT:
                raise self._invalid("tag_name_length", f"A name has {len(name)} characters, 1 to {TAG_NAME_LIMIT} fit.")

    def _contact(self, who: models.ExternalContact, follow: models.Follow) -> Contact:
        shared = [tag for tag in follow.tags if tag.type != _PERSONAL_TAG and tag.tag_id]
        return Contact(
            corpid=self._corpid,
            external_userid=who.external_userid,
            userid=follow.userid,
            unionid=who.unionid or None,
            name=who.name,
            avatar=who.avatar,
            remark=follow.remark,
            remark_mobiles=tuple(mobile for mobile in follow.remark_mobiles if mobile),
            description=follow.description,
            add_way=follow.add_way,
            state=follow.state,
            added_at=instant(follow.createtime),
            tag_ids=tuple(follow.tag_id) or tuple(tag.tag_id for tag in shared),
            tag_names=tuple(tag.tag_name for tag in shared),
            personal_tags=tuple(tag.tag_name for tag in follow.tags if tag.type == _PERSONAL_TAG),
        )


def _tags(groups: Sequence[models.CorpTagGroup]) -> Sequence[CorpTag]:
    return tuple(
        CorpTag(tag.id, tag.name, group.group_name)
        for group in groups
        for tag in group.tag
        if not tag.deleted and not group.deleted
    )
