"""Members by the ten thousand, the hundred thousand and the million: import, lookups, profiles, timelines, lists.

``python -m benchmarks.members [--json] [--sizes 10000,100000,1000000] [--databases sqlite,postgresql]
[--folder F --keep]``

Members come in by the import itself, in a process of its own, so that its peak memory is its own. Every member gets
ten facts; one gets enough for a thousand pages. What is read is measured where the graph reads it, in the resolvers:
parsing and printing an answer cost the same whatever the number of members, and would hide what is looked for.
Figures are medians, after a warm-up, of calls that go to every size in turn. A call that asks for one member asks for
one whom no call has asked for before, so that the data keys that the gateway keeps opened favour no size. ``ratios``
compare the largest size with the smallest. Databases that were kept in a folder are read again, not filled again.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import orjson

from benchmarks.members.filling import database, do_import, settings_for
from benchmarks.members.reading import measure
from gateway.app import open_gateway


async def read(urls: dict[str, str], times: int) -> dict[str, Any]:
    """What is read, of databases by their sizes."""
    async with AsyncExitStack() as stack:
        gateways = {
            size: await stack.enter_async_context(open_gateway(settings_for(url))) for size, url in urls.items()
        }
        return await measure(gateways, times)


def ratios(result: dict[str, Any]) -> dict[str, float]:
    """The largest against the smallest: how much slower a read, how much more memory, how many times the rate."""
    counts = sorted(result["filled"], key=int)
    small, large = counts[0], counts[-1]
    label = f"{_short(large)}_vs_{_short(small)}"
    found = {f"{name}_{label}": each[large] / each[small] for name, each in result["ms"].items()}
    found |= {f"{name}_cpu_{label}": each[large] / each[small] for name, each in result["cpu_ms"].items()}
    for name in ("rows_per_s", "peak_mb"):
        found[f"import_{name}_{label}"] = (
            result["filled"][large]["import"][name] / result["filled"][small]["import"][name]
        )
    return found


def _short(count: str) -> str:
    number = int(count)
    return f"{number // 1_000_000}m" if number % 1_000_000 == 0 else f"{number // 1000}k"


def tell(line: str) -> None:
    """Progress."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="numbers of members")
    parser.add_argument("--databases", default="sqlite,postgresql", help="sqlite, postgresql or both")
    parser.add_argument("--times", type=int, default=200, help="calls per figure")
    parser.add_argument("--folder", type=Path, help="where files go; a temporary folder by default")
    parser.add_argument("--keep", action="store_true", help="leave the databases for a run with the same folder")
    parser.add_argument("--import-into", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.import_into:
        print(orjson.dumps(asyncio.run(do_import(asked.import_into, asked.file))).decode())
        return
    result: dict[str, Any] = {"databases": {}, "ratios": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for kind in asked.databases.split(","):
            result["databases"][kind] = one = run(kind, folder, asked)
            if len(one["filled"]) > 1:
                result["ratios"][kind] = ratios(one)
    print(orjson.dumps(result, option=0 if asked.json else orjson.OPT_INDENT_2).decode())


def run(kind: str, folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """One kind of database, all sizes."""
    with ExitStack() as stack:
        urls: dict[str, str] = {}
        filled: dict[str, Any] = {}
        for size in asked.sizes.split(","):
            tell(f"{kind}, {size} members")
            filling = database(kind, folder, int(size), tell, keep=asked.keep)
            urls[size], filled[size] = stack.enter_context(filling)
        return {"filled": filled, **asyncio.run(read(urls, asked.times))}


if __name__ == "__main__":
    main()
