"""The emulated STS: TC3 signatures checked from the vendor's page, and GetFederationToken."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote

import orjson
from starlette.requests import Request
from starlette.responses import Response

from adapters.cloud_storage.sandbox.keys import KeyPair, Keys, listed
from sandbox.faults import CODE_KEY
from sandbox.platform import Kit

_AUTHORIZATION: Final = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<date>[\d-]+)/(?P<service>\w+)/tc3_request, "
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]+)"
)
_LARGEST_SKEW: Final = 300
_VERSION: Final = "2018-08-13"
#: Of a sub-account's key; a root key's is 7200.
_LONGEST: Final = 129_600
_LONGEST_POLICY: Final = 6144


class ApiError(Exception):
    """Answered as the envelope's Error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def asks_sts(request: Request) -> bool:
    """Whether a request is for STS: by its headers, since at a bare address no host tells."""
    return "x-tc-action" in request.headers or request.headers.get("authorization", "").startswith("TC3-")


async def answer(request: Request, keys: Keys, kit: Kit) -> Response:
    """Everything has status 200."""
    request_id = str(uuid.uuid4())
    try:
        found = await _handle(request, keys, kit)
    except ApiError as error:
        found = {"Error": {"Code": error.code, "Message": error.message}}
    return Response(orjson.dumps({"Response": {**found, "RequestId": request_id}}), media_type="application/json")


async def _handle(request: Request, keys: Keys, kit: Kit) -> Mapping[str, Any]:
    now = kit.clock.now()
    body = await request.body()
    headers = {name.lower(): value for name, value in request.headers.items()}
    for name in ("x-tc-action", "x-tc-version", "x-tc-timestamp", "authorization"):
        if name not in headers:
            raise ApiError("MissingParameter", f"The request is missing a required parameter `{name}`.")
    pair = _authenticated(headers, request.url.path, body, keys, now)
    code = request.scope.get(CODE_KEY)
    if code is not None:
        raise ApiError(str(code), "The sandbox was told to answer so.")
    if headers["x-tc-version"] != _VERSION:
        raise ApiError("NoSuchVersion", "The API version does not exist.")
    if headers["x-tc-action"] != "GetFederationToken":
        raise ApiError("InvalidAction", "The action does not exist.")
    if not headers.get("x-tc-region"):
        raise ApiError("MissingParameter", "The request is missing a required parameter `Region`.")
    if pair.expires_at is not None:
        raise ApiError("AuthFailure.AccessKeyIllegal", "A temporary key cannot ask for another one.")
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError("InvalidParameter", "The body is no JSON.") from error
    return _federation_token(asked, pair, keys, now)


