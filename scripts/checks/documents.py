"""Documentation that fails the build when it lags: settings, upstream errors, decisions, the index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import msgspec

from adapters.base.spec import AnyToolSpec
from adapters.registry import TOOLS
from gateway.members.holdings import HOLDINGS, IMPERSONAL, OF_TOOLS
from gateway.members.platforms import BEYOND
from gateway.settings import Settings

SETTINGS: Final = "docs/settings.md"
UPSTREAM: Final = "docs/upstream-errors.md"
EVENTS: Final = "docs/event-kinds.md"
INDEX: Final = "docs/README.md"
DATA_PROTECTION: Final = "docs/data-protection.md"
#: What stands between these lines is printed.
_PRINTED: Final = "<!-- {}: printed from gateway/members by `make schema` -->"


def settings(root: Path) -> list[str]:
    """Every setting has a row in docs/settings.md, every tool's setting a word in its README."""
    text = _read(root, SETTINGS)
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    found = [
        f"{SETTINGS} has no row for {name}: add one, with its type, its default and what it is for"
        if name not in rows
        else f"{SETTINGS} does not give {name} its default `{default}`"
        for name, default in setting_defaults(Settings)
        if name not in rows or (default is not None and f"| `{default}` |" not in rows[name])
    ]
    for spec in TOOLS:
        readme = _read(root, f"adapters/{spec.name}/README.md")
        found += [
            f"adapters/{spec.name}/README.md does not mention the setting {field.name}"
            for field in msgspec.structs.fields(spec.config)
            if field.name not in {"base_url", "kind", "legal_entity", "mode", "limits"}
            and f"`{field.name}`" not in readme
        ]
    return found


