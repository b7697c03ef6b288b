"""The flagship query: one member over seven tools, every field against the sandbox's own world."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.demo.documents import WHOLE_MEMBER
from gateway.resolvers import ids
from sandbox.http1 import request
from sandbox.world import Person, Sku, StoreOrder
from tests.gateway.evening import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

_STATES = {20: "AWAITING_SHIPMENT", 30: "SHIPPED", 100: "COMPLETED"}
_FULFILMENT = {20: "PENDING", 30: "SHIPPED", 100: "RECEIVED"}


def iso(at: datetime) -> str:
    """As the graph writes an instant that a platform told in whole seconds."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat()


async def whole(served: Served, story: str, caller: str = "hq") -> dict[str, Any]:
    """The flagship query about somebody who has logged in to the flagship mini-program, or paid in it."""
    app = served.world.mini_programs[0].appid
    data = await served.client(caller).data(WHOLE_MEMBER, app=app, openid=served.person(story).openids[app])
    member: dict[str, Any] = data["member"]
    return member


async def by(served: Served, selection: str, caller: str = "hq", **way: Any) -> dict[str, Any] | None:
    """One member by any name."""
    document = f"query ($by: MemberByInput!) {{ member(by: $by) {{ {selection} }} }}"
    member: dict[str, Any] | None = (await served.client(caller).data(document, by=way))["member"]
    return member


def money(fen: int) -> dict[str, int]:
    return {"amount": fen}


def order_node(served: Served, order: StoreOrder) -> dict[str, Any]:
    """What the graph must say of a store order."""
    world = served.world
    titles = {sku.code: product.title for product in world.products for sku in product.skus}
    return {
        "id": ids.encode("or", f"STORE:{world.wechat_store.appid}:{order.order_id}"),
        "source": "STORE",
        "form": "FLAGSHIP",
        "state": _STATES[order.status],
        "payable": money(order.payable),
        "items": [
            {
                "title": titles[line.sku],
                "sku": {"code": line.sku},
                "quantity": line.quantity,
                "paid": money(line.paid_amount),
            }
            for line in order.lines
        ],
        "fulfilment": {"method": "EXPRESS", "state": _FULFILMENT[order.status]},
        "afterSales": [
            {"kind": each.type, "state": "SUCCEEDED"}
            for each in world.after_sales
            if each.order_id == order.order_id and each.status == "MERCHANT_EXCHANGE_SUCCESS"
        ],
    }


def bought_by(served: Served, person: Person) -> list[StoreOrder]:
    """Orders whose buyer in the platform's eyes is this person, newest first."""
    mine = [each for each in served.world.store_orders if (each.receiver or each.person) == person.key]
    return sorted(mine, key=lambda each: each.created_at, reverse=True)


async def test_the_plain_fields_of_the_protagonist(served: Served) -> None:
    world, who = served.world, served.person("protagonist")
    member = await whole(served, "protagonist")
    card = next(each for each in world.vip_cards if each.person == who.key)
    first = min(
        *(each.subscribed_at for each in world.followers if each.openid in who.openids.values()),
        *(each.added_at for each in world.contacts if each.person == who.key),
        *(each.created_at for each in world.store_orders if each.person == who.key),
    )
    plain = ("name", "level", "points", "joinedAt", "phone")
    assert {name: member[name] for name in plain} == {
        "name": who.name,
        "level": {"name": card.grade_name, "growth": card.experience, "nextAt": 20000},
        "points": {"balance": card.score},
        "joinedAt": iso(first),
        "phone": who.phone,
    }


async def test_every_name_of_the_protagonist(served: Served) -> None:
    world, who = served.world, served.person("protagonist")
    member = await whole(served, "protagonist")
    # The scan-to-buy mini-program has an openid for her as well, which no platform has shown us.
    shown = [world.official_accounts[0].appid, world.mini_programs[0].appid, world.wechat_store.appid]
    expected = {
        ("UNIONID", world.open_platform, who.unionid),
        ("EXTERNAL_USERID", world.corp.corpid, who.external_userid),
        ("PHONE", "brand", who.phone),
        *(("OPENID", appid, who.openids[appid]) for appid in shown),
    }
    found = [(each["kind"], each["issuer"], each["value"]) for each in member["identities"]]
    assert len(found) == 6
    assert set(found) == expected
    for each in member["identities"]:
        assert world.now <= datetime.fromisoformat(each["linkedAt"]) <= served.sandbox.kit.clock.now()


