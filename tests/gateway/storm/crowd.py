"""What a crowd of shoppers does at the emulated platforms: every act changes their state and makes them push."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

from adapters.payments.sandbox.state import Order, RefundEntry
from sandbox.server import Sandbox

Act = Callable[[str], Awaitable[None]]


class Crowd:
    """Acts at random, the same for the same seed but for the platforms' own random numbers.

    Within a ``turn`` nobody acts twice, and a turn lasts a second of the platforms' clock: what happens to one
    person or order never happens within the same second.
    """

    def __init__(self, sandbox: Sandbox, public_url: str, seed: int) -> None:
        self._sandbox, self._random = sandbox, Random(seed)
        world = sandbox.world
        self._people = [
            key for key, each in world.people.items() if world.wechat_store.appid in each.openids and each.unionid
        ]
        self._notify = {each.mchid: f"{public_url}/hooks/payments/{each.alias}" for each in world.merchants}
        self._guides = [each.userid for each in world.guides if each.left_at is None]
        self._skus = [sku.code for product in world.products for sku in product.skus]
        self._orders: dict[str, list[str]] = {state: [] for state in ("new", "paid", "shipped", "done")}
        self._cases: list[str] = []
        self._number = 0
        self._acts: list[tuple[Act, int]] = [
            (self._buy, 16), (self._pay_order, 13), (self._ship, 9), (self._confirm, 7), (self._cancel, 3),
            (self._complain, 3), (self._settle_case, 2),
            (self._follow, 9), (self._unfollow, 4), (self._scan, 3), (self._say, 3), (self._answer, 2),
            (self._click, 12), (self._pay, 10), (self._refund, 3),
            (self._befriend, 8), (self._unfriend, 3), (self._edit, 2), (self._join, 4), (self._leave, 2),
        ]  # fmt: skip

    async def turn(self, acts: int) -> None:
        """So many acts within one second."""
        self._sandbox.kit.clock.advance(timedelta(seconds=1))
        people = self._random.sample(self._people, min(acts, len(self._people)))
        chosen = self._random.choices([a for a, _ in self._acts], [w for _, w in self._acts], k=len(people))
        for act, person in zip(chosen, people, strict=True):
            # What cannot be done now, such as to unfollow what is not followed, is not done.
            with suppress(ValueError, IndexError):
                await act(person)
        await asyncio.sleep(0)

    async def _do(self, platform: str, action: str, **values: Any) -> Mapping[str, Any]:
        return await self._sandbox.platforms[platform].actions()[action](values)

    def _take(self, state: str) -> str:
        """Some order in a state, which it leaves."""
        orders = self._orders[state]
        index = self._random.randrange(len(orders)) if orders else 0
        orders[index], orders[-1] = orders[-1], orders[index]
        return orders.pop()

    # 微信小店 ---------------------------------------------------------------------------------------

    async def _buy(self, person: str) -> None:
        sku = self._random.choice(self._skus)
        made = await self._do("mini_program_store", "order_new", person=person, sku=sku, quantity=1)
        self._orders["new"].append(made["order_id"])

    async def _pay_order(self, _person: str) -> None:
        order = self._take("new")
        await self._do("mini_program_store", "order_paid", order_id=order)
        self._orders["paid"].append(order)

    async def _ship(self, _person: str) -> None:
        order = self._take("paid")
        await self._do("mini_program_store", "order_ship", order_id=order)
        self._orders["shipped"].append(order)

    async def _confirm(self, _person: str) -> None:
        order = self._take("shipped")
        await self._do("mini_program_store", "order_confirm", order_id=order)
        self._orders["done"].append(order)

    async def _cancel(self, _person: str) -> None:
        await self._do("mini_program_store", "order_cancel", order_id=self._take("new"))

    async def _complain(self, _person: str) -> None:
        made = await self._do("mini_program_store", "after_sale_new", order_id=self._take("done"), type="RETURN")
        self._cases.append(made["after_sale_id"])

    async def _settle_case(self, _person: str) -> None:
        case = self._cases.pop(0)
        await self._do("mini_program_store", "after_sale_update", after_sale_id=case, status="MERCHANT_RETURN_SUCCESS")

    # 公众号 ----------------------------------------------------------------------------------------

    def _account(self) -> str:
        return self._random.choice(self._sandbox.world.official_accounts).appid

    async def _follow(self, person: str) -> None:
        scene = self._random.choice(["", "store_SH-AFL"])
        await self._do("official_account", "follow", appid=self._account(), person=person, scene=scene)

    async def _unfollow(self, person: str) -> None:
        await self._do("official_account", "unfollow", appid=self._account(), person=person)

    async def _scan(self, person: str) -> None:
        await self._do("official_account", "scan", appid=self._account(), person=person, scene="store_SH-AFL")

    async def _say(self, person: str) -> None:
        await self._do("official_account", "say", appid=self._account(), person=person, text="在吗")

    async def _answer(self, person: str) -> None:
        answer = {"template": "TPL", "answer": self._random.choice(["accept", "reject"])}
        await self._do("official_account", "subscribe_answer", appid=self._account(), person=person, **answer)

    # 腾讯广告 --------------------------------------------------------------------------------------

    async def _click(self, person: str) -> None:
        ad = self._random.choice(self._sandbox.world.ad_groups)
        await self._do("social_ads", "click", person=person, adgroup_id=ad.adgroup_id, empty=["WECHAT_OPEN_ID"])

    # 微信支付 --------------------------------------------------------------------------------------

    async def _pay(self, person: str) -> None:
        """The prepay itself is not the subject: the order is there, and the shopper pays it."""
        books = self._sandbox.platforms["payments"].books  # type: ignore[attr-defined]
        mchid = self._random.choice(list(books))
        book, world = books[mchid], self._sandbox.world
        appid = next(each for each in book.merchant.appids if each in world.people[person].openids)
        self._number += 1
        number = f"STORM{self._number:08d}"
        book.orders[number] = Order(
            appid=appid,
            out_trade_no=number,
            description="山岚轻羽绒服",
            total=self._random.randrange(100, 200_000),
            created_at=self._sandbox.kit.clock.now(),
            notify_url=self._notify[mchid],
            openid=world.people[person].openids[appid],
        )
        await self._do("payments", "pay", out_trade_no=number, mchid=mchid)

    async def _refund(self, _person: str) -> None:
        books = self._sandbox.platforms["payments"].books  # type: ignore[attr-defined]
        mchid = self._random.choice(list(books))
        book = books[mchid]
        order = self._random.choice(
            [each for each in book.orders.values() if each.out_trade_no.startswith("STORM") and not each.refunds]
        )
        number = "R" + order.out_trade_no
        refund_id = f"5030{self._number:024d}{order.out_trade_no[5:]}"
        entry = RefundEntry(number, refund_id, order.total // 2, "", self._notify[mchid], self._sandbox.kit.clock.now())
        order.refunds.append(entry)
        book.refunds[number] = (order, entry)
        await self._do("payments", "settle_refund", out_refund_no=number, status="SUCCESS", mchid=mchid)

    # 企业微信 --------------------------------------------------------------------------------------

    async def _befriend(self, person: str) -> None:
        guide = self._random.choice(self._guides)
        await self._do("enterprise_chat", "add_contact", userid=guide, person=person, state="store_SH-AFL")

    async def _unfriend(self, person: str) -> None:
        by = self._random.choice(["CUSTOMER", "GUIDE"])
        await self._do("enterprise_chat", "delete_contact", userid=self._friend(person), person=person, by=by)

    async def _edit(self, person: str) -> None:
        remark = f"M码 {self._random.randrange(1000)}"
        await self._do("enterprise_chat", "edit_contact", userid=self._friend(person), person=person, remark=remark)

    def _friend(self, person: str) -> str:
        """A guide who has this customer. Raises IndexError."""
        corp = self._sandbox.platforms["enterprise_chat"].state  # type: ignore[attr-defined]
        who = self._sandbox.world.people[person].external_userid
        return str(self._random.choice([e.userid for e in corp.followers(who) if e.standing.value == "friend"]))

    async def _join(self, person: str) -> None:
        group = self._random.choice(self._sandbox.world.groups)
        await self._do("enterprise_chat", "join_group", chat_id=group.chat_id, person=person)

    async def _leave(self, person: str) -> None:
        group = self._random.choice(self._sandbox.world.groups)
        await self._do("enterprise_chat", "leave_group", chat_id=group.chat_id, person=person)
