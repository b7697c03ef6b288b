"""Members: what is derived about them."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy import bindparam, select

from gateway.app import open_gateway
from gateway.cli.running import run, settings_from, settings_option
from gateway.database import Database
from gateway.database.tables.members import member
from gateway.events.labels import relabel
from gateway.settings import Settings

#: Members of one transaction: webhooks wait no longer than this takes.
_CHUNK = 500


@click.group()
def members() -> None:
    """Members: what is derived about them."""


@members.command("relabel", epilog="Example: retail-gateway members relabel --settings gateway.toml")
@settings_option
def members_relabel(settings_path: Path | None) -> None:
    """Build the labels and last activities that members are searched by anew, while serving."""
    run(_relabel(settings_from(settings_path)))


async def _relabel(settings: Settings) -> int:
    async with open_gateway(settings) as gateway:
        done = await relabel_everybody(gateway.services.database)
    click.echo(f"{done} members have their labels anew")
    return 0


async def relabel_everybody(database: Database) -> int:
    """In the order of ids, some at a time; may be stopped and run again. Returns how many there were."""
    done, last = 0, ""
    while rows := await database.fetch(_NEXT, {"last": last}):
        last = rows[-1].id
        async with database.write() as connection:
            await relabel(connection, [row.id for row in rows])
        done += len(rows)
    return done


_NEXT = select(member.c.id).where(member.c.id > bindparam("last")).order_by(member.c.id).limit(_CHUNK)
