"""Files in and out: imports and how far they are, exports."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson
from rich.console import Console

from gateway.access.principal import AUDIENCE_SCOPES, Principal
from gateway.app import open_gateway
from gateway.bulk.importing import Run
from gateway.bulk.listing import LISTINGS
from gateway.bulk.reading import FileUnusable, Source
from gateway.cli.running import (
    EXIT_FAILED,
    EXIT_REJECTS,
    encoding_option,
    format_option,
    mapping_option,
    run,
    settings_from,
    settings_option,
    source_from,
)
from gateway.members.consent import Purpose
from gateway.settings import Settings

_LOOK_SECONDS = 0.3
_OVER = frozenset({"DONE", "FAILED", "CANCELLED"})


@click.group("import")
def import_() -> None:
    """Files in: members, identities, POS tickets, orders of the past. docs/bulk.md has columns and examples."""


def _add(kind: str, what: str) -> None:
    @import_.command(kind, help=what, epilog=f"Example: retail-gateway import {kind} --file {kind}.csv --dry-run")
    @click.option("--file", "path", required=True, type=click.Path(path_type=Path), help="The file.")
    @format_option
    @encoding_option
    @mapping_option
    @click.option("--rejects", type=click.Path(path_type=Path), help="File for rejected rows; FILE.rejects.jsonl.")
    @click.option("--dry-run", is_flag=True, help="Read and check every row, and write none.")
    @click.option("--no-wait", is_flag=True, help="Only put the job; whoever works the queue does it.")
    @click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
    @settings_option
    def command(
        path: Path,
        form: str | None,
        encoding: str,
        mapping: tuple[str, ...],
        rejects: Path | None,
        *,
        dry_run: bool,
        no_wait: bool,
        as_json: bool,
        settings_path: Path | None,
    ) -> None:
        source = source_from(path, form, encoding, mapping)
        settings = settings_from(settings_path)
        run(_import(settings, kind, source, rejects, dry_run=dry_run, wait=not no_wait, as_json=as_json))


_add("members", "Import members with their names at the tools, profile, standing and consents.")
_add("identities", "Import names that are one person's, without a profile.")
_add("tickets", "Import tickets of tills (POS) with their lines.")
_add("orders", "Import orders of the past with their lines.")


async def _import(
    settings: Settings, kind: str, source: Source, rejects: Path | None, *, dry_run: bool, wait: bool, as_json: bool
) -> int:
    console = Console(stderr=True)
    async with open_gateway(settings) as gateway:
        importing = gateway.services.importing
        run_id = await importing.enqueue(kind, source, dry_run=dry_run, rejects=rejects)
        if wait:
            gateway.worker.start()
            try:
                with console.status("beginning") as status:
                    while (found := await importing.run(run_id)) is not None and found.state not in _OVER:
                        status.update(_progress(found))
                        await asyncio.sleep(_LOOK_SECONDS)
            finally:
                await gateway.worker.stop(0)
        done = await importing.run(run_id)
    if done is None:
        raise FileUnusable(f"import {run_id} is gone")
    _tell(done, as_json=as_json)
    if done.state in ("FAILED", "CANCELLED"):
        return EXIT_FAILED
    return EXIT_REJECTS if done.rejected else 0


def _progress(found: Run) -> str:
    share = 100 * found.line // max(1, found.lines)
    left = found.remaining_seconds
    speed = "" if found.rate is None else f", {found.rate} rows a second"
    return f"{found.state.lower()}: {share} %, {found.rows} rows{speed}" + ("" if left is None else f", {left} s left")


@import_.command("status", epilog="Example: retail-gateway import status --json")
@click.option("--limit", default=20, show_default=True, help="At most so many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per import.")
@settings_option
def import_status(limit: int, *, as_json: bool, settings_path: Path | None) -> None:
    """Show imports: state, progress, rate, remaining time, rejects."""
    run(_status(settings_from(settings_path), limit, as_json=as_json))


async def _status(settings: Settings, limit: int, *, as_json: bool) -> int:
    async with open_gateway(settings) as gateway:
        for found in await gateway.services.importing.runs(limit):
            _tell(found, as_json=as_json)
    return 0


def _tell(found: Run, *, as_json: bool) -> None:
    if as_json:
        values = asdict(found) | {"remaining_seconds": found.remaining_seconds}
        click.echo(orjson.dumps(values).decode())
        return
    what = "checked" if found.dry_run else "imported"
    click.echo(
        f"{found.id}  {found.kind:10}  {found.state:9}  {found.rows} rows {what}: {found.created} new,"
        f" {found.updated} changed, {found.rejected} rejected  {found.error_code or ''}".rstrip()
    )
    if found.rejected:
        click.echo(f"  rejected rows: {found.rejects}")
    elif found.state not in _OVER:
        click.echo(f"  {_progress(found)}")


@click.command(epilog="Example: retail-gateway export --kind members --out members.jsonl --purpose SERVICE")
@click.option("--kind", required=True, type=click.Choice([name.lower() for name in LISTINGS]), help="What to export.")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write; new.")
@click.option(
    "--purpose",
    type=click.Choice([each.value for each in Purpose]),
    default="SERVICE",
    show_default=True,
    help="What it is for.",
)
@click.option("--selection", default="", help="What to write of each, as a GraphQL selection: 'id phone'.")
@click.option("--since", type=click.DateTime(), help="What changed, was made or recorded since; the machine's zone.")
@click.option("--unmasked", is_flag=True, help="Write personal values as they are.")
@settings_option
def export(
    kind: str,
    out: Path,
    purpose: str,
    selection: str,
    since: datetime | None,
    *,
    unmasked: bool,
    settings_path: Path | None,
) -> None:
    """Write members, orders or facts to a file of JSON lines. Members who do not allow the purpose are left out."""
    name = "updated_after" if kind == "members" else "from"
    filters = {} if since is None else {name: since.astimezone(UTC)}
    work = _export(settings_from(settings_path), kind.upper(), filters, selection, purpose, out, unmasked=unmasked)
    run(work)


async def _export(
    settings: Settings,
    kind: str,
    filters: Mapping[str, object],
    selection: str,
    purpose: str,
    out: Path,
    *,
    unmasked: bool,
) -> int:
    console = Console(stderr=True)
    scopes = AUDIENCE_SCOPES["hq"] | ({"pii:read"} if unmasked else frozenset())
    # Whoever can run commands here has the settings, and with them every key.
    caller = Principal("command-line", "hq", scopes)
    async with open_gateway(settings) as gateway:
        exporting, queue = gateway.services.exporting, gateway.services.queue
        job_id = await exporting.create(caller, kind, filters=filters, selection=selection, purpose=purpose)
        gateway.worker.start()
        try:
            with console.status("beginning") as status:
                while (job := await queue.get(job_id)) is not None and job.state.name not in _ENDED:
                    status.update(f"{job.state.lower()}: {job.progress_done or 0} of {job.progress_total or '?'} rows")
                    await asyncio.sleep(_LOOK_SECONDS)
        finally:
            await gateway.worker.stop(0)
        done = await exporting.of_job(job_id)
        if done is None or done.finished_at is None:
            click.echo(f"the export did not end: {job.error_code if job else 'its job is gone'}", err=True)
            return EXIT_FAILED
        await asyncio.to_thread(_copy, await exporting.content(caller, done.id), out)
        await exporting.delete(done.id)
    click.echo(f"{out}: {done.rows} rows, {done.refused} left out, since their member does not allow {purpose}")
    return 0


_ENDED = frozenset({"DONE", "PARKED", "CANCELLED"})


def _copy(lines: Iterator[bytes], out: Path) -> None:
    """The file is for its owner's eyes: it holds what the sealed one hid."""
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for each in lines:
            file.write(each)
