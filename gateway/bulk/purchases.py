"""Import of POS tickets and of orders of the past, each with its lines.

In CSV a row is a line, and the rows of one ticket stand together; in JSON lines an object is a ticket, with ``lines``.
Amounts are in yuan, as they stand on a receipt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from gateway.bulk.columns import Column, Columns, choice, code, instant, phone, signed_yuan, text, whole, yuan
from gateway.bulk.kinds import Commit, Counts, Item, handles
from gateway.bulk.people import NAMES
from gateway.bulk.reading import Fault, Row
from gateway.events.projections import imported, returned
from gateway.events.projections.imported import ImportedLine, ImportedOrder
from gateway.events.projections.returned import ImportedReturn
from gateway.events.projector import Evidence, Handle, Projector, phone_handle
from gateway.transactions.allocation import largest_remainder

_LINE: Final = (
    Column("sku", code(), "the brand's own code of the variant", required=True),
    Column("title", text(200), "title; the sku by default"),
    Column("quantity", whole(1, 100_000), "pieces", required=True),
    Column("list_amount", yuan, "list price × quantity, yuan", required=True),
    Column("line_discount", yuan, "discount of this line alone, yuan"),
    Column("category", text(80), "category (品类)"),
    Column("brand", text(80), "brand (品牌)"),
)
_ORDER: Final = (
    Column("number", code(), "number of the ticket or order (小票号, 订单号)", required=True),
    Column("system", code(), "the system that numbered it; `pos` or `orders` by default"),
    Column("created_at", instant, "when it was made (下单时间)", required=True),
    Column("payable", yuan, "what was to be paid, freight included (实收), yuan", required=True),
    Column("order_discount", yuan, "discount on the whole, shared among the lines, yuan"),
    Column("refunded", yuan, "what has gone back, yuan"),
    Column("refunded_at", instant, "when; needed with refunded"),
    Column("store", code(), "code of the store (门店)"),
    Column("guide", code(), "our id of the guide who is credited (导购)"),
    Column("campaign", code(), "our id of the campaign (营销活动)"),
    Column("mchid", code(), "merchant number at 微信支付, where it was paid there"),
    Column("out_trade_no", code(), "the merchant's number of that payment"),
    Column("transaction_id", code(), "微信支付's number of that payment"),
    Column("order_out_id", code(), "the order's number in yet another system of the brand"),
    *NAMES,
    Column("phone", phone, "手机号 as it was typed at the till: a hint that joins nobody until a shopper proves it"),
)
_STATES: Final = {state: state for state in ("UNPAID", "PAID", "SHIPPED", "COMPLETED", "CLOSED")}
_FORMS: Final = {form: form for form in ("FLAGSHIP", "GUIDE", "FISSION", "IN_STORE")}
_METHODS: Final = {method: method for method in ("EXPRESS", "PICKUP", "CITY", "VIRTUAL")}
_PAST: Final = (
    Column("state", choice(_STATES), "unpaid, paid, shipped, completed (by default) or closed"),
    Column("form", choice(_FORMS), "flagship (by default), guide, fission or in_store"),
    Column("method", choice(_METHODS), "express (by default), pickup, city or virtual"),
    Column("freight", yuan, "freight (运费), yuan"),
    Column("paid_at", instant, "when it was paid; created_at by default, unless it is unpaid or closed"),
    Column("completed_at", instant, "when it was completed"),
    Column("closed_at", instant, "when it was closed; created_at by default where the state is closed"),
    Column("receiver", text(60), "receiver's name (收货人)"),
    Column("receiver_city", text(40), "receiver's city"),
    Column("scene", code(), "scene (场景)"),
)
#: What a till writes with a minus where goods came back.
_SIGNED: Final = {
    column.name: replace(column, parse=whole(-100_000, 100_000) if column.name == "quantity" else signed_yuan)
    for column in (*_ORDER, *_LINE)
    if column.name in ("payable", "order_discount", "quantity", "list_amount", "line_discount")
}
_RETURN: Final = (
    Column("original", code(), "of a return (退货): number of the ticket by which it was bought, in the same system"),
    Column("refund_id", code(), "of a return: 微信支付's number of the refund, where the money went back there"),
)
_TICKET_LINE: Final = tuple(_SIGNED.get(column.name, column) for column in _LINE)
_TICKET: Final = (*(_SIGNED.get(column.name, column) for column in _ORDER), *_RETURN)
TICKET_COLUMNS: Final = Columns((*_TICKET, *_TICKET_LINE))
ORDER_COLUMNS: Final = Columns((*_ORDER, *_PAST, *_LINE))
_LINE_NAMES: Final = frozenset(column.name for column in _LINE)
_NO_LINE: Final = Fault("JSON_INVALID", "lines must be objects", "lines")
#: Rows of one order that are held in memory.
MAX_ROWS: Final = 1000
_Record = ImportedOrder | ImportedReturn
_FULFILMENT: Final = {"UNPAID": "PENDING", "PAID": "PENDING", "SHIPPED": "SHIPPED", "COMPLETED": "RECEIVED"}


@dataclass(frozen=True, slots=True)
class _Parsed:
    """Rows of one order so far: its own values, those of its lines, and the first fault."""

    number: object
    rows: list[Row]
    values: dict[str, Any]
    lines: list[dict[str, Any]]
    faults: list[tuple[Row, Fault]]


class Purchases:
    """Kind of import ``tickets`` (source POS) or ``orders`` (source IMPORT)."""

    def __init__(self, name: str, columns: Columns, projector: Projector, source: str) -> None:
        self._name = name
        self._columns = columns
        self._projector = projector
        self._source = source
        self._own = Columns(column for column in columns.all if column.name not in _LINE_NAMES)
        self._line = Columns(_TICKET_LINE if source == "POS" else _LINE)

    @property
    def name(self) -> str:
        """See ``Kind``."""
        return self._name

    @property
    def columns(self) -> Columns:
        """See ``Kind``."""
        return self._columns

    def prepare(self, records: Sequence[_Record]) -> Sequence[_Record]:
        """Nothing: their people go through the graph."""
        return records

    async def write(self, prepared: Sequence[_Record], run: str, commit: Commit) -> None:
        """See ``Kind``."""
        prepared = await imported.unless_erased(self._projector, prepared)
        orders = [each for each in prepared if isinstance(each, ImportedOrder)]
        returns = [each for each in prepared if isinstance(each, ImportedReturn)]
        evidence: list[Evidence] = imported.evidence(prepared)
        async with self._projector.batch(evidence) as batch:
            people, back, new, changed = imported.people(batch, prepared), imported.NOTHING, 0, 0
            if self._source == "POS":
                new, changed, back = await returned.write(batch, returns, orders, run, people)
            created, updated = await imported.write(batch, orders, run, people, back)
            await commit(batch.connection, Counts(created + new, updated + changed))

    def items(self, rows: Iterator[Row]) -> Iterator[Item]:
        """Rows that follow one another and have one number are one order; a fault in one of them rejects all."""
        group: _Parsed | None = None
        for row in rows:
            parsed = self._parse(row)
            if group is None or parsed.number is None or parsed.number != group.number:
                if group is not None:
                    yield self._item(group)
                group = parsed
                continue
            self._join(group, parsed, row)
            if len(group.rows) == MAX_ROWS:
                group.faults.append((row, Fault("TOO_MANY_LINES", f"an order has fewer than {MAX_ROWS} rows")))
                yield self._item(group)
                group = None
        if group is not None:
            yield self._item(group)

    def _parse(self, row: Row) -> _Parsed:
        if row.fault is not None:
            return _Parsed(None, [row], {}, [], [(row, row.fault)])
        own = {name: value for name, value in row.values.items() if name not in _LINE_NAMES and name != "lines"}
        number = (own.get("system"), own["number"]) if own.get("number") else None
        values = self._own.parse(own)
        if isinstance(values, Fault):
            return _Parsed(number, [row], {}, [], [(row, values)])
        lines: list[dict[str, Any]] = []
        for given in self._given_lines(row):
            line = self._line.parse(given) if isinstance(given, dict) else _NO_LINE
            if isinstance(line, Fault):
                return _Parsed(number, [row], values, [], [(row, line)])
            lines.append(line)
        faults = [] if lines else [(row, Fault("VALUE_MISSING", "an order has at least one line", "lines"))]
        return _Parsed(number, [row], values, lines, faults)

    def _given_lines(self, row: Row) -> Sequence[Any]:
        nested = row.values.get("lines")
        if isinstance(nested, list):
            return nested
        return [{name: value for name, value in row.values.items() if name in _LINE_NAMES}]

    def _join(self, group: _Parsed, parsed: _Parsed, row: Row) -> None:
        group.rows.append(row)
        group.lines.extend(parsed.lines)
        group.faults.extend(parsed.faults)
        for name, value in parsed.values.items():
            if group.values.setdefault(name, value) != value:
                fault = Fault("ROWS_DISAGREE", "another row of the same number says otherwise", name)
                group.faults.append((row, fault))

    def _item(self, group: _Parsed) -> Item:
        if group.faults:
            at, fault = group.faults[0]
            return Item(tuple(group.rows), fault=fault, at=at)
        order = self._record(group.values, group.lines)
        if isinstance(order, Fault):
            return Item(tuple(group.rows), fault=order, at=group.rows[0])
        return Item(tuple(group.rows), order)

    def _record(self, values: dict[str, Any], lines: list[dict[str, Any]]) -> _Record | Fault:
        """An order, or the return of one: then every amount has a minus, and so do the pieces."""
        if values["payable"] >= 0 and any(line["quantity"] > 0 for line in lines):
            for name in ("original", "refund_id"):
                if name in values:
                    return Fault("SIGNS_MIXED", "only a return, whose payable is below zero, has this", name)
            return _mixed(values, lines) or self._order(values, lines)
        turned = {name: -value if name in _SIGNED else value for name, value in values.items()}
        turned_lines = [{name: -v if name in _SIGNED else v for name, v in line.items()} for line in lines]
        return _mixed(turned, turned_lines) or self._return(turned, turned_lines)

    def _return(self, values: dict[str, Any], given: list[dict[str, Any]]) -> ImportedReturn | Fault:
        if "refunded" in values:
            return Fault("SIGNS_MIXED", "a return is the refund; leave refunded out", "refunded")
        if "refund_id" in values and "mchid" not in values:
            return Fault("VALUE_MISSING", "a number of a refund needs the merchant that it is of", "mchid")
        lines = _lines(given, values.get("order_discount", 0))
        if isinstance(lines, Fault):
            return lines
        fault = _unequal(lines, 0, values["payable"])
        if fault is not None:
            return fault
        plain: dict[str, Any] = {name: values.get(name) for name in _PLAIN_OF_RETURN}
        return ImportedReturn(
            account=values.get("system", "pos"),
            number=values["number"],
            lines=tuple(lines),
            amount=values["payable"],
            created_at=values["created_at"],
            handles=_customer(values, self._projector.open_platform),
            **plain,
        )

    def _order(self, values: dict[str, Any], given: list[dict[str, Any]]) -> ImportedOrder | Fault:
        freight, payable = values.get("freight", 0), values["payable"]
        lines = _lines(given, values.get("order_discount", 0))
        if isinstance(lines, Fault):
            return lines
        fault = _unequal(lines, freight, payable)
        if fault is not None:
            return fault
        refunded, refunded_at = values.get("refunded", 0), values.get("refunded_at")
        if refunded > payable:
            return Fault("AMOUNT_INVALID", "more has gone back than was paid", "refunded")
        if refunded and refunded_at is None:
            return Fault("VALUE_MISSING", "a refund needs its instant", "refunded_at")
        is_pos = self._source == "POS"
        state = values.get("state", "COMPLETED")
        created_at: datetime = values["created_at"]
        paid = state not in ("UNPAID", "CLOSED")
        paid_at = values.get("paid_at") or (created_at if paid else None)
        if state == "UNPAID" and paid_at is not None:
            return Fault("CHOICE_INVALID", "an unpaid order has no paid_at", "state")
        plain = {name: values.get(name) for name in _PLAIN}
        return ImportedOrder(
            source=self._source,
            account=values.get("system", "pos" if is_pos else "orders"),
            number=values["number"],
            form=values.get("form", "IN_STORE" if is_pos else "FLAGSHIP"),
            state=state,
            lines=tuple(lines),
            list_total=sum(line.list_amount for line in lines),
            discount=sum(line.discount for line in lines),
            freight=freight,
            payable=payable,
            refunded=refunded,
            created_at=created_at,
            paid_at=paid_at,
            closed_at=values.get("closed_at") or (created_at if state == "CLOSED" else None),
            completed_at=values.get("completed_at") if not is_pos else None,
            refunded_at=refunded_at,
            method=values.get("method", "PICKUP" if is_pos else "EXPRESS"),
            fulfilment_state=_FULFILMENT.get(state, "CANCELLED"),
            handles=_customer(values, self._projector.open_platform),
            out_id=values.get("order_out_id"),
            **plain,
        )


def _unequal(lines: Sequence[ImportedLine], freight: int, payable: int) -> Fault | None:
    total = sum(line.paid for line in lines) + freight
    if total == payable:
        return None
    return Fault(
        "LINES_DO_NOT_SUM",
        f"the lines less discounts and with freight make {total / 100:.2f}, not payable; all rows of one number"
        " must stand together",
        "payable",
    )


def _mixed(values: dict[str, Any], lines: list[dict[str, Any]]) -> Fault | None:
    """What has another sign than the ticket: goods sold and goods taken back are two tickets."""
    for each in (values, *lines):
        for name in _SIGNED:
            if each.get(name, 0) < 0 or (name == "quantity" and each.get(name) == 0):
                return Fault(
                    "SIGNS_MIXED",
                    "amounts and pieces are all without a minus, or of a return all with one; goods sold and goods"
                    " taken back need a number each",
                    name,
                )
    return None


_PLAIN_OF_RETURN: Final = ("original", "store", "guide", "campaign", "mchid", "refund_id")
_PLAIN: Final = (
    *("store", "guide", "campaign", "scene", "receiver", "receiver_city", "mchid", "out_trade_no", "transaction_id"),
)


def _customer(values: dict[str, Any], open_platform: str) -> tuple[Handle, ...]:
    """The customer's names; a phone that was typed at the till is a hint, for where there is nothing else."""
    names = handles(values, open_platform)
    if not names and "phone" in values:
        names.append(phone_handle(values["phone"], "WEAK"))
    return tuple(names)


def _lines(given: list[dict[str, Any]], order_discount: int) -> list[ImportedLine] | Fault:
    """Lines with their shares of the order's discount, to the fen."""
    nets = [line["list_amount"] - line.get("line_discount", 0) for line in given]
    if min(nets) < 0:
        return Fault("AMOUNT_INVALID", "the discount is greater than the amount", "line_discount")
    if order_discount > sum(nets):
        return Fault("AMOUNT_INVALID", "the discount is greater than the amounts of all lines", "order_discount")
    shares = largest_remainder(order_discount, nets)
    return [
        ImportedLine(
            sku=line["sku"],
            title=line.get("title", line["sku"]),
            quantity=line["quantity"],
            list_amount=line["list_amount"],
            discount=line["list_amount"] - net + share,
            paid=net - share,
            category=line.get("category"),
            brand=line.get("brand"),
        )
        for line, net, share in zip(given, nets, shares, strict=True)
    ]
