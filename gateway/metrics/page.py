"""The metrics page: what this process counted, what all processes' database holds, and what the process itself uses.

Names follow Prometheus' conventions: base units, ``_total`` for counters. Labels are names of ours, codes, and the
platforms' account ids; never anything of a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.context import Services
from gateway.database.errors import DatabaseError
from gateway.metrics.standing import standing
from gateway.runtime.requests import RequestMeter

#: A scrape is given ten seconds by default; without the database there must be time to say the rest.
DATABASE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What of a running gateway is counted. The mappings are read at each page."""

    services: Services
    requests: RequestMeter
    #: Runs and documents of the plan cache, by what happened.
    plans: Mapping[str, int]
    #: Webhooks that were refused, by tool and reason.
    refused: Mapping[tuple[str, str], int]


async def page(parts: Parts, accept: str) -> tuple[bytes, str]:
    """The page and its media type: OpenMetrics for whoever accepts it, else Prometheus' text format.

    A database that does not answer in ``DATABASE_SECONDS`` leaves its figures out and ``gateway_database_up`` 0: the
    process' own are needed most then.
    """
    families = [*_counted(parts), *_state(parts.services)]
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            families += await standing(parts.services)
        reached = 1
    except (DatabaseError, TimeoutError):
        reached = 0
    families.append(GaugeMetricFamily("gateway_database_up", "1 while the database answers", reached))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(families))
    registry.register(parts.requests.registry)
    registry.register(parts.services.meter.registry)
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class _Given(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _counted(parts: Parts) -> Iterator[Metric]:
    """Counters of this process, from its start."""
    services = parts.services
    meter = services.meter
    yield _counter(
        "gateway_upstream_calls",
        "Attempts at calls of the platforms, by outcome: ok, or the kind of the failure",
        ("tool", "endpoint", "outcome"),
        meter.endpoints.items(),
    )
    yield _counter(
        "gateway_upstream_unknown_codes",
        "Answers with a code that the tool's error table does not have",
        ("tool", "endpoint", "code"),
        meter.unknown_codes.items(),
    )
    yield _counter(
        "gateway_quota_refusals",
        "Calls that were not made, for want of allowance",
        ("tool", "account", "endpoint", "reason"),
        services.tools.quotas.refused.items(),
    )
    yield _counter(
        "gateway_webhooks_refused", "Webhooks refused at the door", ("tool", "reason"), parts.refused.items()
    )
    yield _counter(
        "gateway_cache_answers",
        "Answers of platforms, by where they came from",
        ("source",),
        (((source.value,), n) for source, n in services.cache.sources.items()),
    )
    yield _counter(
        "gateway_plans",
        "Documents found in the plan cache or read, and operations run as plans or by graphql-core",
        ("event",),
        (((event,), n) for event, n in parts.plans.items()),
    )
    yield CounterMetricFamily(
        "gateway_database_statements", "SQL statements of this process", services.database.statements
    )


def _state(services: Services) -> Iterator[Metric]:
    """What this process is at the moment."""
    environment = GaugeMetricFamily("gateway_environment", "1 for the environment it serves", labels=["environment"])
    environment.add_metric([services.settings.environment], 1)
    yield environment
    yield GaugeMetricFamily("gateway_subscriptions", "Subscriptions that are open here", len(services.feed))
    redis = services.redis()
    if redis != "OFF":
        yield GaugeMetricFamily("gateway_redis_up", "1 while Redis answers", int(redis == "OK"))


def _counter(
    name: str, documentation: str, labels: Sequence[str], counts: Iterable[tuple[Sequence[str], int]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, documentation, labels=labels)
    for values, count in counts:
        family.add_metric(values, count)
    return family
