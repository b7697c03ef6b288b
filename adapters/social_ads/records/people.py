"""Leads, conversions, clicks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lead:
    """A sales lead (销售线索) left on an ad. ``created_at`` is when the platform stored it.

    The phone is what a stranger typed: it identifies nobody by itself.
    """

    account_id: int
    lead_id: int
    adgroup_id: int | None
    click_id: str | None
    name: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """Something a shopper did, to be reported back (转化回传).

    The platform counts one (data source, ``outer_action_id``, ``action_type``) once, however often it is
    reported: use the order number.

    Attributes:
        action_type: the platform's word: PURCHASE, COMPLETE_ORDER, REGISTER, CLAIM_OFFER,
            COUPON_REDEMPTION, RE_FUND (spelled so), …
        at: when it happened.
        outer_action_id: our own id of what happened.
        click_id: ``gdt_vid`` (else ``qz_gdt``) of the landing page; never a tracked click's id.
        wechat_openid: needs ``wechat_appid``, the app that the openid belongs to.
        wechat_unionid: needs ``wechat_appid`` as well.
        value: amount in fen.
    """

    action_type: str
    at: datetime
    outer_action_id: str
    click_id: str | None = None
    wechat_openid: str | None = field(default=None, repr=False)
    wechat_appid: str | None = None
    wechat_unionid: str | None = field(default=None, repr=False)
    value: int | None = None


@dataclass(frozen=True, slots=True)
class ConversionAccepted:
    """The platform took the conversion. That it will be attributed to an ad is not promised."""

    outer_action_id: str


@dataclass(frozen=True, slots=True)
class AdClick:
    """A click that somebody who knows the tracking link says has happened: a claim, never proof.

    Attributes:
        account_id: of the ad; a link may be shared by the accounts of one business unit.
        click_id: the tracked click's id. It is not the ``gdt_vid`` of the landing page: never join the two.
        wechat_openid: belongs to the mini-program that the ad opens, and to no other app.
        callback: decoded once, as the platform wants it back.
    """

    account_id: int
    click_id: str | None
    adgroup_id: int | None
    creative_id: str | None
    at: datetime
    impression_id: str | None
    request_id: str | None
    wechat_openid: str | None = field(repr=False)
    callback: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class LeadFeedback:
    """What became of a lead, told to the platform (线索状态回传). ``status`` is its leads_convert_type."""

    lead_id: int
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ActionSet:
    """A data source (数据源) that conversions are reported to. ``kind``: WEB, WECHAT_MINI_PROGRAM …"""

    action_set_id: int
    kind: str
    name: str
