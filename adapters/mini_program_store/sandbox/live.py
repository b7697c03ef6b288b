"""Endpoints of live sessions (视频号直播) and of the store's daily figures (罗盘)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from starlette.routing import Route

from adapters.mini_program_store.sandbox import shapes
from adapters.mini_program_store.sandbox.bodies import Body, text
from adapters.mini_program_store.sandbox.gate import Gate
from adapters.mini_program_store.sandbox.moves import Moves
from adapters.mini_program_store.sandbox.paging import window
from adapters.mini_program_store.sandbox.state import App, State
from adapters.mini_program_store.sandbox.wire import arguments, ok

FINDER: Final = "sphYujian"
CHANNEL: Final = "屿见户外"
#: Sessions that were on air, days before the evening of the story.
DAYS_AGO: Final = (3, 10, 17)
PER_PAGE: Final = 2
_BEIJING: Final = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class LiveApi:
    """Handlers over the shared state."""

    state: State
    gate: Gate
    moves: Moves

    def routes(self) -> list[Route]:
        """Every endpoint of live sessions and figures."""
        posts: dict[str, Callable[[App, Body], Mapping[str, Any]]] = {
            "/channels/ec/finderlive/getfinderliverecordlist": self.on_air,
            "/channels/ec/finderlive/getfinderlivenoticerecordlist": self.announced,
            "/channels/finderlive/get_finder_attr_by_appid": self.channel,
            "/channels/finderlive/get_finder_live_data_list": self.past,
            "/channels/ec/compass/shop/overall/get": self.overall,
            "/channels/ec/compass/shop/live/list/get": self.of_day,
        }
        return [self.gate.post(path, "store", do) for path, do in posts.items()]

    def on_air(self, _app: App, _body: Body) -> Mapping[str, Any]:
        """POST getfinderliverecordlist."""
        cover, head = "https://static.yujian.example/live.jpg", "https://static.yujian.example/logo.png"
        shown = {"description": "双11 山岚专场", "cover_url": cover, "nickname": CHANNEL, "head_url": head}
        return ok(live_list=[{"export_id": "export/yujian-now", **shown}])

    def announced(self, _app: App, _body: Body) -> Mapping[str, Any]:
        """POST getfinderlivenoticerecordlist."""
        starts = shapes.seconds(self.state.world.now + timedelta(days=2))
        shown = {
            "status": 0,
            "status_wording": "预告中",
            "start_time": starts,
            "description": "返场",
            "nickname": CHANNEL,
        }
        return ok(live_notice_list=[{"notice_id": "notice-1", **shown}])

    def channel(self, _app: App, _body: Body) -> Mapping[str, Any]:
        """POST get_finder_attr_by_appid."""
        return ok(finder_attr={"uniq_id": FINDER, "nickname": CHANNEL, "fans_count": 12840})

    def past(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST get_finder_live_data_list."""
        begin, end = int(body.get("start_time") or 0), int(body.get("end_time") or 2**40)
        rows = {row["export_id"]: row for row in self._sessions() if begin <= row["live_start_time"] <= end}
        question = {**{k: v for k, v in body.items() if k != "last_buffer"}, "next_key": body.get("last_buffer")}
        ids, key, more = window(list(rows), question, PER_PAGE)
        return ok(item=[rows[each] for each in ids], last_buffer=key, continue_flag=more)

    def overall(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST compass/shop/overall/get: counted from the store's own orders."""
        day = _day(body)
        paid = [row for row in self.state.orders.values() if row.paid_at and _of(row.paid_at) == day]
        back = [
            case.refund
            for case in self.state.after_sales.values()
            if case.status in shapes.SUCCEEDED and _of(case.updated_at) == day
        ]
        return ok(
            data={
                "pay_gmv": sum(row.payable for row in paid),
                "pay_uv": len({row.person for row in paid}),
                "pay_refund_gmv": sum(back),
                "pay_order_cnt": len(paid),
                "live_pay_gmv": sum(row.payable for row in paid if row.scene == 2),
                "feed_pay_gmv": sum(row.payable for row in paid if row.scene == 3),
                "product_click_uv": 40 * len(paid),
            }
        )

    def of_day(self, _app: App, body: Body) -> Mapping[str, Any]:
        """POST compass/shop/live/list/get: times and durations as texts."""
        day = _day(body)
        if text(body, "finder_id") != FINDER:
            return ok(live_list=[])
        return ok(
            live_list=[
                {
                    "live_id": row["export_id"],
                    "live_title": "山岚专场",
                    "live_time": str(row["live_start_time"]),
                    "live_duration": str(row["live_duration_in_seconds"]),
                    "live_cover_img_url": "https://static.yujian.example/live.jpg",
                }
                for row in self._sessions()
                if f"{datetime.fromtimestamp(row['live_start_time'], _BEIJING):%Y%m%d}" == day
            ]
        )

    def _sessions(self) -> list[dict[str, Any]]:
        return [
            {
                "export_id": f"export/yujian-{days}",
                "live_start_time": shapes.seconds(self.state.world.now - timedelta(days=days)),
                "live_duration_in_seconds": 7200,
                "total_audience_count": 5000 - 100 * days,
                "total_cheer_count": 900,
                "forward_count": 60,
                "total_comment_count": 310,
                "audiences_avg_seconds": 84,
                "max_online_count": 420,
                "new_follow_count": 35,
                "new_follow_count_biz": 0,
            }
            for days in DAYS_AGO
        ]


def _day(body: Body) -> str:
    day = text(body, "ds", 8, least=8)
    if not day.isdecimal():
        raise arguments("ds: expecting yyyymmdd")
    return day


def _of(at: datetime) -> str:
    return f"{at.astimezone(_BEIJING):%Y%m%d}"
