"""One operation, whatever carries it: a query or mutation has one answer, a subscription one for each event."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
from graphql import ExecutionResult, GraphQLError

from gateway.access.again import Again
from gateway.access.limits import LimitExceeded
from gateway.access.principal import Credentials, Principal
from gateway.context import Context, Services
from gateway.execution import Plan, Rejected, subscribe
from gateway.graphql_route import BadRequest, GraphQLRoute, shaped
from gateway.resolvers.errors import UserError
from gateway.resolvers.streams import Stream
from gateway.runtime.requests import Answered, codes_of
from gateway.schema.errors import format_error
from gateway.schema.wishes import demands

#: Answers to events kept for others who ask the same; for so long, and at most so many.
SHARED_SECONDS: Final = 2.0
SHARED: Final = 512


class Failed(Exception):
    """The operation has no answer but these errors, each as a client gets it."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("the operation failed")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation as a client sent it, and who sent it."""

    plan: Plan
    variables: dict[str, Any] | None
    shown: Credentials
    principal: Principal
    request_id: str
    resume: str | None = None


class Operations:
    """Runs operations for every transport that streams."""

    def __init__(self, route: GraphQLRoute, services: Callable[[], Services], again: Callable[[], Again]) -> None:
        self.route = route
        self.services = services
        self.again = again
        self._shared: OrderedDict[Any, asyncio.Task[bytes]] = OrderedDict()

    def planned(self, text: str, name: str | None, request_id: str) -> Plan:
        """The plan of a document's operation. Raises Failed."""
        try:
            plan = self.route.plan(text, name)
        except LimitExceeded as error:
            raise refused(error.code, str(error)) from None
        if isinstance(plan, Rejected):
            if plan.missing:
                raise refused("OPERATION_UNKNOWN", "operationName must name one operation of the document.")
            raise Failed([format_error(each, request_id) for each in plan.errors])
        return plan

    async def answer(self, asked: Asked) -> bytes:
        """The answer of a query or mutation, as JSON. Raises Failed where nothing was executed."""
        try:
            wanted = demands(asked.plan, asked.variables, report=False)
        except UserError as error:
            raise refused(error.code, str(error)) from None
        begun = time.perf_counter()
        context = Context(self.services(), asked.principal, asked.request_id, wanted)
        body, executed = shaped(await self.route.execute(asked.plan, asked.variables, context), asked.request_id)
        answered: Answered = "query" if asked.plan.is_query else "mutation"
        self.route.meter.record(answered, time.perf_counter() - begun, codes_of(body))
        if not executed:
            raise Failed(body["errors"])
        return orjson.dumps(body)

    @asynccontextmanager
    async def events(self, asked: Asked) -> AsyncIterator[AsyncIterator[tuple[str, bytes]]]:
        """The answers of a subscription with their event ids, as JSON. Raises Failed, also while it goes on."""
        context = Context(self.services(), asked.principal, asked.request_id, resume=asked.resume)
        try:
            source = await subscribe(asked.plan, asked.variables, context)
        finally:
            context.release()
        if isinstance(source, ExecutionResult):
            raise Failed([format_error(each, asked.request_id) for each in source.errors or ()])
        assert isinstance(source, Stream)  # noqa: S101 — every subscription of the graph gives one
        try:
            yield self._answers(asked, source)
        finally:
            await source.aclose()

    async def _answers(self, asked: Asked, source: Stream[Any]) -> AsyncIterator[tuple[str, bytes]]:
        variables = orjson.dumps(asked.variables, option=orjson.OPT_SORT_KEYS)
        async for event in source:
            # A key or a session may be gone, and people may have merged, since the last event.
            principal = await self.again().principal(asked.shown)
            source.check(principal)
            key = (asked.plan, variables, principal, event.event_id, getattr(event, "part", ""))
            yield event.event_id, await self._once(key, asked, principal, event)

    async def _once(self, key: Any, asked: Asked, principal: Principal, event: Any) -> bytes:
        """One execution for all who ask the same about an event as the same caller."""
        task = self._shared.get(key)
        if task is None:
            task = self._shared[key] = asyncio.create_task(self._execute(asked, principal, event))
            asyncio.get_running_loop().call_later(SHARED_SECONDS, self._shared.pop, key, None)
            if len(self._shared) > SHARED:
                self._shared.popitem(last=False)
        # One who leaves must not end the work of the others.
        return await asyncio.shield(task)

    async def _execute(self, asked: Asked, principal: Principal, event: Any) -> bytes:
        begun = time.perf_counter()
        context = Context(self.services(), principal, asked.request_id)
        body, _ = shaped(await self.route.execute(asked.plan, asked.variables, context, event), asked.request_id)
        self.route.meter.record("event", time.perf_counter() - begun, codes_of(body))
        return orjson.dumps(body)


def refused(code: str, message: str) -> Failed:
    """A failure of ours with one error."""
    return Failed([{"message": message, "extensions": {"code": code}}])


def explained(error: Exception, request_id: str) -> Failed:
    """Any failure as clients see it: our own words, and nothing of what lies behind."""
    if isinstance(error, Failed):
        return error
    if isinstance(error, BadRequest | LimitExceeded):
        return refused(error.code, str(error))
    return Failed([format_error(GraphQLError(str(error), original_error=error), request_id)])
