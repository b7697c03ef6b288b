"""Jobs: what runs behind the graph, how far it is, and exports."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry

from gateway.bulk.exporting import Export
from gateway.bulk.importing import Run
from gateway.bulk.listing import LISTINGS
from gateway.jobs import State
from gateway.resolvers import ids, jobs
from gateway.resolvers.errors import UserError
from gateway.resolvers.jobs import JobRecord
from gateway.schema.consents import ConsentPurpose
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.problems import DomainProblem, invalid
from gateway.schema.scalars import Long


@strawberry.enum(description="Where a job stands (任务状态).")
class JobState(Enum):
    """The states of gateway.jobs."""

    QUEUED = strawberry.enum_value("QUEUED", description="Waits for its time, its turn or another attempt (排队中).")
    RUNNING = strawberry.enum_value("RUNNING", description="A process works on it (进行中).")
    DONE = strawberry.enum_value("DONE", description="Done (已完成).")
    PARKED = strawberry.enum_value("PARKED", description="Given up until an operator decides (已搁置).")
    CANCELLED = strawberry.enum_value("CANCELLED", description="Stopped (已取消).")


assert {state.name for state in JobState} == {state.name for state in State}  # noqa: S101 — two lists would drift


@strawberry.type(description="How far a job is (任务进度).")
class JobProgress:
    """Progress."""

    done: Long = strawberry.field(description="Rows or lines dealt with.")
    total: Long | None = strawberry.field(description="How many there are; null when it is not known.")
    rate: int | None = strawberry.field(description="Rows a second, of late.")
    remaining: int | None = strawberry.field(description="Seconds left at that rate.")


@strawberry.type(description="What an export wrote (导出结果).")
class ExportResult:
    """Export."""

    rows: Long = strawberry.field(description="Lines written.")
    refused: Long = strawberry.field(description="Rows left out, since their member does not allow the purpose.")
    url: str | None = strawberry.field(
        description="Path of the file here, for the same API key; null until it is written, and once it is gone."
    )
    expires_at: datetime | None = strawberry.field(description="When the file is deleted; null until it is written.")


@strawberry.type(description="What an import did (导入结果).")
class ImportResult:
    """Import."""

    kind: str = strawberry.field(description="members, identities, tickets or orders.")
    rows: Long = strawberry.field(description="Rows read.")
    created: Long = strawberry.field(description="New members or orders.")
    updated: Long = strawberry.field(description="Members or orders that changed.")
    rejected: Long = strawberry.field(description="Rows in the file of rejects, each with its reason.")
    dry_run: bool = strawberry.field(description="Whether rows were only checked (试运行).")


JobResult = Annotated[
    ExportResult | ImportResult,
    strawberry.union("JobResult", description="What a job of a kind with a result has come to so far."),
]


@strawberry.type(
    description="A job of the gateway's queue (后台任务): an import, an export, and whatever else runs behind."
)
class Job(Node):
    """Job."""

    record: strawberry.Private[JobRecord]
    kind: str = strawberry.field(description="Such as bulk.import, bulk.export, sync.stage.")
    state: JobState = strawberry.field(description="Where it stands.")
    attempts: int = strawberry.field(description="How often it was tried.")
    error_code: str | None = strawberry.field(description="Why its last attempt failed; docs/errors.md has all codes.")
    created_at: datetime = strawberry.field(description="When it was put.")
    started_at: datetime | None = strawberry.field(description="When its last attempt began.")
    finished_at: datetime | None = strawberry.field(description="When it was over.")
    progress: JobProgress | None = strawberry.field(description="How far it is; null when it does not say.")
    result: JobResult | None = strawberry.field(description="What it has come to so far; null for kinds without one.")

    @classmethod
    def of(cls, record: JobRecord) -> Job:
        job = record.job
        return cls(
            id=strawberry.ID(ids.encode("jb", job.id)),
            record=record,
            kind=job.kind,
            state=JobState[job.state.name],
            attempts=job.attempts,
            error_code=job.error_code,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            progress=_progress(record),
            result=_result(record),
        )


def _progress(record: JobRecord) -> JobProgress | None:
    source: Run | Export | None = record.imported or record.exported
    job = record.job
    if job.progress_done is None:
        return None
    rate = None if source is None else source.rate
    left = None
    if rate and job.progress_total is not None and job.finished_at is None:
        left = round((job.progress_total - job.progress_done) / rate)
    total = None if job.progress_total is None else Long(job.progress_total)
    return JobProgress(done=Long(job.progress_done), total=total, rate=rate, remaining=left)


def _result(record: JobRecord) -> ExportResult | ImportResult | None:
    if record.exported is not None:
        done = record.exported
        url = f"/exports/{done.id}" if done.finished_at is not None and done.deleted_at is None else None
        return ExportResult(rows=Long(done.rows), refused=Long(done.refused), url=url, expires_at=done.expires_at)
    if record.imported is not None:
        run = record.imported
        return ImportResult(
            kind=run.kind,
            rows=Long(run.rows),
            created=Long(run.created),
            updated=Long(run.updated),
            rejected=Long(run.rejected),
            dry_run=run.dry_run,
        )
    return None


@strawberry.enum(description="What can be exported (可导出的列表).")
class ExportKind(Enum):
    """The lists of gateway.bulk.listing."""

    MEMBERS = strawberry.enum_value("MEMBERS", description="Members (会员), as the field members has them.")
    ORDERS = strawberry.enum_value("ORDERS", description="Orders (订单), as the field orders has them.")
    FACTS = strawberry.enum_value(
        "FACTS", description="The fact log (事实日志), which timelines and metrics come from."
    )


assert {kind.name for kind in ExportKind} == set(LISTINGS)  # noqa: S101 — two lists would drift


@strawberry.input(description="What to export (导出).")
class ExportCreateInput:
    """Export."""

    kind: ExportKind = strawberry.field(description="Which list.")
    purpose: ConsentPurpose = strawberry.field(
        description="What it is for (处理目的): members who do not allow it are left out, with all rows about them."
    )
    selection: str = strawberry.field(
        default="",
        description="What to write of each member or order, as a GraphQL selection without the outer braces:"
        " `id phone level { name }`. Some usual fields by default. Facts have fixed columns.",
    )
    updated_after: datetime | None = strawberry.field(
        default=None, description="Members only: those who changed after this instant."
    )
    level: int | None = strawberry.field(
        default=None, description="Members only: those of this level's grade (会员等级)."
    )
    from_: datetime | None = strawberry.field(
        name="from", default=None, description="Orders made, or facts recorded, at this instant or later."
    )
    before: datetime | None = strawberry.field(
        default=None, description="Orders made, or facts recorded, before this instant."
    )
    store: str | None = strawberry.field(default=None, description="Orders or facts of this store's code (门店).")

    def filters(self) -> dict[str, Any]:
        """Those that are given."""
        given = {
            "updated_after": self.updated_after,
            "level": self.level,
            "from": self.from_,
            "before": self.before,
            "store": self.store,
        }
        return {name: value for name, value in given.items() if value is not None}


@strawberry.input(description="Which job to stop.")
class JobCancelInput:
    """Cancel."""

    id: strawberry.ID = strawberry.field(description="The job's id.")


JobOrProblem = Annotated[
    Job | DomainProblem,
    strawberry.union("JobOrProblem", description="The job, or why nothing was done."),
]


@strawberry.type(description="Fields about jobs.")
class JobQueries:
    """Jobs."""

    @strawberry.field(
        description="One job, by its id; null when it is gone. Needs operations, or bulk for imports and own exports."
    )
    async def job(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The job's id.")],  # noqa: A002
    ) -> Job | None:
        record = await jobs.one(info.context, ids.decode_as("jb", id)[1])
        return None if record is None else Job.of(record)


@strawberry.type(description="Mutations about jobs and exports.")
class JobMutations:
    """Jobs."""

    @strawberry.mutation(
        description="Export members, orders or facts to JSON lines, as a job (批量导出). Needs the scope bulk; personal"
        " values are masked without pii:read. docs/bulk.md says more."
    )
    async def export_create(
        self,
        info: Info,
        input: Annotated[ExportCreateInput, strawberry.argument(description="What to export.")],  # noqa: A002
    ) -> JobOrProblem:
        try:
            record = await jobs.export(
                info.context, input.kind.name, input.filters(), input.selection, input.purpose.name
            )
        except UserError as error:
            return invalid(error)
        return Job.of(record)

    @strawberry.mutation(description="Stop a job that waits or runs (取消任务). What it has written so far stays.")
    async def job_cancel(
        self,
        info: Info,
        input: Annotated[JobCancelInput, strawberry.argument(description="Which job.")],  # noqa: A002
    ) -> JobOrProblem:
        try:
            record = await jobs.cancel(info.context, ids.decode_as("jb", input.id)[1])
        except UserError as error:
            return invalid(error)
        return Job.of(record)
