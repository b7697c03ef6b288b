"""Products (商品) of the 微信小店: put on sale, and taken off."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import ids, places
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, act, done_by
from gateway.schema.info import Info
from gateway.schema.places import Product
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.transactions.actions import Performed
from gateway.transactions.effects import shelves

WRITE = "products:write"


@strawberry.input(description="A product to put on sale (上架), or to take off (下架).")
class ProductShelfInput:
    """上架, 下架."""

    product: strawberry.ID = strawberry.field(description="The product.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.type(description="A product that the platform has put on sale, or taken off.")
class ProductShelved:
    """已上架, 已下架."""

    key: strawberry.Private[tuple[str, str]]
    transaction_id: strawberry.Private[str]
    on_sale: bool | None = strawberry.field(
        description="Whether shoppers can buy it now; null where the platform took the change and could not be read."
    )
    transaction = done_by("The transaction that did it.")

    @strawberry.field(description="The product after it, as our rows have it.")
    async def product(self, info: Info) -> Product | None:
        found = await info.context.loaders.load(places.products, self.key)
        return None if found is None else Product.of(found)


ProductShelfResult = Annotated[
    ProductShelved | DomainProblem | ToolProblem,
    strawberry.union("ProductShelfResult", description="The product after it, or why it stayed as it was."),
]


@strawberry.type(description="Mutations about products.")
class ProductMutations:
    """Products."""

    @strawberry.mutation(description="Put a product of the 微信小店 on sale (上架). Needs the scope products:write.")
    async def product_shelve(
        self,
        info: Info,
        input: Annotated[ProductShelfInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> ProductShelfResult:
        info.context.principal.require(WRITE)
        return await _shelf(info, input, shelves.SHELVE)

    @strawberry.mutation(
        description="Take a product of the 微信小店 off sale (下架); its orders go on. Needs the scope products:write."
    )
    async def product_unshelve(
        self,
        info: Info,
        input: Annotated[ProductShelfInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> ProductShelfResult:
        info.context.principal.require(WRITE)
        return await _shelf(info, input, shelves.UNSHELVE)


async def _shelf(info: Info, wanted: ProductShelfInput, action: shelves.Shelf) -> ProductShelfResult:
    try:
        key = ids.decode_as("pr", wanted.product)
    except UserError as error:
        return invalid(error)
    done = await act(info, action, shelves.Listed(*key), wanted.idempotency_key)
    if not isinstance(done, Performed):
        return done
    return ProductShelved(key=key, transaction_id=done.transaction, on_sale=done.outcome.on_sale)
