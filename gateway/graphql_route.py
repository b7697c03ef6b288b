"""The GraphQL endpoint: GraphQL over HTTP, JSON in and out, nothing of a framework's view between.

One document is parsed, validated and compiled once; later requests with the same text go from the body to the plan.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from graphql import DocumentNode, ExecutionResult, GraphQLSchema, specified_rules
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from adapters.base.deadline import deadline
from adapters.base.turns import Turns
from gateway.access.limits import LimitExceeded, parse_within
from gateway.access.principal import Authenticator, Credentials, NotAuthenticated, Principal
from gateway.bodies import BodyTooLarge, ClientGone, Receive, read_body
from gateway.cache import Demands
from gateway.context import Context, Services
from gateway.database.traces import trace
from gateway.execution import Plan, PlanCache, Rejected, begin
from gateway.resolvers.errors import UserError
from gateway.runtime.requests import Answered, RequestMeter, codes_of
from gateway.schema.atomic import hooks
from gateway.schema.errors import format_error
from gateway.schema.exports import DocumentRefused, located
from gateway.schema.freshness import listed
from gateway.schema.wishes import demands

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MEDIA_TYPE = "application/graphql-response+json"
#: Strawberry keeps one_of to itself, so the rule of the reference implementation does not see it.
RULES = (*specified_rules, OneOfInputValidationRule)
#: Ask with this header, and the answer says whether a plan was run or graphql-core.
SHOW_PLAN, PLAN = b"x-show-plan", b"x-plan"
#: Ask with this header, or with ``freshness`` in the request's extensions, and the answer lists where values came from.
FRESHNESS = b"x-freshness"
#: Seconds until it is looked whether the client of a query is still there.
ATTEND_AFTER: Final = 0.25


class BadRequest(Exception):
    """The HTTP request is no GraphQL request."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Answer:
    """Status, body and what stands in the head; for the meter what was answered, and with which codes."""

    __slots__ = ("answered", "body", "codes", "headers", "status")

    def __init__(
        self, status: int, body: bytes, media_type: bytes = b"application/json", *, codes: Sequence[str] = ()
    ) -> None:
        self.status = status
        self.body = body
        self.codes = codes
        self.answered: Answered = "refused"
        self.headers = [(b"content-type", media_type), (b"content-length", b"%d" % len(body))]


