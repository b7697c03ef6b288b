"""The suite that every tool passes: what the house promises of all of them, on their emulated platforms.

A tool joins by its entry in ``adapters/registry.py`` and its ``CASE`` (or ``CASES``) in
``tests/adapters/<tool>/contract.py``. A check that cannot apply is named in ``ToolSpec.exempt`` with the
reason: ``batches``, ``writes``, ``refused_token`` and ``webhooks`` for what a platform does not have, or
``<check>:<operation>`` for one operation, where check is ``refused_token``, ``html``, ``truncate`` or ``garbage``.
"""

from __future__ import annotations

import asyncio
import math
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Final
from urllib.parse import quote

import pytest

from adapters.base.deadline import deadline
from adapters.base.errors import Malformed, NotFound, OutcomeUnknown, Unauthorized, Unavailable, UpstreamError
from adapters.base.http import ATTEMPTS
from adapters.base.runtime import Token
from adapters.base.spec import Adapter, ReceivesWebhooks
from adapters.base.webhooks import WebhookRefused, WebhookRequest
from gateway.runtime import MemoryTokenStore
from sandbox.keys import KeyRing
from sandbox.server import Sandbox, running
from tests.adapters.contract_case import Batch, Operation
from tests.adapters.contract_subjects import SUBJECTS, Bench, StartBench, Subject, batches, debug_logs, operations
from tests.conftest import EVENING, MakeRuntime, account_config

#: Answers that nobody can read.
SPOILT: Final = ("html", "truncate", "garbage")
#: What ``ToolSpec.exempt`` may name.
EXEMPTIONS: Final = ("batches", "writes", "refused_token", "webhooks", *SPOILT)
SEED: Final = 20261111
_KEYS: Final = KeyRing()

Start = Callable[[], Awaitable[Bench]]
Promise = Callable[[Start, Operation], Awaitable[None]]

each_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=str)
each_batch = pytest.mark.parametrize(
    ("subject", "batch"), [pytest.param(subject, batch, id=name) for name, subject, batch in batches()]
)


def _operations() -> Iterator[Any]:
    """One operation of each subject and way of repeating is for every run of the tests; the others are long."""
    seen: set[tuple[str, str]] = set()
    for name, subject, operation in operations():
        kind = (str(subject), operation.repeat)
        yield pytest.param(subject, operation, id=name, marks=[pytest.mark.long] if kind in seen else [])
        seen.add(kind)


each_operation = pytest.mark.parametrize(("subject", "operation"), list(_operations()))


@pytest.fixture
async def bench(make_runtime: MakeRuntime) -> AsyncIterator[StartBench]:
    """``await bench(subject)`` serves the tool's platform anew; all are closed together, which takes a while."""
    contexts: list[AbstractAsyncContextManager[Sandbox]] = []

    async def start(subject: Subject) -> Bench:
        context = running([subject.tool], now=EVENING, keys=_KEYS)
        sandbox = await context.__aenter__()
        contexts.append(context)
        return Bench(subject, sandbox, make_runtime)

    yield start
    await asyncio.gather(*(context.__aexit__(None, None, None) for context in contexts))


@each_operation
async def test_operation(subject: Subject, operation: Operation, bench: StartBench, subtests: pytest.Subtests) -> None:
    """Every promise about one operation. Reads leave nothing behind, so they share a platform."""
    shared = await bench(subject)

    async def same() -> Bench:
        return shared.again()

    async def fresh() -> Bench:
        return await bench(subject)

    for promise in PROMISES[operation.repeat]:
        with subtests.test(promise=promise.__name__):
            await promise(same if promise in _READS else fresh, operation)


async def it_succeeds_and_leaves_its_effects(start: Start, operation: Operation) -> None:
    on = await start()

    async with on.adapter() as adapter:
        await operation.run(adapter, on.sandbox)

    assert on.calls(operation.endpoint) >= 1
    assert on.effects(operation) == operation.effects


async def it_is_unavailable_where_nothing_listens(start: Start, operation: Operation) -> None:
    """Nothing was sent, so that repeating is safe: Unavailable, for writes too."""
    on = await start()

    async with on.adapter(base_url=f"http://127.0.0.1:{_closed_port()}") as adapter:
        error = await _failure(operation.run(adapter, on.sandbox))

    assert type(error) is Unavailable
    assert on.calls(operation.endpoint) == 0
    assert on.effects(operation) == 0


