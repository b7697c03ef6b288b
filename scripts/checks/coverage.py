"""docs/coverage.md: every endpoint that a tool's platform offers a retailer, and how far this product has it.

The rows live in ``adapters/<tool>/coverage.toml``, written from the vendor's documentation, not from our code::

    [[endpoint]]
    call = "GET /cgi-bin/user/get"        # verb and path; for others the platform's own name of the action or event
    name = "获取关注者列表"
    client = "user_get"                   # of client.py or client/; none where other code speaks it
    graph = ["Query.followers"]           # where a user of the graph meets it: Type.field
    test = "official_account/test_adapter.py::test_followers"   # below tests/
    sandbox = true                        # the default: the emulated platform answers it

    [[endpoint]]
    call = "POST /cgi-bin/menu/create"
    name = "创建自定义菜单"
    left_out = "The menu is designed once, by hand, in the console."
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from adapters.registry import TOOLS
from scripts.checks.source import Module

COVERAGE: Final = "docs/coverage.md"


class Endpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row. Built when ``left_out`` is empty."""

    call: str
    name: str
    client: str = ""
    graph: tuple[str, ...] = ()
    inside: str = ""  # what it serves where no graph field shows it by itself, such as "access tokens"
    test: str = ""
    sandbox: bool = True
    left_out: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    endpoint: tuple[Endpoint, ...]


def coverage(root: Path) -> list[str]:
    """Rows name what exists, every client method has a row, and the page is what the rows print."""
    fields = _graph_fields((root / "schema.graphql").read_text("utf-8"))
    found: list[str] = []
    for spec in TOOLS:
        path = root / "adapters" / spec.name / "coverage.toml"
        if not path.is_file():
            continue
        try:
            rows = load(path)
        except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
            found.append(f"adapters/{spec.name}/coverage.toml: {error}")
            continue
        folder = root / "adapters" / spec.name
        methods = client_methods(_sources(folder, "client"))
        emulated = _sources(folder, "sandbox")
        found += [f"adapters/{spec.name}/coverage.toml: {line}" for line in faulty_rows(rows, methods, fields, root)]
        found += [f"adapters/{spec.name}/coverage.toml: {line}" for line in not_emulated(rows, emulated)]
    if not found and (root / COVERAGE).read_text("utf-8") != page(root):
        found.append(f"{COVERAGE} is not what the tools' coverage.toml say: run `make schema`")
    return found


def load(path: Path) -> tuple[Endpoint, ...]:
    """The rows of a file; msgspec.ValidationError and tomllib.TOMLDecodeError say what is wrong with it."""
    return msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File).endpoint


def _sources(folder: Path, name: str) -> list[str]:
    """A module's text, or those of a package's modules."""
    files = sorted((folder / name).glob("*.py")) or [folder / f"{name}.py"]
    return [file.read_text("utf-8") for file in files]


def client_methods(sources: Sequence[str]) -> set[str]:
    """The public coroutines of the client's classes, whose names end in Client."""
    return {
        method.name
        for source in sources
        for node in Module("client", source).tree.body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Client")
        for method in node.body
        if isinstance(method, ast.AsyncFunctionDef) and not method.name.startswith("_")
    }


def faulty_rows(rows: Sequence[Endpoint], methods: set[str], fields: set[str], root: Path) -> Iterator[str]:
    """What is wrong with the rows of one tool."""
    seen: set[str] = set()
    for row in rows:
        if row.call in seen:
            yield f"{row.call} stands there twice"
        seen.add(row.call)
        if row.left_out:
            if row.client or row.graph or row.test or row.inside:
                yield f"{row.call} is left out and built"
            continue
        if not row.test:
            yield f"{row.call} has no test"
        elif not _test_exists(root / "tests", row.test):
            yield f"{row.call}: there is no test {row.test}"
        if not row.graph and not row.inside:
            yield f"{row.call} is in no field of the graph: name one, say what it serves inside, or leave it out"
        if row.client and row.client not in methods:
            yield f"{row.call}: client.py has no method {row.client}"
        for field in row.graph:
            if field not in fields:
                yield f"{row.call}: schema.graphql has no {field}"
    for method in sorted(methods - {row.client for row in rows}):
        yield f"no row has the client's method {method}"


def not_emulated(rows: Sequence[Endpoint], sources: Sequence[str]) -> Iterator[str]:
    """Rows whose path has no word in the emulated platform. That it answers rightly is for the row's test to say."""
    for row in rows:
        verb, _, path = row.call.partition(" ")
        words = [word for word in path.split("?")[0].split("/") if word and not word.startswith("{")]
        if row.left_out or not row.sandbox or not words or not verb.isupper():
            continue
        if not any(words[-1] in source for source in sources):
            yield f"{row.call}: the sandbox knows nothing of it; say sandbox = false where that is meant"


def _test_exists(tests: Path, name: str) -> bool:
    path, _, function = name.partition("::")
    file = tests / path
    function = function.rpartition("::")[2].partition("[")[0]
    return file.is_file() and re.search(rf"\bdef {re.escape(function)}\(", file.read_text("utf-8")) is not None


def _graph_fields(schema: str) -> set[str]:
    """``Type.field`` for each field of the printed schema."""
    found: set[str] = set()
    owner = ""
    for line in re.sub(r'"""(?s:.*?)"""', "", schema).splitlines():
        if opened := re.match(r"(?:type|interface) (\w+)", line):
            owner = opened[1]
        elif line.startswith("}"):
            owner = ""
        elif owner and (field := re.match(r"  (\w+)[(:]", line)):
            found.add(f"{owner}.{field[1]}")
    return found


def page(root: Path) -> str:
    """docs/coverage.md."""
    lines = [
        "# What of each platform is covered",
        "",
        "Every endpoint of the vendors' documentation that could serve a retailer: which adapter method speaks it,",
        "where the graph shows it, the test that proves it, or why it is left out. The emulated platform answers each",
        "too, unless the row says otherwise. Printed from `adapters/<tool>/coverage.toml` by `make schema`.",
        "",
        "| tool | endpoints | built | left out |",
        "|---|--:|--:|--:|",
    ]
    paths = {spec.name: root / "adapters" / spec.name / "coverage.toml" for spec in TOOLS}
    files: Mapping[str, tuple[Endpoint, ...]] = {name: load(path) for name, path in paths.items() if path.is_file()}
    for name, rows in files.items():
        built = sum(not row.left_out for row in rows)
        lines.append(f"| [{name}](#{name}) | {len(rows)} | {built} | {len(rows) - built} |")
    for name, rows in files.items():
        lines += ["", f"## {name}", "", "| endpoint | 中文 | client | graph | test |", "|---|---|---|---|---|"]
        lines += [_line(row) for row in rows if not row.left_out]
        if any(row.left_out for row in rows):
            lines += ["", "Left out:", "", "| endpoint | 中文 | why |", "|---|---|---|"]
            lines += [f"| `{row.call}` | {row.name} | {row.left_out} |" for row in rows if row.left_out]
    return "\n".join(lines) + "\n"


def _line(row: Endpoint) -> str:
    graph = ", ".join(f"`{field}`" for field in row.graph) or row.inside
    client = f"`{row.client}`" if row.client else ""
    call = f"`{row.call}`" + ("" if row.sandbox else " (not in the sandbox)")
    return f"| {call} | {row.name} | {client} | {graph} | `{row.test}` |"
