"""Execution alone: from (document text, raw variables) to response bytes, in memory, with everything warm.

``python -m benchmarks.execution [--json] [--rounds N] [--milliseconds N]``

Two documents: one member's answer, of which seven branches are awaitable resolvers with arguments through loaders, and
a list of 100 products with 5 reviews each, plain attributes all. Contestants: plain Strawberry; the same schema with
our executor in Strawberry's official hook; ours by its own door; the answer written by hand; and on Node graphql-js and
graphql-jit. All answers are compared before anything is timed. Each has its community's loader, cached documents and
the fastest JSON writer at hand.

The figures are microseconds of CPU of the main thread per answer, the median of interleaved rounds: wall time would
measure whoever shares the machine. ``ratios`` are what to read.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import orjson
import uvloop

from benchmarks.execution import documents
from benchmarks.execution.data import VARIABLES
from benchmarks.execution.node import CONTESTANTS as NODE_CONTESTANTS
from benchmarks.execution.node import node
from benchmarks.execution.python import Answer, contestants
from benchmarks.machine import describe, first_core, node_missing
from gateway.serving import settle_memory

Figures = dict[str, dict[str, float]]


async def python_microseconds(answer: Answer, document: str, milliseconds: int) -> float:
    """CPU time of this thread per run, over about so many milliseconds."""
    text, variables = documents.DOCUMENTS[document], VARIABLES[document]
    gc.collect()
    until = time.perf_counter() + milliseconds / 1000
    started, runs = time.thread_time(), 0
    while time.perf_counter() < until:
        for _ in range(5):
            await answer(text, variables)
        runs += 5
    return (time.thread_time() - started) / runs * 1e6


def leaves(value: Any) -> int:
    """How many leaves an answer has."""
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    return sum(map(leaves, value)) if isinstance(value, list) else 1


async def compare(
    answers: dict[str, Answer], ask_node: Callable[[str, str], Awaitable[bytes]] | None
) -> dict[str, Any]:
    """Ask everybody once. Raises RuntimeError when two answers differ; tells the sizes."""
    sizes: dict[str, Any] = {}
    for name, text in documents.DOCUMENTS.items():
        given = {who: await answer(text, VARIABLES[name]) for who, answer in answers.items()}
        for who in NODE_CONTESTANTS if ask_node is not None else ():
            given[who] = await ask_node(who, name)  # type: ignore[misc] # asked for only where it is there
        values = {who: orjson.loads(body) for who, body in given.items()}
        for who, value in values.items():
            if value != values["by_hand"]:
                raise RuntimeError(f"{who} answers {name} otherwise than by_hand: {given[who][:300]!r}")
        sizes[name] = {"leaves": leaves(values["by_hand"]), "bytes": len(given["by_hand"])}
    return sizes


def _ratios(medians: Figures) -> dict[str, float]:
    found: dict[str, float] = {}
    for document, figures in medians.items():
        ours = figures["ours"]
        found[f"speedup_vs_strawberry_{document}"] = figures["strawberry"] / ours
        found[f"hook_speedup_vs_strawberry_{document}"] = figures["strawberry"] / figures["hook"]
        found[f"time_vs_by_hand_{document}"] = ours / figures["by_hand"]
        for peer in NODE_CONTESTANTS:
            if peer in figures:
                found[f"time_vs_{peer}_{document}"] = ours / figures[peer]
    return found


async def run(rounds: int, milliseconds: int) -> dict[str, Any]:
    """Compare, warm up, measure."""
    core = first_core()
    os.sched_setaffinity(0, {core})
    answers = contestants()
    missing = node_missing()
    async with AsyncExitStack() as stack:
        peers = None if missing else await stack.enter_async_context(node(core))
        sizes = await compare(answers, peers.answer if peers is not None else None)
        seen: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        # As ``serve`` does before the first request; all contestants in Python have it alike.
        settle_memory()
        for number in range(rounds + 1):
            for document in documents.DOCUMENTS:
                for who, answer in answers.items():
                    seen[document][who].append(await python_microseconds(answer, document, milliseconds))
                for who in NODE_CONTESTANTS if peers is not None else ():
                    # The first round is not counted; it lasts longer on Node, so that V8 has compiled everything.
                    lasts = milliseconds * (1 if number else 8)
                    seen[document][who].append(await peers.microseconds(who, document, lasts))
    medians = {d: {who: statistics.median(t[1:]) for who, t in figures.items()} for d, figures in seen.items()}
    result: dict[str, Any] = {
        "machine": describe(
            "strawberry-graphql", "graphql-core", "orjson", node=("graphql", "graphql-jit", "dataloader")
        ),
        "sizes": sizes,
        "rounds": rounds,
        "cpu_microseconds": medians,
        "ratios": _ratios(medians),
    }
    return result | ({"left_out": {"node": missing}} if missing else {})


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--milliseconds", type=int, default=300, help="per contestant, document and round")
    asked = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(run(asked.rounds, asked.milliseconds))
    print(orjson.dumps(result, option=0 if asked.json else orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
