"""Ours against graphql-core on generated schemas and documents; a failure prints what to run again.

``pytest -m differential`` compares 20,000 documents. DIFFERENTIAL_SEED takes another seed than the fixed one.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest
from graphql import DocumentNode, GraphQLSchema, execute, parse, validate
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.execution import CompiledExecutor, begin, compile_operation
from gateway.execution.strawberry import StrawberryExecutor
from tests.execution import strawberry_worlds
from tests.execution.comparing import disagreement
from tests.execution.documents import Documents
from tests.execution.strawberry_worlds import StrawberryWorld, make_strawberry_schema
from tests.execution.worlds import World, make_schema

SEED = int(os.environ.get("DIFFERENTIAL_SEED", "20261125"))
#: Documents made from one schema.
PER_SCHEMA = 25
#: A document comes from one of these: the schema's maker, the class of its worlds, the hook, and the reference.
KINDS: dict[str, tuple[Callable[[random.Random], Any], type[World], Any, Any]] = {
    "graphql-core": (make_schema, World, CompiledExecutor, ExecutorThrowingOnIncremental),
    "strawberry": (
        make_strawberry_schema,
        StrawberryWorld,
        StrawberryExecutor,
        StrawberryGraphQLCoreExecutionContext,
    ),
}


class Case:
    """One document on one world."""

    def __init__(self, kind: str, schema: GraphQLSchema, document: DocumentNode, variables: Any, rng: random.Random):
        _, self._world, self._hook, self._reference = KINDS[kind]
        self.schema, self.document, self.variables = schema, document, variables
        self.plan = compile_operation(schema, document, native=False)
        self._seed = rng.randint(0, 10**9)
        self._trouble = rng.choice([0, 0.02, 0.1])
        self._asynchronous = rng.choice([0, 0.3, 0.8])

    def world(self, order: int) -> World:
        made = self._world(self._seed, order, self.schema, self._trouble, self._asynchronous)
        strawberry_worlds.in_force(made)
        return made

    def ours(self, world: World) -> Any:
        return begin(self.plan, self.variables, world)

    def by_hook(self, world: World) -> Any:
        return self._execute(world, self._hook)

    def by_reference(self, world: World) -> Any:
        return self._execute(world, self._reference)

    def _execute(self, world: World, executor: Any) -> Any:
        return execute(
            self.schema,
            self.document,
            context_value=world,
            variable_values=self.variables,
            executor_class=executor,
        )


async def compare(kind: str, seed: int, count: int) -> None:
    """Compare so many valid documents by both doors, and ours once more in another order of completion."""
    done = number = 0
    while done < count:
        rng = random.Random(f"{seed} {number}")
        made = KINDS[kind][0](rng)
        schema = made if isinstance(made, GraphQLSchema) else made._schema
        documents = Documents(schema, rng)
        of_this = 0
        while of_this < PER_SCHEMA and done < count:
            text, variables = documents.make(rng.choice(["query", "query", "query", "mutation"]))
            document = parse(text)
            if validate(schema, document):
                continue
            case = Case(kind, schema, document, variables, rng)
            for door, order in ((case.ours, 1), (case.by_hook, 1), (case.ours, 2)):
                wrong = await disagreement(door, case.by_reference, case.world, order)
                if wrong is not None:
                    pytest.fail(
                        f"{kind}, seed {seed}, schema {number}, document {of_this} by {door.__name__}:\n"
                        f"{text}\n{variables}\n{wrong}"
                    )
            assert case.plan.path == "compiled"
            done, of_this = done + 1, of_this + 1
        number += 1
    # Coroutines that graphql-core left unawaited are complained about here, where it is expected, and not in a test
    # that runs later in this process.
    gc.collect()


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("part", range(2))
@pytest.mark.parametrize("kind", KINDS)
async def test_a_sample_agrees(kind: str, part: int) -> None:
    await compare(kind, SEED + part, 30)


@pytest.mark.differential
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("part", range(20))
@pytest.mark.parametrize("kind", KINDS)
async def test_twenty_thousand_agree(kind: str, part: int) -> None:
    """500 documents each, 2 kinds by 20 parts: 20,000."""
    sys.stdout.write(f"seed {SEED + 1000 + part}\n")
    await compare(kind, SEED + 1000 + part, 500)
