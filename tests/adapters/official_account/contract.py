"""What the contract suite must know about official accounts."""

from __future__ import annotations

from typing import Any

from adapters.official_account import (
    FOLLOWERS_PER_CALL,
    TOOL,
    CustomerServiceMessage,
    OfficialAccountAdapter,
    TemplateMessage,
)
from sandbox.server import Sandbox
from tests.adapters.contract_case import Batch, Case, Operation


def known(sandbox: Sandbox, alias: str = "main") -> Any:
    """``followers`` and ``templates`` of an account, as the sandbox prints them."""
    return sandbox.describe()["platforms"]["official_account"]["known"][alias]


async def send(adapter: OfficialAccountAdapter, sandbox: Sandbox) -> object:
    """One valid template message to the protagonist."""
    ids = known(sandbox)
    return await adapter.send_template(
        TemplateMessage(
            openid=ids["followers"]["protagonist"],
            template_id=ids["templates"]["points_changed"],
            data={"thing1": "积分到账", "number2": "899"},
            client_msg_id="contract-1",
        )
    )


async def answer(adapter: OfficialAccountAdapter, sandbox: Sandbox) -> object:
    """The protagonist writes, and is answered."""
    openid = known(sandbox)["followers"]["protagonist"]
    actions = sandbox.platforms["official_account"].actions()
    await actions["say"]({"appid": adapter.account, "person": "protagonist", "text": "在吗"})
    await adapter.send_customer_service(CustomerServiceMessage(openid, "在的"))
    return None


async def first_followers(adapter: OfficialAccountAdapter, sandbox: Sandbox) -> object:
    """Two followers."""
    return await adapter.followers(list(known(sandbox)["followers"].values())[:2])


async def revoke(sandbox: Sandbox) -> None:
    """Another program of the brand forces new tokens."""
    platform: Any = sandbox.platforms["official_account"]
    for appid in platform.accounts:
        await platform.actions()["force_refresh"]({"appid": appid})


def openids(sandbox: Sandbox) -> list[str]:
    """Everybody for whom the main account has an openid."""
    appid = sandbox.world.official_accounts[0].appid
    return [p.openids[appid] for p in sandbox.world.people.values() if appid in p.openids]


CASE = Case(
    spec=TOOL,
    alias="main",
    operations=(
        Operation("ping", "read", lambda a, _s: a.ping(), "GET /cgi-bin/get_api_domain_ip"),
        Operation("follower_ids", "read", lambda a, _s: a.follower_ids(), "GET /cgi-bin/user/get"),
        Operation("followers", "read", first_followers, "POST /cgi-bin/user/info/batchget"),
        Operation("tags", "read", lambda a, _s: a.tags(), "GET /cgi-bin/tags/get"),
        Operation(
            "send_template",
            "idempotent",
            send,
            "POST /cgi-bin/message/template/send",
            effect_kind="template_sent",
            effects=1,
        ),
        Operation(
            "send_customer_service",
            "once",
            answer,
            "POST /cgi-bin/message/custom/send",
            effect_kind="custom_sent",
            effects=1,
        ),
    ),
    batches=(
        Batch(
            "followers",
            lambda a, ids: a.followers(ids),
            openids,
            missing="no-openid",
            limit=FOLLOWERS_PER_CALL,
            endpoint="POST /cgi-bin/user/info/batchget",
        ),
    ),
    secrets=lambda settings: [settings["secret"], settings["callback_token"], settings["aes_key"]],
    refused_token=revoke,
)
