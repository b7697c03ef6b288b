"""Connections over a platform's own list, which goes forward only: its pages are read until ours is full."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from adapters.base.errors import Conflict
from adapters.base.page import Page
from gateway.context import Context
from gateway.resolvers.errors import CursorExpired, UserError
from gateway.resolvers.paging import PageArgs, Slice, decode_cursor, encode_cursor, page_size

T = TypeVar("T")


async def forward(
    ctx: Context,
    scope: str,
    args: PageArgs,
    read: Callable[[str | None], Awaitable[Page[T]]],
    *,
    keep: Callable[[T], bool] = lambda _: True,
) -> Slice[T]:
    """One page of ours, of what ``keep`` says; one call per page of the platform's that it needs.

    A cursor is the platform's own and a place behind it. Raises UserError for a page backward, and CursorExpired where
    the platform does not know its cursor any more.
    """
    if args.last is not None or args.before is not None:
        raise UserError("This list of a platform goes forward only: page with first and after.")
    size = page_size(ctx, args)
    at, skip = ("", 0) if args.after is None else decode_cursor(ctx, scope, args.after, 2)
    items: list[T] = []
    cursors: list[str] = []
    try:
        while len(items) <= size:
            answer = await read(at or None)
            for place, each in enumerate(answer.items[skip:], skip + 1):
                if keep(each):
                    items.append(each)
                    cursors.append(encode_cursor(ctx, scope, [at, place]))
            if answer.next_cursor is None:
                break
            at, skip = answer.next_cursor, 0
    except Conflict as error:
        if error.reason == "cursor_expired":
            raise CursorExpired("The platform does not know this cursor any more; start again without it.") from error
        raise
    more = len(items) > size
    return Slice(items[:size], cursors[:size], has_next=more, has_previous=args.after is not None)
