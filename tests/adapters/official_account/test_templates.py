"""Templates of an account: taken from the platform's library, listed, and given up."""

from __future__ import annotations

import pytest

from adapters.base.errors import Invalid
from adapters.official_account import OfficialAccountAdapter
from sandbox.server import Sandbox


async def test_a_template_of_the_library_is_taken_listed_and_given_up(
    main: OfficialAccountAdapter, sandbox: Sandbox
) -> None:
    before = await main.templates()
    number = await main.template_add("TM00015")
    [taken] = [each for each in await main.templates() if each not in before]
    assert (taken.template_id, taken.title) == (number, "订单支付成功通知")
    assert "DATA}}" in taken.content
    await main.template_delete(number)
    assert await main.templates() == before
    with pytest.raises(Invalid) as gone:
        await main.template_delete(number)
    with pytest.raises(Invalid) as unknown:
        await main.template_add("TM99999")
    assert [each.value.reason for each in (gone, unknown)] == ["template_unknown"] * 2
    assert len(sandbox.kit.journal.of_kind("official_account", "template_added")) == 1


async def test_the_industries_that_decide_the_templates(main: OfficialAccountAdapter) -> None:
    assert await main.industries() == [("消费品", "消费品"), ("IT科技", "互联网|电子商务")]


async def test_a_subscribe_template_is_chosen_listed_and_given_up(
    main: OfficialAccountAdapter, sandbox: Sandbox
) -> None:
    before = await main.subscribe_templates()
    number = await main.subscribe_template_add("1001", [1, 2], "到货")
    [chosen] = [each for each in await main.subscribe_templates() if each not in before]
    assert (chosen.template_id, chosen.title, chosen.content, chosen.long_term) == (
        number, "到货通知", "{{thing1.DATA}}", False,
    )  # fmt: skip
    await main.subscribe_template_delete(number)
    assert await main.subscribe_templates() == before
    with pytest.raises(Invalid) as gone:
        await main.subscribe_template_delete(number)
    assert gone.value.reason == "template_unknown"
    assert len(sandbox.kit.journal.of_kind("official_account", "subscribe_template_deleted")) == 1
