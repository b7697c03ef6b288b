"""miniProgramCodeCreate: one picture per code, in the bucket and in the ledger, and handed out by a link."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from adapters.base.errors import NotFound
from adapters.cloud_storage import CloudStorageAdapter
from gateway.access.principal import Principal
from gateway.database.tables.files import file_ledger, mini_program_code
from gateway.members.gate import Gate
from gateway.transactions.effects.files import DELETE, Unwanted
from gateway.transactions.effects.mini_program_codes import CREATE, Made, Make, Wanted
from gateway.transactions.steps import StepContext
from sandbox.faults import FaultKind
from tests.databases import *  # noqa: F403
from tests.gateway.actions.trading import TOOL, begun, code, do, part, rolled_back, store
from tests.gateway.transactions.conftest import OpenShop, opens, sqlite_url
from tests.gateway.transactions.shop import Shop, hurried

__all__ = ["opens", "sqlite_url"]

DRAW = "POST /wxa/getwxacodeunlimit"
STAFF = Principal("hq", "hq", frozenset({"members:write"}))


@pytest.fixture
async def shop(opens: OpenShop, database_url: str) -> Shop:
    return await opens(database_url, more=("cloud_storage",))


def wanted(**changes: Any) -> Wanted:
    given: dict[str, Any] = {
        "scene": "store=88", "page": "pages/index", "width": 430, "transparent": False, "published": True,
        "account": None,
    }  # fmt: skip
    return Wanted(**given | changes)


def bucket(shop: Shop) -> CloudStorageAdapter:
    return shop.tools.named(CloudStorageAdapter, "assets")


def drawn(shop: Shop) -> int:
    return shop.sandbox.kit.journal.count(TOOL, DRAW)


def put(shop: Shop) -> int:
    return shop.effects("cloud_storage", "object_put")


async def rows(shop: Shop, state: str = "COMMITTED") -> list[Any]:
    """Of the ledger, with what each shows."""
    statement = select(file_ledger, mini_program_code).join(
        mini_program_code, mini_program_code.c.file == file_ledger.c.id
    )
    return list(await shop.database.fetch(statement.where(file_ledger.c.state == state)))


async def there(shop: Shop, key: str) -> bool:
    [found] = await bucket(shop).heads([key])
    return not isinstance(found, NotFound)


async def test_a_code_is_one_picture(shop: Shop) -> None:
    first = await do(shop, CREATE, wanted(), "code-key-1")
    assert isinstance(first, Made)
    [row] = await rows(shop)
    assert (row.id, row.member, row.content_type, row.purpose) == (first.file, None, "image/png", "MINI_PROGRAM_CODE")
    assert len(await bucket(shop).get(row.key)) == row.size > 0
    # The same, under the same key and under another one: no platform is asked.
    for key in ("code-key-1", "code-key-2"):
        assert await do(shop, CREATE, wanted(), key) == first
    assert drawn(shop) == 1
    other = await do(shop, CREATE, wanted(transparent=True), "code-key-3")
    assert other != first
    assert {each.file: each.transparent for each in await rows(shop)} == {first.file: False, other.file: True}


async def test_two_at_once_are_one_file(shop: Shop) -> None:
    named = wanted(account=shop.sandbox.world.mini_programs[0].appid)
    first, second = await asyncio.gather(
        do(shop, CREATE, wanted(), "code-key-1"), do(shop, CREATE, named, "code-key-2")
    )
    [row] = await rows(shop)
    assert first == second == Made(row.id)


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate", "hang"])
@pytest.mark.parametrize(("tool", "endpoint"), [(TOOL, DRAW), ("cloud_storage", "PUT *")])
async def test_a_lost_answer_leaves_one_file(shop: Shop, fault: FaultKind, tool: str, endpoint: str) -> None:
    shop.sandbox.kit.faults.add(tool, fault, endpoint=endpoint, calls=(1,))
    with hurried():
        await do(shop, CREATE, wanted())
    shop.pass_time(minutes=2)
    await shop.worker.drain()
    done = await do(shop, CREATE, wanted())
    [row] = await rows(shop)
    assert (done, await there(shop, row.key)) == (Made(row.id), True)


async def test_what_was_deleted_is_made_anew_under_another_name(shop: Shop) -> None:
    first = await do(shop, CREATE, wanted(), "code-key-1")
    [row] = await rows(shop)
    await shop.checkout.actions.perform(STAFF, DELETE, Unwanted(first.file), "delete-key-1")
    assert (await rows(shop), await there(shop, row.key)) == ([], False)
    second = await do(shop, CREATE, wanted(), "code-key-2")
    assert second != first
    [again] = await rows(shop)
    assert again.key != row.key
    assert await there(shop, again.key)


@pytest.mark.parametrize("own", [True, False])
async def test_it_is_undone_by_who_made_it(shop: Shop, own: bool) -> None:
    done = await do(shop, CREATE, wanted())
    [row] = await rows(shop)
    gate, now = Gate(shop.projector, shop.settings.reach), shop.projector.clock.now()
    ctx = StepContext(
        row.saga if own else "another", None, shop.projector, now, gate, open_tools=shop.tools
    )  # fmt: skip
    intent = Make(row.appid, wanted(), row.code, row.id, row.bucket, "hq")
    assert CREATE.step.undo is not None
    for outcome in (None, done):
        await CREATE.step.undo(ctx, intent, outcome)
        assert await there(shop, row.key) is (outcome is None or not own)


async def test_what_another_was_given_too_stays(shop: Shop) -> None:
    opened = await begun(shop)
    made = await part(opened, "code", CREATE, wanted())
    assert await do(shop, CREATE, wanted(), "code-of-another") == made
    assert await rolled_back(opened) == "TRANSACTION_ROLLED_BACK"
    [row] = await rows(shop)
    assert (row.id, await there(shop, row.key)) == (made.file, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"scene": ""},
        {"scene": "x" * 33},
        {"scene": "中"},
        {"page": "/pages/index"},
        {"page": "pages/index?a=1"},
        {"page": "x" * 129},
        {"width": 279},
        {"width": 1281},
    ],
)
async def test_what_cannot_be_drawn_is_not_asked_for(shop: Shop, changes: dict[str, Any]) -> None:
    assert code(await do(shop, CREATE, wanted(**changes))) == "BAD_USER_INPUT"
    assert drawn(shop) == 0


async def test_a_page_that_is_not_published(shop: Shop) -> None:
    refused = await do(shop, CREATE, wanted(page="pages/none"))
    assert (code(refused), refused.details["reason"]) == ("INVALID", "page_path")
    assert isinstance(await do(shop, CREATE, wanted(page="pages/none", published=False), "code-key-2"), Made)
    assert code(await do(shop, CREATE, wanted(account=store(shop).account), "code-key-3")) == "BAD_USER_INPUT"


async def test_without_object_storage_there_is_no_place_for_it(opens: OpenShop, database_url: str) -> None:
    shop = await opens(database_url)
    assert code(await do(shop, CREATE, wanted())) == "TOOL_NOT_CONFIGURED"
    assert drawn(shop) == 0
