"""The brand's fixed things: accounts, stores, guides, goods, ads, licences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.clock import BEIJING
from sandbox.world import names
from sandbox.world.types import (
    AdGroup,
    Bucket,
    Card,
    Corp,
    CouponStock,
    Guide,
    IpActivation,
    IpLicence,
    IpProperty,
    Merchant,
    MiniProgram,
    OaTag,
    OfficialAccount,
    Product,
    Sku,
    Store,
    WechatStore,
)

MCHID = "1900007291"
FRANCHISE_MCHID = "1900008837"
AD_ACCOUNT = 20458
TAG_MEMBER, TAG_GOLD, TAG_OUTDOOR = 100, 101, 102


@dataclass(frozen=True, slots=True)
class Brand:
    """Everything that does not depend on shoppers."""

    now: datetime
    open_platform: str
    stores: list[Store]
    guides: list[Guide]
    official_accounts: list[OfficialAccount]
    oa_tags: list[OaTag]
    mini_programs: list[MiniProgram]
    wechat_store: WechatStore
    products: list[Product]
    merchants: list[Merchant]
    coupon_stocks: list[CouponStock]
    ad_groups: list[AdGroup]
    buckets: list[Bucket]
    corp: Corp
    ip_properties: list[IpProperty]
    ip_licences: list[IpLicence]
    ip_activations: list[IpActivation]


def brand(now: datetime, seed: int) -> Brand:
    """屿见 YUJIAN, outdoor clothing."""
    flagship = names.appid(seed, "mp/flagship")
    scan = names.appid(seed, "mp/scan")
    return Brand(
        now=now,
        open_platform="op" + names.hexa(seed, "open-platform", 14),
        stores=_stores(),
        guides=_guides(seed, now),
        official_accounts=[
            _official_account(seed, "main", "屿见会员", encrypted=True),
            _official_account(seed, "outlet", "屿见奥莱", encrypted=False),
        ],
        oa_tags=[
            OaTag(names.appid(seed, "oa/" + alias), tag, name)
            for alias in ("main", "outlet")
            for tag, name in (
                (2, "星标组"),
                (TAG_MEMBER, "会员"),
                (TAG_GOLD, "金卡"),
                (TAG_OUTDOOR, "徒步爱好者"),
            )
        ],
        mini_programs=[
            _mini_program(seed, "flagship", flagship, "屿见旗舰店"),
            _mini_program(seed, "scan", scan, "屿见扫码购"),
        ],
        wechat_store=WechatStore(
            "store",
            names.appid(seed, "store"),
            names.hexa(seed, "store/secret", 32),
            "gh_" + names.hexa(seed, "store/gh", 12),
            "屿见微信小店",
            names.alnum(seed, "store/token", 20),
            names.alnum(seed, "store/aes", 43),
        ),
        products=_products(seed),
        merchants=_merchants(seed, [flagship, scan]),
        coupon_stocks=_coupon_stocks(seed, now),
        ad_groups=_ad_groups(now),
        buckets=[
            Bucket(
                alias,
                f"yujian-{alias}-1250000000",
                "ap-shanghai",
                "AKID" + names.alnum(seed, f"cos/{alias}/id", 32),
                names.alnum(seed, f"cos/{alias}/key", 32),
            )
            for alias in ("members", "assets")
        ],
        corp=_corp(seed),
        ip_properties=[
            IpProperty("yunling-fox", "云岭小狐", "Little Fox of Yunling", "comic", "腾讯动漫"),
            IpProperty("frontier-isle", "边岛纪行", "Isle of the Frontier", "game", "腾讯互娱"),
        ],
        ip_licences=_ip_licences(now),
        ip_activations=_ip_activations(now),
    )


def _stores() -> list[Store]:
    rows = (
        ("SH-AFL", "上海安福路店", "上海", "上海", 2, ""),
        ("HZ-HB", "杭州湖滨店", "杭州", "浙江", 3, ""),
        ("CD-CXL", "成都春熙路店", "成都", "四川", 4, ""),
        ("XA-ZL", "西安钟楼店·加盟", "西安", "陕西", 5, FRANCHISE_MCHID),
        ("BJ-SLT", "北京三里屯店", "北京", "北京", 6, ""),
        ("GZ-TYH", "广州天河店", "广州", "广东", 7, ""),
        ("SZ-WXC", "深圳万象城店", "深圳", "广东", 8, ""),
        ("NJ-XJK", "南京新街口店", "南京", "江苏", 9, ""),
    )
    return [
        Store(code, name, city, province, dept, f"POS{dept:03d}", franchise_mchid=mchid)
        for code, name, city, province, dept, mchid in rows
    ]


def _guides(seed: int, now: datetime) -> list[Guide]:
    rows = (
        ("chenyutong", "陈雨桐", "SH-AFL", "店长", None),
        ("lijiayi", "李佳怡", "SH-AFL", "导购", now - timedelta(days=9)),
        ("zhaominghui", "赵明辉", "SH-AFL", "导购", None),
        ("sunyue", "孙悦", "HZ-HB", "店长", None),
        ("heqing", "何晴", "HZ-HB", "导购", None),
        ("tangwei", "唐薇", "CD-CXL", "店长", None),
        ("fengbo", "冯博", "XA-ZL", "店长", None),
        ("qianxue", "钱雪", "BJ-SLT", "店长", None),
        ("maolin", "毛琳", "GZ-TYH", "店长", None),
        ("xiaohan", "肖寒", "SZ-WXC", "店长", None),
        ("dengna", "邓娜", "NJ-XJK", "店长", None),
    )
    return [
        Guide(userid, name, store, position, names.phone(seed, "guide/" + userid), left)
        for userid, name, store, position, left in rows
    ]


def _official_account(seed: int, alias: str, name: str, *, encrypted: bool) -> OfficialAccount:
    return OfficialAccount(
        alias,
        names.appid(seed, "oa/" + alias),
        names.hexa(seed, f"oa/{alias}/secret", 32),
        "gh_" + names.hexa(seed, f"oa/{alias}/gh", 12),
        name,
        names.alnum(seed, f"oa/{alias}/token", 20),
        names.alnum(seed, f"oa/{alias}/aes", 43),
        encrypted,
    )


def _mini_program(seed: int, alias: str, appid: str, name: str) -> MiniProgram:
    return MiniProgram(
        alias,
        appid,
        names.hexa(seed, f"mp/{alias}/secret", 32),
        "gh_" + names.hexa(seed, f"mp/{alias}/gh", 12),
        name,
        names.alnum(seed, f"mp/{alias}/token", 20),
        names.alnum(seed, f"mp/{alias}/aes", 43),
    )


def _merchants(seed: int, appids: list[str]) -> list[Merchant]:
    return [
        Merchant(
            alias,
            mchid,
            name,
            names.alnum(seed, f"pay/{mchid}/apiv3", 32),
            names.hexa(seed, f"pay/{mchid}/serial", 40).upper(),
            "PUB_KEY_ID_0" + names.digits(seed, f"pay/{mchid}/pub", 24),
            appids,
            entity,
        )
        for alias, mchid, name, entity in (
            ("main", MCHID, "屿见", "上海屿见服饰有限公司"),
            ("xian", FRANCHISE_MCHID, "屿见西安钟楼", "西安屿行商贸有限公司"),
        )
    ]


def _products(seed: int) -> list[Product]:
    rows = (
        ("SL-DOWN", "山岚轻羽绒服", "羽绒服", 89900, ("雾灰", "松绿", "陶土"), ("S", "M", "L"), ""),
        ("YL-SHELL", "屿岭三合一冲锋衣", "冲锋衣", 129900, ("墨黑", "雾灰"), ("S", "M", "L"), ""),
        ("FX-FLEECE", "风行抓绒卫衣", "抓绒", 39900, ("燕麦", "松绿"), ("S", "M", "L"), ""),
        ("HS-PANTS", "徊山速干裤", "裤装", 35900, ("岩灰",), ("S", "M", "L"), ""),
        ("CX-CAP", "晨溪渔夫帽", "配饰", 15900, ("燕麦", "墨黑"), ("均码",), ""),
        ("FOX-TEE", "云岭小狐联名T恤", "T恤", 19900, ("米白", "雾灰"), ("S", "M", "L"), "yunling-fox"),
        ("FOX-BAG", "云岭小狐联名托特包", "包袋", 25900, ("米白",), ("均码",), "yunling-fox"),
        ("LX-SHOES", "林行徒步鞋", "鞋", 69900, ("岩灰", "陶土"), ("38", "40", "42"), ""),
    )
    return [_product(seed, *row) for row in rows]


def _product(
    seed: int,
    spu: str,
    title: str,
    category: str,
    price: int,
    colours: tuple[str, ...],
    sizes: tuple[str, ...],
    ip: str,
) -> Product:
    skus = [
        Sku(
            code=f"{spu}-{i + 1}{size}",
            spu=spu,
            store_sku_id=names.digits(seed, f"sku/{spu}/{colour}/{size}", 10),
            attributes={"颜色": colour, "尺码": size},
            price=price,
            stock=12 + int(names.digits(seed, f"stock/{spu}/{colour}/{size}", 2)) % 40,
            gtin="690" + names.digits(seed, f"gtin/{spu}/{colour}/{size}", 10),
        )
        for i, colour in enumerate(colours)
        for size in sizes
    ]
    image = f"https://static.yujian.example/{spu.lower()}.jpg"
    return Product(spu, names.digits(seed, "product/" + spu, 14), title, category, image, skus, ip)


def _coupon_stocks(seed: int, now: datetime) -> list[CouponStock]:
    def stock(label: str, name: str, discount: int, minimum: int, begin: int, end: int) -> CouponStock:
        return CouponStock(
            MCHID,
            names.digits(seed, "coupon-stock/" + label, 8),
            name,
            "全场通用",
            discount,
            minimum,
            now + timedelta(days=begin),
            now + timedelta(days=end),
        )

    return [
        stock("600-80", "双11满600减80", 8000, 60000, -10, 14),
        stock("300-30", "会员日满300减30", 3000, 30000, -40, -5),
        stock("1000-150", "金卡满1000减150", 15000, 100000, -20, 30),
    ]


def _ad_groups(now: datetime) -> list[AdGroup]:
    since = now - timedelta(days=20)
    return [
        AdGroup(AD_ACCOUNT, 13397328752, "双11 朋友圈 山岚轻羽绒", "ADGROUP_STATUS_ACTIVE", 86000, "双11", since),
        AdGroup(AD_ACCOUNT, 13397328753, "双11 视频号 冲锋衣", "ADGROUP_STATUS_ACTIVE", 54000, "双11", since),
        AdGroup(AD_ACCOUNT, 13397328754, "云岭小狐联名 公众号", "ADGROUP_STATUS_SUSPEND", 0, "云岭小狐", since),
    ]


def _corp(seed: int) -> Corp:
    return Corp(
        "main",
        "ww" + names.hexa(seed, "corp", 16),
        1000012,
        names.text(seed, "corp/app", 43),
        names.text(seed, "corp/contact", 43),
        names.text(seed, "corp/sync", 43),
        names.alnum(seed, "corp/token", 20),
        names.alnum(seed, "corp/aes", 43),
        {
            "会员等级": {
                "et" + names.text(seed, "tag/gold", 30): "金卡",
                "et" + names.text(seed, "tag/silver", 30): "银卡",
            },
            "偏好": {
                "et" + names.text(seed, "tag/grey", 30): "雾灰控",
                "et" + names.text(seed, "tag/hike", 30): "徒步",
            },
        },
    )


def _ip_licences(now: datetime) -> list[IpLicence]:
    year = now.astimezone(BEIJING).year
    return [
        IpLicence(
            f"YJ-{year}-017",
            "yunling-fox",
            ("CN",),
            ("T恤", "包袋"),
            ("offline_store", "mini_program", "promotion_only"),
            ("sell", "display", "promote", "giveaway"),
            f"{year}-01-01",
            f"{year + 1}-01-01",
            "exclusive",
        ),
        IpLicence(
            f"YJ-{year - 1}-004",
            "frontier-isle",
            ("CN-SH", "CN-ZJ"),
            ("配饰",),
            ("offline_store",),
            ("display", "promote"),
            f"{year - 1}-03-01",
            f"{year}-03-01",
            "none",
        ),
    ]


def _ip_activations(now: datetime) -> list[IpActivation]:
    day = now.astimezone(BEIJING).date()
    return [
        IpActivation(
            "FOX-BADGE",
            "yunling-fox",
            "云岭小狐 集徽章",
            ("SH-AFL", "HZ-HB"),
            (day - timedelta(days=21)).isoformat(),
            (day + timedelta(days=21)).isoformat(),
            "live",
            tuple(Card(f"FOX-{i}", name) for i, name in enumerate(("晨雾", "松林", "溪谷", "云岭", "星夜"), 1)),
        )
    ]
