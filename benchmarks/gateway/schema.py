"""The benchmark's graph in Strawberry, served by ours and by the plain Strawberry peer alike.

Its types are made from ``models.py``; only the seven fields of ``Query`` have resolvers, each an awaitable through a
loader. Context is whatever has ``loaders.load(batch, key)``.
"""

from typing import Any, get_args, get_origin, get_type_hints

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

from benchmarks.gateway import calls, models

#: The two inputs are called as Mesh calls them, so that all servers answer one document.
CONFIG = StrawberryConfig(auto_camel_case=False)


def _graph_types() -> dict[type, Any]:
    """One GraphQL type per struct, in an order in which each stands behind those it uses."""
    made: dict[type, Any] = {}

    def shown(hint: Any) -> Any:
        if get_origin(hint) is list:
            return list[shown(get_args(hint)[0])]  # type: ignore[misc] # a type made at run time
        return made.get(hint, hint)

    for struct in vars(models).values():
        if isinstance(struct, type) and issubclass(struct, models.Struct) and struct is not models.Struct:
            hints = get_type_hints(struct)
            annotations = {name: shown(hints[name]) for name in struct.__struct_fields__}
            made[struct] = strawberry.type(type(struct.__name__, (), {"__annotations__": annotations}))
    return made


_TYPES = _graph_types()


@strawberry.input
class UserQuery:
    """One follower to read."""

    openid: str


@strawberry.input(name="UserInfoBatchget_Input")
class FollowerInput:
    """The body of user/info/batchget."""

    user_list: list[UserQuery]


@strawberry.input(name="OrderGet_Input")
class OrderInput:
    """The body of order/get."""

    order_id: str


async def _follower(info: Info, input: FollowerInput) -> Any:  # noqa: A002 — the argument's name in the graph
    return await info.context.loaders.load(calls.follower_batch, tuple(user.openid for user in input.user_list))


async def _coupons(info: Info, openid: str, appid: str) -> Any:
    return await info.context.loaders.load(calls.coupons_batch, (openid, appid))


async def _order(info: Info, input: OrderInput) -> Any:  # noqa: A002 — the argument's name in the graph
    return await info.context.loaders.load(calls.order_batch, input.order_id)


async def _ad_reports(info: Info, account_id: str) -> Any:
    return await info.context.loaders.load(calls.ad_reports_batch, account_id)


async def _files(info: Info, prefix: str) -> Any:
    return await info.context.loaders.load(calls.files_batch, prefix)


async def _catalogue(info: Info) -> Any:
    return await info.context.loaders.load(calls.catalogue_batch, "")


async def _contact(info: Info, external_userid: str) -> Any:
    return await info.context.loaders.load(calls.contact_batch, external_userid)


@strawberry.type
class Query:
    """One field per tool."""

    follower: _TYPES[models.FollowerAnswer] | None = strawberry.field(resolver=_follower)
    coupons: _TYPES[models.CouponAnswer] | None = strawberry.field(resolver=_coupons)
    order: _TYPES[models.OrderAnswer] | None = strawberry.field(resolver=_order)
    ad_reports: _TYPES[models.ReportAnswer] | None = strawberry.field(resolver=_ad_reports)
    files: _TYPES[models.Listing] | None = strawberry.field(resolver=_files)
    catalogue: _TYPES[models.Catalogue] | None = strawberry.field(resolver=_catalogue)
    contact: _TYPES[models.ContactAnswer] | None = strawberry.field(resolver=_contact)
