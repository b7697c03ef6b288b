"""What the tests of coupons, transfers and sharing ask for, and their operations in the contract suite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from adapters.payments import (
    BankCard,
    CashCouponSend,
    CouponLink,
    CouponSend,
    PaymentsAdapter,
    Receiver,
    ReceiverKind,
    Relation,
    Share,
    ShareIntent,
    ShareReturnIntent,
    Sharing,
    TransferIntent,
)
from sandbox.server import Sandbox
from tests.adapters.contract_case import Operation
from tests.adapters.payments.conftest import act
from tests.adapters.payments.shopping import hero_coupon, hero_order, intent, refund_intent

STOCK: Final = "9856000"
NEW_STOCK: Final = "9856001"
SHARED: Final = "SR20261111SHARED"
FRANCHISE: Final = "1900008837"
_ORDERS: Final = "/v3/pay/transactions"
_REFUNDS: Final = "/v3/refund/domestic/refunds"
_COUPONS: Final = "/v3/marketing/busifavor"
_FAVOR: Final = "/v3/marketing/favor"
_TRANSFERS: Final = "/v3/fund-app/mch-transfer/transfer-bills"
_SHARING: Final = "/v3/profitsharing"


@contextmanager
def behaving(sandbox: Sandbox) -> Iterator[None]:
    """What an operation needs beforehand happens without the faults that it is about."""
    rules, sandbox.kit.faults.rules = sandbox.kit.faults.rules, []
    try:
        yield
    finally:
        sandbox.kit.faults.rules = rules


def scanned(sandbox: Sandbox, number: str = "SR20261111NATIVE", **changes: Any) -> Any:
    """A till's order: nobody knows who will scan it."""
    return intent(sandbox, number, payer_openid="", **changes)


def coupon_send(sandbox: Sandbox, request_no: str = "SEND0001") -> CouponSend:
    """One more of 双11满600减80 for her."""
    paid = hero_order(sandbox)
    return CouponSend(hero_coupon(sandbox).stock_id, paid.appid, paid.payer_openid, request_no)


def link(sandbox: Sandbox, request_no: str = "ASC0001", order: str = "SR20261111000001") -> CouponLink:
    """Her coupon belongs to an order."""
    coupon = hero_coupon(sandbox)
    return CouponLink(coupon.stock_id, coupon.code, order, request_no)


def cash_send(sandbox: Sandbox, request_no: str = "CASH0001", **changes: str) -> CashCouponSend:
    """A cash coupon for her."""
    paid = hero_order(sandbox)
    return CashCouponSend(changes.get("stock_id", STOCK), paid.appid, paid.payer_openid, request_no)


def transfer(sandbox: Sandbox, number: str = "TB20261111000001", **changes: Any) -> TransferIntent:
    """A red packet for her."""
    paid = hero_order(sandbox)
    parts: dict[str, Any] = {
        "appid": paid.appid,
        "openid": paid.payer_openid,
        "out_bill_no": number,
        "scene_id": "1000",
        "amount": 188,
        "remark": "双11红包",
        "notify_url": "https://pay.yujian.example/hooks/payments/1900007291",
        "report": {"活动名称": "双11大促", "奖励说明": "签到红包"},
    }
    return TransferIntent(**{**parts, **changes})


def receiver(sandbox: Sandbox) -> Receiver:
    """The franchise, which gets a part of what its shoppers pay online."""
    appid = hero_order(sandbox).appid
    return Receiver(ReceiverKind.MERCHANT, appid, FRANCHISE, Relation.STORE, "西安屿行商贸有限公司")


async def shared_payment(adapter: PaymentsAdapter, sandbox: Sandbox, number: str = SHARED) -> str:
    """A payment of ¥819 that may be shared, a minute old; its transaction_id."""
    book = sandbox.platforms["payments"].books[adapter.account]  # type: ignore[attr-defined] # its memory
    if number not in book.orders:
        await adapter.prepay(adapter.prepay_body(intent(sandbox, number, profit_sharing=True)))
        await act(sandbox, "pay", out_trade_no=number)
        sandbox.kit.clock.advance(timedelta(minutes=1))
    return str(book.orders[number].transaction_id)


