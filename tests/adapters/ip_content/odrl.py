"""A check of a policy against the words of ODRL 2.2 (W3C), which ``odrl22.toml`` holds with their source."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

VOCABULARY: Final[Mapping[str, Any]] = tomllib.loads((Path(__file__).parent / "odrl22.toml").read_text("utf-8"))
CONTEXT: Final = "http://www.w3.org/ns/odrl.jsonld"


def faults(policy: Mapping[str, Any]) -> Iterator[str]:
    """What the information model forbids in a policy: empty for a good one."""
    words = VOCABULARY
    if policy.get("@context") != CONTEXT:
        yield "the context is not ODRL's"
    if policy.get("@type") not in words["policies"]:
        yield f"{policy.get('@type')} is no policy"
    if not str(policy.get("uid", "")).partition(":")[2]:
        yield "a policy needs an IRI as uid"
    if policy.get("conflict", "perm") not in words["conflicts"]:
        yield "conflict has no such strategy"
    if policy.get("@type") == "Agreement" and not (policy.get("assigner") and policy.get("assignee")):
        yield "an agreement has both parties"
    known = {"@context", "@type", *words["policy_properties"], *words["party_functions"], *words["rules"]}
    yield from _strange(policy, known, "policy")
    rules = [(kind, rule) for kind in words["rules"] for rule in policy.get(kind, ())]
    if not rules:
        yield "a policy has at least one rule"
    for kind, rule in rules:
        if kind != "obligation" and not rule.get("target"):
            yield f"a {kind} has a target"
        yield from _rule(rule, kind)
        for leads in words["duties_of"][kind]:
            for duty in rule.get(leads, ()):
                yield from _rule(duty, "obligation")


def _strange(given: Mapping[str, Any], known: Iterable[str], what: str) -> Iterator[str]:
    yield from (f"{each} is no word of a {what}" for each in given.keys() - set(known))


def _rule(rule: Mapping[str, Any], kind: str) -> Iterator[str]:
    words = VOCABULARY
    yield from _strange(rule, [*words["rule_properties"], *words["party_functions"], *words["duties_of"][kind]], kind)
    actions = rule.get("action")
    given = actions if isinstance(actions, list) else [actions]
    if not given:
        yield "a rule has an action"
    for action in given:
        if action in words["deprecated_actions"]:
            yield f"{action} is deprecated"
        elif action not in words["actions"] or action in words["lost_in_context"]:
            yield f"{action} is no action to use"
    for constraint in rule.get("constraint", ()):
        yield from _constraint(constraint)


def _constraint(constraint: Mapping[str, Any]) -> Iterator[str]:
    words = VOCABULARY
    yield from _strange(constraint, words["constraint_properties"], "constraint")
    left, operator = constraint.get("leftOperand"), constraint.get("operator")
    if left not in words["left_operands"] or left in words["lost_in_context"]:
        yield f"{left} is no left operand"
    if operator not in words["operators"] or operator in words["lost_in_context"]:
        yield f"{operator} is no operator"
    if "rightOperand" not in constraint:
        yield "a constraint has a right operand"
    if isinstance(constraint.get("rightOperand"), list) != (operator in words["set_operators"]):
        yield f"{operator} does not take this right operand"