async def test_where_the_protagonist_can_be_reached(served: Served) -> None:
    follower = next(f for f in served.world.followers if f.openid in served.person("protagonist").openids.values())
    tags = {(tag.appid, tag.id): tag.name for tag in served.world.oa_tags}
    member = await whole(served, "protagonist")
    # Nobody asked her yet whether she wants marketing; what her orders need may be sent.
    assert {(each["reachable"], each["reason"]) for each in member["reach"]} == {(False, "NO_CONSENT")}
    selection = "reach(purpose: SERVICE) { channel reachable reason account }"
    serving = await by(served, selection, unionid=served.person("protagonist").unionid)
    assert serving is not None
    app = served.world.official_accounts[0].appid
    assert serving["reach"] == [
        {"channel": "OFFICIAL_ACCOUNT", "reachable": True, "reason": None, "account": app},
        {"channel": "MASS_MESSAGE", "reachable": True, "reason": None, "account": app},
        {"channel": "CUSTOMER_SERVICE", "reachable": False, "reason": "WINDOW_CLOSED", "account": app},
        {"channel": "SUBSCRIBE_MESSAGE", "reachable": False, "reason": "NO_GRANT", "account": None},
        {"channel": "ENTERPRISE_CHAT", "reachable": True, "reason": None, "account": served.world.corp.corpid},
        {"channel": "SMS", "reachable": True, "reason": None, "account": None},
    ]
    assert member["officialAccount"] == {
        "subscribed": True,
        "subscribedAt": iso(follower.subscribed_at),
        "scene": follower.scene,
        "tags": [{"name": tags[(follower.appid, tag)]} for tag in follower.tags],
    }


async def test_what_the_protagonist_paid_and_holds(served: Served) -> None:
    world, who = served.world, served.person("protagonist")
    member = await whole(served, "protagonist")
    assert member["payments"] == {
        "nodes": [
            {
                "id": ids.encode("py", each.out_trade_no, each.mchid),
                "state": each.state,
                "amount": {"amount": each.total, "currency": "CNY"},
                "paidAt": iso(each.paid_at),
            }
            for each in world.payments
            if each.person == who.key and each.paid_at
        ]
    }
    stocks = {each.stock_id: each for each in world.coupon_stocks}
    usable = [each for each in world.coupons if each.person == who.key and each.state == "SENDED"]
    assert len(usable) == 2
    assert member["coupons"] == {
        "nodes": [
            {
                "id": ids.encode("cp", f"{each.stock_id}:{each.code}", stocks[each.stock_id].mchid),
                "name": stocks[each.stock_id].name,
                "discount": money(stocks[each.stock_id].discount),
                "minimum": money(stocks[each.stock_id].minimum),
                "expiresAt": iso(each.expires_at),
            }
            for each in sorted(usable, key=lambda each: each.expires_at)
        ]
    }


async def test_what_the_protagonist_ordered(served: Served) -> None:
    mine = bought_by(served, served.person("protagonist"))
    assert [order.lines[0].sku for order in mine] == ["HS-PANTS-1M", "YL-SHELL-2M"]
    member = await whole(served, "protagonist")
    assert member["orders"] == {"nodes": [order_node(served, each) for each in mine]}
    assert [each["kind"] for each in member["orders"]["nodes"][0]["afterSales"]] == ["EXCHANGE"]


async def test_the_ad_that_brought_the_protagonist(served: Served) -> None:
    ad = served.world.ad_groups[0]
    [touch] = (await whole(served, "protagonist"))["adTouchpoints"]["nodes"]
    at = datetime.fromisoformat(touch.pop("clickedAt"))
    assert touch == {"ad": {"name": ad.name}, "campaign": {"name": ad.campaign}}
    assert served.world.now.replace(microsecond=0) <= at <= served.sandbox.kit.clock.now()


