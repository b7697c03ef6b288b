"""Exports and jobs over the graph: asked for, watched, fetched over HTTP, stopped; for whoever may."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.settings import Exports
from sandbox.http1 import Answer, request
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import KEYS, Change, Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

CREATE = """mutation ($input: ExportCreateInput!) { exportCreate(input: $input) {
    ... on Job { id kind state result { ... on ExportResult { rows url } } } ... on Problem { code message } } }"""
JOB = """query ($id: ID!) { job(id: $id) { id kind state errorCode progress { done total remaining }
    result { ... on ExportResult { rows refused url expiresAt } } } }"""
CANCEL = "mutation ($id: ID!) { jobCancel(input: {id: $id}) { ... on Job { id state } ... on Problem { code } } }"


def exports_in(folder: Path) -> Change:
    return lambda settings: msgspec.structs.replace(settings, exports=Exports(folder=str(folder)))


async def fetch(served: Served, path: str, caller: str | None = "hq") -> Answer:
    headers = {} if caller is None else {"X-API-Key": KEYS[caller].key.reveal()}
    return await request("GET", f"{served.url}{path}", headers, b"", seconds=30)


async def exported(served: Served, caller: str, **values: Any) -> dict[str, Any]:
    """Ask for an export, have it written, and return its job."""
    client = served.client(caller)
    made = (await client.data(CREATE, input={"purpose": "SERVICE", **values}))["exportCreate"]
    assert made["state"] == "QUEUED", made
    await served.gateway.worker.drain()
    job: dict[str, Any] = (await client.data(JOB, id=made["id"]))["job"]
    return job


async def test_members_as_the_caller_may_see_them(open_served: OpenServed, tmp_path: Path) -> None:
    served = await open_served(exports_in(tmp_path / "exports"))
    selection = "id name phone"
    everybody = "{ members(first: 100) { nodes { id name phone } pageInfo { hasNextPage endCursor } } }"
    for caller in ("hq", "masked"):
        job = await exported(served, caller, kind="MEMBERS", selection=selection)
        assert (job["kind"], job["state"], job["errorCode"]) == ("bulk.export", "DONE", None)
        result = job["result"]
        assert job["progress"] == {"done": result["rows"], "total": result["rows"], "remaining": None}
        answer = await fetch(served, result["url"], caller)
        assert answer.status == 200
        lines = [json.loads(line) for line in answer.body.splitlines()]
        page = (await served.client(caller).data(everybody))["members"]
        assert lines[: len(page["nodes"])] == page["nodes"]
        assert len(lines) == result["rows"] > 100
        phones = [line["phone"] for line in lines if line["phone"]]
        assert {"*" in phone for phone in phones} == {caller == "masked"}


async def test_orders_with_their_lines(open_served: OpenServed, tmp_path: Path) -> None:
    served = await open_served(exports_in(tmp_path / "exports"))
    job = await exported(served, "hq", kind="ORDERS")
    answer = await fetch(served, job["result"]["url"])
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert len(lines) == job["result"]["rows"] > 0
    for line in lines:
        assert sum(item["paid"]["amount"] for item in line["items"]) <= line["payable"]["amount"]


async def test_who_may_ask_see_and_fetch(open_served: OpenServed, tmp_path: Path) -> None:
    served = await open_served(exports_in(tmp_path / "exports"))
    job = await exported(served, "hq", kind="FACTS")
    url = job["result"]["url"]
    for caller, status, code in (
        (None, 401, "UNAUTHENTICATED"),
        ("guide", 403, "FORBIDDEN"),
        ("masked", 404, "EXPORT_UNKNOWN"),
    ):
        answer = await fetch(served, url, caller)
        assert (answer.status, json.loads(answer.body)["code"]) == (status, code)
    for caller in ("frontend", "guide", "partner"):
        client = served.client(caller)
        refused = await client.ask(CREATE, input={"kind": "MEMBERS", "purpose": "SERVICE"})
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        hidden = await client.ask(JOB, id=job["id"])
        assert hidden["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await fetch(served, "/exports/01M75AXT8R02Z8YMQH8PB5N4S5")).status == 404


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"kind": "MEMBERS", "selection": "id nothing"}, "nothing"),
        ({"kind": "MEMBERS", "selection": "id } } more: nodes(ids: []) { ... on Member { id"}, "Syntax"),
        ({"kind": "MEMBERS", "store": "S1"}, "store"),
        ({"kind": "FACTS", "selection": "id"}, "fixed"),
    ],
)
async def test_what_cannot_be_exported(served: Served, values: dict[str, str], says: str) -> None:
    answer = (await served.client().data(CREATE, input={"purpose": "SERVICE", **values}))["exportCreate"]
    assert answer["code"] == "EXPORT_INVALID"
    assert says in answer["message"]


async def test_a_job_that_waits_is_stopped(open_served: OpenServed, tmp_path: Path) -> None:
    served = await open_served(exports_in(tmp_path / "exports"))
    client = served.client()
    made = (await client.data(CREATE, input={"kind": "MEMBERS", "purpose": "SERVICE"}))["exportCreate"]
    assert made["result"] == {"rows": 0, "url": None}
    assert (await client.data(CANCEL, id=made["id"]))["jobCancel"] == {"id": made["id"], "state": "CANCELLED"}
    assert (await client.data(CANCEL, id=made["id"]))["jobCancel"] == {"code": "JOB_OVER"}
    await served.gateway.worker.drain()
    assert (await client.data(JOB, id=made["id"]))["job"]["state"] == "CANCELLED"
    node = await client.data("query ($id: ID!) { node(id: $id) { id ... on Job { kind } } }", id=made["id"])
    assert node == {"node": {"id": made["id"], "kind": "bulk.export"}}
