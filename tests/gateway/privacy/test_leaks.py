"""Nothing of a person where nothing of a person belongs: the whole product is driven, then every byte is searched."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import orjson
import pytest
import pytest_asyncio
from sqlalchemy.exc import IntegrityError

from adapters.base.secrets import Secret
from gateway.app import create_app
from gateway.database.tables.members import identity
from gateway.demo import documents
from gateway.demo.stage import Stage, staged
from gateway.ports import listen
from gateway.serving import serving
from gateway.settings import ApiKey
from sandbox.faults import FaultKind
from sandbox.http1 import Answer, request
from tests.conftest import EVENING
from tests.gateway.evening import Client, copy_database

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]

_EXAMPLES = Path(__file__).parents[3] / "examples/files"
BEGIN, COMMIT = ((_EXAMPLES / f"{name}.graphql").read_text("utf-8") for name in ("begin", "commit"))
#: Typed by a caller, or sent by somebody who pretends to be a platform.
TYPED = {
    "name": "植入姓名欧阳不存在",
    "phone": "13912345670",
    "openid": "oPLANTEDopenid0000000000001",
    "unionid": "uPLANTEDunionid000000000001",
    "address": "植入市植入路七十八号九单元",
    "remark": "植入备注只喝热水",
}


class Recorder(logging.Handler):
    """Everything that any logger says, at every level, with its traces."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.formatter = logging.Formatter("%(name)s %(levelname)s %(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("sandbox"):
            self.lines.append(self.format(record))


@contextmanager
def recorded() -> Iterator[Recorder]:
    root, handler = logging.getLogger(), Recorder()
    levels = {logging.getLogger(name): logging.getLogger(name).level for name in ("root", "sqlalchemy", "alembic")}
    root.addHandler(handler)
    for logger in levels:
        logger.setLevel(logging.DEBUG)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        for logger, level in levels.items():
            logger.setLevel(level)


class Driven:
    """A stage whose log is recorded from its first moment, and what callers were answered."""

    def __init__(self, stage: Stage, log: Recorder, folder: Path) -> None:
        self.stage = stage
        self.log = log
        self.folder = folder
        self.answers: list[tuple[str, str]] = []
        #: What grants to upload were made of, by what it is: whoever has it can upload.
        self.grants: dict[str, str] = {}

    def people(self) -> Mapping[str, str]:
        """Every handle, phone and name of the world's shoppers, and every grant, by what it is."""
        world = self.stage.sandbox.world
        found: dict[str, str] = {f"typed {name}": text for name, text in TYPED.items()}
        for person in world.people.values():
            for name in ("name", "phone", "unionid", "external_userid"):
                found[f"{person.key} {name}"] = getattr(person, name)
            found |= {f"{person.key} openid {app}": openid for app, openid in person.openids.items()}
        found |= self.grants
        # Shorter texts are met by chance, among bytes and in titles.
        return {name: text for name, text in found.items() if len(text.encode()) >= 9}

    def found_in(self, data: bytes) -> set[str]:
        return {name for name, text in self.people().items() if text.encode() in data}

    async def ask(self, key: str, document: str, *, session: str | None = None, **variables: Any) -> dict[str, Any]:
        answer = await self.stage.graphql(document, variables, key=key, session=session)
        self.answers.append((key, orjson.dumps(answer).decode()))
        return answer

    async def hook(self, path: str, body: bytes, method: str = "POST", query: str = "") -> Answer:
        answer = await request(method, f"{self.stage.url}/hooks/{path}{query}", {"Content-Type": "text/xml"}, body)
        self.answers.append(("hook", answer.body.decode("utf-8", "replace")))
        return answer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def driven(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Driven]:
    folder = tmp_path_factory.mktemp("leaks")
    with recorded() as log:
        async with staged(now=EVENING, folder=folder, size=50) as stage:
            driven = Driven(stage, log, folder)
            await _drive(driven)
            yield driven


async def _drive(driven: Driven) -> None:
    stage = driven.stage
    world, keys = stage.sandbox.world, stage.keys
    who = world.people[world.cast["protagonist"]]
    app = world.mini_programs[0].appid
    await stage.act("social_ads", "click", person=who.key, adgroup_id=world.ad_groups[0].adgroup_id)
    await stage.act("social_ads", "lead", person=who.key, adgroup_id=world.ad_groups[0].adgroup_id)
    await stage.quiet()
    code = (await stage.act("mini_program_store", "login_code", appid=app, person=who.key))["code"]
    login = await stage.graphql(documents.SESSION, {"input": {"app": app, "code": code}}, key=keys.frontend)
    session = login["data"]["sessionCreate"]["token"]
    await driven.ask(keys.frontend, documents.CONSENT, session=session, input={
        "purpose": "AD_MATCHING", "given": True, "policyVersion": "2026-09"})  # fmt: skip
    basket = {"lines": [{"sku": "SL-DOWN-1M", "quantity": 1}], "method": "EXPRESS"}
    quote = await driven.ask(keys.frontend, documents.QUOTE, session=session, input=basket)
    payable = quote["data"]["checkoutQuote"]["payable"]["amount"]
    order = {**basket, "expectedPayable": payable, "idempotencyKey": "leaks-of-an-order", "clickId": "wx0abcdefgh"}
    bought = await driven.ask(keys.frontend, documents.BUY, session=session, input=order)
    await stage.act("payments", "pay", payment_request=bought["data"]["checkout"]["paymentRequest"])
    await stage.quiet()
    await _upload(driven, session)
    await _go_wrong(driven, session)
    await _pretend(driven)
    await _park(driven)


async def _upload(driven: Driven, session: str) -> None:
    """A grant of every way, asked for twice; none is used, so that all of them are still kept."""
    for how in ("POST_POLICY", "PRESIGNED_PUT", "TEMPORARY_KEY"):
        asked = {"purpose": "PICTURE", "contentType": "image/png", "size": 9, "how": how}
        asked["idempotencyKey"] = f"leaks-of-{how}"
        for _ in range(2):
            answer = await driven.stage.graphql(
                BEGIN, {"upload": asked}, key=driven.stage.keys.frontend, session=session
            )
        grant = answer["data"]["fileUploadBegin"]["grant"]
        fields = {each["name"]: each["value"] for each in grant.get("fields", ())}
        signature = parse_qs(urlsplit(grant.get("url", "")).query).get("q-signature", [""])[0]
        secrets = (fields.get("q-signature"), signature, grant.get("secretKey"), grant.get("token"))
        found = {f"{how} {n}": text for n, text in enumerate(secrets) if text}
        assert found
        driven.grants |= found


async def _go_wrong(driven: Driven, session: str) -> None:
    """Inputs that do not fit, with somebody's data in every place where a text can stand."""
    stage = driven.stage
    app = stage.sandbox.world.mini_programs[0].appid
    for key in (stage.keys.hq, stage.keys.frontend, "no-such-key-" + TYPED["phone"]):
        for text in TYPED.values():
            ask = driven.ask
            await ask(key, "query ($v: ID!) { node(id: $v) { id } }", v=text)
            await ask(key, "query ($v: ID!) { member(by: {id: $v}) { id } }", v=text)
            await ask(key, "query ($v: String!) { member(by: {phone: $v}) { phone name } }", v=text)
            await ask(key, "query ($v: String!) { member(by: {unionid: $v}) { phone name } }", v=text)
            await ask(key, "query ($v: Int!) { products(first: $v) { nodes { id } } }", v=text)
            await ask(
                key, "query ($v: CheckoutQuoteInput!) { checkoutQuote(input: $v) { __typename } }", v={"lines": text}
            )
            await ask(key, "query ($v: MemberByInput!) { member(by: $v) { id } }", v={"phone": text, text: text})
            await ask(key, f'{{ member(by: {{phone: "{text}"}}) {{ phone(unmask: "{text}") }} }}')
            await ask(key, "query ($v: String) { products(after: $v) { nodes { id } } }", v=text)
            await ask(key, documents.SESSION, input={"app": app, "code": text})
            await ask(key, documents.SESSION, input={"app": text, "code": text})
            await ask(key, documents.CONSENT, session=session, input={
                "purpose": "MARKETING", "given": True, "policyVersion": text * 9})  # fmt: skip
            await ask(key, documents.QUOTE, session=session, input={
                "lines": [{"sku": text, "quantity": 1}], "method": "EXPRESS"})  # fmt: skip
            await ask(key, BEGIN, session=session, upload={"purpose": "PICTURE", "contentType": text, "size": 1,
                "how": "POST_POLICY", "idempotencyKey": "leaks-of-a-type"})  # fmt: skip
            await ask(key, COMMIT, session=session, file=text)
            await ask(key, documents.QUOTE, session=text, input={"lines": [], "method": "EXPRESS"})
    # Platforms that fail while they are asked about somebody.
    world, faults = stage.sandbox.world, stage.sandbox.kit.faults
    who = world.people[world.cast["protagonist"]]
    document = documents.WHOLE_MEMBER
    kinds: tuple[FaultKind, ...] = ("reset_after", "html", "garbage", "truncate")
    for kind in kinds:
        for tool in ("payments", "enterprise_chat", "cloud_storage", "mini_program_store", "official_account"):
            faults.add(tool, kind)
        await driven.ask(stage.keys.hq, document, app=app, openid=who.openids[app])
        faults.clear()
    driven.answers = [each for each in driven.answers if each[0] != stage.keys.hq or "errors" in each[1]]


async def _pretend(driven: Driven) -> None:
    """Webhooks that are not the platforms', unreadable, or of the wrong shape."""
    everything = "&".join(f"{name}={text}" for name, text in TYPED.items())
    xml = f"<xml><FromUserName>{TYPED['openid']}</FromUserName><Content>{TYPED['remark']}</Content></xml>"
    for path in ("official_account/main", "payments/main", "mini_program_store/store", "enterprise_chat/main",
                 "social_ads/main", "cloud_storage/members", f"payments/{TYPED['openid']}", "nobody/main"):  # fmt: skip
        for body in (xml.encode(), orjson.dumps(TYPED), everything.encode(), b"\xff" + TYPED["openid"].encode()):
            await driven.hook(path, body)
            await driven.hook(path, body, "GET", f"?openid={TYPED['openid']}&msg_signature=x")
            await driven.hook(f"{path}/{TYPED['phone']}", body)


async def _park(driven: Driven) -> None:
    """Jobs that fail with somebody's data in hand, until they are parked."""
    services = driven.stage.gateway.services

    async with services.database.write() as connection:
        await services.queue.put(connection, "unknown.kind", 1, TYPED, key=TYPED["openid"], entity=TYPED["unionid"])
        await services.queue.put(connection, "inbox.handle", 1, {"id": TYPED["openid"], "other": TYPED})
        await services.queue.put(connection, "saga.step", 1, {"saga": TYPED["openid"]}, max_attempts=1)
    await driven.stage.quiet()


async def test_logs_of_every_level_say_nothing_of_anybody(driven: Driven) -> None:
    text = "\n".join(driven.log.lines)
    assert "adapters.http DEBUG" in text
    assert "sqlalchemy.engine" in text
    bad = {name: line for name, value in driven.people().items() for line in driven.log.lines if value in line}
    assert bad == {}


async def test_no_answer_repeats_what_was_typed(driven: Driven) -> None:
    typed = [text.encode() for text in TYPED.values()]
    own = driven.stage.keys.hq  # May see personal data, and still gets no error with it.
    shown = [answer for key, answer in driven.answers if key != own or '"errors"' in answer]
    assert len(shown) > 200
    assert [answer for answer in shown if any(text in answer.encode() for text in typed)] == []


async def test_a_caller_without_pii_read_sees_nobody(driven: Driven) -> None:
    stage = driven.stage
    world = stage.sandbox.world
    app = world.mini_programs[0].appid
    settings = stage.gateway.services.settings
    copy = driven.folder / "masked.db"
    copy_database(driven.folder / "gateway.db", copy)
    key = ApiKey(id="masked", key=Secret("hq-without-pii-read"), audience="hq", scopes=frozenset({"members:read"}))
    listener = listen("127.0.0.1", 0)
    changed = msgspec.structs.replace(settings, database_url=f"sqlite:///{copy}", api_keys=(key,))
    async with serving(create_app(changed), listener):
        client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}", key.key.reveal())
        who = world.people[world.cast["protagonist"]]
        answer = await client.ask(documents.WHOLE_MEMBER, app=app, openid=who.openids[app])
        assert answer["data"]["member"]["files"]["nodes"]
        assert answer["data"]["member"]["chat"]["contacts"]["nodes"]
        # A link to the member's own file would name the folder, which is the unionid.
        assert driven.found_in(orjson.dumps(answer)) == set()