async def test_the_protagonists_files_can_be_downloaded(served: Served) -> None:
    who = served.person("protagonist")
    mine = [each for each in served.world.objects if each.person == who.key]
    mine.sort(key=lambda each: each.modified_at, reverse=True)
    nodes = (await whole(served, "protagonist"))["files"]["nodes"]
    assert [(each["key"], each["size"]) for each in nodes] == [
        (each.key.removeprefix(f"members/{who.unionid}/"), len(each.body)) for each in mine
    ]
    for node, stored in zip(nodes, mine, strict=True):
        answer = await request("GET", node["url"])
        assert (answer.status, answer.body) == (200, stored.body)


async def test_the_protagonists_badges_and_chats(served: Served) -> None:
    world, who = served.world, served.person("protagonist")
    member = await whole(served, "protagonist")
    [taken] = [each for each in world.ip_participations if each.person == who.key]
    activation = next(each for each in world.ip_activations if each.code == taken.activation)
    title = next(each.title for each in world.ip_properties if each.slug == activation.property)
    assert member["ipParticipations"] == {
        "nodes": [
            {
                "activation": {"name": activation.name, "property": {"title": title}},
                "collected": len(taken.draws),
                "total": len(activation.cards),
            }
        ]
    }
    [contact] = [each for each in world.contacts if each.person == who.key]
    guide = next(each for each in world.guides if each.userid == contact.userid)
    store = next(each for each in world.stores if each.code == guide.store)
    tags = {tag: name for group in world.corp.tag_groups.values() for tag, name in group.items()}
    [shown] = member["chat"]["contacts"]["nodes"]
    assert {each["name"] for each in shown.pop("tags")} == {tags[tag] for tag in contact.tags}
    assert shown == {"guide": {"name": guide.name, "store": {"name": store.name}}, "remark": contact.remark}
    [group] = [each for each in world.groups if who.key in each.members]
    # The guide who owns the group is in it as well.
    assert member["chat"]["groups"] == {"nodes": [{"name": group.name, "memberCount": len(group.members) + 1}]}


async def test_the_protagonists_timeline(served: Served) -> None:
    """Everything that happened, newest first; the evening's own two entries have no instant in the world."""
    world, who = served.world, served.person("protagonist")
    stocks = {each.stock_id: each.name for each in world.coupon_stocks}
    openids = set(who.openids.values())
    told = [
        (f.subscribed_at, "official_account", f"关注公众号（场景 {f.qr_scene_str}）")
        for f in world.followers
        if f.openid in openids
    ]
    told += [(c.added_at, "enterprise_chat", "添加导购为好友") for c in world.contacts if c.person == who.key]
    told += [(g.created_at, "enterprise_chat", f"加入客户群「{g.name}」") for g in world.groups if who.key in g.members]
    told += [
        (c.received_at, "payments", f"领取优惠券「{stocks[c.stock_id]}」") for c in world.coupons if c.person == who.key
    ]
    told += [(o.modified_at, "cloud_storage", "存入文件") for o in world.objects if o.person == who.key]
    for paid in (each for each in world.payments if each.person == who.key):
        assert paid.paid_at is not None
        told.append((paid.paid_at, "payments", f"微信支付 ¥{paid.total / 100:.2f}"))
    for order in bought_by(served, who):
        assert order.paid_at is not None
        assert order.shipped_at is not None
        amount = f"¥{order.payable / 100:.2f}"
        told.append((order.created_at, "mini_program_store", f"下单 {amount}"))
        told.append((order.paid_at, "mini_program_store", f"支付订单 {amount}"))
        told.append((order.shipped_at, "mini_program_store", "订单发货"))
        told.append((order.updated_at, "mini_program_store", "订单完成"))
    told += [(a.updated_at, "mini_program_store", "售后完成") for a in world.after_sales if a.person == who.key]
    expected = [
        {"at": iso(at), "tool": tool, "summary": text}
        for at, tool, text in sorted(told, key=lambda t: t[0], reverse=True)
    ]
    nodes = (await whole(served, "protagonist"))["timeline"]["nodes"]
    assert [(each["tool"], each["summary"]) for each in nodes[:2]] == [
        ("mini_program_store", "登录小程序"),
        ("social_ads", "点击广告"),
    ]
    assert len(expected) == 18
    # Her card was read by the first sync: the ledger opens with what it showed then.
    own = [each["summary"] for each in nodes[2:] if each["tool"] is None]
    assert sorted(own) == ["会员等级变更", "积分变动 3260"]
    # A page of twenty: the oldest two are on the next one.
    assert [each for each in nodes[2:] if each["tool"] is not None] == expected[:16]


