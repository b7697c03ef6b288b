"""The tile that the app has on employees' workbenches (工作台自定义展示)."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import strawberry

from adapters.enterprise_chat.records.messages import Tile
from gateway.resolvers import ids, workbench_tiles
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Performed
from gateway.transactions.effects import workbench_tiles as effects


@strawberry.enum(description="What a tile is (模版类型).")
class WorkbenchTileKind(Enum):
    """Kind."""

    FIGURES = strawberry.enum_value("FIGURES", description="关键数据型: up to four figures.")
    PICTURE = strawberry.enum_value("PICTURE", description="图片型.")
    LINES = strawberry.enum_value("LINES", description="列表型: up to three lines.")
    PAGE = strawberry.enum_value("PAGE", description="网页型: a page inside the tile.")
    OFF = strawberry.enum_value("OFF", description="The app's icon alone.")


@strawberry.type(description="A figure or a line of a tile.")
class WorkbenchTileItem:
    """Item."""

    label: str = strawberry.field(description="What it is.")
    value: str | None = strawberry.field(description="The figure; null for a line.")
    url: str | None = strawberry.field(description="Where it leads: a web page.")
    page: str | None = strawberry.field(description="Or a page of the app's mini-program.")


@strawberry.type(description="What the app shows on a workbench (工作台).")
class WorkbenchTile:
    """Tile."""

    kind: WorkbenchTileKind = strawberry.field(description="What it is.")
    items: list[WorkbenchTileItem] = strawberry.field(description="Its figures or lines.")
    content_url: str | None = strawberry.field(description="Address of the picture, or of the page inside.")
    url: str | None = strawberry.field(description="Where a picture or a page leads: a web page.")
    page: str | None = strawberry.field(description="Or a page of the app's mini-program.")
    double_height: bool = strawberry.field(description="Whether a page has two rows.")

    @classmethod
    def of(cls, record: Tile | effects.Shown) -> WorkbenchTile:
        kind = record.kind.name if isinstance(record, Tile) else record.kind
        items = [
            WorkbenchTileItem(label=each.label, value=each.value or None, url=each.url or None, page=each.page or None)
            for each in record.items
        ]
        return cls(
            kind=WorkbenchTileKind[kind],
            items=items,
            content_url=record.content_url or None,
            url=record.url or None,
            page=record.page or None,
            double_height=record.double_height,
        )


@strawberry.input(description="A figure.")
class WorkbenchFigureInput:
    """Figure."""

    label: str = strawberry.field(description="What it is, such as 今日销售额.")
    value: str = strawberry.field(description="The figure, as it is to be read.")
    url: str | None = strawberry.field(description="Where it leads: a web page.", default=None)
    page: str | None = strawberry.field(description="Or a page of the app's mini-program.", default=None)


@strawberry.input(description="A line.")
class WorkbenchLineInput:
    """Line."""

    title: str = strawberry.field(description="What it says.")
    url: str | None = strawberry.field(description="Where it leads: a web page.", default=None)
    page: str | None = strawberry.field(description="Or a page of the app's mini-program.", default=None)


@strawberry.input(description="A picture, 3.35 times as wide as high.")
class WorkbenchPictureInput:
    """Picture."""

    picture_url: str = strawberry.field(description="Its address.")
    url: str | None = strawberry.field(description="Where it leads: a web page.", default=None)
    page: str | None = strawberry.field(description="Or a page of the app's mini-program.", default=None)


@strawberry.input(description="A page inside the tile.")
class WorkbenchPageInput:
    """Page."""

    content_url: str = strawberry.field(description="The address of what is shown inside.")
    url: str | None = strawberry.field(description="Where it leads: a web page.", default=None)
    page: str | None = strawberry.field(description="Or a page of the app's mini-program.", default=None)
    double_height: bool = strawberry.field(description="Two rows instead of one.", default=False)


@strawberry.input(description="What a tile is to show: exactly one of these.", one_of=True)
class WorkbenchTileInput:
    """Tile."""

    figures: list[WorkbenchFigureInput] | None = strawberry.field(
        description="关键数据型: 1 to 4.", default=strawberry.UNSET
    )
    lines: list[WorkbenchLineInput] | None = strawberry.field(description="列表型: 1 to 3.", default=strawberry.UNSET)
    picture: WorkbenchPictureInput | None = strawberry.field(description="图片型.", default=strawberry.UNSET)
    page: WorkbenchPageInput | None = strawberry.field(description="网页型.", default=strawberry.UNSET)
    off: bool | None = strawberry.field(description="The app's icon alone: true.", default=strawberry.UNSET)

    def record(self) -> effects.Shown:
        """As the action takes it."""
        if self.figures:
            items = [effects.Item(each.label, each.value, each.url or "", each.page or "") for each in self.figures]
            return effects.Shown("FIGURES", tuple(items))
        if self.lines:
            items = [effects.Item(each.title, "", each.url or "", each.page or "") for each in self.lines]
            return effects.Shown("LINES", tuple(items))
        if self.picture:
            at = self.picture
            return effects.Shown("PICTURE", (), at.picture_url, at.url or "", at.page or "")
        if self.page:
            of = self.page
            return effects.Shown("PAGE", (), of.content_url, of.url or "", of.page or "", of.double_height)
        if self.off:
            return effects.Shown("OFF")
        raise UserError("tile says nothing: figures and lines have at least one item, and off is true.")


@strawberry.input(description="What the app is to show on workbenches.")
class WorkbenchTileSetInput:
    """Set."""

    tile: WorkbenchTileInput = strawberry.field(description="What it shows.")
    guides: list[strawberry.ID] | None = strawberry.field(
        description="To whom: 1 to 100 guides of one corp; everybody without it.", default=None
    )
    replace_guides: bool = strawberry.field(
        description="For everybody: also for guides who have a tile of their own.", default=False
    )
    account: str | None = strawberry.field(
        description="corpid; the guides', else the first corp of the settings.", default=None
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it. Raises UserError for an id that is none, and for guides of several corps."""
        shown = self.tile.record()
        if self.guides is None:
            return effects.Wanted(self.account, shown, (), self.replace_guides)
        found = [ids.decode_as("gd", each) for each in self.guides]
        corps = {corpid for corpid, _ in found} | ({self.account} if self.account else set())
        if not found or len(corps) != 1:
            raise UserError("guides are 1 to 100 of one corp, and of that of account.")
        userids = tuple(dict.fromkeys(userid for _, userid in found))
        return effects.Wanted(corps.pop(), shown, userids, self.replace_guides)


