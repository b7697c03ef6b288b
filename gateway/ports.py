"""Listening sockets, with an error that says which port is taken."""

from __future__ import annotations

import errno
import socket


class PortError(Exception):
    """The address cannot be listened on. ``code`` stands in docs/errors.md."""

    code = "PORT_IN_USE"


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises PortError."""
    if not 0 <= port <= 65535:
        raise PortError(f"port {port} is no port: choose one from 1 to 65535, or 0 for a free one.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once (TCP_NODELAY) only where the protocol is named. Otherwise the kernel holds back an answer's
    # body until the client has acknowledged its head, which a kept connection does 40 ms later.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Who takes nothing off the wire for so long is dropped by the kernel; accepted sockets inherit it (tcp(7)).
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 60_000)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "is taken by another program" if taken else f"cannot be used: {error.strerror}"
        raise PortError(f"port {port} on {host} {reason}; choose another with --port.") from None
    return listener
