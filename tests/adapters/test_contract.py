"""The suite that every tool passes: what the house promises of all of them, on their emulated platforms.

A tool joins by its entry in ``adapters/registry.py`` and its ``CASE`` (or ``CASES``) in
``tests/adapters/<tool>/contract.py``. A check that cannot apply is named in ``ToolSpec.exempt`` with the
reason: ``batches``, ``writes``, ``refused_token`` and ``webhooks`` for what a platform does not have, or
``<check>:<operation>`` for one operation, where check is ``refused_token``, ``html``, ``truncate`` or ``garbage``.
"""

from __future__ import annotations

import math
import random
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from adapters.base.deadline import deadline
from adapters.base.errors import Malformed, NotFound, OutcomeUnknown, Unauthorized, Unavailable, UpstreamError
from adapters.base.http import ATTEMPTS
from adapters.base.spec import Adapter, ReceivesWebhooks
from adapters.base.webhooks import WebhookRefused, WebhookRequest
from tests.adapters.contract_case import Batch, Operation
from tests.adapters.contract_subjects import SUBJECTS, Bench, StartBench, Subject, batches, debug_logs, operations
from tests.conftest import MakeRuntime, StartSandbox, account_config

#: A platform cut off by each of these answers nothing that can be read.
SPOILT: Final = ("html", "truncate", "garbage")
#: What ``ToolSpec.exempt`` may name.
EXEMPTIONS: Final = ("batches", "writes", "refused_token", "webhooks", *SPOILT)
SEED: Final = 20261111

each_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=str)
each_batch = pytest.mark.parametrize(
    ("subject", "batch"), [pytest.param(subject, batch, id=name) for name, subject, batch in batches()]
)


def each_operation(*repeats: str) -> pytest.MarkDecorator:
    """One test per operation of these kinds."""
    found = [pytest.param(subject, operation, id=name) for name, subject, operation in operations(*repeats)]
    return pytest.mark.parametrize(("subject", "operation"), found)


@pytest.fixture
def bench(start_sandbox: StartSandbox, make_runtime: MakeRuntime) -> StartBench:
    """``await bench(subject)`` serves the tool's platform."""

    async def start(subject: Subject) -> Bench:
        return Bench(subject, await start_sandbox(subject.tool), make_runtime)

    return start


def _exempt(subject: Subject, check: str, operation: Operation | None = None) -> bool:
    exempt = subject.case.spec.exempt
    return check in exempt or (operation is not None and f"{check}:{operation.name}" in exempt)


async def _failure(work: Awaitable[object]) -> UpstreamError | None:
    """The error that ``work`` ends with; None when it succeeds."""
    try:
        await work
    except UpstreamError as error:
        return error
    return None


@each_subject
async def test_opens_pings_and_closes(subject: Subject, bench: StartBench) -> None:
    on = await bench(subject)

    async with on.adapter() as adapter:
        await adapter.ping()

        assert isinstance(adapter, Adapter)
        assert isinstance(adapter, subject.case.spec.adapter)
        known = {str(value) for value in on.settings.values()}
        assert adapter.account in known, "account must be the platform's own id, from the settings"
    assert on.calls() >= 1, "ping must reach the platform"


@each_operation()
async def test_succeeds_and_leaves_its_effects(subject: Subject, operation: Operation, bench: StartBench) -> None:
    on = await bench(subject)

    async with on.adapter() as adapter:
        await operation.run(adapter, on.sandbox)

    assert on.calls(operation.endpoint) >= 1
    assert on.effects(operation) == operation.effects


@each_operation()
async def test_nothing_listens(subject: Subject, operation: Operation, bench: StartBench) -> None:
    """Nothing was sent, so that repeating is safe: Unavailable, for writes too."""
    on = await bench(subject)

    async with on.adapter(base_url=f"http://127.0.0.1:{_closed_port()}") as adapter:
        error = await _failure(operation.run(adapter, on.sandbox))

    assert type(error) is Unavailable
    assert on.calls(operation.endpoint) == 0
    assert on.effects(operation) == 0


@each_operation("read")
async def test_a_read_that_breaks_off(
    subject: Subject, operation: Operation, bench: StartBench, subtests: pytest.Subtests
) -> None:
    """Cut before or after the platform handled it: repeated by the seam, then Unavailable."""
    on = await bench(subject)
    for kind in ("reset_before", "reset_after"):
        with subtests.test(fault=kind), on.fault(kind, operation.endpoint):
            before = on.calls(operation.endpoint)
            async with on.adapter() as adapter:
                error = await _failure(operation.run(adapter, on.sandbox))

            assert type(error) is Unavailable
            assert on.calls(operation.endpoint) - before == ATTEMPTS

        with subtests.test(fault=f"{kind}, once"), on.fault(kind, operation.endpoint, calls=(1,)):
            async with on.adapter() as adapter:
                await operation.run(adapter, on.sandbox)


