"""Answers of ``/datacube``: dates are ``YYYY-MM-DD`` in Beijing's calendar, rows are never summed by the platform."""

from __future__ import annotations

from datetime import date

import msgspec


class UserSummaryRow(msgspec.Struct):
    """A day and one source of followers."""

    ref_date: date
    user_source: int = 0
    new_user: int = 0
    cancel_user: int = 0


class UserSummary(msgspec.Struct):
    """``getusersummary``."""

    rows: list[UserSummaryRow] = msgspec.field(name="list", default_factory=list)


class UserCumulateRow(msgspec.Struct):
    """Followers at the end of a day."""

    ref_date: date
    cumulate_user: int = 0


class UserCumulate(msgspec.Struct):
    """``getusercumulate``."""

    rows: list[UserCumulateRow] = msgspec.field(name="list", default_factory=list)


class Reading(msgspec.Struct):
    """What several answers say of an article: people and times."""

    int_page_read_user: int = 0
    int_page_read_count: int = 0
    share_user: int = 0
    share_count: int = 0
    add_to_fav_user: int = 0
    add_to_fav_count: int = 0


class ArticleSummaryRow(Reading, kw_only=True):
    """A day of one article."""

    ref_date: date
    msgid: str
    title: str = ""


class ArticleSummary(msgspec.Struct):
    """``getarticlesummary``."""

    rows: list[ArticleSummaryRow] = msgspec.field(name="list", default_factory=list)


class ArticleTotalDay(Reading, kw_only=True):
    """From sending to the end of a day."""

    stat_date: date
    target_user: int = 0


class ArticleTotalRow(msgspec.Struct):
    """An article that was sent on ``ref_date``."""

    ref_date: date
    msgid: str
    title: str = ""
    details: list[ArticleTotalDay] = []


class ArticleTotal(msgspec.Struct):
    """``getarticletotal``."""

    rows: list[ArticleTotalRow] = msgspec.field(name="list", default_factory=list)


class UserReadRow(Reading, kw_only=True):
    """A day and one source of readers; 99999999 is all of them."""

    ref_date: date
    user_source: int = 0


class UserRead(msgspec.Struct):
    """``getuserread``."""

    rows: list[UserReadRow] = msgspec.field(name="list", default_factory=list)


class UserShareRow(msgspec.Struct):
    """A day and one place to share to."""

    ref_date: date
    share_scene: int = 0
    share_user: int = 0
    share_count: int = 0


class UserShare(msgspec.Struct):
    """``getusershare``."""

    rows: list[UserShareRow] = msgspec.field(name="list", default_factory=list)


class UpstreamMessageRow(msgspec.Struct):
    """A day and one kind of message from followers."""

    ref_date: date
    msg_type: int = 0
    msg_user: int = 0
    msg_count: int = 0


class UpstreamMessages(msgspec.Struct):
    """``getupstreammsg``."""

    rows: list[UpstreamMessageRow] = msgspec.field(name="list", default_factory=list)


class Attention(msgspec.Struct, frozen=True):
    """What the newer answers say."""

    read_user: int = 0
    share_user: int = 0
    zaikan_user: int = 0
    like_user: int = 0
    comment_count: int = 0


class BizSummaryRow(msgspec.Struct):
    """A day of all articles."""

    ref_date: date
    detail: Attention = Attention()


class BizSummary(msgspec.Struct):
    """``getbizsummary``; ``is_delay``: the day is not counted to its end yet."""

    rows: list[BizSummaryRow] = msgspec.field(name="list", default_factory=list)
    is_delay: bool = False


class ArticleDay(Attention, kw_only=True, frozen=True):
    """From publication to the end of a day."""

    stat_date: date


class ArticleTotalDetailRow(msgspec.Struct):
    """An article that came out on ``ref_date``; ``publish_type`` 0 with a notification, 1 without."""

    ref_date: date
    msgid: str
    publish_type: int = 0
    detail_list: list[ArticleDay] = []


class ArticleTotalDetail(msgspec.Struct):
    """``getarticletotaldetail``."""

    rows: list[ArticleTotalDetailRow] = msgspec.field(name="list", default_factory=list)
    is_delay: bool = False
