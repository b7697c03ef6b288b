"""What the projections must hold after a first sync, worked out from the sandbox's world alone.

Shoppers appear as ``issuer:value`` of the identity that a row refers to, since our own ids are random.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from adapters.social_ads.sandbox.reports import daily_row
from gateway.database import Database
from gateway.database.tables import projections as p
from gateway.database.tables.members import identity
from sandbox.clock import BEIJING
from sandbox.world import Person, World

Rows = set[tuple[Any, ...]]


async def stored(database: Database) -> dict[str, Rows]:
    """The projections as they are, in the same shape as ``expected``."""
    people = {
        row.id: f"{row.issuer}:{row.value}"
        for row in await database.fetch(select(identity.c.id, identity.c.issuer, identity.c.value))
    }

    async def rows(table: Any, *names: str) -> Rows:
        found = await database.fetch(select(*(table.c[name] for name in names)))
        read = [tuple(_plain(people, name, value) for name, value in zip(names, row, strict=True)) for row in found]
        assert len(set(read)) == len(read)
        return set(read)

    return {
        "follower": await rows(
            p.follower, "appid", "identity", "subscribed", "subscribed_at", "scene", "qr_scene", "remark", "tag_ids"
        ),
        "follower_tag": await rows(p.follower_tag, "appid", "id", "name", "followers"),
        "product": await rows(p.product, "appid", "product_id", "spu", "title", "image", "category", "on_sale"),
        "offer": await rows(p.offer, "appid", "sku_id", "product_id", "sku", "attributes", "price", "platform_stock"),
        "membership_card": await rows(p.membership_card, "appid", "identity", "grade", "growth", "points"),
        "purchase": await rows(
            p.purchase,
            *("id", "source", "account", "native_id", "state", "identity", "list_total", "discount", "freight"),
            *("payable", "payer_paid", "created_at", "updated_at", "paid_at", "shipped_at", "receiver"),
            *("transaction_id", "tracking", "fulfilment_state"),
        ),
        "purchase_line": await rows(
            p.purchase_line, "purchase", "line", "sku", "title", "quantity", "list_amount", "discount", "paid"
        ),
        "after_sale": await rows(
            p.after_sale,
            *("appid", "after_sale_id", "purchase", "kind", "state", "quantity", "refund", "created_at", "updated_at"),
        ),
        "contact": await rows(
            p.contact,
            *(
                "corpid",
                "userid",
                "identity",
                "name",
                "remark",
                "add_way",
                "state",
                "added_at",
                "removed_by",
                "tag_ids",
            ),
        ),
        "contact_tag": await rows(p.contact_tag, "corpid", "id", "name", "group_name"),
        "customer_group": await rows(
            p.customer_group, "corpid", "chat_id", "name", "owner", "created_at", "member_count"
        ),
        "customer_group_member": await rows(p.customer_group_member, "corpid", "chat_id", "identity", "joined_at"),
        "payment": await rows(
            p.payment,
            *("mchid", "out_trade_no", "transaction_id", "appid", "identity", "state", "trade_type", "total"),
            *("payer_total", "refunded", "paid_at", "description", "purchase"),
        ),
        "refund": await rows(p.refund, "mchid", "out_refund_no", "out_trade_no", "refund_id", "state", "amount"),
        "coupon": await rows(
            p.coupon,
            *("mchid", "stock_id", "code", "identity", "name", "state", "discount", "minimum"),
            *("received_at", "starts_at", "expires_at"),
        ),
        "ad": await rows(p.ad, "account_id", "adgroup_id", "name", "status", "campaign"),
        "ad_report": await rows(
            p.ad_report, "account_id", "adgroup_id", "day", "impressions", "clicks", "cost", "conversions"
        ),
        "lead": await rows(p.lead, "account_id", "lead_id", "adgroup_id", "click_id", "name", "phone", "created_at"),
        "stored_file": await rows(p.stored_file, "bucket", "key", "identity", "size", "modified_at"),
        "ad_click": await rows(p.ad_click, "account_id", "click_id"),
    }


def _plain(people: Mapping[str, str], name: str, value: Any) -> Any:
    if name == "identity" and value is not None:
        return people[value]
    if isinstance(value, list):
        return tuple(tuple(each) if isinstance(each, list) else each for each in value)
    return value


def expected(world: World) -> dict[str, Rows]:
    """Every stream of every account."""
    return {**_followers(world), **_store(world), **_chat(world), **_payments(world), **_ads(world), **_files(world)}


def _at(instant: datetime | None) -> datetime | None:
    """Platforms tell whole seconds."""
    return None if instant is None else instant.astimezone(UTC).replace(microsecond=0)


def _followers(world: World) -> dict[str, Rows]:
    present = [each for each in world.followers if each.subscribed]
    return {
        "follower": {
            (f.appid, f"{f.appid}:{f.openid}", True, _at(f.subscribed_at), f.scene, f.qr_scene_str, f.remark, f.tags)
            for f in present
        },
        "follower_tag": {
            (t.appid, t.id, t.name, sum(t.id in f.tags for f in present if f.appid == t.appid)) for t in world.oa_tags
        },
    }


def _store(world: World) -> dict[str, Rows]:
    appid = world.wechat_store.appid

    def who(key: str) -> str:
        return f"{appid}:{world.people[key].openids[appid]}"

    titles = {sku.code: product.title for product in world.products for sku in product.skus}
    states = {10: "UNPAID", 20: "AWAITING_SHIPMENT", 30: "SHIPPED", 100: "COMPLETED", 250: "CANCELLED"}
    fulfilment = {10: "PENDING", 20: "PENDING", 30: "SHIPPED", 100: "RECEIVED", 250: "CANCELLED"}
    cases = {"MERCHANT_PROCESSING": "AWAITING_MERCHANT"}
    return {
        "product": {
            (appid, each.store_product_id, each.spu, each.title, each.image, each.category, True)
            for each in world.products
        },
        "offer": {
            (
                appid,
                sku.store_sku_id,
                each.store_product_id,
                sku.code,
                tuple(sku.attributes.items()),
                sku.price,
                sku.stock,
            )
            for each in world.products
            for sku in each.skus
        },
        "membership_card": {
            (appid, who(card.person), card.grade, card.experience, card.score) for card in world.vip_cards
        },
        "purchase": {
            (
                *(f"STORE:{appid}:{o.order_id}", "STORE", appid, o.order_id, states[o.status]),
                # 微信小店 shows a gift under its receiver.
                *(who(o.receiver), sum(line.list_amount for line in o.lines), o.discount, o.freight, o.payable),
                *(o.payable if o.paid_at else None, _at(o.created_at), _at(o.updated_at), _at(o.paid_at)),
                *(_at(o.shipped_at), world.people[o.receiver].name[:1] + "**"),
                *(o.transaction_id or None, o.waybill or None),
                fulfilment[o.status],
            )
            for o in world.store_orders
        },
        "purchase_line": {
            (
                *(f"STORE:{appid}:{o.order_id}", number, line.sku, titles[line.sku], line.quantity),
                *(line.list_amount, line.list_amount - line.paid_amount, line.paid_amount),
            )
            for o in world.store_orders
            for number, line in enumerate(o.lines, 1)
        },
        "after_sale": {
            (
                *(appid, a.after_sale_id, f"STORE:{appid}:{a.order_id}", a.type, cases.get(a.status, "SUCCEEDED")),
                *(a.quantity, a.refund, _at(a.created_at), _at(a.updated_at)),
            )
            for a in world.after_sales
        },
    }


def _chat(world: World) -> dict[str, Rows]:
    corpid = world.corp.corpid
    present = {guide.userid for guide in world.guides if guide.left_at is None}

    def who(key: str) -> str:
        return f"{corpid}:{world.people[key].external_userid}"

    return {
        "contact": {
            (
                *(corpid, c.userid, who(c.person), world.people[c.person].name, c.remark, c.add_way, c.state),
                # A guide whom the customer deleted goes on being listed, and only an event would have told us.
                *(_at(c.added_at), None, c.tags),
            )
            for c in world.contacts
            if c.userid in present and c.deleted_by != "GUIDE"
        },
        "contact_tag": {
            (corpid, tag, name, group) for group, tags in world.corp.tag_groups.items() for tag, name in tags.items()
        },
        "customer_group": {
            (corpid, g.chat_id, g.name, g.owner, _at(g.created_at), len(g.members) + 1) for g in world.groups
        },
        "customer_group_member": {
            (corpid, g.chat_id, who(key), _at(g.created_at)) for g in world.groups for key in g.members
        },
    }


def _payments(world: World) -> dict[str, Rows]:
    refunded = {(r.mchid, r.out_trade_no): r.amount for r in world.refunds}
    stocks = {each.stock_id: each for each in world.coupon_stocks}
    #: A coupon can be asked for only by an openid, and a merchant's bills are what shows openids.
    seen = {(each.appid, each.person) for each in world.payments}
    states = {"SENDED": "USABLE", "EXPIRED": "EXPIRED"}
    return {
        "payment": {
            (
                *(e.mchid, e.out_trade_no, e.transaction_id, e.appid, f"{e.appid}:{e.payer_openid}", "SUCCESS"),
                *(e.trade_type, e.total, e.payer_total, refunded.get((e.mchid, e.out_trade_no), 0)),
                *(_at(e.paid_at), e.description, None),
            )
            for e in world.payments
        },
        "refund": {(r.mchid, r.out_refund_no, r.out_trade_no, r.refund_id, r.status, r.amount) for r in world.refunds},
        "coupon": {
            (
                *(stocks[c.stock_id].mchid, c.stock_id, c.code, f"{c.appid}:{world.people[c.person].openids[c.appid]}"),
                *(stocks[c.stock_id].name, states[c.state], stocks[c.stock_id].discount, stocks[c.stock_id].minimum),
                *(_at(c.received_at), _at(c.begins_at), _at(c.expires_at)),
            )
            for c in world.coupons
            if (c.appid, c.person) in seen
        },
    }


def _ads(world: World) -> dict[str, Rows]:
    account = str(world.ad_account)
    today = world.now.astimezone(BEIJING).date()
    # Today's figures still grow; a day is read when it is over.
    days = [today - timedelta(days=n) for n in range(1, 31)]
    names = {"双11": "double-11", "云岭小狐": "fox"}
    figures = [
        (row, day)
        for ad in world.ad_groups
        for day in days
        if (row := daily_row(ad, day, world.now, world.seed)) is not None
    ]
    return {
        "ad": {(account, str(ad.adgroup_id), ad.name, ad.status, names[ad.campaign]) for ad in world.ad_groups},
        "ad_report": {
            (
                *(account, str(row["adgroup_id"]), day, row["view_count"], row["valid_click_count"]),
                *(row["cost"], row["conversions_count"]),
            )
            for row, day in figures
        },
        "lead": {
            (
                *(account, str(lead.leads_id), str(lead.adgroup_id), lead.click_id),
                *(world.people[lead.person].name, world.people[lead.person].phone, _at(lead.created_at)),
            )
            for lead in world.leads
        },
        "ad_click": set(),
    }


def _files(world: World) -> dict[str, Rows]:
    bucket = world.buckets[0].name
    return {
        "stored_file": {
            (bucket, o.key, f"{world.open_platform}:{_unionid(o.key)}", len(o.body), _at(o.modified_at))
            for o in world.objects
            if o.bucket == bucket
        }
    }


def _unionid(key: str) -> str:
    return key.split("/")[1]


def people_known(world: World) -> Mapping[str, Person]:
    """Shoppers whom at least one stream shows, besides the merchants' bills."""
    found = {each.person for each in world.vip_cards} | {each.receiver for each in world.store_orders}
    present = {guide.userid for guide in world.guides if guide.left_at is None}
    found |= {each.person for each in world.contacts if each.userid in present}
    found |= {key for group in world.groups for key in group.members}
    found |= {each.person for each in world.objects if each.person}
    openids = {each.openid for each in world.followers if each.subscribed}
    found |= {key for key, person in world.people.items() if openids & set(person.openids.values())}
    return {key: world.people[key] for key in found}
