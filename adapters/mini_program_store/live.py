"""Live sessions (视频号直播) of the Channels account that is bound to a store, and the store's daily figures (罗盘)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.mini_program_store.account import Account
from adapters.mini_program_store.client import LiveClient
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.reading import instant, number
from adapters.mini_program_store.records.live import Channel, LiveNotice, LiveNow, LiveSession, StoreDay, StoreLive


class Live(Account):
    """See ``MiniProgramStoreAdapter``."""

    def __init__(self, config: MiniProgramStoreConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._live = LiveClient(self._api)

    async def channel(self) -> Channel:
        """The Channels account (视频号)."""
        self._must_be("store")
        wire = (await self._live.get_finder_attr_by_appid()).finder_attr
        return Channel(self.account, wire.uniq_id, wire.nickname, wire.fans_count)

    async def live_now(self) -> Sequence[LiveNow]:
        """Sessions on air."""
        self._must_be("store")
        return [
            LiveNow(self.account, row.export_id, row.description, row.cover_url, row.nickname)
            for row in (await self._live.getfinderliverecordlist()).live_list
        ]

    async def live_notices(self) -> Sequence[LiveNotice]:
        """Sessions that were announced."""
        self._must_be("store")
        return [
            LiveNotice(
                self.account,
                row.notice_id,
                row.description,
                row.nickname,
                instant(row.start_time),
                row.status_wording or str(row.status),
            )
            for row in (await self._live.getfinderlivenoticerecordlist()).live_notice_list
        ]

    async def live_sessions(self, begin: datetime, end: datetime, cursor: str | None = None) -> Page[LiveSession]:
        """How sessions that began in a window went."""
        self._must_be("store")
        question: dict[str, object] = {"start_time": int(begin.timestamp()), "end_time": int(end.timestamp())}
        if cursor:
            question["last_buffer"] = cursor
        wire = await self._live.get_finder_live_data_list(question)
        rows = [
            LiveSession(
                appid=self.account,
                live_id=row.export_id,
                started_at=instant(row.live_start_time),
                seconds=number(row.live_duration_in_seconds),
                viewers=number(row.total_audience_count),
                most_at_once=number(row.max_online_count),
                seconds_per_viewer=number(row.audiences_avg_seconds),
                likes=number(row.total_cheer_count),
                comments=number(row.total_comment_count),
                shares=number(row.forward_count),
                new_followers=number(row.new_follow_count),
            )
            for row in wire.item
        ]
        return Page(rows, self._next(bool(wire.continue_flag), wire.last_buffer))

    async def store_day(self, day: date) -> StoreDay:
        """The store's figures of a day (电商概览)."""
        self._must_be("store")
        wire = (await self._live.compass_shop_overall_get(day)).data
        return StoreDay(
            appid=self.account,
            day=day,
            paid=number(wire.pay_gmv),
            live_paid=number(wire.live_pay_gmv),
            video_paid=number(wire.feed_pay_gmv),
            refunded=number(wire.pay_refund_gmv),
            orders=number(wire.pay_order_cnt),
            buyers=number(wire.pay_uv),
            product_visitors=number(wire.product_click_uv),
        )

    async def store_lives(self, day: date, finder_id: str) -> Sequence[StoreLive]:
        """Sessions of a day that sold the store's goods (带货直播)."""
        self._must_be("store")
        return [
            StoreLive(self.account, row.live_id, row.live_title, instant(row.live_time), number(row.live_duration))
            for row in (await self._live.compass_shop_live_list_get(day, finder_id)).live_list
        ]
