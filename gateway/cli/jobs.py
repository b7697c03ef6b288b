"""The durable queue: what waits, what was parked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from gateway.app import open_gateway
from gateway.cli.running import JobUnchanged, run, settings_from, settings_option
from gateway.jobs.model import State
from gateway.settings import Settings


@click.group()
def jobs() -> None:
    """The durable queue: what waits, what was parked."""


@jobs.command("list", epilog="Example: retail-gateway jobs list --settings gateway.toml --state PARKED")
@settings_option
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only jobs in this state.")
@click.option("--limit", default=100, show_default=True, help="At most so many.")
def jobs_list(settings_path: Path | None, state: str | None, limit: int) -> None:
    """Show jobs, oldest first."""
    run(_jobs_list(settings_from(settings_path), None if state is None else State(state), limit))


async def _jobs_list(settings: Settings, state: State | None, limit: int) -> int:
    async with open_gateway(settings) as gateway:
        for job in await gateway.services.queue.list(state=state, limit=limit):
            due = job.run_at.isoformat(timespec="seconds")
            click.echo(f"{job.id}  {job.state.value:9}  {job.kind:16}  {job.attempts:3}  {due}  {job.error_code or ''}")
    return 0


@jobs.command("retry", epilog="Example: retail-gateway jobs retry --id 01M75AXRT5F44WG6HKKTJQ6748")
@click.option("--id", "job_id", required=True, help="The job, as `jobs list` shows it.")
@settings_option
def jobs_retry(job_id: str, settings_path: Path | None) -> None:
    """Try a parked job again, with all its attempts."""
    run(_jobs_change(settings_from(settings_path), job_id, "retry"))


@jobs.command("cancel", epilog="Example: retail-gateway jobs cancel --id 01M75AXRT5F44WG6HKKTJQ6748")
@click.option("--id", "job_id", required=True, help="The job, as `jobs list` shows it.")
@settings_option
def jobs_cancel(job_id: str, settings_path: Path | None) -> None:
    """Stop a job that waits or runs."""
    run(_jobs_change(settings_from(settings_path), job_id, "cancel"))


async def _jobs_change(settings: Settings, job_id: str, change: Literal["retry", "cancel"]) -> int:
    async with open_gateway(settings) as gateway:
        queue = gateway.services.queue
        changed = await (queue.retry(job_id) if change == "retry" else queue.cancel(job_id))
    if not changed:
        raise JobUnchanged(f"no job {job_id} that could be changed so; `jobs list` shows ids and states")
    click.echo(f"{job_id}: {change}")
    return 0
