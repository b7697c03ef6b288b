"""Bulk renames: an account migration (公众号迁移, changeopenid) or a re-binding of the Open Platform.

A platform gives everybody another name and a list of old and new ones. The old name stays and leads to its member; it
only stops to contradict the new one, so that a hundred thousand renames are no hundred thousand review cases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from gateway.events.kinds import KINDS, normal
from gateway.members.decisions import Step, transact
from gateway.members.gathering import by_ids, by_keys, links_among
from gateway.members.graph import IdentityGraph
from gateway.members.linking import Draft, Identity
from gateway.members.partition import Key

#: DONE: renamed now. ALREADY: it was. UNKNOWN: nobody has the old name. CONFLICT: the old name was renamed to another.
Outcome = Literal["DONE", "ALREADY", "UNKNOWN", "CONFLICT", "INVALID"]

BATCH = 500


@dataclass(frozen=True, slots=True)
class Rename:
    """One line of the list. ``new_issuer`` differs where an account moved into another."""

    kind: str
    issuer: str
    old: str = field(repr=False)
    new_issuer: str
    new: str = field(repr=False)


class _Undone(Exception):
    """Ends the transaction of a dry run without writing."""


async def rename(
    graph: IdentityGraph,
    renames: Iterable[Rename],
    *,
    by: str,
    dry_run: bool = False,
    tell: Callable[[int], None] = lambda done: None,
) -> Mapping[Outcome, int]:
    """Apply a list, a transaction per 500 lines. What was applied before is passed over, so it may be run again.

    ``tell`` hears how many lines are done after each transaction.
    """
    total: Counter[Outcome] = Counter()
    for some in _batches(renames):
        total.update(await _batch(graph, some, by, dry_run))
        tell(total.total())
    return total


def _batches(renames: Iterable[Rename]) -> Iterator[list[Rename]]:
    rest = iter(renames)
    while batch := list(islice(rest, BATCH)):
        yield batch


async def _batch(graph: IdentityGraph, renames: Sequence[Rename], by: str, dry_run: bool) -> Counter[Outcome]:
    outcomes: Counter[Outcome] = Counter()

    async def work(step: Step) -> None:
        outcomes.clear()
        await _apply(step, renames, by, outcomes)
        if dry_run:
            raise _Undone
        await step.write()

    with suppress(_Undone):
        await transact(graph, work)
    return outcomes


async def _apply(step: Step, renames: Sequence[Rename], by: str, outcomes: Counter[Outcome]) -> None:
    pairs = [
        (each, _key(step, each.kind, each.issuer, each.old), _key(step, each.kind, each.new_issuer, each.new))
        for each in renames
    ]
    for found in await by_keys(step.fetch, {key for _, old, new in pairs for key in (old, new)}):
        step.draft.know(found)
    await _superseding(step)
    await links_among(step.fetch, step.draft, list(step.draft.identities))
    cause = step.cause("identitiesRename")
    for each, old_key, new_key in pairs:
        if each.kind not in KINDS or old_key == new_key or step.graph.rules.blocks(each.kind, each.new):
            outcomes["INVALID"] += 1
            continue
        old, new = step.draft.find(old_key), step.draft.find(new_key)
        if old is None:
            outcomes["UNKNOWN"] += 1
        elif old.superseded_by is not None:
            outcomes["ALREADY" if new is not None and old.superseded_by == new.id else "CONFLICT"] += 1
        elif new is not None and _leads_to(step.draft, new, old):
            outcomes["CONFLICT"] += 1
        else:
            if new is None:
                new = step.draft.add(new_key, normal(each.kind, each.new), KINDS[each.kind].strength, cause)
                new.stands, new.seen_at = old.stands, old.seen_at
            old.superseded_by = new.id
            step.draft.change(old)
            step.draft.join(old, new, "RENAMED", cause, decided_by=by)
            step.draft.touched.setdefault(old.id, cause)
            outcomes["DONE"] += 1


def _key(step: Step, kind: str, issuer: str, value: str) -> Key:
    return (kind, issuer, step.graph.database.keyring.hash(normal(kind, value), "identity"))


async def _superseding(step: Step) -> None:
    """Read what took the place of these identities, and so on, so that no circle of renames arises."""
    while unread := {
        each.superseded_by
        for each in step.draft.identities.values()
        if each.superseded_by is not None and each.superseded_by not in step.draft.identities
    }:
        for each in await by_ids(step.fetch, unread):
            step.draft.know(each)


def _leads_to(draft: Draft, start: Identity, goal: Identity) -> bool:
    at: Identity | None = start
    while at is not None:
        if at.id == goal.id:
            return True
        at = draft.identities.get(at.superseded_by) if at.superseded_by is not None else None
    return False
