"""分账: receivers, sharings, what becomes of the parts, returns, and what is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.base.errors import Invalid, NotFound, OutcomeUnknown, Rejected
from adapters.payments import (
    PaymentsAdapter,
    Receiver,
    ReceiverKind,
    Relation,
    Share,
    ShareResult,
    ShareReturnState,
    Sharing,
)
from sandbox.server import Sandbox
from tests.adapters.payments.conftest import act
from tests.adapters.payments.products import FRANCHISE, arrived, receiver, share, share_return, shared_payment
from tests.adapters.payments.shopping import hero_order, intent

ORDERS = "POST /v3/profitsharing/orders"


async def test_a_part_is_accepted_then_arrives(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    transaction_id = await shared_payment(adapter, sandbox)
    await adapter.add_receiver(receiver(sandbox))
    made = await adapter.share(share(sandbox, transaction_id))
    assert (made.finished, [part.result for part in made.parts]) == (False, [ShareResult.PENDING])
    assert await adapter.share(share(sandbox, transaction_id)) == made
    assert await adapter.unshared_amount(transaction_id) == 81400
    await act(sandbox, "settle_sharing", out_order_no=made.out_order_no)
    done = await adapter.sharing(made.out_order_no, transaction_id)
    assert isinstance(done, Sharing)
    assert (done.finished, [(p.account, p.amount, p.result) for p in done.parts]) == (
        True,
        [(FRANCHISE, 500, ShareResult.SUCCESS)],
    )
    assert len(sandbox.kit.journal.of_kind("payments", "sharing")) == 1


async def test_a_part_for_a_stranger_is_closed_and_stays(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    transaction_id = await shared_payment(adapter, sandbox)
    made = await adapter.share(share(sandbox, transaction_id))
    assert [(p.result, p.fail_reason) for p in made.parts] == [(ShareResult.CLOSED, "NO_RELATION")]
    assert await adapter.unshared_amount(transaction_id) == 81900


async def test_only_what_was_declared_is_shared(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    plain = hero_order(sandbox).transaction_id
    with pytest.raises(Rejected) as caught:
        await adapter.share(share(sandbox, plain))
    assert caught.value.reason == "rule_broken"
    assert await adapter.unshared_amount(plain) == 0
    assert isinstance(await adapter.unshared_amount("4200000000"), NotFound)
    assert isinstance(await adapter.sharing("PS0", plain), NotFound)


async def test_a_minute_must_pass_and_no_more_than_thirty_days(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    await adapter.prepay(adapter.prepay_body(intent(sandbox, profit_sharing=True)))
    paid = await act(sandbox, "pay", out_trade_no="SR20261111000001")
    for pause in (timedelta(), timedelta(days=31)):
        sandbox.kit.clock.advance(pause)
        with pytest.raises(Rejected):
            await adapter.share(share(sandbox, paid["transaction_id"]))
    assert sandbox.kit.journal.of_kind("payments", "sharing") == []


async def test_no_more_than_there_is(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    transaction_id = await shared_payment(adapter, sandbox)
    await adapter.add_receiver(receiver(sandbox))
    with pytest.raises(Rejected) as too_much:
        await adapter.share(share(sandbox, transaction_id, amount=81901))
    with pytest.raises(Rejected) as above_the_cap:
        await adapter.share(share(sandbox, transaction_id, amount=24571))
    assert (too_much.value.reason, above_the_cap.value.reason) == ("not_enough", "rule_broken")
    await adapter.share(share(sandbox, transaction_id, amount=24570))


async def test_the_rest_is_unfrozen_once(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    transaction_id = await arrived(adapter, sandbox)
    first = await adapter.unfreeze(transaction_id, "UF1", "解冻")
    assert first == await adapter.unfreeze(transaction_id, "UF1", "解冻")
    assert [(p.account, p.amount) for p in first.parts] == [(adapter.account, 81400)]
    assert await adapter.unshared_amount(transaction_id) == 0
    with pytest.raises(Rejected) as caught:
        await adapter.share(share(sandbox, transaction_id, "PS2"))
    assert caught.value.reason == "not_enough"


async def test_a_part_comes_back(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    await arrived(adapter, sandbox)
    asked = await adapter.return_share(share_return())
    assert asked.state is ShareReturnState.PROCESSING
    assert await adapter.return_share(share_return()) == asked
    await act(sandbox, "settle_share_return", out_return_no="RT20261111000001")
    done = await adapter.share_return("RT20261111000001", "PS20261111000001")
    assert done == replace(asked, state=ShareReturnState.SUCCESS)
    with pytest.raises(Rejected) as caught:
        await adapter.return_share(share_return("RT2", 301))
    assert caught.value.reason == "not_enough"
    await adapter.return_share(share_return("RT3", 300))
    await act(sandbox, "settle_share_return", out_return_no="RT3", fail_reason="PAYER_ACCOUNT_ABNORMAL")
    failed = await adapter.share_return("RT3", "PS20261111000001")
    assert not isinstance(failed, NotFound)
    assert (failed.state, failed.fail_reason) == (ShareReturnState.FAILED, "PAYER_ACCOUNT_ABNORMAL")
    assert isinstance(await adapter.share_return("RT9", "PS20261111000001"), NotFound)


async def test_a_persons_name_is_sealed_and_compared(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    paid = hero_order(sandbox)
    her = Receiver(ReceiverKind.PERSON, paid.appid, paid.payer_openid, Relation.STAFF, "林晓雯")
    await adapter.add_receiver(her)
    await adapter.add_receiver(her)
    with pytest.raises(Invalid) as caught:
        await adapter.add_receiver(replace(her, name="林晓文"))
    assert caught.value.upstream_code == "PARAM_ERROR"
    transaction_id = await shared_payment(adapter, sandbox)
    part = Share(ReceiverKind.PERSON, paid.payer_openid, 100, "奖励", "林晓雯")
    made = await adapter.share(replace(share(sandbox, transaction_id), parts=(part,)))
    assert [p.result for p in made.parts] == [ShareResult.PENDING]
    await adapter.delete_receiver(paid.appid, ReceiverKind.PERSON, paid.payer_openid)
    await adapter.delete_receiver(paid.appid, ReceiverKind.PERSON, paid.payer_openid)
    kinds = [e.kind for e in sandbox.kit.journal.effects if e.kind.startswith("receiver")]
    assert kinds == ["receiver", "receiver_deleted"]


async def test_a_number_shares_once(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    transaction_id = await shared_payment(adapter, sandbox)
    await adapter.add_receiver(receiver(sandbox))
    sandbox.kit.faults.add("payments", "reset_after", endpoint=ORDERS)
    with pytest.raises(OutcomeUnknown):
        await adapter.share(share(sandbox, transaction_id))
    sandbox.kit.faults.clear()
    known = await adapter.sharing("PS20261111000001", transaction_id)
    assert known == await adapter.share(share(sandbox, transaction_id))
    with pytest.raises(Rejected):
        await adapter.share(share(sandbox, transaction_id, amount=501))
    assert len(sandbox.kit.journal.of_kind("payments", "sharing")) == 1


async def test_an_impossible_receiver_is_not_sent(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    for changes, reason in (
        ({"name": ""}, "invalid_name"),
        ({"relation": Relation.CUSTOM}, "invalid_custom"),
        ({"custom": "师徒"}, "invalid_custom"),
        ({"appid": "wx0"}, "invalid_appid"),
        ({"name": "长" * 72}, "invalid_name"),
    ):
        with pytest.raises(Invalid) as caught:
            await adapter.add_receiver(replace(receiver(sandbox), **changes))
        assert (changes, caught.value.reason) == (changes, reason)
    assert sandbox.kit.journal.calls == []
