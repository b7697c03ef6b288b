"""The documents of docs/files.md over HTTP: uploads of every way, what others may not, and reading them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.base.secrets import Secret
from adapters.cloud_storage.signing import Signer, encode_path
from sandbox import http1
from tests.adapters.cloud_storage.conftest import multipart
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Client, Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/files.md").read_text("utf-8")
FILES = {path.stem: path.read_text("utf-8") for path in (ROOT / "examples/files").glob("*.graphql")}
PICTURE = b"\xff\xd8 an invented picture"
WAYS = ("POST_POLICY", "PRESIGNED_PUT", "TEMPORARY_KEY")
NODE = """query ($id: ID!) {
  node(id: $id) { __typename ... on File { key size url upload { state purpose contentType crc64 } } }
}"""


async def ask(client: Client, name: str, **variables: Any) -> Any:
    """The only field of a document of the page."""
    return next(iter((await client.data(FILES[name], **variables)).values()))


async def begin(client: Client, how: str = "PRESIGNED_PUT", key: str = "upload-0001", **changes: Any) -> Any:
    asked = {"purpose": "PICTURE", "contentType": "image/jpeg", "size": len(PICTURE), "how": how}
    return await ask(client, "begin", upload=asked | {"idempotencyKey": key} | changes)


def values(pairs: list[dict[str, str]]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in pairs}


async def send(served: Served, how: str, grant: dict[str, Any], content: bytes = PICTURE) -> http1.Answer:
    """Upload with nothing but the grant."""
    if how == "POST_POLICY":
        content_type, body = multipart(values(grant["fields"]), content)
        return await http1.request("POST", grant["url"], {"Content-Type": content_type}, body)
    if how == "PRESIGNED_PUT":
        headers = values(grant["headers"])
        assert headers.pop("Content-Length") == str(len(PICTURE))
        return await http1.request("PUT", grant["url"], headers, content)
    url, now = served.sandbox.urls["cloud_storage"], int(served.sandbox.kit.clock.now().timestamp())
    sent = {"x-cos-security-token": grant["token"], "host": url.removeprefix("http://")}
    signer = Signer(grant["secretId"], Secret(grant["secretKey"]))
    signed = signer.authorization("PUT", f"/{grant['key']}", {}, sent, start=now - 60, end=now + 600)
    sent |= {"Authorization": signed, "Content-Type": "image/jpeg"}
    return await http1.request("PUT", f"{url}/{encode_path(grant['key']).lstrip('/')}", sent, content)


async def uploaded(served: Served, client: Client, key: str = "upload-0001") -> str:
    """A file that is committed."""
    begun = await begin(client, key=key)
    assert (await send(served, "PRESIGNED_PUT", begun["grant"])).status == 200
    done = await ask(client, "commit", file=begun["file"]["id"])
    return str(done["file"]["id"])


async def test_the_page_shows_every_document() -> None:
    assert sorted(FILES) == ["begin", "commit", "delete", "download", "uploads"]
    for text in FILES.values():
        assert f"```graphql\n{text}```" in PAGE


@pytest.mark.parametrize("how", WAYS)
async def test_from_the_grant_to_the_deletion(open_served: OpenServed, how: str) -> None:
    served = await open_served()
    shopper = served.client("frontend", "protagonist")
    begun = await begin(shopper, how)
    assert await begin(shopper, how) == begun
    file = begun["file"]["id"]
    assert (await ask(shopper, "commit", file=file))["code"] == "FILE_NOT_UPLOADED"
    assert await ask(shopper, "download", file=file) == {
        "size": len(PICTURE), "url": None, "upload": {"state": "PENDING", "contentType": "image/jpeg"},
    }  # fmt: skip
    assert (await send(served, how, begun["grant"])).status == 200

    done = (await ask(shopper, "commit", file=file))["file"]
    assert (done["id"], done["size"], done["upload"]["state"]) == (file, len(PICTURE), "COMMITTED")
    assert (await ask(shopper, "commit", file=file))["file"] == done
    read = await ask(shopper, "download", file=file)
    link = await http1.request("GET", read["url"], {}, b"")
    assert (link.status, link.body) == (200, PICTURE)
    with served.counted() as count:
        listed = (await ask(shopper, "uploads"))["uploads"]
        node = (await shopper.data(NODE, id=file))["node"]
    assert count.calls == {}
    assert [each["id"] for each in listed["nodes"]] == [file]
    assert listed["nodes"][0]["upload"] == {"purpose": "PICTURE", "contentType": "image/jpeg"}
    assert (node["__typename"], node["size"], node["upload"]["state"]) == ("File", len(PICTURE), "COMMITTED")
    assert node["key"].startswith("picture/")

    gone = (await ask(shopper, "delete", file=file, key="delete-0001"))["file"]
    assert gone == {"id": file, "upload": {"state": "DELETED"}}
    assert (await ask(shopper, "delete", file=file, key="delete-0001"))["file"] == gone
    assert (await http1.request("GET", read["url"], {}, b"")).status == 404
    assert (await ask(shopper, "uploads"))["uploads"]["nodes"] == []
    assert (await ask(shopper, "download", file=file))["url"] is None
    assert (await ask(shopper, "commit", file=file))["code"] == "FILE_DELETED"


async def test_another_shoppers_file_is_unknown(open_served: OpenServed) -> None:
    served = await open_served()
    owner, other = served.client("frontend", "protagonist"), served.client("frontend", "expired_coupon")
    file = await uploaded(served, owner)
    assert (await ask(other, "commit", file=file))["code"] == "FILE_UNKNOWN"
    assert (await ask(other, "delete", file=file, key="delete-0001"))["code"] == "FILE_UNKNOWN"
    missing = await other.ask(FILES["download"], file=file)
    assert missing["data"] == {"file": None}
    assert missing["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await ask(other, "uploads"))["uploads"]["nodes"] == []
    # Each shopper's keys are their own.
    assert (await begin(other))["file"]["id"] != file
    assert (await ask(owner, "download", file=file))["upload"]["state"] == "COMMITTED"


@pytest.mark.parametrize("caller", ["guide", "partner"])
async def test_staff_without_the_scope_are_refused(open_served: OpenServed, caller: str) -> None:
    served = await open_served()
    file = await uploaded(served, served.client("frontend", "protagonist"))
    me = await served.client("frontend", "protagonist").data("{ me { id } }")
    client = served.client(caller)
    asked = {"purpose": "PICTURE", "contentType": "image/jpeg", "size": 1, "how": "PRESIGNED_PUT"}
    upload = asked | {"member": me["me"]["id"], "idempotencyKey": "upload-0001"}
    refused = await client.ask(FILES["begin"], upload=upload)
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "members:write" in refused["errors"][0]["message"]
    assert (await ask(client, "commit", file=file))["code"] == "FILE_UNKNOWN"
    assert (await ask(client, "delete", file=file, key="delete-0001"))["code"] == "FILE_UNKNOWN"
    assert (await begin(client))["code"] == "SESSION_REQUIRED"
    read = await client.ask(FILES["download"], file=file)
    if caller == "guide":
        assert read["data"]["file"] == {
            "size": len(PICTURE), "url": None, "upload": {"state": "COMMITTED", "contentType": "image/jpeg"},
        }  # fmt: skip
    else:
        assert read["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_headquarters_upload_for_a_member(open_served: OpenServed) -> None:
    served = await open_served()
    shopper, hq = served.client("frontend", "protagonist"), served.client("hq")
    member = (await shopper.data("{ me { id } }"))["me"]["id"]
    begun = await begin(hq, member=member)
    assert (await send(served, "PRESIGNED_PUT", begun["grant"])).status == 200
    file = (await ask(hq, "commit", file=begun["file"]["id"]))["file"]["id"]
    assert [each["id"] for each in (await ask(shopper, "uploads"))["uploads"]["nodes"]] == [file]
    assert (await ask(hq, "download", file=file))["url"]
    entries = await hq.data(
        'query ($id: ID!) { node(id: $id) { ... on Member { timeline(first: 1, filter: {kinds: ["file.stored"]}) {'
        " nodes { ... on FileTimelineEntry { file { id } } } } } } }",
        id=member,
    )
    assert entries["node"]["timeline"]["nodes"] == [{"file": {"id": file}}]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"size": 0}, "BAD_USER_INPUT"),
        ({"contentType": "application/pdf"}, "BAD_USER_INPUT"),
        ({"member": "bm8"}, "ID_INVALID"),
        ({"idempotencyKey": "short"}, "IDEMPOTENCY_KEY_REQUIRED"),
        ({"idempotencyKey": None}, "IDEMPOTENCY_KEY_REQUIRED"),
    ],
)
async def test_what_cannot_be_granted(open_served: OpenServed, changes: dict[str, Any], code: str) -> None:
    served = await open_served()
    shopper = served.client("frontend", "protagonist")
    assert (await begin(shopper, **changes))["code"] == code
    pending = await shopper.data("{ me { uploads(state: PENDING) { nodes { id } } } }")
    assert pending["me"]["uploads"]["nodes"] == []


async def test_files_of_the_folder_are_not_the_ledgers(open_served: OpenServed) -> None:
    served = await open_served()
    shopper = served.client("frontend", "protagonist")
    found = (await shopper.data("{ me { files { nodes { id url upload { state } } } } }"))["me"]["files"]["nodes"]
    assert found[0]["url"]
    assert found[0]["upload"] is None
    assert (await ask(shopper, "delete", file=found[0]["id"], key="delete-0001"))["code"] == "FILE_UNKNOWN"
    assert (await http1.request("GET", found[0]["url"], {}, b"")).status == 200
    assert (await ask(shopper, "download", file=found[0]["id"]))["upload"] is None


async def test_a_delete_is_part_of_a_transaction_and_a_grant_is_not(open_served: OpenServed) -> None:
    served = await open_served()
    shopper = served.client("frontend", "protagonist")
    file = await uploaded(served, shopper)
    document = """mutation ($file: ID!) @atomic(key: "two-things-0001") {
      gone: fileDelete(input: {file: $file}) { ... on Problem { code } ... on FileDeleted { file { id } } }
    }"""
    assert (await shopper.data(document, file=file))["gone"]["code"] == "QUEUED"
    await served.gateway.worker.drain()
    assert (await shopper.data(document, file=file))["gone"] == {"file": {"id": file}}
    refused = await shopper.ask(
        'mutation ($file: ID!) @atomic(key: "two-things-0002") {'
        " a: fileUploadCommit(input: {file: $file}) { __typename } }",
        file=file,
    )
    assert refused["errors"][0]["extensions"]["code"] == "ATOMIC_FIELD"


async def test_a_bucket_that_is_down_takes_no_upload_from_the_list(open_served: OpenServed) -> None:
    served = await open_served()
    shopper = served.client("frontend", "protagonist")
    file = await uploaded(served, shopper)
    begun = await begin(shopper, key="upload-0002")
    served.sandbox.kit.faults.add("cloud_storage", "status", value=503)
    problem = await ask(shopper, "commit", file=begun["file"]["id"])
    assert (problem["code"], problem["retryable"]) == ("UNAVAILABLE", True)
    assert [each["id"] for each in (await ask(shopper, "uploads"))["uploads"]["nodes"]] == [file]
