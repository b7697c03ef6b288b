"""What cannot work is refused before anything runs, each with its own code and with what would work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.execution import variant
from tests.gateway.atomic.desk import Desk, document

THING = "{ ... on Thing { name } }"


def tag(word: str, selection: str = THING) -> str:
    return f'{word}: tag(input: {{text: "{word}"}}) {selection}'


def exporting(selection: str, *, variable: str = '$x: String = ""', a: str = '"a"', before: str = "") -> str:
    """A mutation whose field a has a selection, and whose field b uses $x."""
    return (
        f"mutation ({variable}) {{ {before} a: plain(text: {a}) {selection}"
        f' b: tag(input: {{text: "b", idempotencyKey: $x}}) {THING} }}'
    )


NAME = '{ ... on Thing { name @export(as: "x") } }'
#: $x is filled by a field, and needed before it.
EARLY = f'mutation ($x: String = "") @atomic(key: $x) {{ a: tag(input: {{text: "a"}}) {NAME} }}'
#: It is exported from a field that is done at the end.
QUEUED = f"""mutation ($x: String = "") @atomic(key: "key-00001") {{
  a: mail(input: {{text: "a"}}) {NAME} b: tag(input: {{text: $x}}) {THING} }}"""


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        (f'mutation @atomic(key: "key-00001") {{ {tag("a")} plain(text: "b") {THING} }}', "ATOMIC_FIELD",
         "one step of it. These fields can: hand, mail, make, pay, ring, scatter, send, spread, tag, whisper."),
        (document("tag:a", "hand:b", "tag:c"), "ATOMIC_ORDER", "put b last"),
        (document("hand:b", "pay:c"), "ATOMIC_ORDER", "put b last"),
        (document("ring:b", "mail:c"), "ATOMIC_ORDER", "put b last"),
        (document("whisper:b", "tag:c"), "ATOMIC_ORDER", "put b last"),
        (document("tag:a", key="short"), "IDEMPOTENCY_KEY_REQUIRED", "8 to 64 characters"),
        (document("tag:a", key="x" * 65), "IDEMPOTENCY_KEY_REQUIRED", "8 to 64 characters"),
        ('mutation @atomic(key: "key-00001") { a: tag(input: {text: "a", idempotencyKey: "mine"}) { __typename } }',
         "ATOMIC_KEY", "leave it out"),
    ],
)  # fmt: skip
async def test_what_cannot_be_one_transaction(desk: Desk, text: str, code: str, says: str) -> None:
    found, message = await desk.refused(text)
    assert found == code
    assert says in message


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        (exporting('{ ... on Thing { name @export(as: "y") } }'), "EXPORT_UNDECLARED", 'declare $y: String = ""'),
        (exporting(NAME, variable="$x: String"), "EXPORT_NO_DEFAULT", 'declare $x: String = ""'),
        (exporting(NAME, variable='$x: String! = ""'), "EXPORT_NO_DEFAULT", 'declare $x: String = ""'),
        (exporting(NAME, before="c: tag(input: {idempotencyKey: $x}) { __typename }"),
         "EXPORT_USED_BEFORE", "The field c uses $x, which a exports: put it after a."),
        (exporting(NAME, a="$x"), "EXPORT_USED_BEFORE", "The field a uses $x"),
        (exporting('{ ... on Thing { id @export(as: "x") } }'), "EXPORT_TYPE",
         '$x is declared String, and id is ID: declare $x: ID = ""'),
        (exporting('{ ... on Thing { inner @export(as: "x") { name } } }'), "EXPORT_TYPE", "one leaf of them"),
        (exporting('{ ... on Thing { name @export(as: "x") n: name @export(as: "x") } }'), "EXPORT_TWICE",
         "exported twice"),
        (exporting('{ ... on Thing { many { name @export(as: "x") } } }'), "EXPORT_IN_LIST", "below a list"),
        (exporting('{ ... on Thing { parts @export(as: "x") } }'), "EXPORT_IN_LIST", "or is one"),
        (exporting('{ ... on Thing { name @export(as: "x") @skip(if: false) } }'), "EXPORT_CONDITIONAL",
         "@skip or @include"),
        (exporting('{ ... @include(if: true) { ... on Thing { name @export(as: "x") } } }'), "EXPORT_CONDITIONAL",
         "@skip or @include"),
        ('{ thing { name @export(as: "x") } }', "EXPORT_NEEDS_MUTATION", "in a mutation"),
        (EARLY, "EXPORT_USED_BEFORE", "A directive needs $x before any field has run"),
        (QUEUED, "EXPORT_QUEUED", "answers QUEUED"),
    ],
)  # fmt: skip
async def test_what_cannot_be_exported(desk: Desk, text: str, code: str, says: str) -> None:
    found, message = await desk.refused(text)
    assert (found, says in message) == (code, True), message


async def test_a_variable_that_the_client_sends_cannot_be_filled(desk: Desk) -> None:
    found, message = await desk.refused(exporting(NAME), {"x": "mine"})
    assert found == "EXPORT_SUPPLIED"
    assert "leave it out of the variables" in message


@pytest.mark.parametrize("variables", [{"i": {"text": "a", "idempotencyKey": "mine-0001"}}, {"k": "mine-0001"}])
async def test_a_key_in_a_variable_is_refused_too(desk: Desk, variables: dict[str, Any]) -> None:
    text = (
        'mutation ($i: ThingInput = {text: "a"}, $k: String) @atomic(key: "key-00001") {'
        ' a: tag(input: $i) { __typename } b: tag(input: {text: "b", idempotencyKey: $k}) { __typename } }'
    )
    assert (await desk.refused(text, variables))[0] == "ATOMIC_KEY"


async def test_what_skip_leaves_out_is_not_part_of_it(desk: Desk) -> None:
    text = (
        'mutation ($s: Boolean!) @atomic(key: "key-00001") { '
        f'{tag("a")} plain(text: "b") @skip(if: $s) {{ __typename }} }}'
    )
    assert (await desk.refused(text, {"s": False}))[0] == "ATOMIC_FIELD"
    assert await desk.data(text, {"s": True}) == {"a": {"name": "a"}}


async def test_each_vector_of_conditions_is_a_transaction(desk: Desk) -> None:
    conditions = " ".join(f"$c{number}: Boolean!" for number in range(4))
    fields = " ".join(f"f{number}: __typename @skip(if: $c{number})" for number in range(4))
    text = f"mutation ($k: String! {conditions}) @atomic(key: $k) {{ {tag('a')} {fields} }}"
    # More vectors than are kept.
    for number in range(12):
        given = {f"c{bit}": bool(number >> bit & 1) for bit in range(4)} | {"k": f"key-{number:05}"}
        assert (await desk.data(text, given))["a"] == {"name": "a"}
    assert [state for state, _ in await desk.sagas()] == ["COMPLETED"] * 12


async def test_a_document_that_is_not_compiled_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variant, "FIELDS", 1)
    found, message = await desk.refused(document("tag:a", "tag:b"))
    assert found == "DIRECTIVE_UNSUPPORTED"
    assert "too large to compile" in message


def test_every_refusal_is_in_the_page() -> None:
    root = Path(__file__).parents[3]
    page = (root / "docs" / "atomic.md").read_text("utf-8")
    rows = set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))
    codes = {
        code
        for name in ("atomic.py", "exports.py")
        for code in re.findall(
            r'"((?:ATOMIC|EXPORT|DIRECTIVE)_[A-Z_]+)"', (root / "gateway" / "schema" / name).read_text("utf-8")
        )
    }
    assert codes
    assert codes <= rows
