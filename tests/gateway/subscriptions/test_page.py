"""The documents of docs/subscriptions.md run."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.resolvers import ids
from tests.gateway.subscriptions.live import Live, until

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples/subscriptions").glob("*.graphql"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
async def test_a_document_of_the_page(here: Live, path: Path) -> None:
    who, handle = await here.person()
    order = await here.order(handle)
    given = {
        "order": ids.encode("or", order),
        "transaction": ids.encode("tx", "01TRANSACTION"),
        "store": None,
        "guide": None,
    }
    document = path.read_text("utf-8")  # noqa: ASYNC240
    variables = {name: value for name, value in given.items() if f"${name}:" in document}
    async with here.socket() as socket:
        await socket.subscribe(document, **variables)
        await until(lambda: len(here.gateway.services.feed) == 1)
        payload = {"transaction": "01TRANSACTION", "state": "COMPLETED"}
        told = [
            await here.tell("order.paid", order_ref=order, identity=handle, member=who, amount_fen=81900),
            await here.tell("transaction.completed", order_ref=order, identity=handle, payload=payload),
        ]
        [event] = (await socket.next()).values()
        assert event["eventId"] in told


def test_the_page_shows_its_first_document() -> None:
    page = (ROOT / "docs/subscriptions.md").read_text("utf-8")
    assert (ROOT / "examples/subscriptions/my-order.graphql").read_text("utf-8") in page
    assert len(EXAMPLES) == 4
