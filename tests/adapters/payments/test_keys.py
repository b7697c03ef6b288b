"""The platform's keys: public key, certificates, both; how they rotate, and what is encrypted for them."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.base.errors import OutcomeUnknown, Unauthorized, Unavailable
from adapters.base.runtime import Runtime
from adapters.base.secrets import Secret
from adapters.base.webhooks import WebhookRefused, WebhookRequest
from adapters.payments import TOOL, BankCard, Payment, PaymentsAdapter, PaymentsConfig, RefundState
from adapters.payments.keys import PlatformKeys
from sandbox.server import Sandbox
from tests.adapters.payments import vectors
from tests.adapters.payments.conftest import act
from tests.adapters.payments.products import receiver, transfer
from tests.adapters.payments.shopping import NUMBER, hero_order, intent, refund_intent
from tests.conftest import MakeRuntime, account_config

CERTIFICATES = "GET /v3/certificates"
MCHID = "1900007291"
Open = Callable[..., Awaitable[PaymentsAdapter]]


@pytest.fixture
async def opened(sandbox: Sandbox, make_runtime: MakeRuntime) -> Any:
    """``await opened()``: the main merchant without a public key; ``alias`` and settings may be given."""
    contexts = []

    async def make(alias: str = "main", **changes: Any) -> PaymentsAdapter:
        settings = dict(sandbox.describe()["platforms"]["payments"]["accounts"][alias])
        without = {"platform_key_id": "", "platform_public_key": "", "platform_certificates": []}
        runtime: Runtime = make_runtime(sandbox.kit.clock)
        context = TOOL.open(account_config(TOOL, {**settings, **without, **changes}), runtime)
        contexts.append(context)
        return await context.__aenter__()

    yield make
    for context in contexts:
        await context.__aexit__(None, None, None)


def fetches(sandbox: Sandbox) -> int:
    return sandbox.kit.journal.count("payments", CERTIFICATES)


async def test_certificates_are_fetched_once_and_again_twice_a_day(opened: Open, sandbox: Sandbox) -> None:
    adapter, number = await opened(), hero_order(sandbox).out_trade_no
    for _ in range(3):
        assert isinstance(await adapter.payment(number), Payment)
    assert fetches(sandbox) == 1
    sandbox.kit.clock.advance(timedelta(hours=12))
    await adapter.payment(number)
    assert fetches(sandbox) == 2


async def test_a_rotated_certificate_costs_one_repetition(opened: Open, sandbox: Sandbox) -> None:
    adapter, number = await opened(), hero_order(sandbox).out_trade_no
    await adapter.payment(number)
    sandbox.kit.clock.advance(timedelta(minutes=2))
    await act(sandbox, "rotate_certificate", mchid=MCHID)
    assert isinstance(await adapter.payment(number), Payment)
    assert fetches(sandbox) == 2
    assert sandbox.kit.journal.count("payments", f"GET /v3/pay/transactions/out-trade-no/{number}") == 3


async def test_a_write_meets_the_rotation_and_happens_once(opened: Open, sandbox: Sandbox) -> None:
    adapter = await opened()
    await adapter.ping()
    sandbox.kit.clock.advance(timedelta(minutes=2))
    await act(sandbox, "rotate_certificate", mchid=MCHID)
    await adapter.prepay(adapter.prepay_body(intent(sandbox)))
    assert [effect.key for effect in sandbox.kit.journal.of_kind("payments", "order")] == [NUMBER]


async def test_an_unknown_serial_is_not_asked_for_at_every_call(opened: Open, sandbox: Sandbox) -> None:
    """Two rotations within a minute: the answer stays unverified, and nobody hammers the platform."""
    adapter, number = await opened(), hero_order(sandbox).out_trade_no
    await adapter.payment(number)
    await act(sandbox, "rotate_certificate", mchid=MCHID)
    for _ in range(3):
        with pytest.raises(Exception, match="valid signature") as caught:
            await adapter.payment(number)
    assert caught.value.reason == "answer_unverified"  # type: ignore[attr-defined] # an UpstreamError
    assert fetches(sandbox) == 1


async def test_a_refresh_that_fails_costs_nothing_while_a_certificate_is_valid(opened: Open, sandbox: Sandbox) -> None:
    adapter, number = await opened(), hero_order(sandbox).out_trade_no
    await adapter.payment(number)
    sandbox.kit.clock.advance(timedelta(hours=13))
    sandbox.kit.faults.add("payments", "status", endpoint=CERTIFICATES, value=503)
    assert isinstance(await adapter.payment(number), Payment)
    other = await opened()
    with pytest.raises(Unavailable):
        await other.payment(number)


async def test_a_merchant_without_any_key_is_told_what_to_set(opened: Open, sandbox: Sandbox) -> None:
    adapter = await opened("xian")
    with pytest.raises(Unauthorized) as caught:
        await adapter.ping()
    assert caught.value.reason == "no_platform_key"
    assert {call.endpoint for call in sandbox.kit.journal.calls} == {CERTIFICATES}


async def test_a_wrong_apiv3_key_is_named(opened: Open) -> None:
    adapter = await opened(apiv3_key="0" * 32)
    with pytest.raises(Unauthorized) as caught:
        await adapter.ping()
    assert caught.value.reason == "apiv3_key_refused"


async def test_half_a_public_key_is_refused_at_open(opened: Open) -> None:
    with pytest.raises(ValueError, match="given together with platform_key_id"):
        await opened(platform_key_id="PUB_KEY_ID_0")


async def test_fields_are_sealed_for_a_certificate_too(opened: Open, sandbox: Sandbox) -> None:
    adapter = await opened()
    await adapter.add_receiver(receiver(sandbox))
    await act(sandbox, "rotate_certificate", mchid=MCHID)
    # The certificate before the rotation still reads what was encrypted for it; the answer brings the new one.
    sandbox.kit.clock.advance(timedelta(minutes=2))
    await adapter.send_transfer(transfer(sandbox, amount=2_000_00, user_name="林晓雯"))
    assert len(sandbox.kit.journal.of_kind("payments", "transfer")) == 1


async def test_a_refund_goes_to_the_payers_card(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    asked = refund_intent(sandbox)
    made = await adapter.refund(asked)
    await act(sandbox, "settle_refund", out_refund_no=asked.out_refund_no, status="ABNORMAL")
    card = BankCard(True, "ICBC_DEBIT", "6222020200000000000", "林晓雯")
    sent = await adapter.redirect_refund(made.refund_id, asked.out_refund_no, card)
    assert sent.state is RefundState.PROCESSING
    assert await adapter.redirect_refund(made.refund_id, asked.out_refund_no, card) == sent
    entry = sandbox.platforms["payments"].books[MCHID].refunds[asked.out_refund_no][1]  # type: ignore[attr-defined]
    assert (entry.redirected["bank_account"], entry.redirected["real_name"]) == (card.number, card.holder)
    assert card.number not in repr(card)


async def test_a_notification_under_an_unheard_certificate_fetches_it_once(opened: Open, sandbox: Sandbox) -> None:
    """A merchant in migration has the public key, and the settings name no certificate."""
    settings = sandbox.describe()["platforms"]["payments"]["accounts"]["main"]
    both = {name: settings[name] for name in ("platform_key_id", "platform_public_key")}
    adapter = await opened(**both)
    await act(sandbox, "sign_with", mchid=MCHID, kind="certificate")
    sandbox.kit.pusher.modes["payments"] = "hold"
    sandbox.kit.pusher.targets["payments", MCHID] = "http://127.0.0.1:9/"
    await adapter.prepay(adapter.prepay_body(intent(sandbox)))
    await act(sandbox, "pay", out_trade_no=NUMBER)
    push = sandbox.kit.pusher.deliveries[-1].build()
    headers = {name.lower(): value for name, value in push.headers.items()}
    request = WebhookRequest("POST", {}, headers, push.body)
    for _ in range(2):
        assert [event.kind for event in (await adapter.receive(request)).events] == ["TRANSACTION.SUCCESS"]
    for serial in ("0" * 40, "1" * 40):
        with pytest.raises(WebhookRefused):
            await adapter.receive(WebhookRequest("POST", {}, {**headers, "wechatpay-serial": serial}, push.body))
    assert fetches(sandbox) == 1


async def test_a_refund_that_was_too_fast_is_not_sent_again(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    """The platform wants to be asked first, though the number would make a repetition harmless."""
    endpoint = "POST /v3/refund/domestic/refunds"
    for kind, value in (("code", "FREQUENCY_LIMITED"), ("status", 429)):
        sandbox.kit.faults.clear()
        sandbox.kit.faults.add("payments", kind, endpoint=endpoint, value=value)  # type: ignore[arg-type]
        before = sandbox.kit.journal.count("payments", endpoint)
        with pytest.raises(OutcomeUnknown) as caught:
            await adapter.refund(refund_intent(sandbox))
        assert (caught.value.reason, caught.value.ask_first) == ("refund_outcome_unknown", True)
        assert sandbox.kit.journal.count("payments", endpoint) == before + 1


SEALED = (
    "lUmkhbPC7t0vXt45XNmyZ55rAWAirUd6+mxwt+Vp51OaCXBogIDQalqDHpSxm6NtVuDwyfTPO6Pv0hOXlaiLgoXSIS96QhFRhv1pe702LrMRcf1GuWu"
    "VgRlxDqqcvveXjJefBS4ZKc75zGQbG5pi99UUKF+xvPKyexw9ydMGQ1NPfWXWuM533n7pH82ned85pn94tHviO7ECQ7oTgTz+59jzvAwSKbqEMaS5hv"
    "ldhOLO49W8C0kVZemqUSXYAvkduqNQaQv/vo3L0rR4X7EYljDxcDcVF4ncbMH20Sz/QhdPUEmOpUtzNYNVZQyEW/fx8phPR73z/YT6M0TxcQNMxw=="
)


def test_the_published_sealed_name() -> None:
    """What the vector's key opens is what our own seal makes, under OAEP with SHA-1."""
    public = vectors.KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    config = PaymentsConfig(
        mchid=MCHID,
        apiv3_key=Secret("0" * 32),
        merchant_serial=vectors.SERIAL,
        merchant_private_key=Secret(vectors.KEY_PEM),
        platform_key_id="PUB_KEY_ID_0",
        platform_public_key=public,
    )
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303
    for sealed in (SEALED, PlatformKeys(config).seal("PUB_KEY_ID_0", "张三")):
        assert vectors.KEY.decrypt(base64.b64decode(sealed), oaep).decode() == "张三"
