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
from tests.adapters.official_account import scenes


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
        Operation("follower", "read", lambda a, s: a.follower(scenes.shopper(s)), "GET /cgi-bin/user/info"),
        Operation("blacklist", "read", lambda a, _s: a.blacklist(), "POST /cgi-bin/tags/members/getblacklist"),
        Operation("tag_followers", "read", lambda a, s: a.tag_followers(scenes.tag(s)), "POST /cgi-bin/user/tag/get"),
        Operation("tags_of", "read", lambda a, s: a.tags_of(scenes.shopper(s)), "POST /cgi-bin/tags/getidlist"),
        Operation("templates", "read", lambda a, _s: a.templates(), "GET /cgi-bin/template/get_all_private_template"),
        Operation("industries", "read", lambda a, _s: a.industries(), "GET /cgi-bin/template/get_industry"),
        Operation(
            "subscribe_templates", "read", lambda a, _s: a.subscribe_templates(), "GET /wxaapi/newtmpl/gettemplate"
        ),
        Operation(
            "sending_status", "read", lambda a, s: a.sending_status(scenes.job(s)), "POST /cgi-bin/message/mass/get"
        ),
        Operation("sending_speed", "read", lambda a, _s: a.sending_speed(), "POST /cgi-bin/message/mass/speed/get"),
        Operation("menu", "read", scenes.menu, "GET /cgi-bin/menu/get"),
        Operation("drafts", "read", lambda a, _s: a.drafts(), "POST /cgi-bin/draft/batchget"),
        Operation("draft", "read", lambda a, s: a.draft(scenes.known(s)["drafts"][0]), "POST /cgi-bin/draft/get"),
        Operation(
            "publication", "read", lambda a, s: a.publication(scenes.publication(s)), "POST /cgi-bin/freepublish/get"
        ),
        Operation("published", "read", lambda a, _s: a.published(), "POST /cgi-bin/freepublish/batchget"),
        Operation("media", "read", lambda a, s: a.media(scenes.media(s)), "GET /cgi-bin/media/get"),
        Operation(
            "follower_days",
            "read",
            lambda a, s: a.follower_days(scenes.yesterday(s), scenes.yesterday(s)),
            "POST /datacube/getusersummary",
        ),
        Operation(
            "follower_totals",
            "read",
            lambda a, s: a.follower_totals(scenes.yesterday(s), scenes.yesterday(s)),
            "POST /datacube/getusercumulate",
        ),
        Operation(
            "article_day", "read", lambda a, s: a.article_day(scenes.yesterday(s)), "POST /datacube/getarticlesummary"
        ),
        Operation(
            "articles_sent", "read", lambda a, s: a.articles_sent(scenes.yesterday(s)), "POST /datacube/getarticletotal"
        ),
        Operation(
            "reading_days",
            "read",
            lambda a, s: a.reading_days(scenes.yesterday(s), scenes.yesterday(s)),
            "POST /datacube/getuserread",
        ),
        Operation(
            "sharing_days",
            "read",
            lambda a, s: a.sharing_days(scenes.yesterday(s), scenes.yesterday(s)),
            "POST /datacube/getusershare",
        ),
        Operation(
            "message_days",
            "read",
            lambda a, s: a.message_days(scenes.yesterday(s), scenes.yesterday(s)),
            "POST /datacube/getupstreammsg",
        ),
        Operation(
            "content_day", "read", lambda a, s: a.content_day(scenes.yesterday(s)), "POST /datacube/getbizsummary"
        ),
        Operation(
            "articles_published",
            "read",
            lambda a, s: a.articles_published(scenes.yesterday(s)),
            "POST /datacube/getarticletotaldetail",
        ),
        Operation("published_articles", "read", scenes.published_articles, "POST /cgi-bin/freepublish/getarticle"),
        Operation("web_refresh", "read", scenes.web_refresh, "GET /sns/oauth2/refresh_token"),
        Operation("web_user", "read", scenes.web_user, "GET /sns/userinfo"),
        Operation("web_check", "read", scenes.web_check, "GET /sns/auth"),
        Operation("remark", "idempotent", scenes.remark, "POST /cgi-bin/user/info/updateremark", "remark_set", 1),
        Operation("tag_create", "once", scenes.tag_create, "POST /cgi-bin/tags/create", "tag_created", 1),
        Operation("tag_rename", "idempotent", scenes.tag_rename, "POST /cgi-bin/tags/update", "tag_renamed", 1),
        Operation(
            "tag_delete",
            "once",
            lambda a, s: a.tag_delete(scenes.tag(s)),
            "POST /cgi-bin/tags/delete",
            "tag_deleted",
            1,
        ),
        Operation(
            "tag",
            "idempotent",
            lambda a, s: a.tag(scenes.tag(s), scenes.others(s)),
            "POST /cgi-bin/tags/members/batchtagging",
            "tagged",
            1,
        ),
        Operation("untag", "idempotent", scenes.untag, "POST /cgi-bin/tags/members/batchuntagging", "untagged", 1),
        Operation(
            "blacklist_add",
            "idempotent",
            scenes.blacklist_add,
            "POST /cgi-bin/tags/members/batchblacklist",
            "blacklisted",
            1,
        ),
        Operation(
            "blacklist_remove",
            "idempotent",
            scenes.blacklist_remove,
            "POST /cgi-bin/tags/members/batchunblacklist",
            "unblacklisted",
            1,
        ),
        Operation(
            "template_add",
            "once",
            lambda a, _s: a.template_add("TM00015"),
            "POST /cgi-bin/template/api_add_template",
            "template_added",
            1,
        ),
        Operation(
            "template_delete",
            "once",
            scenes.template_delete,
            "POST /cgi-bin/template/del_private_template",
            "template_deleted",
            1,
        ),
        Operation(
            "subscribe_template_add",
            "once",
            lambda a, _s: a.subscribe_template_add("1001", [1, 2], "到货"),
            "POST /wxaapi/newtmpl/addtemplate",
            "subscribe_template_added",
            1,
        ),
        Operation(
            "subscribe_template_delete",
            "once",
            scenes.subscribe_template_delete,
            "POST /wxaapi/newtmpl/deltemplate",
            "subscribe_template_deleted",
            1,
        ),
        Operation(
            "send_subscribe",
            "once",
            scenes.send_subscribe,
            "POST /cgi-bin/message/subscribe/bizsend",
            "subscribe_sent",
            1,
        ),
        Operation("show_typing", "once", scenes.show_typing, "POST /cgi-bin/message/custom/typing", "typing_shown", 1),
        Operation(
            "mass_to_tag", "idempotent", scenes.mass_to_tag, "POST /cgi-bin/message/mass/sendall", "mass_sent", 1
        ),
        Operation(
            "mass_to_followers",
            "idempotent",
            scenes.mass_to_followers,
            "POST /cgi-bin/message/mass/send",
            "mass_sent",
            1,
        ),
        Operation(
            "mass_preview", "once", scenes.mass_preview, "POST /cgi-bin/message/mass/preview", "mass_previewed", 1
        ),
        Operation(
            "sending_take_back",
            "idempotent",
            lambda a, s: a.sending_take_back(scenes.job(s)),
            "POST /cgi-bin/message/mass/delete",
            "mass_deleted",
            1,
        ),
        Operation(
            "sending_speed_change",
            "idempotent",
            scenes.sending_speed_change,
            "POST /cgi-bin/message/mass/speed/set",
            "mass_speed_set",
            1,
        ),
        Operation("scene_code", "idempotent", scenes.scene_code, "POST /cgi-bin/qrcode/create", "code_made", 1),
        Operation("menu_replace", "idempotent", scenes.menu_replace, "POST /cgi-bin/menu/create", "menu_set", 1),
        Operation("menu_delete", "idempotent", scenes.menu_delete, "GET /cgi-bin/menu/delete", "menu_deleted", 1),
        Operation("publish", "once", scenes.publish, "POST /cgi-bin/freepublish/submit", "published", 1),
        Operation("media_upload", "once", scenes.media_upload, "POST /cgi-bin/media/upload", "media_uploaded", 1),
        Operation("web_login", "once", scenes.login, "GET /sns/oauth2/access_token", "web_code_used", 1),
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
