"""Transactions that a process left in the middle."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from gateway.app import open_gateway
from gateway.cli.running import EXIT_LEFT, run, settings_from, settings_option
from gateway.settings import Settings
from gateway.transactions.recovery import Recovered, Recovery


@click.command(epilog="Example: retail-gateway recover --once --settings gateway.toml")
@settings_option
@click.option("--once", is_flag=True, help="End when nothing is due; without it, work on until Ctrl-C.")
def recover(settings_path: Path | None, once: bool) -> None:
    """Carry on what other processes left: take expired leases, ask the platforms, complete or undo.

    `serve` does the same while it serves. Ends with exit code 9 while transactions are unfinished or need a person.
    """
    run(_recover(settings_from(settings_path), once))


async def _recover(settings: Settings, once: bool) -> int:
    async with open_gateway(settings) as gateway:
        if not once:
            gateway.worker.start()
            await asyncio.Event().wait()
        done = await Recovery(gateway.services.database, gateway.clock).once(gateway.worker)
    _tell(done)
    return EXIT_LEFT if done.left else 0


def _tell(done: Recovered) -> None:
    click.echo(f"{done.attempts} jobs were run")
    for before, state in done.moved:
        click.echo(f"{before.id}  {before.kind:12}  {before.state} → {state}")
    for each in done.left:
        click.echo(f"{each.id}  {each.kind:12}  left {each.state}")
