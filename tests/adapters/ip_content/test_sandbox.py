"""The emulated rights service checks what its contract says, in order, with its codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from sandbox.http1 import Answer, request
from sandbox.server import Sandbox
from tests.adapters.ip_content.conftest import PLATFORM
from tests.conftest import StartSandbox


@pytest.fixture
async def service(start_sandbox: StartSandbox) -> Sandbox:
    return await start_sandbox(PLATFORM)


def account(service: Sandbox) -> dict[str, str]:
    return dict(service.describe()["platforms"][PLATFORM]["accounts"]["main"])


async def post_token(service: Sandbox, body: bytes) -> Answer:
    return await request("POST", f"{service.urls[PLATFORM]}/ip/v1/token", {}, body)


async def token(service: Sandbox) -> str:
    keys = {k: account(service)[k] for k in ("client_id", "client_secret")}
    answer = await post_token(service, json.dumps(keys).encode())
    assert answer.status == 200
    return str(json.loads(answer.body)["access_token"])


async def get(service: Sandbox, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await request("GET", f"{service.urls[PLATFORM]}/ip/v1/catalogue", sent)


def problem(answer: Answer) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = json.loads(answer.body)
    assert body["status"] == answer.status
    assert body["type"] == f"https://rights.example/problems/{body['code'].replace('_', '-')}"
    return answer.status, body["code"]


async def test_the_token_is_a_signed_jwt_of_an_hour(service: Sandbox) -> None:
    head, claims, signature = (await token(service)).split(".")

    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert decoded["sub"] == account(service)["client_id"]
    assert decoded["exp"] - decoded["iat"] == 3600
    key = hashlib.sha256(f"{service.world.seed}/ip/signing".encode()).digest()
    expected = hmac.new(key, f"{head}.{claims}".encode(), hashlib.sha256).digest()
    assert signature == base64.urlsafe_b64encode(expected).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"client_id=x", (400, "bad_request")),
        (b"[]", (400, "bad_request")),
        (b'{"client_id": "x"}', (400, "bad_request")),
        (b'{"client_id": "x", "client_secret": "y"}', (401, "invalid_client")),
    ],
)
async def test_refused_credentials(service: Sandbox, body: bytes, expected: tuple[int, str]) -> None:
    assert problem(await post_token(service, body)) == expected


async def test_the_catalogue_is_the_world(service: Sandbox) -> None:
    answer = await get(service, authorization=f"Bearer {await token(service)}")

    document = json.loads(answer.body)
    world = service.world
    assert answer.headers["etag"] == f'"{document["version"]}"'
    assert document["licensee_id"] == account(service)["licensee"]
    assert [p["slug"] for p in document["properties"]] == [p.slug for p in world.ip_properties]
    assert [(a["number"], a["status"]) for a in document["agreements"]] == [
        ("YJ-2026-017", "active"),
        ("YJ-2025-004", "expired"),
    ]
    protagonist = world.people[world.cast["protagonist"]].unionid
    assert {d["unionid"] for d in document["draws"]} == {protagonist}
    assert {d["card_id"]: d["entry_ref"] for d in document["draws"]} == world.ip_participations[0].draws


@pytest.mark.parametrize("authorization", ["", "Basic YTpi", "Bearer ", "Bearer a.b.c", "Bearer é"])
async def test_a_catalogue_needs_a_token(service: Sandbox, authorization: str) -> None:
    assert problem(await get(service, authorization=authorization)) == (401, "invalid_token")


async def test_a_forged_an_expired_and_a_revoked_token_are_refused(service: Sandbox) -> None:
    good = await token(service)
    head, claims, signature = good.split(".")
    later = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"exp": 9_999_999_999}
    forged = base64.urlsafe_b64encode(json.dumps(later).encode()).rstrip(b"=").decode()
    assert problem(await get(service, authorization=f"Bearer {head}.{forged}.{signature}"))[1] == ("invalid_token")

    service.kit.clock.advance(timedelta(hours=1))
    assert problem(await get(service, authorization=f"Bearer {good}"))[1] == "invalid_token"

    fresh = await token(service)
    await act(service, "revoke_tokens")
    assert problem(await get(service, authorization=f"Bearer {fresh}"))[1] == "invalid_token"


async def test_entity_tags(service: Sandbox) -> None:
    bearer = f"Bearer {await token(service)}"
    etag = (await get(service, authorization=bearer)).headers["etag"]

    for match in (etag, f"W/{etag}", f'"1", {etag}', "*"):
        answer = await get(service, authorization=bearer, if_none_match=match)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", etag)

    await act(service, "activation_status", code="FOX-BADGE", status="closed")
    answer = await get(service, authorization=bearer, if_none_match=etag)
    assert answer.status == 200
    assert answer.headers["etag"] != etag


async def test_twenty_requests_a_second(service: Sandbox) -> None:
    platform: Any = service.platforms[PLATFORM]
    platform._recent.extend([service.kit.clock.now() + timedelta(seconds=30)] * 20)

    answer = await post_token(service, b"{}")

    assert problem(answer) == (429, "rate_limited")
    assert answer.headers["retry-after"] == "1"
    service.kit.clock.advance(timedelta(seconds=31))
    assert problem(await post_token(service, b"{}")) == (400, "bad_request")


async def test_unknown_paths_and_methods(service: Sandbox) -> None:
    url = service.urls[PLATFORM]

    assert problem(await request("GET", f"{url}/ip/v1/nothing")) == (404, "not_found")
    assert problem(await request("DELETE", f"{url}/ip/v1/catalogue")) == (405, "method_not_allowed")


async def test_a_business_code_on_command_comes_after_authentication(service: Sandbox) -> None:
    bearer = f"Bearer {await token(service)}"
    service.kit.faults.add(PLATFORM, "code", value="forbidden")

    assert problem(await get(service)) == (401, "invalid_token")
    assert problem(await get(service, authorization=bearer)) == (403, "forbidden")


async def test_each_change_is_one_effect_and_a_greater_version(service: Sandbox) -> None:
    before = int(service.world.now.timestamp())

    first = await act(service, "property_status", slug="yunling-fox", status="restricted")
    second = await act(service, "collect", activation="FOX-BADGE", unionid="o6_x", entry_ref="e-1", card_id="FOX-1")

    assert before < first["version"] < second["version"]
    effects = [(e.kind, e.key) for e in service.kit.journal.effects]
    assert effects == [("status", "properties/yunling-fox"), ("collect", "FOX-BADGE/e-1")]


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("property_status", {"slug": "nobody", "status": "retired"}),
        ("grant_terms", {"number": "YJ-2026-017", "colour": "red"}),
        ("collect", {"activation": "FOX-BADGE", "unionid": "u", "entry_ref": "e", "card_id": "FOX-9"}),
    ],
)
async def test_what_cannot_be_done_is_said(service: Sandbox, action: str, body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        await act(service, action, **body)

    assert service.kit.journal.effects == []


async def test_an_entry_is_collected_once(service: Sandbox) -> None:
    body = {"activation": "FOX-BADGE", "unionid": "u", "entry_ref": "e", "card_id": "FOX-1"}
    await act(service, "collect", **body)

    with pytest.raises(ValueError, match="used before"):
        await act(service, "collect", **(body | {"unionid": "other"}))

    assert len(service.kit.journal.effects) == 1


async def act(service: Sandbox, action: str, **body: Any) -> Mapping[str, Any]:
    return await service.platforms[PLATFORM].actions()[action](body)
