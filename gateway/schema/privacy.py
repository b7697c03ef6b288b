"""Rights of persons: access, copy and deletion (查阅、复制、删除)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import strawberry

from gateway.members.access_report import ReportRecord
from gateway.members.erasure import ErasureRecord
from gateway.resolvers import ids, privacy
from gateway.resolvers.errors import UserError
from gateway.schema.info import Info
from gateway.schema.node import Node
from gateway.schema.problems import DomainProblem, invalid
from gateway.schema.scalars import Long


@strawberry.type(description="What erasure did to one table.")
class ErasedTable:
    """Part of an erasure's report."""

    table: str = strawberry.field(description="The table; docs/data-protection.md describes each.")
    action: str = strawberry.field(description="DELETE, SEAL (封存), EMPTY (置空) or UNLINK (去标识化).")
    rows: Long = strawberry.field(description="How many rows.")
    ground: str | None = strawberry.field(description="Why law makes the brand keep sealed rows; null otherwise.")
    until: date | None = strawberry.field(description="When the last of the sealed rows is deleted; null otherwise.")


@strawberry.type(description="What a platform still holds beyond this gateway's reach.")
class BeyondReach:
    """Part of an erasure's report."""

    tool: str = strawberry.field(description="Which of the seven tools.")
    holds: str = strawberry.field(description="What stays there.")
    ask: str = strawberry.field(description="How the person can ask there.")
    brand: str = strawberry.field(description="What the brand can do there.")


@strawberry.type(description="What an erasure did. It holds no personal data.")
class ErasureReport:
    """Report."""

    tables: list[ErasedTable] = strawberry.field(description="Every table that held something of the person.")
    keys_destroyed: int = strawberry.field(
        description="Data keys (数据密钥) destroyed: what they sealed opens nowhere."
    )
    files: int | None = strawberry.field(
        description="Objects deleted from the brand's own bucket (存储桶); null without a bucket."
    )
    transactions_needing_attention: list[strawberry.ID] = strawberry.field(
        description="Transactions that stood still for an operator, and are gone from the books with the person."
    )
    platforms: list[BeyondReach] = strawberry.field(description="What the platforms hold, and how to ask there.")

    @classmethod
    def of(cls, values: Any) -> ErasureReport:
        return cls(
            tables=[
                ErasedTable(
                    table=each["table"],
                    action=each["action"],
                    rows=Long(each["rows"]),
                    ground=each.get("ground"),
                    until=None if each.get("until") is None else date.fromisoformat(each["until"]),
                )
                for each in values["tables"]
            ],
            keys_destroyed=values["keysDestroyed"],
            files=values["files"],
            transactions_needing_attention=[
                strawberry.ID(ids.encode("tx", each)) for each in values["transactionsNeedingAttention"]
            ],
            platforms=[
                BeyondReach(tool=each["tool"], holds=each["holds"], ask=each["ask"], brand=each["brand"])
                for each in values["platforms"]
            ],
        )


@strawberry.type(description="The erasure of a member (删除, 个人信息保护法第四十七条). Who has its id may watch it.")
class MemberErasure(Node):
    """Erasure."""

    state: str = strawberry.field(
        description="QUEUED, WAITING (for open transactions), FILES, SWEEPING (erased; a second pass follows) or DONE."
    )
    requested_at: datetime = strawberry.field(description="When it was asked for; sessions ended then.")
    erased_at: datetime | None = strawberry.field(description="When the data was erased; null before.")
    finished_at: datetime | None = strawberry.field(description="When the second pass ended; null before.")
    report: ErasureReport | None = strawberry.field(description="What was done; null until the data is erased.")

    @classmethod
    def of(cls, record: ErasureRecord) -> MemberErasure:
        return cls(
            id=strawberry.ID(ids.encode("er", record.id)),
            state=record.state,
            requested_at=record.requested_at,
            erased_at=record.erased_at,
            finished_at=record.finished_at,
            report=None if record.report is None else ErasureReport.of(record.report),
        )


@strawberry.type(description="A copy of everything stored of a member (查阅、复制, 个人信息保护法第四十五条).")
class MemberAccessReport(Node):
    """Access report."""

    record: strawberry.Private[ReportRecord]
    state: str = strawberry.field(description="QUEUED or READY.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    ready_at: datetime | None = strawberry.field(description="When it was written; null before.")
    expires_at: datetime = strawberry.field(description="When it is deleted.")

    @strawberry.field(
        description="The report as JSON text, unmasked; null until READY. For the shopper's own session, or the scope "
        "privacy; each reading is recorded."
    )
    async def document(self, info: Info) -> str | None:
        return await privacy.document(info.context, self.record)

    @classmethod
    def of(cls, record: ReportRecord) -> MemberAccessReport:
        return cls(
            id=strawberry.ID(ids.encode("rp", record.id)),
            record=record,
            state=record.state,
            requested_at=record.requested_at,
            ready_at=record.ready_at,
            expires_at=record.expires_at,
        )


@strawberry.input(description="Whom to erase.")
class MemberEraseInput:
    """Erasure."""

    member: strawberry.ID | None = strawberry.field(
        description="The member; left out, the shopper of this session. Another's needs the scope privacy.",
        default=None,
    )


@strawberry.input(description="Whose data to report.")
class MemberAccessReportInput:
    """Access report."""

    member: strawberry.ID | None = strawberry.field(
        description="The member; left out, the shopper of this session. Another's needs the scope privacy.",
        default=None,
    )


MemberEraseResult = Annotated[
    MemberErasure | DomainProblem,
    strawberry.union("MemberEraseResult", description="The erasure, or why there is none."),
]
MemberAccessReportResult = Annotated[
    MemberAccessReport | DomainProblem,
    strawberry.union("MemberAccessReportResult", description="The report, or why there is none."),
]


@strawberry.type(description="Mutations about the rights of persons.")
class PrivacyMutations:
    """Rights."""

    @strawberry.mutation(
        description="Erase a member for good (注销并删除个人信息): sessions end at once, the rest follows as a job. "
        "Asking again answers the same erasure."
    )
    async def member_erase(
        self,
        info: Info,
        input: Annotated[MemberEraseInput, strawberry.argument(description="Whom.")],  # noqa: A002
    ) -> MemberEraseResult:
        try:
            return MemberErasure.of(await privacy.erase(info.context, input.member))
        except UserError as error:
            return invalid(error)

    @strawberry.mutation(
        description="Have a report of everything stored of a member written (查阅、复制个人信息), as a job. "
        "While one is current, it is the answer."
    )
    async def member_access_report(
        self,
        info: Info,
        input: Annotated[MemberAccessReportInput, strawberry.argument(description="Whose.")],  # noqa: A002
    ) -> MemberAccessReportResult:
        try:
            return MemberAccessReport.of(await privacy.report(info.context, input.member))
        except UserError as error:
            return invalid(error)
