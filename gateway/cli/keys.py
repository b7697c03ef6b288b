"""The keys that seal personal data: make, look at, rotate, renew."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import click

from gateway.cli.running import run, settings_from, settings_option
from gateway.database import Database, Keyring, rotation
from gateway.runtime import SystemClock
from gateway.settings import Settings


@click.group()
def keys() -> None:
    """The keys that seal personal data."""


@keys.command("new", epilog="Example: retail-gateway keys new")
def keys_new() -> None:
    """Print a new master key: 32 random bytes, base64."""
    click.echo(base64.b64encode(os.urandom(32)).decode())


@keys.command("status", epilog="Example: retail-gateway keys status --settings gateway.toml")
@settings_option
def keys_status(settings_path: Path | None) -> None:
    """Show which master keys wrap how many data keys."""
    run(_status(settings_from(settings_path)))


@keys.command("rotate", epilog="Example: retail-gateway keys rotate --settings gateway.toml")
@settings_option
def keys_rotate(settings_path: Path | None) -> None:
    """Wrap every data key by the current master key, while processes serve."""
    run(_rotate(settings_from(settings_path)))


@keys.command("renew", epilog="Example: retail-gateway keys renew --settings gateway.toml")
@settings_option
@click.option("--retire", is_flag=True, help="Destroy older shared keys that seal nothing, instead of renewing.")
def keys_renew(settings_path: Path | None, *, retire: bool) -> None:
    """Make a new shared data key and seal again what older ones sealed."""
    run(_renew(settings_from(settings_path), retire=retire))


async def _status(settings: Settings) -> int:
    async with open_database(settings) as database:
        found = await rotation.status(database)
    for use in found.masters:
        click.echo(f"master key {use.master_id}  {use.role:8}  wraps {use.keys} data keys")
    click.echo(f"{found.destroyed} data keys are destroyed")
    for since in found.shared_since:
        click.echo(f"shared data key since {since.isoformat(timespec='seconds')}")
    return 0


async def _rotate(settings: Settings) -> int:
    async with open_database(settings) as database:
        done = await rotation.rotate(database, _telling("data keys wrapped"))
        former = [use.master_id for use in (await rotation.status(database)).masters if use.role != "CURRENT"]
    click.echo(f"{done} data keys are now wrapped by master key {database.keyring.master_id}")
    if not former:
        click.echo("no other master key wraps anything: take it out of master_keys_accepted in every process")
    return 0


async def _renew(settings: Settings, *, retire: bool) -> int:
    async with open_database(settings) as database:
        if retire:
            click.echo(f"{await rotation.retire_shared(database)} older shared data keys are destroyed")
            return 0
        cells = await rotation.renew_shared(database, _telling("tables read"))
    click.echo(f"{cells} values are sealed again under a new shared data key")
    click.echo("restart every process, then run `keys renew --retire`")
    return 0


def _telling(what: str) -> Callable[[int, int], None]:
    return lambda done, total: click.echo(f"{done} of {total} {what}", err=True)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database alone: no tool is asked for anything."""
    accepted = [key.reveal() for key in settings.master_keys_accepted]
    keyring = Keyring.from_base64(settings.master_key.reveal(), accepted)
    clock = SystemClock(timedelta(seconds=settings.clock_offset_seconds))
    async with Database.open(settings.database_url, keyring, clock=clock) as database:
        yield database
