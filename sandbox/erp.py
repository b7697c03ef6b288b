"""The retailer's ERP, as far as the gateway reads it: one JSON export of master data and stock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.world import World


def master_data(world: World) -> dict[str, Any]:
    """Stores, campaigns, goods, and pieces on hand per store and in the central warehouse."""
    skus = [(product, sku) for product in world.products for sku in product.skus]
    return {
        "brand": world.brand,
        "stores": [
            {
                "code": each.code,
                "name": each.name,
                "city": each.city,
                "region": each.province,
                "posCode": each.pos_code,
                "wecomDepartment": each.department,
                "opens": each.opens,
                "closes": each.closes,
                "franchiseMchid": each.franchise_mchid,
            }
            for each in world.stores
        ],
        "campaigns": [
            {
                "id": "double-11",
                "name": "双11",
                "startsAt": (world.now - timedelta(days=11)).isoformat(),
                "endsAt": (world.now + timedelta(days=1)).isoformat(),
                "budget": 50_000_000,
            },
            {
                "id": "fox",
                "name": "云岭小狐",
                "startsAt": (world.now - timedelta(days=21)).isoformat(),
                "endsAt": (world.now + timedelta(days=21)).isoformat(),
                "budget": 8_000_000,
            },
        ],
        "skus": [
            {
                "code": sku.code,
                "spu": product.spu,
                "title": product.title,
                "category": product.category,
                "gtin": sku.gtin,
                "ipProperty": product.ip_property,
            }
            for product, sku in skus
        ],
        "stock": [
            {"sku": sku.code, "location": location, "channel": "MINI_PROGRAM", "onHand": pieces}
            for _, sku in skus
            for location, pieces in [("CENTRAL", sku.stock), *((s.code, 3) for s in world.stores)]
        ],
    }
