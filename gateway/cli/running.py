"""What every command shares: options, and errors that end with a sentence and an exit code."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click
import uvloop

from gateway.bulk.exporting import ExportRefused
from gateway.bulk.reading import FileUnusable
from gateway.database.errors import DatabaseError
from gateway.demo.stage import DemoError
from gateway.events.master import MasterDataError
from gateway.ports import PortError
from gateway.settings import Settings, SettingsError, load

#: Exit codes; docs/errors.md says the same.
EXIT_SETTINGS, EXIT_DATABASE, EXIT_PORT, EXIT_FAILED, EXIT_REJECTS, EXIT_LEFT = 3, 4, 5, 6, 7, 8
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
    except (DemoError, ExportRefused, FileUnusable, JobUnchanged, MasterDataError) as error:
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
