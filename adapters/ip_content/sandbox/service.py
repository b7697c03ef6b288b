"""The rights service on the wire: tokens, the catalogue with its entity tag, and a rate limit."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.ip_content.sandbox.department import Department
from sandbox.faults import CODE_KEY, App
from sandbox.platform import Action, Kit
from sandbox.world import World, names

TOKEN_SECONDS = 3600
REQUESTS_PER_SECOND = 20

#: Problem code → HTTP status and title.
PROBLEMS: dict[str, tuple[int, str]] = {
    "bad_request": (400, "The request cannot be read"),
    "invalid_client": (401, "Unknown client or wrong secret"),
    "invalid_token": (401, "The access token is missing, expired or revoked"),
    "forbidden": (403, "The client may not do this"),
    "not_found": (404, "There is no such thing"),
    "method_not_allowed": (405, "The resource has no such method"),
    "bad_scope": (422, "The scope is malformed"),
    "rate_limited": (429, "Too many requests"),
    "internal": (500, "The service failed"),
}


class Refused(Exception):
    """Answered as application/problem+json."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class Sandbox:
    """One rights service with one client: the brand."""

    name = "ip_content"

    def __init__(self, world: World, kit: Kit) -> None:
        self._kit = kit
        self._world = world
        self.client_id = "yj-" + names.alnum(world.seed, "ip/client_id", 12)
        self.client_secret = names.text(world.seed, "ip/client_secret", 40)
        self.licensee = "party-" + names.digits(world.seed, "ip/licensee", 8)
        self._signing_key = names.digest(world.seed, "ip/signing")
        self._generation = 1
        self._recent: deque[datetime] = deque()
        self._requests = 0
        self.department = Department(self.name, world, kit, self.licensee)
        routes = [
            Route("/ip/v1/token", self._answering(self._token), methods=["POST"]),
            Route("/ip/v1/catalogue", self._answering(self._catalogue), methods=["GET"]),
        ]
        self.app: App = Starlette(routes=routes, exception_handlers={HTTPException: self._unrouted})

    def describe(self, base_url: str) -> Mapping[str, Any]:
        """See ``sandbox.platform.Platform``."""
        people = self._world.people
        return {
            "accounts": {
                "main": {
                    "base_url": base_url,
                    "kind": "licensee",
                    "legal_entity": self._world.brand,
                    "client_id": self.client_id,
                    "client_secret": self.client_secret,
                    "licensee": self.licensee,
                }
            },
            "known": {
                "properties": [p.slug for p in self._world.ip_properties],
                "licences": [x.number for x in self._world.ip_licences],
                "activations": [a.code for a in self._world.ip_activations],
                "stores": sorted({s for a in self._world.ip_activations for s in a.stores}),
                "unionids": [people[p.person].unionid for p in self._world.ip_participations],
            },
        }

    def actions(self) -> Mapping[str, Action]:
        """What people do there (see ``Department.actions``), and ``revoke_tokens`` {}: every token issued
        so far is refused from now on."""
        return {**self.department.actions(), "revoke_tokens": self._revoke_tokens}

    async def _revoke_tokens(self, _body: Mapping[str, Any]) -> Mapping[str, Any]:
        self._generation += 1
        self._kit.effect(self.name, "revoke_tokens", str(self._generation))
        return {"generation": self._generation}

    def _answering(self, handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                self._throttle()
                response = await handle(request)
            except Refused as refused:
                response = _problem(refused.code, refused.detail)
            self._requests += 1
            response.headers["X-Request-Id"] = names.hexa(self._world.seed, f"ip/{self._requests}", 16)
            return response

        return endpoint

    async def _unrouted(self, _request: Request, error: Exception) -> Response:
        missing = isinstance(error, HTTPException) and error.status_code == 404
        return _problem("not_found" if missing else "method_not_allowed")

    def _throttle(self) -> None:
        now = self._kit.clock.now()
        while self._recent and now - self._recent[0] >= timedelta(seconds=1):
            self._recent.popleft()
        if len(self._recent) >= REQUESTS_PER_SECOND:
            raise Refused("rate_limited", f"at most {REQUESTS_PER_SECOND} requests a second")
        self._recent.append(now)

    async def _token(self, request: Request) -> Response:
        try:
            body = json.loads(await request.body())
        except ValueError:
            raise Refused("bad_request", "the body must be JSON") from None
        if not isinstance(body, dict) or {"client_id", "client_secret"} - body.keys():
            raise Refused("bad_request", "client_id and client_secret are required")
        given = (str(body["client_id"]).encode(), str(body["client_secret"]).encode())
        known = (self.client_id.encode(), self.client_secret.encode())
        if not all(hmac.compare_digest(a, b) for a, b in zip(given, known, strict=True)):
            raise Refused("invalid_client")
        _told_to_refuse(request)
        return _json({"access_token": self._sign(), "expires_in": TOKEN_SECONDS})

    async def _catalogue(self, request: Request) -> Response:
        self._verify(request.headers.get("authorization", ""))
        _told_to_refuse(request)
        etag = f'"{self.department.document["version"]}"'
        asked = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
        if asked & {etag, "*"}:
            return Response(status_code=304, headers={"ETag": etag})
        response = _json(self.department.document)
        response.headers["ETag"] = etag
        return response

    def _sign(self) -> str:
        """A JWT (RFC 7519, HS256) for an hour."""
        now = int(self._kit.clock.now().timestamp())
        claims = {
            "sub": self.client_id,
            "gen": self._generation,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": names.hexa(self._world.seed, f"ip/jti/{self._requests}", 16),
        }
        head = _base64url(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        signed = f"{head}.{_base64url(json.dumps(claims).encode())}"
        return f"{signed}.{_base64url(self._mac(signed))}"

    def _mac(self, signed: str) -> bytes:
        return hmac.new(self._signing_key, signed.encode(), hashlib.sha256).digest()

    def _verify(self, authorization: str) -> None:
        scheme, _, token = authorization.partition(" ")
        signed, _, signature = token.rpartition(".")
        if scheme.lower() != "bearer" or not hmac.compare_digest(
            signature.encode(), _base64url(self._mac(signed)).encode()
        ):
            raise Refused("invalid_token")
        try:
            claims = json.loads(_unbase64url(signed.partition(".")[2]))
        except (ValueError, binascii.Error):
            raise Refused("invalid_token") from None
        if claims["gen"] != self._generation or claims["exp"] <= self._kit.clock.now().timestamp():
            raise Refused("invalid_token")


def _told_to_refuse(request: Request) -> None:
    """The sandbox's ``code`` fault, honoured after authentication."""
    code = request.scope.get(CODE_KEY)
    if code is not None:
        raise Refused(str(code))


def _problem(code: str, detail: str = "") -> Response:
    status, title = PROBLEMS.get(code, (409, "The service refused"))
    body = {
        "type": f"https://rights.example/problems/{code.replace('_', '-')}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
    }
    response = _json(body, status)
    response.headers["Content-Type"] = "application/problem+json"
    if status == 429:
        response.headers["Retry-After"] = "1"
    return response


def _json(value: object, status: int = 200) -> Response:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(), status, media_type="application/json")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
