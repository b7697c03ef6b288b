"""QR codes that bring customers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContactWaySpec:
    """What a 「联系我」 is made from.

    Attributes:
        userids: employees behind it; one makes it 单人, several or a department 多人 (100 people at most).
        departments: everybody in them; 多人 only.
        state: the channel that a new contact carries, 30 characters.
        remark: for the administrator, 30 characters.
        skip_verify: the employee need not accept.
        exclusive: a customer gets the same employee each time.
        in_mini_program: a button there instead of a QR code.
    """

    userids: tuple[str, ...]
    departments: tuple[int, ...] = ()
    state: str = ""
    remark: str = ""
    skip_verify: bool = True
    exclusive: bool = False
    in_mini_program: bool = False


@dataclass(frozen=True, slots=True)
class ContactWay:
    """「联系我」 as it stands. ``qr_code`` is the picture's address, empty for a button in a mini-program."""

    config_id: str
    spec: ContactWaySpec
    qr_code: str


@dataclass(frozen=True, slots=True)
class JoinWaySpec:
    """What a 加入群聊 is made from.

    Attributes:
        chat_ids: one to five groups, filled one after the other.
        state: the channel that those who join carry, 30 characters.
        room_name: with it a full group is followed by a new one of that name and ``room_number``.
    """

    chat_ids: tuple[str, ...]
    state: str = ""
    remark: str = ""
    room_name: str = ""
    room_number: int = 1
    in_mini_program: bool = False


@dataclass(frozen=True, slots=True)
class JoinWay:
    """加入群聊 as it stands."""

    config_id: str
    spec: JoinWaySpec
    qr_code: str
