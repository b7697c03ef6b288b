"""The command ``retail-gateway``. Every error a user can cause ends with a sentence and an exit code."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import click
import orjson
from rich.console import Console

from adapters.registry import TOOLS
from gateway.app import create_app, open_gateway
from gateway.database import upgrade
from gateway.database.errors import DatabaseError
from gateway.demo.show import Terminal
from gateway.demo.stage import DemoError, staged
from gateway.demo.story import EVENING, tell_story
from gateway.events.master import MasterDataError
from gateway.jobs.model import State
from gateway.ports import PortError, listen
from gateway.schema import build_schema
from gateway.serving import serving
from gateway.settings import Settings, SettingsError, load
from sandbox.server import running

#: Exit codes; docs/errors.md says the same.
EXIT_SETTINGS, EXIT_DATABASE, EXIT_PORT, EXIT_FAILED = 3, 4, 5, 6
FOLDER = Path("var")


class JobUnchanged(Exception):
    """There is no such job, or it is in a state that allows no such change."""

    code = "JOB_UNCHANGED"


def run(work: Coroutine[Any, Any, int]) -> None:
    """Run until done or Ctrl-C, and turn our own errors into a sentence and an exit code."""
    try:
        sys.exit(asyncio.run(_until_signal(work)))
    except SettingsError as error:
        _fail(error.code, str(error), EXIT_SETTINGS)
    except PortError as error:
        _fail(error.code, str(error), EXIT_PORT)
    except (DemoError, JobUnchanged, MasterDataError) as error:
        _fail(error.code, str(error), EXIT_FAILED)
    except DatabaseError as error:
        _fail(error.code, str(error), EXIT_DATABASE)
    except KeyboardInterrupt:
        sys.exit(130)


async def _until_signal(work: Coroutine[Any, Any, int]) -> int:
    """Cancel the work on SIGTERM and SIGINT, so that everything opened is closed again."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 0


def _fail(code: str, message: str, status: int) -> None:
    click.echo(f"{code}: {message}", err=True)
    sys.exit(status)


def _settings(path: Path | None) -> Settings:
    try:
        return load(path)
    except SettingsError as error:
        _fail(error.code, str(error), EXIT_SETTINGS)
        raise


settings_option = click.option(
    "--settings",
    "settings_path",
    type=click.Path(path_type=Path),
    envvar="RETAIL_GATEWAY_SETTINGS",
    help="TOML file; docs/settings.md lists every name.",
)


size_option = click.option(
    "--size",
    type=click.IntRange(min=50),
    default=120,
    show_default=True,
    help="Shoppers besides the named ones.",
)


@click.group(epilog="Example: retail-gateway demo")
def main() -> None:
    """One GraphQL schema over a retail brand's seven Tencent tools."""


@main.command(epilog="Example: retail-gateway demo --once --json")
@click.option("--once", is_flag=True, help="Stop after the story instead of serving on.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, and nothing else there.")
@click.option("--port", default=8000, show_default=True, help="Port of the gateway; 0 takes a free one.")
@click.option(
    "--size",
    default=120,
    type=click.IntRange(50),
    show_default=True,
    help="Shoppers besides the named ones, at least 50.",
)
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
            terminal.timeline(result["member"])
            terminal.calls(stage, result["upstreamCalls"])
        if not once:
            terminal.invitation(stage)
            await asyncio.Event().wait()
    return 0


@main.command(epilog="Example: retail-gateway serve --settings gateway.toml")
@settings_option
@click.option("--sandbox", "with_sandbox", is_flag=True, help="Serve on emulated platforms, started beside it.")
@click.option("--host", help="Address to listen on; from the settings by default.")
@click.option("--port", type=int, help="Port to listen on; from the settings by default.")
def serve(settings_path: Path | None, with_sandbox: bool, host: str | None, port: int | None) -> None:
    """Serve the graph and the webhooks."""
    if with_sandbox:
        run(_serve_sandbox(host or "127.0.0.1", 8000 if port is None else port))
        return
    run(_serve(_settings(settings_path), host, port))


async def _serve(settings: Settings, host: str | None, port: int | None) -> int:
    listener = listen(host or settings.host, settings.port if port is None else port)
    bound = listener.getsockname()
    async with serving(create_app(settings), listener):
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


@main.command(epilog="Example: retail-gateway sandbox --json --now 2026-11-11T20:41:00+08:00")
@click.option("--json", "as_json", is_flag=True, help="First line: one JSON object with URLs, credentials and ids.")
@click.option(
    "--size",
    default=120,
    type=click.IntRange(50),
    show_default=True,
    help="Shoppers besides the named ones, at least 50.",
)
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


