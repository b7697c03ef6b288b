"""商家转账: offered, confirmed, cancelled, forgotten; and what is asked before another number is taken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.base.errors import Invalid, NotFound, OutcomeUnknown, RateLimited, Rejected
from adapters.payments import CONFIRM_WITHIN, PaymentsAdapter, Transfer, TransferState
from sandbox.server import Sandbox
from tests.adapters.payments.conftest import act
from tests.adapters.payments.products import transfer

NUMBER = "TB20261111000001"
CREATE = "POST /v3/fund-app/mch-transfer/transfer-bills"


async def state_of(adapter: PaymentsAdapter, number: str = NUMBER) -> tuple[TransferState, str]:
    found = await adapter.transfer_status(number)
    assert isinstance(found, Transfer)
    return found.state, found.fail_reason


async def test_nothing_is_paid_before_the_user_confirms(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    offered = await adapter.send_transfer(transfer(sandbox))
    assert (offered.state, bool(offered.package)) == (TransferState.WAIT_USER_CONFIRM, True)
    assert offered.package not in repr(offered)
    assert await adapter.send_transfer(transfer(sandbox)) == offered
    await act(sandbox, "confirm_transfer", package=offered.package)
    assert await state_of(adapter) == (TransferState.TRANSFERRING, "")
    await act(sandbox, "settle_transfer", out_bill_no=NUMBER)
    assert await state_of(adapter) == (TransferState.SUCCESS, "")
    found = await adapter.transfer_by_id(offered.transfer_bill_no)
    assert found == await adapter.transfer_status(NUMBER)
    again = await adapter.send_transfer(transfer(sandbox))
    assert (again.state, again.package) == (TransferState.SUCCESS, "")
    assert [e.key for e in sandbox.kit.journal.of_kind("payments", "transfer")] == [NUMBER]


async def test_a_cancelled_offer_returns(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    await adapter.send_transfer(transfer(sandbox))
    assert await adapter.cancel_transfer(NUMBER) is TransferState.CANCELLING
    assert await adapter.cancel_transfer(NUMBER) is TransferState.CANCELLING
    with pytest.raises(ValueError, match="nothing to confirm"):
        await act(sandbox, "confirm_transfer", out_bill_no=NUMBER)
    await act(sandbox, "settle_transfer", out_bill_no=NUMBER)
    assert await state_of(adapter) == (TransferState.CANCELLED, "MCH_CANCEL")
    assert len(sandbox.kit.journal.of_kind("payments", "transfer_cancel")) == 1


async def test_what_is_confirmed_cannot_be_cancelled(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    await adapter.send_transfer(transfer(sandbox))
    await act(sandbox, "confirm_transfer", out_bill_no=NUMBER)
    with pytest.raises(Rejected) as caught:
        await adapter.cancel_transfer(NUMBER)
    assert caught.value.reason == "rule_broken"
    assert "before another number" in caught.value.message


async def test_an_offer_is_forgotten_after_a_day(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    await adapter.send_transfer(transfer(sandbox))
    sandbox.kit.clock.advance(CONFIRM_WITHIN)
    assert await state_of(adapter) == (TransferState.FAIL, "OVERDUE_CLOSE")
    sandbox.kit.clock.advance(timedelta(days=30))
    assert isinstance(await adapter.transfer_status(NUMBER), NotFound)


async def test_a_name_is_read_by_the_platform_alone(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    big = transfer(sandbox, amount=2_000_00, user_name="林晓雯")
    await adapter.send_transfer(big)
    await adapter.send_transfer(big)
    await act(sandbox, "confirm_transfer", out_bill_no=NUMBER)
    await act(sandbox, "settle_transfer", out_bill_no=NUMBER)
    assert await state_of(adapter) == (TransferState.SUCCESS, "")
    await adapter.send_transfer(replace(big, out_bill_no="TB2", user_name="林晓文"))
    await act(sandbox, "confirm_transfer", out_bill_no="TB2")
    await act(sandbox, "settle_transfer", out_bill_no="TB2")
    assert await state_of(adapter, "TB2") == (TransferState.FAIL, "NAME_NOT_CORRECT")


async def test_a_number_with_other_content_is_refused(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    await adapter.send_transfer(transfer(sandbox))
    with pytest.raises(Rejected) as caught:
        await adapter.send_transfer(transfer(sandbox, amount=189))
    assert (caught.value.reason, caught.value.upstream_code) == ("rule_broken", "INVALID_REQUEST")
    assert (await state_of(adapter))[0] is TransferState.WAIT_USER_CONFIRM


async def test_a_lost_answer_is_repeated_with_the_same_number(adapter: PaymentsAdapter, sandbox: Sandbox) -> None:
    sandbox.kit.faults.add("payments", "reset_after", endpoint=CREATE, calls=(1,))
    assert (await adapter.send_transfer(transfer(sandbox))).state is TransferState.WAIT_USER_CONFIRM
    sandbox.kit.faults.add("payments", "reset_after", endpoint=CREATE)
    with pytest.raises(OutcomeUnknown):
        await adapter.send_transfer(transfer(sandbox, "TB2"))
    assert (await state_of(adapter, "TB2"))[0] is TransferState.WAIT_USER_CONFIRM
    sandbox.kit.faults.clear()
    sandbox.kit.faults.add("payments", "code", endpoint=CREATE, value="FREQUENCY_LIMITED")
    with pytest.raises(RateLimited):
        await adapter.send_transfer(transfer(sandbox, "TB3"))
    assert isinstance(await adapter.transfer_status("TB3"), NotFound)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"out_bill_no": "TB-1"}, "invalid_out_bill_no"),
        ({"amount": 9}, "invalid_amount"),
        ({"remark": ""}, "invalid_remark"),
        ({"amount": 29, "user_name": "林晓雯"}, "invalid_user_name"),
        ({"amount": 2_000_00}, "invalid_user_name"),
        ({"report": {"活动名称": "双11"}}, "invalid_report"),
        ({"appid": "wx0"}, "invalid_appid"),
    ],
)
async def test_an_impossible_transfer_is_not_sent(
    adapter: PaymentsAdapter, sandbox: Sandbox, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await adapter.send_transfer(transfer(sandbox, **changes))
    assert caught.value.reason == reason
    assert sandbox.kit.journal.calls == []
