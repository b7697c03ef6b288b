"""A plan in words, and its generated source: for whoever asks why a document is slow or wrong."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.execution.conditional import ALWAYS, Conditions
from gateway.execution.model import Attribute, Call, Core, Field, Selection, Typename
from gateway.execution.operation import Operation


def explain(plan: Operation) -> str:
    """What a plan does, field by field, and the source it runs."""
    lines = [f"{plan.node.operation.value}: {plan.path}" + (f" ({plan.reason})" if plan.reason else "")]
    if plan.conditions:
        lines.append(f"specialised by: {', '.join('$' + name for name in plan.conditions)}")
    for vector, variant in plan.variants.items():
        named = ", ".join(f"${name}={value}" for name, value in zip(plan.conditions, vector, strict=True))
        lines += [
            "",
            f"variant {named or '(the only one)'}",
            *_selection(variant.root, 1, None),
            "",
            variant.generator.source,
        ]
    general = plan.conditional
    if general is not None:
        lines += [
            "",
            "variant for all further vectors",
            *(f"  {line}" for line in general.graph.explained()),
            *_selection(general.root, 1, general.graph),
            "",
            general.generator.source,
        ]
    return "\n".join(lines).rstrip() + "\n"


def _selection(selection: Selection, depth: int, graph: Conditions | None) -> Iterator[str]:
    how = "plain" if selection.plain else "with resolvers"
    yield f"{'  ' * depth}{selection.type.name} ({how}, function {selection.number})"
    for field in selection.fields:
        where = "" if graph is None or field.included == ALWAYS else f" if {graph.described(field.included)}"
        yield f"{'  ' * (depth + 1)}{field.key}: {field.definition.type} — {_how(field)}{where}"
        for child in field.selections.values():
            yield from _selection(child, depth + 2, graph)


def _how(field: Field) -> str:
    resolver, arguments = field.resolver, field.arguments
    given = "" if arguments is None else ", arguments constant" if arguments.of is None else ", arguments per run"
    match resolver:
        case Typename():
            return "constant"
        case Attribute():
            return f"attribute {resolver.name}"
        case Call():
            return f"calls {resolver.function.__qualname__}{given}"
        case Core():
            name = "the default resolver" if resolver.function is None else resolver.function.__qualname__
            return f"calls {name} by graphql-core's convention{given}"
