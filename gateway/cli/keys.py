"""The keys that seal personal data: make, look at, rotate, renew."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import click

from gateway.cli.running import EXIT_FAILED, run, settings_from, settings_option
from gateway.database import Database, Keyring, rotation
from gateway.members.family import related
from gateway.resolvers import ids
from gateway.resolvers.errors import UserError
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
@click.option("--member", help="Renew the keys of this member, by our id as node ids hold it, and not the shared one.")
@click.option("--retire", is_flag=True, help="Destroy former keys that seal nothing any more, instead of renewing.")
def keys_renew(settings_path: Path | None, member: str | None, *, retire: bool) -> None:
    """Make a new data key and seal again what the former one sealed, while processes serve."""
    if member is not None and retire:
        raise click.UsageError("--retire looks at all former keys: leave --member out")
    run(_renew(settings_from(settings_path), member, retire=retire))


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


async def _renew(settings: Settings, member: str | None, *, retire: bool) -> int:
    async with open_database(settings) as database:
        if retire:
            click.echo(f"{await rotation.retire(database)} former data keys are destroyed")
            return 0
        if member is None:
            cells, whose = await rotation.renew_shared(database, _telling("tables read")), "a new shared data key"
        else:
            subjects = await related(database.fetch, [_member_id(member)])
            if not subjects:
                click.echo("MEMBER_UNKNOWN: no member has this id", err=True)
                return EXIT_FAILED
            cells = await rotation.renew_subject(database, sorted(subjects), _telling("tables read"))
            whose = "new data keys of the member"
        ready = await rotation.retirable_from(database)
    click.echo(f"{cells} values are sealed again under {whose}")
    if ready is not None:
        when = ready.isoformat(timespec="seconds")
        click.echo(f"run `keys renew --retire` after {when}: by then every process seals by it")
    return 0


def _member_id(text: str) -> str:
    """A member's id, bare or as the graph writes it."""
    try:
        return ids.decode_as("mb", text)[1]
    except UserError:
        return text


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
