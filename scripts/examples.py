"""``python -m scripts.examples`` asks README's query of a running gateway and writes the answer into the docs."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path
from typing import Any

import orjson

from gateway.demo.show import folded
from gateway.demo.stage import staged
from gateway.demo.story import EVENING, tell_story

ROOT = Path(__file__).parent.parent
QUERY = ROOT / "examples" / "whole-member.graphql"
ANSWER = ROOT / "examples" / "whole-member.json"
README = ROOT / "README.md"
_ANSWER_BLOCK = re.compile(r"(Its real answer.*?```json\n).*?(\n```)", re.DOTALL)


async def answer() -> dict[str, Any]:
    """README's query after the story was played, as any client gets it over HTTP."""
    with tempfile.TemporaryDirectory() as folder:
        async with staged(now=EVENING, folder=Path(folder)) as stage:
            await tell_story(stage, lambda *_: None)
            world = stage.sandbox.world
            who, app = world.people[world.cast["protagonist"]], world.mini_programs[0].appid
            variables = {"app": app, "openid": who.openids[app]}
            return await stage.graphql(QUERY.read_text("utf-8"), variables, key=stage.keys.hq)


def shown(value: dict[str, Any]) -> str:
    """The answer as the docs print it: instants to the minute, since the demo's clock runs on.

    Entries of one minute are put in the order of their text: the tail's steps end in any order.
    """
    nodes = value["data"]["member"]["timeline"]["nodes"]
    for entry in nodes:
        entry["at"] = entry["at"][:16]
    nodes.sort(key=lambda entry: (entry["at"], entry["summary"]), reverse=True)
    return str(folded(value, 110))


def readme(text: str, block: str) -> str:
    """README with the answer put in."""
    return _ANSWER_BLOCK.sub(lambda match: match[1] + block + match[2], text)


def main() -> None:
    """Write both files."""
    block = shown(asyncio.run(answer()))
    ANSWER.write_text(block + "\n", "utf-8")
    README.write_text(readme(README.read_text("utf-8"), block), "utf-8")
    print(f"wrote {ANSWER.relative_to(ROOT)} and {README.relative_to(ROOT)}: {len(orjson.loads(block))} keys")


if __name__ == "__main__":
    main()