def setting_defaults(kind: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Dotted names, ``[]`` for the entries of a list, and the default where it is a number or a text."""
    for field in msgspec.structs.fields(kind):
        name = f"{prefix}{field.name}"
        inner = _struct(field.type)
        if inner is None:
            plain = isinstance(field.default, str | int | float) and field.default != ""
            yield name, field.default if plain else None
        elif get_origin(field.type) is tuple:
            yield from setting_defaults(inner, f"{name}[].")
        else:
            yield from setting_defaults(inner, f"{name}.")


def _struct(kind: Any) -> type[msgspec.Struct] | None:
    for candidate in (kind, *get_args(kind)):
        if isinstance(candidate, type) and issubclass(candidate, msgspec.Struct):
            return candidate
    return None


def upstream_errors(root: Path) -> list[str]:
    """docs/upstream-errors.md is what the tools' error tables print."""
    if _read(root, UPSTREAM) == upstream_page(TOOLS):
        return []
    return [f"{UPSTREAM} is not what the error tables say: run `make schema`"]


def event_kinds(root: Path) -> list[str]:
    """docs/event-kinds.md is what the tools' lists of events print."""
    if _read(root, EVENTS) == events_page(TOOLS):
        return []
    return [f"{EVENTS} is not what the tools' lists of events say: run `make schema`"]


def events_page(tools: tuple[AnyToolSpec, ...]) -> str:
    """Every event of every platform, as a Markdown page."""
    lines = [
        "# Event kinds",
        "",
        "What is done with each kind of event that the platforms document. A kind without a record is known and",
        "unused: it is verified, stored and answered like the others, and so is one that a platform invents tomorrow.",
        "[events.md](events.md) says how they are handled. This page is printed from `adapters/<tool>/events.py` by",
        "`make schema`.",
    ]
    for spec in tools:
        if not spec.events:
            lines += ["", f"## {spec.title} (`{spec.name}`)", "", "Calls nobody back: the sync reads it."]
            continue
        lines += ["", f"## {spec.title} (`{spec.name}`)", "", "| event | | record | use |", "|---|---|---|---|"]
        lines += [
            f"| `{each.name}` | {each.title} | {f'`{each.record}`' if each.record else '–'} | {each.use} |"
            for each in spec.events
        ]
    return "\n".join(lines) + "\n"


def upstream_page(tools: tuple[AnyToolSpec, ...]) -> str:
    """Every remote code of every tool, as a Markdown page."""
    lines = [
        "# Upstream errors",
        "",
        "What each platform's codes mean to a caller: the kind is `extensions.code` of an error and `code` of a",
        "`ToolProblem`, the reason is `extensions.reason` and `reason`. [errors.md](errors.md) says what to do about",
        "each kind. This page is printed from the adapters' error tables by `make schema`.",
    ]
    for spec in tools:
        lines += [
            "",
            f"## {spec.title} (`{spec.name}`)",
            "",
            "| upstream code | kind | reason | meaning |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| `{code}` | {fault.kind.kind} | `{fault.reason}` | {fault.message} |"
            for code, fault in _by_reason(spec.faults)
        ]
    return "\n".join(lines) + "\n"


def _by_reason(faults: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(faults.items(), key=lambda row: (row[1].kind.kind, row[1].reason, row[0]))


def data_protection(root: Path) -> list[str]:
    """docs/data-protection.md says of every table what the gateway does with it."""
    text = _read(root, DATA_PROTECTION)
    return (
        [] if text and with_tables(text) == text else [f"{DATA_PROTECTION} is not what is declared: run `make schema`"]
    )


def with_tables(text: str) -> str:
    """The page with its printed parts as they must be."""
    for name, lines in (("tables", _holdings()), ("platforms", _platforms())):
        begin, end = _PRINTED.format(name), f"<!-- end of {name} -->"
        if begin not in text or end not in text:
            raise ValueError(f"{DATA_PROTECTION} needs the lines {begin} and {end}")
        text = "\n".join([text.partition(begin)[0] + begin, "", *lines, "", end + text.partition(end)[2]])
    return text


def _holdings() -> list[str]:
    lines = [
        (
            "| table 表 | what 内容 | purpose 目的 | ground 合法性基础 | kept 保存期限 "
            "| seen by 可见者 | on erasure 删除时 |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{each.table.name}` {each.title} | {each.what} | {each.purpose} | {each.ground} | {each.kept} "
        f"| {each.seen_by} | {each.erase}{': ' + each.why if each.why else ''} |"
        for each in HOLDINGS
    ]
    lines += ["", "Tables that hold nothing of persons 不含个人信息的表: "]
    lines[-1] += ", ".join(f"`{each.table.name}` ({each.what})" for each in IMPERSONAL) + "."
    lines += ["", "Tables of the IP content tool 泛娱乐IP工具的表: "]
    lines[-1] += ", ".join(f"`{name}` ({what})" for name, what in OF_TOOLS.items()) + "."
    return lines


def _platforms() -> list[str]:
    lines = [
        (
            "| platform 平台 | what stays there 留存内容 | what the person can do 个人行使权利的途径 "
            "| what the brand can do 品牌方 |"
        ),
        "|---|---|---|---|",
    ]
    return lines + [f"| {each.title} | {each.holds} | {each.ask} | {each.brand} |" for each in BEYOND.values()]


def index(root: Path) -> list[str]:
    """Every page of docs/ is linked from docs/README.md; decisions are numbered."""
    text = _read(root, INDEX)
    pages = sorted(path.relative_to(root / "docs").as_posix() for path in (root / "docs").rglob("*.md"))
    found = [
        f"{INDEX} does not link to {page}: add a line for it"
        for page in pages
        if page != "README.md" and f"]({page})" not in text
    ]
    numbers = sorted(int(page.name[:4]) for page in (root / "docs/decisions").glob("[0-9]*.md"))
    if numbers != list(range(1, len(numbers) + 1)):
        found.append(f"docs/decisions is numbered {numbers}: number the pages 0001, 0002, … without gaps")
    return found


def _read(root: Path, name: str) -> str:
    path = root / name
    return path.read_text("utf-8") if path.is_file() else ""
