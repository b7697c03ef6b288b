"""What the stock book says of a sku at one place."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from gateway.resolvers.stock import LevelRecord
from gateway.schema.scalars import Long


@strawberry.enum(description="Where pieces may be sold (渠道).")
class StockChannel(Enum):
    """The channels of the book."""

    MINI_PROGRAM = strawberry.enum_value("MINI_PROGRAM", description="The brand's own mini-programs (小程序).")
    STORE = strawberry.enum_value("STORE", description="The WeChat store (微信小店).")
    POS = strawberry.enum_value("POS", description="The till (收银台).")


@strawberry.type(description="Pieces of a sku at one place, for one channel (库存).")
class StockLevel:
    """库存."""

    location: str = strawberry.field(description="The store's code, or CENTRAL for the warehouse (库位).")
    channel: StockChannel = strawberry.field(description="Where they may be sold.")
    on_hand: Long = strawberry.field(description="Pieces on the shelf (在库).")
    reserved: Long = strawberry.field(description="Of these, promised to orders that are not paid yet (预占).")
    free: Long = strawberry.field(description="What can be sold now (可售): on hand less reserved.")
    allotted: Long = strawberry.field(description="Pieces given to a shop of the platform (已分配).")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    @classmethod
    def of(cls, record: LevelRecord) -> StockLevel:
        return cls(
            location=record.location,
            channel=StockChannel[record.channel],
            on_hand=Long(record.on_hand),
            reserved=Long(record.reserved),
            free=Long(record.on_hand - record.reserved),
            allotted=Long(record.allotted),
            updated_at=record.updated_at,
        )
