"""The sandbox's control API: faults, journal, webhook targets, and what people do at the platforms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.erp import master_data
from sandbox.faults import FaultKind
from sandbox.pusher import Mode

if TYPE_CHECKING:
    from sandbox.server import Sandbox


Handle = Callable[[Request], Awaitable[Response]]


def control_app(sandbox: Sandbox) -> Starlette:
    """Routes of the control port.

    ======  ===============================  ==================================================
    GET     /control/describe                what ``retail-gateway sandbox --json`` prints
    GET     /control/journal?after=n         calls and effects numbered above n
    POST    /control/faults                  {platform, kind, endpoint?, value?, calls?}
    DELETE  /control/faults                  behave again
    PUT     /control/webhooks                {platform, account, url}
    POST    /control/webhooks/mode           {platform, mode: normal|lose|double|hold, pace?}
    POST    /control/webhooks/release        {platform, newestFirst?}
    POST    /control/webhooks/settle         waits until no delivery is under way
    POST    /control/clock/advance           {seconds}
    POST    /control/platforms/{name}/{action}  an action of one platform
    GET     /erp/master.json                 the retailer's ERP: stores, campaigns, goods, stock
    ======  ===============================  ==================================================
    """
    control = _Control(sandbox)
    return Starlette(
        routes=[
            Route("/erp/master.json", control.erp),
            Route("/control/describe", control.describe),
            Route("/control/journal", _explained(control.journal)),
            Route("/control/faults", _explained(control.faults), methods=["POST", "DELETE"]),
            Route("/control/webhooks", _explained(control.target), methods=["PUT"]),
            Route("/control/webhooks/mode", _explained(control.mode), methods=["POST"]),
            Route("/control/webhooks/release", _explained(control.release), methods=["POST"]),
            Route("/control/webhooks/settle", control.settle, methods=["POST"]),
            Route("/control/clock/advance", _explained(control.advance), methods=["POST"]),
            Route("/control/platforms/{name}/{action}", _explained(control.act), methods=["POST"]),
        ]
    )


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value, default=str), status, media_type="application/json")


def _explained(handle: Handle) -> Handle:
    """Answers what is wrong with a request, instead of failing over it."""

    async def serve(request: Request) -> Response:
        try:
            return await handle(request)
        except KeyError as error:
            return _json({"error": f"missing or unknown: {error.args[0]}"}, 400)
        except (ValueError, TypeError) as error:
            return _json({"error": str(error)}, 400)

    return serve


class _Control:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._kit = sandbox.kit

    async def describe(self, _request: Request) -> Response:
        return _json(self._sandbox.describe())

    async def erp(self, _request: Request) -> Response:
        return _json(master_data(self._sandbox.world))

    async def journal(self, request: Request) -> Response:
        return _json(self._kit.journal.as_json(int(request.query_params.get("after", "0"))))

    async def faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._kit.faults.clear()
            return _json({"rules": 0})
        body = await _body(request)
        self._kit.faults.add(
            self._platform(body, or_all=True),
            _one_of(body, "kind", get_args(FaultKind)),
            endpoint=str(body.get("endpoint", "*")),
            value=body.get("value", 0),
            calls=tuple(body.get("calls", ())),
        )
        return _json({"rules": len(self._kit.faults.rules)})

    async def target(self, request: Request) -> Response:
        body = await _body(request)
        self._kit.pusher.targets[(self._platform(body), str(body["account"]))] = str(body["url"])
        return _json({"targets": len(self._kit.pusher.targets)})

    async def mode(self, request: Request) -> Response:
        body = await _body(request)
        platform, mode = self._platform(body), _one_of(body, "mode", get_args(Mode))
        self._kit.pusher.pace = _at_least_0(body.get("pace", self._kit.pusher.pace), "pace")
        self._kit.pusher.modes[platform] = mode
        return _json({"mode": mode})

    async def release(self, request: Request) -> Response:
        body = await _body(request)
        newest = bool(body.get("newestFirst", False))
        return _json({"released": self._kit.pusher.release(self._platform(body), newest_first=newest)})

    async def settle(self, _request: Request) -> Response:
        await self._kit.pusher.settle()
        return _json({"settled": True})

    async def advance(self, request: Request) -> Response:
        body = await _body(request)
        self._kit.clock.advance(timedelta(seconds=_at_least_0(body["seconds"], "seconds")))
        return _json({"now": self._kit.clock.now().isoformat()})

    async def act(self, request: Request) -> Response:
        name, action = request.path_params["name"], request.path_params["action"]
        platform = self._sandbox.platforms.get(name)
        do = platform.actions().get(action) if platform is not None else None
        if do is None:
            return _json({"error": f"no action {action} at {name}"}, 404)
        return _json(await do(await _body(request)))

    def _platform(self, body: Mapping[str, Any], *, or_all: bool = False) -> str:
        known = (*self._sandbox.platforms, "*") if or_all else tuple(self._sandbox.platforms)
        return str(_one_of(body, "platform", known))


def _one_of(body: Mapping[str, Any], name: str, known: tuple[Any, ...]) -> Any:
    if body[name] not in known:
        raise ValueError(f"{name} is {body[name]!r}: give one of {', '.join(known)}")
    return body[name]


def _at_least_0(value: Any, name: str) -> float:
    number = float(value)
    # Ten years, which also keeps infinity out.
    if not 0 <= number <= 10 * 366 * 86400:
        raise ValueError(f"{name} is {value!r}: give 0 or more, at most ten years of seconds")
    return number


async def _body(request: Request) -> Mapping[str, Any]:
    raw = await request.body()
    value = orjson.loads(raw) if raw else {}
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 — answered as a bad request
    return value
