"""Live sessions of the brand's Channels account (视频号), and the store's daily figures (罗盘)."""

from __future__ import annotations

import msgspec

from adapters.mini_program_store.models.numbers import Number


class LiveRecord(msgspec.Struct):
    """One of getfinderliverecordlist: on air now."""

    export_id: str
    description: str = ""
    cover_url: str = ""
    nickname: str = ""


class LiveRecords(msgspec.Struct):
    """POST /channels/ec/finderlive/getfinderliverecordlist."""

    live_list: tuple[LiveRecord, ...] = ()


class LiveNotice(msgspec.Struct):
    """One of getfinderlivenoticerecordlist: announced."""

    notice_id: str
    status: Number = 0
    status_wording: str = ""
    start_time: Number = 0
    description: str = ""
    nickname: str = ""


class LiveNotices(msgspec.Struct):
    """POST /channels/ec/finderlive/getfinderlivenoticerecordlist."""

    live_notice_list: tuple[LiveNotice, ...] = ()


class FinderAttr(msgspec.Struct):
    """``finder_attr``."""

    uniq_id: str
    nickname: str = ""
    fans_count: int = 0


class FinderAttrGet(msgspec.Struct):
    """POST /channels/finderlive/get_finder_attr_by_appid."""

    finder_attr: FinderAttr


class LiveData(msgspec.Struct):
    """One session that was on air."""

    export_id: str
    live_start_time: Number = 0
    live_duration_in_seconds: Number = 0
    total_audience_count: Number = 0
    total_cheer_count: Number = 0
    forward_count: Number = 0
    total_comment_count: Number = 0
    audiences_avg_seconds: Number = 0
    max_online_count: Number = 0
    new_follow_count: Number = 0


class LiveDataList(msgspec.Struct):
    """POST /channels/finderlive/get_finder_live_data_list."""

    item: tuple[LiveData, ...] = ()
    last_buffer: str = ""
    continue_flag: bool | int = False


class ShopOverall(msgspec.Struct):
    """``data`` of compass/shop/overall/get, money in fen."""

    pay_gmv: Number = 0
    pay_uv: Number = 0
    pay_refund_gmv: Number = 0
    pay_order_cnt: Number = 0
    live_pay_gmv: Number = 0
    feed_pay_gmv: Number = 0
    product_click_uv: Number = 0


class ShopOverallGet(msgspec.Struct):
    """POST /channels/ec/compass/shop/overall/get."""

    data: ShopOverall


class ShopLive(msgspec.Struct):
    """One of compass/shop/live/list/get; times and durations are texts."""

    live_id: str
    live_title: str = ""
    live_time: Number = 0
    live_duration: Number = 0


class ShopLiveList(msgspec.Struct):
    """POST /channels/ec/compass/shop/live/list/get."""

    live_list: tuple[ShopLive, ...] = ()
