"""The GraphQL endpoint: GraphQL over HTTP, JSON in and out, nothing of a framework's view between.

One document is parsed, validated and compiled once; later requests with the same text go from the body to the plan.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from graphql import DocumentNode, ExecutionResult, GraphQLSchema, specified_rules
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from adapters.base.deadline import deadline
from gateway.access.limits import LimitExceeded, parse_within
from gateway.access.principal import Authenticator, NotAuthenticated, Principal
from gateway.access.turns import Turns
from gateway.cache import Demands
from gateway.context import Context, Services
from gateway.database.traces import trace
from gateway.execution import Plan, PlanCache, Rejected, begin
from gateway.resolvers.errors import UserError
from gateway.schema.atomic import hooks
from gateway.schema.errors import format_error
from gateway.schema.exports import DocumentRefused, located
from gateway.schema.freshness import listed
from gateway.schema.wishes import demands

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MEDIA_TYPE = "application/graphql-response+json"
#: Strawberry keeps one_of to itself, so the rule of the reference implementation does not see it.
RULES = (*specified_rules, OneOfInputValidationRule)
#: Ask with this header, and the answer says whether a plan was run or graphql-core.
SHOW_PLAN, PLAN = b"x-show-plan", b"x-plan"
#: Ask with this header, or with ``freshness`` in the request's extensions, and the answer lists where values came from.
FRESHNESS = b"x-freshness"


class BadRequest(Exception):
    """The HTTP request is no GraphQL request."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ClientGone(Exception):
    """The client left before it had its answer."""


class Answer:
    """Status, body and what stands in the head."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes, media_type: bytes = b"application/json") -> None:
        self.status = status
        self.body = body
        self.headers = [(b"content-type", media_type), (b"content-length", b"%d" % len(body))]


class GraphQLRoute:
    """``POST /graphql`` for everything, ``GET /graphql`` for queries. An ASGI application."""

    def __init__(self, schema: GraphQLSchema, services: Callable[[], Services], auth: Callable[[], Authenticator]):
        self._services = services
        self._auth = auth
        self.plans = PlanCache(schema, rules=RULES, read=self._parse)
        self._turns: Turns | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request_id = os.urandom(16).hex()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            answer = await self._serve(scope, headers, receive, request_id)
        except ClientGone:
            return
        except NotAuthenticated as error:
            answer = _refusal(401, error.code, str(error), request_id)
        except BadRequest as error:
            answer = _refusal(error.status, error.code, str(error), request_id)
        except LimitExceeded as error:
            answer = _refusal(413 if error.code == "BODY_TOO_LARGE" else 400, error.code, str(error), request_id)
        except Exception as error:
            log.error("request %s failed: %s", request_id, trace(error))  # noqa: TRY400 — its text may be personal
            message = f"Something went wrong inside the gateway; report the request id {request_id}."
            answer = _refusal(500, "INTERNAL", message, request_id)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _serve(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, request_id: str) -> Answer:
        principal = await self._principal(headers)
        is_get = scope["method"] != "POST"
        values = _from_query(scope) if is_get else await self._read(headers, receive)
        text, variables, name = _request(values)
        report = FRESHNESS in headers or _wants_freshness(values)
        modern = MEDIA_TYPE.encode() in headers.get(b"accept", b"")
        plan = self._plan(text, name)
        if isinstance(plan, Rejected):
            if plan.missing:
                raise BadRequest(400, "OPERATION_UNKNOWN", "operationName must name one operation of the document.")
            return _answer({"errors": [format_error(each, request_id) for each in plan.errors]}, 400, modern=modern)
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
        if SHOW_PLAN in headers:
            fell_back = self.plans.counts["fallback"] > before
            answer.headers.append((PLAN, (plan.described(fell_back=fell_back)).encode()))
        return answer

    async def _principal(self, headers: Mapping[bytes, bytes]) -> Principal:
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        session = token.strip() if scheme.lower() == "bearer" else None
        key = headers.get(b"x-api-key", b"").decode("latin-1")
        return await self._auth().principal(key, session, self._services().clock.now())

    async def _read(self, headers: Mapping[bytes, bytes], receive: Receive) -> Mapping[str, Any]:
        # A form or plain text could be posted by any web page in a browser that holds a session.
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
            raise BadRequest(415, "MEDIA_TYPE", "Send the request with Content-Type: application/json.")
        limit = self._services().settings.limits.body_bytes
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > limit:
                raise LimitExceeded("BODY_TOO_LARGE", f"The body has more than {limit} bytes; send a smaller one.")
        try:
            values = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadRequest(400, "JSON_INVALID", f"The body is not JSON (at byte {error.pos}).") from None
        if not isinstance(values, dict):
            raise BadRequest(400, "JSON_INVALID", "The body must be a JSON object with a query.")
        return values

    def _parse(self, text: str) -> DocumentNode:
        return parse_within(text, self._services().settings.limits)

    def _plan(self, text: str, name: str | None) -> Plan | Rejected:
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
        services = self._services()
        context = Context(services, principal, request_id, wanted)
        turns = self._turns
        if turns is None:
            turns = self._turns = Turns(services.settings.limits.running)
        with deadline(services.settings.limits.deadline):
            if not turns.take():
                await _attended(turns.wait(), receive)
            try:
                result = begin(plan, variables, context, **await hooks(plan, variables, context))
                if isinstance(result, ExecutionResult):
                    return result
                if plan.is_query:
                    finished: ExecutionResult = await _attended(result, receive)
                    return finished
                # What a mutation has begun at a platform must be seen through: the client's going ends nothing.
                answer = await result
                # Who has changed something reads it anew, at whichever process they ask next.
                await services.cache.flush()
                return answer
            finally:
                turns.leave()
                context.release()


async def _attended(work: Awaitable[Any], receive: Receive) -> Any:
    """Await the work, and cancel it when the client leaves. Raises ClientGone then."""
    me = asyncio.current_task()
    assert me is not None  # noqa: S101 — a request is served by a task
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        me.cancel()

    watching = asyncio.create_task(watch())
    try:
        return await work
    except asyncio.CancelledError:
        if not gone or me.uncancel():
            raise
        raise ClientGone from None
    finally:
        watching.cancel()


def _completed(
    result: ExecutionResult, request_id: str, *, modern: bool, extensions: Mapping[str, Any] | None = None
) -> Answer:
    told = {} if extensions is None else {"extensions": extensions}
    if not result.errors:
        return _answer({"data": result.data, **told}, 200, modern=modern)
    body: dict[str, Any] = {"errors": [format_error(error, request_id) for error in result.errors], **told}
    # Without data nothing was executed: variables did not fit, say. That is the client's error.
    executed = result.data is not None or any(error.path for error in result.errors)
    if executed:
        body["data"] = result.data
    return _answer(body, 200 if executed else 400, modern=modern)


def _request(values: Mapping[str, Any]) -> tuple[str, dict[str, Any] | None, str | None]:
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


def _from_query(scope: Scope) -> Mapping[str, Any]:
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
    if modern:
        return Answer(status, orjson.dumps(body), MEDIA_TYPE.encode())
    return Answer(200, orjson.dumps(body))


def _refusal(status: int, code: str, message: str, request_id: str) -> Answer:
    extensions = {"code": code, "requestId": request_id}
    return Answer(status, orjson.dumps({"errors": [{"message": message, "extensions": extensions}]}))
