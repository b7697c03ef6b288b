"""What the tools' lists of events promise is what the gateway does."""

from __future__ import annotations

from adapters.registry import TOOLS
from tests.gateway.events.conftest import StartFlow


async def test_a_kind_with_a_record_is_handled_and_every_handler_has_a_kind(start_flow: StartFlow) -> None:
    """A record that nobody handles is a kind that the page calls used; say ``handled=False`` of it."""
    handling = (await start_flow()).gateway.inbox.handling
    handled = {kind.__name__ for kind in (*handling.handlers, *handling.together)}

    listed = {each.record for spec in TOOLS for each in spec.events if each.record and each.handled}

    assert listed == handled