def signature(secret_key: str, headers: Mapping[str, str], names: str, path: str, body: bytes) -> str:
    """What the signature of a POST must be; ``names`` lists the headers that are signed."""
    if headers.get("x-tc-content-sha256") == "UNSIGNED-PAYLOAD":
        body = b"UNSIGNED-PAYLOAD"
    service = headers["host"].partition(".")[0] if "tencentcloudapi" in headers["host"] else "sts"
    date = datetime.fromtimestamp(int(headers["x-tc-timestamp"]), UTC).date().isoformat()
    lines = [f"{name}:{headers[name].strip()}" for name in names.split(";")]
    parts = ["POST", path, "", *lines, "", names, hashlib.sha256(body).hexdigest()]
    request_hash = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    text = "\n".join(["TC3-HMAC-SHA256", headers["x-tc-timestamp"], f"{date}/{service}/tc3_request", request_hash])
    key = ("TC3" + secret_key).encode()
    for part in (date, service, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _authenticated(headers: Mapping[str, str], path: str, body: bytes, keys: Keys, now: datetime) -> KeyPair:
    timestamp = headers["x-tc-timestamp"]
    if not timestamp.isdigit() or abs(int(timestamp) - now.timestamp()) > _LARGEST_SKEW:
        raise ApiError("AuthFailure.SignatureExpire", "The signature has expired.")
    match = _AUTHORIZATION.fullmatch(headers["authorization"])
    if match is None:
        raise ApiError("AuthFailure.SignatureFailure", "The Authorization header is malformed.")
    pair = keys.get(match["id"])
    if pair is None:
        raise ApiError("AuthFailure.SecretIdNotFound", "The SecretId is not found.")
    names = match["headers"].split(";")
    wrong = ApiError("AuthFailure.SignatureFailure", "The provided credentials could not be validated.")
    date = datetime.fromtimestamp(int(timestamp), UTC).date().isoformat()
    if not {"content-type", "host"} <= set(names) <= headers.keys() or match["service"] != "sts":
        raise wrong
    expected = signature(pair.secret_key, headers, match["headers"], path, body)
    if match["date"] != date or not hmac.compare_digest(expected, match["signature"]):
        raise wrong
    if pair.token and headers.get("x-tc-token") != pair.token:
        raise ApiError("AuthFailure.TokenFailure", "The token is not valid.")
    return pair


def _federation_token(asked: Mapping[str, Any], pair: KeyPair, keys: Keys, now: datetime) -> Mapping[str, Any]:
    for name in ("Name", "Policy"):
        if not isinstance(asked.get(name), str) or not asked[name]:
            raise ApiError("MissingParameter", f"The request is missing a required parameter `{name}`.")
    if unknown := set(asked) - {"Name", "Policy", "DurationSeconds"}:
        raise ApiError("UnknownParameter", f"The parameter `{min(unknown)}` is not recognized.")
    if not re.fullmatch("[A-Za-z]+", asked["Name"]):
        raise ApiError("InvalidParameter.ParamError", "The name consists of letters.")
    seconds = asked.get("DurationSeconds", 1800)
    if not isinstance(seconds, int) or seconds <= 0:
        raise ApiError("InvalidParameter.ParamError", "DurationSeconds is invalid.")
    if seconds > _LONGEST:
        raise ApiError("InvalidParameter.OverTimeError", "The duration is too long.")
    statements = _statements(asked["Policy"], pair)
    expires_at = now.replace(microsecond=0) + timedelta(seconds=seconds)
    made = keys.lend(pair, statements, expires_at)
    return {
        "Credentials": {"Token": made.token, "TmpSecretId": made.secret_id, "TmpSecretKey": made.secret_key},
        "ExpiredTime": int(expires_at.timestamp()),
        "Expiration": expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _statements(text: str, pair: KeyPair) -> list[Mapping[str, Any]]:
    if len(text) > _LONGEST_POLICY:
        raise ApiError("InvalidParameter.PolicyTooLong", "The policy is too long.")
    try:
        policy = orjson.loads(unquote(text, errors="strict"))
    except ValueError as error:
        raise ApiError("InvalidParameter.StrategyFormatError", "The policy is no URL-encoded JSON.") from error
    if not isinstance(policy, dict) or policy.get("version") != "2.0":
        raise ApiError("InvalidParameter.StrategyFormatError", "The policy's version is 2.0.")
    statements = policy.get("statement")
    if not isinstance(statements, list) or not statements:
        raise ApiError("InvalidParameter.StrategyInvalid", "The policy has no statement.")
    for each in statements:
        if not isinstance(each, dict) or each.get("effect") not in {"allow", "deny"}:
            raise ApiError("InvalidParameter.StrategyInvalid", "A statement has no effect.")
        if not listed(each.get("action")) or not listed(each.get("resource")):
            raise ApiError("InvalidParameter.StrategyInvalid", "A statement has no action or no resource.")
        for resource in listed(each["resource"]):
            _check_resource(resource, pair)
    return statements


def _check_resource(resource: str, pair: KeyPair) -> None:
    if resource == "*":
        return
    parts = resource.split(":", 5)
    if len(parts) != 6 or parts[:3] != ["qcs", "", "cos"]:
        raise ApiError("InvalidParameter.ResouceError", "A resource is malformed.")
    if parts[4] != f"uid/{pair.bucket.app_id}" or not parts[5].startswith(f"{pair.bucket.name}/"):
        raise ApiError("InvalidParameter.GrantOtherResource", "A resource is another's.")
