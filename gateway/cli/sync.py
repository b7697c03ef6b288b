"""Reading what the platforms know."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from adapters.registry import TOOLS
from gateway.app import open_gateway
from gateway.cli.running import EXIT_FAILED, run, settings_from, settings_option
from gateway.settings import Settings


@click.command(epilog="Example: retail-gateway sync --settings gateway.toml --only payments")
@settings_option
@click.option("--only", multiple=True, type=click.Choice([spec.name for spec in TOOLS]), help="Only these tools.")
def sync(settings_path: Path | None, only: tuple[str, ...]) -> None:
    """Read what the platforms know, from where the last run ended, and show the progress."""
    run(_sync(settings_from(settings_path), only))


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
