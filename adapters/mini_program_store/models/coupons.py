"""Coupons (优惠券) of the store. Money is fen; ``discount_num`` is 折 × 1000."""

from __future__ import annotations

import msgspec

from adapters.mini_program_store.models.numbers import Id, Number


class Condition(msgspec.Struct, omit_defaults=True):
    """What a basket must have: pieces, or fen; of these products, or of any."""

    product_cnt: int = 0
    product_ids: tuple[Id, ...] = ()
    product_price: int = 0


class Discount(msgspec.Struct):
    """``discount_fee`` for what takes money off, ``discount_num`` for what takes a share."""

    discount_condition: Condition = msgspec.field(default_factory=Condition)
    discount_fee: int = 0
    discount_num: int = 0


class Extra(msgspec.Struct, omit_defaults=True):
    """``ext_info``."""

    jump_product_id: Id = ""
    notes: str = ""


class Promotion(msgspec.Struct):
    """``promote_type`` 1 in the store, 9 members, 10 gift of a card's opening."""

    promote_type: int = 1


class Receiving(msgspec.Struct):
    """When, how often and how many can be taken."""

    start_time: Number = 0
    end_time: Number = 0
    limit_num_one_person: int = 1
    total_num: int = 0


class Validity(msgspec.Struct, omit_defaults=True):
    """``valid_type`` 1 from start to end, 2 so many days after it was taken."""

    valid_type: int = 1
    start_time: Number = 0
    end_time: Number = 0
    valid_day_num: int = 0


class AutoValid(msgspec.Struct):
    """``auto_valid_type`` 1 publishes the coupon when taking begins."""

    auto_valid_type: int = 0


class CouponWrite(msgspec.Struct, omit_defaults=True):
    """POST /channels/ec/coupon/create, and update with ``coupon_id``."""

    type: int
    name: str
    discount_info: Discount
    promote_info: Promotion
    receive_info: Receiving
    valid_info: Validity
    auto_valid_info: AutoValid
    ext_info: Extra
    coupon_id: str = ""


class CouponCreated(msgspec.Struct):
    """``data`` of coupon/create."""

    coupon_id: Id


class CouponCreate(msgspec.Struct):
    """The answer of coupon/create."""

    data: CouponCreated


class CouponInfo(msgspec.Struct):
    """``coupon_info`` of coupon/get."""

    name: str = ""
    discount_info: Discount = msgspec.field(default_factory=Discount)
    promote_info: Promotion = msgspec.field(default_factory=Promotion)
    receive_info: Receiving = msgspec.field(default_factory=Receiving)
    valid_info: Validity = msgspec.field(default_factory=Validity)


class CouponStock(msgspec.Struct):
    """``issued_num`` is what can still be taken."""

    issued_num: int = 0
    receive_num: int = 0
    used_num: int = 0


class Coupon(msgspec.Struct):
    """``status`` 1 editing, 2 active, 3 expired, 4 void, 5 deleted."""

    coupon_id: Id
    type: int = 0
    status: int = 0
    create_time: Number = 0
    update_time: Number = 0
    coupon_info: CouponInfo = msgspec.field(default_factory=CouponInfo)
    stock_info: CouponStock = msgspec.field(default_factory=CouponStock)


class CouponGet(msgspec.Struct):
    """POST /channels/ec/coupon/get."""

    coupon: Coupon | None = None


class CouponRow(msgspec.Struct):
    """One of ``coupons``."""

    coupon_id: Id


class CouponList(msgspec.Struct):
    """POST /channels/ec/coupon/get_list."""

    coupons: tuple[CouponRow, ...] = ()
    total_num: int = 0
    page_ctx: str = ""


class UserCouponRow(msgspec.Struct):
    """One of ``user_coupon_list``."""

    user_coupon_id: Id
    coupon_id: Id


class UserCouponList(msgspec.Struct):
    """POST /channels/ec/coupon/get_user_coupon_list; ``total_num`` may be left out."""

    user_coupon_list: tuple[UserCouponRow, ...] = ()
    total_num: int | None = None
    page_ctx: str = ""


class UserCouponUse(msgspec.Struct):
    """``ext_info``."""

    use_time: Number = 0


class UserCoupon(msgspec.Struct):
    """``status`` 100 valid, 101 expired, 102 used."""

    user_coupon_id: Id
    coupon_id: Id
    status: int = 0
    create_time: Number = 0
    start_time: Number = 0
    end_time: Number = 0
    ext_info: UserCouponUse = msgspec.field(default_factory=UserCouponUse)
    order_id: Id = ""
    discount_fee: int = 0


class UserCouponGet(msgspec.Struct):
    """POST /channels/ec/coupon/get_user_coupon."""

    user_coupon: UserCoupon | None = None
    openid: str = ""
