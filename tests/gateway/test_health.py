"""The health page: open to load balancers, so it names no account and cannot be used to call the platforms."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from adapters.registry import TOOLS
from sandbox.http1 import request
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import without

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_many_askers_cause_one_round_of_pings(open_served: OpenServed) -> None:
    served = await open_served(without("social_ads"))
    journal = served.sandbox.kit.journal
    url = served.url.removesuffix("/graphql") + "/health"
    answers = await asyncio.gather(*(request("GET", url) for _ in range(5)))
    calls = len(journal.calls)
    again = await request("GET", url)
    assert len(journal.calls) == calls
    body = orjson.loads(again.body)
    assert body["tools"] == {spec.name: "OK" for spec in TOOLS} | {"social_ads": "NOT_CONFIGURED"}
    assert {answer.body for answer in answers} == {again.body}
    for account in ("wx", "ww", "1900", "yujian"):
        assert account.encode() not in again.body
