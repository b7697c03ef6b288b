"""Deliveries: repeated by the platform's schedule, and lost, doubled, held and reordered on command."""

from __future__ import annotations

import asyncio

import pytest

from adapters.payments.sandbox.notifications import SCHEDULE
from sandbox.http1 import Answer
from sandbox.pusher import Delivery, Push, Pusher
from tests.conftest import StartSandbox
from tests.sandbox.conftest import Receiver, Serve


def _pusher() -> tuple[Pusher, list[float]]:
    """A pusher that notes its pauses and takes none."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    return Pusher(sleep), pauses


def _accept(answer: Answer) -> bool:
    return answer.status == 200


def _push(pusher: Pusher, url: str, body: bytes = b"event", *, retry_after: tuple[float, ...] = ()) -> Delivery:
    return pusher.push(
        "till", "main", "paid", lambda: Push("POST", url, {}, body), accept=_accept, retry_after=retry_after
    )


async def test_a_delivery_ends_with_the_first_answer_that_counts(serve: Serve) -> None:
    receiver = Receiver((500, 403, 200))
    (pusher, pauses), url = _pusher(), await serve(receiver)

    delivery = _push(pusher, url, retry_after=(15.0, 15.0, 30.0, 180.0))
    await pusher.settle()

    assert (delivery.attempts, delivery.state) == ([500, 403, 200], "done")
    assert receiver.bodies == [b"event"] * 3
    assert pauses == [0.0, 15.0, 15.0]


async def test_a_delivery_that_nobody_takes_fails_after_the_last_pause(serve: Serve) -> None:
    (pusher, pauses), url = _pusher(), await serve(Receiver((500,)))
    pusher.pace = 0.5

    delivery = _push(pusher, url, retry_after=(10.0, 60.0))
    await pusher.settle()

    assert (delivery.attempts, delivery.state) == ([500, 500, 500], "failed")
    assert pauses == [0.0, 5.0, 30.0]


async def test_a_receiver_that_is_not_there_counts_as_an_attempt(serve: Serve) -> None:
    pusher, _ = _pusher()
    delivery = _push(pusher, "http://127.0.0.1:9/hooks", retry_after=(1.0,))
    await pusher.settle()
    assert (delivery.attempts, delivery.state) == ([0, 0], "failed")


async def test_each_attempt_is_built_anew(serve: Serve) -> None:
    receiver = Receiver((500, 200))
    (pusher, _), url = _pusher(), await serve(receiver)
    numbers = iter(range(10))
    pusher.push(
        "till",
        "main",
        "paid",
        lambda: Push("POST", url, {}, str(next(numbers)).encode()),
        accept=_accept,
        retry_after=(1.0,),
    )
    await pusher.settle()
    assert receiver.bodies == [b"0", b"1"]


async def test_lost(serve: Serve) -> None:
    receiver = Receiver()
    (pusher, _), url = _pusher(), await serve(receiver)
    pusher.modes["till"] = "lose"

    delivery = _push(pusher, url, retry_after=(1.0,))
    await pusher.settle()

    assert (delivery.state, delivery.attempts, receiver.bodies) == ("lost", [], [])
    pusher.modes["till"] = "normal"
    assert _push(pusher, url) is not delivery
    await pusher.settle()
    assert receiver.bodies == [b"event"]


async def test_doubled_deliveries_overlap(serve: Serve) -> None:
    receiver = Receiver()
    (pusher, _), url = _pusher(), await serve(receiver)
    pusher.modes["till"] = "double"
    receiver.gate.clear()

    delivery = _push(pusher, url)
    await asyncio.sleep(0.05)
    assert delivery.attempts == []
    receiver.gate.set()
    await pusher.settle()

    assert (delivery.state, delivery.attempts) == ("done", [200, 200])
    assert receiver.bodies == [b"event", b"event"]


@pytest.mark.parametrize(("newest_first", "order"), [(False, [b"1", b"2", b"3"]), (True, [b"3", b"2", b"1"])])
async def test_held_and_released(serve: Serve, newest_first: bool, order: list[bytes]) -> None:
    receiver = Receiver()
    (pusher, _), url = _pusher(), await serve(receiver)
    pusher.modes["till"] = "hold"
    held = [_push(pusher, url, body) for body in (b"1", b"2", b"3")]
    await pusher.settle()
    assert [each.state for each in held] == ["held"] * 3
    assert receiver.bodies == []

    assert pusher.release("another") == 0
    assert pusher.release("till", newest_first=newest_first) == 3
    await pusher.settle()

    assert receiver.bodies == order
    assert [each.state for each in held] == ["done"] * 3
    assert pusher.release("till") == 0


async def test_the_end_gives_up_what_is_under_way(serve: Serve) -> None:
    receiver = Receiver()
    pusher, url = Pusher(), await serve(receiver)
    delivery = _push(pusher, url.replace(url.rsplit(":", 1)[1], "9"), retry_after=(3600.0,))
    while not delivery.attempts:  # noqa: ASYNC110 - the pusher tells nobody.
        await asyncio.sleep(0.005)
    await pusher.close()
    assert (delivery.attempts, delivery.state, receiver.bodies) == ([0], "sending", [])


async def test_platforms_repeat_by_their_own_schedules(start_sandbox: StartSandbox, serve: Serve) -> None:
    """微信支付 fifteen times within a day, 微信小店 nine, 公众号 twice, 企业微信 three times, 腾讯广告 never."""
    receiver = Receiver((500,))
    url = await serve(receiver)
    names = ("official_account", "mini_program_store", "social_ads", "enterprise_chat")
    sandbox = await start_sandbox(*names)
    world, pusher = sandbox.world, sandbox.kit.pusher
    pusher.pace = 0.0
    accounts = {
        "official_account": world.official_accounts[0].appid,
        "mini_program_store": world.wechat_store.appid,
        "social_ads": str(world.ad_account),
        "enterprise_chat": world.corp.corpid,
    }
    for platform, account in accounts.items():
        pusher.targets[platform, account] = f"{url}/hooks/{platform}"

    actions = {name: sandbox.platforms[name].actions() for name in names}
    await actions["official_account"]["follow"]({"appid": accounts["official_account"], "person": "guoran"})
    await actions["mini_program_store"]["order_new"]({"person": "guoran", "sku": "CX-CAP-1均码"})
    await actions["social_ads"]["click"]({"person": "guoran", "adgroup_id": 13397328752})
    await actions["enterprise_chat"]["add_contact"]({"userid": "sunyue", "person": "guoran"})
    await pusher.settle()

    assert {each.platform: each.attempts for each in pusher.deliveries} == {
        "official_account": [500] * 3,
        "mini_program_store": [500] * 10,
        "social_ads": [500],
        "enterprise_chat": [500] * 4,
    }
    assert {each.state for each in pusher.deliveries} == {"failed"}
    assert len(SCHEDULE) == 15
    assert sum(SCHEDULE) == 24 * 3600 + 4 * 60