def share(sandbox: Sandbox, transaction_id: str, number: str = "PS20261111000001", amount: int = 500) -> ShareIntent:
    """Five yuan for the franchise."""
    part = Share(ReceiverKind.MERCHANT, FRANCHISE, amount, "门店佣金")
    return ShareIntent(hero_order(sandbox).appid, transaction_id, number, (part,), False)


def share_return(number: str = "RT20261111000001", amount: int = 200) -> ShareReturnIntent:
    """Two of them back."""
    return ShareReturnIntent("PS20261111000001", number, FRANCHISE, amount, "用户退款")


async def arrived(adapter: PaymentsAdapter, sandbox: Sandbox) -> str:
    """The franchise has its part; the payment's transaction_id."""
    transaction_id = await shared_payment(adapter, sandbox)
    await adapter.add_receiver(receiver(sandbox))
    made = await adapter.share(share(sandbox, transaction_id))
    if not made.finished:
        await act(sandbox, "settle_sharing", out_order_no=made.out_order_no)
    return transaction_id


async def _prepay_code(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.prepay_code(adapter.prepay_body(scanned(sandbox)))


async def _payment_by_id(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.payment_by_id(hero_order(sandbox).transaction_id)


async def _redirect(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    asked = refund_intent(sandbox)
    with behaving(sandbox):
        made = await adapter.refund(asked)
        await act(sandbox, "settle_refund", out_refund_no=asked.out_refund_no, status="ABNORMAL")
    return await adapter.redirect_refund(made.refund_id, asked.out_refund_no, BankCard(of_payer=False))


async def _send(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.send_coupon(coupon_send(sandbox))


async def _deactivate(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    coupon = hero_coupon(sandbox)
    return await adapter.deactivate_coupon(coupon.stock_id, coupon.code, "DEA0001", "发错")


async def _associate(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.associate_coupon(link(sandbox))


async def _disassociate(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    with behaving(sandbox):
        await adapter.associate_coupon(link(sandbox))
    return await adapter.disassociate_coupon(link(sandbox, "DIS0001"))


async def _send_cash(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.send_cash_coupon(cash_send(sandbox))


async def _cash_coupons(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    paid = hero_order(sandbox)
    return await adapter.cash_coupons(paid.payer_openid, paid.appid)


async def _cash_coupon(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    paid = hero_order(sandbox)
    with behaving(sandbox):
        coupon_id = await adapter.send_cash_coupon(cash_send(sandbox))
    return await adapter.cash_coupon(paid.payer_openid, paid.appid, coupon_id)


async def _cash_stocks(adapter: PaymentsAdapter, _sandbox: Sandbox) -> object:
    return await adapter.cash_stocks()


async def _cash_stock(adapter: PaymentsAdapter, _sandbox: Sandbox) -> object:
    return await adapter.cash_stock(STOCK)


async def _start(adapter: PaymentsAdapter, _sandbox: Sandbox) -> object:
    await adapter.start_cash_stock(NEW_STOCK)
    return None


async def _pause(adapter: PaymentsAdapter, _sandbox: Sandbox) -> object:
    await adapter.pause_cash_stock(STOCK)
    return None


async def _restart(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    with behaving(sandbox):
        await adapter.pause_cash_stock(STOCK)
    await adapter.restart_cash_stock(STOCK)
    return None


async def _transfer(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    return await adapter.send_transfer(transfer(sandbox))


async def _cancel(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    with behaving(sandbox):
        await adapter.send_transfer(transfer(sandbox))
    return await adapter.cancel_transfer("TB20261111000001")


async def _transfer_status(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    with behaving(sandbox):
        await adapter.send_transfer(transfer(sandbox))
    return await adapter.transfer_status("TB20261111000001")


async def _transfer_by_id(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    with behaving(sandbox):
        made = await adapter.send_transfer(transfer(sandbox))
    return await adapter.transfer_by_id(made.transfer_bill_no)


async def _add(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    await adapter.add_receiver(receiver(sandbox))
    return None


async def _delete(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    with behaving(sandbox):
        await adapter.add_receiver(receiver(sandbox))
    await adapter.delete_receiver(hero_order(sandbox).appid, ReceiverKind.MERCHANT, FRANCHISE)
    return None


async def _share(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    with behaving(sandbox):
        transaction_id = await shared_payment(adapter, sandbox)
    return await adapter.share(share(sandbox, transaction_id))


async def _sharing(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    with behaving(sandbox):
        transaction_id = await shared_payment(adapter, sandbox)
        made: Sharing = await adapter.share(share(sandbox, transaction_id))
    return await adapter.sharing(made.out_order_no, transaction_id)


async def _unfreeze(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    with behaving(sandbox):
        transaction_id = await shared_payment(adapter, sandbox)
    return await adapter.unfreeze(transaction_id, "UF20261111000001", "解冻")


async def _return(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    with behaving(sandbox):
        await arrived(adapter, sandbox)
    return await adapter.return_share(share_return())


async def _share_return(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    with behaving(sandbox):
        await arrived(adapter, sandbox)
        await adapter.return_share(share_return())
    return await adapter.share_return("RT20261111000001", "PS20261111000001")


async def _unshared(adapter: PaymentsAdapter, sandbox: Sandbox) -> object:
    with behaving(sandbox):
        transaction_id = await shared_payment(adapter, sandbox)
    return await adapter.unshared_amount(transaction_id)


def _write(name: str, run: Any, path: str, effect: str) -> Operation:
    return Operation(name, "idempotent", run, f"POST {path}", effect, 1)


def _read(name: str, run: Any, path: str) -> Operation:
    return Operation(name, "read", run, f"GET {path}")


OPERATIONS: Final = (
    _write("prepay_code", _prepay_code, f"{_ORDERS}/native", "order"),
    _read("payment_by_id", _payment_by_id, f"{_ORDERS}/id/*"),
    _write("redirect_refund", _redirect, f"{_REFUNDS}/*/apply-abnormal-refund", "refund_redirected"),
    _write("send_coupon", _send, f"{_COUPONS}/coupons/send", "coupon_taken"),
    _write("deactivate_coupon", _deactivate, f"{_COUPONS}/coupons/deactivate", "coupon_deactivated"),
    _write("associate_coupon", _associate, f"{_COUPONS}/coupons/associate", "coupon_link"),
    _write("disassociate_coupon", _disassociate, f"{_COUPONS}/coupons/disassociate", "coupon_unlink"),
    _write("send_cash_coupon", _send_cash, f"{_FAVOR}/users/*/coupons", "cash_coupon"),
    _read("cash_coupons", _cash_coupons, f"{_FAVOR}/users/*/coupons"),
    _read("cash_coupon", _cash_coupon, f"{_FAVOR}/users/*/coupons/*"),
    _read("cash_stocks", _cash_stocks, f"{_FAVOR}/stocks"),
    _read("cash_stock", _cash_stock, f"{_FAVOR}/stocks/*"),
    _write("start_cash_stock", _start, f"{_FAVOR}/stocks/*/start", "cash_stock_start"),
    _write("pause_cash_stock", _pause, f"{_FAVOR}/stocks/*/pause", "cash_stock_pause"),
    _write("restart_cash_stock", _restart, f"{_FAVOR}/stocks/*/restart", "cash_stock_restart"),
    _write("send_transfer", _transfer, _TRANSFERS, "transfer"),
    _write("cancel_transfer", _cancel, f"{_TRANSFERS}/out-bill-no/*/cancel", "transfer_cancel"),
    _read("transfer_status", _transfer_status, f"{_TRANSFERS}/out-bill-no/*"),
    _read("transfer_by_id", _transfer_by_id, f"{_TRANSFERS}/transfer-bill-no/*"),
    _write("add_receiver", _add, f"{_SHARING}/receivers/add", "receiver"),
    _write("delete_receiver", _delete, f"{_SHARING}/receivers/delete", "receiver_deleted"),
    _write("share", _share, f"{_SHARING}/orders", "sharing"),
    _read("sharing", _sharing, f"{_SHARING}/orders/*"),
    _write("unfreeze", _unfreeze, f"{_SHARING}/orders/unfreeze", "sharing"),
    _write("return_share", _return, f"{_SHARING}/return-orders", "share_return"),
    _read("share_return", _share_return, f"{_SHARING}/return-orders/*"),
    _read("unshared_amount", _unshared, f"{_SHARING}/transactions/*/amounts"),
)
