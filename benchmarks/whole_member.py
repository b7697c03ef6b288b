"""The whole-member query over HTTP against a bare Starlette route in the same process, one run.

``python -m benchmarks.whole_member [--json] [--requests N]``

Both servers run in one process, so what is compared is the CPU that the process spends per request. The gateway's
figure contains its live calls to the emulated platforms, which run in that process too: it is an upper bound. The bare
route is the floor of this server and this client; it is no peer of a gateway, and no claim of speed rests on it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.demo import documents
from gateway.demo.stage import Stage, staged
from gateway.demo.story import EVENING
from gateway.ports import listen
from gateway.serving import serving
from sandbox.http1 import request


async def _bare(_: Request) -> Response:
    return Response(b'{"data":{"__typename":"Query"}}', media_type="application/json")


async def _measure(call: Callable[[], Awaitable[None]], times: int) -> dict[str, float]:
    """CPU seconds of the process per request, and wall time's median, in milliseconds."""
    for _ in range(max(3, times // 10)):
        await call()
    walls: list[float] = []
    cpu = time.process_time()
    for _ in range(times):
        started = time.perf_counter()
        await call()
        walls.append(time.perf_counter() - started)
    cpu = time.process_time() - cpu
    return {"cpu_ms": cpu / times * 1000, "p50_ms": statistics.median(walls) * 1000}


async def run(times: int) -> dict[str, object]:
    """Measure the three and relate them."""
    with tempfile.TemporaryDirectory() as folder:
        async with staged(now=EVENING, folder=Path(folder)) as stage:
            return await _run(stage, times)


async def _run(stage: Stage, times: int) -> dict[str, object]:
    listener = listen("127.0.0.1", 0)
    bare_url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    async with serving(Starlette(routes=[Route("/", _bare, methods=["POST"])]), listener):
        return await _compare(stage, bare_url, times)


async def _compare(stage: Stage, bare_url: str, times: int) -> dict[str, object]:
    world = stage.sandbox.world
    who, appid = world.people[world.cast["protagonist"]], world.official_accounts[0].appid

    async def whole() -> None:
        answer = await stage.graphql(
            documents.WHOLE_MEMBER, {"app": appid, "openid": who.openids[appid]}, key=stage.keys.hq
        )
        if answer.get("errors"):
            raise RuntimeError(answer["errors"])

    async def typename() -> None:
        await stage.graphql("{ __typename }", {}, key=stage.keys.hq)

    async def bare() -> None:
        await request("POST", bare_url, {"Content-Type": "application/json"}, b"{}")

    figures = {
        "whole_member": await _measure(whole, times),
        "typename": await _measure(typename, times),
        "bare_route": await _measure(bare, times),
    }
    floor = figures["bare_route"]["cpu_ms"]
    ratios = {
        "whole_member_cpu_vs_bare_route": figures["whole_member"]["cpu_ms"] / floor,
        "typename_cpu_vs_bare_route": figures["typename"]["cpu_ms"] / floor,
    }
    return {"requests": times, "figures": figures, "ratios": ratios}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--requests", type=int, default=200)
    asked = parser.parse_args()
    result = asyncio.run(run(asked.requests))
    print(orjson.dumps(result, option=0 if asked.json else orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
