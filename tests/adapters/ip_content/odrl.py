"""The words of ODRL 2.2 (W3C Recommendation "ODRL Vocabulary & Expression"), and a check of a policy against them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

POLICIES = {"Set", "Offer", "Agreement", "Policy", "Assertion", "Privacy", "Request", "Ticket"}
ACTIONS = {
    "use",
    "grantUse",
    "compensate",
    "acceptTracking",
    "adHocShare",
    "aggregate",
    "annotate",
    "anonymize",
    "append",
    "appendTo",
    "archive",
    "attach",
    "attachPolicy",
    "attachSource",
    "attribute",
    "commercialize",
    "concurrentUse",
    "copy",
    "delete",
    "derive",
    "digitize",
    "display",
    "distribute",
    "ensureExclusivity",
    "execute",
    "export",
    "extract",
    "extractChar",
    "extractPage",
    "extractWord",
    "give",
    "include",
    "index",
    "inform",
    "install",
    "lease",
    "lend",
    "license",
    "modify",
    "move",
    "nextPolicy",
    "obtainConsent",
    "pay",
    "play",
    "present",
    "preview",
    "print",
    "read",
    "reproduce",
    "reviewPolicy",
    "secondaryUse",
    "sell",
    "share",
    "shareAlike",
    "stream",
    "synchronize",
    "textToSpeech",
    "transfer",
    "transform",
    "translate",
    "uninstall",
    "unwatermark",
    "watermark",
    "write",
    "writeTo",
}
#: In the vocabulary, and deprecated by it.
DEPRECATED = {
    "adHocShare",
    "append",
    "appendTo",
    "attachPolicy",
    "attachSource",
    "commercialize",
    "copy",
    "export",
    "extractChar",
    "extractPage",
    "extractWord",
    "lease",
    "lend",
    "license",
    "pay",
    "preview",
    "secondaryUse",
    "share",
    "shareAlike",
    "unwatermark",
    "write",
    "writeTo",
}
LEFT_OPERANDS = {
    "absolutePosition",
    "absoluteSize",
    "absoluteSpatialPosition",
    "absoluteTemporalPosition",
    "count",
    "dateTime",
    "delayPeriod",
    "deliveryChannel",
    "elapsedTime",
    "event",
    "fileFormat",
    "industry",
    "language",
    "media",
    "meteredTime",
    "payAmount",
    "percentage",
    "product",
    "purpose",
    "recipient",
    "relativePosition",
    "relativeSize",
    "relativeSpatialPosition",
    "relativeTemporalPosition",
    "resolution",
    "spatial",
    "spatialCoordinates",
    "systemDevice",
    "timeInterval",
    "unitOfCount",
    "version",
    "virtualLocation",
}
OPERATORS = {"eq", "gt", "gteq", "lt", "lteq", "neq", "isA", "hasPart", "isPartOf", "isAllOf", "isAnyOf", "isNoneOf"}
CONFLICTS = {"perm", "prohibit", "invalid"}


def faults(policy: Mapping[str, Any]) -> Iterator[str]:
    """What the information model forbids in a policy: empty for a good one."""
    if policy.get("@context") != "http://www.w3.org/ns/odrl.jsonld":
        yield "the context is not ODRL's"
    if policy.get("@type") not in POLICIES:
        yield f"{policy.get('@type')} is no policy"
    if not str(policy.get("uid", "")).partition(":")[2]:
        yield "a policy needs an IRI as uid"
    if policy.get("conflict", "perm") not in CONFLICTS:
        yield "conflict has no such strategy"
    if policy.get("@type") == "Agreement" and not (policy.get("assigner") and policy.get("assignee")):
        yield "an agreement has both parties"
    rules = [(kind, rule) for kind in ("permission", "prohibition", "obligation") for rule in policy.get(kind, ())]
    if not rules:
        yield "a policy has at least one rule"
    for kind, rule in rules:
        if kind != "obligation" and not rule.get("target"):
            yield f"a {kind} has a target"
        yield from _rule(rule)
        for duty in rule.get("duty", ()):
            yield from _rule(duty)


def _rule(rule: Mapping[str, Any]) -> Iterator[str]:
    actions = rule.get("action")
    given = actions if isinstance(actions, list) else [actions]
    if not given:
        yield "a rule has an action"
    for action in given:
        if action not in ACTIONS or action in DEPRECATED:
            yield f"{action} is no action to use"
    for constraint in rule.get("constraint", ()):
        if constraint.get("leftOperand") not in LEFT_OPERANDS:
            yield f"{constraint.get('leftOperand')} is no left operand"
        if constraint.get("operator") not in OPERATORS:
            yield f"{constraint.get('operator')} is no operator"
        if "rightOperand" not in constraint:
            yield "a constraint has a right operand"
        several = isinstance(constraint.get("rightOperand"), list)
        if several != (constraint.get("operator") in {"isAllOf", "isAnyOf", "isNoneOf"}):
            yield f"{constraint.get('operator')} does not take this right operand"
