"""Serving: the gateway, the demo, the emulated platforms."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import click
import orjson
from rich.console import Console

from adapters.registry import TOOLS
from gateway.app import create_app
from gateway.cli.running import FOLDER, run, settings_from, settings_option, size_option
from gateway.demo.show import Terminal
from gateway.demo.stage import staged
from gateway.demo.story import EVENING, tell_story
from gateway.ports import listen
from gateway.serving import serving, settle_memory
from gateway.settings import Settings, SettingsError
from sandbox.server import running


@click.command(epilog="Example: retail-gateway demo --once --json")
@click.option("--once", is_flag=True, help="Stop after the story instead of serving on.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, and nothing else there.")
@click.option("--port", default=8000, show_default=True, help="Port of the gateway; 0 takes a free one.")
@size_option
def demo(once: bool, as_json: bool, port: int, size: int) -> None:
    """Show the product: start seven platforms and a gateway, read, ask, buy, pay."""
    run(_demo(once, as_json, port if not as_json else 0, size))


async def _demo(once: bool, as_json: bool, port: int, size: int) -> int:
    console = Console(stderr=as_json)
    terminal = Terminal(console)
    async with AsyncExitStack() as stack:
        with console.status("starting") as status:
            stage = await stack.enter_async_context(
                staged(now=EVENING, folder=FOLDER / "demo", port=port, size=size, tell=status.update)
            )
        show = (lambda *_: None) if as_json else terminal.scene
        result = await tell_story(stage, show)
        if as_json:
            click.echo(orjson.dumps(result).decode())
        else:
            terminal.heard(result["heard"])
            terminal.timeline(result["member"])
            terminal.calls(stage, result["upstreamCalls"])
        if not once:
            terminal.invitation(stage)
            await asyncio.Event().wait()
    return 0


@click.command(epilog="Example: retail-gateway serve --settings gateway.toml")
@settings_option
@click.option("--sandbox", "with_sandbox", is_flag=True, help="Serve on emulated platforms, started beside it.")
@click.option("--host", help="Address to listen on; from the settings by default.")
@click.option("--port", type=int, help="Port to listen on; from the settings by default.")
def serve(settings_path: Path | None, with_sandbox: bool, host: str | None, port: int | None) -> None:
    """Serve the graph and the webhooks."""
    if with_sandbox:
        run(_serve_sandbox(host or "127.0.0.1", 8000 if port is None else port))
        return
    run(_serve(settings_from(settings_path), host, port))


async def _serve(settings: Settings, host: str | None, port: int | None) -> int:
    listener = listen(host or settings.host, settings.port if port is None else port)
    bound = listener.getsockname()
    async with serving(create_app(settings), listener):
        settle_memory()
        click.echo(f"environment {settings.environment}; GraphQL on http://{bound[0]}:{bound[1]}/graphql", err=True)
        await asyncio.Event().wait()
    return 0


async def _serve_sandbox(host: str, port: int) -> int:
    console = Console(stderr=True)
    async with AsyncExitStack() as stack:
        with console.status("starting") as status:
            stage = await stack.enter_async_context(
                staged(now=None, folder=FOLDER / "dev", host=host, port=port, tell=status.update)
            )
        console.print("[bold]environment sandbox: the seven platforms are emulated")
        Terminal(console).invitation(stage)
        await asyncio.Event().wait()
    return 0


@click.command(epilog="Example: retail-gateway sandbox --json --now 2026-11-11T20:41:00+08:00")
@click.option("--json", "as_json", is_flag=True, help="First line: one JSON object with URLs, credentials and ids.")
@size_option
@click.option("--seed", default=20181111, show_default=True, help="The same seed gives the same world.")
@click.option("--now", help="Instant at which the sandbox's clock starts, RFC 3339; the real time by default.")
@click.option("--only", multiple=True, type=click.Choice([spec.name for spec in TOOLS]), help="Only these tools.")
def sandbox(as_json: bool, size: int, seed: int, now: str | None, only: tuple[str, ...]) -> None:
    """Serve the emulated platforms, each on its own loopback port."""
    try:
        start = None if now is None else datetime.fromisoformat(now)
    except ValueError:
        raise click.BadParameter(f"{now!r} is not RFC 3339, such as 2026-11-11T20:41:00+08:00") from None
    run(_sandbox(as_json, size, seed, start, only or tuple(spec.name for spec in TOOLS)))


async def _sandbox(as_json: bool, size: int, seed: int, now: datetime | None, names: tuple[str, ...]) -> int:
    try:
        context = running(names, now=now, seed=seed, size=size, state=FOLDER / "sandbox")
        async with context as world:
            if as_json:
                click.echo(orjson.dumps(world.describe(), default=str).decode())
            else:
                for name, url in world.urls.items():
                    click.echo(f"{name:20} {url}")
                click.echo(f"{'control':20} {world.control_url}/control/describe")
            sys.stdout.flush()
            await asyncio.Event().wait()
    except ValueError as error:
        raise SettingsError(f"sandbox: {error}") from None
    return 0
