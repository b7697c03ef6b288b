"""Which addresses a webhook may be sent to: public ones, and those that a setting lists.

Whoever may create an endpoint chooses where this machine connects to. So names are resolved here, every address of the
answer is judged, and the connection is made to an address that was judged: a name that resolves to something else a
moment later changes nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

AnyAddress = IPv4Address | IPv6Address
AnyNetwork = IPv4Network | IPv6Network
#: Host and port → every address, as texts. Raises OSError for a name that does not resolve.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

URL_LENGTH: Final = 2048

#: https://www.iana.org/assignments/iana-ipv4-special-registry/ and what is multicast or reserved.
_FORBIDDEN_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        # A cloud's metadata and agent address that is public in form.
        "168.63.129.16/32",
    )
)  # fmt: skip
#: Only global unicast is routed; https://www.iana.org/assignments/iana-ipv6-special-registry/ takes parts of it away.
_UNICAST_V6: Final = IPv6Network("2000::/3")
_FORBIDDEN_V6: Final = tuple(
    IPv6Network(text)
    # Protocol assignments with Teredo and ORCHID, documentation twice, 6to4.
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
_MAPPED: Final = IPv6Network("::ffff:0:0/96")


class AddressRefused(Exception):
    """The URL leads where nothing may be sent, or is none. The message says why, and names no address."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads. ``host`` is ASCII; ``path`` includes the query."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


class Addresses:
    """The rules of one deployment.

    ``allowed`` are networks that may be sent to beside the public ones. ``sandbox`` allows loopback, also without TLS.
    """

    def __init__(self, allowed: Sequence[str] = (), *, sandbox: bool = False) -> None:
        self._allowed: tuple[AnyNetwork, ...] = tuple(ip_network(text) for text in allowed)
        self._sandbox = sandbox

    def target(self, url: str) -> Target:
        """The parts of a URL. Raises AddressRefused. Names are not resolved here, addresses are judged."""
        if len(url) > URL_LENGTH or not url.isascii() or any(ord(each) <= 32 or each in "\\\x7f" for each in url):
            raise AddressRefused(
                f"url must be at most {URL_LENGTH} ASCII characters without spaces; encode the others."
            )
        try:
            parts = urlsplit(url)
            port = parts.port
            host = (parts.hostname or "").rstrip(".").lower()
        except ValueError:
            raise AddressRefused("url is no URL; give it as https://host/path.") from None
        if parts.scheme not in ("https", "http") or not host or port == 0:
            raise AddressRefused("url is no URL that can be posted to; give it as https://host/path.")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise AddressRefused("url must not contain a user, a password or a fragment; check the signature instead.")
        secure = parts.scheme == "https"
        literal = _literal(host)
        loopback = literal.is_loopback if literal is not None else host == "localhost"
        if not secure and not (self._sandbox and loopback):
            raise AddressRefused("url must begin with https://.")
        if literal is not None:
            self.check(literal)
        elif "%" in host:
            raise AddressRefused("url has a host name with a % in it; give the plain name.")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(secure, host, port or (443 if secure else 80), path)

    def check(self, address: AnyAddress) -> None:
        """Raises AddressRefused for an address that must not be sent to."""
        if isinstance(address, IPv6Address) and address in _MAPPED:
            # The kernel connects to the IPv4 address inside.
            address = IPv4Address(int(address) & 0xFFFFFFFF)
        if not (_is_public(address) or self._is_allowed(address)):
            raise AddressRefused(
                "url leads to a private, local or reserved address, where webhooks are not sent; give one that is"
                " public, or ask the operator to list its network in webhooks.allowed_networks."
            )

    async def addresses(self, target: Target, resolve: Resolve) -> Sequence[str]:
        """Every address to try, each of them judged. Raises AddressRefused, and OSError for a name without address."""
        literal = _literal(target.host)
        if literal is not None:
            self.check(literal)
            return [str(literal)]
        found = [ip_address(text.partition("%")[0]) for text in await resolve(target.host, target.port)]
        # One bad address among good ones is somebody's attempt, or a mistake; neither gets a connection.
        for each in found:
            self.check(each)
            if not target.secure and not each.is_loopback:
                raise AddressRefused("url must begin with https://.")
        if not found:
            raise OSError("the name has no address")
        return list(dict.fromkeys(str(each) for each in found))

    def _is_allowed(self, address: AnyAddress) -> bool:
        if self._sandbox and address.is_loopback:
            return True
        return any(address.version == network.version and address in network for network in self._allowed)


def _is_public(address: AnyAddress) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _FORBIDDEN_V4)
    return address in _UNICAST_V6 and not any(address in network for network in _FORBIDDEN_V6)


def _literal(host: str) -> AnyAddress | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """The system's resolver. It also reads 0x7f.1 and 2130706433 as addresses, which is why its answers are judged."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]
