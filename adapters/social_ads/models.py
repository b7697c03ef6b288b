"""Wire types in the platform's own field names; ``rows`` stands for ``list``, a word Python needs."""

from __future__ import annotations

from datetime import date as day
from datetime import datetime
from typing import Annotated

import msgspec

#: Unix seconds up to the year 2100, so that no answer can overflow a datetime.
Seconds = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800)]
Digits = Annotated[str, msgspec.Meta(pattern="^[0-9]{0,19}$")]


class Envelope(msgspec.Struct):
    """Around every answer, OAuth included. ``data`` is there only when ``code`` is 0, and may be empty."""

    code: int
    message: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")


class Nothing(msgspec.Struct):
    """The answer of user_actions/add."""


class Tokens(msgspec.Struct):
    """OAuth answer. The refresh token is absent where only the access token was renewed."""

    access_token: str
    access_token_expires_in: int
    refresh_token: str = ""
    refresh_token_expires_in: int = 0


class PageInfo(msgspec.Struct):
    """Paging by number, from 1."""

    page: int
    page_size: int
    total_number: int
    total_page: int


class CursorPageInfo(msgspec.Struct):
    """Paging by cursor. Whether the cursor is text or a number is not documented."""

    has_more: bool
    cursor: str | int = ""


class Adgroup(msgspec.Struct):
    """An element of adgroups/get; times in Unix seconds."""

    adgroup_id: int
    adgroup_name: str
    system_status: str
    created_time: Seconds
    last_modified_time: Seconds


class Adgroups(msgspec.Struct):
    """adgroups/get, paged by cursor."""

    rows: list[Adgroup] = msgspec.field(name="list")
    cursor_page_info: CursorPageInfo


class DailyReportRow(msgspec.Struct):
    """An element of daily_reports/get; ``cost`` in fen, ``date`` as YYYY-MM-DD."""

    date: day
    adgroup_id: int
    view_count: int = 0
    valid_click_count: int = 0
    cost: int = 0
    conversions_count: int = 0


class DailyReports(msgspec.Struct):
    """daily_reports/get."""

    rows: list[DailyReportRow] = msgspec.field(name="list")
    page_info: PageInfo


class LeadsInfo(msgspec.Struct):
    """An element of leads_list/get; ``adgroup_id`` is a string there, times are Beijing wall-clock texts."""

    account_id: int
    leads_id: int
    leads_create_time: datetime
    adgroup_id: Digits | int = ""
    click_id: str = ""
    leads_name: str = ""
    leads_telephone: str = ""


class Leads(msgspec.Struct):
    """leads_list/get. The SDK types ``leads_info`` as one object, the documentation as a list."""

    leads_info: list[LeadsInfo] | LeadsInfo = msgspec.field(default_factory=list)
    page_info: PageInfo | None = None


class UserId(msgspec.Struct, omit_defaults=True):
    """Who acted, in a user action."""

    wechat_openid: str = ""
    wechat_unionid: str = ""
    wechat_app_id: str = ""


class Trace(msgspec.Struct):
    """What led there."""

    click_id: str


class UserAction(msgspec.Struct, omit_defaults=True):
    """One conversion of user_actions/add; ``action_param.value`` in fen."""

    action_time: int
    action_type: str
    outer_action_id: str
    user_id: UserId | None = None
    trace: Trace | None = None
    action_param: dict[str, int] | None = None


class UserActions(msgspec.Struct):
    """Body of user_actions/add."""

    account_id: int
    user_action_set_id: int
    actions: list[UserAction]
