"""Operations whose answers go on: GraphQL over WebSocket (graphql-transport-ws) and over server-sent events."""

from __future__ import annotations

from gateway.streaming.events import EventStreams
from gateway.streaming.operations import Operations
from gateway.streaming.sockets import Sockets

__all__ = ["EventStreams", "Operations", "Sockets"]
