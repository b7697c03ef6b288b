"""The catalogue document that the licensing department publishes, made from the world."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.clock import BEIJING
from sandbox.world import IpActivation, IpLicence, World, names


def local(at: datetime) -> str:
    """RFC 3339 in Beijing time, as the service writes instants."""
    return at.astimezone(BEIJING).isoformat()


def build(world: World, licensee: str, version: int) -> dict[str, Any]:
    """The whole document."""
    holders = {p.rights_holder: "party-" + names.digits(world.seed, p.rights_holder, 8) for p in world.ip_properties}
    parties = [{"id": i, "role": "licensor", "legal_name": n} for n, i in holders.items()]
    properties = [
        {
            "slug": p.slug,
            "name": {"zh": p.title, "en": p.title_en},
            "kind": p.kind,
            "rights_holder_id": holders[p.rights_holder],
            "status": "licensable",
            "assets": {"available_from": None, "expires_at": None},
        }
        for p in world.ip_properties
    ]
    holder_of = {p.slug: holders[p.rights_holder] for p in world.ip_properties}
    return {
        "version": version,
        "licensee_id": licensee,
        "published_at": local(world.now),
        "parties": [*parties, {"id": licensee, "role": "licensee", "legal_name": world.brand}],
        "properties": properties,
        "agreements": [_agreement(x, holder_of[x.property], licensee, world) for x in world.ip_licences],
        "reservations": [],
        "activations": [_activation(a) for a in world.ip_activations],
        "draws": [
            draw(p.activation, world.people[p.person].unionid, entry, card, local(p.at))
            for p in world.ip_participations
            for card, entry in p.draws.items()
        ],
    }


def _agreement(licence: IpLicence, licensor: str, licensee: str, world: World) -> dict[str, Any]:
    today = world.now.astimezone(BEIJING).date().isoformat()
    window = {"start": licence.starts, "end": licence.ends}
    grant = {
        "id": f"{licence.number}/1",
        "ip": licence.property,
        "territories": list(licence.territories),
        "excluded_territories": [],
        "categories": list(licence.categories),
        "channels": list(licence.channels),
        "uses": list(licence.uses),
        "window": window,
        "exclusivity": licence.exclusivity,
        "max_units": None,
        "units_used": 0,
        "blackouts": [],
        "approved_stages": [],
    }
    return {
        "number": licence.number,
        "licensor_id": licensor,
        "licensee_id": licensee,
        "status": "active" if today < licence.ends else "expired",
        "term": window,
        "sell_off_days": 0,
        "approval_required_stages": [],
        "grants": [grant],
    }


def _activation(activation: IpActivation) -> dict[str, Any]:
    cards = [{"id": c.id, "name": c.name, "weight": 1, "stock": None} for c in activation.cards]
    return {
        "code": activation.code,
        "ip": activation.property,
        "name": activation.name,
        "stores": list(activation.stores),
        "window": {"start": activation.starts, "end": activation.ends},
        "status": activation.status,
        # The brand's small set never gives a duplicate before it is complete (保底).
        "card_set": {"daily_cap": 3, "guarantee_after": 0, "cards": cards},
    }


def draw(card_set: str, unionid: str, entry_ref: str, card_id: str, at: str) -> dict[str, Any]:
    """One draw of a card."""
    return {"card_set": card_set, "unionid": unionid, "entry_ref": entry_ref, "card_id": card_id, "at": at}
