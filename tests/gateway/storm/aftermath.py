"""What the projections must hold when the storm is over, from the emulated platforms' own state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from adapters.enterprise_chat.sandbox.state import Standing
from sandbox.pusher import Delivery
from sandbox.server import Sandbox
from sandbox.world import Follower, Payment, Refund, World
from tests.gateway.events.truth import Rows, _at, expected


def now_world(sandbox: Sandbox) -> World:
    """The world as it has become: what each platform would show now, or shows in its bills."""
    world = sandbox.world
    platforms: Any = sandbox.platforms
    store = platforms["mini_program_store"].state
    who = {openid: key for key, each in world.people.items() for openid in each.openids.values()}
    stock = store.stock
    return replace(
        world,
        now=sandbox.kit.clock.now(),
        followers=[
            Follower(appid, f.openid, f.subscribed, f.since, f.scene, f.qr_scene_str, f.remark, tuple(f.tags))
            for appid, account in platforms["official_account"].accounts.items()
            for f in account.followers.values()
        ],
        products=[
            replace(each, skus=[replace(sku, stock=stock[sku.store_sku_id]) for sku in each.skus])
            for each in world.products
        ],
        store_orders=list(store.orders.values()),
        after_sales=list(store.after_sales.values()),
        payments=[
            Payment(
                *(mchid, o.appid, o.out_trade_no, o.transaction_id, who.get(o.payer_openid, ""), o.payer_openid),
                *(o.description, o.attach, o.total, o.payer_total, o.trade_type, "SUCCESS", o.created_at, o.paid_at),
            )
            for mchid, book in platforms["payments"].books.items()
            for o in book.orders.values()
            if o.paid_at is not None
        ],
        refunds=[
            Refund(
                *(mchid, order.out_trade_no, e.out_refund_no, e.refund_id, e.amount, e.reason, e.status),
                *(e.created_at, e.succeeded_at),
            )
            for mchid, book in platforms["payments"].books.items()
            for order, e in book.refunds.values()
        ],
    )


@dataclass(frozen=True)
class Aftermath:
    """The truth, given what arrived: what only an event tells cannot be known when the event is lost."""

    sandbox: Sandbox
    world: World
    deliveries: list[Delivery]
    arrived: list[Delivery]

    def rows(self) -> dict[str, Rows]:
        """Every projection, in the shape of ``tests.gateway.events.truth.stored``."""
        return {**expected(self.world), **self._contacts(), **self._groups(), "ad_click": self._clicks()}

    def _contacts(self) -> dict[str, Rows]:
        corpid, corp, unheard = self.world.corp.corpid, self._corp(), self._unheard()
        present = {each.userid for each in corp.active()}

        def removed_by(pair: Any) -> str | None:
            deleted = pair.standing is Standing.DELETED_BY_CUSTOMER
            return "CUSTOMER" if deleted and f"{pair.userid}:{pair.external_userid}" not in unheard else None

        return {
            "contact": {
                (
                    *(corpid, r.userid, f"{corpid}:{r.external_userid}", corp.customers[r.external_userid].name),
                    *(r.remark, r.add_way, r.state, _at(r.added_at)),
                    *(removed_by(r), r.tags),
                )
                for r in corp.relations
                if r.userid in present and r.visible
            }
        }

    def _unheard(self) -> set[str]:
        """Pairs of which only an event tells that the customer ended them, and that one was lost.

        A guide whom the customer has deleted goes on being listed with them.
        """
        pushes = [each for each in self.deliveries if each.platform == "enterprise_chat"]
        effects = [
            each
            for each in self.sandbox.kit.journal.effects
            if each.platform == "enterprise_chat" and "change" in each.data
        ]
        last = {
            effect.key: id(push)
            for effect, push in zip(effects, pushes, strict=True)
            if effect.data["change"] == "del_follow_user"
        }
        arrived = {id(each) for each in self.arrived}
        # Contacts whom the customer had deleted before the storm told us nothing either.
        before = {
            f"{each.userid}:{self.world.people[each.person].external_userid}"
            for each in self.world.contacts
            if each.deleted_by == "CUSTOMER"
        }
        return {key for key, push in last.items() if push not in arrived} | (before - last.keys())

    def _groups(self) -> dict[str, Rows]:
        corpid, groups = self.world.corp.corpid, self._corp().groups.values()
        return {
            "customer_group": {(corpid, g.chat_id, g.name, g.owner, _at(g.created_at), len(g.members)) for g in groups},
            "customer_group_member": {
                (corpid, g.chat_id, f"{corpid}:{m.id}", _at(m.joined_at))
                for g in groups
                for m in g.members
                if not m.employee
            },
        }

    def _clicks(self) -> Rows:
        clicks = [each.build().url for each in self.arrived if each.platform == "social_ads"]
        return {(str(self.world.ad_account), parse_qs(urlsplit(url).query)["click_id"][0]) for url in clicks}

    def _corp(self) -> Any:
        return self.sandbox.platforms["enterprise_chat"].state  # type: ignore[attr-defined]

    def facts(self) -> dict[str, tuple[int, int]]:
        """Kind → (how many, their amounts in fen), of what platforms know to the end."""
        orders = self.world.store_orders
        paid = [each for each in orders if each.paid_at]
        return {
            "order.created": _sum(each.payable for each in orders),
            "order.paid": _sum(each.payable for each in paid),
            "order.shipped": _sum(0 for each in orders if each.shipped_at),
            "payment.captured": _sum(each.total for each in self.world.payments),
            "refund.succeeded": _sum(each.amount for each in self.world.refunds if each.status == "SUCCESS"),
            "ad.click": _sum(0 for _ in self._clicks()),
        }

    def orders_per_buyer(self) -> Counter[str]:
        """issuer:openid of each buyer → orders that were paid."""
        appid = self.world.wechat_store.appid
        return Counter(
            f"{appid}:{self.world.people[each.receiver].openids[appid]}"
            for each in self.world.store_orders
            if each.paid_at
        )


def _sum(amounts: Iterable[int]) -> tuple[int, int]:
    found = list(amounts)
    return len(found), sum(found)
