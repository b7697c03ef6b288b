"""``retail-gateway plan``: how a document is executed."""

from __future__ import annotations

import sys
from typing import TextIO

import click

from gateway.cli.running import EXIT_FAILED
from gateway.execution import PlanCache, Rejected, explain
from gateway.graphql_route import RULES
from gateway.schema import build_schema


@click.command(epilog="Example: retail-gateway plan --document examples/whole-member.graphql")
@click.option("--document", type=click.File(), required=True, help="The GraphQL document's file; - reads from stdin.")
@click.option("--operation", help="Which operation, where the document has several.")
def plan(document: TextIO, operation: str | None) -> None:
    """Print how a GraphQL document is executed: its plan, and the source that was generated for it."""
    found = PlanCache(build_schema(), rules=RULES).plan(document.read(), operation)
    if isinstance(found, Rejected):
        for error in found.errors:
            click.echo(f"GRAPHQL_INVALID: {error.message}", err=True)
        sys.exit(EXIT_FAILED)
    click.echo(explain(found), nl=False)