async def test_health_metrics_meter_and_queue_say_nothing_of_anybody(driven: Driven) -> None:
    stage = driven.stage
    health = await request("GET", f"{stage.url}/health", {}, b"")
    metrics = await request("GET", f"{stage.url}/metrics", {"X-API-Key": stage.keys.hq}, b"")
    assert b"gateway_upstream_calls_total" in metrics.body
    services = stage.gateway.services
    meter = repr((services.meter.calls, services.meter.endpoints, stage.gateway.inbox.refused))
    jobs = repr([await services.queue.list(limit=1000), await services.queue.counts()])
    assert "PARKED" in jobs
    for text in (health.body.decode(), metrics.body.decode(), meter, jobs, repr(stage.gateway.services.settings)):
        assert driven.found_in(text.encode()) == set()


async def test_the_database_holds_no_byte_of_anybody_in_the_plain(driven: Driven) -> None:
    for name in ("gateway.db", "gateway.db-wal"):
        data = (driven.folder / name).read_bytes()
        assert len(data) > 4096, name
        # Shoppers' names are in no title: what is found here is somebody.
        assert driven.found_in(data) == set(), name


async def test_errors_of_the_database_hold_no_values(driven: Driven) -> None:
    database = driven.stage.gateway.services.database
    with pytest.raises(IntegrityError) as caught:
        async with database.write() as connection:
            await connection.execute(identity.insert().values(id=TYPED["openid"], kind="OPENID", issuer=TYPED["name"]))
    said = "".join(traceback.format_exception_only(caught.value))
    assert not [text for text in TYPED.values() if text in said]
