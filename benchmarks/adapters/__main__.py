"""CPU per call and calls per second of our adapters against HTTP clients by hand and vendors' SDKs, in one run.

``python -m benchmarks.adapters [--json] [--rounds N] [--seconds S] [--at-once N]``

Five calls of four platforms: two plain GETs (公众号, 企业微信), one with RSA both ways (微信支付), one with HMAC (COS)
and one with TC3 (腾讯云 STS). Who makes them is in ``callers.py``; the platforms, in a process of their own, in
``upstream.py``. All callers of a call must tell the same before anything is timed. Then they are asked in turn, each
round beginning with another; figures are medians over the rounds.

CPU is of the whole process: threads count. ``ratios`` are others ÷ ours in CPU per call, by call and caller: above 1 we
are ahead. An HTTP client by hand does nothing of what the seam adds: deadline, slots, breaker, quota, meter, retries,
and errors with a kind.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import uvloop

from benchmarks.adapters.callers import Call, Upstream, callers
from benchmarks.machine import describe, first_core, last_core

VERSIONS = (
    "aiohttp", "httpx", "wechatpy", "wechatpayv3", "cos-python-sdk-v5", "tencentcloud-sdk-python-sts", "uvloop",
)  # fmt: skip


@contextmanager
def emulated() -> Iterator[Upstream]:
    """The platforms, on the last core."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.adapters.upstream"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        os.sched_setaffinity(process.pid, {last_core()})
        assert process.stdout is not None
        yield Upstream(**orjson.loads(process.stdout.readline()))
        process.communicate()


async def compare(calls: dict[str, dict[str, Call]]) -> None:
    """Every caller once. Raises RuntimeError where one tells something else than ours."""
    for name, each in calls.items():
        told = {caller: await call() for caller, call in each.items()}
        if len({str(value) for value in told.values()}) != 1:
            raise RuntimeError(f"{name}: {told}")


async def load(call: Call, seconds: float, at_once: int) -> tuple[float, float]:
    """Calls per second, and milliseconds of CPU for each."""
    count, end = 0, time.perf_counter() + seconds

    async def worker() -> None:
        nonlocal count
        while time.perf_counter() < end:
            await call()
            count += 1

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return count / wall, cpu / count * 1000


async def run(upstream: Upstream, rounds: int, seconds: float, at_once: int) -> dict[str, Any]:
    """All figures."""
    measured: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    async with callers(upstream, at_once) as calls:
        await compare(calls)
        for number in range(rounds):
            for name, each in calls.items():
                turn = list(each)
                for caller in turn[number % len(turn) :] + turn[: number % len(turn)]:
                    await load(each[caller], seconds / 5, at_once)
                    measured[name][caller].append(await load(each[caller], seconds, at_once))
    figures = {
        name: {
            caller: {
                "per_second": round(statistics.median(rate for rate, _ in runs)),
                "cpu_ms": round(statistics.median(cpu for _, cpu in runs), 3),
            }
            for caller, runs in each.items()
        }
        for name, each in measured.items()
    }
    ratios = {
        f"{name} {caller}": round(of["cpu_ms"] / each["ours"]["cpu_ms"], 2)
        for name, each in figures.items()
        for caller, of in each.items()
        if caller != "ours"
    }
    return {"at_once": at_once, "calls": figures, "ratios": ratios, "machine": describe(*VERSIONS)}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.8, help="of each run")
    parser.add_argument("--at-once", type=int, default=16, help="calls at once, and threads of blocking SDKs")
    asked = parser.parse_args()
    with emulated() as upstream:
        os.sched_setaffinity(0, {first_core()})
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(run(upstream, asked.rounds, asked.seconds, asked.at_once))
    if asked.json:
        print(orjson.dumps(result).decode())
        return
    for name, each in result["calls"].items():
        print(name)
        for caller, of in each.items():
            ratio = result["ratios"].get(f"{name} {caller}", "")
            print(f"  {caller:26} {of['per_second']:7} calls/s {of['cpu_ms']:8.3f} ms CPU {ratio:>8}")


if __name__ == "__main__":
    main()
