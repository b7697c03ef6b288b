"""What group sends come to, on both databases: settled guide by guide, and not waited for without end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from adapters.enterprise_chat import EnterpriseChatAdapter
from gateway.access.principal import Principal
from gateway.database.tables.contacts import contact_way, group_send
from gateway.database.tables.reach import send_attempt
from gateway.events.projections import enterprise_chat
from gateway.members.gate import Gate
from gateway.resolvers.contact_ways import Brought, brought
from gateway.resolvers.group_sends import Figures, figures
from gateway.transactions.actions import Performed
from gateway.transactions.effects import contact_ways, group_sends
from gateway.transactions.group_sends import GroupSends
from tests.databases import *  # noqa: F403
from tests.gateway.transactions.conftest import any_shop, opens, shop, sqlite_url
from tests.gateway.transactions.shop import Shop

__all__ = ["any_shop", "opens", "shop", "sqlite_url"]

HQ = Principal("hq", "hq", frozenset({"messages:send", "members:write"}))
TOOL = "enterprise_chat"


class Reading:
    """As much of a request's context as these loaders use."""

    def __init__(self, shop: Shop) -> None:
        self.database = shop.database


async def known(shop: Shop, *userids: str) -> None:
    """The contacts of these guides, as our rows have them."""
    chat = shop.tools.all(EnterpriseChatAdapter)[0]
    page = await chat.contacts_of(userids)
    await enterprise_chat.contacts(shop.projector.asking(), page.items)


async def asked(shop: Shop, userid: str, key: str) -> str:
    """A group send to all customers of a guide; our id of it."""
    wanted = group_sends.Wanted("到店有礼", (), "SERVICE", None, guide=(shop.corpid, userid))
    done = await shop.checkout.actions.perform(HQ, group_sends.CREATE, wanted, key)
    assert isinstance(done, Performed), done
    shop.pass_time(seconds=2)
    return str(done.outcome.id)


def settling(shop: Shop) -> GroupSends:
    """The job's work."""
    return GroupSends(shop.projector, shop.tools, shop.queue, Gate(shop.projector, shop.settings.reach))


async def counts(shop: Shop, send: str) -> Figures:
    """As the graph shows them."""
    reading: Any = Reading(shop)
    [found] = await figures(reading, [send])
    return found


async def states(shop: Shop) -> Sequence[str]:
    """Of all tasks, the oldest first."""
    return [row.state for row in await shop.database.fetch(select(group_send.c.state).order_by(group_send.c.asked_at))]


async def places(shop: Shop) -> int:
    """How many messages hold a place under the caps."""
    counted = select(func.count()).where(send_attempt.c.counted, send_attempt.c.channel == "ENTERPRISE_CHAT")
    return int((await shop.database.fetch(counted))[0][0])


async def test_one_guide_confirms_and_whom_it_did_not_reach_has_their_place_back(any_shop: Shop) -> None:
    shop = any_shop
    await known(shop, "maolin")
    send = await asked(shop, "maolin", "settling-1")
    before = await places(shop)
    platform: Any = shop.sandbox.platforms[TOOL]
    [task] = platform.sends.tasks.values()
    first, *_ = task.work["maolin"]
    now = shop.projector.clock.now() + timedelta(hours=8)
    platform.sends.received[(first.id, now.year, now.month)] = 31

    await settling(shop).settle()
    await shop.act(TOOL, "confirm_group_send", msgid=task.msgid, userid="maolin")
    shop.pass_time(hours=1)
    await settling(shop).settle()
    # A run beside another one, or after it, changes nothing.
    await settling(shop).settle()

    assert await counts(shop, send) == Figures({"SENT": before - 1, "CAPPED": 1}, 0, 1, 1)
    assert (await states(shop), await places(shop)) == (["CONFIRMED"], before - 1)
    [result] = await shop.facts("group_send.result")
    assert (result.quantity, result.payload["asked"], result.payload["capped"]) == (before - 1, before, 1)
    assert len(await shop.facts("message.delivered")) == before - 1


async def test_a_guide_who_never_confirms_is_not_waited_for_without_end(any_shop: Shop) -> None:
    shop = any_shop
    await known(shop, "maolin")
    send = await asked(shop, "maolin", "settling-2")
    before = await places(shop)
    await settling(shop).settle()
    shop.pass_time(days=10)
    await settling(shop).settle()
    calls = shop.calls(TOOL)
    # Ten days old: asked about again after ten hours, and not before.
    shop.pass_time(hours=9)
    await settling(shop).settle()
    assert (shop.calls(TOOL), await states(shop)) == (calls, ["ASKED"])

    shop.pass_time(days=21)
    await settling(shop).settle()

    assert await states(shop) == ["LAPSED"]
    # The guide may still send it.
    assert (await counts(shop, send)).deliveries == {"PENDING": before}
    assert await places(shop) == before
    calls = shop.calls(TOOL)
    await settling(shop).settle()
    assert shop.calls(TOOL) == calls


async def test_customers_in_no_guides_task_are_told(any_shop: Shop) -> None:
    """Our rows know a contact whom the platform does not: the guide has deleted them meanwhile."""
    shop = any_shop
    await known(shop, "maolin")
    world = shop.sandbox.world
    mine = [each.person for each in world.contacts if each.userid == "maolin" and not each.deleted_by]
    alone = next(key for key in mine if [each.person for each in world.contacts].count(key) == 1)
    await shop.act(TOOL, "delete_contact", userid="maolin", person=alone, by="GUIDE")
    send = await asked(shop, "maolin", "settling-3")
    found = (await counts(shop, send)).deliveries
    assert found["UNREACHABLE"] == 1
    assert await places(shop) == found["PENDING"]
    [failed] = await shop.facts("message.failed")
    assert failed.reason == "UNREACHABLE"


async def test_contacts_are_counted_by_the_state_of_their_way(any_shop: Shop) -> None:
    shop = any_shop
    behind = contact_ways.Behind(("maolin",))
    done = await shop.checkout.actions.perform(
        HQ, contact_ways.CREATE, contact_ways.Wanted("", behind, "双11"), "way-of-a-test"
    )
    assert isinstance(done, Performed), done
    scanned = await shop.act(TOOL, "scan", config_id=done.outcome.config_id, person="linxiaowen")
    found = await shop.tools.all(EnterpriseChatAdapter)[0].contact(scanned["external_userid"])
    await enterprise_chat.contacts(shop.projector.asking(), list(found))  # type: ignore[arg-type]
    reading: Any = Reading(shop)
    asked_for = [(shop.corpid, "双11"), (shop.corpid, "never")]
    assert await brought(reading, asked_for) == [Brought(1, 1), Brought(0, 0)]
    row = await shop.database.one(select(contact_way.c.userids).where(contact_way.c.state == "双11"))
    assert row is not None
    assert row.userids == ["maolin"]
