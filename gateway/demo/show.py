"""The demo on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.syntax import Syntax
from rich.table import Table

from adapters.registry import TOOLS
from gateway.database.clock import BUSINESS_ZONE
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
        self.console.print(JSONHighlighter()(folded(_short(answer), self.console.width)))

    def timeline(self, member: Mapping[str, Any]) -> None:
        """Her story, oldest first."""
        table = Table(title=f"{member['name']} 的时间线 · timeline", show_lines=False)
        for name in ("时间", "工具", "发生了什么"):
            table.add_column(name)
        for entry in reversed(member["timeline"]["nodes"]):
            table.add_row(_local(entry["at"]), entry["tool"] or "—", entry["summary"])
        self.console.print(table)

    def heard(self, events: Sequence[Mapping[str, Any]]) -> None:
        """What the subscriptions told while it happened, and how soon after the commit."""
        table = Table(title="订阅里听到的 · heard by subscriptions, without polling")
        for name in ("时间", "工具", "发生了什么"):
            table.add_column(name)
        table.add_column("ms after the commit", justify="right")
        for each in events:
            table.add_row(_local(each["at"]), each["tool"] or "—", each["summary"], f"{each['delayMs']:.0f}")
        self.console.print(table)

    def calls(self, stage: Stage, served: Mapping[str, int]) -> None:
        """Per tool: calls while serving, calls in all, and their time."""
        meter = stage.gateway.services.meter
        table = Table(title="每个工具的调用 · calls per tool (ip_content: SQL statements)")
        table.add_column("工具")
        for name in ("while serving", "with first sync", "ms"):
            table.add_column(name, justify="right")
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
        by = f'{{openid: {{app: \\"{app}\\", value: \\"{who.openids[app]}\\"}}}}'
        query = f"{{ member(by: {by}) {{ name points {{ balance }} }} }}"
        control, json = stage.sandbox.control_url, "-H 'Content-Type: application/json'"
        fault = '{"platform": "payments", "kind": "status", "value": 503}'
        lines = (
            f"GraphQL             {stage.url}/graphql",
            f"Health              {stage.url}/health",
            f"Key (HQ)            {stage.keys.hq}",
            f"Key (mini-program)  {stage.keys.frontend}",
            f"Sandbox             {control}/control/describe",
            "",
            "Ask:",
            f"curl -s {stage.url}/graphql {json} -H 'X-API-Key: {stage.keys.hq}' \\",
            f'  -d \'{{"query": "{query}"}}\'',
            "",
            "Break a platform, then ask again (DELETE the same address to mend it):",
            f"curl -s -X POST {control}/control/faults {json} \\",
            f"  -d '{fault}'",
            "",
            "Ctrl-C stops everything.",
        )
        # Plain text, not a panel: a frame would be copied along with the commands.
        self.console.rule("[bold]Serving")
        self.console.print("\n".join(lines), highlight=False, soft_wrap=True, markup=False)


def folded(value: Any, width: int, indent: int = 0) -> str:
    """JSON in which whatever fits stays on one line."""
    flat = orjson.dumps(value).decode()
    if len(flat) + indent + flat.count('":') <= width * 0.9 or not isinstance(value, dict | list) or not value:
        return flat.replace('":', '": ').replace(',"', ', "').replace("},{", "}, {")
    pad = " " * (indent + 2)
    if isinstance(value, list):
        items = [folded(each, width, indent + 2) for each in value]
        return "[\n" + ",\n".join(pad + item for item in items) + "\n" + " " * indent + "]"
    pairs = [f'"{name}": {folded(each, width, indent + 2)}' for name, each in value.items()]
    return "{\n" + ",\n".join(pad + pair for pair in pairs) + "\n" + " " * indent + "}"


def _local(instant: str) -> str:
    """Beijing time, as her phone shows it."""
    return datetime.fromisoformat(instant).astimezone(BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M")


def _short(value: Any) -> Any:
    """The answer with signed links and signatures cut, for the eye only."""
    if isinstance(value, Mapping):
        return {name: _short(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_short(each) for each in value]
    if isinstance(value, str) and len(value) > 72:
        return value[:69] + "…"
    return value
