"""The database, and the schema of the graph."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.running import run, settings_from, settings_option
from gateway.database import upgrade
from gateway.schema import build_schema
from gateway.settings import Settings


@click.group()
def schema() -> None:
    """The GraphQL schema."""


@schema.command("print", epilog="Example: retail-gateway schema print > schema.graphql")
def schema_print() -> None:
    """Print the schema in SDL."""
    click.echo(build_schema().as_str())


@click.group()
def db() -> None:
    """The database."""


@db.command("upgrade", epilog="Example: retail-gateway db upgrade --settings gateway.toml")
@settings_option
def db_upgrade(settings_path: Path | None) -> None:
    """Bring the database's schema up to this release."""
    run(_upgrade(settings_from(settings_path)))


async def _upgrade(settings: Settings) -> int:
    await upgrade(settings.database_url)
    click.echo("the database has this release's schema")
    return 0
