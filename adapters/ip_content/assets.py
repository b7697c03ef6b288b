"""Artwork and licensed products: who may download what, and a ledger of every download."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BindParameter, Row, bindparam, insert, select

from adapters.base.errors import UpstreamError
from adapters.base.runtime import Sql
from adapters.ip_content.clearance import in_force
from adapters.ip_content.draws import BEIJING
from adapters.ip_content.errors import FAULTS
from adapters.ip_content.ledger import instant, micros
from adapters.ip_content.records import Asset, AssetGrant, LicensedSku
from adapters.ip_content.tables import agreement, asset, asset_grant, grant, sku

#: How long the address of a download may live.
URL_LIFE: Final = timedelta(minutes=15)
RENDITIONS: Final = frozenset({"preview", "comp", "master"})

_LICENSEE: Final[BindParameter[Any]] = bindparam("licensee")
_ASSETS: Final = select(asset).where(asset.c.licensee == _LICENSEE).order_by(asset.c.id)
_OF_PROPERTY: Final = _ASSETS.where(asset.c.property == bindparam("property"))
_ASSET: Final = _ASSETS.where(asset.c.id == bindparam("id"))
_SOME_ASSETS: Final = _ASSETS.where(asset.c.id.in_(bindparam("ids", expanding=True)))
_OF_PROPERTIES: Final = _ASSETS.where(asset.c.property.in_(bindparam("slugs", expanding=True)))
_SKUS: Final = select(sku).where(sku.c.licensee == _LICENSEE, sku.c.gtin.in_(bindparam("gtins", expanding=True)))
_ALL_SKUS: Final = select(sku).where(sku.c.licensee == _LICENSEE).order_by(sku.c.gtin)
_COVERING: Final = (
    select(grant.c.agreement, agreement.c.status)
    .join(agreement, (agreement.c.licensee == grant.c.licensee) & (agreement.c.number == grant.c.agreement))
    .where(
        grant.c.licensee == _LICENSEE,
        grant.c.property == bindparam("property"),
        grant.c.starts <= bindparam("today"),
        grant.c.ends > bindparam("today"),
        agreement.c.starts <= bindparam("today"),
        agreement.c.ends > bindparam("today"),
    )
    .order_by(grant.c.agreement)
)
_GRANT: Final = select(asset_grant).where(
    asset_grant.c.licensee == _LICENSEE, asset_grant.c.watermark == bindparam("watermark")
)
_DOWNLOADS: Final = (
    select(asset_grant)
    .where(asset_grant.c.licensee == _LICENSEE, asset_grant.c.asset == bindparam("id"))
    .order_by(asset_grant.c.issued_at.desc(), asset_grant.c.watermark)
)


class AssetDesk:
    """Hands out downloads for one licensee."""

    def __init__(self, sql: Sql, licensee: str) -> None:
        self._sql = sql
        self._licensee = licensee

    async def assets(self, slug: str) -> Sequence[Asset]:
        """Of one property, by id."""
        return [_asset(row) for row in await self._sql.fetch(_OF_PROPERTY, self._ids(property=slug))]

    async def some(self, ids: Sequence[str]) -> dict[str, Asset]:
        """By id."""
        rows = await self._sql.fetch(_SOME_ASSETS, self._ids(ids=list(set(ids)))) if ids else []
        return {row.id: _asset(row) for row in rows}

    async def of_properties(self, slugs: Sequence[str]) -> dict[str, list[Asset]]:
        """By property, each by id."""
        found: dict[str, list[Asset]] = {}
        for row in await self._sql.fetch(_OF_PROPERTIES, self._ids(slugs=list(set(slugs)))) if slugs else []:
            found.setdefault(row.property, []).append(_asset(row))
        return found

    async def key(self, asset_id: str) -> str:
        """The object's name. Raises NotFound."""
        rows = await self._sql.fetch(_ASSET, self._ids(id=asset_id))
        if not rows:
            raise self._refusal("not_found")
        return str(rows[0].storage_key)

    async def downloads(self, asset_id: str) -> Sequence[AssetGrant]:
        """Every download of an artwork, the newest first; the object's name is left out."""
        rows = await self._sql.fetch(_DOWNLOADS, self._ids(id=asset_id))
        return [_grant(row._asdict(), "") for row in rows]

    async def skus(self, gtins: Sequence[str] | None) -> dict[str, LicensedSku]:
        """By GTIN; None asks for all."""
        if gtins is None:
            rows = await self._sql.fetch(_ALL_SKUS, self._ids())
        else:
            rows = await self._sql.fetch(_SKUS, self._ids(gtins=list(set(gtins)))) if gtins else []
        return {row.gtin: _sku(row) for row in rows}

    async def issue(
        self, asset_id: str, rendition: str, user: str, purpose: str, now: datetime, gtin: str, watermark: str
    ) -> AssetGrant:
        """Note a download and allow it for 15 minutes; under a watermark that is known, the download as it is.

        A preview may be seen by any licensee; a comp needs a grant of the work in force today; a master also needs a
        product whose concept was accepted.
        """
        rows = await self._sql.fetch(_ASSET, self._ids(id=asset_id))
        if not rows or rendition not in rows[0].renditions:
            raise self._refusal("not_found")
        found = rows[0]
        if watermark and (before := await self._sql.fetch(_GRANT, self._ids(watermark=watermark))):
            return _grant(before[0]._asdict(), found.storage_key)
        if found.embargo_until is not None and micros(now) < found.embargo_until:
            raise self._refusal("embargoed")
        expired = found.expires_at is not None and micros(now) >= found.expires_at
        number = await self._agreement(found.property, now)
        if expired or (rendition != "preview" and number is None):
            raise self._refusal("not_licensed")
        if rendition == "master":
            of = (await self.skus([gtin])).get(gtin)
            if of is None or not of.concept_approved or of.property != found.property:
                raise self._refusal("concept_not_approved")
        ends = micros(now + URL_LIFE)
        row = {
            "licensee": self._licensee,
            "watermark": watermark or "wm_" + secrets.token_urlsafe(15),
            "asset": asset_id,
            "rendition": rendition,
            "agreement": number,
            "gtin": gtin or None,
            "user": user,
            "purpose": purpose,
            "issued_at": micros(now),
            "url_expires_at": ends if found.expires_at is None else min(ends, found.expires_at),
        }
        async with self._sql.write() as connection:
            await connection.execute(insert(asset_grant), row)
        return _grant(row, found.storage_key)

    async def of_watermark(self, watermark: str) -> AssetGrant:
        """Which download a watermark comes from. Raises NotFound."""
        rows = await self._sql.fetch(_GRANT, self._ids(watermark=watermark))
        if not rows:
            raise self._refusal("not_found")
        return _grant(rows[0]._asdict(), "")

    async def _agreement(self, slug: str, now: datetime) -> str | None:
        """The number of an agreement in force whose grant covers today."""
        today = now.astimezone(BEIJING).date().isoformat()
        rows = await self._sql.fetch(_COVERING, self._ids(property=slug, today=today))
        return next((row.agreement for row in rows if in_force(row.status)), None)

    def _ids(self, **params: object) -> dict[str, object]:
        return {"licensee": self._licensee, **params}

    def _refusal(self, code: str) -> UpstreamError:
        return FAULTS.error(code, endpoint="asset_grant", account=self._licensee)


def _asset(row: Row[Any]) -> Asset:
    return Asset(
        row.id,
        row.property,
        row.kind,
        row.mime,
        row.bytes,
        row.sha256,
        row.credit_line,
        tuple(row.renditions),
        None if row.embargo_until is None else instant(row.embargo_until),
        None if row.expires_at is None else instant(row.expires_at),
        row.style_guide,
    )


def _sku(row: Row[Any]) -> LicensedSku:
    return LicensedSku(
        row.gtin,
        row.agreement,
        row.property,
        row.name,
        row.category,
        row.state,
        row.concept_approved,
        row.edition_size,
        row.units_made,
        row.units_sold,
    )


def _grant(row: dict[str, Any], storage_key: str) -> AssetGrant:
    return AssetGrant(
        row["watermark"],
        row["asset"],
        row["rendition"],
        row["agreement"],
        row["gtin"],
        row["user"],
        instant(row["issued_at"]),
        instant(row["url_expires_at"]),
        storage_key,
        row["purpose"],
    )
