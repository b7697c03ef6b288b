"""Checkout: quote, buy, renew, ask; and the transaction that one can watch."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import ids, orders, places
from gateway.resolvers.errors import UserError
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.orders import Order
from gateway.schema.places import Sku
from gateway.schema.problems import DomainProblem, PriceChanged, ToolProblem, invalid
from gateway.schema.scalars import Long, Money
from gateway.transactions import checkout as records


@strawberry.enum(description="How the goods are to reach the customer.")
class FulfilmentMethod(Enum):
    """Method."""

    EXPRESS = strawberry.enum_value("EXPRESS", description="快递.")
    PICKUP = strawberry.enum_value("PICKUP", description="到店自提, at the given store.")


@strawberry.input(description="A line of the basket.")
class BasketLineInput:
    """Basket line."""

    sku: str = strawberry.field(description="The brand's sku code (商家编码).")
    quantity: int = strawberry.field(description="Pieces, 1 to 99.")


@strawberry.input(description="A merchant coupon (商家券).")
class CouponRefInput:
    """Coupon reference."""

    id: strawberry.ID = strawberry.field(description="The coupon's id.")


@strawberry.input(description="What a basket would cost.")
class CheckoutQuoteInput:
    """Quote."""

    lines: list[BasketLineInput] = strawberry.field(description="1 to 50 lines.")
    method: FulfilmentMethod = strawberry.field(description="How the goods are to reach the customer.")
    coupon: CouponRefInput | None = strawberry.field(description="The coupon to use.", default=None)
    store: strawberry.ID | None = strawberry.field(description="The selling store; needed for PICKUP.", default=None)
    guide: strawberry.ID | None = strawberry.field(description="The guide who is credited.", default=None)

    def record(self) -> records.QuoteInput:
        """As a plain record. Raises UserError for a bad id or number."""
        if not 1 <= len(self.lines) <= 50:
            raise UserError(f"lines has {len(self.lines)} entries: 1 to 50 are possible.")
        for number, line in enumerate(self.lines, 1):
            if not 1 <= line.quantity <= 99:
                raise UserError(f"quantity of line {number} is {line.quantity}: 1 to 99 are possible.")
        guide = ":".join(ids.decode_as("gd", self.guide)) if self.guide else None
        return records.QuoteInput(
            lines=tuple(records.BasketLine(line.sku, line.quantity) for line in self.lines),
            coupon=_coupon(self.coupon.id) if self.coupon else None,
            method="PICKUP" if self.method is FulfilmentMethod.PICKUP else "EXPRESS",
            store=ids.decode_as("st", self.store)[1] if self.store else None,
            guide=guide,
        )


@strawberry.enum(description="How an order is paid at 微信支付.")
class PaymentMethod(Enum):
    """Payment method."""

    JSAPI = strawberry.enum_value(
        "JSAPI", description="wx.requestPayment on the shopper's own phone (小程序支付, JSAPI)."
    )
    NATIVE = strawberry.enum_value(
        "NATIVE",
        description="A code on a till or a screen that any phone scans (Native支付, 扫码): whoever scans it pays.",
    )


@strawberry.input(description="Buy a basket.")
class CheckoutInput(CheckoutQuoteInput):
    """Checkout."""

    expected_payable: Long = strawberry.field(description="What the client showed as payable, in fen.", default=Long(0))
    idempotency_key: str | None = strawberry.field(
        description="Names this purchase: the same key never buys twice. Required; 8 to 64 characters.", default=None
    )
    click_id: str | None = strawberry.field(description="gdt_vid of the landing page, for conversion.", default=None)
    payment_method: PaymentMethod = strawberry.field(
        description="How it is to be paid; an order keeps its way, also when its payment is renewed.",
        default=PaymentMethod.JSAPI,
    )


@strawberry.type(description="A line of a quote.")
class QuotedLine:
    """Quoted line."""

    code: strawberry.Private[str]
    title: str = strawberry.field(description="Title.")
    quantity: int = strawberry.field(description="Pieces.")
    list_amount: Money = strawberry.field(description="List price × quantity.")
    discount: Money = strawberry.field(description="This line's share of the discount.")
    paid: Money = strawberry.field(description="What is paid for this line.")

    @strawberry.field(description="The variant.")
    async def sku(self, info: Info) -> Sku | None:
        found = await info.context.loaders.load(places.skus, self.code)
        return None if found is None else Sku.of(found)


@strawberry.type(description="A coupon that fits the basket, or why it does not.")
class QuotedCoupon:
    """Quoted coupon."""

    id: strawberry.ID = strawberry.field(description="The coupon's id.")
    name: str = strawberry.field(description="Its name.")
    discount: Money | None = strawberry.field(description="What it would take off; null when it does not fit.")
    reason: str | None = strawberry.field(description="Why it does not fit; null when it does.")


@strawberry.type(description="What a basket costs now.")
class Quote:
    """Quote."""

    lines: list[QuotedLine] = strawberry.field(description="The lines; their paid shares sum exactly.")
    list_total: Money = strawberry.field(description="Sum of list prices.")
    discount: Money = strawberry.field(description="All discounts.")
    freight: Money = strawberry.field(description="Freight (运费).")
    payable: Money = strawberry.field(description="What is to be paid: pass it to checkout as expectedPayable.")
    usable: list[QuotedCoupon] = strawberry.field(description="Coupons that fit.")
    unusable: list[QuotedCoupon] = strawberry.field(description="Coupons that do not, with the reason.")
    out_of_stock: list[str] = strawberry.field(description="Sku codes that cannot be had in this number.")

    @classmethod
    def of(cls, record: records.Quote) -> Quote:
        return cls(
            lines=[
                QuotedLine(
                    code=each.sku,
                    title=each.title,
                    quantity=each.quantity,
                    list_amount=Money.of(each.list_amount),
                    discount=Money.of(each.discount),
                    paid=Money.of(each.paid),
                )
                for each in record.lines
            ],
            list_total=Money.of(record.list_total),
            discount=Money.of(record.discount),
            freight=Money.of(record.freight),
            payable=Money.of(record.payable),
            usable=[
                QuotedCoupon(id=_coupon_id(each.ref), name=each.name, discount=Money.of(each.discount), reason=None)
                for each in record.usable
            ],
            unusable=[
                QuotedCoupon(id=_coupon_id(each.ref), name=each.name, discount=None, reason=each.reason)
                for each in record.unusable
            ],
            out_of_stock=list(record.out_of_stock),
        )


@strawberry.type(description="What wx.requestPayment takes.")
class PaymentRequest:
    """调起支付."""

    app_id: str = strawberry.field(description="appid; signed, though wx.requestPayment takes no such argument.")
    time_stamp: str = strawberry.field(description="Seconds, as text.")
    nonce_str: str = strawberry.field(description="Random text.")
    package: str = strawberry.field(description="prepay_id=…")
    sign_type: str = strawberry.field(description="RSA.")
    pay_sign: str = strawberry.field(description="Signature by the merchant's key.")


@strawberry.type(description="How far the work of a step is for which a request has no time.")
class StepProgress:
    """Progress."""

    done: int = strawberry.field(description="Members whom its attempt has gone through; a new attempt begins anew.")
    total: int = strawberry.field(description="How many there are.")


@strawberry.type(description="A step of a transaction.")
class Step:
    """Saga step."""

    name: str = strawberry.field(description="What it does.")
    tool: str | None = strawberry.field(description="At which tool; null in the gateway's own books.")
    state: str = strawberry.field(description="PENDING, RUNNING, DONE, SKIPPED, UNDONE, FAILED or UNKNOWN.")
    reason: str | None = strawberry.field(description="Why it was skipped or failed; null otherwise.")
    progress: StepProgress | None = strawberry.field(description="Of a step for thousands; null for all others.")

    @classmethod
    def of(cls, view: records.StepView) -> Step:
        progress = None if view.progress is None else StepProgress(done=view.progress.done, total=view.progress.total)
        return cls(name=view.name, tool=view.tool, state=view.state, reason=view.reason, progress=progress)


@strawberry.type(description="A transaction over several tools (saga).")
class Transaction(Node):
    """Saga."""

    state: str = strawberry.field(description="RUNNING, AWAITING_PAYMENT, COMPLETING, COMPLETED, COMPENSATED…")
    steps: list[Step] = strawberry.field(description="Its steps, in order.")
    created_at: datetime = strawberry.field(description="When it began.")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    @classmethod
    def of(cls, view: records.TransactionView) -> Transaction:
        return cls(
            id=strawberry.ID(ids.encode("tx", view.id)),
            state=view.state,
            steps=[Step.of(each) for each in view.steps],
            created_at=view.created_at,
            updated_at=view.updated_at,
        )


@strawberry.type(description="An order that was placed, and how to pay it.")
class Checkout:
    """Checkout."""

    record: strawberry.Private[records.CheckoutDone]
    payment_request: PaymentRequest | None = strawberry.field(
        description="What wx.requestPayment takes; null when nothing is to be paid, and for NATIVE."
    )
    code_url: str | None = strawberry.field(
        description="For NATIVE, what the code says (二维码链接): show it as a QR code until the order's time is over,"
        " two hours at most; orderPaymentRenew gives one that lives on. Null when nothing is to be paid, and for JSAPI."
    )

    @strawberry.field(description="The order.")
    async def order(self, info: Info) -> Order | None:
        found = await info.context.loaders.load(orders.orders, self.record.order_id)
        return None if found is None else Order.of(found)

    @strawberry.field(description="The transaction: watch it.")
    async def transaction(self, info: Info) -> Transaction | None:
        view = await info.context.services.checkout.transaction(self.record.transaction_id, info.context.principal)
        return None if view is None else Transaction.of(view)

    @classmethod
    def of(cls, record: records.CheckoutDone) -> Checkout:
        request = record.payment_request
        return cls(
            record=record,
            code_url=record.code_url,
            payment_request=None
            if request is None
            else PaymentRequest(
                app_id=request.app_id,
                time_stamp=request.time_stamp,
                nonce_str=request.nonce_str,
                package=request.package,
                sign_type=request.sign_type,
                pay_sign=request.pay_sign,
            ),
        )


@strawberry.type(description="What the payment platform says of an order's payment now.")
class OrderPayment:
    """Payment state."""

    order_id: strawberry.Private[str]
    state: str = strawberry.field(description="NOTPAY, SUCCESS, REFUND or CLOSED.")

    @strawberry.field(description="The order after what was learnt.")
    async def order(self, info: Info) -> Order | None:
        found = await info.context.loaders.load(orders.orders, self.order_id)
        return None if found is None else Order.of(found)


CheckoutResult = Annotated[
    Checkout | PriceChanged | DomainProblem | ToolProblem,
    strawberry.union("CheckoutResult", description="An order to pay, or why there is none."),
]
QuoteResult = Annotated[
    Quote | DomainProblem | ToolProblem,
    strawberry.union("QuoteResult", description="A quote, or why there is none."),
]
OrderPaymentResult = Annotated[
    OrderPayment | DomainProblem | ToolProblem,
    strawberry.union("OrderPaymentResult", description="The payment's state, or why it is not known."),
]


def problem(record: records.Problem) -> PriceChanged | DomainProblem | ToolProblem:
    """A service's problem as the graph's."""
    if record.code == "PRICE_CHANGED":
        return PriceChanged(
            code=record.code,
            message=record.message,
            retryable=record.retryable,
            payable=Long(int(str(record.details["payable"]))),
        )
    return plain_problem(record)


def plain_problem(record: records.Problem) -> DomainProblem | ToolProblem:
    """A problem that carries no price."""
    if record.tool is not None:
        return ToolProblem(
            code=record.code,
            message=record.message,
            retryable=record.retryable,
            tool=record.tool,
            reason=str(record.details.get("reason", "")),
        )
    transaction, failed, cause = (record.details.get(each) for each in ("transaction", "field", "cause"))
    return DomainProblem(
        code=record.code,
        message=record.message,
        retryable=record.retryable,
        transaction_id=None if transaction is None else strawberry.ID(ids.encode("tx", str(transaction))),
        failed_field=None if failed is None else str(failed),
        cause=None if cause is None else str(cause),
    )


@strawberry.type(description="Fields about buying.")
class CheckoutQueries:
    """Quote and transactions."""

    @strawberry.field(description="What a basket costs now, with the coupons that fit. Needs a shopper's session.")
    async def checkout_quote(
        self,
        info: Info,
        input: Annotated[CheckoutQuoteInput, strawberry.argument(description="The basket.")],  # noqa: A002
    ) -> QuoteResult:
        try:
            result = await info.context.services.checkout.quote(info.context.principal, input.record())
        except UserError as error:
            return invalid(error)
        return Quote.of(result) if isinstance(result, records.Quote) else plain_problem(result)

    @strawberry.field(description="A transaction by its id; null when there is none.")
    async def transaction(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")],  # noqa: A002
    ) -> Transaction | None:
        info.context.principal.require("checkout")
        view = await info.context.services.checkout.transaction(ids.decode_as("tx", id)[1], info.context.principal)
        return None if view is None else Transaction.of(view)


@strawberry.type(description="Mutations that buy.")
class CheckoutMutations:
    """Buying."""

    @strawberry.mutation(description="Place an order over stock, coupon and payment, all of it or none of it (下单).")
    async def checkout(
        self,
        info: Info,
        input: Annotated[CheckoutInput, strawberry.argument(description="The basket and what was shown.")],  # noqa: A002
    ) -> CheckoutResult:
        info.context.principal.require("checkout")
        key = input.idempotency_key
        if key is None or not 8 <= len(key) <= 64:
            return DomainProblem(
                code="IDEMPOTENCY_KEY_REQUIRED",
                message="idempotencyKey must have 8 to 64 characters; make one per purchase and keep it for retries.",
                retryable=False,
            )
        try:
            quote = input.record()
        except UserError as error:
            return invalid(error)
        result = await info.context.services.checkout.checkout(
            info.context.principal,
            records.CheckoutInput(
                quote=quote,
                expected_payable=int(input.expected_payable),
                idempotency_key=key,
                click_id=input.click_id,
                by_code=input.payment_method is PaymentMethod.NATIVE,
            ),
        )
        return Checkout.of(result) if isinstance(result, records.CheckoutDone) else problem(result)

    @strawberry.mutation(
        description="Sign the payment of an unpaid order afresh, or show its code again: same number (重新支付)."
    )
    async def order_payment_renew(
        self, info: Info, order: Annotated[strawberry.ID, strawberry.argument(description="The order.")]
    ) -> CheckoutResult:
        info.context.principal.require("checkout")
        try:
            order_id = ids.decode_as("or", order)[1]
        except UserError as error:
            return invalid(error)
        result = await info.context.services.checkout.renew(info.context.principal, order_id)
        return Checkout.of(result) if isinstance(result, records.CheckoutDone) else problem(result)

    @strawberry.mutation(description="Ask the payment platform now; for the page that returns from wx.requestPayment.")
    async def order_payment_sync(
        self, info: Info, order: Annotated[strawberry.ID, strawberry.argument(description="The order.")]
    ) -> OrderPaymentResult:
        info.context.principal.require("checkout")
        try:
            order_id = ids.decode_as("or", order)[1]
        except UserError as error:
            return invalid(error)
        result = await info.context.services.checkout.sync(info.context.principal, order_id)
        if isinstance(result, records.Problem):
            return plain_problem(result)
        return OrderPayment(order_id=order_id, state=result.state)


def _coupon(text: str) -> records.CouponRef:
    mchid, native = ids.decode_as("cp", text)
    stock_id, _, code = native.partition(":")
    return records.CouponRef(mchid, stock_id, code)


def _coupon_id(ref: records.CouponRef) -> strawberry.ID:
    return strawberry.ID(ids.encode("cp", f"{ref.stock_id}:{ref.code}", ref.mchid))
