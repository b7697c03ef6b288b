"""api.weixin.qq.com on loopback, as two mini-programs (小程序) and one store (微信小店) of the brand see it.

Written from the vendor's pages and apart from the adapter: no line is shared with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.mini_program_store.sandbox.gate import VERBS, Gate
from adapters.mini_program_store.sandbox.mini_program import NAME, MiniProgramApi
from adapters.mini_program_store.sandbox.people import People
from adapters.mini_program_store.sandbox.push import Desk
from adapters.mini_program_store.sandbox.state import State
from adapters.mini_program_store.sandbox.store import StoreApi
from adapters.mini_program_store.sandbox.tokens import TokenDesk
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
        self._people = People(self.state, tokens, desk, kit)
        self.app = Starlette(
            routes=[
                *MiniProgramApi(self.state, gate, desk, kit).routes(),
                *StoreApi(self.state, gate).routes(),
                Route("/{path:path}", _elsewhere, methods=VERBS),
            ],
            exception_handlers={Refusal: refused},
        )

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
            "storeOpenid": self.state.store_openid(protagonist),
        }
        return {"accounts": accounts, "known": known}

    def actions(self) -> Mapping[str, Action]:
        """See ``People``."""
        return self._people.actions()


async def _elsewhere(_request: Request) -> Response:
    raise Refusal(40066, "invalid url")