async def a_read_that_breaks_off_is_repeated_then_unavailable(start: Start, operation: Operation) -> None:
    for kind in ("reset_before", "reset_after"):
        on = await start()
        with on.fault(kind, operation.endpoint):
            async with on.adapter() as adapter:
                error = await _failure(operation.run(adapter, on.sandbox))

        assert type(error) is Unavailable, kind
        assert on.calls(operation.endpoint) == ATTEMPTS, kind


async def a_read_that_breaks_off_once_succeeds(start: Start, operation: Operation) -> None:
    on = await start()

    with on.fault("reset_before", operation.endpoint, calls=(1,)):
        async with on.adapter() as adapter:
            await operation.run(adapter, on.sandbox)

    assert on.calls(operation.endpoint) >= 2


async def a_read_that_cannot_be_understood_is_malformed(start: Start, operation: Operation) -> None:
    for kind in SPOILT:
        on = await start()
        if _exempt(on.subject, kind, operation):
            continue
        with on.fault(kind, operation.endpoint):
            async with on.adapter(retries=False) as adapter:
                error = await _failure(operation.run(adapter, on.sandbox))

        assert type(error) in {Malformed, Unavailable}, kind
        assert on.calls(operation.endpoint) == 1, kind


async def a_read_that_is_late_is_unavailable(start: Start, operation: Operation) -> None:
    on = await start()

    with on.fault("latency", operation.endpoint, 2.0), deadline(0.3):
        async with on.adapter() as adapter:
            error = await _failure(operation.run(adapter, on.sandbox))

    assert type(error) is Unavailable


async def an_idempotent_write_that_breaks_off_once_has_its_effect_once(start: Start, operation: Operation) -> None:
    for kind in ("reset_before", "reset_after"):
        on = await start()
        with on.fault(kind, operation.endpoint, calls=(1,)):
            async with on.adapter() as adapter:
                await operation.run(adapter, on.sandbox)

        assert on.calls(operation.endpoint) == 2, kind
        assert on.effects(operation) == operation.effects, kind


async def a_write_that_breaks_off_has_an_unknown_outcome(start: Start, operation: Operation) -> None:
    """It may have been done, and nobody sends it again behind the caller's back."""
    for kind in ("reset_before", "reset_after"):
        on = await start()
        with on.fault(kind, operation.endpoint):
            async with on.adapter(retries=operation.repeat == "once") as adapter:
                error = await _failure(operation.run(adapter, on.sandbox))

        assert type(error) is OutcomeUnknown, kind
        assert on.calls(operation.endpoint) == 1, kind
        assert on.effects(operation) == (operation.effects if kind == "reset_after" else 0), kind


async def a_write_that_cannot_be_understood_has_an_unknown_outcome(start: Start, operation: Operation) -> None:
    for kind in SPOILT:
        on = await start()
        if _exempt(on.subject, kind, operation):
            continue
        with on.fault(kind, operation.endpoint):
            async with on.adapter(retries=operation.repeat == "once") as adapter:
                error = await _failure(operation.run(adapter, on.sandbox))

        assert type(error) is OutcomeUnknown, kind
        assert on.calls(operation.endpoint) == 1, kind
        assert on.effects(operation) == (0 if kind == "html" else operation.effects), kind


async def a_write_that_is_late_has_an_unknown_outcome(start: Start, operation: Operation) -> None:
    on = await start()

    async with on.adapter() as adapter:
        await adapter.ping()  # So that the time is spent on the call and not on a token.
        with on.fault("latency", operation.endpoint, 2.0), deadline(0.5):
            error = await _failure(operation.run(adapter, on.sandbox))

    assert type(error) is OutcomeUnknown


async def no_time_left_sends_nothing(start: Start, operation: Operation) -> None:
    on = await start()

    async with on.adapter() as adapter:
        with deadline(0.0):
            error = await _failure(operation.run(adapter, on.sandbox))

    assert type(error) is Unavailable
    assert on.calls() == 0
    assert on.effects(operation) == 0


async def a_refused_token_is_renewed_once(start: Start, operation: Operation) -> None:
    on = await start()
    refuse = on.subject.case.refused_token
    if refuse is None or _exempt(on.subject, "refused_token", operation):
        return

    async with on.adapter() as adapter:
        await operation.run(adapter, on.sandbox)
        plain = await _counted(on, operation, adapter)
        await refuse(on.sandbox)
        renewed = await _counted(on, operation, adapter)

    # The call that was refused, and the one that fetched the new token.
    assert sum(renewed) - sum(plain) == 2
    assert renewed[0] - plain[0] == 1


