"""The people: the named cast of the stories, and as many others as asked for."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from sandbox.world import names
from sandbox.world.brand import Brand
from sandbox.world.types import Person

#: Story name → (person key, Chinese name). The demo and the tests find people by story.
CAST = {
    "protagonist": ("linxiaowen", "林晓雯"),
    "no_unionid": ("zhouqing", "周清"),
    "same_phone_a": ("wuhao", "吴昊"),
    "same_phone_b": ("wuhao2", "吴昊"),
    "gift_payer": ("guoran", "郭然"),
    "gift_receiver": ("hejia", "何佳"),
    "two_guides": ("xuli", "徐莉"),
    "unfollowed": ("sunbo", "孙博"),
    "expired_coupon": ("luoyi", "罗伊"),
    "partial_refund": ("gaoyuan", "高远"),
    "closed_then_paid": ("zhumin", "朱敏"),
    "pos_payer": ("maqiang", "马强"),
    "franchise": ("huxin", "胡欣"),
}


@dataclass(frozen=True, slots=True)
class Shoppers:
    """All people, who plays which story, and who has lost their guide."""

    people: dict[str, Person] = field(default_factory=dict)
    cast: dict[str, str] = field(default_factory=dict)
    unassigned: list[str] = field(default_factory=list)
    crowd: list[str] = field(default_factory=list)


def shoppers(brand: Brand, seed: int, size: int) -> Shoppers:
    """The cast and ``size`` others; the first 43 of these are the customers of a guide who left."""
    result = Shoppers()
    for story, (key, name) in CAST.items():
        result.people[key] = _person(brand, seed, key, name)
        result.cast[story] = key
    _untidy(result, brand, seed)
    rng = random.Random(names.digest(seed, "crowd"))
    for number in range(size):
        key = f"p{number:06d}"
        name = rng.choice(names.SURNAMES) + rng.choice(names.GIVEN)
        result.people[key] = _person(brand, seed, key, name)
        result.crowd.append(key)
    result.unassigned.extend(result.crowd[:43])
    return result


def _person(brand: Brand, seed: int, key: str, name: str) -> Person:
    apps = [a.appid for a in brand.official_accounts] + [m.appid for m in brand.mini_programs]
    apps.append(brand.wechat_store.appid)
    return Person(
        key,
        name,
        names.phone(seed, key),
        names.unionid(seed, key),
        {appid: names.openid(seed, appid, key) for appid in apps},
        names.external_userid(seed, key),
    )


def _untidy(result: Shoppers, brand: Brand, seed: int) -> None:
    """Those whom the platforms know only in part."""
    scan = brand.mini_programs[1].appid
    half = result.people["zhouqing"]
    # Never authorised the Open Platform's apps: only the scan-to-buy mini-program knows them.
    result.people["zhouqing"] = Person(
        half.key, half.name, half.phone, "", {scan: half.openids[scan]}, external_userid=""
    )
    first, second = result.people["wuhao"], result.people["wuhao2"]
    result.people["wuhao2"] = Person(
        second.key, second.name, first.phone, second.unionid, second.openids, second.external_userid
    )
    payer = result.people["maqiang"]
    # Pays at the till with a payment code and is nowhere else.
    result.people["maqiang"] = Person(
        payer.key, payer.name, payer.phone, payer.unionid, {scan: payer.openids[scan]}, external_userid=""
    )
