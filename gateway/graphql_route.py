"""The GraphQL endpoint: GraphQL over HTTP, JSON in and out, nothing of a framework's view between.

One document is parsed and validated once; later requests with the same text skip both.
"""

from __future__ import annotations

import logging
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from inspect import isawaitable
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationType,
    execute,
    get_operation_ast,
    specified_rules,
    validate,
)
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from adapters.base.deadline import deadline
from gateway.access.limits import LimitExceeded, parse_within
from gateway.access.principal import Authenticator, NotAuthenticated, Principal
from gateway.context import Context, Services
from gateway.schema.errors import format_error

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/graphql-response+json"
#: Validated documents kept, by text.
DOCUMENTS = 1000
#: Strawberry keeps one_of to itself, so the rule of the reference implementation does not see it.
RULES = (*specified_rules, OneOfInputValidationRule)


class BadRequest(Exception):
    """The HTTP request is no GraphQL request."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class GraphQLRoute:
    """``POST /graphql`` for everything, ``GET /graphql`` for queries."""

    def __init__(self, schema: GraphQLSchema, services: Callable[[], Services], auth: Callable[[], Authenticator]):
        self._schema = schema
        self._services = services
        self._auth = auth
        self._documents: OrderedDict[str, DocumentNode | list[GraphQLError]] = OrderedDict()

    async def serve(self, request: Request) -> Response:
        """Serve one request."""
        request_id = uuid.uuid4().hex
        try:
            principal = await self._principal(request)
            values = await self._read(request)
            return await self._run(request, values, principal, request_id)
        except NotAuthenticated as error:
            return _refusal(401, error.code, str(error), request_id)
        except BadRequest as error:
            return _refusal(error.status, error.code, str(error), request_id)
        except LimitExceeded as error:
            return _refusal(413 if error.code == "BODY_TOO_LARGE" else 400, error.code, str(error), request_id)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception:
            log.exception("request %s failed", request_id)
            message = f"Something went wrong inside the gateway; report the request id {request_id}."
            return _refusal(500, "INTERNAL", message, request_id)

    async def _principal(self, request: Request) -> Principal:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        session = token.strip() if scheme.lower() == "bearer" else None
        return await self._auth().principal(request.headers.get("x-api-key"), session, self._services().clock.now())

    async def _read(self, request: Request) -> Mapping[str, Any]:
        if request.method == "GET":
            return _from_query(request)
        # A form or plain text could be posted by any web page in a browser that holds a session.
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise BadRequest(415, "MEDIA_TYPE", "Send the request with Content-Type: application/json.")
        limit = self._services().settings.limits.body_bytes
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise LimitExceeded("BODY_TOO_LARGE", f"The body has more than {limit} bytes; send a smaller one.")
        try:
            values = orjson.loads(bytes(body))
        except orjson.JSONDecodeError as error:
            raise BadRequest(400, "JSON_INVALID", f"The body is not JSON (at byte {error.pos}).") from None
        if not isinstance(values, dict):
            raise BadRequest(400, "JSON_INVALID", "The body must be a JSON object with a query.")
        return values

    async def _run(
        self, request: Request, values: Mapping[str, Any], principal: Principal, request_id: str
    ) -> Response:
        text, variables, name = _request(values)
        document = self._document(text)
        if isinstance(document, list):
            return _answer({"errors": [format_error(e, request_id) for e in document]}, 400, request)
        operation = get_operation_ast(document, name)
        if operation is None:
            raise BadRequest(400, "OPERATION_UNKNOWN", "operationName must name one operation of the document.")
        if request.method == "GET" and operation.operation is not OperationType.QUERY:
            raise BadRequest(405, "METHOD", "Mutations need POST.")
        context = Context(self._services(), principal, request_id)
        with deadline(context.settings.limits.deadline):
            result = execute(
                self._schema, document, context_value=context, variable_values=variables, operation_name=name
            )
            if isawaitable(result):
                result = await result
        return self._completed(result, request, request_id)

    def _document(self, text: str) -> DocumentNode | list[GraphQLError]:
        found = self._documents.get(text)
        if found is not None:
            self._documents.move_to_end(text)
            return found
        try:
            document = parse_within(text, self._services().settings.limits)
        except GraphQLError as error:
            return [error]
        try:
            errors = validate(self._schema, document, RULES, max_errors=20)
        except RecursionError:
            message = "The document's fragments use one another too deeply; use fewer."
            raise LimitExceeded("DOCUMENT_TOO_DEEP", message) from None
        if errors:
            return errors
        self._documents[text] = document
        if len(self._documents) > DOCUMENTS:
            self._documents.popitem(last=False)
        return document

    def _completed(self, result: ExecutionResult, request: Request, request_id: str) -> Response:
        body: dict[str, Any] = {}
        if result.errors:
            body["errors"] = [format_error(error, request_id) for error in result.errors]
        # Without data nothing was executed: variables did not fit, say. That is the client's error.
        executed = result.data is not None or any(error.path for error in result.errors or ())
        if executed:
            body["data"] = result.data
        return _answer(body, 200 if executed else 400, request)


def _request(values: Mapping[str, Any]) -> tuple[str, dict[str, Any] | None, str | None]:
    text, variables, name = values.get("query"), values.get("variables"), values.get("operationName")
    if not isinstance(text, str) or not text.strip():
        raise BadRequest(400, "QUERY_MISSING", "query must be a text: the GraphQL document.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, "VARIABLES_INVALID", "variables must be an object.")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "OPERATION_UNKNOWN", "operationName must be a text.")
    return text, variables, name


def _from_query(request: Request) -> Mapping[str, Any]:
    params = request.query_params
    variables: Any = None
    if params.get("variables"):
        try:
            variables = orjson.loads(params["variables"])
        except orjson.JSONDecodeError:
            raise BadRequest(400, "VARIABLES_INVALID", "variables must be a JSON object.") from None
    return {"query": params.get("query"), "variables": variables, "operationName": params.get("operationName")}


def _answer(body: Mapping[str, Any], status: int, request: Request) -> Response:
    modern = MEDIA_TYPE in request.headers.get("accept", "")
    # Clients of the older media type expect 200 for every well-formed answer.
    return Response(
        orjson.dumps(body), status if modern else 200, media_type=MEDIA_TYPE if modern else "application/json"
    )


def _refusal(status: int, code: str, message: str, request_id: str) -> Response:
    extensions = {"code": code, "requestId": request_id}
    body = {"errors": [{"message": message, "extensions": extensions}]}
    return Response(orjson.dumps(body), status, media_type="application/json")
