"""What the gateway sees: records with the world's own values, in few statements."""

from __future__ import annotations

from datetime import UTC, date

import pytest

from adapters.base.errors import NotFound, Unauthorized
from adapters.ip_content import TOOL, Activation, Card, ImportResult, Licence, Participation, Prize, Property
from adapters.ip_content.tables import draw, metadata, property_
from tests.adapters.ip_content.conftest import PLATFORM, House
from tests.conftest import OpenTool

FOX = Property("yunling-fox", "云岭小狐", "Little Fox of Yunling", "comic", "腾讯动漫")
ISLE = Property("frontier-isle", "边岛纪行", "Isle of the Frontier", "game", "腾讯互娱")
BADGES = Activation(
    "FOX-BADGE",
    FOX,
    "云岭小狐 集徽章",
    ("SH-AFL", "HZ-HB"),
    date(2026, 10, 21),
    date(2026, 12, 2),
    "live",
    tuple(Card(f"FOX-{i}", name) for i, name in enumerate(("晨雾", "松林", "溪谷", "云岭", "星夜"), 1)),
    daily_cap=3,
    guarantee_after=0,
    prize=Prize("points", "集齐奖励", 500, 1000, 30),
)
CATALOGUE = "GET /ip/v1/catalogue"


async def test_the_first_import_fills_the_tables(empty_house: House) -> None:
    version = int(empty_house.sandbox.world.now.timestamp())

    result = await empty_house.adapter.import_catalogue()

    assert result == ImportResult(version, properties=2, licences=2, activations=1, draws=4, changed=True)


async def test_importing_again_transfers_and_writes_nothing(house: House) -> None:
    version = int(house.sandbox.world.now.timestamp())
    house.sql.statements = 0

    result = await house.adapter.import_catalogue()

    assert result == ImportResult(version, 0, 0, 0, 0, changed=False)
    assert house.sandbox.kit.journal.calls[-1].status == 304
    assert house.sql.statements == 1


async def test_a_newer_version_replaces_the_catalogue_and_adds_draws(house: House) -> None:
    who = house.person("gift_receiver").unionid
    await house.at_department("property_status", slug="frontier-isle", status="retired")
    published = await house.at_department(
        "collect", activation="FOX-BADGE", unionid=who, entry_ref="kiosk-1", card_id="FOX-2"
    )

    result = await house.adapter.import_catalogue()

    assert result == ImportResult(published["version"], 2, 2, 1, draws=1, changed=True)
    rows = await house.sql.fetch(property_.select().where(property_.c.slug == "frontier-isle"))
    assert [row.status for row in rows] == ["retired"]
    assert [p.cards for p in (await house.adapter.participations([who]))[0]] == [("FOX-2",)]


async def test_what_the_department_withdrew_is_gone(house: House) -> None:
    document = house.sandbox.platforms[PLATFORM].department.document  # type: ignore[attr-defined]
    document["agreements"].pop()
    await house.publish("property_status", slug="frontier-isle", status="licensable")

    assert [x.property.slug for x in await house.adapter.licences()] == ["yunling-fox"]


async def test_an_older_version_changes_nothing(house: House) -> None:
    document = house.sandbox.platforms[PLATFORM].department.document  # type: ignore[attr-defined]
    version = document["version"]
    document["version"] = version - 1
    document["activations"].clear()
    document["contests"].clear()
    document["drops"].clear()

    result = await house.adapter.import_catalogue()

    assert result == ImportResult(version, 0, 0, 0, 0, changed=False)
    assert await house.adapter.all_activations() == [BADGES]


async def test_another_licensees_catalogue_is_refused(empty_house: House) -> None:
    document = empty_house.sandbox.platforms[PLATFORM].department.document  # type: ignore[attr-defined]
    document["licensee_id"] = "party-other"
    for agreement in document["agreements"]:
        agreement["licensee_id"] = "party-other"

    with pytest.raises(Unauthorized) as caught:
        await empty_house.adapter.import_catalogue()

    assert (caught.value.reason, caught.value.account) == ("other_licensee", empty_house.adapter.account)
    assert await empty_house.adapter.all_properties() == []


async def test_two_licensees_share_the_tables_and_see_only_their_own(house: House, open_tool: OpenTool) -> None:
    service = house.sandbox.platforms[PLATFORM]
    service.licensee = "party-second"  # type: ignore[attr-defined]
    second = await open_tool(TOOL, house.sandbox, "main", sql=house.sql)

    assert second.account == "party-second"
    assert await second.all_properties() == []
    assert await second.licences() == []
    assert await second.participations([house.person("protagonist").unionid]) == [()]
    assert len(await house.adapter.all_properties()) == 2


async def test_properties_keep_order_and_length_and_a_miss_is_a_value(house: House) -> None:
    found = await house.adapter.properties(["frontier-isle", "nobody", "yunling-fox", "frontier-isle"])

    assert [found[0], found[2], found[3]] == [ISLE, FOX, ISLE]
    assert isinstance(found[1], NotFound)
    assert found[1].message == "The imported catalogue has no property 'nobody'."
    assert await house.adapter.all_properties() == [ISLE, FOX]


async def test_licences_carry_half_open_dates(house: House) -> None:
    old, current = await house.adapter.licences()

    assert current == Licence(
        "YJ-2026-017",
        FOX,
        ("CN",),
        ("T恤", "包袋"),
        ("offline_store", "mini_program", "promotion_only"),
        ("sell", "display", "promote", "giveaway"),
        date(2026, 1, 1),
        date(2027, 1, 1),
        "exclusive",
        "YJ-2026-017/1",
        "active",
    )
    assert (old.number, old.starts, old.ends) == ("YJ-2025-004", date(2025, 3, 1), date(2026, 3, 1))


