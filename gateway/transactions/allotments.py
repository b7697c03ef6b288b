"""What shops of the platform may sell of our pieces (渠道库存): the book behind ``stock.allotted``.

A change takes its pieces in our book first, then is sent, then ends: so no piece is offered twice at any moment.
One change at a time per shop and sku, so that the platform's book, which knows no key of ours, can be asked for it.
``stock.allotted`` of a place is the sum of its allotments and of what a pending change holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.mini_program_store import StockMovement
from gateway.database.engine import Database
from gateway.database.facts import Fact
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_new
from gateway.database.tables.stock import (
    stock,
    store_allotment,
    store_stock,
    store_stock_change,
    store_stock_movement,
)
from gateway.events.projections import mini_program_store
from gateway.events.projector import Batch
from gateway.transactions.stock import CENTRAL, CHANNEL, FREE

#: How far the platform's clock may be from ours.
SKEW: Final = timedelta(minutes=10)
TOOL: Final = "mini_program_store"


class Held(StrEnum):
    """How beginning a change went."""

    HELD = "HELD"
    #: Another change of this sku at this shop is under way.
    BUSY = "BUSY"
    #: There are not as many pieces.
    SHORT = "SHORT"


class Change(msgspec.Struct, frozen=True):
    """Pieces that a shop may sell from now on (more than 0), or not any more. ``location``: a store, or CENTRAL."""

    key: str
    saga: str
    appid: str
    sku: str
    product_id: str
    sku_id: str
    location: str
    delta: int


def name_of(movement: StockMovement) -> str:
    """The platform's book has no numbers. Alike are only repetitions: the counts before and after are a chain."""
    second, order = int(movement.at.timestamp()), movement.order_id or ""
    return f"{second}:{movement.kind}:{movement.before}:{movement.after}:{order}"


# Changes ------------------------------------------------------------------------------------------


async def change_of(database: Database, key: str) -> AnyRow | None:
    """A change's row."""
    return await database.one(select(store_stock_change).where(store_stock_change.c.key == key))


async def hold(connection: AsyncConnection, change: Change, known: Sequence[str], now: datetime) -> Held:
    """Begin a change. Unless it is HELD the caller rolls back.

    ``known``: names of the movements in the platform's book that cannot be this change.
    """
    row: dict[str, object] = {
        "appid": change.appid, "sku": change.sku, "product_id": change.product_id, "sku_id": change.sku_id,
        "changing": None, "since": now.replace(microsecond=0), "settled_at": None,
    }  # fmt: skip
    await insert_new(connection, store_stock, [row], keys=("appid", "sku"))
    claimed = await connection.execute(
        update(store_stock)
        .where(store_stock.c.appid == change.appid, store_stock.c.sku == change.sku, store_stock.c.changing.is_(None))
        .values(changing=change.key, product_id=change.product_id, sku_id=change.sku_id)
    )
    if claimed.rowcount == 0:
        return Held.BUSY
    place = {"appid": change.appid, "sku": change.sku, "location": change.location}
    await insert_new(connection, store_allotment, [place | {"pieces": 0}], keys=tuple(place))
    taken = (
        await _of_the_place(connection, change.sku, change.location, change.delta, now)
        if change.delta > 0
        else await _of_the_shop(connection, change.appid, change.sku, change.location, change.delta)
    )
    if not taken:
        return Held.SHORT
    # One that was refused may be tried again.
    await connection.execute(delete(store_stock_change).where(store_stock_change.c.key == change.key))
    await connection.execute(
        store_stock_change.insert().values(
            key=change.key,
            saga=change.saga,
            **place,
            delta=change.delta,
            state="PENDING",
            known=list(known),
            asked_at=now,
            ended_at=None,
            movement=None,
        )
    )
    return Held.HELD


async def ask_again(connection: AsyncConnection, key: str, known: Sequence[str], now: datetime) -> None:
    """It did not happen, and is sent once more."""
    await connection.execute(
        update(store_stock_change)
        .where(store_stock_change.c.key == key, store_stock_change.c.state == "PENDING")
        .values(known=list(known), asked_at=now)
    )


async def finish(batch: Batch, key: str) -> None:
    """The platform did it. Does nothing for one that has ended."""
    row = await _end(batch, key, "DONE")
    if row is None:
        return
    connection, now = batch.connection, batch.as_of
    if row.delta > 0:
        await _of_the_shop(connection, row.appid, row.sku, row.location, row.delta)
    else:
        await _of_the_place(connection, row.sku, row.location, row.delta, now)
    await mini_program_store.stock_changed(connection, row.appid, row.sku, row.delta)
    batch.facts.append(
        _fact("stock.allotted", now, key, row.appid, row.sku, row.delta, row.location, transaction=row.saga)
    )


async def release(batch: Batch, key: str) -> None:
    """The platform did not do it. Does nothing for one that has ended."""
    row = await _end(batch, key, "REFUSED")
    if row is None:
        return
    if row.delta > 0:
        await _of_the_place(batch.connection, row.sku, row.location, -row.delta, batch.as_of)
    else:
        await _of_the_shop(batch.connection, row.appid, row.sku, row.location, -row.delta)


