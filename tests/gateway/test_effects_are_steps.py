"""What has an effect at a platform is a step of a transaction, or stands here with the reason why it is none."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.schema import MUTATIONS, QUERIES, build_schema
from gateway.transactions.effects import ACTIONS
from scripts.checks.source import ROOT, modules
from tests.gateway.test_own_writes import callers_of, writing_methods


@dataclass(frozen=True)
class Outside:
    """``mutations`` are the root fields whose resolver comes to it; none where only jobs and events do."""

    why: str
    mutations: tuple[str, ...] = ()


#: Functions that call a writing method of an adapter outside of steps, by module and name.
OUTSIDE: Mapping[str, Outside] = {
    "gateway/resolvers/sessions.py:create": Outside(
        "a code of wx.login, or of a page, is used up by the first call and changes nothing else: there is nothing to"
        " repeat",
        ("sessionCreate",),
    ),
    "gateway/resolvers/decisions.py:bind_phone": Outside(
        "a code of the phone button is used up by the first call; what is bound is bound in our own book",
        ("memberPhoneBind",),
    ),
    "gateway/transactions/checkout.py:_prepay_id": Outside(
        "signs the number of a step that is done, with its own stored bytes: the same key is the same order",
        ("checkout", "orderPaymentRenew"),
    ),
    "gateway/transactions/checkout.py:_code": Outside(
        "shows the code of a step that is done again, by the same bytes under the same number",
        ("checkout", "orderPaymentRenew"),
    ),
    "gateway/transactions/red_packets.py:_package": Outside(
        "asks for a transfer again that the platform has just said stands, by the same number: nothing more is offered",
    ),
    "gateway/transactions/settlement.py:_close": Outside(
        "closing a number is asked for by the job that ends the order, which repeats it until the platform says so",
        ("orderCancel",),
    ),
    "gateway/members/erasure.py:_delete_objects": Outside(
        "an erasure is a job that repeats itself to its end; a file that is gone can be deleted again",
        ("memberErase",),
    ),
    "gateway/members/erasure.py:_delete_uploads": Outside(
        "the same, of files that were uploaded through the gateway",
        ("memberErase",),
    ),
    "gateway/transactions/file_rows.py:remove": Outside(
        "fileDelete's step comes to it, and the sweep, which repeats itself until the object is gone",
    ),
    "gateway/members/audiences.py:take_out": Outside(
        "audienceReduce's step comes to it, erasures, and the sweep, which repeats itself: taken out twice is out",
    ),
    "gateway/resolvers/typing_shown.py:show": Outside(
        "that an answer is being written is seen for some seconds and then by nobody: there is nothing to repeat",
        ("customerServiceTypingShow",),
    ),
    "gateway/members/welcoming.py:send": Outside(
        "a welcome answers an event within 20 seconds; its attempt is committed first, and it is never repeated",
    ),
    "gateway/members/welcoming.py:_picture": Outside(
        "a picture is of no person and forgotten after three days; it is uploaded again when it is needed",
    ),
}


def _found() -> Iterator[str]:
    """Functions outside of steps that call a writing method."""
    names = sorted({each.partition(".")[2] for each in writing_methods()})
    for module in modules(ROOT, "gateway"):
        steps = set(_steps(module.tree))
        found = {each.lineno: each for name in names for each in callers_of(module, name) if each.name not in steps}
        for each in found.values():
            if not any(other.lineno < each.lineno <= (other.end_lineno or 0) for other in found.values()):
                yield f"{module.path}:{each.name}"


def _steps(tree: ast.AST) -> Iterator[str]:
    """Functions under ``@step``, and what these name as ``undo`` and ``ask``."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.AsyncFunctionDef):
            continue
        for each in node.decorator_list:
            if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "step":
                yield node.name
                yield from (word.value.id for word in each.keywords if isinstance(word.value, ast.Name))


def test_every_effect_outside_of_a_step_has_its_reason() -> None:
    assert sorted(_found()) == sorted(OUTSIDE)


def test_the_mutations_are_there_and_are_no_actions() -> None:
    mutation = build_schema()._schema.mutation_type
    assert mutation is not None
    named = {each for outside in OUTSIDE.values() for each in outside.mutations}
    actions = {each.mutation for each in ACTIONS}
    assert named | actions <= mutation.fields.keys()
    assert not named & actions


def test_a_step_that_prepares_says_when_it_begins() -> None:
    preparing = {each.step.name: each.step.run for each in ACTIONS if each.step.prepares}
    assert preparing.keys() == {"audience.append", "audience.reduce", "group_send.create", "mass_message.send"}
    # Without it whoever takes it over would do it a second time.
    begins = re.compile(r"ctx\.begin|begin_with\(ctx")
    assert [name for name, run in preparing.items() if not begins.search(inspect.getsource(run))] == []


def test_no_question_is_a_mutation() -> None:
    assert set(QUERIES).isdisjoint(MUTATIONS)
