"""QR codes that bring customers to employees and into groups."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from adapters.base.page import Page
from adapters.enterprise_chat.adapter.account import Account, unix
from adapters.enterprise_chat.client import PAGE_LIMIT, ways
from adapters.enterprise_chat.records.ways import ContactWay, ContactWaySpec, JoinWay, JoinWaySpec

#: Characters of a channel (state) and of a remark.
STATE_LIMIT: Final = 30
#: People behind one contact way.
PEOPLE_LIMIT: Final = 100
#: Groups behind one join way.
JOINED_GROUPS_LIMIT: Final = 5
_SINGLE, _SEVERAL = 1, 2
_MINI_PROGRAM, _QR = 1, 2


class Ways(Account):
    """「联系我」 and 加入群聊; see ``EnterpriseChatAdapter``."""

    async def add_contact_way(self, spec: ContactWaySpec) -> ContactWay:
        """Make a QR code (or a mini-program's button) of employees; one call, never repeated.

        Keep the ``config_id``: whoever loses it cannot change or delete the code, which the console does not show.
        Raises Invalid over a limit, Rejected ``way_quota`` above 500,000 and ``employee_inactive``.
        """
        self._check_contact_way(spec)
        several = len(spec.userids) != 1 or bool(spec.departments)
        wire = _contact_way(spec)
        wire.type = _SEVERAL if several else _SINGLE
        wire.scene = _MINI_PROGRAM if spec.in_mini_program else _QR
        wire.style = 1 if spec.in_mini_program else None
        added = await self._ways.add_contact_way(wire)
        return ContactWay(added.config_id, spec, added.qr_code)

    async def contact_way(self, config_id: str) -> ContactWay:
        """A contact way as it stands; raises NotFound ``no_such_way``."""
        wire = (await self._ways.get_contact_way(config_id)).contact_way
        spec = ContactWaySpec(
            userids=tuple(wire.user or ()),
            departments=tuple(wire.party or ()),
            state=wire.state or "",
            remark=wire.remark or "",
            skip_verify=wire.skip_verify is not False,
            exclusive=bool(wire.is_exclusive),
            in_mini_program=wire.scene == _MINI_PROGRAM,
        )
        return ContactWay(config_id, spec, wire.qr_code)

    async def contact_way_ids(
        self, cursor: str | None = None, *, since: datetime | None = None, until: datetime | None = None
    ) -> Page[str]:
        """config_ids of contact ways made in a time (of the last 90 days without one), 1000 a page."""
        start, end = (None if at is None else unix(at) for at in (since, until))
        answer = await self._ways.list_contact_way(start, end, cursor or "", PAGE_LIMIT)
        return Page([row.config_id for row in answer.contact_way], answer.next_cursor or None)

    async def update_contact_way(self, config_id: str, spec: ContactWaySpec) -> None:
        """Replace everything but where it is shown and whether it is 单人; harmless to repeat."""
        self._check_contact_way(spec)
        wire = _contact_way(spec)
        wire.config_id = config_id
        await self._ways.update_contact_way(wire)

    async def delete_contact_way(self, config_id: str) -> None:
        """Delete a contact way: the printed code is dead. Raises NotFound ``no_such_way``."""
        await self._ways.del_contact_way(config_id)

    async def add_join_way(self, spec: JoinWaySpec) -> str:
        """Make a QR code of groups and return its config_id; ``join_way`` has the picture. One call, never repeated."""
        self._check_join_way(spec)
        return (await self._ways.add_join_way(_join_way(spec))).config_id

    async def join_way(self, config_id: str) -> JoinWay:
        """A join way with its QR code; raises NotFound ``no_such_way``."""
        wire = (await self._ways.get_join_way(config_id)).join_way
        spec = JoinWaySpec(
            chat_ids=tuple(wire.chat_id_list),
            state=wire.state,
            remark=wire.remark,
            room_name=wire.room_base_name,
            room_number=wire.room_base_id or 1,
            in_mini_program=wire.scene == _MINI_PROGRAM,
        )
        return JoinWay(config_id, spec, wire.qr_code)

    async def update_join_way(self, config_id: str, spec: JoinWaySpec) -> None:
        """Replace everything; harmless to repeat."""
        self._check_join_way(spec)
        wire = _join_way(spec)
        wire.config_id = config_id
        await self._ways.update_join_way(wire)

    async def delete_join_way(self, config_id: str) -> None:
        """Delete a join way; raises NotFound ``no_such_way``."""
        await self._ways.del_join_way(config_id)

    def _check_contact_way(self, spec: ContactWaySpec) -> None:
        self._check_count("way_people", "employees", spec.userids, PEOPLE_LIMIT, least=0 if spec.departments else 1)
        self._check_characters("way_state", "The state", spec.state, STATE_LIMIT)
        self._check_characters("way_remark", "The remark", spec.remark, STATE_LIMIT)

    def _check_join_way(self, spec: JoinWaySpec) -> None:
        self._check_count("way_groups", "groups", spec.chat_ids, JOINED_GROUPS_LIMIT)
        self._check_characters("way_state", "The state", spec.state, STATE_LIMIT)
        self._check_characters("way_remark", "The remark", spec.remark, STATE_LIMIT)


def _contact_way(spec: ContactWaySpec) -> ways.ContactWay:
    return ways.ContactWay(
        remark=spec.remark,
        skip_verify=spec.skip_verify,
        state=spec.state,
        user=list(spec.userids),
        party=list(spec.departments),
        is_exclusive=spec.exclusive,
    )


def _join_way(spec: JoinWaySpec) -> ways.JoinWay:
    return ways.JoinWay(
        scene=_MINI_PROGRAM if spec.in_mini_program else _QR,
        remark=spec.remark,
        auto_create_room=int(bool(spec.room_name)),
        room_base_name=spec.room_name,
        room_base_id=spec.room_number if spec.room_name else None,
        chat_id_list=list(spec.chat_ids),
        state=spec.state,
    )
