"""Stored webhooks: what came, what became of it, and handling it once more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import orjson

from adapters.registry import TOOLS
from gateway.app import Gateway, open_gateway
from gateway.cli.running import EXIT_FAILED, run, settings_from, settings_option
from gateway.events.replaying import Replays, Which
from gateway.settings import Settings

_STATES = ("NEW", "DONE", "PARKED")
_PAGE = 500


@click.group()
def events() -> None:
    """Stored webhooks: what came, and what became of it."""


_tool = click.option("--tool", type=click.Choice([spec.name for spec in TOOLS]), help="Only of this tool.")
_kind = click.option("--kind", help="Only of this kind, as docs/event-kinds.md names it.")


@events.command("list", epilog="Example: retail-gateway events list --settings gateway.toml --state PARKED")
@settings_option
@_tool
@_kind
@click.option("--state", type=click.Choice(_STATES), help="Only in this state.")
@click.option("--after", default="", help="Only those that came after this one.")
@click.option("--limit", default=100, show_default=True, help="At most so many.")
def events_list(
    settings_path: Path | None, tool: str | None, kind: str | None, state: str | None, after: str, limit: int
) -> None:
    """Show stored webhooks, oldest first, without their bodies."""
    run(_list(settings_from(settings_path), Which(tool, kind, state), after, limit))


async def _list(settings: Settings, which: Which, after: str, limit: int) -> int:
    async with open_gateway(settings) as gateway:
        for each in await _replays(gateway).list(which, after=after, limit=limit):
            at = each.received_at.isoformat(timespec="seconds")
            click.echo(
                f"{each.id}  {each.state:6}  {each.tool:18}  {each.account:20}  {at}  {each.attempts:3}  {each.kind}"
                f"  {each.error_code or ''}".rstrip()
            )
    return 0


@events.command("show", epilog="Example: retail-gateway events show --id 01M75AXRT5F44WG6HKKTJQ6748")
@click.option("--id", "event_id", required=True, help="The webhook, as `events list` shows it.")
@settings_option
def events_show(event_id: str, settings_path: Path | None) -> None:
    """Print one as a JSON line, with its fields; what may be personal is masked."""
    run(_show(settings_from(settings_path), event_id))


async def _show(settings: Settings, event_id: str) -> int:
    async with open_gateway(settings) as gateway:
        event, fields = await _replays(gateway).show(event_id)
    click.echo(orjson.dumps({"event": event, "fields": fields}).decode())
    return 0


@events.command("replay", epilog="Example: retail-gateway events replay --state PARKED --tool payments")
@settings_option
@click.option("--id", "event_ids", multiple=True, help="A webhook, as `events list` shows it; may be repeated.")
@_tool
@_kind
@click.option("--state", type=click.Choice(("DONE", "PARKED")), help="All in this state, in place of --id.")
def events_replay(
    settings_path: Path | None, event_ids: tuple[str, ...], tool: str | None, kind: str | None, state: str | None
) -> None:
    """Handle stored webhooks once more, in their order."""
    if bool(event_ids) == (state is not None):
        raise click.UsageError("give --id, once or more, or --state")
    run(_replay(settings_from(settings_path), event_ids, Which(tool, kind, state)))


@events.command("rebuild", epilog="Example: retail-gateway events rebuild --tool enterprise_chat")
@settings_option
@_tool
def events_rebuild(settings_path: Path | None, tool: str | None) -> None:
    """Fill projections from every stored webhook again; what is known to be newer stays."""
    run(_replay(settings_from(settings_path), (), Which(tool)))


async def _replay(settings: Settings, event_ids: Sequence[str], which: Which) -> int:
    async with open_gateway(settings) as gateway:
        replays = _replays(gateway)
        for each in event_ids:
            await replays.show(each)
        wanted = list(event_ids) or await _all(replays, which)
        put = await replays.replay(wanted)
        await gateway.worker.drain()
        states = await replays.states(wanted)
    click.echo(f"{put} replayed: " + ", ".join(f"{count} {state}" for state, count in sorted(states.items())))
    return 0 if set(states) <= {"DONE"} else EXIT_FAILED


async def _all(replays: Replays, which: Which) -> list[str]:
    found: list[str] = []
    while page := await replays.list(which, after=found[-1] if found else "", limit=_PAGE):
        found += [each.id for each in page]
    return found


def _replays(gateway: Gateway) -> Replays:
    services = gateway.services
    return Replays(services.database, services.queue, services.tools)