class GraphQLRoute:
    """``POST /graphql`` for everything, ``GET /graphql`` for queries. An ASGI application."""

    def __init__(self, schema: GraphQLSchema, services: Callable[[], Services], auth: Callable[[], Authenticator]):
        self._services = services
        self._auth = auth
        self.plans = PlanCache(schema, rules=RULES, read=self._parse)
        self.meter = RequestMeter()
        self._turns: Turns | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        begun = time.perf_counter()
        request_id = os.urandom(16).hex()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            answer = await self._serve(scope, headers, receive, request_id)
        except ClientGone:
            return
        except REFUSED as error:
            answer = refused(error, request_id)
        except Exception as error:
            log.error("request %s failed: %s", request_id, trace(error))  # noqa: TRY400 — its text may be personal
            message = f"Something went wrong inside the gateway; report the request id {request_id}."
            answer = refusal(500, "INTERNAL", message, request_id)
        self.meter.record(answer.answered, time.perf_counter() - begun, answer.codes)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _serve(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, request_id: str) -> Answer:
        principal = await self.principal(headers)
        is_get = scope["method"] != "POST"
        values = from_query(scope) if is_get else await self.read(headers, receive)
        text, variables, name = request_of(values)
        report = FRESHNESS in headers or _wants_freshness(values)
        modern = MEDIA_TYPE.encode() in headers.get(b"accept", b"")
        plan = self.plan(text, name)
        if isinstance(plan, Rejected):
            if plan.missing:
                raise BadRequest(400, "OPERATION_UNKNOWN", "operationName must name one operation of the document.")
            return _answer({"errors": [format_error(each, request_id) for each in plan.errors]}, 400, modern=modern)
        if plan.is_subscription:
            raise BadRequest(
                406, "SUBSCRIPTION_TRANSPORT", "Subscribe with Accept: text/event-stream, or by graphql-transport-ws."
            )
        if is_get and not plan.is_query:
            raise BadRequest(405, "METHOD", "Mutations need POST.")
        before = self.plans.counts["fallback"]
        try:
            wanted = demands(plan, variables, report=report)
        except UserError as error:
            raise BadRequest(400, error.code, str(error)) from None
        try:
            result = await self._run(plan, variables, principal, request_id, receive, wanted)
        except DocumentRefused as refused:
            return _answer({"errors": [format_error(located(refused), request_id)]}, 400, modern=modern)
        extensions = {"freshness": listed(wanted, self._services().clock.now())} if report and wanted else None
        answer = _completed(result, request_id, modern=modern, extensions=extensions)
        answer.answered = "query" if plan.is_query else "mutation"
        if SHOW_PLAN in headers:
            fell_back = self.plans.counts["fallback"] > before
            answer.headers.append((PLAN, (plan.described(fell_back=fell_back)).encode()))
        return answer

    async def principal(self, headers: Mapping[bytes, bytes]) -> Principal:
        """The caller by the request's head. Raises NotAuthenticated."""
        shown = credentials(headers)
        return await self._auth().principal(shown.api_key, shown.session, self._services().clock.now())

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive) -> Mapping[str, Any]:
        """The body as JSON. Raises BadRequest, ClientGone."""
        # A form or plain text could be posted by any web page in a browser that holds a session.
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
            raise BadRequest(415, "MEDIA_TYPE", "Send the request with Content-Type: application/json.")
        limit = self._services().settings.limits.body_bytes
        try:
            body = await read_body(receive, limit)
        except BodyTooLarge:
            message = f"The body has more than {limit} bytes; send a smaller one."
            raise BadRequest(413, "BODY_TOO_LARGE", message) from None
        try:
            values = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadRequest(400, "JSON_INVALID", f"The body is not JSON (at byte {error.pos}).") from None
        if not isinstance(values, dict):
            raise BadRequest(400, "JSON_INVALID", "The body must be a JSON object with a query.")
        return values

    def _parse(self, text: str) -> DocumentNode:
        return parse_within(text, self._services().settings.limits)

    def plan(self, text: str, name: str | None) -> Plan | Rejected:
        """The plan of an operation. Raises LimitExceeded."""
        try:
            return self.plans.plan(text, name)
        except RecursionError:
            message = "The document's fragments use one another too deeply; use fewer."
            raise LimitExceeded("DOCUMENT_TOO_DEEP", message) from None

    async def _run(
        self,
        plan: Plan,
        variables: dict[str, Any] | None,
        principal: Principal,
        request_id: str,
        receive: Receive,
        wanted: Demands | None,
    ) -> ExecutionResult:
        context = Context(self._services(), principal, request_id, wanted)
        return await self.execute(plan, variables, context, attend=lambda work: _attended(work, receive))

    async def execute(
        self,
        plan: Plan,
        variables: dict[str, Any] | None,
        context: Context,
        root: Any = None,
        *,
        attend: Callable[[Awaitable[Any]], Awaitable[Any]] | None = None,
    ) -> ExecutionResult:
        """Run a plan within the limits of a request. ``attend`` awaits what ends when the client leaves."""
        services = self._services()
        turns = self._turns
        if turns is None:
            turns = self._turns = Turns(services.settings.limits.running)
        with deadline(services.settings.limits.deadline):
            if not turns.take():
                await (turns.wait() if attend is None else attend(turns.wait()))
            try:
                result = begin(plan, variables, context, root, **await hooks(plan, variables, context))
                if isinstance(result, ExecutionResult):
                    return result
                if plan.is_query and attend is not None:
                    finished: ExecutionResult = await attend(result)
                    return finished
                # What a mutation has begun at a platform must be seen through: the client's going ends nothing.
                answer = await result
                # Who has changed something reads it anew, at whichever process they ask next.
                await services.cache.flush()
                return answer
            finally:
                turns.leave()
                context.release()


