"""Callbacks of a corp (接收事件, 加解密方案说明): from a verified payload to an event, and to our records.

Events carry no id of their own. The platform advises to tell them apart by sender and second, but every
customer event comes from ``sys``: the key below adds whom and what it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.base.secrets import Secret
from adapters.base.webhooks import InboundEvent
from adapters.enterprise_chat import records
from adapters.wechat.callbacks import CallbackCrypto, Callbacks, Payload, as_list

#: A welcome code is used within this time or not at all (发送新客户欢迎语).
WELCOME_CODE_LIVES: Final = timedelta(seconds=20)
#: Fields that tell events of the same second apart.
_TELLING: Final = (
    "CreateTime",
    "FromUserName",
    "MsgId",
    "Event",
    "ChangeType",
    "UserID",
    "ExternalUserID",
    "ChatId",
    "Id",
    "TagType",
    "UpdateDetail",
    "CurMemVer",
    "TaskId",
    "EventKey",
)
#: Whom an event is about, and what we call the thing; the first that is there.
_ENTITIES: Final = (
    ("ExternalUserID", "contact"),
    ("ChatId", "group"),
    ("UserID", "employee"),
    ("Id", "department"),
)


def callbacks(corpid: str, token: Secret, aes_key: Secret) -> Callbacks:
    """The callback URL of a corp: always encrypted, its echo too; an empty 200 is what it wants to hear."""
    return Callbacks(CallbackCrypto(token, aes_key, corpid), encrypted=True, encrypted_echo=True, accepted=b"")


def inbound_event(payload: Payload) -> InboundEvent:
    """One event. Raises KeyError, ValueError or TypeError for a payload without the common elements."""
    kind = _text(payload, "Event") or str(payload["MsgType"])
    change = _text(payload, "ChangeType")
    return InboundEvent(
        kind=f"{kind}/{change}" if change else kind,
        dedupe_key="|".join(_text(payload, name) for name in _TELLING),
        entity=_entity(kind, payload),
        occurred_at=_at(payload),
        payload=payload,
        good_for=WELCOME_CODE_LIVES if _text(payload, "WelcomeCode") else None,
    )


def interpret(corpid: str, event: InboundEvent) -> Sequence[object]:
    """The event as our records; empty for kinds that nobody uses."""
    read = _READERS.get(event.kind)
    return () if read is None else (read(corpid, event.payload),)


def _entity(kind: str, payload: Payload) -> str:
    if kind == "change_external_tag":
        return "corp_tags"
    for name, what in _ENTITIES:
        if _text(payload, name):
            return f"{what}:{_text(payload, name)}"
    return f"sender:{payload['FromUserName']}"


def _text(payload: Payload, name: str) -> str:
    value = payload.get(name, "")
    return value if isinstance(value, str) else ""


def _at(payload: Payload) -> datetime:
    return datetime.fromtimestamp(int(str(payload["CreateTime"])), UTC)


def _added(*, confirmed: bool) -> Callable[[str, Payload], records.ContactAdded]:
    def read(corpid: str, payload: Payload) -> records.ContactAdded:
        code = _text(payload, "WelcomeCode")
        return records.ContactAdded(
            corpid,
            _text(payload, "UserID"),
            _text(payload, "ExternalUserID"),
            _text(payload, "State"),
            Secret(code) if code else None,
            _at(payload),
            confirmed,
        )

    return read


def _removed(by: records.RemovedBy) -> Callable[[str, Payload], records.ContactRemoved]:
    def read(corpid: str, payload: Payload) -> records.ContactRemoved:
        handed_over = _text(payload, "Source") == "DELETE_BY_TRANSFER"
        return records.ContactRemoved(
            corpid,
            _text(payload, "UserID"),
            _text(payload, "ExternalUserID"),
            records.RemovedBy.TRANSFER if handed_over else by,
            _at(payload),
        )

    return read


def _edited(corpid: str, payload: Payload) -> records.ContactEdited:
    return records.ContactEdited(corpid, _text(payload, "UserID"), _text(payload, "ExternalUserID"), _at(payload))


def _handover_failed(corpid: str, payload: Payload) -> records.HandoverFailed:
    return records.HandoverFailed(
        corpid,
        _text(payload, "UserID"),
        _text(payload, "ExternalUserID"),
        _text(payload, "FailReason"),
        _at(payload),
    )


_DETAILS: Final = {
    "add_member": records.GroupChange.MEMBERS_JOINED,
    "del_member": records.GroupChange.MEMBERS_LEFT,
    "change_owner": records.GroupChange.OWNER,
    "change_name": records.GroupChange.NAME,
    "change_notice": records.GroupChange.NOTICE,
}


def _group(change: records.GroupChange | None) -> Callable[[str, Payload], records.GroupChanged]:
    """``change`` None: an update, told apart by its detail."""

    def read(corpid: str, payload: Payload) -> records.GroupChanged:
        detail = _DETAILS.get(_text(payload, "UpdateDetail"), records.GroupChange.OTHER)
        listed = payload.get("MemChangeList")
        members = as_list(listed.get("Item")) if isinstance(listed, Mapping) else []
        return records.GroupChanged(
            corpid,
            _text(payload, "ChatId"),
            change or detail,
            _at(payload),
            tuple(str(member) for member in members),
            _text(payload, "CurMemVer"),
        )

    return read


def _tags(corpid: str, payload: Payload) -> records.CorpTagsChanged:
    return records.CorpTagsChanged(corpid, _text(payload, "Id"), _at(payload))


def _employee(change: records.EmployeeChange) -> Callable[[str, Payload], records.EmployeeChanged]:
    def read(corpid: str, payload: Payload) -> records.EmployeeChanged:
        return records.EmployeeChanged(
            corpid, _text(payload, "UserID"), change, _at(payload), _text(payload, "NewUserID")
        )

    return read


_READERS: Final[Mapping[str, Callable[[str, Payload], object]]] = {
    "change_external_contact/add_external_contact": _added(confirmed=True),
    "change_external_contact/add_half_external_contact": _added(confirmed=False),
    "change_external_contact/edit_external_contact": _edited,
    "change_external_contact/del_external_contact": _removed(records.RemovedBy.GUIDE),
    "change_external_contact/del_follow_user": _removed(records.RemovedBy.CUSTOMER),
    "change_external_contact/transfer_fail": _handover_failed,
    "change_external_chat/create": _group(records.GroupChange.CREATED),
    "change_external_chat/update": _group(None),
    "change_external_chat/dismiss": _group(records.GroupChange.DISMISSED),
    "change_external_tag/create": _tags,
    "change_external_tag/update": _tags,
    "change_external_tag/delete": _tags,
    "change_external_tag/shuffle": _tags,
    "change_contact/create_user": _employee(records.EmployeeChange.CREATED),
    "change_contact/update_user": _employee(records.EmployeeChange.UPDATED),
    "change_contact/delete_user": _employee(records.EmployeeChange.LEFT),
}
