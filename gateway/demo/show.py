"""The demo on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from rich.console import Console
from rich.json import JSON
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table

from adapters.registry import TOOLS
from gateway.demo.stage import Stage


class Terminal:
    """Prints scenes for a person to read."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def scene(self, title: str, asked: str | None, answer: Mapping[str, Any]) -> None:
        """Question and answer."""
        self.console.rule(f"[bold]{title}")
        if asked is not None:
            self.console.print(Syntax(asked, "graphql", background_color="default", word_wrap=True))
        self.console.print(JSON(orjson.dumps(_short(answer)).decode(), ensure_ascii=False))

    def timeline(self, member: Mapping[str, Any]) -> None:
        """Her story, oldest first."""
        table = Table(title=f"{member['name']} 的时间线 · timeline", show_lines=False)
        for name in ("时间", "工具", "发生了什么"):
            table.add_column(name)
        for entry in reversed(member["timeline"]["nodes"]):
            table.add_row(entry["at"][:16].replace("T", " "), entry["tool"] or "—", entry["summary"])
        self.console.print(table)

    def calls(self, stage: Stage, served: Mapping[str, int]) -> None:
        """Per tool: calls while serving, calls in all, and their time."""
        meter = stage.gateway.services.meter
        table = Table(title="每个工具的调用 · calls per tool (ip_content: SQL statements)")
        for name, justify in (
            ("工具", "left"),
            ("while serving", "right"),
            ("with first sync", "right"),
            ("ms", "right"),
        ):
            table.add_column(name, justify=justify)  # type: ignore[arg-type] # rich's literal
        for spec in TOOLS:
            name = f"{spec.title} {spec.name}"
            millis = f"{meter.seconds[spec.name] * 1000:.0f}"
            table.add_row(name, str(served[spec.name]), str(meter.calls[spec.name]), millis)
        self.console.print(table)

    def invitation(self, stage: Stage) -> None:
        """Where everything is, and what to try."""
        world = stage.sandbox.world
        who = world.people[world.cast["protagonist"]]
        app = world.mini_programs[0].appid
        query = '{ member(by: {openid: {app: \\"%s\\", value: \\"%s\\"}}) { name points { balance } } }' % (
            app,
            who.openids[app],
        )
        text = (
            f"GraphQL   {stage.url}/graphql\nHealth    {stage.url}/health\n"
            f"Key (HQ)  {stage.keys.hq}\nKey (mini-program)  {stage.keys.frontend}\n"
            f"Sandbox   {stage.sandbox.control_url}/control/describe\n\n"
            f"Try:\ncurl -s {stage.url}/graphql -H 'Content-Type: application/json' -H 'X-API-Key: {stage.keys.hq}' \\\n"
            f'  -d \'{{"query": "{query}"}}\'\n\n'
            f"Break a platform, then ask again:\ncurl -s -X POST {stage.sandbox.control_url}/control/faults "
            """-H 'Content-Type: application/json' \\\n  -d '{"platform": "payments", "kind": "status", "value": 503}'\n\n"""
            "Ctrl-C stops everything."
        )
        self.console.print(Panel(text, title="Serving", highlight=False))


def _short(value: Any) -> Any:
    """The answer with signed links and signatures cut, for the eye only."""
    if isinstance(value, Mapping):
        return {name: _short(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_short(each) for each in value]
    if isinstance(value, str) and len(value) > 72:
        return value[:69] + "…"
    return value
