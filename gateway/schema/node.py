"""The Node interface: everything with an id can be fetched by it."""

from __future__ import annotations

import strawberry


@strawberry.interface(description="Anything that has an id and can be fetched again by it.")
class Node:
    """Relay's node."""

    id: strawberry.ID = strawberry.field(description="Opaque and stable: store it, do not read it.")
