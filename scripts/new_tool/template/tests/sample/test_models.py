"""Recorded answers decode."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from adapters.sample.models import Account, ItemList, NoteAnswer, Refusal, TokenAnswer, WireItem

WIRE = Path(__file__).parent / "wire"
T = TypeVar("T")


def test_recorded_answers() -> None:
    def decoded(name: str, shape: type[T]) -> T:
        return msgspec.json.decode((WIRE / name).read_bytes(), type=shape)

    token = decoded("token.json", TokenAnswer)
    assert (token.access_token, token.expires_in) == ("sample-token-0001", 7200)
    assert "sample-token-0001" not in repr(token)
    assert decoded("account.json", Account) == Account("CLIENT000001")
    assert decoded("items_batch_get.json", ItemList) == ItemList([WireItem("IT0001", "样例 1", 100)])
    assert decoded("notes_add.json", NoteAnswer) == NoteAnswer("NOTE000001")
    assert decoded("refusal.json", Refusal) == Refusal("bad_token")
