"""GraphQL operations that this process has answered, for the metrics page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram

#: What was answered: a query, a mutation, one event of a subscription, or a request that is none of these.
Answered = Literal["query", "mutation", "event", "refused"]

#: Upper ends of the buckets of durations, in seconds.
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class RequestMeter:
    """Durations by what was answered, and the codes of errors. Codes are ours, and few; nothing else of a request."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        seconds = Histogram(
            "gateway_graphql_seconds",
            "Time from a request's head to its answer, by what was answered",
            ["answered"],
            registry=self.registry,
            buckets=BUCKETS,
        )
        kinds: tuple[Answered, ...] = ("query", "mutation", "event", "refused")
        self._seconds = {kind: seconds.labels(kind) for kind in kinds}
        self._errors = Counter(
            "gateway_graphql_errors", "Entries of errors in answers, by code", ["code"], registry=self.registry
        )

    def record(self, answered: Answered, seconds: float, codes: Iterable[str] = ()) -> None:
        """Count one answer, and the codes of its errors."""
        self._seconds[answered].observe(seconds)
        for code in codes:
            self._errors.labels(code).inc()


def codes_of(body: Mapping[str, Any]) -> list[str]:
    """The codes in an answer as clients get it."""
    return [each["extensions"]["code"] for each in body.get("errors", ())]
