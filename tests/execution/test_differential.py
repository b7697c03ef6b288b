"""Ours against graphql-core on random documents; a failure prints what to run again.

``pytest -m differential`` compares 20,000 documents: over generated schemas of graphql-core's and of Strawberry's, and
over the gateway's own. DIFFERENTIAL_SEED takes another seed than the fixed one.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from graphql import DocumentNode, GraphQLSchema, MiddlewareManager, execute, parse, validate
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.execution import CompiledExecutor, begin, compile_operation, hook
from gateway.execution.strawberry import StrawberryExecutor
from tests.execution import strawberry_worlds
from tests.execution.comparing import Reference, disagreement
from tests.execution.documents import Documents
from tests.execution.product_worlds import ProductWorld, product_schema, scripted
from tests.execution.strawberry_worlds import StrawberryWorld, make_strawberry_schema
from tests.execution.worlds import World, in_turn, make_schema

SEED = int(os.environ.get("DIFFERENTIAL_SEED", "20261125"))
#: Documents made from one schema.
PER_SCHEMA = 50
#: Vectors of conditions that a document is run with.
VECTORS = 3


@dataclass(frozen=True)
class Kind:
    """Where documents come from, and who runs them."""

    schema: Callable[[random.Random], Any]
    world: type[World]
    hook: Any
    reference: Any
    #: What holds while documents of this kind are compiled and run.
    scene: Callable[[], AbstractContextManager[None]] = nullcontext


KINDS = {
    "graphql-core": Kind(make_schema, World, CompiledExecutor, ExecutorThrowingOnIncremental),
    "strawberry": Kind(
        make_strawberry_schema, StrawberryWorld, StrawberryExecutor, StrawberryGraphQLCoreExecutionContext
    ),
    "product": Kind(product_schema, ProductWorld, StrawberryExecutor, StrawberryGraphQLCoreExecutionContext, scripted),
}


class Case:
    """One document on one world."""

    def __init__(self, kind: Kind, schema: GraphQLSchema, document: DocumentNode, text: str, rng: random.Random):
        self._kind = kind
        self.schema, self.document, self._text = schema, document, text
        self.plan = compile_operation(schema, document, native=False)
        #: The plan for all vectors of conditions, from the first one on.
        self.general = compile_operation(schema, document, native=False, specialised=0)
        self._seed = rng.randint(0, 10**9)
        self._trouble = rng.choice([0, 0.02, 0.1])
        self._asynchronous = rng.choice([0, 0.3, 0.8])
        #: Whether the reference had no answer in an order that ours was run in.
        self.unanswered = False

    def world(self, order: int) -> World:
        made = self._kind.world(self._seed, order, self.schema, self._trouble, self._asynchronous, text=self._text)
        strawberry_worlds.in_force(made)
        return made

    async def wrong(self, vectors: Sequence[dict[str, Any]]) -> str | None:
        """What any door says that the reference does not, with any of the variables."""
        for number, variables in enumerate(vectors):
            reference = Reference(
                partial(self._execute, self._kind.reference, variables),
                partial(self._execute, self._kind.reference, variables, middleware=MiddlewareManager(in_turn)),
                self.world,
            )
            doors: dict[str, tuple[Any, int]] = {}
            if not number:
                doors["ours"] = (partial(begin, self.plan, variables), 1)
                doors["the hook"] = (partial(self._execute, self._kind.hook, variables), 1)
                doors["ours in another order"] = (partial(begin, self.plan, variables), 2)
            if self.plan.conditions:
                doors["the plan for all vectors"] = (partial(begin, self.general, variables), 1 + number % 2)
            for door, (run, order) in doors.items():
                found = await disagreement(run, reference, order)
                if found is not None:
                    return f"by {door}, with {variables}:\n{found}"
            self.unanswered |= reference.unanswered
        return None

    def _execute(
        self, executor: Any, variables: dict[str, Any], world: World, middleware: MiddlewareManager | None = None
    ) -> Any:
        return execute(
            self.schema,
            self.document,
            context_value=world,
            variable_values=variables,
            middleware=middleware,
            executor_class=executor,
        )


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Schemas and plans are large and live long: looking at them all again and again takes a third of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


async def compare(name: str, seed: int, count: int, *, validated: int = 1) -> None:
    """Compare so many documents by all doors, none of which may leave one to the reference.

    They are valid as they are made, which is looked at in every so many.
    """
    kind = KINDS[name]
    done = number = unanswered = 0
    fell_back = hook.counts["fallback"]
    with kind.scene(), seldom_collected():
        while done < count:
            rng = random.Random(f"{seed} {number}")
            made = kind.schema(rng)
            schema = made if isinstance(made, GraphQLSchema) else made._schema
            documents = Documents(schema, rng)
            of_this = 0
            while of_this < PER_SCHEMA and done < count:
                text, variables = documents.make(rng.choice(["query", "query", "query", "mutation"]))
                document = parse(text)
                where = f"{name}, seed {seed}, schema {number}, document {of_this}"
                if done % validated == 0:
                    assert validate(schema, document) == [], f"{where}:\n{text}"
                case = Case(kind, schema, document, text, rng)
                vectors = [variables]
                if case.plan.conditions:
                    vectors += [documents.vector(variables) for _ in range(VECTORS - 1)]
                wrong = await case.wrong(vectors)
                if wrong is not None:
                    pytest.fail(f"{where}:\n{text}\n{wrong}")
                plans = (case.plan, case.general)
                assert [(plan.path, plan.counts["fallback"]) for plan in plans] == [("compiled", 0)] * 2, where
                unanswered += case.unanswered
                done, of_this = done + 1, of_this + 1
            number += 1
    assert hook.counts["fallback"] == fell_back
    assert unanswered <= 1 + count // 100, f"{name}, seed {seed}: no answer of the reference to {unanswered} documents"
    # Coroutines that graphql-core left unawaited are complained about here, where it is expected, and not in a test
    # that runs later in this process.
    gc.collect()


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("part", range(2))
@pytest.mark.parametrize("kind", KINDS)
async def test_a_sample_agrees(kind: str, part: int) -> None:
    await compare(kind, SEED + part, 30)


PARTS = 20
#: Documents of a kind in each part: 20,000 in all.
SHARES = {"graphql-core": 400, "strawberry": 400, "product": 200}


@pytest.mark.differential
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", KINDS)
async def test_twenty_thousand_agree(kind: str, part: int) -> None:
    """Twenty parts of 1,000 documents."""
    sys.stdout.write(f"seed {SEED + 1000 + part}\n")
    await compare(kind, SEED + 1000 + part, SHARES[kind], validated=20)
