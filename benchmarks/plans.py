"""What a plan costs before its first run, and whether plans ever pile up.

``python -m benchmarks.plans [--json] [--requests N] [--documents N]``

*Cold*: documents that nobody sent before, from 10 to 1,000 fields of the execution benchmark's schema. graphql-core's
own ``parse`` and ``validate`` with the same rules, then the plan cache, which does both and compiles. ``ratios`` says
how much more that is, and what compiling costs per field, which must not grow with the document.

*Memory*: resident memory over a million requests, of which every tenth has 20 variables for ``@skip`` in a vector of
their values drawn anew (of 1,048,576; after eight of them one plan takes all), and over 100,000 distinct documents,
each compiled and run once. Growth is taken after the first tenth, when the caches are full. Figures of time are CPU of
this thread.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import uvloop
from graphql import parse, validate

from benchmarks.execution import schema
from benchmarks.execution.python import TYPES, OurContext
from benchmarks.machine import describe
from gateway.execution import PlanCache, Rejected, run
from gateway.graphql_route import RULES
from gateway.schema import GatewaySchema

SIZES = (10, 100, 1000)
SKIPS = 20
#: One block of ten fields, without resolvers below the list.
_BLOCK = "p{n}: products(first: 1) {{ id title category price {{ amount currency }} reviews {{ id rating postedAt }} }}"
_SHORT = "query Short($first: Int!) { products(first: $first) { id title price { amount } } }"


def distinct(fields: int) -> Iterator[str]:
    """Documents of about so many fields, no two alike."""
    number = 0
    while True:
        number += 1
        blocks = "\n".join(_BLOCK.format(n=f"{number}_{n}") for n in range(max(1, fields // 10)))
        yield f"query Cold{number} {{\n{blocks}\n}}"


def skipping() -> str:
    """A document with 20 conditions."""
    variables = ", ".join(f"$s{n}: Boolean!" for n in range(SKIPS))
    fields = " ".join(f"f{n}: title @skip(if: $s{n})" for n in range(SKIPS))
    return f"query Skips({variables}) {{ products(first: 1) {{ id {fields} }} }}"


def _median_microseconds(times: int, call: Callable[[], object]) -> float:
    found: list[float] = []
    for _ in range(times):
        started = time.thread_time()
        call()
        found.append(time.thread_time() - started)
    return statistics.median(found) * 1e6


def cold(plans: PlanCache, fields: int, times: int) -> dict[str, float]:
    """Microseconds of CPU for one document of so many fields that was never seen."""
    texts = distinct(fields)
    core = plans.schema

    def reference() -> None:
        if validate(core, parse(next(texts)), RULES):
            raise TypeError("the document is not valid")

    def ours() -> None:
        if isinstance(plans.plan(next(texts)), Rejected):
            raise TypeError("the document is not valid")

    for call in (reference, ours):
        call()
    gc.collect()
    # In turn, so that what else the machine does meets both.
    pairs = [(_median_microseconds(1, reference), _median_microseconds(1, ours)) for _ in range(times)]
    checked, planned = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {"parse_and_validate": checked, "plan": planned, "compile_per_field": (planned - checked) / fields}


def resident_mib() -> float:
    """Resident memory now, after a full collection."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def million(plans: PlanCache, requests: int) -> dict[str, Any]:
    """Memory along so many requests."""
    chance = random.Random(20)
    many = skipping()
    seen: list[float] = []
    skips, fell_back, skip_seconds = 0, plans.counts["fallback"], 0.0
    for _ in range(10):
        for number in range(requests // 10):
            if number % 10:
                plan = plans.plan(_SHORT)
                variables: dict[str, Any] = {"first": 2}
            else:
                plan = plans.plan(many)
                bits = chance.getrandbits(SKIPS)
                variables = {f"s{n}": bool(bits >> n & 1) for n in range(SKIPS)}
                skips += 1
            if isinstance(plan, Rejected):
                raise TypeError(plan.errors)
            started = time.thread_time()
            result = await run(plan, variables, None)
            if not number % 10:
                skip_seconds += time.thread_time() - started
            if result.errors:
                raise RuntimeError(result.errors)
        seen.append(resident_mib())
    return {
        "requests": requests,
        "mib": seen,
        "growth_mib": seen[-1] - seen[0],
        "skip_runs_by_graphql_core": (plans.counts["fallback"] - fell_back) / skips,
        "skip_run_microseconds": skip_seconds / skips * 1e6,
    }


async def documents(plans: PlanCache, count: int) -> dict[str, Any]:
    """Memory along so many documents that are all different."""
    seen: list[float] = []
    for part in range(10):
        for number in range(count // 10):
            plan = plans.plan(f"query D{part}_{number} {{ products(first: 1) {{ a{number}: id price {{ amount }} }} }}")
            if isinstance(plan, Rejected):
                raise TypeError(plan.errors)
            await run(plan, None, OurContext())
        seen.append(resident_mib())
    return {"documents": count, "mib": seen, "growth_mib": seen[-1] - seen[0], "plans_kept": len(plans)}


async def measure(requests: int, count: int) -> dict[str, Any]:
    """Everything."""
    made = GatewaySchema(query=schema.Query, config=schema.CONFIG, types=TYPES)
    schema.memory()
    cold_figures = {str(size): cold(PlanCache(made, rules=RULES), size, max(5, 4000 // size)) for size in SIZES}
    plans = PlanCache(made, rules=RULES)
    along_requests = await million(plans, requests)
    along_documents = await documents(plans, count)
    ratios = {
        f"cold_vs_parse_and_validate_{size}": f["plan"] / f["parse_and_validate"] for size, f in cold_figures.items()
    }
    ratios["compile_per_field_1000_vs_10"] = (
        cold_figures["1000"]["compile_per_field"] / cold_figures["10"]["compile_per_field"]
    )
    ratios["memory_after_requests"] = along_requests["mib"][-1] / along_requests["mib"][0]
    ratios["memory_after_documents"] = along_documents["mib"][-1] / along_documents["mib"][0]
    return {
        "machine": describe("graphql-core", "strawberry-graphql"),
        "cold_microseconds": cold_figures,
        "requests": along_requests,
        "documents": along_documents,
        "ratios": ratios,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--documents", type=int, default=100_000)
    asked = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(measure(asked.requests, asked.documents))
    print(orjson.dumps(result, option=0 if asked.json else orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
