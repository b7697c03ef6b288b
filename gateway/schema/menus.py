"""The menu (自定义菜单) below the chat with an official account (公众号)."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import strawberry

from gateway.resolvers import menus
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, ask, done_by
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem
from gateway.transactions.actions import Action, Performed
from gateway.transactions.effects import menus as effects
from gateway.transactions.effects.menus import Entry

_ACCOUNT = "appid; the first official account of the settings without one."


@strawberry.enum(description="What an entry of the menu does when it is tapped (按钮类型).")
class MenuEntryKind(Enum):
    """Kind; the values are the platform's words."""

    CLICK = strawberry.enum_value("click", description="点击推事件: the account hears its key.")
    VIEW = strawberry.enum_value("view", description="跳转网页.")
    MINI_PROGRAM = strawberry.enum_value(
        "miniprogram", description="跳转小程序; its value is the web page for old clients."
    )
    SCAN = strawberry.enum_value("scancode_push", description="扫码推事件.")
    SCAN_AND_WAIT = strawberry.enum_value("scancode_waitmsg", description="扫码推事件且弹出“消息接收中”提示框.")
    PHOTO = strawberry.enum_value("pic_sysphoto", description="弹出系统拍照发图.")
    PHOTO_OR_ALBUM = strawberry.enum_value("pic_photo_or_album", description="弹出拍照或者相册发图.")
    ALBUM = strawberry.enum_value("pic_weixin", description="弹出微信相册发图器.")
    LOCATION = strawberry.enum_value("location_select", description="弹出地理位置选择器.")
    MEDIA = strawberry.enum_value("media_id", description="下发消息: a file of the permanent library.")
    MEDIA_PAGE = strawberry.enum_value("view_limited", description="跳转图文消息: articles of the permanent library.")
    ARTICLE = strawberry.enum_value("article_id", description="下发已发布的图文消息: a card of what is published.")
    ARTICLE_PAGE = strawberry.enum_value("article_view_limited", description="跳转已发布的图文消息.")
    OTHER = strawberry.enum_value("", description="A kind that the platform added since; none to put.")


# Two lists would drift.
assert len(MenuEntryKind) == len(effects.KINDS) + 1  # noqa: S101


@strawberry.type(description="An entry of the menu (菜单按钮): it does something, or is a heading over others.")
class MenuEntry:
    """Entry."""

    name: str = strawberry.field(description="What it says (菜单标题).")
    kind: MenuEntryKind | None = strawberry.field(description="What it does; null of a heading.")
    value: str | None = strawberry.field(
        description="By its kind: a key (菜单KEY值), a web address, a media_id or an article_id; null of a heading."
    )
    app_id: str | None = strawberry.field(description="appid of the mini-program behind it; null without one.")
    path: str | None = strawberry.field(description="The page of that mini-program; null without one.")
    entries: list[MenuEntry] = strawberry.field(description="The entries below a heading (二级菜单), 5 at most.")

    @classmethod
    def of(cls, entry: Entry) -> MenuEntry:
        kind = entry.kind if entry.kind in effects.KINDS else ""
        heading = bool(entry.entries)
        return cls(
            name=entry.name,
            kind=None if heading else MenuEntryKind(kind),
            value=None if heading else entry.value,
            app_id=entry.appid or None,
            path=entry.path or None,
            entries=[cls.of(each) for each in entry.entries],
        )


@strawberry.type(description="The menu that everybody has (自定义菜单).")
class Menu:
    """Menu."""

    account: str = strawberry.field(description="appid.")
    entries: list[MenuEntry] = strawberry.field(description="Its entries (一级菜单), 3 at most; none: no menu.")

    @classmethod
    def of(cls, account: str, entries: tuple[Entry, ...]) -> Menu:
        return cls(account=account, entries=[MenuEntry.of(each) for each in entries])


