"""What giving tags has in common, whoever's tags they are: what is asked for, and how a tag is found by its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from gateway.transactions.steps import StepRefused

I = TypeVar("I", int, str)  # noqa: E741 — the type of a platform's ids

#: Tags of one request.
MOST_TAGS: Final = 30


class TagName(msgspec.Struct, frozen=True):
    """A tag by its name; ``group`` where several groups have one of that name, else empty."""

    name: str
    group: str = ""


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``account`` is a corpid or an appid, ``guide`` (corpid, userid); None: not said."""

    member: str
    tags: tuple[TagName, ...]
    account: str | None = None
    guide: tuple[str, str] | None = None


class Known(msgspec.Struct, Generic[I], frozen=True):
    """A tag that a platform has."""

    id: I
    name: str
    group: str = ""


async def find_tags(
    wanted: Sequence[TagName], ours: Sequence[Known[I]], ask: Callable[[], Awaitable[Sequence[Known[I]]]]
) -> Mapping[I, str]:
    """Id → name. Where ``ours``, from our rows, lack a tag, the platform is asked for all of them.

    Raises StepRefused BAD_USER_INPUT for no tags or too many, TAG_UNKNOWN and TAG_AMBIGUOUS.
    """
    if not 1 <= len(wanted) <= MOST_TAGS:
        raise StepRefused("BAD_USER_INPUT", f"{len(wanted)} tags given: 1 to {MOST_TAGS} are possible.")
    known = ours if all(_called(ours, each) for each in wanted) else await ask()
    found: dict[I, str] = {}
    for each in wanted:
        called = _called(known, each)
        if not called:
            raise StepRefused("TAG_UNKNOWN", "There is no such tag; the query tags lists them.", tag=each.name)
        if len(called) > 1:
            raise StepRefused(
                "TAG_AMBIGUOUS", "Several groups have a tag of this name; name the group too.", tag=each.name
            )
        found[called[0].id] = called[0].name
    return found


def _called(known: Sequence[Known[I]], wanted: TagName) -> Sequence[Known[I]]:
    return [each for each in known if each.name == wanted.name and wanted.group in {"", each.group}]
