"""Recorded answers decode; a document that contradicts itself does not."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.ip_content.models import Catalogue, Problem, TokenAnswer

WIRE = Path(__file__).parent / "wire"


def test_token() -> None:
    answer = msgspec.json.decode((WIRE / "token.json").read_bytes(), type=TokenAnswer)

    assert answer.expires_in == 3600
    assert answer.access_token.startswith("eyJ")
    assert answer.access_token not in repr(answer)


def test_problem() -> None:
    assert msgspec.json.decode((WIRE / "problem.json").read_bytes(), type=Problem) == Problem("invalid_token")


def test_catalogue() -> None:
    found = msgspec.json.decode((WIRE / "catalogue.json").read_bytes(), type=Catalogue)

    assert (found.version, found.properties[0].name.zh) == (41, "斗罗大陆")
    assert found.properties[0].assets.expires_at == date(2027, 1, 1)
    (grant,) = found.agreements[0].grants
    assert (grant.window.end, grant.max_units, grant.blackouts[0].start) == (
        date(2027, 1, 1),
        50000,
        date(2026, 6, 1),
    )
    first, second = found.activations
    assert first.card_set is not None
    assert [(c.weight, c.stock) for c in first.card_set.cards] == [(9, None), (1, 500)]
    assert second.card_set is None
    assert first.card_set.prize is not None
    assert (first.card_set.prize.kind, first.card_set.prize.budget) == ("coupon", 300)
    (edition,) = found.drops
    assert (edition.queue_mode, edition.risk_policy.phone, grant.co_presence) == ("raffle", True, False)
    assert found.draws[0].at.astimezone(UTC) == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    assert "unionid-0001" not in repr(found)


@pytest.mark.parametrize("table", ["parties", "properties", "agreements", "activations", "skus", "drops"])
def test_a_key_that_comes_twice_is_refused(table: str) -> None:
    document = json.loads((WIRE / "catalogue.json").read_bytes())
    document[table].append(document[table][0])

    with pytest.raises(msgspec.ValidationError, match="twice"):
        msgspec.convert(document, Catalogue)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("properties.0.rights_holder_id", "nobody"),
        ("activations.0.ip", "unknown"),
        ("reservations.0.ip", "unknown"),
        ("agreements.0.licensee_id", "somebody-else"),
        ("agreements.0.grants", []),
        ("agreements.0.sell_off_days", 181),
        ("agreements.0.term.end", "2026-01-01"),
        ("activations.0.card_set.cards.0.weight", 0),
        ("activations.0.card_set.prize.kind", "lottery"),
        ("activations.0.card_set.prize.claim_days", 0),
        ("drops.0.gtin", "06901234567908"),
        ("drops.0.activation", "DL-9"),
        ("drops.0.queue_mode", "auction"),
        ("drops.0.closes_at", "2026-03-02T10:00:00+08:00"),
        ("drops.0.per_member", 0),
        ("draws.0.at", "2026-03-02T09:30:00"),
        ("draws.0.unionid", ""),
        ("version", -1),
    ],
)
def test_contradictions_are_refused(path: str, value: object) -> None:
    document = json.loads((WIRE / "catalogue.json").read_bytes())
    *steps, last = path.split(".")
    place: Any = document
    for step in steps:
        place = place[int(step) if step.isdigit() else step]
    assert last in place
    place[last] = value

    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(document, Catalogue)
