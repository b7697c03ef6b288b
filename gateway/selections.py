"""What a selection says of nodes, and what a document answers, outside of a request: for exports and webhooks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, execute, print_ast, validate

from adapters.base.deadline import deadline
from gateway.access.limits import LimitExceeded, parse_within
from gateway.access.principal import Principal
from gateway.context import Context, Services
from gateway.execution import Plan, PlanCache, Rejected, run
from gateway.execution.operation import fragments_of, operation_of
from gateway.graphql_route import RULES
from gateway.resolvers.ids import encode
from gateway.schema.errors import format_error
from gateway.schema.wishes import demands_of
from gateway.settings import Limits
from gateway.webhooks.payloads import Answer, PayloadFailed

#: Validated documents kept.
DOCUMENTS = 1000


class Selections:
    """Reads what a selection says of nodes, outside of a request: as exports do.

    See ``gateway.bulk.exporting.Selecting``.
    """

    def __init__(self, schema: GraphQLSchema, services: Callable[[], Services], limits: Limits) -> None:
        self._schema = schema
        self._services = services
        self._limits = limits
        self._documents: dict[tuple[str, str], DocumentNode] = {}

    def fault(self, type_name: str, selection: str) -> str | None:
        """A sentence about what is wrong with a selection, or None."""
        try:
            self._document(type_name, selection)
        except (GraphQLError, LimitExceeded) as error:
            return str(error).splitlines()[0]
        return None

    async def nodes(
        self, caller: Principal, code: str, type_name: str, selection: str, ids: Sequence[str]
    ) -> Sequence[Mapping[str, Any] | None]:
        """One object per native id, in order; None for what is gone.

        A field whose tool is late or down is null, as in any answer; an error in our own code fails the export.
        """
        document = self._document(type_name, selection)
        variables = {"ids": [encode(code, each) for each in ids]}
        wanted = demands_of(operation_of(document, None), fragments_of(document), variables)
        context = Context(self._services(), caller, uuid.uuid4().hex, wanted)
        result = execute(
            self._schema,
            document,
            context_value=context,
            variable_values=variables,
        )
        if isawaitable(result):
            result = await result
        if result.data is None:
            raise ExportFailed(f"a page of {type_name} could not be read")
        for error in result.errors or ():
            if format_error(error, context.request_id)["extensions"]["code"] == "INTERNAL":
                raise ExportFailed(f"a page of {type_name} could not be read") from error
        nodes: Sequence[Mapping[str, Any] | None] = result.data["nodes"]
        return nodes

    def _document(self, type_name: str, selection: str) -> DocumentNode:
        """Raises GraphQLError or LimitExceeded."""
        key = type_name, selection
        found = self._documents.get(key)
        if found is None:
            # Parsed alone first: what closes the brace early would become part of our own document.
            parse_within(f"{{ {selection} }}", self._limits)
            text = f"query Export($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {type_name} {{ {selection} }} }} }}"
            found = parse_within(text, self._limits)
            errors = validate(self._schema, found, RULES, max_errors=1)
            if errors:
                raise errors[0]
            self._documents[key] = found
            if len(self._documents) > DOCUMENTS:
                self._documents.pop(next(iter(self._documents)))
        return found


class ExportFailed(Exception):
    """Nodes could not be read; the job tries again."""

    code = "EXPORT_FAILED"


class Payloads:
    """Answers the documents of webhook endpoints. See ``gateway.webhooks.payloads.Answering``."""

    def __init__(self, schema: GraphQLSchema, services: Callable[[], Services], limits: Limits) -> None:
        self._services = services
        self._limits = limits
        self._plans = PlanCache(schema, rules=RULES, read=lambda text: parse_within(text, limits))

    def fault(self, query: str) -> str | None:
        """A sentence about what is wrong with a document, or None."""
        try:
            document = parse_within(query, self._limits)
        except (GraphQLError, LimitExceeded) as error:
            return str(error).splitlines()[0]
        operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
        if len(operations) != 1 or operations[0].operation.value != "query":
            return "the document must have one operation, a query."
        given = {each.variable.name.value: print_ast(each.type) for each in operations[0].variable_definitions or ()}
        if given != {"eventId": "ID!"}:
            return "the query must declare one variable, ($eventId: ID!)."
        plan = self._plan(query)
        return str(plan.errors[0]).splitlines()[0] if isinstance(plan, Rejected) else None

    async def answer(self, caller: Principal, query: str, event_id: str) -> Answer:
        """The answer. A field whose tool is late or down is null, as ever. Raises PayloadFailed for our own faults."""
        plan = self._plan(query)
        if isinstance(plan, Rejected):
            # It was valid when the endpoint was made; a release may have taken a field away.
            raise PayloadFailed
        context = Context(self._services(), caller, uuid.uuid4().hex)
        try:
            with deadline(self._limits.deadline):
                result = await run(plan, {"eventId": event_id}, context)
        finally:
            context.release()
        errors = [format_error(each, context.request_id) for each in result.errors or ()]
        if result.data is None or any(each["extensions"]["code"] == "INTERNAL" for each in errors):
            raise PayloadFailed
        return Answer(result.data, errors)

    def _plan(self, query: str) -> Plan | Rejected:
        try:
            return self._plans.plan(query)
        except RecursionError:
            return Rejected([GraphQLError("The document's fragments use one another too deeply; use fewer.")])
