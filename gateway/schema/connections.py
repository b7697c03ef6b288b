"""Connections: pages of lists that can grow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from gateway.resolvers.paging import PageArgs, Slice

N = TypeVar("N")

First = Annotated[
    int | None,
    strawberry.argument(description="How many items from the start of the list: 20 by default, 100 at most."),
]
After = Annotated[str | None, strawberry.argument(description="Cursor of the item after which the page begins.")]
Last = Annotated[int | None, strawberry.argument(description="How many items from the end of the list: 100 at most.")]
Before = Annotated[str | None, strawberry.argument(description="Cursor of the item before which the page ends.")]


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Relay's page info."""

    has_next_page: bool = strawberry.field(description="Whether items follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether items precede this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first item; null when empty.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last item; null when empty.")


@strawberry.type(description="An item of a page, and its cursor.")
class Edge(Generic[N]):
    """Relay's edge."""

    node: N = strawberry.field(description="The item.")
    cursor: str = strawberry.field(description="Opaque, signed, and valid for this list with these arguments only.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[N]):
    """Relay's connection, with ``nodes`` for those who need no cursors per item."""

    nodes: list[N] = strawberry.field(description="The items of this page.")
    edges: list[Edge[N]] = strawberry.field(description="The items of this page with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where this page stands in the list.")


def connect(page: Slice[Any], make: Callable[[Any], N]) -> Connection[N]:
    """A page of records as a connection of GraphQL objects."""
    nodes = [make(item) for item in page.items]
    return Connection(
        nodes=nodes,
        edges=[Edge(node=node, cursor=cursor) for node, cursor in zip(nodes, page.cursors, strict=True)],
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.cursors[0] if page.cursors else None,
            end_cursor=page.cursors[-1] if page.cursors else None,
        ),
    )


def args(
    first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
) -> PageArgs:
    """The arguments of a connection field, in one record."""
    return PageArgs(first, after, last, before)