@main.command(epilog="Example: retail-gateway sync --settings gateway.toml --only payments")
@settings_option
@click.option("--only", multiple=True, type=click.Choice([spec.name for spec in TOOLS]), help="Only these tools.")
def sync(settings_path: Path | None, only: tuple[str, ...]) -> None:
    """Read what the platforms know, from where the last run ended, and show the progress."""
    run(_sync(_settings(settings_path), only))


async def _sync(settings: Settings, only: tuple[str, ...]) -> int:
    console = Console(stderr=True)
    async with open_gateway(settings) as gateway:
        with console.status("reading master data") as status:
            await gateway.import_master_data()
            gateway.services.sync.listeners.append(
                lambda stream, account, rows: status.update(f"reading {stream} of {account}: {rows} rows")
            )
            await gateway.services.sync.enqueue(only)
            await gateway.services.sync.finish(gateway.worker)
        found = await gateway.services.sync.progress()
    for each in found:
        click.echo(f"{each.tool:20} {each.account:28} {each.stream:12} {each.state:8} {each.rows:8} rows")
    return 0 if all(each.state == "DONE" for each in found) else EXIT_FAILED


@main.group()
def schema() -> None:
    """The GraphQL schema."""


@schema.command("print", epilog="Example: retail-gateway schema print > schema.graphql")
def schema_print() -> None:
    """Print the schema in SDL."""
    click.echo(build_schema().as_str())


@main.group()
def db() -> None:
    """The database."""


@db.command("upgrade", epilog="Example: retail-gateway db upgrade --settings gateway.toml")
@settings_option
def db_upgrade(settings_path: Path | None) -> None:
    """Bring the database's schema up to this release."""
    run(_upgrade(_settings(settings_path)))


async def _upgrade(settings: Settings) -> int:
    await upgrade(settings.database_url)
    click.echo("the database has this release's schema")
    return 0


@main.group()
def keys() -> None:
    """Keys."""


@keys.command("new", epilog="Example: retail-gateway keys new")
def keys_new() -> None:
    """Print a new master key: 32 random bytes, base64."""
    click.echo(base64.b64encode(os.urandom(32)).decode())


@main.group()
def jobs() -> None:
    """The durable queue: what waits, what was parked."""


@jobs.command("list", epilog="Example: retail-gateway jobs list --settings gateway.toml --state PARKED")
@settings_option
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only jobs in this state.")
@click.option("--limit", default=100, show_default=True, help="At most so many.")
def jobs_list(settings_path: Path | None, state: str | None, limit: int) -> None:
    """Show jobs, oldest first."""
    run(_jobs_list(_settings(settings_path), None if state is None else State(state), limit))


async def _jobs_list(settings: Settings, state: State | None, limit: int) -> int:
    async with open_gateway(settings) as gateway:
        for job in await gateway.services.queue.list(state=state, limit=limit):
            due = job.run_at.isoformat(timespec="seconds")
            click.echo(f"{job.id}  {job.state.value:9}  {job.kind:16}  {job.attempts:3}  {due}  {job.error_code or ''}")
    return 0


@jobs.command("retry", epilog="Example: retail-gateway jobs retry --id 01M75AXRT5F44WG6HKKTJQ6748")
@click.option("--id", "job_id", required=True, help="The job, as `jobs list` shows it.")
@settings_option
def jobs_retry(job_id: str, settings_path: Path | None) -> None:
    """Try a parked job again, with all its attempts."""
    run(_jobs_change(_settings(settings_path), job_id, "retry"))


@jobs.command("cancel", epilog="Example: retail-gateway jobs cancel --id 01M75AXRT5F44WG6HKKTJQ6748")
@click.option("--id", "job_id", required=True, help="The job, as `jobs list` shows it.")
@settings_option
def jobs_cancel(job_id: str, settings_path: Path | None) -> None:
    """Stop a job that waits or runs."""
    run(_jobs_change(_settings(settings_path), job_id, "cancel"))


async def _jobs_change(settings: Settings, job_id: str, change: Literal["retry", "cancel"]) -> int:
    async with open_gateway(settings) as gateway:
        queue = gateway.services.queue
        changed = await (queue.retry(job_id) if change == "retry" else queue.cancel(job_id))
    if not changed:
        raise JobUnchanged(f"no job {job_id} that could be changed so; `jobs list` shows ids and states")
    click.echo(f"{job_id}: {change}")
    return 0