@pytest.mark.parametrize("caller", ["masked", "guide"])
async def test_personal_values_are_masked_without_the_scope(served: Served, caller: str) -> None:
    world, who = served.world, served.person("protagonist")
    member = await whole(served, "protagonist", caller)
    assert member["name"] == who.name[0] + "**"
    assert member["phone"] == f"{who.phone[:3]}****{who.phone[-4:]}"
    values = {each["kind"]: each["value"] for each in member["identities"] if each["kind"] != "OPENID"}
    assert values == {
        "UNIONID": f"{who.unionid[:4]}…{who.unionid[-4:]}",
        "EXTERNAL_USERID": f"{who.external_userid[:4]}…{who.external_userid[-4:]}",
        "PHONE": f"{who.phone[:3]}****{who.phone[-4:]}",
    }
    assert [each["url"] for each in member["files"]["nodes"]] == [None, None]
    remark = next(each.remark for each in world.contacts if each.person == who.key)
    # A guide's note is for guides; HQ needs the scope for it.
    assert member["chat"]["contacts"]["nodes"][0]["remark"] == (remark if caller == "guide" else None)


@pytest.mark.parametrize("caller", ["masked", "guide"])
async def test_nothing_in_a_masked_answer_decodes_to_a_personal_value(served: Served, caller: str) -> None:
    """Also not the ids, which are only base64."""
    who = served.person("protagonist")
    selection = (
        "id outId payments { nodes { id } } coupons { nodes { id } } orders { nodes { id } }"
        " files { nodes { id key url } }"
    )
    member = await by(served, selection, caller, unionid=who.unionid)
    assert member is not None
    found = [member["id"]] + [
        node["id"] for name in ("payments", "coupons", "orders", "files") for node in member[name]["nodes"]
    ]
    assert len(found) == 9
    plain = " ".join(":".join(ids.decode(each)) for each in found)
    for secret in (who.unionid, who.name, who.phone, who.external_userid, *who.openids.values()):
        assert secret not in plain
        assert secret not in str(member)


async def test_a_shopper_sees_herself_unmasked_and_not_the_guides_note(served: Served) -> None:
    who = served.person("protagonist")
    selection = "name phone identities { value } files { nodes { url } } chat { contacts { nodes { remark } } }"
    me = (await served.client("frontend", "protagonist").data(f"{{ me {{ {selection} }} }}"))["me"]
    assert (me["name"], me["phone"]) == (who.name, who.phone)
    assert who.unionid in {each["value"] for each in me["identities"]}
    assert [type(each["url"]) for each in me["files"]["nodes"]] == [str, str]
    assert me["chat"]["contacts"]["nodes"] == [{"remark": None}]


async def test_a_shopper_without_unionid_is_a_member_by_the_one_openid(served: Served) -> None:
    who, scan = served.person("no_unionid"), served.world.mini_programs[1].appid
    selection = (
        "identities { kind issuer value } payments { nodes { amount { amount } } } files { nodes { key } }"
        " chat { contacts { nodes { remark } } }"
    )
    member = await by(served, selection, openid={"app": scan, "value": who.openids[scan]})
    assert member == {
        "identities": [{"kind": "OPENID", "issuer": scan, "value": who.openids[scan]}],
        "payments": {"nodes": [{"amount": money(15900)}]},
        "files": {"nodes": []},
        "chat": {"contacts": {"nodes": []}},
    }


