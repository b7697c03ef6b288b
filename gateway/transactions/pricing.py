"""What a basket costs now. Quote and checkout share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from adapters.base.runtime import Clock
from adapters.mini_program_store import MiniProgramStoreAdapter
from adapters.payments import Coupon
from gateway.database.engine import Database
from gateway.database.tables.projections import offer, product
from gateway.runtime import OpenTools
from gateway.settings import Settings
from gateway.transactions import coupons, stock
from gateway.transactions.allocation import largest_remainder
from gateway.transactions.parties import Seller, Shopper
from gateway.transactions.records import (
    BasketLine,
    Quote,
    QuotedLine,
    QuoteInput,
    UnusableCoupon,
    UsableCoupon,
)
from gateway.transactions.steps import StepRefused

MAX_LINES = 50
MAX_QUANTITY = 99


@dataclass(frozen=True, slots=True)
class Priced:
    """A quote, and the chosen coupon if it applies; ``misfit`` says why it does not."""

    quote: Quote
    coupon: Coupon | None
    misfit: str | None


@dataclass(frozen=True, slots=True)
class _Offer:
    title: str
    price: int


class Pricer:
    """Prices baskets from the catalogue's projection, the own stock book and the shopper's live coupons."""

    def __init__(self, database: Database, tools: OpenTools, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._tools = tools
        self._clock = clock
        self._settings = settings

    async def price(self, shopper: Shopper, seller: Seller, asked: QuoteInput, *, list_coupons: bool) -> Priced:
        """The basket's price. Coupons are read (one call) when ``list_coupons``, or when one was chosen.

        Raises StepRefused (BASKET_INVALID, SKU_UNKNOWN), ToolNotConfigured and UpstreamErrors.
        """
        basket = _merged(asked.lines)
        offers = await self._offers(tuple(basket))
        pieces = await stock.free(self._database, seller.location, tuple(basket))
        goods = sum(offers[sku].price * quantity for sku, quantity in basket.items())
        held: Sequence[Coupon] = ()
        if list_coupons or asked.coupon is not None:
            held = await coupons.held(seller.payments, shopper, asked.coupon)
        usable, unusable = await self._sorted_out(held, goods)
        chosen = next((each for each in held if coupons.ref(each) == asked.coupon), None)
        misfit = next((each.reason for each in unusable if each.ref == asked.coupon), None)
        if asked.coupon is not None and chosen is None:
            misfit = "NOT_HELD"
        coupon = chosen if misfit is None else None
        quote = self._quote(asked, basket, offers, coupon, usable, unusable, pieces)
        return Priced(quote, coupon, misfit)

    async def _offers(self, skus: Sequence[str]) -> Mapping[str, _Offer]:
        appid = self._tools.named(MiniProgramStoreAdapter, self._settings.checkout.catalogue).account
        rows = await self._database.fetch(
            select(offer.c.sku, product.c.title, offer.c.price)
            .join(product, (product.c.appid == offer.c.appid) & (product.c.product_id == offer.c.product_id))
            .where(offer.c.appid == appid, offer.c.sku.in_(skus), product.c.on_sale.is_(True))
            # Of two listings of one sku the later wins in the dict below: the first listed one, always.
            .order_by(offer.c.sku_id.desc())
        )
        found = {row.sku: _Offer(row.title, row.price) for row in rows}
        unknown = [str(number) for number, sku in enumerate(skus, 1) if sku not in found]
        if unknown:
            # By number: what is no sku may be anything that somebody typed.
            raise StepRefused(
                "SKU_UNKNOWN", f"Not on sale: item {', '.join(unknown)}. Take sku codes from the catalogue."
            )
        return found

    async def _sorted_out(
        self, held: Sequence[Coupon], goods: int
    ) -> tuple[tuple[UsableCoupon, ...], tuple[UnusableCoupon, ...]]:
        now = self._clock.now()
        locked = await coupons.locked(self._database, [coupons.ref(each) for each in held])
        usable: list[UsableCoupon] = []
        unusable: list[UnusableCoupon] = []
        for each in held:
            ref = coupons.ref(each)
            reason = coupons.misfit(each, goods, now, locked=ref in locked)
            if reason is None:
                usable.append(UsableCoupon(ref, each.name, min(each.discount or 0, goods)))
            else:
                unusable.append(UnusableCoupon(ref, each.name, reason))
        return tuple(usable), tuple(unusable)

    def _quote(
        self,
        asked: QuoteInput,
        basket: Mapping[str, int],
        offers: Mapping[str, _Offer],
        coupon: Coupon | None,
        usable: tuple[UsableCoupon, ...],
        unusable: tuple[UnusableCoupon, ...],
        pieces: Mapping[str, int],
    ) -> Quote:
        amounts = [offers[sku].price * quantity for sku, quantity in basket.items()]
        goods = sum(amounts)
        discount = min(coupon.discount or 0, goods) if coupon is not None else 0
        shares = largest_remainder(discount, amounts)
        lines = tuple(
            QuotedLine(sku, offers[sku].title, quantity, amount, share, amount - share)
            for (sku, quantity), amount, share in zip(basket.items(), amounts, shares, strict=True)
        )
        freight = self._freight(asked, goods - discount)
        short = tuple(sku for sku, quantity in basket.items() if pieces[sku] < quantity)
        return Quote(lines, goods, discount, freight, goods - discount + freight, usable, unusable, short)

    def _freight(self, asked: QuoteInput, goods: int) -> int:
        """What the parcel costs, for goods of so many fen after the discount."""
        rule = self._settings.checkout
        return 0 if asked.method == "PICKUP" or goods >= rule.free_freight_from else rule.freight


def _merged(lines: Sequence[BasketLine]) -> dict[str, int]:
    """Pieces by sku, in the order of first mention. Raises StepRefused."""
    if not 1 <= len(lines) <= MAX_LINES or any(not 1 <= each.quantity <= MAX_QUANTITY for each in lines):
        raise StepRefused("BASKET_INVALID", f"A basket has 1 to {MAX_LINES} lines of 1 to {MAX_QUANTITY} pieces each.")
    basket: dict[str, int] = {}
    for each in lines:
        basket[each.sku] = basket.get(each.sku, 0) + each.quantity
    return basket
