"""What the gateway asks of the licence catalogue: reads and draws in SQL, the import over HTTP."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from adapters.base.errors import NotFound
from adapters.base.runtime import Runtime
from adapters.ip_content import clearance as rules
from adapters.ip_content.activities import Activities
from adapters.ip_content.assets import AssetDesk
from adapters.ip_content.client import IpContentClient
from adapters.ip_content.config import IpContentConfig
from adapters.ip_content.errors import FAULTS
from adapters.ip_content.exclusivity import obstacles
from adapters.ip_content.importing import replace
from adapters.ip_content.ledger import Ledger
from adapters.ip_content.policy import agreement_policy
from adapters.ip_content.records import (
    Activation,
    Asset,
    AssetGrant,
    Clearance,
    ClearanceQuery,
    GrantDraft,
    GrantObstacle,
    ImportResult,
    Licence,
    LicensedSku,
    Participation,
    Property,
)

ANY_ETAG: Final = "*"


class IpContentAdapter(Activities):
    """One licensee's rights. Database errors pass through; everything else is an UpstreamError.

    Reads see the last imported catalogue; ``import_catalogue`` is what fills it.
    """

    def __init__(self, config: IpContentConfig, runtime: Runtime, rng: random.Random | None = None) -> None:
        super().__init__(config.external_id, runtime, rng)
        self._client = IpContentClient(config, runtime)
        self._ledger = Ledger(runtime.sql, self._licensee)
        self._assets = AssetDesk(runtime.sql, self._licensee)

    @property
    def account(self) -> str:
        """The licensee's party id."""
        return self._licensee

    async def ping(self) -> None:
        """Asks whether any catalogue is there, which transfers none (RFC 9110, If-None-Match: *)."""
        await self._client.catalogue(ANY_ETAG)

    async def import_catalogue(self) -> ImportResult:
        """Bring the tables up to the published catalogue: one or two calls, one transaction.

        Repeating it changes nothing. Raises Unauthorized (``other_licensee``) for somebody else's catalogue.
        """
        stored = await self._ledger.published()
        version, etag = stored or (0, "")
        published = await self._client.catalogue(etag)
        if published is None:
            return ImportResult(version, 0, 0, 0, 0, changed=False)
        document = published.catalogue
        if document.licensee_id != self._licensee:
            raise FAULTS.error("other_licensee", endpoint="catalogue", account=self._licensee)
        now = self._runtime.clock.now()
        done = await replace(self._runtime.sql, document, published.etag, now, self._runtime.pseudonym)
        if done is not None:
            return done
        newer = await self._ledger.published()
        return ImportResult(newer[0] if newer else version, 0, 0, 0, 0, changed=False)

    async def properties(self, slugs: Sequence[str]) -> Sequence[Property | NotFound]:
        """Same order, same length; one statement."""
        found = await self._ledger.properties(slugs)
        return [found.get(slug) or self._missing("properties", "property", slug) for slug in slugs]

    async def all_properties(self) -> Sequence[Property]:
        """By slug."""
        return list((await self._ledger.properties(None)).values())

    async def licences(self) -> Sequence[Licence]:
        """Every grant of every agreement, past and future ones too, by number; one statement."""
        return await self._ledger.licences()

    async def clearance(self, query: ClearanceQuery) -> Sequence[Clearance]:
        """Adjoining ranges that make up the asked days, each with one answer; three statements.

        Raises Invalid (``bad_scope``) and NotFound for an unknown property.
        """
        rules.check(query, self._licensee)
        rights = await self._ledger.rights(query.property)
        if rights is None:
            raise self._missing("clearance", "property", query.property)
        return rules.evaluate(query, rights)

    async def sku_clearance(
        self, gtin: str, territory: str, channel: str, use: str, starts: date, ends: date
    ) -> Sequence[Clearance]:
        """The same, of a licensed product: its work and category, its approval and its edition; four statements.

        Raises Invalid (``bad_scope``) and NotFound for an unknown product.
        """
        [sku] = await self.skus([gtin])
        if isinstance(sku, NotFound):
            raise sku
        found = await self.clearance(ClearanceQuery(sku.property, territory, sku.category, channel, use, starts, ends))
        return rules.of_product(found, sku, use)

    async def activations(self, codes: Sequence[str]) -> Sequence[Activation | NotFound]:
        """Same order, same length; one statement."""
        found = await self._ledger.activations(codes)
        return [found.get(code) or self._missing("activations", "activation", code) for code in codes]

    async def all_activations(self) -> Sequence[Activation]:
        """By their first day, closed ones too."""
        return list((await self._ledger.activations(None)).values())

    async def activations_at(self, store_codes: Sequence[str]) -> Sequence[Sequence[Activation]]:
        """Per store, by their first day, closed ones too; one statement. Empty for a store without any."""
        found = await self._ledger.activations_at(store_codes)
        return [found.get(code, ()) for code in store_codes]

    async def participations(self, unionids: Sequence[str]) -> Sequence[Sequence[Participation]]:
        """Per member, latest first, empty for none; two statements for any number of members."""
        participants = [self._runtime.pseudonym(unionid) for unionid in unionids]
        found = await self._ledger.participations(participants)
        return [found.get(participant, ()) for participant in participants]

    async def assets(self, property_: str) -> Sequence[Asset]:
        """Artwork of a work, by id; one statement."""
        return await self._assets.assets(property_)

    async def some_assets(self, ids: Sequence[str]) -> Sequence[Asset | NotFound]:
        """Same order, same length; one statement."""
        found = await self._assets.some(ids)
        return [found.get(each) or self._missing("assets", "asset", each) for each in ids]

    async def assets_of(self, properties: Sequence[str]) -> Sequence[Sequence[Asset]]:
        """Per work, by id; one statement."""
        found = await self._assets.of_properties(properties)
        return [found.get(slug, ()) for slug in properties]

    async def asset_key(self, asset_id: str) -> str:
        """The object in cloud storage that an artwork is. Raises NotFound. It goes into no answer and no log."""
        return await self._assets.key(asset_id)

    async def asset_downloads(self, asset_id: str) -> Sequence[AssetGrant]:
        """Who downloaded an artwork, the latest first; one statement."""
        return await self._assets.downloads(asset_id)

    async def asset_grant(
        self, asset_id: str, rendition: str, *, user: str, purpose: str, gtin: str = "", key: str = ""
    ) -> AssetGrant:
        """Allow one download of artwork for 15 minutes, and note it. ``user`` is who downloads; a master is for
        the product ``gtin``. Each call is a download of its own, but for the same ``key``, which is the same download.

        Raises NotFound, Unauthorized (``not_licensed``), Rejected (``embargoed``, ``concept_not_approved``).
        """
        # From the key, and to be guessed by nobody: a watermark must lead to one download only.
        watermark = f"wm_{self._runtime.pseudonym(f'asset-grant:{key}')[:24]}" if key else ""
        now = self._runtime.clock.now()
        return await self._assets.issue(asset_id, rendition, user, purpose, now, gtin, watermark)

    async def asset_grant_of(self, watermark: str) -> AssetGrant:
        """The download that a watermark was made for. Raises NotFound."""
        return await self._assets.of_watermark(watermark)

    async def skus(self, gtins: Sequence[str]) -> Sequence[LicensedSku | NotFound]:
        """Same order, same length; one statement."""
        found = await self._assets.skus(gtins)
        return [found.get(gtin) or self._missing("skus", "SKU", gtin) for gtin in gtins]

    async def all_skus(self) -> Sequence[LicensedSku]:
        """By GTIN."""
        return list((await self._assets.skus(None)).values())

    async def grant_obstacles(self, draft: GrantDraft) -> Sequence[GrantObstacle]:
        """What stands in the way of a grant, before anybody asks a licensor for it; empty for nothing known.

        Others' plain grants are not in the catalogue, so an exclusive one may still meet them. Raises Invalid
        (``bad_scope``) and NotFound for an unknown property.
        """
        if draft.ends <= draft.starts or not (draft.territories and draft.categories and draft.channels):
            raise FAULTS.error("bad_scope", endpoint="grant_obstacles", account=self._licensee)
        rights = await self._ledger.rights(draft.property)
        if rights is None:
            raise self._missing("grant_obstacles", "property", draft.property)
        scope = rules.Scope(
            frozenset(draft.territories),
            frozenset(draft.excluded_territories),
            frozenset(draft.categories),
            frozenset(draft.channels),
        )
        days = rules.Days(draft.starts, draft.ends)
        held = await self._ledger.held(draft.property)
        found = obstacles(scope, days, rights.reserved, held, talent=draft.talent)
        status = () if rights.status == "licensable" else (GrantObstacle("property_status", None),)
        return (*status, *found)

    async def all_odrl(self, licence_numbers: Sequence[str]) -> Sequence[dict[str, Any] | NotFound]:
        """Same order, same length, as ``odrl`` has each; one statement."""
        rows = await self._ledger.agreements_rows(licence_numbers)
        return [
            agreement_policy(number, self._licensee, rows[number])
            if number in rows
            else self._missing("odrl", "licence", number)
            for number in licence_numbers
        ]

    async def odrl(self, licence_number: str) -> dict[str, Any]:
        """An agreement as an ODRL 2.2 ``Agreement`` (JSON-LD). Raises NotFound."""
        rows = await self._ledger.agreement_rows(licence_number)
        if not rows:
            raise self._missing("odrl", "licence", licence_number)
        return agreement_policy(licence_number, self._licensee, rows)
