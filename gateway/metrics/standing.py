"""Figures that the database holds, the same whichever process is asked: allowances, queues, sync, transactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import Column, func, select

from gateway.context import Services
from gateway.database.tables.inbox import inbox
from gateway.database.tables.sagas import saga
from gateway.jobs import State
from gateway.transactions.states import SagaState

#: What has ended grows for ever and is not counted at each page.
_INBOX: Final = ("NEW", "PARKED")
_OPEN: Final = [state for state in SagaState if state not in {SagaState.COMPLETED, SagaState.COMPENSATED}]


async def standing(services: Services) -> list[Metric]:
    """All of them; six statements. Raises DatabaseError."""
    return [
        *await _quotas(services),
        *await _jobs(services),
        *await _sync(services),
        await _states(services, "gateway_inbox_events", "Webhooks that are not handled", inbox.c.state, _INBOX),
        await _states(services, "gateway_transactions", "Transactions that have not ended", saga.c.state, _OPEN),
        await _outgoing(services),
    ]


async def _quotas(services: Services) -> Sequence[Metric]:
    names = ["tool", "account", "endpoint", "window"]
    limit = GaugeMetricFamily("gateway_quota_limit", "Calls that an allowance has", labels=names)
    left = GaugeMetricFamily("gateway_quota_left", "Calls that are left of an allowance", labels=names)
    resets = GaugeMetricFamily(
        "gateway_quota_reset_timestamp_seconds", "When an allowance is counted anew", labels=names
    )
    spent = GaugeMetricFamily("gateway_quota_spent", "1 while the platform itself refuses", labels=names)
    for each in await services.tools.quotas.states():
        of = [each.tool, each.account, each.endpoint, each.window]
        limit.add_metric(of, each.limit)
        left.add_metric(of, each.left)
        resets.add_metric(of, (each.spent_until or each.resets_at).timestamp())
        spent.add_metric(of, int(each.spent_until is not None))
    return [limit, left, resets, spent]


async def _jobs(services: Services) -> Sequence[Metric]:
    jobs = GaugeMetricFamily("gateway_jobs", "Jobs that wait, run, or were given up", labels=["kind", "state"])
    late = GaugeMetricFamily("gateway_jobs_late_seconds", "How long the oldest job that is due waits", labels=["kind"])
    now = services.clock.now()
    for each in await services.queue.unfinished():
        jobs.add_metric([each.kind, each.state.value], each.jobs)
        if each.state is State.QUEUED:
            late.add_metric([each.kind], max(0.0, (now - each.first_at).total_seconds()))
    return [jobs, late]


async def _sync(services: Services) -> Sequence[Metric]:
    names = ["tool", "account", "stream"]
    read = GaugeMetricFamily("gateway_sync_timestamp_seconds", "When a stream was last read or tried", labels=names)
    failing = GaugeMetricFamily("gateway_sync_failing", "1 while a stream cannot be read", labels=names)
    for each in await services.sync.progress():
        read.add_metric([each.tool, each.account, each.stream], each.updated_at.timestamp())
        failing.add_metric([each.tool, each.account, each.stream], int(each.error_code is not None))
    return [read, failing]


async def _states(
    services: Services, name: str, documentation: str, column: Column[str], states: Sequence[str]
) -> Metric:
    """How many rows stand in each of some states; the others are not looked at. One statement."""
    family = GaugeMetricFamily(name, documentation, labels=["state"])
    rows = await services.database.fetch(
        select(column.label("state"), func.count().label("rows")).where(column.in_(states)).group_by(column)
    )
    found = {row.state: row.rows for row in rows}
    for state in states:
        family.add_metric([state], found.get(state, 0))
    return family


async def _outgoing(services: Services) -> Metric:
    family = GaugeMetricFamily(
        "gateway_webhooks_out", "Deliveries that wait or are parked, and endpoints that were disabled", labels=["what"]
    )
    for what, count in (await services.webhooks.counts()).items():
        family.add_metric([what], count)
    return family
