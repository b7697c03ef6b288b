"""The data of the execution benchmark, made from nothing but arithmetic: the same for Python and, as JSON, for Node."""

from __future__ import annotations

from typing import Any

EPOCH_DAY = 20_000
CATEGORIES = ("OUTDOOR", "CITY", "KIDS")
MEMBER = "member-1"
VARIABLES = {
    "member": {"id": MEMBER, "orders": 20, "state": "SUCCESS", "since": "2024-01-01T00:00:00+00:00"},
    "products": {"first": 100},
}


def _instant(step: int) -> str:
    day, second = divmod(step * 4_973, 86_400)
    hour, minute = divmod(second // 60, 60)
    return f"2026-{day % 12 + 1:02}-{day % 28 + 1:02}T{hour:02}:{minute:02}:{second % 60:02}+00:00"


def _money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "CNY"}


def _order(n: int) -> dict[str, Any]:
    items = [
        {
            "title": f"山岚轻羽绒服 {n}-{i}",
            "sku": f"SKU-{n:03}-{i}",
            "quantity": i + 1,
            "paid": _money(10_000 + 100 * n + i),
            "gift": i == 2,
        }
        for i in range(3)
    ]
    fulfilment = (
        {"__typename": "Express", "carrier": "SF", "tracking": f"SF{n:012}"}
        if n % 3
        else {"__typename": "Pickup", "store": "上海安福路店", "code": f"{n:06}"}
    )
    return {
        "id": f"order-{n}",
        "source": ("MINI_PROGRAM", "STORE", "POS")[n % 3],
        "state": ("PAID", "SHIPPED", "COMPLETED")[n % 3],
        "createdAt": _instant(n),
        "payable": _money(30_000 + n),
        "items": items,
        "fulfilment": fulfilment,
    }


def _touchpoint(n: int) -> dict[str, Any]:
    if n % 2:
        return {"__typename": "Scan", "at": _instant(n), "scene": "STORE", "store": f"store-{n}"}
    return {
        "__typename": "AdClick",
        "at": _instant(n),
        "ad": f"双11 朋友圈 {n}",
        "campaign": None if n == 4 else "双11",
    }


def _member() -> dict[str, Any]:
    return {
        "id": MEMBER,
        "name": "林晓雯",
        "level": "GOLD",
        "joinedAt": _instant(1),
        "officialAccount": {
            "subscribed": True,
            "subscribedAt": _instant(2),
            "scene": "QR_CODE",
            "tags": [{"name": name} for name in ("金卡", "雾灰控", "徒步")],
        },
        "payments": [
            {"id": f"pay-{n}", "state": "SUCCESS", "amount": _money(81_900 + n), "paidAt": _instant(n)}
            for n in range(10)
        ],
        "orders": [_order(n) for n in range(20)],
        "touchpoints": [_touchpoint(n) for n in range(5)],
        "files": [{"key": f"members/1/{n}.pdf", "size": 2**31 + n} for n in range(5)],
        "participations": [
            {"activation": f"云岭小狐 {n}", "property": "云岭小狐", "collected": n, "total": 6, "progress": n / 8}
            for n in range(3)
        ],
        "contacts": [
            {"guide": f"guide-{n}", "remark": None if n else "M码 喜欢雾灰", "tags": ["金卡", "徒步"]} for n in range(3)
        ],
    }


def _product(n: int) -> dict[str, Any]:
    return {
        "id": f"product-{n}",
        "title": f"徊山速干裤 {n}",
        "category": CATEGORIES[n % 3],
        "price": _money(35_900 + n),
        "reviews": [
            {
                "id": f"review-{n}-{i}",
                "rating": i + 1,
                "title": f"合身 {i}",
                "author": None if i == 3 else f"顾客 {n}",
                "postedAt": _instant(n * 5 + i),
            }
            for i in range(5)
        ],
    }


def data() -> dict[str, Any]:
    """Everything, as JSON values; instants are texts in RFC 3339."""
    return {"member": _member(), "products": [_product(n) for n in range(100)]}
