"""The command ``retail-gateway``. Every error a user can cause ends with a sentence and an exit code."""

from __future__ import annotations

import click

from gateway.cli.bulk import export, import_
from gateway.cli.database import db, schema
from gateway.cli.events import events
from gateway.cli.identities import identities
from gateway.cli.jobs import jobs
from gateway.cli.keys import keys
from gateway.cli.ledger import points, totals
from gateway.cli.members import members
from gateway.cli.plans import plan
from gateway.cli.privacy import privacy
from gateway.cli.quotas import quotas
from gateway.cli.reconcile import reconcile
from gateway.cli.recover import recover
from gateway.cli.serve import demo, sandbox, serve
from gateway.cli.sync import sync


@click.group(epilog="Example: retail-gateway demo")
def main() -> None:
    """One GraphQL schema over a retail brand's seven Tencent tools."""


for _command in (
    demo,
    serve,
    sandbox,
    sync,
    schema,
    db,
    events,
    keys,
    jobs,
    identities,
    import_,
    export,
    members,
    plan,
    points,
    privacy,
    quotas,
    recover,
    reconcile,
    totals,
):
    main.add_command(_command)
