"""Audiences: made, filled by hashed ids, counted by the platform, deleted."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from adapters.base.errors import Invalid, NotFound
from adapters.social_ads import AudienceFile
from tests.adapters.social_ads.conftest import Ads

FILES = "POST /v3.0/custom_audience_files/add"


async def test_members_are_found_by_their_phones(ads: Ads) -> None:
    people = [person for person in ads.sandbox.world.people.values() if person.phone]
    phones = sorted({person.phone for person in people})
    audience_id = await ads.adapter.create_audience("金卡会员", outer_id="crm-778", description="active")
    uploaded_at = ads.sandbox.kit.clock.now()
    file_id = await ads.adapter.send_audience_ids(
        audience_id, "HASH_MOBILE_PHONE", [f"+86 {phone}" for phone in phones] + ["no phone"]
    )

    before = await ads.adapter.audience_file(audience_id, file_id)
    assert (before.status, before.lines, before.users) == ("PENDING", 0, 0)
    ads.sandbox.kit.clock.advance(timedelta(minutes=2))
    after = await ads.adapter.audience_file(audience_id, file_id)

    assert after == AudienceFile(
        file_id, audience_id, "ids.zip", "HASH_MOBILE_PHONE", False, "SUCCESS", 0, len(phones), len(phones),
        len(people), after.created_at,
    )  # fmt: skip
    assert abs(after.created_at - uploaded_at.astimezone(UTC)) < timedelta(seconds=5)
    audience = await ads.adapter.audience(audience_id)
    assert (audience.name, audience.kind, audience.status) == ("金卡会员", "CUSTOMER_FILE", "SUCCESS")
    assert audience.outer_id == "crm-778"
    assert (audience.online, audience.users) == (True, len(people))


async def test_people_are_taken_out_again(ads: Ads) -> None:
    world = ads.sandbox.world
    appid = world.mini_programs[0].appid
    openids = [person.openids[appid] for person in world.people.values() if appid in person.openids][:3]
    audience_id = await ads.adapter.create_audience("看过羽绒")
    await ads.adapter.send_audience_ids(audience_id, "WECHAT_OPENID", openids, appid=appid)
    await ads.adapter.send_audience_ids(audience_id, "WECHAT_OPENID", openids[:1], appid=appid, removes=True)
    ads.sandbox.kit.clock.advance(timedelta(minutes=2))

    assert (await ads.adapter.audience(audience_id)).users == 2
    files = (await ads.adapter.audience_files(audience_id)).items
    assert [(file.removes, file.users) for file in files] == [(False, 3), (True, 1)]


async def test_a_file_is_found_by_the_name_it_was_sent_under(ads: Ads) -> None:
    audience_id = await ads.adapter.create_audience("双11")
    await ads.adapter.send_audience_ids(audience_id, "HASH_MOBILE_PHONE", ["13500000000"], name="upload-1")
    assert [each.name for each in (await ads.adapter.audience_files(audience_id)).items] == ["upload-1.zip"]
    for name in ("", 'x"', "a/b", "长", "n" * 65):
        with pytest.raises(Invalid) as caught:
            await ads.adapter.send_audience_ids(audience_id, "HASH_MOBILE_PHONE", ["13500000000"], name=name)
        assert caught.value.reason == "name"
    assert ads.calls(FILES) == 1


async def test_openids_without_their_app_are_refused_before_any_call(ads: Ads) -> None:
    with pytest.raises(Invalid) as caught:
        await ads.adapter.send_audience_ids(1, "WX_OPENID", ["oTestOpenid0000000000000001"])
    assert caught.value.reason == "appid"
    assert ads.calls(FILES) == 0


async def test_an_audience_is_renamed_and_deleted(ads: Ads) -> None:
    audience_id = await ads.adapter.create_audience("旧名")
    await ads.adapter.update_audience(audience_id, name="新名")
    assert (await ads.adapter.audience(audience_id)).name == "新名"

    await ads.adapter.delete_audience(audience_id)

    assert (await ads.adapter.audiences()).items == []
    with pytest.raises(NotFound):
        await ads.adapter.audience(audience_id)
    with pytest.raises(Invalid):
        await ads.adapter.delete_audience(audience_id)
    with pytest.raises(Invalid):
        await ads.adapter.send_audience_ids(audience_id, "HASH_MOBILE_PHONE", ["13500000000"])
    with pytest.raises(NotFound):
        await ads.adapter.audience_file(audience_id, 90001)


async def test_audiences_over_a_page(ads: Ads) -> None:
    for number in range(101):
        await ads.adapter.create_audience(f"人群 {number}")
    first = await ads.adapter.audiences()
    second = await ads.adapter.audiences(first.next_cursor)
    assert (len(first.items), first.next_cursor, len(second.items), second.next_cursor) == (100, "2", 1, None)


@pytest.mark.parametrize("cursor", ["", "0", "1", "x", "9" * 12])
async def test_a_foreign_cursor_is_refused_before_any_call(ads: Ads, cursor: str) -> None:
    with pytest.raises(Invalid) as caught:
        await ads.adapter.audiences(cursor)
    assert caught.value.reason == "cursor"
    assert ads.sandbox.kit.journal.calls == []
