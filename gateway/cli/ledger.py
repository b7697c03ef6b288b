"""Members' points and totals."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import click

from gateway.app import Gateway, open_gateway
from gateway.cli.running import EXIT_FAILED, run, settings_from, settings_option
from gateway.jobs import State
from gateway.members.points import EXPIRE_JOB
from gateway.members.totals import REBUILD_JOB, TotalsRebuild
from gateway.settings import Settings

#: Seconds between two looks at jobs that wait for another attempt or run elsewhere.
_LOOK: Final = 0.5


@click.group()
def points() -> None:
    """Members' points."""


@points.command("expire", epilog="Example: retail-gateway points expire --settings gateway.toml")
@settings_option
def points_expire(settings_path: Path | None) -> None:
    """Book points whose time is over, now; a process that serves does it every night. Balances are right without it."""
    run(_points_expire(settings_from(settings_path)))


async def _points_expire(settings: Settings) -> int:
    async with open_gateway(settings) as gateway:
        services = gateway.services
        async with services.database.write() as connection:
            await services.queue.put(connection, EXPIRE_JOB, 1, {}, key=EXPIRE_JOB)
        return await _finish(gateway, EXPIRE_JOB)


@click.group()
def totals() -> None:
    """Members' totals: orders, spend, refunds, last seen."""


@totals.command("rebuild", epilog="Example: retail-gateway totals rebuild --settings gateway.toml")
@settings_option
def totals_rebuild(settings_path: Path | None) -> None:
    """Add all facts up anew, while serving; one that was interrupted goes on where it stood."""
    run(_totals_rebuild(settings_from(settings_path)))


async def _totals_rebuild(settings: Settings) -> int:
    async with open_gateway(settings) as gateway:
        services = gateway.services
        await TotalsRebuild(services.database, services.queue, services.clock).enqueue()
        return await _finish(gateway, REBUILD_JOB)


async def _finish(gateway: Gateway, kind: str) -> int:
    """Work until no job of a kind is left, here or in another process, and say whether one was given up."""
    queue = gateway.services.queue
    while True:
        await gateway.worker.drain()
        if not [*await queue.list(kind=kind, state=State.QUEUED), *await queue.list(kind=kind, state=State.RUNNING)]:
            break
        await asyncio.sleep(_LOOK)
    parked = await queue.list(kind=kind, state=State.PARKED)
    for job in parked:
        click.echo(f"{job.id}  {job.state.value}  {job.error_code or ''}", err=True)
    if parked:
        return EXIT_FAILED
    click.echo(f"{kind}: done")
    return 0
