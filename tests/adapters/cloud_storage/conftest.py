"""An opened bucket of the sandbox, and a caller that knows no signatures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from adapters.cloud_storage import TOOL, CloudStorageAdapter
from sandbox import http1
from sandbox.server import Sandbox
from tests.conftest import OpenTool, StartSandbox


@pytest.fixture
async def sandbox(start_sandbox: StartSandbox) -> Sandbox:
    return await start_sandbox("cloud_storage")


@pytest.fixture
async def members(sandbox: Sandbox, open_tool: OpenTool) -> CloudStorageAdapter:
    """The bucket with members' files."""
    adapter: CloudStorageAdapter = await open_tool(TOOL, sandbox, "members", retries=False)
    return adapter


@pytest.fixture
async def assets(sandbox: Sandbox, open_tool: OpenTool) -> CloudStorageAdapter:
    """The bucket with product pictures."""
    adapter: CloudStorageAdapter = await open_tool(TOOL, sandbox, "assets", retries=False)
    return adapter


Post = Callable[..., Awaitable[http1.Answer]]


def multipart(fields: Mapping[str, str], file: bytes, filename: str = "a.jpg") -> tuple[str, bytes]:
    """Content type and body of a form whose last part is the file, as ``wx.uploadFile`` sends it."""
    mark = "----WebKitFormBoundaryinvented"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
    parts.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + file + b"\r\n")
    return f"multipart/form-data; boundary={mark}", b"".join(parts) + f"--{mark}--\r\n".encode()


@pytest.fixture
def post() -> Post:
    """``await post(url, fields, file)`` uploads a form."""

    async def send(url: str, fields: Mapping[str, str], file: bytes, **options: Any) -> http1.Answer:
        content_type, body = multipart(fields, file, **options)
        return await http1.request("POST", url, {"Content-Type": content_type}, body)

    return send


def code_of(answer: http1.Answer) -> tuple[int, str]:
    """HTTP status and COS code of a refusal."""
    text = answer.body.decode()
    return answer.status, text.partition("<Code>")[2].partition("</Code>")[0]
