"""Jobs of the one queue, and the imports and exports that some of them are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.bulk.exporting import Export, ExportRefused
from gateway.bulk.importing import Run
from gateway.context import Context
from gateway.jobs import Job
from gateway.resolvers.errors import UserError


class ExportInvalid(UserError):
    """An export that cannot be made as it was asked for."""

    code = "EXPORT_INVALID"


class JobUnknown(UserError):
    """There is no such job."""

    code = "JOB_UNKNOWN"


class JobOver(UserError):
    """The job is over already."""

    code = "JOB_OVER"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job, and what it imports or exports."""

    job: Job
    imported: Run | None = None
    exported: Export | None = None


def _may_see(ctx: Context, record: JobRecord) -> bool:
    """All by the scope operations; by the scope bulk imports, and one's own exports."""
    if "operations" in ctx.principal.scopes:
        return True
    if record.exported is not None:
        return "bulk" in ctx.principal.scopes and record.exported.caller == ctx.principal.id
    return "bulk" in ctx.principal.scopes and record.imported is not None


async def one(ctx: Context, job_id: str) -> JobRecord | None:
    """A job that the caller may see, or None."""
    if not {"operations", "bulk"} & ctx.principal.scopes:
        ctx.principal.require("bulk")
    job = await ctx.services.queue.get(job_id)
    if job is None:
        return None
    record = JobRecord(job, await ctx.services.importing.of_job(job_id), await ctx.services.exporting.of_job(job_id))
    return record if _may_see(ctx, record) else None


async def cancel(ctx: Context, job_id: str) -> JobRecord:
    """Stop a job that waits or runs. Raises JobUnknown or JobOver."""
    record = await one(ctx, job_id)
    if record is None:
        raise JobUnknown("There is no such job, or it is not yours.")
    if not await ctx.services.queue.cancel(job_id):
        raise JobOver(f"The job is {record.job.state.value} and cannot be stopped any more.")
    changed = await one(ctx, job_id)
    return record if changed is None else changed


async def export(ctx: Context, kind: str, filters: Mapping[str, Any], selection: str, purpose: str) -> JobRecord:
    """Put an export. Raises ExportInvalid, and Forbidden without the scope bulk."""
    try:
        job_id = await ctx.services.exporting.create(
            ctx.principal, kind, filters=filters, selection=selection, purpose=purpose
        )
    except ExportRefused as error:
        raise ExportInvalid(str(error)) from error
    record = await one(ctx, job_id)
    if record is None:
        raise JobUnknown("The export's job is gone.")
    return record
