"""The catalogue document that the licensing department publishes, made from the world."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
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
        **extras(world),
    }


def extras(world: World) -> dict[str, Any]:
    """Artwork, a licensed product, a vote, a quiz and two drops around the first licence and the first activation."""
    if not world.ip_licences or not world.ip_activations:
        return {"rights_in": [], "assets": [], "skus": [], "contests": [], "drops": []}
    licence, activation = world.ip_licences[0], world.ip_activations[0]
    held = {
        "ip": licence.property,
        "territories": ["CN"],
        "excluded_territories": [],
        "categories": [*licence.categories, "toys"],
        "channels": [*licence.channels, "vending"],
        "window": {"start": licence.starts, "end": licence.ends},
        "talent_cleared": False,
    }
    art = {
        "id": f"{licence.property}-logo",
        "ip": licence.property,
        "kind": "logo",
        "mime": "image/png",
        "bytes": 48_211,
        "sha256": hashlib.sha256(licence.property.encode()).hexdigest(),
        "storage_key": f"ip/{licence.property}/logo.png",
        "renditions": ["preview", "comp", "master"],
        "credit_line": f"© {licence.property}",
        "style_guide_version": "1.2.0",
        "embargo_until": None,
        "expires_at": None,
    }
    product = {
        "gtin": "06901234567892",
        "agreement": licence.number,
        "ip": licence.property,
        "name": "联名徽章",
        "category": licence.categories[0],
        "approval_state": "released",
        "concept_approved": True,
        "edition_size": 5000,
        "units_manufactured": 3000,
        "units_sold": 1200,
    }
    opens, closes = (world.now + timedelta(days=days) for days in (-2, 5))
    common = {
        "activation": activation.code,
        "opens_at": local(opens),
        "closes_at": local(closes),
        "per_member": None,
        "per_day": None,
        "correct": None,
    }
    options = [{"id": card.id, "name": card.name} for card in activation.cards[:3]]
    vote = {**common, "code": f"{activation.code}-VOTE", "kind": "vote", "name": "人气投票", "options": options}
    quiz = {**common, "code": f"{activation.code}-QUIZ", "kind": "quiz", "name": "剧情竞猜", "options": options}
    contests = [{**vote, "per_day": 2}, {**quiz, "per_member": 1}]
    sale: dict[str, Any] = {
        "gtin": product["gtin"],
        "activation": activation.code,
        "opens_at": local(opens),
        "closes_at": local(closes),
        "per_member": 1,
        "risk_policy": {"phone": False, "member_days": 0},
    }
    edition = {**sale, "code": f"{activation.code}-DROP", "name": "限定徽章", "queue_mode": "fcfs"}
    raffle = {**sale, "code": f"{activation.code}-RAFFLE", "name": "签名徽章抽签", "queue_mode": "raffle"}
    drops = [{**edition, "stock_total": 500}, {**raffle, "stock_total": 2}]
    return {"rights_in": [held], "assets": [art], "skus": [product], "contests": contests, "drops": drops}


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
        "co_presence": False,
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
    code = f"{activation.code}-PRIZE"
    prize = {"id": code, "kind": "points", "name": "集齐奖励", "amount": 500, "budget": 1000, "claim_days": 30}
    return {
        "code": activation.code,
        "ip": activation.property,
        "name": activation.name,
        "stores": list(activation.stores),
        "window": {"start": activation.starts, "end": activation.ends},
        "status": activation.status,
        # The brand's small set never gives a duplicate before it is complete (保底).
        "card_set": {"daily_cap": 3, "guarantee_after": 0, "cards": cards, "prize": prize},
    }


def draw(card_set: str, unionid: str, entry_ref: str, card_id: str, at: str) -> dict[str, Any]:
    """One draw of a card."""
    return {"card_set": card_set, "unionid": unionid, "entry_ref": entry_ref, "card_id": card_id, "at": at}
