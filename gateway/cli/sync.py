"""Reading what the platforms know."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from adapters.registry import TOOLS
from gateway.app import open_gateway
from gateway.cli.running import EXIT_DIFFERS, EXIT_FAILED, run, settings_from, settings_option
from gateway.events.sync.check import check
from gateway.settings import Settings


@click.command(epilog="Example: retail-gateway sync --settings gateway.toml --only payments")
@settings_option
@click.option("--only", multiple=True, type=click.Choice([spec.name for spec in TOOLS]), help="Only these tools.")
@click.option("--check", "as_check", is_flag=True, help="Change nothing: print what differs from the platforms.")
def sync(settings_path: Path | None, only: tuple[str, ...], as_check: bool) -> None:
    """Read what the platforms know, from where the last run ended, and show the progress."""
    settings = settings_from(settings_path)
    run(_check(settings, only) if as_check else _sync(settings, only))


async def _check(settings: Settings, only: tuple[str, ...]) -> int:
    """One line per difference: table, id, field, ours, theirs, parted by tabs."""
    console, failed, differing = Console(stderr=True), 0, 0
    async with open_gateway(settings) as gateway:
        with console.status("reading") as status:
            async for each in check(gateway.services.projector, gateway.services.tools, only):
                status.update(f"compared {each.stream} of {each.account}")
                for found in each.differences:
                    click.echo("\t".join((found.table, found.id, found.field or "-", found.ours, found.theirs)))
                differing += len(each.differences)
                if each.error is not None:
                    failed += 1
                    click.echo(f"{each.error}: {each.stream} of {each.account} could not be read", err=True)
    if failed:
        return EXIT_FAILED
    return EXIT_DIFFERS if differing else 0


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