async def test_two_wechats_with_one_phone_stay_two_members(served: Served) -> None:
    one, two = served.person("same_phone_a"), served.person("same_phone_b")
    assert one.phone == two.phone
    found = [await by(served, "id orders { nodes { id } }", unionid=each.unionid) for each in (one, two)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0]["id"] != found[1]["id"]
    store = served.world.wechat_store.appid
    for member, who in zip(found, (one, two), strict=True):
        assert member is not None
        expected = [ids.encode("or", f"STORE:{store}:{each.order_id}") for each in bought_by(served, who)]
        assert [each["id"] for each in member["orders"]["nodes"]] == expected
        assert len(expected) == 1


async def test_a_gift_belongs_to_its_receiver(served: Served) -> None:
    """微信小店 shows the receiver as the order's openid; that somebody else paid joins nobody."""
    payer, receiver = served.person("gift_payer"), served.person("gift_receiver")
    member = await by(served, "identities { value } orders { nodes { payable { amount } } }", unionid=receiver.unionid)
    assert member is not None
    assert member["orders"]["nodes"] == [{"payable": money(25900)}]
    assert not {each["value"] for each in member["identities"]} & {payer.unionid, *payer.openids.values()}
    assert await by(served, "id", unionid=payer.unionid) is None


async def test_a_guide_whom_the_customer_deleted_is_not_shown(served: Served) -> None:
    """企业微信 goes on listing that guide; the event of the evening is what tells."""
    who = served.person("unfollowed")
    kept = next(each for each in served.world.contacts if each.person == who.key)
    selection = (
        "reach(purpose: SERVICE) { channel reachable reason } chat { contacts { nodes { guide { name } remark } } }"
        " timeline { nodes { summary } }"
    )
    member = await by(served, selection, unionid=who.unionid)
    assert member is not None
    guide = next(each.name for each in served.world.guides if each.userid == kept.userid)
    assert member["chat"]["contacts"]["nodes"] == [{"guide": {"name": guide}, "remark": kept.remark}]
    assert member["reach"][4] == {"channel": "ENTERPRISE_CHAT", "reachable": True, "reason": None}
    assert [each["summary"] for each in member["timeline"]["nodes"]][:2] == ["删除了导购", "添加导购为好友"]


async def test_a_deletion_before_the_gateway_existed_cannot_be_seen(served: Served) -> None:
    """The relation is one-way then, and the platform's answer has no word for it."""
    who = served.person("two_guides")
    deleted = [each.deleted_by for each in served.world.contacts if each.person == who.key]
    assert deleted == ["", "CUSTOMER"]
    member = await by(served, "chat { contacts { nodes { guide { name } } } }", unionid=who.unionid)
    assert member == {"chat": {"contacts": {"nodes": [{"guide": {"name": n}} for n in ("陈雨桐", "孙悦")]}}}


async def test_a_lost_follower_is_known_as_lost(served: Served) -> None:
    who = served.person("same_phone_b")
    follower = next(each for each in served.world.followers if each.openid in who.openids.values())
    selection = "reach { channel reachable reason } officialAccount { subscribed subscribedAt scene }"
    member = await by(served, selection, unionid=who.unionid)
    assert member is not None
    assert member["officialAccount"] == {
        "subscribed": False,
        "subscribedAt": iso(follower.subscribed_at),
        "scene": follower.scene,
    }
    assert member["reach"][0] == {"channel": "OFFICIAL_ACCOUNT", "reachable": False, "reason": "UNFOLLOWED"}


