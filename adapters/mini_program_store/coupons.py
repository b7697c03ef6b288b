"""Coupons (优惠券) of a store.

The platform has no call that gives one to a shopper: they take it in the store, by a link or in a live session.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.mini_program_store.account import Account
from adapters.mini_program_store.client import CouponsClient
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.models import coupons as models
from adapters.mini_program_store.reading import each, instant, turned
from adapters.mini_program_store.records.coupons import (
    CouponKind,
    CouponOffer,
    CouponStatus,
    StoreCoupon,
    UserCoupon,
    UserCouponRef,
    UserCouponStatus,
)

#: The platform's limit.
COUPONS_PER_PAGE: Final = 200

_KINDS: Final = {
    1: CouponKind.PRODUCT_CONDITIONAL_DISCOUNT,
    2: CouponKind.PRODUCT_THRESHOLD_OFF,
    3: CouponKind.PRODUCT_DISCOUNT,
    4: CouponKind.PRODUCT_OFF,
    101: CouponKind.STORE_CONDITIONAL_DISCOUNT,
    102: CouponKind.STORE_THRESHOLD_OFF,
    103: CouponKind.STORE_DISCOUNT,
    104: CouponKind.STORE_OFF,
}
_STATUSES: Final = {
    1: CouponStatus.EDITING,
    2: CouponStatus.ACTIVE,
    3: CouponStatus.EXPIRED,
    4: CouponStatus.VOID,
    5: CouponStatus.DELETED,
}
_USER_STATUSES: Final = {100: UserCouponStatus.VALID, 101: UserCouponStatus.EXPIRED, 102: UserCouponStatus.USED}
#: What staff can do to a coupon; it expires by itself.
_SETTABLE: Final = (CouponStatus.ACTIVE, CouponStatus.VOID, CouponStatus.DELETED)
_IN_STORE, _MEMBERS = 1, 9
_BETWEEN, _DAYS_AFTER = 1, 2


class Coupons(Account):
    """See ``MiniProgramStoreAdapter``."""

    def __init__(self, config: MiniProgramStoreConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._coupons = CouponsClient(self._api)

    async def coupon_create(self, offer: CouponOffer) -> str:
        """Write a coupon and answer its number; it can be taken once its status is set to ACTIVE.

        Once: after OutcomeUnknown look for its name among those being edited.
        """
        self._must_be("store")
        return str((await self._coupons.coupon_create(self._written(offer))).data.coupon_id)

    async def coupon_update(self, coupon_id: str, offer: CouponOffer) -> None:
        """Replace a coupon that is still being edited."""
        self._must_be("store")
        await self._coupons.coupon_update(self._written(offer, coupon_id))

    async def coupon_status_set(self, coupon_id: str, status: CouponStatus) -> None:
        """Publish it (ACTIVE), take it back (VOID) or delete it (DELETED)."""
        self._must_be("store")
        if status not in _SETTABLE:
            raise self._invalid("coupon_status", f"A coupon cannot be set to {status}; give ACTIVE, VOID or DELETED.")
        await self._coupons.coupon_update_status(coupon_id, turned(_STATUSES)[status])

    async def coupon_ids(self, status: CouponStatus, cursor: str | None = None) -> Page[str]:
        """Coupons of one status, two hundred a page: the platform has no list of all."""
        self._must_be("store")
        wanted = turned(_STATUSES).get(status)
        if wanted is None:
            raise self._invalid("coupon_status", f"Coupons cannot be listed by {status}.")
        page, context = self._at(cursor)
        wire = await self._coupons.coupon_get_list(wanted, page, COUPONS_PER_PAGE, context)
        ids = [str(row.coupon_id) for row in wire.coupons]
        more = bool(ids) and page * COUPONS_PER_PAGE < wire.total_num
        return Page(ids, self._then(more, page, wire.page_ctx))

    async def coupons(self, ids: Sequence[str]) -> Sequence[StoreCoupon | NotFound]:
        """One call per coupon: the platform has no batch read."""
        self._must_be("store")
        answers = await each(self._coupons.coupon_get, ids)
        return [
            _coupon(self.account, answer.coupon)
            if isinstance(answer, models.CouponGet) and answer.coupon is not None
            else self._missing(answer, "coupon", number)
            for number, answer in zip(ids, answers, strict=True)
        ]

    async def user_coupon_ids(self, openid: str, cursor: str | None = None) -> Page[UserCouponRef]:
        """Coupons that a shopper has or had, two hundred a page."""
        self._must_be("store")
        page, context = self._at(cursor)
        wire = await self._coupons.coupon_get_user_coupon_list(openid, page, COUPONS_PER_PAGE, context)
        rows = [UserCouponRef(str(row.user_coupon_id), str(row.coupon_id)) for row in wire.user_coupon_list]
        # The total may be left out; a short page is the last then.
        full = len(rows) == COUPONS_PER_PAGE
        more = full if wire.total_num is None else full and page * COUPONS_PER_PAGE < wire.total_num
        return Page(rows, self._then(more, page, wire.page_ctx))

    async def user_coupon(self, openid: str, user_coupon_id: str) -> UserCoupon:
        """One coupon in a shopper's hands; NotFound for none."""
        self._must_be("store")
        wire = (await self._coupons.coupon_get_user_coupon(openid, user_coupon_id)).user_coupon
        if wire is None:
            raise self._missing(None, "coupon of a shopper's", user_coupon_id)
        return UserCoupon(
            appid=self.account,
            openid=openid,
            user_coupon_id=str(wire.user_coupon_id),
            coupon_id=str(wire.coupon_id),
            status=_USER_STATUSES.get(wire.status, UserCouponStatus.OTHER),
            taken_at=instant(wire.create_time),
            valid_from=instant(wire.start_time),
            valid_to=instant(wire.end_time),
            used_at=instant(wire.ext_info.use_time),
            order_id=str(wire.order_id or "") or None,
            discount=wire.discount_fee,
        )

    def _at(self, cursor: str | None) -> tuple[int, str]:
        page, context = self._numbered(cursor)
        return page or 1, context

    def _then(self, more: bool, page: int, context: str) -> str | None:
        return f"{page + 1}:{self._next(more, context)}" if more else None

    def _written(self, offer: CouponOffer, coupon_id: str = "") -> models.CouponWrite:
        kind = turned(_KINDS).get(offer.kind)
        if kind is None:
            raise self._invalid("coupon_kind", f"Coupons of the kind {offer.kind} cannot be written.")
        if offer.valid_days is None and (offer.valid_from is None or offer.valid_to is None):
            raise self._invalid("coupon_validity", "Give valid_days, or valid_from and valid_to.")
        return models.CouponWrite(
            type=kind,
            name=offer.name,
            discount_info=models.Discount(
                models.Condition(offer.from_quantity, offer.product_ids, offer.from_amount),
                offer.off,
                # 折 × 1000: what is to be paid of ten parts, 8500 for 85 %.
                round(offer.pay_percent * 100),
            ),
            promote_info=models.Promotion(_MEMBERS if offer.members_only else _IN_STORE),
            receive_info=models.Receiving(
                _seconds(offer.take_from), _seconds(offer.take_to), offer.per_person, offer.total
            ),
            valid_info=models.Validity(_BETWEEN, _seconds(offer.valid_from), _seconds(offer.valid_to))
            if offer.valid_days is None
            else models.Validity(_DAYS_AFTER, valid_day_num=offer.valid_days),
            auto_valid_info=models.AutoValid(int(offer.starts_itself)),
            ext_info=models.Extra(notes=offer.notes),
            coupon_id=coupon_id,
        )


def _seconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())


def _coupon(appid: str, wire: models.Coupon) -> StoreCoupon:
    info, condition = wire.coupon_info, wire.coupon_info.discount_info.discount_condition
    return StoreCoupon(
        appid=appid,
        coupon_id=str(wire.coupon_id),
        kind=_KINDS.get(wire.type, CouponKind.OTHER),
        status=_STATUSES.get(wire.status, CouponStatus.OTHER),
        name=info.name,
        off=info.discount_info.discount_fee,
        pay_percent=info.discount_info.discount_num / 100,
        from_amount=condition.product_price,
        from_quantity=condition.product_cnt,
        product_ids=tuple(str(number) for number in condition.product_ids),
        take_from=instant(info.receive_info.start_time),
        take_to=instant(info.receive_info.end_time),
        valid_from=instant(info.valid_info.start_time),
        valid_to=instant(info.valid_info.end_time),
        valid_days=info.valid_info.valid_day_num or None,
        left=wire.stock_info.issued_num,
        taken=wire.stock_info.receive_num,
        used=wire.stock_info.used_num,
    )
