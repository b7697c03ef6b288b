"""What docs/webhooks-out.md shows works: the documents, and the lines that verify a message."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from gateway.database.fact_kinds import TOLD
from gateway.webhooks.records import _WAITS, EVENT_KINDS
from tests.gateway.webhooks_out.conftest import Stage
from tests.gateway.webhooks_out.receiver import Receiver

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "webhooks"
PAGE = (ROOT / "docs" / "webhooks-out.md").read_text("utf-8")


async def test_the_examples_are_delivered_and_verified(stage: Stage, receiver: Receiver) -> None:
    wish = json.loads(PAGE.partition("```json")[2].partition("```")[0])["input"]
    wish |= {"url": receiver.url, "query": (EXAMPLES / "payload.graphql").read_text("utf-8")}
    made = (await stage.ask((EXAMPLES / "endpoint.graphql").read_text("utf-8"), input=wish))["webhookEndpointCreate"]
    assert made["endpoint"]["state"] == "ENABLED"
    await stage.happen("one", kind="order.paid", amount_fen=81900)
    await stage.until(lambda: bool(receiver.seen))

    [request] = receiver.seen
    verify: Any = runpy.run_path(str(EXAMPLES / "verify.py"))["verify"]
    value = verify(made["secret"], request.headers, request.body)
    assert value["type"] == value["data"]["event"]["kind"] == "order.paid"
    for secret, body in ((made["secret"], request.body + b" "), ("whsec_" + "A" * 44, request.body)):
        with pytest.raises(ValueError, match="not signed"):
            verify(secret, request.headers, body)
    with pytest.raises(ValueError, match="old"):
        verify(made["secret"], request.headers | {"webhook-timestamp": "1700000000"}, request.body)


def test_the_page_shows_the_example_that_is_tested() -> None:
    source = (EXAMPLES / "verify.py").read_text("utf-8")
    shown = PAGE.partition("```python\n")[2].partition("```")[0]
    assert shown in source


def test_the_page_names_the_waits_and_the_kinds_beside_the_timelines() -> None:
    written = {"s": 1, "min": 60, "h": 3600}
    shown = PAGE.partition("tried again after ")[2].partition(", and up to")[0].split(", ")
    seconds = [int(number) * written[unit] for number, unit in (each.split(" ") for each in shown)]
    assert seconds == [*_WAITS, _WAITS[-1]]
    for kind in EVENT_KINDS:
        assert kind in TOLD or f"`{kind}`" in PAGE