async def test_activations_by_code_and_by_store(house: House) -> None:
    found = await house.adapter.activations(["NONE", "FOX-BADGE"])
    at = await house.adapter.activations_at(["HZ-HB", "CD-CXL", "SH-AFL", "HZ-HB"])

    assert isinstance(found[0], NotFound)
    assert found[1] == BADGES
    assert [list(one) for one in at] == [[BADGES], [], [BADGES], [BADGES]]


async def test_the_protagonists_badges(house: House) -> None:
    her = house.person("protagonist").unionid
    world = house.sandbox.world

    (hers,) = await house.adapter.participations([her])

    assert list(hers) == [
        Participation(
            BADGES,
            collected=4,
            total=5,
            cards=("FOX-1", "FOX-2", "FOX-3", "FOX-4"),
            completed=False,
            last_at=world.ip_participations[0].at.astimezone(UTC),
        )
    ]


@pytest.mark.parametrize("number", [1, 10, 50])
async def test_statements_do_not_grow_with_the_number_of_members(house: House, number: int) -> None:
    people = list(house.sandbox.world.people.values())[:number]
    unionids = [p.unionid or p.key for p in people]
    calls = len(house.sandbox.kit.journal.calls)
    house.sql.statements = 0

    found = await house.adapter.participations(unionids)

    assert len(found) == number
    assert [len(one) for one in found] == [1] + [0] * (number - 1)
    assert house.sql.statements == 2
    assert len(house.sandbox.kit.journal.calls) == calls


@pytest.mark.parametrize("number", [1, 10, 50])
async def test_batches_of_codes_are_one_statement(house: House, number: int) -> None:
    codes = ["FOX-BADGE", *(f"none-{i}" for i in range(number - 1))]
    for batch in (house.adapter.properties, house.adapter.activations, house.adapter.activations_at):
        house.sql.statements = 0
        assert len(await batch(codes)) == number
        assert house.sql.statements == 1


async def test_an_empty_batch_asks_nothing(house: House) -> None:
    house.sql.statements = 0

    assert await house.adapter.participations([]) == []
    assert await house.adapter.properties([]) == []
    assert house.sql.statements == 0


async def test_no_personal_id_is_stored_in_clear(house: House) -> None:
    unionids = {p.unionid for p in house.sandbox.world.people.values() if p.unionid}
    await house.adapter.draw_card("FOX-BADGE", house.person("gift_receiver").unionid, "scan-9")

    for table in metadata.sorted_tables:
        text = repr(await house.sql.fetch(table.select()))
        assert not [unionid for unionid in unionids if unionid in text], table.name


async def test_forgetting_a_member_cuts_the_tie_and_keeps_the_entries_spent(house: House) -> None:
    her = house.person("protagonist").unionid

    assert await house.adapter.forget(her) == 4
    await house.publish("property_status", slug="yunling-fox", status="licensable")

    assert await house.adapter.participations([her]) == [()]
    rows = await house.sql.fetch(draw.select())
    assert [row.participant for row in rows] == ["", "", "", ""]
    assert await house.adapter.forget(her) == 0


async def test_odrl_of_an_agreement(house: House) -> None:
    await house.publish("grant_terms", number="YJ-2026-017", excluded_territories=["CN-XZ"], max_units=50000)

    policy = await house.adapter.odrl("YJ-2026-017")

    licensor = policy["assigner"]
    assert licensor.startswith("urn:gw:party:party-")
    assert policy == {
        "@context": "http://www.w3.org/ns/odrl.jsonld",
        "@type": "Agreement",
        "uid": "urn:gw:agreement:YJ-2026-017",
        "conflict": "prohibit",
        "assigner": licensor,
        "assignee": f"urn:gw:party:{house.adapter.account}",
        "permission": [
            {
                "target": "urn:gw:ip:yunling-fox",
                "action": ["sell", "display", "distribute"],
                "constraint": [
                    {"leftOperand": "spatial", "operator": "isAnyOf", "rightOperand": ["CN"]},
                    {
                        "leftOperand": "dateTime",
                        "operator": "gteq",
                        "rightOperand": {"@value": "2026-01-01T00:00:00+08:00", "@type": "xsd:dateTime"},
                    },
                    {
                        "leftOperand": "dateTime",
                        "operator": "lt",
                        "rightOperand": {"@value": "2027-01-01T00:00:00+08:00", "@type": "xsd:dateTime"},
                    },
                    {
                        "leftOperand": "deliveryChannel",
                        "operator": "isAnyOf",
                        "rightOperand": ["offline_store", "mini_program", "promotion_only"],
                    },
                    {
                        "leftOperand": "product",
                        "operator": "isAnyOf",
                        "rightOperand": ["urn:gw:category:T%E6%81%A4", "urn:gw:category:%E5%8C%85%E8%A2%8B"],
                    },
                    {"leftOperand": "spatial", "operator": "isNoneOf", "rightOperand": ["CN-XZ"]},
                    {
                        "leftOperand": "count",
                        "operator": "lteq",
                        "rightOperand": 50000,
                        "unit": "urn:gw:unit:piece",
                    },
                ],
                "duty": [{"action": "attribute"}],
            }
        ],
        "obligation": [{"action": "ensureExclusivity", "assignee": licensor}],
    }


async def test_odrl_of_an_unknown_agreement_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        await house.adapter.odrl("YJ-1999-001")
