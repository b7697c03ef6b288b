"""The schema of the execution benchmark in Strawberry: ours and plain Strawberry execute this very object.

Leaves are plain attributes of the types' instances, which stand in memory. Each branch of a member is an awaitable
resolver with arguments that asks a loader; context is whatever has ``loaders.load(batch, key)``.
"""

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from benchmarks.execution import data as source
from gateway.schema.scalars import CONFIG, Long


@strawberry.type
class Money:
    amount: Long
    currency: str


@strawberry.enum
class Level(enum.Enum):
    SILVER = "silver"
    GOLD = "gold"


@strawberry.enum
class Scene(enum.Enum):
    QR_CODE = "qr"
    SEARCH = "search"
    STORE = "store"


@strawberry.enum
class PaymentState(enum.Enum):
    SUCCESS = "success"
    REFUND = "refund"


@strawberry.enum
class OrderSource(enum.Enum):
    MINI_PROGRAM = 1
    STORE = 2
    POS = 3


@strawberry.enum
class OrderState(enum.Enum):
    PAID = 10
    SHIPPED = 20
    COMPLETED = 30


@strawberry.enum
class Category(enum.Enum):
    OUTDOOR = "outdoor"
    CITY = "city"
    KIDS = "kids"


@strawberry.type
class Tag:
    name: str


@strawberry.type
class OfficialAccount:
    subscribed: bool
    subscribed_at: datetime | None
    scene: Scene
    tags: list[Tag]


@strawberry.type
class Payment:
    id: strawberry.ID
    state: PaymentState
    amount: Money
    paid_at: datetime | None


@strawberry.type
class Item:
    title: str
    sku: str
    quantity: int
    gift: bool
    paid: Money


@strawberry.type
class Express:
    carrier: str
    tracking: str


@strawberry.type
class Pickup:
    store: str
    code: str


Fulfilment = Annotated[Express | Pickup, strawberry.union("Fulfilment")]


@strawberry.type
class Order:
    id: strawberry.ID
    source: OrderSource
    state: OrderState
    created_at: datetime
    payable: Money
    items: list[Item]
    fulfilment: Fulfilment


@strawberry.interface
class Touchpoint:
    at: datetime


@strawberry.type
class AdClick(Touchpoint):
    ad: str
    campaign: str | None


@strawberry.type
class Scan(Touchpoint):
    scene: Scene
    store: str


@strawberry.type
class File:
    key: str
    size: Long

    @strawberry.field
    def url(self, expires_in: int) -> str:
        return f"https://files.example/{self.key}?expires={expires_in}"


@strawberry.type
class Participation:
    activation: str
    property: str
    collected: int
    total: int
    progress: float


@strawberry.type
class Contact:
    guide: str
    remark: str | None
    tags: list[str]


@strawberry.type
class Review:
    id: strawberry.ID
    rating: int
    title: str
    author: str | None
    posted_at: datetime


@strawberry.type
class Product:
    id: strawberry.ID
    title: str
    category: Category
    price: Money
    reviews: list[Review]


@strawberry.type
class Member:
    id: strawberry.ID
    name: str
    level: Level
    joined_at: datetime

    @strawberry.field
    async def official_account(self, info: Info, app: str) -> OfficialAccount | None:
        return await info.context.loaders.load(official_account_batch, (self.id, app))

    @strawberry.field
    async def payments(self, info: Info, first: int = 20, state: PaymentState | None = None) -> list[Payment]:
        return await info.context.loaders.load(payments_batch, (self.id, first, state))

    @strawberry.field
    async def orders(self, info: Info, first: int = 20) -> list[Order]:
        return await info.context.loaders.load(orders_batch, (self.id, first))

    @strawberry.field
    async def touchpoints(self, info: Info, first: int = 20, since: datetime | None = None) -> list[Touchpoint]:
        return await info.context.loaders.load(touchpoints_batch, (self.id, first, since))

    @strawberry.field
    async def files(self, info: Info, first: int = 20) -> list[File]:
        return await info.context.loaders.load(files_batch, (self.id, first))

    @strawberry.field
    async def participations(self, info: Info, first: int = 20) -> list[Participation]:
        return await info.context.loaders.load(participations_batch, (self.id, first))

    @strawberry.field
    async def contacts(self, info: Info, first: int = 20) -> list[Contact]:
        return await info.context.loaders.load(contacts_batch, (self.id, first))


@strawberry.type
class Query:
    @strawberry.field
    async def member(self, info: Info, id: strawberry.ID) -> Member | None:  # noqa: A002 — the argument's name
        return await info.context.loaders.load(member_batch, id)

    @strawberry.field
    def products(self, first: int) -> list[Product]:
        return memory().products[:first]