async def test_expired_coupons_are_not_usable(served: Served) -> None:
    who, app = served.person("expired_coupon"), served.world.mini_programs[0].appid
    selection = (
        "usable: coupons(state: USABLE) { nodes { code } } expired: coupons(state: EXPIRED) { nodes { code } }"
        " all: coupons { nodes { code state } }"
    )
    member = await by(served, selection, openid={"app": app, "value": who.openids[app]})
    codes = sorted(each.code for each in served.world.coupons if each.person == who.key)
    assert len(codes) == 2
    assert member == {
        "usable": {"nodes": []},
        "expired": {"nodes": [{"code": code} for code in codes]},
        "all": {"nodes": [{"code": code, "state": "EXPIRED"} for code in codes]},
    }


async def test_a_partial_refund_shows_in_the_payment(served: Served) -> None:
    who, app = served.person("partial_refund"), served.world.mini_programs[0].appid
    [payment] = [each for each in served.world.payments if each.person == who.key]
    [refund] = [each for each in served.world.refunds if each.out_trade_no == payment.out_trade_no]
    selection = "payments { nodes { state tradeType amount { amount } refunded { amount } } }"
    member = await by(served, selection, openid={"app": app, "value": who.openids[app]})
    assert member == {
        "payments": {
            "nodes": [
                {
                    "state": "REFUND",
                    "tradeType": "JSAPI",
                    "amount": money(payment.total),
                    "refunded": money(refund.amount),
                }
            ]
        }
    }
    assert (payment.total, refund.amount) == (79800, 39900)


async def test_a_payment_at_the_till_comes_from_the_bill(served: Served) -> None:
    who, scan = served.person("pos_payer"), served.world.mini_programs[1].appid
    selection = "payments { nodes { state tradeType amount { amount } order { id } } } orders { nodes { id } }"
    member = await by(served, selection, openid={"app": scan, "value": who.openids[scan]})
    paid = {"state": "SUCCESS", "tradeType": "MICROPAY", "amount": money(69900), "order": None}
    assert member == {"payments": {"nodes": [paid]}, "orders": {"nodes": []}}


async def test_an_order_closed_and_paid_late_is_paid(served: Served) -> None:
    who, app = served.person("closed_then_paid"), served.world.mini_programs[0].appid
    member = await by(
        served, "payments { nodes { state amount { amount } } }", openid={"app": app, "value": who.openids[app]}
    )
    assert member == {"payments": {"nodes": [{"state": "SUCCESS", "amount": money(35900)}]}}


async def test_a_franchise_collects_on_its_own_mchid(served: Served) -> None:
    who, app = served.person("franchise"), served.world.mini_programs[0].appid
    member = await by(served, "payments { nodes { id } }", openid={"app": app, "value": who.openids[app]})
    [payment] = [each for each in served.world.payments if each.person == who.key]
    franchise = served.world.merchants[1]
    assert payment.mchid == franchise.mchid
    assert member == {"payments": {"nodes": [{"id": ids.encode("py", payment.out_trade_no, franchise.mchid)}]}}


async def test_a_guide_who_left_serves_nobody(served: Served) -> None:
    left = next(each for each in served.world.guides if each.left_at is not None)
    store = next(each for each in served.world.stores if each.code == left.store)
    data = await served.client().data("{ stores(first: 50) { nodes { name guides { name } } } }")
    staff = {each["name"]: [guide["name"] for guide in each["guides"]] for each in data["stores"]["nodes"]}
    # By userid, which is how the guides of a store are sorted.
    here = sorted((g.userid, g.name) for g in served.world.guides if g.store == store.code and g.left_at is None)
    assert staff[store.name] == [name for _, name in here]
    waiting = [each for each in served.world.contacts if each.userid == left.userid]
    assert len(waiting) == 43
    for each in waiting[:5]:
        member = await by(
            served, "chat { contacts { nodes { remark } } }", unionid=served.world.people[each.person].unionid
        )
        assert member in (None, {"chat": {"contacts": {"nodes": []}}})


async def test_the_world_is_as_wide_as_these_tests_need(served: Served) -> None:
    """The answers above are computed from these; an empty world would agree with anything."""
    skus: list[Sku] = [sku for product in served.world.products for sku in product.skus]
    assert len(served.world.people) == 133
    assert len(skus) == 39
