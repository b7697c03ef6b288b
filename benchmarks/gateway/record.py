"""Records one answer per tool from the emulated platforms, for the replay server.

``python -m benchmarks.gateway.record`` starts the sandbox and a gateway on it, lets the gateway read what it reads, and
keeps the answers that concern the protagonist in ``recorded/<tool>.json``, byte for byte as the platforms gave
them. The one exception is cloud storage, which answers in XML: its listing is kept as the same values in JSON, since
not every peer reads XML and what is compared is not XML parsers.
"""

from __future__ import annotations

import asyncio
import base64
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from defusedxml import ElementTree

from adapters.base.transport import HttpTransport, Request, Response, Transport
from adapters.registry import TOOLS
from gateway.app import Gateway, create_app
from gateway.demo import documents
from gateway.demo.stage import Keys, Stage, sandbox_settings
from gateway.demo.story import EVENING
from gateway.ports import listen
from gateway.serving import serving
from sandbox.server import running

FOLDER = Path(__file__).parent / "recorded"
#: The call whose answer is kept, per tool: method and what the path ends with.
KEPT = {
    "official_account": ("POST", "/cgi-bin/user/info/batchget"),
    "payments": ("GET", "/coupons"),
    "mini_program_store": ("POST", "/channels/ec/order/get"),
    "social_ads": ("GET", "/v3.0/daily_reports/get"),
    "cloud_storage": ("GET", "/"),
    "ip_content": ("GET", "/ip/v1/catalogue"),
    "enterprise_chat": ("GET", "/cgi-bin/externalcontact/get"),
}


class Recorder:
    """A transport that passes everything on and keeps the longest answer of each kept call."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.answers: dict[str, bytes] = {}

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 — the wire's own limit
        """See ``Transport.send``."""
        answer = await self._inner.send(request, timeout)
        path = urlsplit(request.url).path
        for tool, (method, end) in KEPT.items():
            matches = path == end if end == "/" else path.endswith(end)
            if matches and request.method == method and len(answer.body) > len(self.answers.get(tool, b"")):
                self.answers[tool] = answer.body
        return answer


def listing_as_json(xml: bytes) -> bytes:
    """The objects of a bucket listing."""
    root = ElementTree.fromstring(xml)
    objects = [
        {
            "Key": entry.findtext("Key"),
            "LastModified": entry.findtext("LastModified"),
            "ETag": entry.findtext("ETag"),
            "Size": int(entry.findtext("Size")),
            "StorageClass": entry.findtext("StorageClass"),
        }
        for entry in root.findall("Contents")
    ]
    return orjson.dumps({"Name": root.findtext("Name"), "Prefix": root.findtext("Prefix"), "Contents": objects})


def _only(body: bytes, openid: str) -> bytes:
    """The batch read's answer to a batch of one: the protagonist."""
    people: list[dict[str, Any]] = orjson.loads(body)["user_info_list"]
    return orjson.dumps({"user_info_list": [person for person in people if person["openid"] == openid]})


async def record() -> dict[str, bytes]:
    """The answers, by tool."""
    keys = Keys("hq_" + "0" * 20, "mp_" + "0" * 20)
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running([spec.name for spec in TOOLS], now=EVENING, seed=20181111, size=120, state=Path(folder)) as sandbox,
            HttpTransport() as wire,
        ):
            settings = sandbox_settings(
                sandbox.describe(),
                database=f"sqlite:///{folder}/gateway.db",
                host="127.0.0.1",
                port=port,
                keys=keys,
                master_key=base64.b64encode(os.urandom(32)).decode(),
            )
            recorder = Recorder(wire)
            app = create_app(settings, transport=recorder, on_open=Gateway.first_sync)
            async with serving(app, listener):
                stage = Stage(sandbox, app.state.gateway, f"http://127.0.0.1:{port}", keys)
                world = sandbox.world
                appid = world.official_accounts[0].appid
                openid = world.people[world.cast["protagonist"]].openids[appid]
                who = {"app": appid, "openid": openid}
                answer = await stage.graphql(documents.WHOLE_MEMBER, who, key=keys.hq)
                if answer.get("errors"):
                    raise RuntimeError(answer["errors"])
    answers = recorder.answers
    answers["official_account"] = _only(answers["official_account"], openid)
    answers["cloud_storage"] = listing_as_json(answers["cloud_storage"])
    return answers


def main() -> None:
    """Write the files."""
    answers = asyncio.run(record())
    FOLDER.mkdir(exist_ok=True)
    for tool in KEPT:
        (FOLDER / f"{tool}.json").write_bytes(answers[tool] + b"\n")
        print(f"{tool}: {len(answers[tool])} bytes")


if __name__ == "__main__":
    main()
