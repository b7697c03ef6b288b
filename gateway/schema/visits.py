"""Visits of mini-programs, told by their own clients."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.resolvers import visits
from gateway.resolvers.errors import UserError
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, invalid


@strawberry.input(description="A page that the shopper came to.")
class VisitRecordInput:
    """Visit."""

    scene: int = strawberry.field(description="场景值 of wx.getLaunchOptionsSync or onShow, such as 1047.")
    path: str = strawberry.field(description="The page, without its query, such as pages/goods/detail.")
    click_id: str | None = strawberry.field(
        description="gdt_vid of the landing page, where an ad led there; kept as a keyed hash.", default=None
    )
    share_token: str | None = strawberry.field(
        description="What the page's link carried for whoever shared it (分享); kept as a keyed hash.", default=None
    )
    idempotency_key: str | None = strawberry.field(
        description="One per visit; required at run time. The same key again counts nothing.", default=None
    )


@strawberry.type(description="A visit (小程序访问) that counts.")
class Visit:
    """Visit."""

    at: datetime = strawberry.field(description="When it was told first.")
    scene: str = strawberry.field(description="场景值.")
    path: str = strawberry.field(description="The page.")


VisitRecordResult = Annotated[
    Visit | DomainProblem,
    strawberry.union("VisitRecordResult", description="The visit, or why it was not recorded."),
]


@strawberry.type(description="Mutations about visits.")
class VisitMutations:
    """Visits."""

    @strawberry.mutation(
        description="Record that the shopper of this session came to a page of the mini-program (小程序访问):"
        " a fact of their timeline, and of the day's visitors."
    )
    async def visit_record(
        self,
        info: Info,
        input: Annotated[VisitRecordInput, strawberry.argument(description="The visit.")],  # noqa: A002
    ) -> VisitRecordResult:
        try:
            found = await visits.record(
                info.context, input.scene, input.path, input.idempotency_key, input.click_id, input.share_token
            )
        except UserError as error:
            return invalid(error)
        return Visit(at=found.at, scene=found.scene, path=found.path)
