"""Codes, menu, articles, files, figures and web pages."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.base.errors import Invalid, Rejected, Unauthorized
from adapters.official_account import (
    Choices,
    CustomerServiceMessage,
    MiniProgramPage,
    OfficialAccountAdapter,
    Picture,
    PublishStatus,
    SubscribeMessage,
    Voice,
)
from adapters.official_account.web import page_signature
from sandbox.server import Sandbox
from tests.adapters.official_account import scenes

#: Published by the vendor.
TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
OWN_TICKET = "TESToaTicket-0001_abcdefghijklmnopqrstuvwxyz"
PAGE = "https://m.example.com/h5/coupon?id=8&from=singlemessage"


@pytest.mark.parametrize(
    ("given", "signature"),
    [
        (
            (TICKET, "Wm3WZYTPz0wzccnW", 1414587457, "http://mp.weixin.qq.com?params=value"),
            "0f9de62fce790f9a083d5c99e95740ceb90c27ed",
        ),
        ((OWN_TICKET, "nonceOA000000001", 1700000000, PAGE), "9aee7871bebce6da5aded48966240dab65c7112b"),
        ((OWN_TICKET, "nonceOA000000001", 1700000000, PAGE + "#top"), "9aee7871bebce6da5aded48966240dab65c7112b"),
        (
            (OWN_TICKET, "nonceOA000000001", 1700000000, PAGE.partition("&")[0]),
            "ba2b9d1081c2963f0d032f09b5ebb3b68a3605b6",
        ),
    ],
)
def test_page_signatures(given: tuple[str, str, int, str], signature: str) -> None:
    assert page_signature(*given) == signature


async def test_pages_share_a_ticket(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    page = "https://M.yujian.example/h5/coupon?id=8#top"
    configs = [await main.page_config(page) for _ in range(3)]
    assert len({config.nonce for config in configs}) == 3
    assert sandbox.kit.journal.count("official_account", "GET /cgi-bin/ticket/getticket") == 1
    for config in configs:
        given = {"timestamp": config.timestamp, "nonceStr": config.nonce, "signature": config.signature}
        assert (await scenes.act(sandbox, "check_page", url=page, **given)) == {"errMsg": "config:ok"}
    for foreign in ("/h5/coupon", PAGE, "http://m.yujian.example/", "https://m.yujian.example.evil.example/"):
        with pytest.raises(Invalid) as refused:
            await main.page_config(foreign)
        assert refused.value.reason == "page_not_trusted"


async def test_a_code_of_a_page_works_once(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    code = (await scenes.act(sandbox, "web_code", scope="snsapi_userinfo"))["code"]
    login = await main.web_login(code)
    assert login.openid == scenes.shopper(sandbox)
    assert login.unionid == sandbox.world.people["linxiaowen"].unionid
    await main.web_check(login)
    with pytest.raises(Rejected) as used:
        await main.web_login(code)
    late = (await scenes.act(sandbox, "web_code"))["code"]
    sandbox.kit.clock.advance(timedelta(minutes=5))
    with pytest.raises(Rejected) as expired:
        await main.web_login(late)
    with pytest.raises(Rejected) as never:
        await main.web_login("made-up")
    assert [e.value.reason for e in (used, expired, never)] == ["code_used", "code_expired", "code_invalid"]
    sandbox.kit.clock.advance(timedelta(hours=2))
    with pytest.raises(Rejected) as over:
        await main.web_check(login)
    assert over.value.reason == "login_over"
    await main.web_check(await main.web_refresh(login.refresh_token))


async def test_name_and_picture_of_one_who_agreed(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    agreed = await main.web_login((await scenes.act(sandbox, "web_code", scope="snsapi_userinfo"))["code"])
    who = await main.web_user(agreed)
    assert (who.openid, who.unionid) == (agreed.openid, sandbox.world.people["linxiaowen"].unionid)
    assert (who.nickname, urlsplit(who.picture).hostname) == ("微信用户", "thirdwx.qlogo.cn")
    assert who.nickname not in repr(who)
    asked_nothing = await main.web_login((await scenes.act(sandbox, "web_code"))["code"])
    with pytest.raises(Unauthorized) as refused:
        await main.web_user(asked_nothing)
    assert refused.value.reason == "scope_missing"


async def test_a_snapshot_says_so(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    login = await main.web_login((await scenes.act(sandbox, "web_code", snapshot=True))["code"])
    assert (login.snapshot, login.unionid) == (True, None)


async def test_where_a_browser_is_sent(main: OfficialAccountAdapter) -> None:
    url = main.authorize_url("https://m.yujian.example/back?a=1", "s1")
    assert list(parse_qs(urlsplit(url).query)) == ["appid", "redirect_uri", "response_type", "scope", "state"]
    assert url.startswith("https://open.weixin.qq.com/connect/oauth2/authorize?appid=")
    assert url.endswith("&scope=snsapi_base&state=s1#wechat_redirect")


async def test_codes_for_a_while_and_for_ever(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    before = sandbox.kit.clock.now()
    code = await main.scene_code("store_88", timedelta(days=30))
    assert code.expires_at is not None
    assert before <= code.expires_at - timedelta(days=30) <= sandbox.kit.clock.now()
    assert parse_qs(urlsplit(code.image_url).query) == {"ticket": [code.ticket]}
    assert (await main.scene_code("store_88")).expires_at is None
    for scene, lifetime in (("", None), ("s" * 65, None), ("s", timedelta(days=31))):
        with pytest.raises(Invalid):
            await main.scene_code(scene, lifetime)


async def test_a_menu_is_read_as_it_was_put(main: OfficialAccountAdapter) -> None:
    assert await main.menu() == []
    await main.menu_replace(scenes.MENU)
    assert await main.menu() == list(scenes.MENU)
    await main.menu_delete()
    assert await main.menu() == []
    with pytest.raises(Invalid) as many:
        await main.menu_replace(scenes.MENU * 2)
    assert (many.value.reason, many.value.upstream_code) == ("menu", "40016")


async def test_a_draft_becomes_an_article(main: OfficialAccountAdapter) -> None:
    drafts = (await main.drafts()).items
    number = await main.publish(drafts[0].id)
    publication = await main.publication(number)
    assert publication.status is PublishStatus.PUBLISHED
    assert [group.id for group in (await main.published()).items] == [publication.article_id]
    assert (await main.published_articles(publication.article_id))[0].title == drafts[0].articles[0].title
    assert [group.id for group in (await main.drafts()).items] == [group.id for group in drafts[1:]]


async def test_the_articles_of_a_draft(main: OfficialAccountAdapter) -> None:
    [listed, *_] = (await main.drafts()).items
    assert await main.draft(listed.id) == list(listed.articles)
    assert [(each.title, each.author, each.deleted) for each in listed.articles] == [
        ("山岚轻羽绒服上新", "屿见", False)
    ]
    with pytest.raises(Invalid) as unknown:
        await main.draft("none")
    assert unknown.value.reason == "media_unknown"


async def test_a_file_lives_for_three_days(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    number = await main.media_upload("image", "coat.jpg", scenes.JPEG)
    got = await main.media(number)
    assert (got.content_type, got.content) == ("image/jpeg", scenes.JPEG)
    assert await main.media_upload("thumb", "coat.jpg", scenes.JPEG)
    sandbox.kit.clock.advance(timedelta(days=3))
    with pytest.raises(Invalid) as gone:
        await main.media(number)
    assert gone.value.reason == "media_unknown"
    with pytest.raises(Invalid) as large:
        await main.media_upload("thumb", "coat.jpg", b"x" * ((64 << 10) + 1))
    assert large.value.reason == "media_type"


async def test_customer_service_messages_of_all_kinds(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    await scenes.act(sandbox, "say")
    openid, picture = scenes.shopper(sandbox), scenes.media(sandbox)
    page = MiniProgramPage("雾灰到货", sandbox.world.mini_programs[0].appid, "pages/index", picture)
    for content in (Picture(picture), Voice(picture), page, Choices("满意吗", (("1", "满意"), ("2", "不满意")))):
        await main.send_customer_service(CustomerServiceMessage(openid, content))
    with pytest.raises(Invalid) as missing:
        await main.send_customer_service(CustomerServiceMessage(openid, Picture("none")))
    assert missing.value.reason == "media_unknown"
    sent = [e.data["message"] for e in sandbox.kit.journal.of_kind("official_account", "custom_sent")]
    assert [each["msgtype"] for each in sent] == ["image", "voice", "miniprogrampage", "msgmenu"]


async def test_typing_is_shown_for_one_who_is_there(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    openid = scenes.shopper(sandbox)
    with pytest.raises(Rejected) as away:
        await main.show_typing(openid)
    await scenes.act(sandbox, "say")
    await main.show_typing(openid)
    with pytest.raises(Rejected) as twice:
        await main.show_typing(openid)
    assert [e.value.upstream_code for e in (away, twice)] == ["45080", "45081"]
    await main.show_typing(openid, typing=False)
    await main.show_typing(openid)


async def test_a_grant_is_one_message(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    template = scenes.known(sandbox)["subscribe_templates"]["arrival"]
    message = SubscribeMessage(scenes.shopper(sandbox), template, {"thing1": "雾灰到货"})
    await scenes.act(sandbox, "subscribe_answer", template=template, answer="accept")
    await main.send_subscribe(message)
    with pytest.raises(Rejected) as spent:
        await main.send_subscribe(message)
    assert (spent.value.reason, spent.value.upstream_code) == ("user_refused", "43101")


async def test_spans_of_days(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    end = scenes.yesterday(sandbox)
    week = end - timedelta(days=6)
    assert {row.day for row in await main.follower_days(week, end)} == {week + timedelta(days=n) for n in range(7)}
    for call, most in ((main.follower_days, 7), (main.follower_totals, 7), (main.reading_days, 3)):
        with pytest.raises(Invalid) as wide:
            await call(end - timedelta(days=most), end)
        assert wide.value.reason == "date_span"
    with pytest.raises(Invalid):
        await main.content_day(end + timedelta(days=1))
    assert (await main.content_day(end))[0].complete
    followers = (await main.follower_totals(end, end))[0].followers
    assert followers == sum(f.appid == main.account and f.subscribed for f in sandbox.world.followers)
