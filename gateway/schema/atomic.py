"""``mutation @atomic(key:)``: from the document to a transaction, and from its outcome to every field's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from graphql import (
    ArgumentNode,
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    VariableNode,
    print_ast,
)

from gateway.context import Context
from gateway.execution import Fetched, Instead, PhasedHook, Plan, SerialHook, Step
from gateway.schema.checkout import plain_problem
from gateway.schema.directives import ATOMIC, EXPORT
from gateway.schema.errors import explain
from gateway.schema.exports import DocumentRefused, Exporting, Exports, ExportUnset, exports_of, fill
from gateway.schema.problems import Problem
from gateway.transactions import records
from gateway.transactions.actions import AnyAction
from gateway.transactions.atomic import QUEUED, Atomic, Failed, is_queued, must_be_last
from gateway.transactions.idempotency import canonical
from gateway.transactions.log import SagaMoved


class Hooks(TypedDict, total=False):
    """Arguments of ``gateway.execution.begin``."""

    serial: SerialHook
    phased: PhasedHook


async def hooks(plan: Plan, variables: Mapping[str, Any] | None, context: Context) -> Hooks:
    """What ``begin`` is to be given for this request: nothing, for documents without @atomic and @export.

    Raises DocumentRefused, before anything has run, for a document that cannot work.
    """
    if plan.directives.isdisjoint({ATOMIC, EXPORT}):
        return {}
    exports = exports_of(plan)
    exports.refuse_given(variables)
    if plan.reason is not None:
        message = f"@atomic and @export do not work together with what this document has: {plan.reason}."
        raise DocumentRefused("DIRECTIVE_UNSUPPORTED", message, plan.node)
    directive = next((each for each in plan.node.directives or () if each.name.value == ATOMIC), None)
    if directive is None:
        return {"serial": Exporting(exports)}
    coerced = plan.variables.coerce(dict(variables or {}))
    if isinstance(coerced, list):
        # Variables that do not fit are told by the execution, which does not begin then.
        return {}
    key = _key(directive, coerced)
    _check(plan, coerced, variables or {}, exports, context.services.checkout.atomics.actions)
    asked = canonical([_text(plan), dict(variables or {})])
    opened = await context.services.checkout.atomics.open(context.principal, key, asked)
    if isinstance(opened, records.Problem):
        return {"phased": _Answered(plain_problem(opened))}
    context.atomic = opened
    return {"phased": _Composing(context, opened, exports)}


def _key(directive: DirectiveNode, variables: Mapping[str, Any]) -> str:
    value = next(each.value for each in directive.arguments or ())
    if isinstance(value, VariableNode):
        key = variables.get(value.name.value)
    else:
        key = value.value if isinstance(value, StringValueNode) else None
    if not isinstance(key, str) or not 8 <= len(key) <= 64:
        message = "key of @atomic must have 8 to 64 characters; make one per transaction and keep it for retries."
        raise DocumentRefused("IDEMPOTENCY_KEY_REQUIRED", message, directive)
    return key


def _check(
    plan: Plan,
    coerced: dict[str, Any],
    given: Mapping[str, Any],
    exports: Exports,
    actions: Mapping[str, AnyAction],
) -> None:
    """Refuse what cannot be one transaction. Raises DocumentRefused."""
    variant = plan.variant(coerced, own=True)
    fields = [] if variant is None else [each for each in variant.root.fields if each.name != "__typename"]
    last: str | None = None
    for field in fields:
        node: FieldNode = field.details[0].node
        action = actions.get(field.name)
        if action is None:
            message = (
                f"{field.name} cannot be part of a transaction: what it does cannot be undone or repeated as one step"
                f" of it. These fields can: {', '.join(sorted(actions))}."
            )
            raise DocumentRefused("ATOMIC_FIELD", message, node)
        if last is not None:
            message = (
                f"{last} cannot be undone, and {field.key} comes after it and may fail: put {last} last, behind all"
                " other fields."
            )
            raise DocumentRefused("ATOMIC_ORDER", message, node)
        if must_be_last(action):
            last = field.key
        if any(_has_key(each, given) for each in node.arguments or ()):
            message = f"{field.key} has an idempotencyKey of its own: leave it out, since @atomic has the key of all."
            raise DocumentRefused("ATOMIC_KEY", message, node)
        if is_queued(action) and exports.of(field.key):
            message = (
                f"{field.key} is done after all other fields and answers QUEUED, so nothing can be exported from it;"
                " export from a field that is done at once."
            )
            raise DocumentRefused("EXPORT_QUEUED", message, node)


def _has_key(argument: ArgumentNode, given: Mapping[str, Any]) -> bool:
    value = argument.value
    if isinstance(value, VariableNode):
        sent = given.get(value.name.value)
        return isinstance(sent, dict) and sent.get("idempotencyKey") is not None
    if not isinstance(value, ObjectValueNode):
        return False
    for each in value.fields:
        if each.name.value == "idempotencyKey":
            if isinstance(each.value, VariableNode):
                return given.get(each.value.name.value) is not None
            return not isinstance(each.value, NullValueNode)
    return False


def _text(plan: Plan) -> str:
    """The operation and its fragments, however they are laid out."""
    fragments = plan.fragment_definitions
    return "\n".join([print_ast(plan.node), *(print_ast(fragments[name]) for name in sorted(_reached(plan)))])


def _reached(plan: Plan) -> set[str]:
    found: set[str] = set()
    queue: list[Any] = [plan.node.selection_set]
    while queue:
        for each in queue.pop().selections:
            if isinstance(each, FragmentSpreadNode):
                name = each.name.value
                if name not in found:
                    found.add(name)
                    queue.append(plan.fragment_definitions[name].selection_set)
            elif each.selection_set is not None:
                queue.append(each.selection_set)
    return found


class _Answered(PhasedHook):
    """Every field answers the same problem; nothing is run."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    async def before(self, step: Step) -> None:
        raise Instead(self._problem)

    async def fetched(self, found: Fetched) -> bool:
        return True

    async def settle(self, found: Sequence[Fetched]) -> None:
        pass


