"""Mutations with one effect: from the client's key to an answer, the same way for all of them."""

from __future__ import annotations

from typing import Any, Protocol, TypeGuard, TypeVar

import strawberry
from strawberry import Parent

from gateway.resolvers import ids, members
from gateway.resolvers.errors import UserError
from gateway.schema.checkout import Transaction, plain_problem
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.transactions.actions import Action, Performed

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)
O = TypeVar("O")  # noqa: E741 — the outcome's type

#: What every input says of its key.
KEY_DESCRIPTION = (
    "8 to 64 characters, one per request, kept for its retries; required at run time. The same key and input"
    " again answer what the first request did (幂等键)."
)


KEY_REQUIRED = DomainProblem(
    code="IDEMPOTENCY_KEY_REQUIRED",
    message="idempotencyKey must have 8 to 64 characters; make one per request and keep it for retries.",
    retryable=False,
)


def is_key(text: str | None) -> TypeGuard[str]:
    """Whether it can be the key of a request."""
    return text is not None and 8 <= len(text) <= 64


async def act(
    info: Info, action: Action[A, O], asked: A, idempotency_key: str | None
) -> Performed[O] | DomainProblem | ToolProblem:
    """Perform the action for this caller; under @atomic as a part of the transaction, which has the key."""
    atomic = info.context.atomic
    if atomic is not None:
        part = await atomic.perform(action, asked)
        return part if isinstance(part, Performed) else plain_problem(part)
    if not is_key(idempotency_key):
        return KEY_REQUIRED
    actions = info.context.services.checkout.actions
    done = await actions.perform(info.context.principal, action, asked, idempotency_key)
    return done if isinstance(done, Performed) else plain_problem(done)


class Given(Protocol[A_co]):
    """An input of such a mutation."""

    idempotency_key: str | None

    def record(self) -> A_co:
        """As the action takes it. Raises UserError for an id that is none."""
        ...


async def ask(info: Info, action: Action[A, O], given: Given[A]) -> Performed[O] | DomainProblem | ToolProblem:
    """``act`` on what an input says; what is wrong with the input itself is a problem."""
    try:
        asked = given.record()
    except UserError as error:
        return invalid(error)
    return await act(info, action, asked, given.idempotency_key)


MEMBER_UNKNOWN = DomainProblem(code="MEMBER_UNKNOWN", message="There is no such member.", retryable=False)


async def present(info: Info, member: strawberry.ID) -> str | DomainProblem:
    """Our id of the member to whom an id leads now; a problem for one that leads to nobody, or is no member's."""
    try:
        wanted = ids.decode_as("mb", member)[1]
    except UserError as error:
        return invalid(error)
    record = await info.context.loaders.load(members.by_ids, wanted)
    return MEMBER_UNKNOWN if record is None else record.id


async def watched(info: Info, transaction_id: str) -> Transaction | None:
    """The transaction of an action, for its answer."""
    view = await info.context.services.checkout.transaction(transaction_id)
    return None if view is None else Transaction.of(view)


async def _transaction(root: Parent[Any], info: Info) -> Transaction | None:
    return await watched(info, root.transaction_id)


def done_by(description: str) -> Any:
    """The field ``transaction`` of an answer that holds its ``transaction_id``."""
    return strawberry.field(resolver=_transaction, description=description)
