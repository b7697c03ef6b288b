"""The gateway's saga log, as checkout uses it."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from typing import Any, cast

import msgspec
import uvloop

from benchmarks.transactions import shop
from gateway.database.clock import SystemClock
from gateway.database.ulid import Ulids
from gateway.events.projector import Batch, People, Projector
from gateway.jobs import Queue
from gateway.members.gate import Gate
from gateway.runtime import OpenTools
from gateway.transactions.idempotency import Claim, Idempotency
from gateway.transactions.log import Planned, SagaLog
from gateway.transactions.runner import Runner
from gateway.transactions.settlement import EXPIRY_ATTEMPTS, EXPIRY_JOB, LEASE
from gateway.transactions.states import SagaState
from gateway.transactions.steps import Delivery, Kind, Registry, StepContext, step


class Piece(msgspec.Struct, frozen=True):
    sku: str


class Numbered(msgspec.Struct, frozen=True):
    number: str


class Done(msgspec.Struct, frozen=True):
    value: str = ""


async def _undo(ctx: StepContext, intent: object, outcome: object) -> None:
    del ctx, intent, outcome


@step(name="reserve", kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_undo)
async def reserve(ctx: StepContext, intent: Piece) -> Done:
    await shop.reserve(ctx.batch.connection, intent.sku)
    return Done()


@step(name="place", kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_undo)
async def place(ctx: StepContext, intent: Numbered) -> Done:
    await shop.place(ctx.batch.connection, intent.number)
    return Done()


@step(name="prepay", tool="payments", kind=Kind.COMPENSATABLE, delivery=Delivery.KEYED, undo=_undo)
async def prepay(ctx: StepContext, intent: Numbered) -> Done:
    del ctx
    return Done(await shop.prepay(intent.number))


@step(name="capture", kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def capture(ctx: StepContext, intent: Numbered) -> Done:
    raise NotImplementedError


async def run(url: str, orders: int, at_once: int) -> None:
    clock = SystemClock()
    async with shop.opened(url) as database:
        projector = Projector(database, cast(People, None), clock, "")
        queue, log = Queue(database, clock), SagaLog(database, clock)
        steps = (reserve, place, prepay, capture)
        runner = Runner(log, Registry(steps), projector, queue, cast(OpenTools, None), cast(Gate, None))
        keys, ulids = Idempotency(database), Ulids(clock)

        async def buy(count: int) -> None:
            number, saga = f"MP{ulids.next()}", ulids.next()
            plan = (
                Planned(reserve, Piece(shop.SKUS[count % len(shop.SKUS)])),
                Planned(place, Numbered(number)),
                Planned(prepay, Numbered(number), key=number),
                Planned(capture, Numbered(number), key=number),
            )
            claim = Claim("bench", "checkout", f"key-{count}", number)
            assert await keys.earlier(claim, clock.now()) is None
            claim_id, now = ulids.next(), clock.now()
            values: dict[str, Any] = {"order": number, "claim": claim_id}
            async with projector.batch() as batch:
                assert await keys.claim(batch.connection, claim, claim_id, {"transaction": saga}, now)
                outcomes = await runner.open(batch, saga, plan)
                deadline = now + timedelta(minutes=30)
                await log.begin(
                    batch, saga, "checkout", plan, principal="bench", subject="", values=values,
                    deadline=deadline, outcomes=outcomes,
                )  # fmt: skip
                await queue.put(
                    batch.connection, EXPIRY_JOB, 1, {"saga": saga}, key=saga, run_at=now + LEASE,
                    max_attempts=EXPIRY_ATTEMPTS,
                )  # fmt: skip

            async def finish(batch: Batch) -> None:
                await keys.done(batch.connection, claim_id)
                await log.move(batch, saga, SagaState.AWAITING_PAYMENT)
                await queue.reschedule(batch.connection, EXPIRY_JOB, saga, deadline)

            assert await runner.forward(saga, finish, noted=True) is None

        await shop.measure(buy, orders, at_once)


if __name__ == "__main__":
    url, _system, orders, at_once = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(url, int(orders), int(at_once)))
