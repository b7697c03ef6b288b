"""The store (微信小店) and its members."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class VipMember:
    """A member of the store (小店会员). ``score`` and ``phone`` are None where they were not asked for."""

    appid: str
    openid: str
    unionid: str | None
    grade: int
    experience: int
    score: int | None
    phone: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """The store. ``status`` is the platform's: opening, open_finished, closing or close_finished."""

    appid: str
    gh_id: str
    name: str
    logo: str
    status: str
    opened_at: datetime | None