@strawberry.input(description="An entry to put into the menu: with kind and value, or with entries below it.")
class MenuEntryInput:
    """Entry."""

    name: str = strawberry.field(description="What it says: 1 to 16 bytes in UTF-8, below a heading 1 to 60.")
    kind: MenuEntryKind | None = strawberry.field(description="What it does; left out of a heading.", default=None)
    value: str = strawberry.field(
        description="By its kind: a key of 128 bytes at most, a web address, a media_id or an article_id.", default=""
    )
    app_id: str = strawberry.field(description="appid of a mini-program that is linked with the account.", default="")
    path: str = strawberry.field(description="The page of that mini-program.", default="")
    entries: list[MenuEntryInput] = strawberry.field(
        description="1 to 5 entries below a heading.", default_factory=list
    )

    def entry(self) -> Entry:
        """As the action takes it. Raises UserError."""
        if self.kind is MenuEntryKind.OTHER:
            raise UserError("kind OTHER is for what the platform has and the gateway does not know; it cannot be put.")
        if any(each.entries for each in self.entries):
            raise UserError("An entry below a heading has no entries below it.")
        below = tuple(each.entry() for each in self.entries)
        return Entry(self.name, "" if self.kind is None else self.kind.value, self.value, self.app_id, self.path, below)


@strawberry.input(description="A menu to put in place of the one before.")
class MenuReplaceInput:
    """Menu."""

    entries: list[MenuEntryInput] = strawberry.field(description="1 to 3 entries (一级菜单).")
    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it. Raises UserError."""
        return effects.Wanted(tuple(each.entry() for each in self.entries), self.account)


@strawberry.input(description="The menu to take away.")
class MenuDeleteInput:
    """Menu."""

    account: str | None = strawberry.field(description=_ACCOUNT, default=None)
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Wanted:
        """As the action takes it."""
        return effects.Wanted((), self.account)


@strawberry.type(description="The menu as it was put; phones may show the one before for a day.")
class MenuChanged:
    """Changed."""

    transaction_id: strawberry.Private[str]
    menu: Menu = strawberry.field(description="The menu; without entries when it was taken away.")

    transaction = done_by("The transaction that did it.")


MenuResult = Annotated[
    MenuChanged | DomainProblem | ToolProblem,
    strawberry.union("MenuResult", description="What became of the menu, or why nothing did."),
]


@strawberry.type(description="Questions about the menu.")
class MenuQueries:
    """Menu."""

    @strawberry.field(
        description="The menu of an official account (查询自定义菜单), as it was put by interface: live, one call."
        " Needs the scope messages:send."
    )
    async def menu(
        self, info: Info, account: Annotated[str | None, strawberry.argument(description=_ACCOUNT)] = None
    ) -> Menu | None:
        appid, entries = await menus.menu(info.context, account)
        return Menu.of(appid, tuple(Entry.of(each) for each in entries))


@strawberry.type(description="Mutations about the menu.")
class MenuMutations:
    """Menu."""

    @strawberry.mutation(
        description="Put a menu in place of the one before (创建自定义菜单). Needs the scope messages:send."
    )
    async def menu_replace(
        self,
        info: Info,
        input: Annotated[MenuReplaceInput, strawberry.argument(description="The menu.")],  # noqa: A002
    ) -> MenuResult:
        return await _change(info, effects.REPLACE, input)

    @strawberry.mutation(
        description="Take the menu away (删除自定义菜单), and those that are for some people only (个性化菜单). It"
        " cannot be undone. Needs the scope messages:send."
    )
    async def menu_delete(
        self,
        info: Info,
        input: Annotated[MenuDeleteInput, strawberry.argument(description="Of which account.")],  # noqa: A002
    ) -> MenuResult:
        return await _change(info, effects.DELETE, input)


async def _change(
    info: Info, action: Action[effects.Wanted, effects.Changed], given: MenuReplaceInput | MenuDeleteInput
) -> MenuChanged | DomainProblem | ToolProblem:
    info.context.principal.require(menus.SCOPE)
    done = await ask(info, action, given)
    if not isinstance(done, Performed):
        return done
    return MenuChanged(transaction_id=done.transaction, menu=Menu.of(done.outcome.appid, done.outcome.entries))
