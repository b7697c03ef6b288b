"""What each platform holds about a person beyond the gateway's reach, and how the person can ask there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Beyond:
    """One tool: what stays there after an erasure here, what the person can do, what the brand."""

    title: str
    holds: str
    ask: str
    brand: str


BEYOND: Final[Mapping[str, Beyond]] = {
    "official_account": Beyond(
        "公众号 official account",
        "that the person follows the account, tags and remark set there, messages sent to it",
        "unfollow the account in WeChat; for WeChat's own data: 微信 > 我 > 设置 > 个人信息与权限",
        "remove tags and remark in the account's console; there is no interface that deletes a follower",
    ),
    "payments": Beyond(
        "微信支付 payments",
        "orders, payments, refunds and coupons under the payer's openid, as a payment institution must keep them",
        "微信 > 我 > 服务 > 钱包 > 账单, and 微信支付's customer service (95017)",
        "nothing: a merchant cannot delete a payment",
    ),
    "mini_program_store": Beyond(
        "小程序与微信小店 mini-program and store",
        "store orders with receiver, phone and address, after-sales, membership card, the mini-program's authorisation",
        "delete the mini-program in WeChat (which ends its authorisation), delete orders in 订单与卡包",
        "there is no interface that deletes an order; the store hides receivers' data after its own term",
    ),
    "social_ads": Beyond(
        "腾讯广告 social ads",
        "clicks, leads, conversions that were reported with a click id or an openid, files of audiences that it read",
        "个性化广告管理 at https://privacy.qq.com/",
        "take the person out of audiences that were filled elsewhere, as the gateway does of its own;"
        " there is no interface that deletes a reported conversion",
    ),
    "cloud_storage": Beyond(
        "腾讯云对象存储 cloud storage",
        "older versions of objects where the bucket keeps versions, replicas in other regions, access logs",
        "ask the brand: it is the personal information handler, the platform is entrusted",
        "delete older versions and replicas, or have life-cycle rules delete them",
    ),
    "ip_content": Beyond(
        "泛娱乐IP entertainment IP content",
        "the licensor's own catalogue of draws and prizes, where one was imported from",
        "ask the licensor whom the activation names",
        "tell the licensor of the erasure",
    ),
    "enterprise_chat": Beyond(
        "企业微信 enterprise chat",
        "the contact in the guide's address book, remark, tags and phone set there, group membership, archived chats",
        "delete the guide in WeChat and leave the groups; archived chats: ask the brand",
        "have the guide delete the contact; delete archived chats in 会话存档",
    ),
}
