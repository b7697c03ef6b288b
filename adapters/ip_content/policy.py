"""One agreement as an ODRL 2.2 policy (W3C), for licensors and partners who exchange rights as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Row

#: Our uses in ODRL's vocabulary; it has no word for promotion, which is a display.
_ACTIONS: Final = {
    "manufacture": "reproduce",
    "sell": "sell",
    "display": "display",
    "promote": "display",
    "stream": "stream",
    "giveaway": "distribute",
}


def agreement_policy(number: str, licensee: str, rows: Sequence[Row[Any]]) -> dict[str, Any]:
    """The agreement's JSON-LD; ``rows`` are its grants, at least one."""
    policy: dict[str, Any] = {
        "@context": "http://www.w3.org/ns/odrl.jsonld",
        "@type": "Agreement",
        "uid": _urn("agreement", number),
        # ODRL: when a permission and a prohibition meet, the prohibition holds.
        "conflict": "prohibit",
        "assigner": _urn("party", rows[0].licensor),
        "assignee": _urn("party", licensee),
        "permission": [_permission(row) for row in rows],
    }
    if any(row.exclusivity in {"exclusive", "sole"} for row in rows):
        policy["obligation"] = [{"action": "ensureExclusivity", "assignee": policy["assigner"]}]
    return policy


def _permission(row: Row[Any]) -> dict[str, Any]:
    starts, ends = max(row.starts, row.term_starts), min(row.ends, row.term_ends)
    constraints = [
        _constraint("spatial", "isAnyOf", row.territories),
        _constraint("dateTime", "gteq", _midnight(starts)),
        _constraint("dateTime", "lt", _midnight(ends)),
        _constraint("deliveryChannel", "isAnyOf", row.channels),
        _constraint("product", "isAnyOf", [_urn("category", name) for name in row.categories]),
    ]
    if row.excluded_territories:
        constraints.append(_constraint("spatial", "isNoneOf", row.excluded_territories))
    if row.max_units is not None:
        constraints.append({**_constraint("count", "lteq", row.max_units), "unit": _urn("unit", "piece")})
    # A use without a word in the vocabulary permits nothing: it is left out rather than invented.
    actions = dict.fromkeys(_ACTIONS[use] for use in row.uses if use in _ACTIONS)
    return {
        "target": _urn("ip", row.property),
        "action": list(actions),
        "constraint": constraints,
        # The credit line stands wherever the work is shown.
        "duty": [{"action": "attribute"}],
    }


def _constraint(left: str, operator: str, right: object) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _midnight(day: str) -> dict[str, str]:
    return {"@value": f"{day}T00:00:00+08:00", "@type": "xsd:dateTime"}


def _urn(kind: str, name: str) -> str:
    return f"urn:gw:{kind}:{quote(name)}"
