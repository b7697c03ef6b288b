"""Leaves that become variables, with and without a transaction."""

from __future__ import annotations

import pytest

from adapters.base.errors import Rejected
from tests.gateway.atomic.desk import FIELDS, Desk, Platform


async def test_an_exported_value_is_seen_by_the_fields_that_follow(desk: Desk, platform: Platform) -> None:
    data = await desk.data(
        f"""mutation ($x: String = "", $y: ID = "") {{
          a: plain(text: "one") {{ ...exported }}
          b: plain(text: $x) {{ ... on Thing {{ id @export(as: "y") }} }}
          c: tag(input: {{id: $y, idempotencyKey: "key-00001"}}) {FIELDS}
        }}
        fragment exported on Thing {{ within: inner {{ n: name @export(as: "x") }} }}"""
    )
    assert data["a"] == {"within": {"n": "one"}}
    assert data["b"] == {"id": "id-one"}
    assert data["c"]["name"] == "id-one"
    assert platform.holds == ["id-one"]


async def test_a_field_that_lacks_an_exported_value_is_not_run(desk: Desk, platform: Platform) -> None:
    data = await desk.data(
        f"""mutation ($x: String = "never-used") {{
          a: plain(text: "refused") {{ ... on Thing {{ name @export(as: "x") }} ... on DomainProblem {{ code }} }}
          b: tag(input: {{text: "b", idempotencyKey: $x}}) {FIELDS}
          c: tag(input: {{text: "c", idempotencyKey: "key-00002"}}) {FIELDS}
        }}"""
    )
    assert data["a"] == {"code": "NOT_REACHABLE"}
    assert data["b"]["code"] == "EXPORT_UNSET"
    assert data["c"]["__typename"] == "Thing"
    assert platform.asked == ["c"]


ATOMIC = f"""mutation ($y: ID = "", $z: ID = "") @atomic(key: "key-00001") {{
  a: tag(input: {{text: "a"}}) {{ __typename ...exported ... on DomainProblem {{ code failedField cause }} }}
  b: tag(input: {{id: $y}}) {{ __typename ... on Thing {{ id @export(as: "z") standing }}
    ... on DomainProblem {{ code }} }}
  c: hand(input: {{id: $z}}) {FIELDS}
}}
fragment exported on Thing {{ within: inner {{ id @export(as: "y") name }} standing }}"""


async def test_a_transaction_passes_values_on_before_it_is_answered(any_desk: Desk, platform: Platform) -> None:
    data = await any_desk.data(ATOMIC)
    everything = ["a", "in-id-a", "id-in-id-a"]
    assert platform.holds == everything
    # What was exported was read early; the answers are made when all is done.
    assert data["a"]["within"] == {"id": "in-id-a", "name": "a"}
    assert data["a"]["standing"] == data["b"]["standing"] == data["c"]["standing"] == everything
    assert data["c"]["name"] == "id-in-id-a"
    assert await any_desk.data(ATOMIC) == data
    assert platform.asked == everything


async def test_a_transaction_whose_exported_leaf_is_null_fails(desk: Desk, platform: Platform) -> None:
    data = await desk.data(ATOMIC.replace("inner {", "inner(empty: true) {"))
    assert {each["code"] for each in data.values()} == {"TRANSACTION_ROLLED_BACK"}
    assert (data["a"]["failedField"], data["a"]["cause"]) == ("a", "EXPORT_UNSET")
    assert platform.asked == ["a", "undo a"]


@pytest.mark.parametrize("field", ["a", "in-id-a", "id-in-id-a"])
async def test_a_transaction_that_fails_on_the_way(desk: Desk, platform: Platform, field: str) -> None:
    platform.raising[field] = [Rejected("enterprise_chat", "not_friend", "No.")]
    data = await desk.data(ATOMIC)
    assert {each["code"] for each in data.values()} == {"TRANSACTION_ROLLED_BACK"}
    assert platform.holds == []
