"""Nothing reaches a shopper, or tells a platform of one, past the gate."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from scripts.checks.source import Module, modules

#: Adapter methods that reach a shopper or hand their data out, by tool.
TO_SHOPPERS: Final = frozenset(
    {
        "enterprise_chat.create_group_send",
        "enterprise_chat.send_welcome",
        "mini_program_store.remind_receipt",
        "mini_program_store.send_subscribe",
        "official_account.mass_to_followers",
        "official_account.mass_to_tag",
        "official_account.send_customer_service",
        "official_account.send_subscribe",
        "official_account.send_template",
        "payments.send_cash_coupon",
        "payments.send_coupon",
        "payments.send_transfer",
        "social_ads.report_conversions",
        "social_ads.report_lead_status",
        "social_ads.send_audience_ids",
    }
)
#: Those that speak to the brand's own employees, whom no consent of a shopper protects.
TO_STAFF: Final = frozenset(
    {
        "enterprise_chat.remind_group_send",
        "enterprise_chat.send_app_message",
        "enterprise_chat.send_content",
        "official_account.mass_preview",
    }
)
#: Names that such methods have: one of them must be in a list above.
_SPEAKS: Final = re.compile(
    r"(send|report|push|notify|broadcast|mass|(create_)?group_send|welcome|invite|remind|audience)(_|$)"
)
#: Names alike of methods that read.
_READS: Final = re.compile(
    r"(.*_)?reports?$|audiences?$|audience_files?$|group_sends$|group_send_(senders|deliveries)$"
)

#: Functions of gateway/transactions/effects/rounds.py that ask the gate about thousands.
_ROUNDS: Final = frozenset({"gate_rounds", "through_gate"})


def gate_passed(root: Path) -> list[str]:
    """Calls of TO_SHOPPERS stand in functions that ask the gate first."""
    names = {each.partition(".")[2] for each in TO_SHOPPERS}
    return [
        f"{module.path}:{line} uses {name} without asking the gate first: await gate.decide(…) in the same function"
        " (gateway/members/gate.py), or declare the method as one to staff in scripts/checks/reaching.py"
        for module in modules(root, "gateway")
        for name, line in _ungated(module, names)
    ]


def speakers_declared(root: Path) -> list[str]:
    """Every adapter method that speaks is in one of the lists, and these hold nothing else."""
    tools: dict[str, list[Module]] = defaultdict(list)
    for module in modules(root, "adapters"):
        _, tool, *inside = module.path.split("/")
        # The wire and the emulated platform have classes of the same names.
        if not inside or inside[0] not in {"client", "models", "sandbox"}:
            tools[tool].append(module)
    found = {f"{tool}.{name}" for tool, house in tools.items() for name in _speakers(house)}
    declared = TO_SHOPPERS | TO_STAFF
    missing = [
        f"adapters/{each.replace('.', ': ')} speaks to somebody: say to whom in scripts/checks/reaching.py"
        for each in sorted(found - declared)
    ]
    stale = [
        f"scripts/checks/reaching.py lists {each}, which no adapter has: take it out"
        for each in sorted(declared - found)
        if each.partition(".")[0] in tools
    ]
    return missing + stale


def _ungated(module: Module, names: set[str]) -> Iterator[tuple[str, int]]:
    inside: dict[ast.AST, ast.AST | None] = {}
    _place(module.tree, None, inside)
    removing = {node.func for node in inside if isinstance(node, ast.Call) and _takes_out(node)}
    for node, function in inside.items():
        if not isinstance(node, ast.Attribute) or node.attr not in names or node in removing:
            continue
        asked = [] if function is None else [line for owner, line in _asks(inside) if owner is function]
        if not any(line < node.lineno for line in asked):
            yield node.attr, node.lineno


def _takes_out(call: ast.Call) -> bool:
    """``removes=True``: the platform is told only of whom it was handed before, so that it forgets them."""
    return any(
        each.arg == "removes" and isinstance(each.value, ast.Constant) and each.value.value is True
        for each in call.keywords
    )


def _asks(inside: dict[ast.AST, ast.AST | None]) -> Iterator[tuple[ast.AST | None, int]]:
    """Functions that await ``….gate.decide(…)``, or ask it round by round, and where."""
    for node, function in inside.items():
        if isinstance(node, ast.AsyncFor) and isinstance(node.iter, ast.Call) and _name(node.iter.func) in _ROUNDS:
            yield function, node.lineno
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Call):
            target = node.value.func
            if _name(target) in _ROUNDS:
                yield function, node.lineno
            if isinstance(target, ast.Attribute) and target.attr == "decide":
                owner = target.value
                name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                if name.lstrip("_") == "gate":
                    yield function, node.lineno


def _place(node: ast.AST, function: ast.AST | None, inside: dict[ast.AST, ast.AST | None]) -> None:
    """Node → the innermost function around it."""
    inside[node] = function
    within = node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) else function
    for child in ast.iter_child_nodes(node):
        _place(child, within, inside)


def _speakers(house: Iterable[Module]) -> Iterator[str]:
    """Speaking methods of a tool's adapter, and of the parts that it is put together of."""
    classes = {node.name: node for module in house for node in module.tree.body if isinstance(node, ast.ClassDef)}
    wanted = [name for name in classes if name.endswith("Adapter")]
    for name in wanted:
        node = classes[name]
        wanted += [base for base in map(_name, node.bases) if base in classes and base not in wanted]
        for each in node.body:
            if isinstance(each, ast.AsyncFunctionDef) and _SPEAKS.match(each.name) and not _READS.match(each.name):
                yield each.name


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
