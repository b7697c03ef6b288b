"""A request as bytes: its origin, and everything up to its body.

Nothing in a request can become a second header or a second request: what would is refused before anything is sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlsplit

from adapters.base.transport.messages import NotSent, Request

_PORTS: Final = {"http": 80, "https": 443}
#: Origin and target of a URL that can be sent as it is; a fragment stays at home.
_URL: Final = re.compile(r"([Hh][Tt][Tt][Pp][Ss]?://[!\"$-.0->@-~]+)(?:([/?][!-\"$-~]*))?(?:#.*)?", re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
#: How a message is framed is the transport's own business.
_FRAMING: Final = frozenset({"connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
_DEFAULTS: Final = {"accept": "Accept: */*\r\n", "user-agent": "User-Agent: retail-gateway\r\n"}
#: Methods whose requests are taken to have a body unless they say that it is empty.
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections lead to; ``authority`` is the Host header, without a default port."""

    tls: bool
    host: str
    port: int
    authority: str


def compose(request: Request) -> tuple[Origin, bytes]:
    """The origin of a request, and its bytes without the body. Raises NotSent for what no request can hold."""
    method, body = request.method, request.body
    where, target = _split(request.url)
    origin = origin_of(where)
    lines = [f"{method} {target} HTTP/1.1\r\n", f"Host: {origin.authority}\r\n"]
    seen = set()
    for name, value in request.headers.items():
        lower = _known(name)
        seen.add(lower)
        if lower == "content-length" or lower == "host":
            expected = origin.authority if lower == "host" else str(len(body or b""))
            if value != expected:
                raise NotSent(f"header {lower} does not describe the request")
        else:
            lines.append(f"{name}: {value}\r\n")
    for name, line in _DEFAULTS.items():
        if name not in seen:
            lines.append(line)
    if body is not None or method in _WITH_BODY:
        lines.append(f"Content-Length: {len(body or b'')}\r\n")
    head = "".join(lines)
    # Every line that was meant ends once: a value with a line end of its own shows in the count.
    ends = {head.count("\r"), head.count("\n"), len(lines)}
    if not (method.isascii() and method.isalpha()) or len(ends) > 1 or "\0" in head:
        raise NotSent("the method or a header holds a character that no request can hold")
    try:
        return origin, (head + "\r\n").encode("latin-1")
    except UnicodeEncodeError:
        pass
    raise NotSent("a header holds a character outside of Latin-1")


def _split(url: str) -> tuple[str, str]:
    parts = _URL.fullmatch(url)
    if parts is None:
        # Not as one writes it, but clear enough: what is no URL character is escaped, as everybody does.
        url = quote(url.strip(), safe="!#$%&'()*+,-./:;<=>?@[]^_`{|}~")
        parts = _URL.fullmatch(url)
        if parts is None:
            raise NotSent("not an http or https URL")
    target: str = parts[2] or "/"
    return parts[1], target if target[0] == "/" else "/" + target


@lru_cache(1024)
def origin_of(where: str) -> Origin:
    """The origin that ``scheme://host[:port]`` names. Raises NotSent where it names none."""
    try:
        parts = urlsplit(where)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if not host or "@" in parts.netloc or port == 0 or _CONTROL.search(host):
        raise NotSent("the URL names no host and port that can be asked")
    default = _PORTS[parts.scheme]
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port in {None, default} else f"{shown}:{port}"
    return Origin(parts.scheme == "https", host, port or default, authority)


@lru_cache(1024)
def _known(name: str) -> str:
    """A header's name in lower case, if a caller may set it."""
    lower = name.lower()
    if lower in _FRAMING or not _TOKEN.fullmatch(name):
        raise NotSent("a header is not one that a caller may set")
    return lower