async def _end(batch: Batch, key: str, state: str) -> AnyRow | None:
    connection, changes = batch.connection, store_stock_change
    ended = await connection.execute(
        update(changes)
        .where(changes.c.key == key, changes.c.state == "PENDING")
        .values(state=state, ended_at=batch.as_of)
        .returning(changes)
    )
    row: AnyRow | None = ended.one_or_none()
    if row is not None:
        await connection.execute(update(store_stock).where(store_stock.c.changing == key).values(changing=None))
    return row


async def level(database: Database, change: Change) -> tuple[int, int]:
    """(the shop's pieces of this place, what is free there) once a change that is pending is done."""
    pieces = await database.one(
        select(store_allotment.c.pieces).where(
            store_allotment.c.appid == change.appid,
            store_allotment.c.sku == change.sku,
            store_allotment.c.location == change.location,
        )
    )
    free = await database.one(
        select(FREE.label("pieces")).where(
            stock.c.sku == change.sku, stock.c.location == change.location, stock.c.channel == CHANNEL
        )
    )
    row = await change_of(database, change.key)
    pending = row is not None and row.state == "PENDING"
    coming, going = (max(change.delta, 0), max(-change.delta, 0)) if pending else (0, 0)
    return (int(pieces.pieces) if pieces else 0) + coming, (int(free.pieces) if free else 0) + going


async def _of_the_place(connection: AsyncConnection, sku: str, location: str, delta: int, now: datetime) -> bool:
    """Change what a place has allotted; False, and nothing changed, when fewer are free."""
    done = await connection.execute(
        update(stock)
        .where(stock.c.sku == sku, stock.c.location == location, stock.c.channel == CHANNEL, delta <= FREE)
        .values(allotted=stock.c.allotted + delta, updated_at=now)
    )
    return done.rowcount == 1


async def _of_the_shop(connection: AsyncConnection, appid: str, sku: str, location: str, delta: int) -> bool:
    """Change what a shop has of a place; False, and nothing changed, when it has fewer."""
    of = store_allotment.c
    done = await connection.execute(
        update(store_allotment)
        .where(of.appid == appid, of.sku == sku, of.location == location, of.pieces + delta >= 0)
        .values(pieces=of.pieces + delta)
    )
    return done.rowcount == 1


# Settling -----------------------------------------------------------------------------------------


async def settle(batch: Batch, appid: str, sku: str, movements: Sequence[StockMovement]) -> None:
    """Enter what moved at the platform, each movement once however often it is read, and up to now.

    Does nothing while a change is under way: whose its movement is will be known when it has ended.
    """
    connection = batch.connection
    shop = (
        await connection.execute(
            select(store_stock)
            .where(store_stock.c.appid == appid, store_stock.c.sku == sku, store_stock.c.changing.is_(None))
            .with_for_update()
        )
    ).one_or_none()
    if shop is None:
        return
    named = {name_of(each): each for each in movements if each.at >= shop.since and each.delta}
    book = store_stock_movement
    for name, each in sorted(named.items(), key=lambda pair: pair[1].at):
        known = select(book.c.movement).where(
            book.c.appid == appid, book.c.sku_id == shop.sku_id, book.c.movement == name
        )
        if (await connection.execute(known)).one_or_none() is None:
            await _enter(batch, shop, name, each)
    await connection.execute(
        update(store_stock).where(store_stock.c.appid == appid, store_stock.c.sku == sku).values(settled_at=batch.as_of)
    )


async def _enter(batch: Batch, shop: AnyRow, name: str, movement: StockMovement) -> None:
    taken: Mapping[str, int] = {}
    if movement.order_id:
        cause, taken = "ORDER", await _of_order(batch, shop, movement.order_id, movement, name)
    elif await _ours(batch.connection, shop, name, movement):
        cause = "ALLOTTED"
    else:
        cause = "MANUAL"
        batch.facts.append(
            _fact("stock.differs", movement.at, f"{shop.sku_id}:{name}", shop.appid, shop.sku, movement.delta)
        )
    await batch.connection.execute(
        store_stock_movement.insert().values(
            appid=shop.appid,
            sku_id=shop.sku_id,
            movement=name,
            sku=shop.sku,
            moved_at=movement.at,
            delta=movement.delta,
            cause=cause,
            order_id=movement.order_id,
            taken=dict(taken),
        )
    )


async def _ours(connection: AsyncConnection, shop: AnyRow, name: str, movement: StockMovement) -> bool:
    """Whether a change of ours made it; then that change is no other movement's."""
    changes = store_stock_change
    rows = await connection.execute(
        select(changes.c.key, changes.c.known)
        .where(changes.c.appid == shop.appid, changes.c.sku == shop.sku, changes.c.delta == movement.delta)
        .where(changes.c.state == "DONE", changes.c.movement.is_(None))
        .where(changes.c.asked_at <= movement.at + SKEW, changes.c.ended_at >= movement.at - SKEW)
        .order_by(changes.c.asked_at, changes.c.key)
    )
    for row in rows:
        if name not in row.known:
            await connection.execute(update(changes).where(changes.c.key == row.key).values(movement=name))
            return True
    return False


