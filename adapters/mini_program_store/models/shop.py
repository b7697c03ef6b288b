"""The store itself and its members."""

from __future__ import annotations

import msgspec

from adapters.mini_program_store.models.numbers import Number


class StoreInfo(msgspec.Struct):
    """``info`` of basics/info/get."""

    username: str = ""
    nickname: str = ""
    headimg_url: str = ""
    subject_type: str = ""
    status: str = ""
    open_timestamp: Number = 0


class StoreInfoGet(msgspec.Struct):
    """GET /channels/ec/basics/info/get."""

    info: StoreInfo


class VipGrade(msgspec.Struct):
    """``user_grade_info``."""

    grade: int = 0
    experience_value: Number = 0


class VipContact(msgspec.Struct):
    """``user_info``, only when the phone was asked for."""

    phone_number: str = ""


class VipUser(msgspec.Struct):
    """One member of the store."""

    openid: str
    unionid: str = ""
    user_grade_info: VipGrade = msgspec.field(default_factory=VipGrade)
    user_info: VipContact = msgspec.field(default_factory=VipContact)


class VipUserList(msgspec.Struct):
    """POST /channels/ec/vip/user/list/get."""

    list: tuple[VipUser, ...] = ()
    total_num: int = 0


class VipScoreInfo(msgspec.Struct):
    """``info`` of vip/user/score/get."""

    score: Number


class VipScore(msgspec.Struct):
    """POST /channels/ec/vip/user/score/get. One SDK finds the score in ``info``, another page beside it."""

    info: VipScoreInfo | None = None
    score: Number | None = None
