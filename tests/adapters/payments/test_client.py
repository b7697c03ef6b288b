"""What the client believes, what it repeats, and what an answer means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from adapters.base.errors import (
    Malformed,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    UpstreamError,
)
from adapters.base.transport import Request, Response, Transport
from adapters.payments import TOOL, Payment, PaymentsAdapter
from adapters.payments.errors import FAULTS, SPELLINGS, canonical
from adapters.payments.sandbox.wire import STATUS
from sandbox.faults import FaultKind
from sandbox.server import Sandbox
from tests.adapters.payments.shopping import NUMBER, bill_day, hero_order, intent, refund_intent
from tests.conftest import MakeRuntime, OpenTool, account_config

JSAPI = "POST /v3/pay/transactions/jsapi"
REFUNDS = "POST /v3/refund/domestic/refunds"
QUERY = "GET /v3/pay/transactions/out-trade-no/*"

Rewrite = Callable[[Request, Response], Response]


class Meddler:
    """A transport between us and the platform that changes answers, or keeps the requests it saw."""

    def __init__(self, real: Transport, rewrite: Rewrite) -> None:
        self._real = real
        self._rewrite = rewrite
        self.seen: list[Request] = []

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 — the protocol's
        self.seen.append(request)
        return self._rewrite(request, await self._real.send(request, timeout))


Meddle = Callable[[Rewrite], Awaitable[tuple[PaymentsAdapter, Meddler]]]


@pytest.fixture
async def meddle(sandbox: Sandbox, open_tool: OpenTool, make_runtime: MakeRuntime) -> Meddle:
    async def opened(rewrite: Rewrite) -> tuple[PaymentsAdapter, Meddler]:
        meddler = Meddler(make_runtime().transport, rewrite)
        return await open_tool(TOOL, sandbox, "main", transport=meddler), meddler

    return opened


def without_signature(_request: Request, answer: Response) -> Response:
    """A good answer whose signature headers were lost."""
    kept = {k: v for k, v in answer.headers.items() if not k.startswith("wechatpay-")}
    return Response(answer.status, kept, answer.body)


def other_amount(_request: Request, answer: Response) -> Response:
    """A good answer with one changed byte."""
    return Response(answer.status, answer.headers, answer.body.replace(b"15900", b"15901"))


def unknown_serial(_request: Request, answer: Response) -> Response:
    """A good answer signed by a key that we do not hold."""
    return Response(answer.status, {**answer.headers, "wechatpay-serial": "PUB_KEY_ID_09"}, answer.body)


@pytest.mark.parametrize("rewrite", [without_signature, other_amount, unknown_serial])
async def test_an_unverified_read_is_malformed(meddle: Meddle, sandbox: Sandbox, rewrite: Rewrite) -> None:
    adapter, meddler = await meddle(rewrite)
    with pytest.raises(Malformed) as caught:
        await adapter.payment(hero_order(sandbox).out_trade_no)
    assert caught.value.reason == "answer_unverified"
    assert len(meddler.seen) == 1


async def test_an_unverified_write_is_unknown_and_repeated_as_it_was(meddle: Meddle, sandbox: Sandbox) -> None:
    adapter, meddler = await meddle(without_signature)
    body = adapter.prepay_body(intent(sandbox))
    with pytest.raises(OutcomeUnknown) as caught:
        await adapter.prepay(body)
    assert caught.value.reason == "answer_unverified"
    assert [request.body for request in meddler.seen] == [body] * 3
    assert len({request.headers["Authorization"] for request in meddler.seen}) == 3
    assert len(sandbox.kit.journal.of_kind("payments", "order")) == 1


async def test_a_204_is_verified_too(meddle: Meddle, sandbox: Sandbox) -> None:
    adapter, _ = await meddle(without_signature)
    sandbox_order = intent(sandbox)
    with pytest.raises(OutcomeUnknown):
        await adapter.prepay(adapter.prepay_body(sandbox_order))
    with pytest.raises(OutcomeUnknown):
        await adapter.close(NUMBER)


async def test_a_bill_with_another_hash_is_malformed(meddle: Meddle, sandbox: Sandbox) -> None:
    def spoil(request: Request, answer: Response) -> Response:
        if "billdownload" not in request.url:
            return answer
        return Response(answer.status, answer.headers, b"\xef\xbb\xbf" + answer.body[:0] + b"x")

    adapter, _ = await meddle(spoil)
    with pytest.raises(Malformed) as caught:
        await adapter.trade_bill(bill_day(sandbox))
    assert caught.value.reason == "bill_hash"


async def test_what_is_sent_is_what_was_stored(meddle: Meddle, sandbox: Sandbox) -> None:
    adapter, meddler = await meddle(lambda _request, answer: answer)
    body = adapter.prepay_body(intent(sandbox))
    await adapter.prepay(body)
    request = meddler.seen[0]
    assert request.body == body
    assert request.headers["Wechatpay-Serial"] == sandbox.world.merchants[0].platform_key_id
    assert set(request.headers) == {
        "Authorization",
        "Accept",
        "User-Agent",
        "Wechatpay-Serial",
        "Content-Type",
    }


@pytest.mark.parametrize(
    ("kind", "value", "calls", "effects"),
    [
        ("code", "SYSTEM_ERROR", 3, 0),
        ("reset_after", 0, 3, 1),
        ("reset_before", 0, 3, 0),
        ("html", 0, 3, 0),
        ("garbage", 0, 3, 1),
        ("truncate", 0, 3, 1),
        ("status", 503, 3, 0),
    ],
)
async def test_a_prepay_that_nobody_vouches_for(
    adapter: PaymentsAdapter, sandbox: Sandbox, kind: FaultKind, value: str | int, calls: int, effects: int
) -> None:
    sandbox.kit.faults.add("payments", kind, endpoint=JSAPI, value=value)
    with pytest.raises(OutcomeUnknown):
        await adapter.prepay(adapter.prepay_body(intent(sandbox)))
    assert sandbox.kit.journal.count("payments", JSAPI) == calls
    assert len(sandbox.kit.journal.of_kind("payments", "order")) == effects


async def test_a_refund_whose_answer_was_lost_happens_once(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    sandbox.kit.faults.add("payments", "reset_after", endpoint=REFUNDS, calls=(1,))
    refund = await adapter.refund(refund_intent(sandbox))
    assert refund.out_refund_no == "RF20261111000001"
    assert sandbox.kit.journal.count("payments", REFUNDS) == 2
    assert len(sandbox.kit.journal.of_kind("payments", "refund")) == 1


async def test_too_fast_means_unknown_for_a_refund_only(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    sandbox.kit.faults.add("payments", "code", value="RATELIMIT_EXCEED")
    with pytest.raises(OutcomeUnknown) as refund:
        await adapter.refund(refund_intent(sandbox))
    with pytest.raises(RateLimited) as query:
        await adapter.payment(hero_order(sandbox).out_trade_no)
    assert (refund.value.reason, refund.value.upstream_code) == (
        "refund_outcome_unknown",
        "FREQUENCY_LIMITED",
    )
    assert (query.value.reason, query.value.retry_after) == ("too_fast", 1.0)


async def test_two_refunds_within_a_minute(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    await adapter.refund(refund_intent(sandbox, "RF1", 100))
    with pytest.raises(OutcomeUnknown):
        await adapter.refund(refund_intent(sandbox, "RF2", 100))
    assert isinstance(await adapter.refund_status("RF2"), NotFound)


async def test_no_funds_is_said_once_and_can_be_repeated(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    sandbox.kit.faults.add("payments", "code", endpoint=REFUNDS, value="NOT_ENOUGH", calls=(1,))
    with pytest.raises(Rejected) as caught:
        await adapter.refund(refund_intent(sandbox))
    assert caught.value.reason == "not_enough"
    assert sandbox.kit.journal.count("payments", REFUNDS) == 1
    await adapter.refund(refund_intent(sandbox))
    assert len(sandbox.kit.journal.of_kind("payments", "refund")) == 1


@pytest.mark.parametrize("kind", ["html", "reset_before", "reset_after"])
async def test_a_read_that_fails_twice_is_repeated(adapter: PaymentsAdapter, sandbox: Sandbox, kind: FaultKind) -> None:
    sandbox.kit.faults.add("payments", kind, endpoint=QUERY, calls=(1, 2))
    found = await adapter.payment(hero_order(sandbox).out_trade_no)
    assert isinstance(found, Payment)
    assert found.total == 15900


async def test_a_read_that_keeps_failing_is_unavailable(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    sandbox.kit.faults.add("payments", "html", endpoint=QUERY)
    with pytest.raises(Unavailable):
        await adapter.payment(hero_order(sandbox).out_trade_no)


async def test_a_wrong_key_names_the_setting(sandbox: Sandbox, make_runtime: MakeRuntime) -> None:
    settings = dict(sandbox.describe()["platforms"]["payments"]["accounts"]["main"])
    other = sandbox.kit.keys.private_pem("payments/somebody/else")
    config = account_config(TOOL, {**settings, "merchant_private_key": other})
    async with TOOL.open(config, make_runtime(sandbox.kit.clock)) as adapter:
        with pytest.raises(Unauthorized) as caught:
            await adapter.ping()
    assert caught.value.reason == "signature_refused"
    assert "merchant_private_key" in caught.value.message
    assert caught.value.request_id != ""


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("merchant_private_key", "not a key"),
        ("platform_public_key", "not a key"),
        ("platform_certificates", ["not a certificate"]),
        ("apiv3_key", "too short"),
    ],
)
async def test_a_bad_setting_is_named_at_open(
    sandbox: Sandbox, make_runtime: MakeRuntime, setting: str, value: object
) -> None:
    settings = dict(sandbox.describe()["platforms"]["payments"]["accounts"]["main"])
    config = account_config(TOOL, {**settings, setting: value})
    with pytest.raises(ValueError, match=f"1900007291: {setting} must be"):
        async with TOOL.open(config, make_runtime(sandbox.kit.clock)):
            raise AssertionError("opened")


async def test_every_code_is_said_and_understood(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    paid = hero_order(sandbox)
    seen = {}
    for code in FAULTS:
        sandbox.kit.faults.clear()
        sandbox.kit.faults.add("payments", "code", value=code)
        first = len(sandbox.kit.journal.calls)
        with pytest.raises(UpstreamError) as caught:
            await adapter.coupons(paid.payer_openid, paid.appid)
        error, status = caught.value, sandbox.kit.journal.calls[first].status
        seen[code] = (type(error), error.reason, error.upstream_code, status)
        # Failures in a row open the family's breaker, which is not the subject here.
        adapter._wire._upstream._breakers.clear()
    assert seen == {code: (row.kind, row.reason, code, STATUS[code]) for code, row in FAULTS.items()}


def test_old_spellings() -> None:
    assert {canonical(old) for old in SPELLINGS} <= set(FAULTS) | {"USER_PAYING"}
    assert canonical("SYSTEMERROR") == "SYSTEM_ERROR"
    assert canonical("PARAM_ERROR") == "PARAM_ERROR"


async def test_a_refusal_that_cannot_be_read_decides_nothing(meddle: Meddle, sandbox: Sandbox) -> None:
    """A proxy's page, or an answer cut off: a refund of which it speaks may have been taken, or be taken next time."""

    def refused(body: bytes) -> Rewrite:
        return lambda request, answer: Response(403, answer.headers, body)

    for body in (b"<html>Forbidden</html>", b'{"code":"NOT_ENO', b"{}"):
        adapter, _ = await meddle(refused(body))
        with pytest.raises(OutcomeUnknown) as sent:
            await adapter.refund(refund_intent(sandbox, "R-1"))
        with pytest.raises(Malformed) as asked:
            await adapter.refund_status("R-1")
        assert {sent.value.reason, asked.value.reason} == {"unreadable"}
    adapter, _ = await meddle(refused(b""))
    with pytest.raises(Rejected):
        await adapter.refund(refund_intent(sandbox, "R-1"))


async def test_an_unknown_code_stays_visible(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    sandbox.kit.faults.add("payments", "code", value="TOMORROWS_CODE")
    with pytest.raises(Rejected) as caught:
        await adapter.payment(NUMBER)
    assert (caught.value.reason, caught.value.upstream_code) == ("unknown_code", "TOMORROWS_CODE")
    assert "系统按指令" not in str(caught.value)