@each_operation("read")
async def test_a_read_that_cannot_be_understood(
    subject: Subject, operation: Operation, bench: StartBench, subtests: pytest.Subtests
) -> None:
    on = await bench(subject)
    for kind in SPOILT:
        if _exempt(subject, kind, operation):
            continue
        with subtests.test(fault=kind), on.fault(kind, operation.endpoint):
            async with on.adapter(retries=False) as adapter:
                error = await _failure(operation.run(adapter, on.sandbox))

            assert type(error) in {Malformed, Unavailable}


@each_operation("read")
async def test_a_read_that_is_late(subject: Subject, operation: Operation, bench: StartBench) -> None:
    on = await bench(subject)

    with on.fault("latency", operation.endpoint, 2.0), deadline(0.3):
        async with on.adapter() as adapter:
            error = await _failure(operation.run(adapter, on.sandbox))

    assert type(error) is Unavailable


@each_operation("idempotent")
@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
async def test_an_idempotent_write_is_repeated(
    subject: Subject, operation: Operation, kind: str, bench: StartBench
) -> None:
    """Cut once: the seam sends it again with the same key, and the effect is there once."""
    on = await bench(subject)

    with on.fault(kind, operation.endpoint, calls=(1,)):
        async with on.adapter() as adapter:
            await operation.run(adapter, on.sandbox)

    assert on.calls(operation.endpoint) == 2
    assert on.effects(operation) == operation.effects


@each_operation("idempotent", "once")
@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
async def test_a_write_that_breaks_off(subject: Subject, operation: Operation, kind: str, bench: StartBench) -> None:
    """It may have been done: OutcomeUnknown, and nobody sends it again behind the caller's back."""
    on = await bench(subject)

    with on.fault(kind, operation.endpoint):
        async with on.adapter(retries=operation.repeat == "once") as adapter:
            error = await _failure(operation.run(adapter, on.sandbox))

    assert type(error) is OutcomeUnknown
    assert on.calls(operation.endpoint) == 1
    assert on.effects(operation) == (operation.effects if kind == "reset_after" else 0)


@each_operation("idempotent", "once")
@pytest.mark.parametrize("kind", SPOILT)
async def test_a_write_that_cannot_be_understood(
    subject: Subject, operation: Operation, kind: str, bench: StartBench
) -> None:
    if _exempt(subject, kind, operation):
        return
    on = await bench(subject)

    with on.fault(kind, operation.endpoint):
        async with on.adapter(retries=operation.repeat == "once") as adapter:
            error = await _failure(operation.run(adapter, on.sandbox))

    assert type(error) is OutcomeUnknown
    assert on.calls(operation.endpoint) == 1
    assert on.effects(operation) == (0 if kind == "html" else operation.effects)


@each_operation("idempotent", "once")
async def test_a_write_that_is_late(subject: Subject, operation: Operation, bench: StartBench) -> None:
    on = await bench(subject)

    async with on.adapter() as adapter:
        await adapter.ping()  # So that the time is spent on the call and not on a token.
        with on.fault("latency", operation.endpoint, 2.0), deadline(0.5):
            error = await _failure(operation.run(adapter, on.sandbox))

    assert type(error) is OutcomeUnknown


@each_operation("idempotent", "once")
async def test_a_deadline_that_has_passed_sends_nothing(
    subject: Subject, operation: Operation, bench: StartBench
) -> None:
    on = await bench(subject)

    async with on.adapter() as adapter:
        await adapter.ping()
        with deadline(0.0):
            error = await _failure(operation.run(adapter, on.sandbox))

    assert type(error) is Unavailable
    assert on.calls(operation.endpoint) == 0
    assert on.effects(operation) == 0


@each_subject
def test_what_a_tool_lacks_it_says(subject: Subject) -> None:
    """Nothing is left out in silence."""
    case = subject.case
    family = [other.case for other in SUBJECTS if other.tool == subject.tool]
    every = [operation for other in family for operation in other.operations]
    lacking = {
        "batches": not any(other.batches for other in family),
        "writes": all(operation.repeat == "read" for operation in every),
        "refused_token": case.refused_token is None,
        "webhooks": not hasattr(case.spec.adapter, "receive"),
    }
    for check, lacks in lacking.items():
        assert lacks == _exempt(subject, check), (
            f"{subject.tool} has nothing for the check {check!r}: add it to the CASE, or say why in"
            f" TOOL.exempt[{check!r}] of adapters/{subject.tool}/__init__.py"
            if lacks
            else f"{subject.tool} is exempt from {check!r} and has it all the same: take the exemption out"
        )
    names = {operation.name for operation in every}
    for key, because in case.spec.exempt.items():
        check, _, name = key.partition(":")
        assert because.strip()
        assert check in EXEMPTIONS, f"{key!r} exempts from no check; the checks are {', '.join(EXEMPTIONS)}"
        assert not name or name in names, f"{key!r} names no operation of {subject.tool}"


