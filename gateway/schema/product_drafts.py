"""Drafts of products (草稿) of the 微信小店 and their audits; prices, pieces, and the end of a product."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry import Parent

from adapters.mini_program_store import ProductContent, SkuDraft
from gateway.resolvers import ids, places, product_drafts
from gateway.resolvers.product_drafts import PieceRecord
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.info import Info
from gateway.schema.places import Product, ProductDraft, ProductDraftState
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.schema.scalars import Long
from gateway.transactions.actions import Performed
from gateway.transactions.effects import product_drafts as effects
from gateway.transactions.effects import product_prices
from gateway.transactions.effects.shelves import Listed

WRITE = product_drafts.SCOPE


@strawberry.input(description="A property of a product, or of a variant.")
class AttributeInput:
    """属性."""

    name: str = strawberry.field(description="Which property, 100 characters at most.")
    value: str = strawberry.field(description="Its value, 100 characters at most.")


@strawberry.input(description="A variant to write (SKU).")
class ProductVariantInput:
    """SKU."""

    code: str = strawberry.field(
        description="The brand's code (商家编码), 1 to 20 characters. A code that the product has stays that variant."
    )
    price: Long = strawberry.field(description="Fen (售价), 1 to 10,000,000.")
    market_price: Long | None = strawberry.field(description="Fen (划线价), above the price.", default=None)
    stock: Long = strawberry.field(
        description="Pieces of a new variant, 0 to 10,000,000; one that is there keeps its own (stockAllot).", default=0
    )
    image: str = strawberry.field(description="Its picture, by an address at the platform (mmecimage.cn).")
    attributes: list[AttributeInput] = strawberry.field(
        description="What tells this variant from the others.", default_factory=list
    )


@strawberry.input(description="All that a product says (商品信息).")
class ProductContentInput:
    """商品信息."""

    spu: str = strawberry.field(description="The brand's product code (SPU), 1 to 64 characters.")
    title: str = strawberry.field(description="Title (标题), 3 to 60 characters, some of them Chinese.")
    images: list[str] = strawberry.field(
        description="1 to 9 pictures (主图) by their addresses at the platform (mmecimage.cn)."
    )
    categories: list[str] = strawberry.field(
        description="The platform's numbers of the three levels of its category (类目)."
    )
    variants: list[ProductVariantInput] = strawberry.field(
        description="1 to 500. A variant that is left out is presumably removed."
    )
    freight_template: str = strawberry.field(
        description="The number of one of the shop's freight templates (运费模板)."
    )
    weight_grams: int = strawberry.field(description="重量.", default=0)
    details: str = strawberry.field(description="Its description (商品详情), 5,000 characters at most.", default="")
    detail_images: list[str] = strawberry.field(
        description="Up to 50 pictures of the description.", default_factory=list
    )
    attributes: list[AttributeInput] = strawberry.field(
        description="Up to 100 properties (商品参数).", default_factory=list
    )
    seven_day_return: bool = strawberry.field(description="七天无理由退货.", default=True)
    return_address: str | None = strawberry.field(
        description="The number of the shop's address for returns (退货地址编号); its default without one.",
        default=None,
    )

    def record(self) -> ProductContent:
        """As the adapter takes it; the action says what is wrong with it."""
        skus = tuple(
            SkuDraft(
                each.code,
                _pairs(each.attributes),
                each.price,
                each.stock,
                each.image,
                each.market_price,
            )
            for each in self.variants
        )
        return ProductContent(
            spu=self.spu,
            title=self.title,
            images=tuple(self.images),
            categories=tuple(self.categories),  # type: ignore[arg-type]  # The plan counts them.
            skus=skus,
            freight_template=self.freight_template,
            weight_grams=self.weight_grams,
            details=self.details,
            detail_images=tuple(self.detail_images),
            attributes=_pairs(self.attributes),
            seven_day_return=self.seven_day_return,
            return_address=self.return_address or "",
        )


def _pairs(attributes: list[AttributeInput]) -> tuple[tuple[str, str], ...]:
    return tuple((each.name, each.value) for each in attributes)


@strawberry.input(description="A product to write (添加商品).")
class ProductAddInput:
    """添加商品."""

    account: str | None = strawberry.field(
        description="appid of the shop; the first one of the settings when it is left out.", default=None
    )
    content: ProductContentInput = strawberry.field(description="What it says.")
    submit: bool = strawberry.field(
        description="Send it to the audit at once (提交审核); else it stays a draft.", default=False
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.New:
        """As the action takes it."""
        return effects.New(self.account or "", self.content.record(), self.submit)


@strawberry.input(description="What a product is to say instead, all of it (更新商品).")
class ProductUpdateInput:
    """更新商品."""

    product: strawberry.ID = strawberry.field(description="The product.")
    content: ProductContentInput = strawberry.field(description="What it says, all of it.")
    submit: bool = strawberry.field(
        description="Send it to the audit at once (提交审核); else it stays a draft.", default=False
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Other:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Other(*ids.decode_as("pr", self.product), self.content.record(), self.submit)


@strawberry.input(description="A product whose draft goes to the audit (提交审核), or comes back from it (撤回审核).")
class ProductDraftMoveInput:
    """审核."""

    product: strawberry.ID = strawberry.field(description="The product.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> Listed:
        """As the action takes it. Raises UserError for an id that is none."""
        return Listed(*ids.decode_as("pr", self.product))


@strawberry.input(description="A product whose time is over (删除商品).")
class ProductDeleteInput:
    """删除商品."""

    product: strawberry.ID = strawberry.field(description="The product.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> Listed:
        """As the action takes it. Raises UserError for an id that is none."""
        return Listed(*ids.decode_as("pr", self.product))


@strawberry.input(description="Another price of a variant.")
class ProductPriceInput:
    """改价."""

    sku: str = strawberry.field(description="The brand's code (商家编码).")
    amount: Long = strawberry.field(description="Fen (售价), 1 to 10,000,000.")


@strawberry.input(description="Other prices of a product on sale (免审更新).")
class ProductPriceChangeInput:
    """免审更新."""

    product: strawberry.ID = strawberry.field(description="The product.")
    prices: list[ProductPriceInput] = strawberry.field(
        description="Variants with another price, each once, 500 at most; the others keep theirs."
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> product_prices.Wanted:
        """As the action takes it. Raises UserError for an id that is none."""
        prices = tuple(product_prices.Price(each.sku, each.amount) for each in self.prices)
        return product_prices.Wanted(*ids.decode_as("pr", self.product), prices)


async def _product(root: Parent[Any], info: Info) -> Product | None:
    found = await info.context.loaders.load(places.products, root.key)
    return None if found is None else Product.of(found)


@strawberry.type(description="A draft as the platform has it then.")
class ProductDraftWritten:
    """草稿已保存."""

    key: strawberry.Private[tuple[str, str]]
    transaction_id: strawberry.Private[str]
    transaction = done_by("The transaction that did it.")

    @strawberry.field(description="The product's id, also of one that was never on sale.")
    def product_id(self) -> strawberry.ID:
        return strawberry.ID(ids.encode("pr", self.key[1], self.key[0]))

    @strawberry.field(description="The draft after it; null where the platform took it and it could not be read yet.")
    async def draft(self, info: Info) -> ProductDraft | None:
        found = await info.context.loaders.load(product_drafts.drafts, self.key)
        return None if found is None else ProductDraft.of(found)


@strawberry.type(description="A product with other prices.")
class ProductRepriced:
    """已改价."""

    key: strawberry.Private[tuple[str, str]]
    transaction_id: strawberry.Private[str]
    product = strawberry.field(resolver=_product, description="The product after it, as our rows have it.")
    transaction = done_by("The transaction that did it.")


@strawberry.type(description="A product that is gone.")
class ProductDeleted:
    """已删除."""

    transaction_id: strawberry.Private[str]
    transaction = done_by("The transaction that did it.")


ProductDraftResult = Annotated[
    ProductDraftWritten | DomainProblem | ToolProblem,
    strawberry.union("ProductDraftResult", description="The draft after it, or why nothing was done."),
]
ProductPriceChangeResult = Annotated[
    ProductRepriced | DomainProblem | ToolProblem,
    strawberry.union("ProductPriceChangeResult", description="The product with its prices, or why these stayed."),
]
ProductDeleteResult = Annotated[
    ProductDeleted | DomainProblem | ToolProblem,
    strawberry.union("ProductDeleteResult", description="The product is gone, or why it is not."),
]


def _written(appid: str, done: Performed[effects.Written]) -> ProductDraftWritten:
    return ProductDraftWritten(key=(appid, done.outcome.product), transaction_id=done.transaction)


@strawberry.type(description="A variant's pieces at its shop, asked of the platform now (实时库存).")
class ProductPieces:
    """实时库存."""

    code: str | None = strawberry.field(
        description="The brand's code (商家编码); null for a variant that our rows do not know yet."
    )
    pieces: Long = strawberry.field(description="What shoppers can buy, all of the platform's pools together.")
    reserved_for_discounts: Long = strawberry.field(description="Of these, in a flash sale (限时抢购).")

    @classmethod
    def of(cls, record: PieceRecord) -> ProductPieces:
        return cls(
            code=record.code,
            pieces=Long(record.stock.total),
            reserved_for_discounts=Long(record.stock.reserved_for_discounts),
        )


@strawberry.type(description="The pieces of a product's variants, asked of the platform now (实时库存).")
class ProductStock:
    """实时库存."""

    key: strawberry.Private[tuple[str, str]]
    product = strawberry.field(resolver=_product, description="The product, as our rows have it.")
    variants: list[ProductPieces] = strawberry.field(
        description="Its variants; none for a product that the platform does not have."
    )


@strawberry.type(description="Questions about goods at shops.")
class ProductQueries:
    """Goods."""

    @strawberry.field(
        description="Drafts (草稿) of products, as our rows have them: those that were written here, or moved since."
        " Needs the scope products:write."
    )
    async def product_drafts(
        self,
        info: Info,
        account: Annotated[str | None, strawberry.argument(description="appid; all shops without one.")] = None,
        states: Annotated[
            list[ProductDraftState] | None,
            strawberry.argument(description="Only these; without it, those that shoppers do not see yet."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ProductDraft] | None:
        wanted = None if states is None else [each.name for each in states]
        page = await product_drafts.page(info.context, account, wanted, args(first, after, last, before))
        return connect(page, ProductDraft.of)

    @strawberry.field(
        description="Pieces of up to 100 products at their shops (批量获取库存), asked of the platform now: one call"
        " per twenty, in the order asked. Needs the scope stock:read."
    )
    async def product_stocks(
        self,
        info: Info,
        products: Annotated[list[strawberry.ID], strawberry.argument(description="1 to 100 products.")],
    ) -> list[ProductStock] | None:
        info.context.principal.require(product_drafts.STOCK_SCOPE)
        keys = [ids.decode_as("pr", each) for each in products]
        found = await product_drafts.pieces(info.context, keys)
        return [
            ProductStock(key=key, variants=[ProductPieces.of(each) for each in found.get(key, [])])
            for key in dict.fromkeys(keys)
        ]


@strawberry.type(description="Mutations about drafts, prices and the end of products.")
class ProductDraftMutations:
    """Drafts."""

    @strawberry.mutation(
        description="Write a new product of the 微信小店 (添加商品). Shoppers see it once the audit has let it pass."
        " Needs the scope products:write."
    )
    async def product_add(
        self,
        info: Info,
        input: Annotated[ProductAddInput, strawberry.argument(description="What.")],  # noqa: A002
    ) -> ProductDraftResult:
        info.context.principal.require(WRITE)
        done = await ask(info, effects.ADD, input)
        if not isinstance(done, Performed):
            return done
        return _written(done.outcome.appid, done)

    @strawberry.mutation(
        description="Replace what a product of the 微信小店 says (更新商品): shoppers see the new words once the"
        " audit has let them pass. Needs the scope products:write."
    )
    async def product_update(
        self,
        info: Info,
        input: Annotated[ProductUpdateInput, strawberry.argument(description="Which, and what.")],  # noqa: A002
    ) -> ProductDraftResult:
        info.context.principal.require(WRITE)
        done = await ask(info, effects.UPDATE, input)
        if not isinstance(done, Performed):
            return done
        return _written(done.outcome.appid, done)

    @strawberry.mutation(
        description="Send the draft of a product to the audit (提交审核); once it passes, the product is on sale. Needs"
        " the scope products:write."
    )
    async def product_draft_submit(
        self,
        info: Info,
        input: Annotated[ProductDraftMoveInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> ProductDraftResult:
        info.context.principal.require(WRITE)
        done = await ask(info, effects.SUBMIT, input)
        if not isinstance(done, Performed):
            return done
        return _written(done.outcome.appid, done)

    @strawberry.mutation(
        description="Take the draft of a product back from the audit (撤回商品审核). Needs the scope products:write."
    )
    async def product_draft_withdraw(
        self,
        info: Info,
        input: Annotated[ProductDraftMoveInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> ProductDraftResult:
        info.context.principal.require(WRITE)
        done = await ask(info, effects.WITHDRAW, input)
        if not isinstance(done, Performed):
            return done
        return _written(done.outcome.appid, done)

    @strawberry.mutation(
        description="Change prices of a product on sale, at once and without an audit (免审更新商品). Needs the scope"
        " products:write."
    )
    async def product_price_change(
        self,
        info: Info,
        input: Annotated[ProductPriceChangeInput, strawberry.argument(description="Which, and how much.")],  # noqa: A002
    ) -> ProductPriceChangeResult:
        info.context.principal.require(WRITE)
        done = await ask(info, product_prices.CHANGE, input)
        if not isinstance(done, Performed):
            return done
        return ProductRepriced(key=(done.outcome.appid, done.outcome.product), transaction_id=done.transaction)

    @strawberry.mutation(
        description="Delete a product that is off sale (删除商品), for good; its orders go on. Needs the scope"
        " products:write."
    )
    async def product_delete(
        self,
        info: Info,
        input: Annotated[ProductDeleteInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> ProductDeleteResult:
        info.context.principal.require(WRITE)
        done = await ask(info, product_prices.DELETE, input)
        if not isinstance(done, Performed):
            return done
        return ProductDeleted(transaction_id=done.transaction)