def credentials(headers: Mapping[bytes, bytes]) -> Credentials:
    """What a request's head shows of its caller."""
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    session = token.strip() if scheme.lower() == "bearer" else None
    return Credentials(headers.get(b"x-api-key", b"").decode("latin-1") or None, session or None)


async def _attended(work: Awaitable[Any], receive: Receive) -> Any:
    """Await the work, and cancel it when the client leaves. Raises ClientGone then.

    Most queries are answered before ``ATTEND_AFTER``: those cost a timer, and no task that looks.
    """
    me = asyncio.current_task()
    assert me is not None  # noqa: S101 — a request is served by a task
    gone = False
    watching: asyncio.Task[None] | None = None

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        me.cancel()

    def begin_watching() -> None:
        nonlocal watching
        watching = loop.create_task(watch())

    loop = asyncio.get_running_loop()
    beginning = loop.call_later(ATTEND_AFTER, begin_watching)
    try:
        return await work
    except asyncio.CancelledError:
        if not gone or me.uncancel():
            raise
        raise ClientGone from None
    finally:
        beginning.cancel()
        if watching is not None:
            watching.cancel()


def _completed(
    result: ExecutionResult, request_id: str, *, modern: bool, extensions: Mapping[str, Any] | None = None
) -> Answer:
    body, executed = shaped(result, request_id)
    if extensions is not None:
        body["extensions"] = extensions
    return _answer(body, 200 if executed else 400, modern=modern)


def shaped(result: ExecutionResult, request_id: str) -> tuple[dict[str, Any], bool]:
    """A result as clients get it, and whether anything was executed."""
    if not result.errors:
        return {"data": result.data}, True
    body: dict[str, Any] = {"errors": [format_error(error, request_id) for error in result.errors]}
    # Without data nothing was executed: variables did not fit, say. That is the client's error.
    executed = result.data is not None or any(error.path for error in result.errors)
    if executed:
        body["data"] = result.data
    return body, executed


def request_of(values: Mapping[str, Any]) -> tuple[str, dict[str, Any] | None, str | None]:
    """Document, variables and operation name. Raises BadRequest."""
    text, variables, name = values.get("query"), values.get("variables"), values.get("operationName")
    if not isinstance(text, str) or not text.strip():
        raise BadRequest(400, "QUERY_MISSING", "query must be a text: the GraphQL document.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, "VARIABLES_INVALID", "variables must be an object.")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "OPERATION_UNKNOWN", "operationName must be a text.")
    return text, variables, name


def _wants_freshness(values: Mapping[str, Any]) -> bool:
    extensions = values.get("extensions")
    return isinstance(extensions, dict) and extensions.get("freshness") is True


def from_query(scope: Scope) -> Mapping[str, Any]:
    """The request of a GET. Raises BadRequest."""
    params = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    variables: Any = None
    if params.get("variables"):
        try:
            variables = orjson.loads(params["variables"])
        except orjson.JSONDecodeError:
            raise BadRequest(400, "VARIABLES_INVALID", "variables must be a JSON object.") from None
    return {"query": params.get("query"), "variables": variables, "operationName": params.get("operationName")}


def _answer(body: Mapping[str, Any], status: int, *, modern: bool) -> Answer:
    # Clients of the older media type expect 200 for every well-formed answer.
    codes = codes_of(body)
    if modern:
        return Answer(status, orjson.dumps(body), MEDIA_TYPE.encode(), codes=codes)
    return Answer(200, orjson.dumps(body), codes=codes)


#: What a request may be refused with before anything is executed.
REFUSED: Final = (NotAuthenticated, BadRequest, LimitExceeded)


def refused(error: NotAuthenticated | BadRequest | LimitExceeded, request_id: str) -> Answer:
    """The answer to a request that was refused."""
    status = error.status if isinstance(error, BadRequest) else 401 if isinstance(error, NotAuthenticated) else 400
    return refusal(status, error.code, str(error), request_id)


def refusal(status: int, code: str, message: str, request_id: str) -> Answer:
    """An answer without data, whose one error says why."""
    extensions = {"code": code, "requestId": request_id}
    return Answer(status, orjson.dumps({"errors": [{"message": message, "extensions": extensions}]}), codes=[code])
