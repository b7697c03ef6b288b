"""The two answers written by hand: what Python can do at best from the same objects, without GraphQL.

Nothing is checked, dates are left to orjson, the batch functions are awaited in turn since nothing in memory waits. A
floor, not a way to write a gateway.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import orjson

from benchmarks.execution import documents, schema
from benchmarks.execution.schema import AdClick, Express, File, Fulfilment, Money, Order, PaymentState, Touchpoint


def _money(money: Money) -> dict[str, Any]:
    return {"amount": money.amount, "currency": money.currency}


def _fulfilment(fulfilment: Fulfilment) -> dict[str, Any]:
    if fulfilment.__class__ is Express:
        return {"__typename": "Express", "carrier": fulfilment.carrier, "tracking": fulfilment.tracking}
    return {"__typename": "Pickup", "store": fulfilment.store, "code": fulfilment.code}


def _order(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "source": order.source._name_,
        "state": order.state._name_,
        "createdAt": order.created_at,
        "payable": _money(order.payable),
        "items": [
            {
                "title": item.title,
                "sku": item.sku,
                "quantity": item.quantity,
                "gift": item.gift,
                "paid": _money(item.paid),
            }
            for item in order.items
        ],
        "fulfilment": _fulfilment(order.fulfilment),
    }


def _touchpoint(point: Touchpoint) -> dict[str, Any]:
    if point.__class__ is AdClick:
        return {"__typename": "AdClick", "at": point.at, "ad": point.ad, "campaign": point.campaign}
    return {"__typename": "Scan", "at": point.at, "scene": point.scene._name_, "store": point.store}


def _file(file: File) -> dict[str, Any]:
    return {"key": file.key, "size": file.size, "url": f"https://files.example/{file.key}?expires=600"}


async def member(variables: Mapping[str, Any]) -> bytes:
    """The answer to ``documents.MEMBER``."""
    state, since = variables.get("state"), variables.get("since")
    [one] = await schema.member_batch(None, [variables["id"]])
    if one is None:
        return b'{"data":{"member":null}}'
    key = one.id
    [account] = await schema.official_account_batch(None, [(key, "wx1")])
    [payments] = await schema.payments_batch(None, [(key, 10, None if state is None else PaymentState[state])])
    [orders] = await schema.orders_batch(None, [(key, variables["orders"])])
    instant = None if since is None else datetime.fromisoformat(since)
    [touchpoints] = await schema.touchpoints_batch(None, [(key, 5, instant)])
    [files] = await schema.files_batch(None, [(key, 5)])
    [participations] = await schema.participations_batch(None, [(key, 3)])
    [contacts] = await schema.contacts_batch(None, [(key, 3)])
    shown = {
        "id": one.id,
        "name": one.name,
        "level": one.level._name_,
        "joinedAt": one.joined_at,
        "officialAccount": account
        and {
            "subscribed": account.subscribed,
            "subscribedAt": account.subscribed_at,
            "scene": account.scene._name_,
            "tags": [{"name": tag.name} for tag in account.tags],
        },
        "payments": [
            {"id": p.id, "state": p.state._name_, "amount": _money(p.amount), "paidAt": p.paid_at} for p in payments
        ],
        "orders": [_order(order) for order in orders],
        "touchpoints": [_touchpoint(point) for point in touchpoints],
        "files": [_file(file) for file in files],
        "participations": [
            {
                "activation": p.activation,
                "property": p.property,
                "collected": p.collected,
                "total": p.total,
                "progress": p.progress,
            }
            for p in participations
        ],
        "contacts": [{"guide": c.guide, "remark": c.remark, "tags": c.tags} for c in contacts],
    }
    return orjson.dumps({"data": {"member": shown}})


async def products(variables: Mapping[str, Any]) -> bytes:
    """The answer to ``documents.PRODUCTS``."""
    shown = [
        {
            "id": p.id,
            "title": p.title,
            "category": p.category._name_,
            "price": {"amount": p.price.amount, "currency": p.price.currency},
            "reviews": [
                {"id": r.id, "rating": r.rating, "title": r.title, "author": r.author, "postedAt": r.posted_at}
                for r in p.reviews
            ],
        }
        for p in schema.memory().products[: variables["first"]]
    ]
    return orjson.dumps({"data": {"products": shown}})


#: The function that answers a document.
HANDLERS: dict[str, Callable[[Mapping[str, Any]], Awaitable[bytes]]] = {
    documents.MEMBER: member,
    documents.PRODUCTS: products,
}


async def answer(text: str, variables: Mapping[str, Any]) -> bytes:
    """Response bytes for a document's text and raw variables."""
    return await HANDLERS[text](variables)