def instant(text: str | None) -> datetime | None:
    """An aware instant, or None."""
    return None if text is None else datetime.fromisoformat(text)


def _money(values: dict[str, Any]) -> Money:
    return Money(**values)


def _order(values: dict[str, Any]) -> Order:
    kinds = {"Express": Express, "Pickup": Pickup}
    fulfilment = dict(values["fulfilment"])
    return Order(
        id=values["id"],
        source=OrderSource[values["source"]],
        state=OrderState[values["state"]],
        created_at=instant(values["createdAt"]),
        payable=_money(values["payable"]),
        items=[Item(**{**item, "paid": _money(item["paid"])}) for item in values["items"]],
        fulfilment=kinds[fulfilment.pop("__typename")](**fulfilment),
    )


def _touchpoint(values: dict[str, Any]) -> Touchpoint:
    at = instant(values["at"])
    if values["__typename"] == "Scan":
        return Scan(at=at, scene=Scene[values["scene"]], store=values["store"])
    return AdClick(at=at, ad=values["ad"], campaign=values["campaign"])


class Memory:
    """The instances, made once."""

    def __init__(self) -> None:
        values = source.data()
        one = values["member"]
        account = one["officialAccount"]
        self.member = Member(
            id=one["id"], name=one["name"], level=Level[one["level"]], joined_at=instant(one["joinedAt"])
        )
        self.official_account = OfficialAccount(
            subscribed=account["subscribed"],
            subscribed_at=instant(account["subscribedAt"]),
            scene=Scene[account["scene"]],
            tags=[Tag(**tag) for tag in account["tags"]],
        )
        self.payments = [
            Payment(
                id=p["id"], state=PaymentState[p["state"]], amount=_money(p["amount"]), paid_at=instant(p["paidAt"])
            )
            for p in one["payments"]
        ]
        self.orders = [_order(order) for order in one["orders"]]
        self.touchpoints = [_touchpoint(point) for point in one["touchpoints"]]
        self.files = [File(**file) for file in one["files"]]
        self.participations = [Participation(**p) for p in one["participations"]]
        self.contacts = [Contact(**c) for c in one["contacts"]]
        self.products = [
            Product(
                id=p["id"],
                title=p["title"],
                category=Category[p["category"]],
                price=_money(p["price"]),
                reviews=[
                    Review(
                        id=r["id"],
                        rating=r["rating"],
                        title=r["title"],
                        author=r["author"],
                        posted_at=instant(r["postedAt"]),
                    )
                    for r in p["reviews"]
                ],
            )
            for p in values["products"]
        ]


_made: list[Memory] = []


def memory() -> Memory:
    """The data, made on first use."""
    if not _made:
        _made.append(Memory())
    return _made[0]


async def member_batch(context: object, keys: Sequence[str]) -> Sequence[Member | None]:
    """Batch: members by id."""
    one = memory().member
    return [one if key == one.id else None for key in keys]


async def official_account_batch(context: object, keys: Sequence[tuple[str, str]]) -> Sequence[OfficialAccount | None]:
    """Batch: (member, app)."""
    return [memory().official_account for _ in keys]


async def payments_batch(
    context: object, keys: Sequence[tuple[str, int, PaymentState | None]]
) -> Sequence[list[Payment]]:
    """Batch: (member, first, state)."""
    found = memory().payments
    return [[p for p in found if state is None or p.state is state][:first] for _, first, state in keys]


async def orders_batch(context: object, keys: Sequence[tuple[str, int]]) -> Sequence[list[Order]]:
    """Batch: (member, first)."""
    return [memory().orders[:first] for _, first in keys]


async def touchpoints_batch(
    context: object, keys: Sequence[tuple[str, int, datetime | None]]
) -> Sequence[list[Touchpoint]]:
    """Batch: (member, first, since)."""
    found = memory().touchpoints
    return [[p for p in found if since is None or p.at >= since][:first] for _, first, since in keys]


async def files_batch(context: object, keys: Sequence[tuple[str, int]]) -> Sequence[list[File]]:
    """Batch: (member, first)."""
    return [memory().files[:first] for _, first in keys]


async def participations_batch(context: object, keys: Sequence[tuple[str, int]]) -> Sequence[list[Participation]]:
    """Batch: (member, first)."""
    return [memory().participations[:first] for _, first in keys]


async def contacts_batch(context: object, keys: Sequence[tuple[str, int]]) -> Sequence[list[Contact]]:
    """Batch: (member, first)."""
    return [memory().contacts[:first] for _, first in keys]


__all__ = ["CONFIG", "Query", "memory"]
