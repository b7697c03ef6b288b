"""What every command shares: options, and errors that end with a sentence and an exit code."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, cast

import click
import uvloop

from gateway.bulk.exporting import ExportRefused
from gateway.bulk.reading import Encoding, FileUnusable, Format, Source
from gateway.database.errors import DatabaseError
from gateway.database.rotation import KeysTooEarly
from gateway.demo.stage import DemoError
from gateway.events.master import MasterDataError
from gateway.events.replaying import EventUnknown
from gateway.ports import PortError
from gateway.settings import Settings, SettingsError, load

#: Exit codes; docs/errors.md says the same.
EXIT_SETTINGS, EXIT_DATABASE, EXIT_PORT, EXIT_FAILED, EXIT_REJECTS = 3, 4, 5, 6, 7
#: What differs from a platform; transactions that need a person; differences of a reconciliation that do.
EXIT_DIFFERS, EXIT_LEFT, EXIT_UNRECONCILED = 8, 9, 10
FOLDER = Path("var")


class JobUnchanged(Exception):
    """There is no such job, or it is in a state that allows no such change."""

    code = "JOB_UNCHANGED"


def run(work: Coroutine[Any, Any, int]) -> None:
    """Run until done or Ctrl-C, and turn our own errors into a sentence and an exit code."""
    try:
        # uvicorn[standard] brings it: a request costs a third less than on asyncio's own loop.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            status = runner.run(_until_signal(work))
        sys.exit(status)
    except SettingsError as error:
        _fail(error.code, str(error), EXIT_SETTINGS)
    except PortError as error:
        _fail(error.code, str(error), EXIT_PORT)
    except (
        DemoError, EventUnknown, ExportRefused, FileUnusable, JobUnchanged, KeysTooEarly, MasterDataError,
    ) as error:  # fmt: skip
        _fail(error.code, str(error), EXIT_FAILED)
    except DatabaseError as error:
        _fail(error.code, str(error), EXIT_DATABASE)
    except KeyboardInterrupt:
        sys.exit(130)


async def _until_signal(work: Coroutine[Any, Any, int]) -> int:
    """Cancel the work on SIGTERM and SIGINT, so that everything opened is closed again."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 0


def _fail(code: str, message: str, status: int) -> None:
    click.echo(f"{code}: {message}", err=True)
    sys.exit(status)


def settings_from(path: Path | None) -> Settings:
    """The settings; ends the process with a sentence where they are wrong."""
    try:
        return load(path)
    except SettingsError as error:
        _fail(error.code, str(error), EXIT_SETTINGS)
        raise


settings_option = click.option(
    "--settings",
    "settings_path",
    type=click.Path(path_type=Path),
    envvar="RETAIL_GATEWAY_SETTINGS",
    help="TOML file; docs/settings.md lists every name.",
)


size_option = click.option(
    "--size",
    type=click.IntRange(min=50),
    default=120,
    show_default=True,
    help="Shoppers besides the named ones, at least 50.",
)


format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    help="csv or jsonl (JSON lines); by the file's name by default.",
)
encoding_option = click.option(
    "--encoding",
    type=click.Choice(["utf-8", "gb18030"]),
    default="utf-8",
    show_default=True,
    help="gb18030 for what Excel in China calls CSV; it covers GBK and GB2312.",
)
mapping_option = click.option(
    "--mapping",
    multiple=True,
    metavar="THEIRS=OURS",
    help="A column of the file and ours that it stands for; nothing after = leaves it out. May be repeated.",
)


def source_from(path: Path, form: str | None, encoding: str, mapping: tuple[str, ...]) -> Source:
    """The file that these options name."""
    return Source(path, _format(path, form), cast("Encoding", encoding), _mapping(mapping))


def _format(path: Path, given: str | None) -> Format:
    suffix = path.suffix.lower().removeprefix(".")
    found = given or {"csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl"}.get(suffix)
    if found is None:
        raise click.UsageError(f"{path.name} ends neither with .csv nor with .jsonl: say --format")
    return cast("Format", found)


def _mapping(given: tuple[str, ...]) -> Mapping[str, str]:
    pairs = [each.partition("=") for each in given]
    if any(not equals or not theirs for theirs, equals, _ in pairs):
        raise click.UsageError("--mapping takes THEIRS=OURS, such as 会员编号=out_id")
    return {theirs.strip(): ours.strip() for theirs, _, ours in pairs}
