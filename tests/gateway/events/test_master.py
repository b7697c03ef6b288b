"""The ERP's export: from a file or an address, and what is said when it cannot be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from sqlalchemy import select, update

from gateway.database.tables.dimensions import store
from gateway.database.tables.stock import stock
from gateway.events.master import MasterDataError, import_master_data
from gateway.events.projections.places import MasterData
from sandbox.erp import master_data
from tests.gateway.events.conftest import Flow, StartFlow


@pytest.fixture
async def flow(start_flow: StartFlow) -> Flow:
    return await start_flow("cloud_storage")


async def _import(flow: Flow, source: object) -> int:
    return await import_master_data(flow.gateway.services.projector, str(source), flow.gateway.transport)


def _file(path: Path, data: Mapping[str, Any]) -> Path:
    path.write_bytes(orjson.dumps(data))
    return path


def test_the_documented_example_is_read() -> None:
    page = (Path(__file__).parents[3] / "docs/master-data.md").read_text("utf-8")
    [example] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    found = msgspec.json.decode(example, type=MasterData)
    assert [len(each) for each in (found.stores, found.campaigns, found.skus, found.stock)] == [1, 1, 1, 1]
    assert found.stores[0].wecom_department == 2


async def test_the_file_and_the_address_say_the_same(flow: Flow, tmp_path: Path) -> None:
    data = master_data(flow.sandbox.world)
    rows = sum(len(data[name]) for name in ("stores", "campaigns", "skus", "stock"))
    assert await _import(flow, flow.settings.master_data) == rows
    before = await flow.rows(store)

    assert await _import(flow, _file(tmp_path / "erp.json", data)) == rows

    # The same again opens no new version.
    assert await flow.rows(store) == before
    assert len(before) == len(data["stores"])


async def test_a_changed_store_keeps_its_history(flow: Flow, tmp_path: Path) -> None:
    data = master_data(flow.sandbox.world)
    await _import(flow, _file(tmp_path / "erp.json", data))
    data["stores"][0]["name"] = "上海安福路旗舰店"
    await _import(flow, _file(tmp_path / "erp.json", data))

    rows = await flow.database.fetch(
        select(store.c.name, store.c.valid_to).where(store.c.id == "SH-AFL").order_by(store.c.valid_from)
    )
    assert [(row.name, row.valid_to is None) for row in rows] == [
        ("上海安福路店", False),
        ("上海安福路旗舰店", True),
    ]


async def test_pieces_promised_to_shoppers_and_shops_are_kept(flow: Flow, tmp_path: Path) -> None:
    """The ERP counts what lies there. Less than is reserved and allotted would be overselling: the table forbids it."""
    data = master_data(flow.sandbox.world)
    await _import(flow, _file(tmp_path / "erp.json", data))
    place = (stock.c.sku == "CX-CAP-1均码", stock.c.location == "SH-AFL")
    async with flow.database.write() as connection:
        await connection.execute(update(stock).where(*place).values(reserved=2, allotted=1))

    for on_hand, kept in ((5, 5), (1, 3), (0, 3)):
        for row in data["stock"]:
            if (row["sku"], row["location"]) == ("CX-CAP-1均码", "SH-AFL"):
                row["onHand"] = on_hand
        await _import(flow, _file(tmp_path / "erp.json", data))
        [row] = await flow.database.fetch(select(stock).where(*place))
        assert (row.on_hand, row.reserved, row.allotted) == (kept, 2, 1)


async def test_what_is_wrong_is_said_and_nothing_is_written(flow: Flow, tmp_path: Path) -> None:
    data = master_data(flow.sandbox.world)
    data["stores"][1]["wecomDepartment"] = "three"
    control = flow.sandbox.control_url
    missing, broken = tmp_path / "none.json", tmp_path / "broken.json"
    broken.write_text("{")
    wrong = _file(tmp_path / "wrong.json", data)
    cases = {
        str(missing): f"{missing}: No such file or directory; check the setting master_data.",
        str(broken): f"{broken}: Input data was truncated; docs/master-data.md shows the format.",
        str(wrong): (
            f"{wrong}: Expected `int`, got `str` - at `$.stores[1].wecomDepartment`;"
            " docs/master-data.md shows the format."
        ),
        f"{control}/erp/none": f"{control}/erp/none answered HTTP 404; check the setting master_data.",
        "http://127.0.0.1:9/x": "http://127.0.0.1:9/x cannot be reached; check the setting master_data.",
    }
    for source, message in cases.items():
        with pytest.raises(MasterDataError) as caught:
            await _import(flow, source)
        assert str(caught.value) == message
    assert await flow.rows(store) == []
    assert await flow.rows(stock) == []
