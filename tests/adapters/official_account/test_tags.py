"""Tags, remarks and the blacklist."""

from __future__ import annotations

import pytest

from adapters.base.errors import Invalid, NotFound, Rejected
from adapters.official_account import TAGGED_PER_CALL, OfficialAccountAdapter
from adapters.official_account.sandbox import Sandbox as Platform
from sandbox.server import Sandbox
from tests.adapters.official_account import scenes

TAGGING = "POST /cgi-bin/tags/members/batchtagging"


async def test_a_tag_from_its_creation_to_its_end(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    one, two = scenes.others(sandbox)
    tag = await main.tag_create("双11")
    await main.tag(tag.id, [one, two])
    await main.tag_rename(tag.id, "双11老客")
    await main.untag(tag.id, [two])
    assert (await main.tag_followers(tag.id)).items == [one]
    assert tag.id in await main.tags_of(one)
    assert [(t.name, t.followers) for t in await main.tags() if t.id == tag.id] == [("双11老客", 1)]
    await main.tag_delete(tag.id)
    assert tag.id not in await main.tags_of(one)
    with pytest.raises(NotFound) as gone:
        await main.tag_followers(tag.id)
    assert (gone.value.reason, gone.value.upstream_code) == ("tag_unknown", "45159")


async def test_what_a_tag_may_not_be(main: OfficialAccountAdapter) -> None:
    tag = await main.tag_create("双11")
    with pytest.raises(Rejected) as twice:
        await main.tag_create("双11")
    with pytest.raises(Invalid) as long:
        await main.tag_rename(tag.id, "长" * 31)
    with pytest.raises(Rejected) as system:
        await main.tag_delete(2)
    assert [each.value.upstream_code for each in (twice, long, system)] == ["45157", "45158", "45058"]


async def test_more_than_fifty_are_not_asked_for(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    for openids in ([], ["o"] * (TAGGED_PER_CALL + 1)):
        with pytest.raises(Invalid) as refused:
            await main.tag(2, openids)
        assert refused.value.reason == "list_size"
    assert sandbox.kit.journal.count("official_account", TAGGING) == 0


async def test_a_tag_that_is_denied_though_it_exists_is_tried_once_more(
    main: OfficialAccountAdapter, sandbox: Sandbox, platform: Platform
) -> None:
    tag = scenes.tag(sandbox)
    platform.accounts[main.account].denied_tags = 1
    await main.tag(tag, [scenes.shopper(sandbox)])
    assert tag in await main.tags_of(scenes.shopper(sandbox))
    assert sandbox.kit.journal.count("official_account", TAGGING) == 2
    with pytest.raises(NotFound):
        await main.tag(4711, [scenes.shopper(sandbox)])
    assert sandbox.kit.journal.count("official_account", TAGGING) == 3


async def test_a_remark_is_read_again(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    await main.remark(scenes.shopper(sandbox), "M码 喜欢雾灰")
    assert (await main.follower(scenes.shopper(sandbox))).remark == "M码 喜欢雾灰"


async def test_nothing_is_sent_to_the_blacklist(main: OfficialAccountAdapter, sandbox: Sandbox) -> None:
    openid = scenes.shopper(sandbox)
    await main.blacklist_add([openid])
    assert (await main.blacklist()).items == [openid]
    job = await main.mass_to_followers([openid, *scenes.others(sandbox)], "双11", "k")
    (effect,) = sandbox.kit.journal.of_kind("official_account", "mass_sent")
    assert openid not in effect.data["to"]
    assert effect.key.endswith(f"/{job.message_id}")
    await main.blacklist_remove([openid])
    assert (await main.blacklist()).items == []
