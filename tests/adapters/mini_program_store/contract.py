"""What this tool tells the contract suite: one case per kind of account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from adapters.mini_program_store import TOOL, SubscribeMessage
from sandbox.server import Sandbox
from tests.adapters.contract_case import Batch, Case, Operation

_NAME = "mini_program_store"
_SHOP = "POST /channels/ec"


def _secrets(settings: Mapping[str, Any]) -> list[str]:
    return [str(settings[name]) for name in ("secret", "callback_token", "aes_key")]


async def _revoke(sandbox: Sandbox, appid: str) -> None:
    await sandbox.platforms[_NAME].actions()["token_revoke"]({"appid": appid})


async def _revoke_store(sandbox: Sandbox) -> None:
    await _revoke(sandbox, sandbox.world.wechat_store.appid)


async def _revoke_flagship(sandbox: Sandbox) -> None:
    await _revoke(sandbox, sandbox.world.mini_programs[0].appid)


async def _code(sandbox: Sandbox, action: str) -> str:
    given = {"appid": sandbox.world.mini_programs[0].appid, "person": "protagonist"}
    return str((await sandbox.platforms[_NAME].actions()[action](given))["code"])


async def _login(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.login(await _code(sandbox, "login_code"))


async def _phone(adapter: Any, sandbox: Sandbox) -> object:
    return await adapter.phone_number(await _code(sandbox, "phone_code"))


async def _subscribe(adapter: Any, sandbox: Sandbox) -> object:
    template = sandbox.describe()["platforms"][_NAME]["known"]["templates"]["flagship"]["order_ready"]
    given = {"appid": adapter.account, "person": "protagonist", "template": template, "answer": "accept"}
    openid = (await sandbox.platforms[_NAME].actions()["subscribe_answer"](given))["openid"]
    data = {"thing1": "山岚轻羽绒服", "time2": "2026-11-12 10:00"}
    return await adapter.send_subscribe(SubscribeMessage(openid, template, data))


async def _order_ids(adapter: Any, sandbox: Sandbox) -> object:
    now = sandbox.world.now
    return await adapter.order_ids(updated_from=now - timedelta(days=7), updated_to=now)


async def _after_sale_ids(adapter: Any, sandbox: Sandbox) -> object:
    now = sandbox.world.now
    return await adapter.after_sale_ids(now - timedelta(hours=24), now)


async def _stock(adapter: Any, sandbox: Sandbox) -> object:
    product = sandbox.world.products[0]
    return await adapter.stock(product.store_product_id, product.skus[0].store_sku_id)


CASE = Case(
    spec=TOOL,
    alias="store",
    operations=(
        Operation("ping", "read", lambda adapter, _: adapter.ping(), "GET /channels/ec/basics/info/get"),
        Operation("product_ids", "read", lambda adapter, _: adapter.product_ids(), f"{_SHOP}/product/list/get"),
        Operation("stock", "read", _stock, f"{_SHOP}/product/stock/get"),
        Operation("order_ids", "read", _order_ids, f"{_SHOP}/order/list/get"),
        Operation("after_sale_ids", "read", _after_sale_ids, f"{_SHOP}/aftersale/getaftersalelist"),
        Operation("vip_members", "read", lambda adapter, _: adapter.vip_members(), f"{_SHOP}/vip/user/list/get"),
    ),
    batches=(
        Batch(
            "products",
            lambda adapter, ids: adapter.products(ids),
            lambda sandbox: [product.store_product_id for product in sandbox.world.products],
            "99999999999999",
            0,
            f"{_SHOP}/product/get",
        ),
        Batch(
            "orders",
            lambda adapter, ids: adapter.orders(ids),
            lambda sandbox: [order.order_id for order in sandbox.world.store_orders],
            "9999999999999999999",
            0,
            f"{_SHOP}/order/get",
        ),
        Batch(
            "after_sales",
            lambda adapter, ids: adapter.after_sales(ids),
            lambda sandbox: [row.after_sale_id for row in sandbox.world.after_sales],
            "9999999999999999",
            0,
            f"{_SHOP}/aftersale/getaftersaleorder",
        ),
    ),
    secrets=_secrets,
    refused_token=_revoke_store,
)

#: The other kind of account; the codes that it uses up make its calls writes.
MINI_PROGRAM = Case(
    spec=TOOL,
    alias="flagship",
    operations=(
        Operation("ping", "read", lambda adapter, _: adapter.ping(), "POST /cgi-bin/openapi/quota/get"),
        Operation("login", "once", _login, "GET /sns/jscode2session", "login_code_used", 1),
        Operation("phone_number", "once", _phone, "POST /wxa/business/getuserphonenumber", "phone_code_used", 1),
        Operation(
            "send_subscribe", "once", _subscribe, "POST /cgi-bin/message/subscribe/send", "subscribe_sent", effects=1
        ),
    ),
    secrets=_secrets,
    refused_token=_revoke_flagship,
)

CASES = (CASE, MINI_PROGRAM)