async def _of_order(batch: Batch, shop: AnyRow, order: str, movement: StockMovement, name: str) -> Mapping[str, int]:
    """Bring what an order has of our pieces to what it has of the platform's, in whatever order that is read.

    Returns what moves now, by location. Pieces that were never allotted are nowhere to be taken from.
    """
    book = store_stock_movement
    rows = await batch.connection.execute(
        select(book.c.delta, book.c.taken).where(
            book.c.appid == shop.appid, book.c.sku_id == shop.sku_id, book.c.order_id == order
        )
    )
    sold, has = -movement.delta, Counter[str]()
    for row in rows:
        sold -= row.delta
        has.update(row.taken)
    more = max(sold, 0) - has.total()
    moves = await _take(batch.connection, shop, more) if more > 0 else _give_back(has, -more)
    # In one order for all shops: two that settle a sku at once must not wait for each other's places.
    for location, pieces in sorted(moves.items()):
        await _of_the_shop(batch.connection, shop.appid, shop.sku, location, -pieces)
        await batch.connection.execute(
            update(stock)
            .where(stock.c.sku == shop.sku, stock.c.location == location, stock.c.channel == CHANNEL)
            .values(on_hand=stock.c.on_hand - pieces, allotted=stock.c.allotted - pieces, updated_at=batch.as_of)
        )
        kind = "stock.sold" if pieces > 0 else "stock.returned"
        key = f"{shop.sku_id}:{name}:{location}"
        batch.facts.append(_fact(kind, movement.at, key, shop.appid, shop.sku, -pieces, location, order=order))
    short = more - sum(moves.values())
    if short > 0:
        key = f"{shop.sku_id}:{name}"
        batch.facts.append(_fact("stock.differs", movement.at, key, shop.appid, shop.sku, -short, order=order))
    return moves


async def _take(connection: AsyncConnection, shop: AnyRow, pieces: int) -> Mapping[str, int]:
    """Which places' allotments a sale is of: the warehouse's first, then of whoever has most."""
    of = store_allotment.c
    rows = await connection.execute(
        select(of.location, of.pieces)
        .where(of.appid == shop.appid, of.sku == shop.sku, of.pieces > 0)
        .order_by(case((of.location == CENTRAL, 0), else_=1), of.pieces.desc(), of.location)
    )
    found: dict[str, int] = {}
    for row in rows:
        found[row.location] = min(int(row.pieces), pieces)
        pieces -= found[row.location]
        if pieces == 0:
            break
    return found


def _give_back(has: Mapping[str, int], pieces: int) -> Mapping[str, int]:
    """To where they came from."""
    found: dict[str, int] = {}
    for location, held in sorted(has.items()):
        if pieces and held:
            found[location] = -min(held, pieces)
            pieces += found[location]
    return found


async def differing(
    database: Database, appid: str, begin: datetime, end: datetime
) -> tuple[Mapping[str, int], Sequence[tuple[str, str, int, int]]]:
    """What moved at a shop between two instants and was not of our pieces, or not ours to move.

    Returns the sum of what was changed by hand, by sku; and (sku, order, pieces sold, of these ours) of each order
    that sold more than was allotted.
    """
    book = store_stock_movement
    window = (book.c.appid == appid, book.c.moved_at >= begin, book.c.moved_at < end)
    by_hand = await database.fetch(
        select(book.c.sku, func.sum(book.c.delta).label("delta"))
        .where(*window, book.c.cause == "MANUAL")
        .group_by(book.c.sku)
        .order_by(book.c.sku)
    )
    orders = select(book.c.order_id).where(*window, book.c.cause == "ORDER")
    rows = await database.fetch(
        select(book.c.sku, book.c.order_id, book.c.delta, book.c.taken)
        .where(book.c.appid == appid, book.c.order_id.in_(orders))
        .order_by(book.c.order_id, book.c.sku)
    )
    sold, ours = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in rows:
        sold[row.sku, row.order_id] -= row.delta
        ours[row.sku, row.order_id] += sum(row.taken.values())
    short = [(*place, sold[place], ours[place]) for place in sold if sold[place] > ours[place]]
    return {row.sku: int(row.delta) for row in by_hand if row.delta}, short


def _fact(
    kind: str, at: datetime, key: str, appid: str, sku: str, quantity: int, location: str = "", *,
    order: str | None = None, transaction: str | None = None,
) -> Fact:  # fmt: skip
    return Fact(
        kind=kind,
        occurred_at=at,
        source="own" if transaction else "poll",
        source_key=key,
        account=appid,
        tool=TOOL,
        store=None if location in {"", CENTRAL} else location,
        order_ref=None if order is None else f"STORE:{appid}:{order}",
        line=sku,
        quantity=quantity,
        payload={"location": location, "transaction": transaction} if transaction else {"location": location},
    )
