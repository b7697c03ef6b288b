from __future__ import annotations

import asyncio
import socket

from gateway.ports import listen


async def test_an_answer_is_sent_at_once() -> None:
    """Not held back by the kernel until the client has acknowledged what came before."""
    accepted: asyncio.Queue[bool] = asyncio.Queue()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        peer: socket.socket = writer.get_extra_info("socket")
        accepted.put_nowait(bool(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    listener = listen("127.0.0.1", 0)
    async with await asyncio.start_server(serve, sock=listener):
        _, client = await asyncio.open_connection(*listener.getsockname())
        assert await accepted.get()
        client.close()
        await client.wait_closed()