@strawberry.type(description="What the app shows now.")
class WorkbenchTileShown:
    """Shown."""

    transaction_id: strawberry.Private[str]
    tile: WorkbenchTile = strawberry.field(description="The tile.")
    transaction = done_by("The transaction that did it.")


WorkbenchTileResult = Annotated[
    WorkbenchTileShown | DomainProblem | ToolProblem,
    strawberry.union("WorkbenchTileResult", description="What is shown, or why nothing changed."),
]


@strawberry.type(description="Questions about workbenches.")
class WorkbenchTileQueries:
    """Tiles."""

    @strawberry.field(
        description="What the app shows on workbenches (工作台展示): everybody, or one guide. Live, one call. Needs the"
        " scope messages:send; a guide with a session sees their own."
    )
    async def workbench_tile(
        self,
        info: Info,
        guide: Annotated[strawberry.ID | None, strawberry.argument(description="What this guide sees.")] = None,
        account: Annotated[
            str | None,
            strawberry.argument(description="corpid; the guide's, else the first corp of the settings."),
        ] = None,
    ) -> WorkbenchTile | None:
        whose = None if guide is None else ids.decode_as("gd", guide)
        return WorkbenchTile.of(await workbench_tiles.shown(info.context, whose, account))


@strawberry.type(description="Mutations about workbenches.")
class WorkbenchTileMutations:
    """Tiles."""

    @strawberry.mutation(
        description="Say what the app shows on workbenches (设置应用在工作台展示的模版和数据): to everybody, or to"
        " single guides, ten times a minute each at most. Needs the scope messages:send."
    )
    async def workbench_tile_set(
        self,
        info: Info,
        input: Annotated[WorkbenchTileSetInput, strawberry.argument(description="What, and to whom.")],  # noqa: A002
    ) -> WorkbenchTileResult:
        info.context.principal.require(workbench_tiles.SCOPE)
        done = await ask(info, effects.SET, input)
        if not isinstance(done, Performed):
            return done
        return WorkbenchTileShown(transaction_id=done.transaction, tile=WorkbenchTile.of(done.outcome.shown))
