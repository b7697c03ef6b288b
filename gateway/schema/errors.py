"""Errors as a client sees them: a stable code, our own words, and nothing of what lies behind."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

from graphql import GraphQLError

from adapters.base.errors import UpstreamError
from gateway.access.principal import Forbidden, NotAuthenticated
from gateway.database.traces import trace
from gateway.events.feed import FollowRefused
from gateway.resolvers.errors import UserError
from gateway.runtime import ToolNotConfigured

log = logging.getLogger(__name__)


def format_error(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """One entry of ``errors``."""
    message, extensions = explain(error, request_id)
    formatted: dict[str, Any] = {"message": message, "extensions": extensions}
    if error.locations:
        formatted["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        formatted["path"] = list(error.path)
    return formatted


def explain(error: GraphQLError, request_id: str) -> tuple[str, dict[str, Any]]:
    """What a client is told of an error: a message of ours, and its extensions with the code."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if cause is None:
        return _quoteless(error), {"code": (error.extensions or {}).get("code", "GRAPHQL_INVALID")}
    if isinstance(cause, UpstreamError):
        return cause.message, _upstream(cause)
    if isinstance(cause, ToolNotConfigured):
        return str(cause), {"code": cause.code, "tool": cause.tool}
    if isinstance(cause, UserError | Forbidden | NotAuthenticated | FollowRefused):
        return str(cause), {"code": cause.code}
    # Without its text, which may quote what a person typed.
    log.error("request %s failed in a resolver: %s", request_id, trace(cause))
    return (
        f"Something went wrong inside the gateway; report the request id {request_id}.",
        {"code": "INTERNAL", "requestId": request_id},
    )


def _quoteless(error: GraphQLError) -> str:
    """What does not fit in a document or its variables, without the value: it may be somebody's phone number.

    graphql-core appends values after a colon, names unknown fields of inputs, and quotes an unexpected token.
    Names of the schema stay.
    """
    return _TOKEN.sub(r"\1", _UNKNOWN.sub(r"\1", _APPENDED.sub(r"\1.", error.message)))


_APPENDED: Final = re.compile(r"(cannot represent [\w -]*value|, found):.*", re.DOTALL)
_TOKEN: Final = re.compile(r"(found (?:String|BlockString|Int|Float|Name)) .*", re.DOTALL)
_UNKNOWN: Final = re.compile(r"""(unknown field|unknown input field) ['"][^'"]*['"]""")


def _upstream(error: UpstreamError) -> dict[str, Any]:
    extensions: dict[str, Any] = {
        "code": error.kind,
        "tool": error.tool,
        "reason": error.reason,
        "retryable": error.retryable,
    }
    if error.upstream_code:
        extensions["upstreamCode"] = error.upstream_code
    if error.retry_after is not None:
        extensions["retryAfter"] = error.retry_after
    if error.resets_at is not None:
        extensions["resetsAt"] = error.resets_at.isoformat()
    return extensions
