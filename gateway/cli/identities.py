"""``retail-gateway identities``: renames in bulk."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from gateway.bulk.reading import Source
from gateway.bulk.renaming import check, renames
from gateway.cli.keys import open_database
from gateway.cli.running import (
    encoding_option,
    format_option,
    mapping_option,
    run,
    settings_from,
    settings_option,
    source_from,
)
from gateway.members.graph import IdentityGraph
from gateway.members.renames import Outcome, rename
from gateway.settings import Settings


@click.group()
def identities() -> None:
    """Identities: the names that platforms have for shoppers."""


@identities.command("rename", epilog="Example: retail-gateway identities rename --file openids.csv --dry-run")
@settings_option
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    help="CSV with a header, or JSON lines: kind, issuer, old, new, and newIssuer where it differs.",
)
@format_option
@encoding_option
@mapping_option
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def identities_rename(
    settings_path: Path | None, path: Path, form: str | None, encoding: str, mapping: tuple[str, ...], *, dry_run: bool
) -> None:
    """Apply a platform's list of old and new names, after an account migration or a re-binding.

    The list is checked before any of it is applied. It may be stopped and run again: what is done is passed over.
    """
    source = source_from(path, form, encoding, mapping)
    run(_rename(settings_from(settings_path), source, dry_run=dry_run))


async def _rename(settings: Settings, source: Source, *, dry_run: bool) -> int:
    total = check(source)

    def tell(done: int) -> None:
        click.echo(f"{done} of {total} lines", err=True)

    async with open_database(settings) as database:
        graph = IdentityGraph(database, database.clock, settings.identity)
        counts = await rename(graph, renames(source), by="command identities rename", dry_run=dry_run, tell=tell)
    told = ", ".join(f"{outcome.lower()} {counts.get(outcome, 0)}" for outcome in get_args(Outcome))
    click.echo(told + (" (dry run: nothing was written)" if dry_run else ""))
    return 0
