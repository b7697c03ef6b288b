"""What the stock book says of a sku at one place."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from gateway.resolvers import stock
from gateway.resolvers.stock import LevelRecord
from gateway.schema.info import Info
from gateway.schema.scalars import Long


@strawberry.enum(description="Where pieces may be sold (渠道).")
class StockChannel(Enum):
    """The channels of the book."""

    MINI_PROGRAM = strawberry.enum_value("MINI_PROGRAM", description="The brand's own mini-programs (小程序).")
    STORE = strawberry.enum_value("STORE", description="The WeChat store (微信小店).")
    POS = strawberry.enum_value("POS", description="The till (收银台).")


@strawberry.type(description="Pieces of one place that a shop of the platform may sell (渠道库存分配).")
class StockAllotment:
    """渠道库存."""

    appid: str = strawberry.field(description="The shop's account (微信小店).")
    pieces: Long = strawberry.field(description="Of these pieces, not sold as far as the shop's book is settled.")
    settled_at: datetime | None = strawberry.field(
        description="Up to when the shop's book (库存流水) is entered here; null before the first time."
    )


@strawberry.type(description="Pieces of a sku at one place, for one channel (库存).")
class StockLevel:
    """库存."""

    sku: strawberry.Private[str]
    location: str = strawberry.field(description="The store's code, or CENTRAL for the warehouse (库位).")
    channel: StockChannel = strawberry.field(description="Where they may be sold.")
    on_hand: Long = strawberry.field(description="Pieces on the shelf (在库).")
    reserved: Long = strawberry.field(description="Of these, promised to orders that are not paid yet (预占).")
    free: Long = strawberry.field(description="What can be sold now (可售): on hand less reserved and allotted.")
    allotted: Long = strawberry.field(description="Of those on hand, given to shops of the platform (已分配).")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    @strawberry.field(description="Which shop may sell how many of the allotted pieces, by appid.")
    async def allotments(self, info: Info) -> list[StockAllotment]:
        if self.channel is not StockChannel.MINI_PROGRAM:
            return []
        found = await info.context.loaders.load(stock.allotments, self.sku)
        return [
            StockAllotment(appid=each.appid, pieces=Long(each.pieces), settled_at=each.settled_at)
            for each in found
            if each.location == self.location
        ]

    @classmethod
    def of(cls, record: LevelRecord) -> StockLevel:
        return cls(
            sku=record.sku,
            location=record.location,
            channel=StockChannel[record.channel],
            on_hand=Long(record.on_hand),
            reserved=Long(record.reserved),
            free=Long(record.on_hand - record.reserved - record.allotted),
            allotted=Long(record.allotted),
            updated_at=record.updated_at,
        )