class _Composing(PhasedHook):
    """Runs the fields as parts of one transaction, and ends it."""

    def __init__(self, context: Context, atomic: Atomic, exports: Exports) -> None:
        self._context = context
        self._atomic = atomic
        self._exports = exports
        self._failed: Failed | None = None

    async def before(self, step: Step) -> None:
        self._atomic.at(step.key)

    async def fetched(self, found: Fetched) -> bool:
        if self._atomic.answer is not None:
            if found.error is not None:
                # Told to the operators; the client hears of the transaction.
                self._failure(found)
            return False
        if self._atomic.decided:
            # What is exported from an earlier answer was there at the first time too.
            await self._fill(found)
            return True
        self._failed = self._failure(found)
        if self._failed is None:
            try:
                await self._fill(found)
            except Exception as error:
                found.error = error
                self._failed = self._failure(found)
        return self._failed is None

    async def settle(self, found: Sequence[Fetched]) -> None:
        problem: Problem | None = None
        if self._atomic.answer is not None:
            problem = plain_problem(self._atomic.answer)
        else:
            if self._failed is None:
                try:
                    await self._atomic.complete()
                except SagaMoved as moved:
                    self._failed = Failed(None, moved.code, "It took too long, and another process has undone it.")
            if self._failed is not None:
                problem = plain_problem(await self._atomic.undo(self._failed))
        if problem is not None:
            for each in found:
                each.value, each.error = problem, None
        # What was loaded while the fields ran is older than their outcome.
        self._context.release()

    async def _fill(self, found: Fetched) -> None:
        for each in self._exports.of(found.key):
            value = None if found.error is not None else await found.leaf(each.path)
            try:
                fill(found, each, value)
            except ExportUnset:
                if not self._atomic.decided:
                    raise

    def _failure(self, found: Fetched) -> Failed | None:
        """Why the whole is to be undone; None where the field succeeded, or is queued."""
        if found.error is not None:
            error = found.error
            if not isinstance(error, GraphQLError):
                error = GraphQLError("", original_error=error)
            message, extensions = explain(error, self._context.request_id)
            return Failed(found.key, extensions["code"], message)
        if isinstance(found.value, Problem) and found.value.code != QUEUED:
            return Failed(found.key, found.value.code, found.value.message)
        return None
