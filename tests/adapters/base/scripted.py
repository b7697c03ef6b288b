"""A transport that answers from a script, for the seam's own rules."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from adapters.base.transport import Request, Response

Turn = Response | Exception | Callable[[Request], Response]


class ScriptedTransport:
    """Answers each request with the next turn of the script; the last one repeats."""

    def __init__(self, turns: Sequence[Turn], *, seconds: float = 0.0) -> None:
        self.turns = list(turns)
        self.seconds = seconds
        self.requests: list[Request] = []
        self.timeouts: list[float] = []
        self.at_once = 0
        self.most_at_once = 0

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 — the protocol's name
        self.requests.append(request)
        self.timeouts.append(timeout)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
            turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
            if isinstance(turn, Exception):
                raise turn
            return turn if isinstance(turn, Response) else turn(request)
        finally:
            self.at_once -= 1


def ok(body: bytes = b"{}") -> Response:
    """A plain success."""
    return Response(200, {}, body)
