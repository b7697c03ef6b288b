"""The ODRL export speaks ODRL, and nothing but it."""

from __future__ import annotations

import pytest

from adapters.ip_content.clearance import USES
from tests.adapters.ip_content.conftest import House
from tests.adapters.ip_content.odrl import faults


def limited(**constraint: object) -> dict[str, object]:
    """A policy's permission with one constraint, which is good but for what is given."""
    good = {"leftOperand": "spatial", "operator": "eq", "rightOperand": "CN"}
    return {"permission": [{"target": "urn:x", "action": ["sell"], "constraint": [good | constraint]}]}


async def test_every_agreement_is_a_policy_of_the_vocabulary(house: House) -> None:
    numbers = {licence.number for licence in await house.adapter.licences()}
    assert len(numbers) == len(house.sandbox.world.ip_licences)
    for number in numbers:
        assert list(faults(await house.adapter.odrl(number))) == []


async def test_every_use_and_every_limit_has_its_word(house: House) -> None:
    number = house.sandbox.world.ip_licences[0].number
    await house.publish(
        "grant_terms",
        number=number,
        uses=sorted(USES),
        max_units=50_000,
        excluded_territories=["CN-GD"],
        exclusivity="exclusive",
    )
    policy = await house.adapter.odrl(number)
    assert list(faults(policy)) == []
    (permission,) = policy["permission"]
    assert permission["action"] == ["display", "distribute", "reproduce", "sell", "stream"]
    assert permission["duty"] == [{"action": "attribute"}]
    assert {"leftOperand": "spatial", "operator": "isNoneOf", "rightOperand": ["CN-GD"]} in permission["constraint"]
    assert policy["obligation"][0]["action"] == "ensureExclusivity"


async def test_a_use_that_odrl_has_no_word_for_is_left_out(house: House) -> None:
    number = house.sandbox.world.ip_licences[0].number
    await house.publish("grant_terms", number=number, uses=["sell", "hologram"])
    policy = await house.adapter.odrl(number)
    assert (policy["permission"][0]["action"], list(faults(policy))) == (["sell"], [])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"@type": "Deal"}, "Deal is no policy"),
        ({"conflict": "maybe"}, "conflict has no such strategy"),
        ({"permit": []}, "permit is no word of a policy"),
        ({"permission": [{"target": "urn:x", "action": ["license"]}]}, "license is deprecated"),
        # Plausible, and no word of the vocabulary; and one that its JSON-LD context forgets.
        ({"permission": [{"target": "urn:x", "action": ["promote"]}]}, "promote is no action to use"),
        ({"permission": [{"target": "urn:x", "action": ["attach"]}]}, "attach is no action to use"),
        ({"permission": [{"target": "urn:x", "action": ["synchronize"]}]}, "synchronize is no action to use"),
        ({"permission": [{"action": ["sell"]}]}, "a permission has a target"),
        ({"prohibition": [{"target": "urn:x", "action": "sell", "duty": []}]}, "duty is no word of a prohibition"),
        (
            {"permission": [{"target": "urn:x", "action": ["sell"], "duty": [{"action": "pay"}]}]},
            "pay is deprecated",
        ),
        (limited(leftOperand="colour"), "colour is no left operand"),
        (limited(leftOperand="timedCount"), "timedCount is no left operand"),
        (limited(operator="between"), "between is no operator"),
        (limited(operator="eq", rightOperand=["CN"]), "eq does not take this right operand"),
        (limited(operator="isAnyOf", rightOperand="CN"), "isAnyOf does not take this right operand"),
        (limited(operand="CN"), "operand is no word of a constraint"),
    ],
)
async def test_the_check_itself_sees_a_planted_fault(house: House, change: dict[str, object], fault: str) -> None:
    policy = await house.adapter.odrl(house.sandbox.world.ip_licences[0].number)
    assert fault in list(faults({**policy, **change}))
