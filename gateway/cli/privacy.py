"""What is sealed after erasures, for an authority or an auditor."""

from __future__ import annotations

import secrets
from pathlib import Path

import click
import orjson
from sqlalchemy import select

from gateway.cli.keys import open_database
from gateway.cli.running import run, settings_from, settings_option
from gateway.database import ERASED, Fact, append_facts
from gateway.database.tables.privacy import sealed_record
from gateway.settings import Settings


@click.group()
def privacy() -> None:
    """Sealed records."""


@privacy.command("sealed", epilog="Example: retail-gateway privacy sealed --reason audit-2026")
@settings_option
@click.option("--reason", required=True, help="Who asks and why, such as a file number; it becomes a fact.")
def privacy_sealed(settings_path: Path | None, reason: str) -> None:
    """Print the sealed records as JSON lines. They name nobody, and that they were printed is recorded."""
    run(_sealed(settings_from(settings_path), reason))


async def _sealed(settings: Settings, reason: str) -> int:
    async with open_database(settings) as database:
        told = Fact(
            kind="privacy.sealed_read",
            occurred_at=database.clock.now(),
            source="own",
            source_key=secrets.token_hex(16),
            reason=reason,
        )
        async with database.write() as connection:
            await append_facts(connection, [told], clock=database.clock)
        last = ""
        page = select(sealed_record).order_by(sealed_record.c.id).limit(200)
        while rows := await database.fetch(page.where(sealed_record.c.id > last)):
            for row in rows:
                # Between the end of its key and of its row, which are one job, a record may be empty.
                record = None if row.record is ERASED else row.record
                line = {"id": row.id, "kind": row.kind, "class": row.class_, "until": row.until, "record": record}
                click.echo(orjson.dumps(line).decode())
            last = rows[-1].id
    return 0
