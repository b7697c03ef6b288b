"""A state is one code's, on both databases, also of requests at once."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from gateway.database.engine import Database
from gateway.database.statements import insert_rows
from gateway.database.tables.contacts import join_way
from gateway.database.tables.sagas import saga
from gateway.database.ulid import Ulids
from gateway.events.projector import Projector
from gateway.members.graph import IdentityGraph
from gateway.transactions.effects.way_states import reserve
from gateway.transactions.states import SagaState
from gateway.transactions.steps import StepRefused
from tests.databases import ManualClock


def _projector(database: Database, clock: ManualClock) -> Projector:
    return Projector(database, IdentityGraph(database, clock), clock, "wxopen")


async def _reserve(projector: Projector, ulids: Ulids, state: SagaState) -> str:
    """What became of one request."""
    of = ulids.next()
    try:
        async with projector.batch() as batch:
            now = batch.now
            values = {"id": of, "kind": "joinWayCreate", "version": 1, "state": state, "created_at": now}
            await insert_rows(batch.connection, saga, [values | {"updated_at": now}])
            row = {
                "id": of, "saga": of, "corpid": "ww1", "config_id": None, "state": "s", "qr_code": "",
                "in_mini_program": False, "chat_ids": [], "remark": "", "room_name": "", "room_number": 1,
                "created_at": now,
            }  # fmt: skip
            await reserve(batch, join_way, row)
    except StepRefused as refusal:
        return refusal.code
    return "RESERVED"


async def test_one_of_many_has_it(database: Database, clock: ManualClock) -> None:
    projector, ulids = _projector(database, clock), Ulids(clock)
    answers = await asyncio.gather(*(_reserve(projector, ulids, SagaState.RUNNING) for _ in range(5)))
    assert sorted(answers) == ["RESERVED", *["STATE_TAKEN"] * 4]
    [row] = await database.fetch(select(func.count().label("number")).select_from(saga))
    assert row.number == 1


@pytest.mark.parametrize(
    ("state", "answer"), [(SagaState.COMPENSATED, "RESERVED"), (SagaState.COMPENSATING, "STATE_TAKEN")]
)
async def test_what_came_to_nothing_is_free(
    database: Database, clock: ManualClock, state: SagaState, answer: str
) -> None:
    projector, ulids = _projector(database, clock), Ulids(clock)
    assert await _reserve(projector, ulids, state) == "RESERVED"
    assert await _reserve(projector, ulids, SagaState.RUNNING) == answer
