"""Artwork and products: who may download what, and that each download is known by its watermark."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import orjson
import pytest

from adapters.base.errors import NotFound, Rejected, Unauthorized, UpstreamError
from adapters.ip_content.models import Catalogue
from adapters.ip_content.tables import asset_grant
from tests.adapters.ip_content.conftest import House

GTIN = "06901234567892"


def logo(house: House) -> str:
    return f"{house.sandbox.world.ip_licences[0].property}-logo"


async def grants(house: House) -> int:
    return len(await house.sql.fetch(asset_grant.select()))


async def refused(house: House, rendition: str, gtin: str = "") -> UpstreamError:
    before = await grants(house)
    with pytest.raises(UpstreamError) as caught:
        await house.adapter.asset_grant(logo(house), rendition, user="u-1", purpose="poster", gtin=gtin)
    assert await grants(house) == before
    return caught.value


async def test_a_master_is_handed_out_for_a_quarter_of_an_hour_and_known_by_its_watermark(house: House) -> None:
    (art,) = await house.adapter.assets(house.sandbox.world.ip_licences[0].property)
    assert (art.id, art.renditions, art.style_guide) == (logo(house), ("preview", "comp", "master"), "1.2.0")
    first = await house.adapter.asset_grant(art.id, "master", user="u-1", purpose="badge", gtin=GTIN)
    second = await house.adapter.asset_grant(art.id, "master", user="u-2", purpose="badge", gtin=GTIN)

    assert first.url_expires_at - first.issued_at == timedelta(minutes=15)
    assert first.storage_key == f"ip/{art.property}/logo.png"
    assert first.watermark != second.watermark
    found = await house.adapter.asset_grant_of(second.watermark)
    assert (found.user, found.asset, found.gtin, found.storage_key) == ("u-2", art.id, GTIN, "")
    assert found.agreement == house.sandbox.world.ip_licences[0].number
    with pytest.raises(NotFound):
        await house.adapter.asset_grant_of("wm_invented")


async def test_an_embargo_and_an_expiry_stop_every_rendition(house: House) -> None:
    now = house.sandbox.kit.clock.now()
    await house.publish("asset_terms", id=logo(house), embargo_until=(now + timedelta(days=1)).isoformat())
    assert (await refused(house, "preview")).reason == "embargoed"
    house.sandbox.kit.clock.advance(timedelta(days=1))
    ends = house.sandbox.kit.clock.now() + timedelta(minutes=5)
    await house.publish("asset_terms", id=logo(house), expires_at=ends.isoformat())
    # The address ends with the artwork.
    granted = await house.adapter.asset_grant(logo(house), "preview", user="u", purpose="p")
    assert granted.url_expires_at == ends
    house.sandbox.kit.clock.advance(timedelta(minutes=5))
    assert (await refused(house, "preview")).reason == "not_licensed"


async def test_without_an_agreement_in_force_only_a_preview_is_seen(house: House) -> None:
    number = house.sandbox.world.ip_licences[0].number
    await house.publish("agreement_status", number=number, status="terminated")
    assert type(await refused(house, "comp")) is Unauthorized
    granted = await house.adapter.asset_grant(logo(house), "preview", user="u", purpose="look")
    assert granted.agreement is None


async def test_a_master_wants_a_product_whose_concept_was_accepted(house: House) -> None:
    assert (await refused(house, "master")).reason == "concept_not_approved"
    await house.publish("sku_terms", gtin=GTIN, concept_approved=False)
    assert type(await refused(house, "master", GTIN)) is Rejected
    assert type(await refused(house, "poster")) is NotFound


async def test_products_are_read_in_one_statement(house: House) -> None:
    house.sql.statements = 0
    known, missing = await house.adapter.skus([GTIN, "00000000000000"])
    assert house.sql.statements == 1
    assert isinstance(missing, NotFound)
    assert not isinstance(known, NotFound)
    assert (known.edition_size, known.units_made, known.units_sold, known.state) == (5000, 3000, 1200, "released")
    assert await house.adapter.all_skus() == [known]


@pytest.mark.parametrize(
    "change",
    [
        {"gtin": "06901234567893"},  # check digit
        {"units_sold": 11},
        {"units_manufactured": 101},
        {"agreement": "A-9"},
        {"ip": "nobody"},
    ],
)
def test_a_product_that_cannot_be_refuses_the_catalogue(change: dict[str, object]) -> None:
    document = orjson.loads((Path(__file__).parent / "wire/catalogue.json").read_bytes())
    product = {
        "gtin": GTIN,
        "agreement": "A-1",
        "ip": "douluo",
        "name": "徽章",
        "category": "snacks",
        "approval_state": "released",
        "edition_size": 100,
        "units_manufactured": 10,
        "units_sold": 10,
    }
    assert len(msgspec.convert({**document, "skus": [product]}, Catalogue).skus) == 1
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**document, "skus": [{**product, **change}]}, Catalogue)
