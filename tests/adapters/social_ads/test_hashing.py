"""Ids as an audience's file wants them: the vectors of the vendor reference, and what is no id."""

from __future__ import annotations

import io
import zipfile

import pytest

from adapters.base.errors import Invalid
from adapters.social_ads import hashed_id
from adapters.social_ads.hashing import packed_ids

IDFA = "1E2DFA89-496A-47FD-9941-DF1FC4E6484A"
OAID = "b1fac9ee-0d5f-4a3f-9f43-0c9b3c8f2b11"


@pytest.mark.parametrize(
    ("id_type", "text", "expected"),
    [
        ("HASH_MOBILE_PHONE", "13500000000", "4dbeaa3acd2620411c7ba4fd78bb32d0"),
        ("SHA256_MOBILE_PHONE", "13500000000", "96b9962142efb461ae3034199c0f59f853f2855cbc82452018c98fcf561d9572"),
        ("HASH_IDFA", IDFA, "40c7084b4845eebce9d07b8a18a055fc"),
        ("MD5_SHA256_IDFA", IDFA, "b1c9d8898904db753804fafaf3000af5f6e382553684f262d2239ac9b4b176ff"),
        ("HASH_IMEI", "a1000009abcdef", "854bee484edaf734aff50cdcee00a2a5"),
        ("MD5_SHA256_IMEI", "a1000009abcdef", "9a89082d1321a59c24108be5bae1d632e91f2ec9979a5299d4468169fa3feb09"),
        ("HASH_IMEI", "860000000000001", "40bab137c0b007a222fa3fa1782c5ea7"),
        ("MD5_SHA256_IMEI", "860000000000001", "b4d9e7ebb8fcb252d621b8e812c720726d63e46c9d13f0fcfe2646001cf0f054"),
        ("HASH_OAID", OAID, "e24e802044c752fbba9baa996f327d34"),
        ("MD5_SHA256_OAID", OAID, "c8ea9af5da761bc4a481f7ebe88f624b04ee074b7c4ef939de50325fd3f37496"),
        ("WX_UNIONID", "oU_invented-0001", "oU_invented-0001"),
        ("WECHAT_OPENID", "oTestOpenid0000000000000001", "oTestOpenid0000000000000001"),
    ],
)
def test_the_documented_hashes(id_type: str, text: str, expected: str) -> None:
    assert hashed_id(id_type, text) == expected


@pytest.mark.parametrize("written", ["+8613500000000", "8613500000000", "+86 135-0000-0000", " 135 0000 0000 "])
def test_a_phone_is_hashed_bare_however_it_is_written(written: str) -> None:
    # The hash of the written form would be well-formed, and nobody's.
    assert hashed_id("HASH_MOBILE_PHONE", written) == "4dbeaa3acd2620411c7ba4fd78bb32d0"


def test_device_ids_are_hashed_in_the_case_of_their_kind() -> None:
    assert hashed_id("HASH_IDFA", IDFA.lower()) == "40c7084b4845eebce9d07b8a18a055fc"
    assert hashed_id("HASH_IMEI", "A1000009ABCDEF") == "854bee484edaf734aff50cdcee00a2a5"
    # An OAID stays as it is: its case matters.
    assert hashed_id("HASH_OAID", OAID.upper()) == "17970c42012052947c8b8cd5c27ce112"


@pytest.mark.parametrize(
    ("id_type", "text"),
    [
        ("HASH_MOBILE_PHONE", ""),
        ("HASH_MOBILE_PHONE", "1350000000"),
        ("HASH_MOBILE_PHONE", "02112345678"),
        ("SHA256_MOBILE_PHONE", "+1 5550100000"),
        ("HASH_IMEI", "12345"),
        ("HASH_IDFA", IDFA.replace("-", "")),
        ("WX_UNIONID", "two words"),
        ("WECHAT_OPENID", "line\nbreak"),
    ],
)
def test_what_is_no_id_has_no_line(id_type: str, text: str) -> None:
    assert hashed_id(id_type, text) is None


def test_a_kind_whose_making_is_not_documented_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        hashed_id("SALTED_HASH_IMEI", "860000000000001")
    assert caught.value.reason == "id_type"


def test_a_file_is_a_zip_of_one_text_each_person_once() -> None:
    archive, unusable = packed_ids("HASH_MOBILE_PHONE", ["13500000000", "x", "+8613500000000", "13500000001"])
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        (name,) = opened.namelist()
        lines = opened.read(name).decode().splitlines()
    assert lines == ["4dbeaa3acd2620411c7ba4fd78bb32d0", "9a9858ea280421bb02b070beae82906a"]
    assert (name, unusable) == ("ids.txt", 1)
    assert packed_ids("HASH_MOBILE_PHONE", ["13500000000", "13500000001"])[0] == archive


def test_a_file_of_nobody_is_not_made() -> None:
    with pytest.raises(Invalid) as caught:
        packed_ids("HASH_MOBILE_PHONE", ["x"])
    assert caught.value.reason == "no_ids"
