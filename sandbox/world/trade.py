"""What the people did before ``now``: follow, chat, buy, return, collect."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from sandbox.world import names
from sandbox.world.brand import AD_ACCOUNT, FRANCHISE_MCHID, MCHID, TAG_GOLD, TAG_MEMBER, TAG_OUTDOOR, Brand
from sandbox.world.shoppers import Shoppers
from sandbox.world.types import (
    AfterSale,
    Contact,
    CustomerGroup,
    Follower,
    IpParticipation,
    Lead,
    Line,
    Payment,
    Refund,
    StoredObject,
    StoreOrder,
    UserCoupon,
    VipCard,
    World,
)


def trade(brand: Brand, cast: Shoppers, seed: int) -> World:
    """The finished world."""
    made = _Maker(brand, cast, seed)
    made.history()
    return World(
        seed=seed,
        now=brand.now,
        brand="屿见 YUJIAN",
        open_platform=brand.open_platform,
        stores=brand.stores,
        guides=brand.guides,
        people=cast.people,
        official_accounts=brand.official_accounts,
        oa_tags=brand.oa_tags,
        followers=made.followers,
        mini_programs=brand.mini_programs,
        wechat_store=brand.wechat_store,
        products=brand.products,
        store_orders=made.orders,
        after_sales=made.after_sales,
        vip_cards=made.vip_cards,
        merchants=brand.merchants,
        payments=made.payments,
        refunds=made.refunds,
        coupon_stocks=brand.coupon_stocks,
        coupons=made.coupons,
        ad_account=AD_ACCOUNT,
        ad_client_id=1106789012,
        ad_client_secret=names.alnum(seed, "ads/secret", 32),
        ad_access_token=names.hexa(seed, "ads/access", 32),
        ad_refresh_token=names.hexa(seed, "ads/refresh", 32),
        ad_groups=brand.ad_groups,
        leads=made.leads,
        buckets=brand.buckets,
        objects=made.objects,
        corp=brand.corp,
        contacts=made.contacts,
        groups=made.groups,
        ip_properties=brand.ip_properties,
        ip_licences=brand.ip_licences,
        ip_activations=brand.ip_activations,
        ip_participations=made.participations,
        cast=cast.cast,
    )


class _Maker:
    """Builds the history list by list. Every random choice is drawn from a generator named by its purpose."""

    def __init__(self, brand: Brand, cast: Shoppers, seed: int) -> None:
        self.brand = brand
        self.cast = cast
        self.seed = seed
        self.now = brand.now
        self.followers: list[Follower] = []
        self.orders: list[StoreOrder] = []
        self.after_sales: list[AfterSale] = []
        self.vip_cards: list[VipCard] = []
        self.payments: list[Payment] = []
        self.refunds: list[Refund] = []
        self.coupons: list[UserCoupon] = []
        self.leads: list[Lead] = []
        self.objects: list[StoredObject] = []
        self.contacts: list[Contact] = []
        self.groups: list[CustomerGroup] = []
        self.participations: list[IpParticipation] = []

    def history(self) -> None:
        """Everything, the protagonist first."""
        self._protagonist()
        self._untidy_stories()
        self._crowd()
        self._groups_and_assets()

    def _rng(self, label: str) -> random.Random:
        return random.Random(names.digest(self.seed, label))

    def _ago(self, **span: float) -> datetime:
        return (self.now - timedelta(**span)).replace(microsecond=0)

    # The protagonist ------------------------------------------------------------------------------

    def _protagonist(self) -> None:
        key = "linxiaowen"
        main = self.brand.official_accounts[0]
        self._follow(key, main.appid, 420, "ADD_SCENE_QR_CODE", "store_SH-AFL", (TAG_MEMBER, TAG_GOLD, TAG_OUTDOOR))
        self.vip_cards.append(VipCard(key, 3, "金卡", 8260, 3260, self._ago(days=419)))
        gold, hike, grey = self._tag_id("金卡"), self._tag_id("徒步"), self._tag_id("雾灰控")
        phone = (self.cast.people[key].phone,)
        self._contact("chenyutong", key, "M码 喜欢雾灰", 300, phone, (gold, grey, hike), state="store_SH-AFL")
        self._order(key, "YL-SHELL-2M", 1, discount=15000, days=33, status=100)
        exchanged = self._order(key, "HS-PANTS-1M", 1, discount=0, days=12, status=100)
        self.after_sales.append(
            AfterSale(
                names.digits(self.seed, "after-sale/lin", 16),
                exchanged.order_id,
                key,
                "EXCHANGE",
                "MERCHANT_EXCHANGE_SUCCESS",
                "HS-PANTS-1M",
                1,
                0,
                "SIZE_NOT_FIT",
                self._ago(days=8),
                self._ago(days=5),
            )
        )
        self._coupon(key, 0, "SENDED", days=6)
        self._coupon(key, 2, "SENDED", days=15)
        self._coupon(key, 1, "EXPIRED", days=38)
        self._payment(key, 15900, days=60, description="晨溪渔夫帽", label="lin-cap")
        body = "屿见 电子发票 晨溪渔夫帽 159.00".encode()
        self._member_file(key, "invoices/2026-09.pdf", b"%PDF-1.4\n" + body, "application/pdf", days=60)
        self._member_file(key, "outfits/autumn.jpg", b"\xff\xd8\xff\xe0" + bytes(512), "image/jpeg", days=20)
        self.participations.append(
            IpParticipation(
                "FOX-BADGE",
                key,
                {f"FOX-{i}": f"scan-{names.alnum(self.seed, f'draw/{key}/{i}', 10)}" for i in range(1, 5)},
                self._ago(days=4),
            )
        )

    # The untidy cases -----------------------------------------------------------------------------

    def _untidy_stories(self) -> None:
        main = self.brand.official_accounts[0].appid
        for key in ("wuhao", "wuhao2"):
            self._follow(key, main, 90, "ADD_SCENE_SEARCH")
            self._order(key, "CX-CAP-1均码", 1, discount=0, days=21, status=30)
        self._order("guoran", "FOX-BAG-1均码", 1, discount=0, days=7, status=20, receiver="hejia")
        self._follow("hejia", main, 45, "ADD_SCENE_PROFILE_CARD")
        self._contact("chenyutong", "xuli", "徐莉 老客", 200, (), ())
        self._contact("sunyue", "xuli", "徐莉 杭州", 120, (), (), deleted_by="CUSTOMER")
        self._follow("sunbo", main, 310, "ADD_SCENE_LIVESTREAM", subscribed=False)
        self._contact("heqing", "sunbo", "孙博", 100, (), ())
        self._coupon("luoyi", 1, "EXPIRED", days=39)
        self._coupon("luoyi", 1, "EXPIRED", days=37)
        refunded = self._payment("gaoyuan", 79800, days=16, description="抓绒卫衣两件", label="gao", state="REFUND")
        self._refund(refunded, 39900, days=14)
        self._payment("zhumin", 35900, days=10, description="徊山速干裤", label="zhu-late")
        self._payment("zhouqing", 15900, days=11, description="晨溪渔夫帽 扫码购", label="zhou", app=1)
        self._payment("maqiang", 69900, days=9, description="林行徒步鞋", label="pos", app=1, kind="MICROPAY")
        self._payment("huxin", 129900, days=13, description="屿岭三合一冲锋衣", label="xian", mchid=FRANCHISE_MCHID)
        self._contact("fengbo", "huxin", "胡欣", 60, (), ())

    # Everybody else -------------------------------------------------------------------------------

    def _crowd(self) -> None:
        staff = [g.userid for g in self.brand.guides if g.left_at is None]
        skus = [sku.code for product in self.brand.products for sku in product.skus]
        for key in self.cast.crowd:
            rng = self._rng("life/" + key)
            if rng.random() < 0.6:
                account = self.brand.official_accounts[0 if rng.random() < 0.8 else 1]
                self._follow(key, account.appid, rng.randint(1, 400), "ADD_SCENE_SEARCH", "", (TAG_MEMBER,))
            guide = "lijiayi" if key in self.cast.unassigned else rng.choice(staff)
            if key in self.cast.unassigned or rng.random() < 0.5:
                self._contact(guide, key, self.cast.people[key].name, rng.randint(10, 350), (), ())
            for _ in range(rng.choice((0, 0, 1, 1, 2))):
                self._order(key, rng.choice(skus), 1, discount=0, days=rng.randint(1, 80), status=100)
            if rng.random() < 0.3:
                self._payment(key, 15900, days=rng.randint(2, 85), description="小程序订单", label=key)
            if rng.random() < 0.2:
                self._coupon(key, 0, "SENDED", days=rng.randint(1, 9))
            if rng.random() < 0.4:
                joined = self._ago(days=rng.randint(30, 400))
                self.vip_cards.append(VipCard(key, 1, "普卡", rng.randint(0, 900), rng.randint(0, 800), joined))
        for number, key in enumerate(self.cast.crowd[50:53]):
            self.leads.append(
                Lead(
                    AD_ACCOUNT,
                    700001 + number,
                    13397328752,
                    names.alnum(self.seed, "lead/" + key, 16),
                    key,
                    self._ago(days=number + 1),
                )
            )

    def _groups_and_assets(self) -> None:
        crowd = self.cast.crowd
        self._group("安福路店·会员福利群", "chenyutong", ["linxiaowen", "xuli", *crowd[43:60]], 260)
        self._group("湖滨店·徒步同好", "sunyue", [*crowd[60:80], "xuli"], 130)
        for product in self.brand.products:
            self.objects.append(
                StoredObject(
                    self.brand.buckets[1].name,
                    f"products/{product.spu}/cover.jpg",
                    b"\xff\xd8\xff\xe0" + names.digest(self.seed, product.spu) * 8,
                    "image/jpeg",
                    self._ago(days=100),
                )
            )

    # One of each ----------------------------------------------------------------------------------

    def _openid(self, key: str, appid: str) -> str:
        return self.cast.people[key].openids[appid]

    def _tag_id(self, name: str) -> str:
        return next(i for tags in self.brand.corp.tag_groups.values() for i, n in tags.items() if n == name)

    def _follow(
        self,
        key: str,
        appid: str,
        days: int,
        scene: str,
        qr: str = "",
        tags: tuple[int, ...] = (),
        *,
        subscribed: bool = True,
    ) -> None:
        at = self._ago(days=days)
        self.followers.append(Follower(appid, self._openid(key, appid), subscribed, at, scene, qr, "", tags))

    def _contact(
        self,
        userid: str,
        key: str,
        remark: str,
        days: int,
        mobiles: tuple[str, ...],
        tags: tuple[str, ...],
        *,
        state: str = "",
        deleted_by: str = "",
    ) -> None:
        at = self._ago(days=days)
        self.contacts.append(Contact(userid, key, remark, mobiles, at, 1, state, tags, deleted_by))

    def _order(
        self,
        key: str,
        sku_code: str,
        quantity: int,
        *,
        discount: int,
        days: int,
        status: int,
        receiver: str = "",
    ) -> StoreOrder:
        price = next(s.price for p in self.brand.products for s in p.skus if s.code == sku_code)
        label = f"order/{key}/{sku_code}/{days}"
        created = self._ago(days=days, minutes=int(names.digits(self.seed, label, 3)))
        amount = price * quantity
        paid = created + timedelta(minutes=2) if status >= 20 else None
        shipped = created + timedelta(days=1) if status in {30, 100} else None
        # Before now: a list read up to the second that has begun does not have that second's changes yet.
        finished = min(created + timedelta(days=4), self.now - timedelta(minutes=1)) if status == 100 else None
        order = StoreOrder(
            order_id=names.digits(self.seed, label, 19),
            person=key,
            status=status,
            lines=(Line(sku_code, quantity, amount, amount - discount),),
            freight=0,
            discount=discount,
            created_at=created,
            updated_at=finished or shipped or paid or created,
            paid_at=paid,
            shipped_at=shipped,
            finished_at=finished,
            transaction_id="42000" + names.digits(self.seed, "tx/" + label, 23) if paid else "",
            receiver=receiver or key,
            waybill="SF" + names.digits(self.seed, "waybill/" + label, 13) if shipped else "",
        )
        self.orders.append(order)
        return order

    def _payment(
        self,
        key: str,
        total: int,
        *,
        days: int,
        description: str,
        label: str,
        app: int = 0,
        kind: str = "JSAPI",
        state: str = "SUCCESS",
        mchid: str = MCHID,
    ) -> Payment:
        appid = self.brand.mini_programs[app].appid
        created = self._ago(days=days, minutes=17)
        payment = Payment(
            mchid,
            appid,
            "OLD" + names.digits(self.seed, "trade/" + label, 17),
            "42000" + names.digits(self.seed, "transaction/" + label, 23),
            key,
            self._openid(key, appid),
            description,
            "",
            total,
            total,
            kind,
            state,
            created,
            created + timedelta(minutes=1),
        )
        self.payments.append(payment)
        return payment

    def _refund(self, payment: Payment, amount: int, *, days: int) -> None:
        at = self._ago(days=days)
        self.refunds.append(
            Refund(
                payment.mchid,
                payment.out_trade_no,
                "RF" + payment.out_trade_no,
                "50300" + names.digits(self.seed, "refund/" + payment.out_trade_no, 24),
                amount,
                "七天无理由",
                "SUCCESS",
                at,
                at + timedelta(minutes=3),
            )
        )

    def _coupon(self, key: str, stock: int, state: str, *, days: int) -> None:
        batch = self.brand.coupon_stocks[stock]
        appid = self.brand.mini_programs[0].appid
        label = f"coupon/{key}/{stock}/{days}"
        code = names.digits(self.seed, label, 22)
        self.coupons.append(
            UserCoupon(batch.stock_id, code, key, appid, state, self._ago(days=days), batch.begins_at, batch.ends_at)
        )

    def _member_file(self, key: str, name: str, body: bytes, kind: str, *, days: int) -> None:
        path = f"members/{self.cast.people[key].unionid}/{name}"
        bucket = self.brand.buckets[0].name
        self.objects.append(StoredObject(bucket, path, body, kind, self._ago(days=days), key))

    def _group(self, name: str, owner: str, members: list[str], days: int) -> None:
        chat = "wr" + names.text(self.seed, "group/" + name, 30)
        self.groups.append(CustomerGroup(chat, name, owner, "文明交流", self._ago(days=days), members))
