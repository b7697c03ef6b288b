"""Our books against the platforms' bills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import orjson

from gateway.app import open_gateway
from gateway.cli.running import EXIT_FAILED, EXIT_UNRECONCILED, run, settings_from, settings_option
from gateway.database.clock import BUSINESS_ZONE
from gateway.reconciliation import Book, Difference, Run, State
from gateway.settings import Settings


@click.command(epilog="Example: retail-gateway reconcile --date 2026-11-25 --settings gateway.toml")
@settings_option
@click.option(
    "--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="The day, in China; yesterday when it is left out."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of lines.")
def reconcile(settings_path: Path | None, day: datetime | None, as_json: bool) -> None:
    """Compare a day with the platforms' own bills, repair what is certain, and tell what is left.

    Ends with exit code 10 while something is left for a person, and with 6 when an account could not be compared.
    """
    run(_reconcile(settings_from(settings_path), None if day is None else day.date(), as_json))


async def _reconcile(settings: Settings, day: date | None, as_json: bool) -> int:
    async with open_gateway(settings) as gateway:
        day = day or gateway.clock.now().astimezone(BUSINESS_ZONE).date() - timedelta(days=1)
        runs = await gateway.reconciliation.run(day)
    if as_json:
        click.echo(orjson.dumps({"date": day, "accounts": [_document(each) for each in runs]}).decode())
    else:
        _tell(runs)
    if any(each.state is State.FAILED for each in runs):
        return EXIT_FAILED
    return EXIT_UNRECONCILED if any(each.left for each in runs) else 0


def _tell(runs: Sequence[Run]) -> None:
    for each in runs:
        reason = each.error_code or f"{each.compared} compared, {len(each.repaired)} repaired, {len(each.left)} left"
        book = ":funds" if each.book is Book.FUNDS else ""
        click.echo(f"{each.tool + book:24} {each.account:20} {each.state.value:9} {reason}")
        for difference, word in [(d, "repaired") for d in each.repaired] + [(d, "left") for d in each.left]:
            ours = f"{difference.ours_fen} {difference.ours_state or ''}".strip()
            theirs = f"{difference.theirs_fen} {difference.theirs_state or ''}".strip()
            click.echo(f"  {word:9} {difference.kind.value:15} {difference.number}  ours {ours}, theirs {theirs}")


def _document(each: Run) -> Mapping[str, Any]:
    return {
        "tool": each.tool,
        "account": each.account,
        "book": each.book.value,
        "state": each.state.value,
        "compared": each.compared,
        "learned": each.learned,
        "errorCode": each.error_code,
        "repaired": [_difference(one) for one in each.repaired],
        "left": [_difference(one) for one in each.left],
    }


def _difference(each: Difference) -> Mapping[str, Any]:
    return {
        "kind": each.kind.value,
        "number": each.number,
        "order": each.order,
        "oursFen": each.ours_fen,
        "theirsFen": each.theirs_fen,
        "oursState": each.ours_state,
        "theirsState": each.theirs_state,
    }
