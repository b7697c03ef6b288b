"""What the wire does when it misbehaves, for this tool's own oddities; the rest is the contract suite's."""

from __future__ import annotations

import logging
import traceback

import pytest

from adapters.base.deadline import deadline
from adapters.base.errors import (
    Malformed,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from adapters.base.transport import Response
from adapters.mini_program_store import TOOL, MiniProgramStoreAdapter
from adapters.mini_program_store.client.orders import ORDER_GET
from adapters.mini_program_store.errors import FAULTS
from adapters.wechat.envelope import Envelope, decode
from sandbox.server import Sandbox
from tests.adapters.mini_program_store.conftest import NAME, Act
from tests.conftest import OpenTool

TOKEN = "POST /cgi-bin/stable_token"
LOGIN = "GET /sns/jscode2session"


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
async def test_a_login_cut_off_is_unknown_and_never_repeated(
    flagship: MiniProgramStoreAdapter, platform: Sandbox, act: Act, kind: str
) -> None:
    code = (await act("login_code", appid=flagship.account, person="protagonist"))["code"]
    platform.kit.faults.add(NAME, kind, endpoint=LOGIN)  # type: ignore[arg-type]
    with pytest.raises(OutcomeUnknown):
        await flagship.login(code)
    assert platform.kit.journal.count(NAME, LOGIN) == 1
    assert len(platform.kit.journal.of_kind(NAME, "login_code_used")) == (kind == "reset_after")


async def test_a_login_that_takes_too_long_is_unknown(
    flagship: MiniProgramStoreAdapter, platform: Sandbox, act: Act
) -> None:
    code = (await act("login_code", appid=flagship.account, person="protagonist"))["code"]
    platform.kit.faults.add(NAME, "latency", endpoint=LOGIN, value=1)
    with deadline(0.2), pytest.raises(OutcomeUnknown):
        await flagship.login(code)


async def test_a_busy_platform_is_asked_again_for_reads_only(
    flagship: MiniProgramStoreAdapter, store: MiniProgramStoreAdapter, platform: Sandbox, act: Act
) -> None:
    platform.kit.faults.add(NAME, "code", endpoint="*/order/get", value=-1, calls=(1,))
    order = platform.world.store_orders[0].order_id
    (found,) = await store.orders([order])
    assert not isinstance(found, NotFound)
    assert platform.kit.journal.count(NAME, "POST /channels/ec/order/get") == 2
    code = (await act("login_code", appid=flagship.account, person="protagonist"))["code"]
    platform.kit.faults.add(NAME, "code", endpoint=LOGIN, value=-1)
    with pytest.raises(OutcomeUnknown):
        await flagship.login(code)
    assert platform.kit.journal.count(NAME, LOGIN) == 1


async def test_a_revoked_token_is_renewed_once(store: MiniProgramStoreAdapter, platform: Sandbox, act: Act) -> None:
    await store.ping()
    await act("token_revoke", appid=store.account)
    await store.ping()
    assert platform.kit.journal.count(NAME, TOKEN) == 2
    assert platform.kit.journal.count(NAME, "GET /channels/ec/basics/info/get") == 3


async def test_a_token_that_stays_refused_is_not_looped(store: MiniProgramStoreAdapter, platform: Sandbox) -> None:
    platform.kit.faults.add(NAME, "code", endpoint="*/basics/info/get", value=40001)
    with pytest.raises(Unauthorized) as error:
        await store.ping()
    assert error.value.upstream_code == "40001"
    # Fetched, asked again in normal mode, forced once.
    assert platform.kit.journal.count(NAME, TOKEN) == 3
    assert platform.kit.journal.count(NAME, "GET /channels/ec/basics/info/get") == 2


async def test_the_token_of_the_wrong_product_is_no_token_fault(platform: Sandbox, open_tool: OpenTool) -> None:
    settings = platform.describe()["platforms"][NAME]["accounts"]
    settings["flagship"]["kind"] = "store"
    mistaken = await open_tool(TOOL, _Described(platform, settings), "flagship")
    with pytest.raises(Unauthorized) as error:
        await mistaken.ping()
    assert (error.value.reason, error.value.upstream_code) == ("not_permitted", "48001")
    assert platform.kit.journal.count(NAME, TOKEN) == 1


class _Described:
    """A sandbox whose description was edited."""

    def __init__(self, platform: Sandbox, accounts: object) -> None:
        self.kit = platform.kit
        self._accounts = accounts

    def describe(self) -> object:
        return {"platforms": {NAME: {"accounts": self._accounts}}}


async def test_an_unknown_id_has_three_faces_and_is_one_value(
    store: MiniProgramStoreAdapter, platform: Sandbox
) -> None:
    (order,) = await store.orders(["9999999999999999999"])
    (case,) = await store.after_sales(["9999999999999999"])
    (product,) = await store.products(["99999999999999"])
    assert [type(x) for x in (order, case, product)] == [NotFound] * 3
    assert [x.upstream_code for x in (order, case, product) if isinstance(x, NotFound)] == [
        "",
        "10021050",
        "10020052",
    ]


async def test_one_failing_order_is_not_mistaken_for_a_missing_one(
    store: MiniProgramStoreAdapter, platform: Sandbox
) -> None:
    platform.kit.faults.add(NAME, "code", endpoint="*/order/get", value=45011, calls=(2,))
    with pytest.raises(RateLimited) as error:
        await store.orders([order.order_id for order in platform.world.store_orders[:3]])
    assert error.value.retry_after == 60


async def test_more_without_a_cursor_is_malformed(store: MiniProgramStoreAdapter) -> None:
    with pytest.raises(Malformed) as error:
        store._page(["1"], True, "")
    assert error.value.reason == "cursor_missing"


def test_a_bare_403_means_the_allow_list() -> None:
    with pytest.raises(Unauthorized) as error:
        decode(Response(403, {}, b""), Envelope, FAULTS, ORDER_GET, "wx0000000000000001")
    assert error.value.reason == "ip_not_allowed"


def test_html_for_a_read_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        decode(Response(502, {}, b"<html>nginx</html>"), Envelope, FAULTS, ORDER_GET, "wx0000000000000001")


def test_the_trace_id_is_kept_and_the_text_is_not() -> None:
    body = b'{"errcode":"40029","errmsg":"invalid code o7Zx rid: 66b092c6-59489d30-3f991c4d"}'
    with pytest.raises(Rejected) as error:
        decode(Response(200, {}, body), Envelope, FAULTS, ORDER_GET, "wx0000000000000001")
    assert error.value.request_id == "66b092c6-59489d30-3f991c4d"
    assert "o7Zx" not in f"{error.value!r} {error.value} {vars(error.value)}"


# fmt: off
DOCUMENTED = (
    -1, 40001, 40003, 40013, 40014, 40029, 40066, 40097, 40125, 40163, 40164, 40226, 41001, 41002,
    41018, 42001, 43001, 43002, 43003, 44002, 45002, 45009, 45011, 45035, 47001, 48001, 48004, 50001,
    50002, 61004, 61007, 31042, 100003, 606006, 606034, 10020000, 10020001, 10020003, 10020004,
    10020050, 10020051, 10020052, 10020055, 10021041, 10021043, 10021044, 10021050, 10021051, 10021057,
    10080000, 10080001, 10080002, 40037, 40169, 41030, 43101, 43107, 43108, 47003, 61500, 61501, 61503, 87009, 89300,
    10020054, 10020067, 10020091, 10020112, 10020217, 10020218, 10020219, 10020220, 10020289, 10021045, 10021046,
    10021058, 10021059, 10021060, 10021062, 10021068, 10021302, 10022002, 10060001, 10060004, 10060012, 669900000,
    669900001,
)
# fmt: on


@pytest.mark.parametrize("code", DOCUMENTED)
def test_documented_codes_are_in_the_table(code: int) -> None:
    fault = FAULTS[str(code)]
    assert fault.message.endswith(".")
    assert fault.reason == fault.reason.lower()


async def test_secrets_stay_out_of_logs(
    flagship: MiniProgramStoreAdapter, platform: Sandbox, act: Act, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    code = (await act("login_code", appid=flagship.account, person="protagonist"))["code"]
    await flagship.ping()
    platform.kit.faults.add(NAME, "reset_before", endpoint=LOGIN)
    with pytest.raises(OutcomeUnknown) as error:
        await flagship.login(code)
    owner = platform.world.mini_programs[0]
    # The emulated platform's own server logs too: only our side counts.
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("adapters"))
    ours += "".join(traceback.format_exception(error.value))
    assert "jscode2session" in ours
    for hidden in (owner.secret, code, owner.aes_key, owner.callback_token):
        assert hidden not in ours
