"""What a basket costs: the same code as checkout, and nothing is written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.access.principal import Principal
from gateway.transactions.records import CouponRef, Problem, Quote, QuoteInput
from tests.gateway.transactions.conftest import OpenShop
from tests.gateway.transactions.shop import COAT, NOTHING, Shop


async def quoted(shop: Shop, asked: QuoteInput) -> Quote:
    found = await shop.checkout.quote(shop.buyer, asked)
    assert isinstance(found, Quote), found
    return found


async def test_coat_less_coupon_is_81900(shop: Shop) -> None:
    before = shop.calls("payments")
    quote = await quoted(shop, shop.basket(coupon=await shop.coupon()))
    assert (quote.list_total, quote.discount, quote.freight, quote.payable) == (89900, 8000, 0, 81900)
    [line] = quote.lines
    assert (line.sku, line.title, line.quantity) == (COAT, "山岚轻羽绒服", 1)
    assert (line.list_amount, line.discount, line.paid) == (89900, 8000, 81900)
    assert quote.out_of_stock == ()
    # One call per quote: one to find the coupon, one for this quote.
    assert shop.calls("payments") - before == 2
    assert await shop.counts() == NOTHING


async def test_a_coupon_is_listed_with_what_it_takes_off_or_why_not(shop: Shop) -> None:
    rich = await quoted(shop, shop.basket())
    stocks = {each.stock_id: each for each in shop.sandbox.world.coupon_stocks}
    now = shop.sandbox.kit.clock.now()
    mine = [each for each in shop.sandbox.world.coupons if each.person == "linxiaowen" and each.state == "SENDED"]
    fits = {c.code for c in mine if stocks[c.stock_id].minimum <= 89900 and c.begins_at <= now < c.expires_at}
    assert {each.ref.code: each.discount for each in rich.usable} == {
        c.code: stocks[c.stock_id].discount for c in mine if c.code in fits
    }
    assert rich.discount == 0
    poor = await quoted(shop, shop.basket(("CX-CAP-1均码", 1)))
    eighty = next(each for each in rich.usable if each.discount == 8000)
    assert (eighty.ref, "BELOW_MINIMUM") in [(each.ref, each.reason) for each in poor.unusable]


async def test_freight_of_a_parcel_and_when_it_is_free(shop: Shop) -> None:
    parcel = {"method": "EXPRESS", "store": None, "guide": None}
    cap = await quoted(shop, shop.basket(("CX-CAP-1均码", 1), **parcel))
    assert (cap.list_total, cap.freight, cap.payable) == (15900, 1200, 17100)
    tee = await quoted(shop, shop.basket(("FOX-TEE-1M", 1), **parcel))
    assert (tee.list_total, tee.freight, tee.payable) == (19900, 0, 19900)
    picked_up = await quoted(shop, shop.basket(("CX-CAP-1均码", 1)))
    assert picked_up.freight == 0


async def test_equal_skus_are_one_line_and_lines_sum_exactly(shop: Shop) -> None:
    basket = shop.basket((COAT, 1), ("CX-CAP-1均码", 1), (COAT, 1), coupon=await shop.coupon())
    quote = await quoted(shop, basket)
    assert [(each.sku, each.quantity) for each in quote.lines] == [(COAT, 2), ("CX-CAP-1均码", 1)]
    assert sum(each.discount for each in quote.lines) == quote.discount == 8000
    assert sum(each.paid for each in quote.lines) + quote.freight == quote.payable == 2 * 89900 + 15900 - 8000


async def test_what_is_short_is_named(shop: Shop) -> None:
    assert (await quoted(shop, shop.basket((COAT, 4)))).out_of_stock == (COAT,)
    assert (await quoted(shop, shop.basket((COAT, 3)))).out_of_stock == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"store": None}, "STORE_UNKNOWN"),
        ({"store": "NOWHERE"}, "STORE_UNKNOWN"),
        ({"guide": "corp:nobody"}, "GUIDE_UNKNOWN"),
        ({"lines": (("NO-SUCH-SKU", 1),)}, "SKU_UNKNOWN"),
        ({"lines": ((COAT, 0),)}, "BASKET_INVALID"),
        ({"lines": ((COAT, 100),)}, "BASKET_INVALID"),
    ],
)
async def test_refusals(shop: Shop, change: dict[str, object], code: str) -> None:
    lines = change.pop("lines", ((COAT, 1),))
    before = shop.calls("payments")
    found = await shop.checkout.quote(shop.buyer, shop.basket(*lines, **change))  # type: ignore[misc]
    assert isinstance(found, Problem)
    assert (found.code, found.retryable, found.tool) == (code, False, None)
    assert shop.calls("payments") == before


async def test_without_a_session_there_is_no_quote(shop: Shop) -> None:
    nobody = Principal("key", "frontend", frozenset({"checkout"}))
    found = await shop.checkout.quote(nobody, shop.basket())
    assert isinstance(found, Problem)
    assert found.code == "SESSION_REQUIRED"


async def test_a_platform_that_is_down_is_a_tool_problem(shop: Shop) -> None:
    shop.sandbox.kit.faults.add("payments", "status", value=503)
    found = await shop.checkout.quote(shop.buyer, shop.basket())
    assert isinstance(found, Problem)
    assert (found.code, found.tool, found.retryable) == ("UNAVAILABLE", "payments", True)


async def test_a_merchant_without_merchant_coupons_sells_all_the_same(shop: Shop) -> None:
    shop.sandbox.kit.faults.add("payments", "code", endpoint="GET /v3/marketing/*", value="NO_AUTH")
    quote = await quoted(shop, shop.basket())
    assert (quote.usable, quote.unusable, quote.payable) == ((), (), 89900)


async def test_a_coupon_that_is_not_the_shoppers_does_not_count(shop: Shop) -> None:
    theirs = CouponRef("1900007291", "no-such-stock", "123")
    basket = shop.basket(coupon=theirs)
    assert (await quoted(shop, basket)).payable == 89900
    refused = await shop.ask(basket, 89900)
    assert isinstance(refused, Problem)
    assert (refused.code, refused.details) == ("COUPON_UNUSABLE", {"reason": "NOT_HELD"})
    assert await shop.counts() == NOTHING


async def test_a_brand_without_payments_gets_a_problem_not_an_error(opens: OpenShop, sqlite_url: str) -> None:
    shop = await opens(sqlite_url, without=("payments",))
    found = await shop.checkout.quote(shop.buyer, shop.basket())
    assert isinstance(found, Problem)
    assert (found.code, found.tool) == ("TOOL_NOT_CONFIGURED", "payments")


async def test_an_expired_coupon_is_not_usable(shop: Shop) -> None:
    ref = await shop.coupon()
    coupon = next(each for each in shop.sandbox.world.coupons if each.code == ref.code)
    shop.sandbox.kit.clock.advance(coupon.expires_at - shop.sandbox.kit.clock.now() + timedelta(seconds=1))
    refused = await shop.ask(shop.basket(coupon=ref), 81900)
    assert isinstance(refused, Problem)
    assert refused.code == "COUPON_UNUSABLE"
    assert await shop.counts() == NOTHING