@each_operation()
async def test_a_refused_token_is_renewed_once(subject: Subject, operation: Operation, bench: StartBench) -> None:
    refuse = subject.case.refused_token
    if refuse is None or _exempt(subject, "refused_token", operation):
        return
    on = await bench(subject)

    async with on.adapter() as adapter:
        await operation.run(adapter, on.sandbox)
        plain = await _counted(on, operation, adapter)
        await refuse(on.sandbox)
        renewed = await _counted(on, operation, adapter)

    # The call that was refused, and the one that fetched the new token.
    assert sum(renewed) - sum(plain) == 2
    assert renewed[0] - plain[0] == 1


@each_operation()
async def test_a_token_refused_for_ever_is_not_looped(
    subject: Subject, operation: Operation, bench: StartBench
) -> None:
    codes = [code for code, fault in subject.case.spec.faults.items() if fault.renew_token]
    assert bool(codes) == (subject.case.refused_token is not None)
    if not codes or _exempt(subject, "refused_token", operation):
        return
    on = await bench(subject)

    with on.fault("code", operation.endpoint, codes[0]):
        async with on.adapter() as adapter:
            error = await _failure(operation.run(adapter, on.sandbox))

    assert type(error) is Unauthorized
    assert on.calls(operation.endpoint) == 2
    assert on.effects(operation) == 0


async def _counted(on: Bench, operation: Operation, adapter: Any) -> tuple[int, int]:
    """Calls of the operation's endpoint, and others, during one run."""
    own, others = on.calls(operation.endpoint), on.calls()
    await operation.run(adapter, on.sandbox)
    made = on.calls(operation.endpoint) - own
    return made, on.calls() - others - made


@each_batch
async def test_a_batch_keeps_order_and_length(subject: Subject, batch: Batch, bench: StartBench) -> None:
    on = await bench(subject)
    known = list(dict.fromkeys(batch.known(on.sandbox)))
    random.Random(SEED).shuffle(known)
    known = known[:5]
    asked = [known[0], batch.missing, *known[1:], known[0]]

    async with on.adapter() as adapter:
        alone = [(await batch.run(adapter, [one]))[0] for one in asked]
        together = list(await batch.run(adapter, asked))
        backwards = list(await batch.run(adapter, asked[::-1]))
        nothing = list(await batch.run(adapter, []))

    assert [isinstance(item, NotFound) for item in together] == [one == batch.missing for one in asked]
    assert _comparable(together) == _comparable(alone)
    assert _comparable(backwards) == _comparable(together[::-1])
    assert nothing == []


def _comparable(items: list[object]) -> list[object]:
    """Errors compare by identity; what they say is compared instead."""
    return [(type(item), str(item)) if isinstance(item, UpstreamError) else item for item in items]


@each_batch
@pytest.mark.parametrize("wanted", [0, 1, 10, 50])
async def test_a_batch_makes_no_more_calls_than_it_must(
    subject: Subject, batch: Batch, wanted: int, bench: StartBench, record_property: Callable[[str, object], None]
) -> None:
    on = await bench(subject)
    known = list(dict.fromkeys(batch.known(on.sandbox)))[:wanted]
    record_property("n", len(known))  # The world may know fewer than wanted.

    async with on.adapter() as adapter:
        await batch.run(adapter, known)

    expected = math.ceil(len(known) / batch.limit) if batch.limit else len(known)
    assert on.calls(batch.endpoint) == expected, f"{len(known)} ids"


@each_subject
async def test_secrets_do_not_show(subject: Subject, bench: StartBench) -> None:
    on = await bench(subject)
    secrets = [secret for secret in subject.case.secrets(on.settings) if secret]
    assert secrets, "a tool has at least one secret; list it in its CASE"
    shown: list[str] = []

    with debug_logs() as lines:
        async with on.adapter(retries=False) as adapter:
            config = account_config(subject.case.spec, on.settings)
            shown += [repr(config), str(config), repr(adapter), str(adapter)]
            for operation in subject.case.operations:
                for kind in ("latency", "html", "garbage", "reset_before"):
                    with on.fault(kind, "*"):
                        error = await _failure(operation.run(adapter, on.sandbox))
                    shown += [repr(error), str(error), str(vars(error) if error else "")]
    assert any("HTTP" in line or "->" in line for line in lines), "the seam must log its calls"
    shown += lines

    for secret in secrets:
        assert not [text for text in shown if secret in text]


@each_subject
async def test_a_forged_webhook_is_refused(subject: Subject, bench: StartBench, subtests: pytest.Subtests) -> None:
    on = await bench(subject)
    async with on.adapter() as adapter:
        if not isinstance(adapter, ReceivesWebhooks):
            return
        for method, body in (("POST", b"{}"), ("POST", b"<xml/>"), ("POST", b"\xff\x00"), ("GET", b""), ("PUT", b"")):
            with subtests.test(method=method, body=body), pytest.raises(WebhookRefused) as caught:
                await adapter.receive(WebhookRequest(method, {}, {}, body))
            assert 400 <= caught.value.status < 500
    assert on.sandbox.kit.journal.effects == []


def _closed_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
