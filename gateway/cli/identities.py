"""``retail-gateway identities``: renames in bulk."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import click

from adapters.base.runtime import Clock
from gateway.cli.running import run, settings_from, settings_option
from gateway.database import Database, Keyring
from gateway.events.kinds import KINDS
from gateway.members.graph import IdentityGraph
from gateway.members.renames import Rename, rename
from gateway.runtime import SystemClock
from gateway.settings import Settings


class RenamesInvalid(click.ClickException):
    """The file cannot be read as a list of renames; says the line."""

    exit_code = 6
    code = "RENAMES_INVALID"

    def show(self, file: object = None) -> None:
        del file
        click.echo(f"{self.code}: {self.message}", err=True)


@click.group()
def identities() -> None:
    """Identities: the names that platforms have for shoppers."""


@identities.command("rename", epilog="Example: retail-gateway identities rename --file openids.csv --dry-run")
@settings_option
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="CSV with a header, or JSON lines (.jsonl): kind, issuer, old, new, and newIssuer where it differs.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def identities_rename(settings_path: Path | None, path: Path, dry_run: bool) -> None:
    """Apply a platform's list of old and new names, after an account migration or a re-binding.

    It may be stopped and run again: what is done is passed over.
    """
    run(_rename(settings_from(settings_path), path, dry_run))


async def _rename(settings: Settings, path: Path, dry_run: bool) -> int:
    keyring, clock = Keyring.from_base64(settings.master_key.reveal()), SystemClock()
    async with Database.open(settings.database_url, keyring, clock=clock) as database:
        counts = await _apply(database, clock, settings, path, dry_run)
    click.echo(", ".join(f"{name.lower()} {counts.get(name, 0)}" for name in _OUTCOMES) + _ending(dry_run))
    return 0


_OUTCOMES = ("DONE", "ALREADY", "UNKNOWN", "CONFLICT", "INVALID")


async def _apply(database: Database, clock: Clock, settings: Settings, path: Path, dry_run: bool) -> dict[str, int]:
    graph = IdentityGraph(database, clock, settings.identity)
    found = await rename(graph, read(path), by="command identities rename", dry_run=dry_run)
    return {str(name): number for name, number in found.items()}


def _ending(dry_run: bool) -> str:
    return " (dry run: nothing was written)" if dry_run else ""


def read(path: Path) -> Iterator[Rename]:
    """The renames of a file, line by line. Raises RenamesInvalid."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = enumerate(map(json.loads, file), 1) if path.suffix == ".jsonl" else enumerate(csv.DictReader(file), 2)
        try:
            for line, row in rows:
                yield _parse(row, path, line)
        except (json.JSONDecodeError, csv.Error, UnicodeDecodeError) as error:
            raise RenamesInvalid(f"{path}: {type(error).__name__}; docs/members.md shows the format.") from None


def _parse(row: object, path: Path, line: int) -> Rename:
    values = row if isinstance(row, dict) else {}
    kind, issuer, old, new = (values.get(name) for name in ("kind", "issuer", "old", "new"))
    texts = [each for each in (kind, issuer, old, new) if isinstance(each, str) and each.strip()]
    if len(texts) < 4:
        raise RenamesInvalid(f"{path}, line {line}: kind, issuer, old and new are needed; docs/members.md shows them.")
    if texts[0] not in KINDS:
        raise RenamesInvalid(f"{path}, line {line}: kind must be one of {', '.join(KINDS)}.")
    moved = values.get("newIssuer")
    return Rename(texts[0], texts[1], texts[2], moved if isinstance(moved, str) and moved else texts[1], texts[3])
