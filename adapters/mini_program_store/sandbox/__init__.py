"""api.weixin.qq.com on loopback, as two mini-programs (小程序) and one store (微信小店) of the brand see it.

Written from the vendor's pages and apart from the adapter: no line is shared with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.mini_program_store.sandbox.codes import CodesApi
from adapters.mini_program_store.sandbox.coupons import CouponsApi
from adapters.mini_program_store.sandbox.funds import FundsApi
from adapters.mini_program_store.sandbox.gate import VERBS, Gate
from adapters.mini_program_store.sandbox.goods import GoodsApi
from adapters.mini_program_store.sandbox.live import LiveApi
from adapters.mini_program_store.sandbox.mini_program import NAME, MiniProgramApi
from adapters.mini_program_store.sandbox.moves import Moves
from adapters.mini_program_store.sandbox.people import People
from adapters.mini_program_store.sandbox.push import Desk
from adapters.mini_program_store.sandbox.returns import ADDRESSES, ReturnsApi
from adapters.mini_program_store.sandbox.shapes import SUCCEEDED
from adapters.mini_program_store.sandbox.shipping import ShippingApi
from adapters.mini_program_store.sandbox.state import State
from adapters.mini_program_store.sandbox.store import StoreApi
from adapters.mini_program_store.sandbox.tokens import TokenDesk
from adapters.mini_program_store.sandbox.trade import TradeApi
from adapters.mini_program_store.sandbox.visits import VisitsApi
from adapters.mini_program_store.sandbox.wire import Refusal, refused
from sandbox.platform import Action, Kit
from sandbox.world import World


class Sandbox:
    """The emulated platform."""

    name = NAME

    def __init__(self, world: World, kit: Kit) -> None:
        self.state = State(world)
        tokens = TokenDesk(self.state.apps, kit)
        gate = Gate(tokens)
        desk = Desk(kit)
        moves = Moves(self.state, desk, kit)
        self._open_books(moves)
        self._people = People(self.state, tokens, desk, kit, moves)
        self.app = Starlette(
            routes=[
                *MiniProgramApi(self.state, gate, desk, kit).routes(),
                *CodesApi(self.state, gate, kit).routes(),
                *ShippingApi(self.state, gate, kit).routes(),
                *VisitsApi(gate, kit).routes(),
                *StoreApi(self.state, gate).routes(),
                *(
                    route
                    for api in (GoodsApi, TradeApi, ReturnsApi, CouponsApi, FundsApi, LiveApi)
                    for route in api(self.state, gate, moves).routes()
                ),
                Route("/{path:path}", _elsewhere, methods=VERBS),
            ],
            exception_handlers={Refusal: refused},
        )

    def _open_books(self, moves: Moves) -> None:
        """What the world's orders left in the store's ledger, and one withdrawal."""
        for order in sorted(self.state.orders.values(), key=lambda row: (row.created_at, row.order_id)):
            if order.paid_at is not None:
                moves.book_payment(order)
        for case in self.state.after_sales.values():
            if case.refund and case.status in SUCCEEDED:
                moves.book_refund(case)
        for order in self.state.orders.values():
            if order.finished_at is not None:
                moves.book_fee(order)
        at = self.state.world.now - timedelta(days=20)
        related = [{"related_type": 3, "withdraw_id": "1000000001", "transaction_id": ""}]
        moves.book(4, 10_000, related, at)
        times = {"create_time": int(at.timestamp()), "update_time": int(at.timestamp())}
        self.state.withdrawals["1000000001"] = {
            "amount": 10_000,
            "status": "SUCCESS",
            "reason": "",
            "remark": "",
            **times,
        }

    def describe(self, base_url: str) -> Mapping[str, Any]:
        """Settings of the three accounts, and ids that exist."""
        accounts = {
            app.owner.alias: {
                "base_url": base_url,
                "kind": app.product,
                "appid": app.owner.appid,
                "secret": app.owner.secret,
                "gh_id": app.owner.gh_id,
                "callback_token": app.owner.callback_token,
                "aes_key": app.owner.aes_key,
                "encrypted": app.encrypted,
                "push_format": app.push_format,
            }
            for app in self.state.apps.values()
        }
        protagonist = self.state.world.cast["protagonist"]
        known = {
            "productIds": list(self.state.products),
            "orderIds": [o.order_id for o in self.state.orders.values() if o.person == protagonist],
            "afterSaleIds": list(self.state.after_sales),
            "templates": {
                app.owner.alias: self.state.templates(app.owner.appid)
                for app in self.state.apps.values()
                if app.product == "mini_program"
            },
            "returnAddresses": list(ADDRESSES),
            "storeOpenid": self.state.store_openid(protagonist),
        }
        return {"accounts": accounts, "known": known}

    def actions(self) -> Mapping[str, Action]:
        """See ``People``."""
        return self._people.actions()


async def _elsewhere(_request: Request) -> Response:
    raise Refusal(40066, "invalid url")
