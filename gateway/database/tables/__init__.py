"""All tables, one module per subject. To add tables: write a module with ``Table(...)`` objects on
``gateway.database.schema.metadata``, import it here, run ``python -m gateway.database.regenerate``.

SQLAlchemy Core, no ORM: a row is read by one statement and is never lazily anything.
"""

from gateway.database.tables import (
    audiences,
    bulk,
    contacts,
    dimensions,
    facts,
    files,
    followers,
    inbox,
    jobs,
    keys,
    labels,
    ledger,
    members,
    privacy,
    projections,
    quotas,
    reach,
    reconciliation,
    refunds,
    rewards,
    sagas,
    sharing,
    stock,
    webhooks,
)

__all__ = [
    "audiences",
    "bulk",
    "contacts",
    "dimensions",
    "facts",
    "files",
    "followers",
    "inbox",
    "jobs",
    "keys",
    "labels",
    "ledger",
    "members",
    "privacy",
    "projections",
    "quotas",
    "reach",
    "reconciliation",
    "refunds",
    "rewards",
    "sagas",
    "sharing",
    "stock",
    "webhooks",
]