async def a_token_refused_for_ever_is_not_looped(start: Start, operation: Operation) -> None:
    on = await start()
    codes = [code for code, fault in on.subject.case.spec.faults.items() if fault.renew_token]
    assert bool(codes) == (on.subject.case.refused_token is not None)
    if not codes or _exempt(on.subject, "refused_token", operation):
        return

    with on.fault("code", operation.endpoint, codes[0]):
        async with on.adapter() as adapter:
            error = await _failure(operation.run(adapter, on.sandbox))

    assert type(error) is Unauthorized
    assert on.calls(operation.endpoint) == 2
    assert on.effects(operation) == 0


_ALL: Final = (
    it_succeeds_and_leaves_its_effects,
    it_is_unavailable_where_nothing_listens,
    no_time_left_sends_nothing,
    a_refused_token_is_renewed_once,
    a_token_refused_for_ever_is_not_looped,
)
_READS: Final = (
    a_read_that_breaks_off_is_repeated_then_unavailable,
    a_read_that_breaks_off_once_succeeds,
    a_read_that_cannot_be_understood_is_malformed,
    a_read_that_is_late_is_unavailable,
)
_WRITES: Final = (
    a_write_that_breaks_off_has_an_unknown_outcome,
    a_write_that_cannot_be_understood_has_an_unknown_outcome,
    a_write_that_is_late_has_an_unknown_outcome,
)
PROMISES: Final[dict[str, tuple[Promise, ...]]] = {
    "read": (*_ALL, *_READS),
    "idempotent": (*_ALL, *_WRITES, an_idempotent_write_that_breaks_off_once_has_its_effect_once),
    "once": (*_ALL, *_WRITES),
}


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
    for key, because in case.spec.exempt.items():
        check, _, name = key.partition(":")
        assert because.strip()
        assert check in EXEMPTIONS, f"{key!r} exempts from no check; the checks are {', '.join(EXEMPTIONS)}"
        assert not name or name in {one.name for one in every}, f"{key!r} names no operation of {subject.tool}"


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


class IssuedTokens(MemoryTokenStore):
    """Remembers every token that a platform gave."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[str] = []

    async def put(self, key: str, token: Token) -> None:
        self.values.append(token.value)
        await super().put(key, token)


@each_subject
async def test_secrets_do_not_show(subject: Subject, bench: StartBench) -> None:
    on = await bench(subject)
    secrets = [secret for secret in subject.case.secrets(on.settings) if secret]
    assert secrets, "a tool has at least one secret; list it in its CASE"
    config = account_config(subject.case.spec, on.settings)
    shown = [repr(config), str(config)]
    issued = IssuedTokens()

    with debug_logs() as lines:
        async with on.adapter(retries=False, token_store=issued) as adapter:
            shown += [repr(adapter), str(adapter)]
            for operation in subject.case.operations:
                for kind in ("latency", "html", "garbage", "reset_before"):
                    with on.fault(kind, "*"):
                        error = await _failure(operation.run(adapter, on.sandbox))
                    shown += [repr(error), str(error), str(vars(error) if error else "")]
    assert [line for line in lines if " -> 200" in line], "the seam must log its calls"
    shown += lines

    for secret in [*secrets, *issued.values]:
        for spelling in {secret, quote(secret, safe=""), repr(secret)[1:-1]}:
            assert not [text for text in shown if spelling in text]


@each_subject
async def test_a_forged_webhook_is_refused(subject: Subject, bench: StartBench, subtests: pytest.Subtests) -> None:
    on = await bench(subject)
    async with on.adapter() as adapter:
        if not isinstance(adapter, ReceivesWebhooks):
            return
        for method, body in (("POST", b"{}"), ("POST", b"<xml/>"), ("POST", b"\xff\x00"), ("GET", b""), ("PUT", b"")):
            with subtests.test(method=method, body=body):
                with pytest.raises(WebhookRefused) as caught:
                    await adapter.receive(WebhookRequest(method, {}, {}, body))
                assert 400 <= caught.value.status < 500
    assert on.sandbox.kit.journal.effects == []


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


async def _counted(on: Bench, operation: Operation, adapter: Any) -> tuple[int, int]:
    """Calls of the operation's endpoint, and others, during one run."""
    own, others = on.calls(operation.endpoint), on.calls()
    await operation.run(adapter, on.sandbox)
    made = on.calls(operation.endpoint) - own
    return made, on.calls() - others - made


def _comparable(items: list[object]) -> list[object]:
    """Errors compare by identity; what they say is compared instead."""
    return [(type(item), str(item)) if isinstance(item, UpstreamError) else item for item in items]


def _closed_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
