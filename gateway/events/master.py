"""The retailer's master data (stores, campaigns, goods, stock): read from its ERP's JSON export."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from adapters.base.transport import MaybeSent, NotSent, Request, Transport
from gateway.events.projections.places import MasterData, master_data
from gateway.events.projector import Projector


class MasterDataError(Exception):
    """The export cannot be read. ``code`` stands in docs/errors.md."""

    code = "MASTER_DATA_INVALID"


async def import_master_data(projector: Projector, source: str, transport: Transport) -> int:
    """Read ``source`` (a path, or an http(s) URL) and write it. Returns rows; raises MasterDataError."""
    try:
        data = msgspec.json.decode(await _read(source, transport), type=MasterData)
    except msgspec.MsgspecError as error:
        raise MasterDataError(f"{source}: {error}; docs/master-data.md shows the format.") from None
    return await master_data(projector, data)


async def _read(source: str, transport: Transport) -> bytes:
    if urlsplit(source).scheme in {"http", "https"}:
        try:
            answer = await transport.send(Request("GET", source), 20)
        except (NotSent, MaybeSent) as error:
            raise MasterDataError(f"{source} cannot be reached; check the setting master_data.") from error
        if answer.status != 200:
            raise MasterDataError(f"{source} answered HTTP {answer.status}; check the setting master_data.")
        return answer.body
    try:
        return await asyncio.to_thread(Path(source).read_bytes)
    except OSError as error:
        raise MasterDataError(f"{source}: {error.strerror}; check the setting master_data.") from None
