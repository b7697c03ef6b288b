"""The platform, emulated from its documentation: it shares nothing with the adapter that it judges."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import CODE_KEY, App
from sandbox.platform import Action, Kit
from sandbox.world import World, names

TOKEN_SECONDS = 7200
IDS_PER_CALL = 20
#: Code → HTTP status.
STATUS = {"bad_client": 401, "bad_token": 401, "bad_request": 400, "too_many_ids": 400, "too_fast": 429, "busy": 503}


class Refused(Exception):
    """Answered as the platform refuses."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Sandbox:
    """One account with sixty items."""

    name = "sample"

    def __init__(self, world: World, kit: Kit) -> None:
        self._kit = kit
        self.client_id = names.alnum(world.seed, "sample/client_id", 12)
        self.client_secret = names.text(world.seed, "sample/client_secret", 40)
        self.items = {
            f"IT{number:04d}": {"item_id": f"IT{number:04d}", "title": f"样例 {number}", "price_fen": 100 * number}
            for number in range(1, 61)
        }
        self.notes: dict[str, str] = {}
        self._tokens: dict[str, datetime] = {}
        self._issued = 0
        self._seed = world.seed
        self.app: App = Starlette(
            routes=[
                Route("/v1/token", self._answering(self._token, with_token=False), methods=["POST"]),
                Route("/v1/account", self._answering(self._account), methods=["GET"]),
                Route("/v1/items/batch_get", self._answering(self._batch_get), methods=["POST"]),
                Route("/v1/notes", self._answering(self._add_note), methods=["POST"]),
            ]
        )

    def describe(self, base_url: str) -> Mapping[str, Any]:
        """See ``sandbox.platform.Platform``."""
        account = {"base_url": base_url, "client_id": self.client_id, "client_secret": self.client_secret}
        return {"accounts": {"main": account}, "known": {"items": list(self.items)}}

    def actions(self) -> Mapping[str, Action]:
        """``revoke_tokens`` {}: every token issued so far is refused from now on."""
        return {"revoke_tokens": self._revoke_tokens}

    async def _revoke_tokens(self, _body: Mapping[str, Any]) -> Mapping[str, Any]:
        self._tokens.clear()
        self._kit.effect(self.name, "revoke_tokens", str(self._issued))
        return {"issued": self._issued}

    def _answering(
        self, handle: Callable[[Request], Awaitable[Mapping[str, Any]]], *, with_token: bool = True
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                if with_token:
                    self._check_token(request.headers.get("authorization", ""))
                _told_to_refuse(request)
                return _json(await handle(request))
            except Refused as refused:
                return _json({"code": refused.code, "message": "refused"}, STATUS.get(refused.code, 400))

        return endpoint

    def _check_token(self, authorization: str) -> None:
        scheme, _, token = authorization.partition(" ")
        expires_at = self._tokens.get(token)
        if scheme.lower() != "bearer" or expires_at is None or expires_at <= self._kit.clock.now():
            raise Refused("bad_token")

    async def _token(self, request: Request) -> Mapping[str, Any]:
        body = await _body(request)
        if (body.get("client_id"), body.get("client_secret")) != (self.client_id, self.client_secret):
            raise Refused("bad_client")
        self._issued += 1
        token = names.text(self._seed, f"sample/token/{self._issued}", 43)
        self._tokens[token] = self._kit.clock.now() + timedelta(seconds=TOKEN_SECONDS)
        return {"access_token": token, "expires_in": TOKEN_SECONDS}

    async def _account(self, _request: Request) -> Mapping[str, Any]:
        return {"client_id": self.client_id}

    async def _batch_get(self, request: Request) -> Mapping[str, Any]:
        ids = (await _body(request)).get("ids")
        if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
            raise Refused("bad_request")
        if len(ids) > IDS_PER_CALL:
            raise Refused("too_many_ids")
        return {"items": [self.items[one] for one in sorted(set(ids)) if one in self.items]}

    async def _add_note(self, request: Request) -> Mapping[str, Any]:
        body = await _body(request)
        key, text = body.get("key"), body.get("text")
        if not isinstance(key, str) or not key or not isinstance(text, str):
            raise Refused("bad_request")
        if key not in self.notes:
            self.notes[key] = f"NOTE{len(self.notes) + 1:06d}"
            self._kit.effect(self.name, "note", key, text=text)
        return {"note_id": self.notes[key]}


def _told_to_refuse(request: Request) -> None:
    """The sandbox's ``code`` fault, honoured after authentication."""
    code = request.scope.get(CODE_KEY)
    if code is not None:
        raise Refused(str(code))


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        value = json.loads(await request.body())
    except ValueError:
        raise Refused("bad_request") from None
    if not isinstance(value, dict):
        raise Refused("bad_request")
    return value


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value, ensure_ascii=False).encode(), status, media_type="application/json")
