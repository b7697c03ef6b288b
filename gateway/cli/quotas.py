"""The platforms' allowances: what is left, and telling the gateway that somebody cleared them."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.app import open_gateway
from gateway.cli.running import run, settings_from, settings_option
from gateway.settings import Settings, SettingsError


@click.group()
def quotas() -> None:
    """The platforms' allowances: calls left per account and endpoint."""


@quotas.command("list", epilog="Example: retail-gateway quotas list --settings gateway.toml")
@settings_option
def quotas_list(settings_path: Path | None) -> None:
    """Show what is left of each allowance, over all processes."""
    run(_list(settings_from(settings_path)))


async def _list(settings: Settings) -> int:
    async with open_gateway(settings) as gateway:
        for each in await gateway.services.tools.quotas.states():
            resets = each.resets_at.isoformat(timespec="seconds")
            name = f"{each.tool}.{each.endpoint}"
            click.echo(f"{name:45}  {each.account:24}  {each.window:6}  {each.left:>8} of {each.limit:<8}  {resets}")
    return 0


@quotas.command("clear", epilog="Example: retail-gateway quotas clear --tool official_account --account main")
@settings_option
@click.option("--tool", required=True, help="One of the seven tool names.")
@click.option("--account", "alias", required=True, help="The account's alias in the settings.")
def quotas_clear(settings_path: Path | None, tool: str, alias: str) -> None:
    """Count an account's calls anew, after its quota was cleared at the platform (清零).

    It tells the platform nothing. Processes that serve notice with their next slice of calls; what the platform had
    refused to them they ask again after it would have reset, or when they are restarted.
    """
    run(_clear(settings_from(settings_path), tool, alias))


async def _clear(settings: Settings, tool: str, alias: str) -> int:
    async with open_gateway(settings) as gateway:
        adapter = gateway.services.tools.by_alias(tool, alias)
        if adapter is None:
            raise SettingsError(f"tools.{tool}.accounts.{alias}: there is no such account; name a tool and an alias.")
        await gateway.services.tools.quotas.forget(tool, adapter.account)
    click.echo(f"{tool}/{alias}: calls are counted anew")
    return 0
