"""How much more an activation brought (活动提升): the facts of its stores, day by day, before and during."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select

from adapters.ip_content import Activation, LiftStudy, baseline_days, study
from gateway.context import Context
from gateway.database.clock import BUSINESS_ZONE
from gateway.database.tables.dimensions import sku
from gateway.database.tables.facts import fact
from gateway.resolvers.errors import UserError

#: Who sees figures.
SCOPE = "statistics:read"
MOST_CONTROLS: Final = 20
MOST_EXCLUSIONS: Final = 100
#: Metric → the kind of fact, and what is added up of a day.
_METRICS: Final[dict[str, tuple[str, ColumnElement[Any]]]] = {
    "GMV": ("order.paid", func.sum(fact.c.amount_fen)),
    "ORDERS": ("order.paid", func.count()),
    "DERIVATIVE_SALES": ("order.line", func.sum(fact.c.amount_fen)),
    "NEW_MEMBERS": ("member.created", func.count()),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The activation, the metric, the control stores (None without) and the days that do not count."""

    activation: Activation
    metric: str
    control: tuple[str, ...] | None
    exclusions: tuple[date, ...]


async def study_of(ctx: Context, asked: Asked) -> LiftStudy:
    """Until yesterday, in one statement. Raises Forbidden, UserError and Rejected (``insufficient_baseline``)."""
    ctx.principal.require(SCOPE)
    mine = set(asked.activation.store_codes)
    if asked.control is not None and (
        not 1 <= len(asked.control) <= MOST_CONTROLS or not mine.isdisjoint(asked.control)
    ):
        raise UserError(f"Give 1 to {MOST_CONTROLS} control stores that do not take part.")
    if len(asked.exclusions) > MOST_EXCLUSIONS:
        raise UserError(f"exclusions has {len(asked.exclusions)} days: at most {MOST_EXCLUSIONS} are possible.")
    today = ctx.clock.now().astimezone(BUSINESS_ZONE).date()
    starts, ends = asked.activation.starts, min(asked.activation.ends, today)
    treatment = [starts + timedelta(days=each) for each in range((ends - starts).days)]
    before = baseline_days(starts, treatment, asked.exclusions)
    first = before[0] if before else starts
    treated, control = await _days(ctx, asked, first, ends)
    return study(
        asked.metric.lower(),
        treated,
        before,
        treatment,
        None if asked.control is None else control,
        asked.exclusions,
    )


async def _days(ctx: Context, asked: Asked, first: date, ends: date) -> tuple[dict[date, int], dict[date, int]]:
    """Day → value, of the activation's stores and of the control stores."""
    kind, value = _METRICS[asked.metric]
    stores = {*asked.activation.store_codes, *(asked.control or ())}
    statement = (
        select(fact.c.business_date, fact.c.store, value.label("value"))
        .where(
            fact.c.kind == kind,
            fact.c.business_date >= first,
            fact.c.business_date < ends,
            fact.c.store.in_(sorted(stores)),
            fact.c.is_test.is_(False),
        )
        .group_by(fact.c.business_date, fact.c.store)
    )
    if asked.metric == "DERIVATIVE_SALES":
        carries = (sku.c.ip_property == asked.activation.property.slug) & sku.c.valid_to.is_(None)
        statement = statement.where(fact.c.line.in_(select(sku.c.code).where(carries)))
    treated: dict[date, int] = defaultdict(int)
    control: dict[date, int] = defaultdict(int)
    for row in await ctx.database.fetch(statement):
        side = treated if row.store in asked.activation.store_codes else control
        side[row.business_date] += int(row.value or 0)
    return treated, control
