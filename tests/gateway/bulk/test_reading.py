"""Files as they come: encodings, quotes, what Excel does to numbers, and rows that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.bulk.columns import Refused, day, instant, phone, yuan
from gateway.bulk.reading import MAX_BYTES, MAX_LINES, FileUnusable, Row, Source
from gateway.database import Database
from gateway.database.tables.members import member
from tests.gateway.bulk.conftest import Import, rejects, rows


def read(path: Path, offset: int = 0, line: int = 0, **options: object) -> list[Row]:
    form = "jsonl" if path.suffix == ".jsonl" else "csv"
    return list(Source(path, form, **options).rows(offset, line))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("utf-8", "out_id,name\nM1,林晓雯\n".encode()),
        ("utf-8", b"\xef\xbb\xbf" + "out_id,name\r\nM1,林晓雯\r\n".encode()),
        ("gb18030", "out_id,name\nM1,林晓雯\n".encode("gb18030")),
        ("utf-8", "out_id,name\nM1,林晓雯".encode()),
    ],
    ids=["utf-8", "byte order mark and CRLF", "gb18030", "no end of line"],
)
def test_encodings(tmp_path: Path, encoding: str, data: bytes) -> None:
    path = tmp_path / "members.csv"
    path.write_bytes(data)
    [row] = read(path, encoding=encoding)
    assert row.values == {"out_id": "M1", "name": "林晓雯"}
    assert (row.line, row.end, row.fault) == (2, len(data), None)


def test_any_row_can_be_the_first_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text('out_id,name\nM1,"two\nlines, and a ""quote"""\n\nM2,\'0042\nM3\n"M4,x\nM5,y\n', "utf-8")
    whole = read(path)
    assert [(row.line, row.lines, row.fault.code if row.fault else None) for row in whole] == [
        (2, 2, None),
        (5, 1, None),
        (6, 1, "COLUMN_COUNT"),
        (7, 1, "QUOTING"),
        (8, 1, None),
    ]
    assert whole[0].values["name"] == 'two\nlines, and a "quote"'
    for number, row in enumerate(whole):
        assert read(path, row.end, row.line + row.lines - 1) == whole[number + 1 :]
    assert b"".join(row.raw for row in whole).replace(b"\n", b"") == (
        path.read_bytes().split(b"\n", 1)[1].replace(b"\n", b"")
    )


def test_a_quote_that_nobody_closes_costs_its_own_line_only(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    after = "".join(f"M{number},x\n" for number in range(MAX_LINES * 2))
    path.write_text(f'out_id,name\n"M,x\n{after}', "utf-8")
    found = read(path)
    assert [row.fault.code for row in found if row.fault] == ["QUOTE_OPEN"]
    assert len(found) == 1 + MAX_LINES * 2


def test_a_line_without_end_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text("out_id,name\nM1," + "x" * 2 * MAX_BYTES + "\nM2,y\n", "utf-8")
    long, good = read(path)
    assert long.fault is not None
    assert len(long.raw) == 2 * MAX_BYTES + len("M1,\n")
    assert good.values == {"out_id": "M2", "name": "y"}


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "members.jsonl"
    path.write_text('{"no": "M1"}\n\n[1]\n{"no": \n{"no": "M2"}', "utf-8")
    found = read(path, mapping={"no": "out_id"})
    assert [(row.line, row.values, row.fault and row.fault.code) for row in found] == [
        (1, {"out_id": "M1"}, None),
        (3, {}, "JSON_INVALID"),
        (4, {}, "JSON_INVALID"),
        (5, {"out_id": "M2"}, None),
    ]
    for number, row in enumerate(found):
        assert read(path, row.end, row.line, mapping={"no": "out_id"}) == found[number + 1 :]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("13800138000", "13800138000"),
        ("+86 138-0013-8000", "13800138000"),
        ("8613800138000", "13800138000"),
        ("+852 9123 4567", "85291234567"),
    ],
)
def test_phones(text: str, expected: str) -> None:
    assert phone(text) == expected


@pytest.mark.parametrize("text", ["1380013800", "12800138000", "1.38E+10", "无", "91234567"])
def test_what_is_no_phone(text: str) -> None:
    with pytest.raises(Refused):
        phone(text)


@pytest.mark.parametrize(
    ("text", "fen"), [("899", 89900), ("899.5", 89950), ("0.01", 1), ("12.10", 1210), ("7.000", 700)]
)
def test_yuan(text: str, fen: int) -> None:
    assert yuan(text) == fen


@pytest.mark.parametrize("text", ["-1", "1.234", "1,000", "¥5", "１２", "1e3", ""])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(Refused):
        yuan(text)


def test_dates_and_instants() -> None:
    assert day("1994/3/2") == "1994-03-02"
    assert instant("2026/1/5 9:30").isoformat() == "2026-01-05T01:30:00+00:00"
    assert instant("2026-01-05T09:30:00+00:00").isoformat() == "2026-01-05T09:30:00+00:00"
    assert instant("2026-01-05").isoformat() == "2026-01-04T16:00:00+00:00"
    for wrong in ("5.1.2026", "2026-13-01", "1000-01-01", "tomorrow"):
        with pytest.raises(Refused):
            instant(wrong)


async def test_each_fault_names_its_place_and_reason(database: Database, import_file: Import, tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    bad = [
        ("name,", "out_id", "HANDLE_MISSING"),
        ("M1,x,12", "phone", "PHONE_INVALID"),
        ("1.38E+10,x,", "out_id", "NUMBER_MANGLED"),
        ("M 2,x,", "out_id", "TEXT_INVALID"),
        ("M3," + "长" * 61 + ",", "name", "TEXT_TOO_LONG"),
        ("M4,x", None, "COLUMN_COUNT"),
        ("M5,x,,maybe,", "phone_verified", "CHOICE_INVALID"),
    ]
    bad = [(row if row.count(",") != 2 else row + ",", column, code) for row, column, code in bad]
    bad[0] = (",x,,", None, "HANDLE_MISSING")
    bad[6] = ("M5,x,,maybe", "phone_verified", "CHOICE_INVALID")
    header = "out_id,name,phone,phone_verified\n"
    lines = [row for row, *_ in bad]
    data = (header + "M0,good,,\n" + "\n".join(lines) + "\n").encode() + b"M6,\xff\xfe,,\nM7,good,,\n"
    path.write_bytes(data)
    done = await import_file("members", path)
    assert (done.rows, done.created, done.rejected) == (10, 2, 8)
    found = rejects(done)
    expected = [(number, column, code) for number, (_, column, code) in enumerate(bad, 3)]
    assert [(each["line"], each["column"], each["code"]) for each in found[:-1]] == expected
    assert [each["raw"] for each in found[:-1]] == [line + "\n" for line in lines]
    assert (found[-1]["line"], found[-1]["code"], found[-1]["rawBase64"]) == (10, "ENCODING", "TTYs//4sLAo=")
    assert {row["out_id"] for row in await rows(database, member)} == {"M0", "M7"}
    assert all(each["reason"] for each in found)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\xfeo\x00", "UTF-16"),
        (b"", "no header"),
        ("会员编号\nM1\n".encode(), "'会员编号' means nothing"),
        ("姓名\n".encode("gb18030"), "gb18030"),
        (b"out_id,out_id\n", "twice"),
    ],
)
async def test_a_file_of_which_nothing_can_be_read(import_file: Import, tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "members.csv"
    path.write_bytes(data)
    with pytest.raises(FileUnusable, match=says):
        await import_file("members", path)


async def test_columns_by_their_own_names(database: Database, import_file: Import, tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text("会员编号,姓名,备注\nM1,林晓雯,x\n", "utf-8")
    mapping = {"会员编号": "out_id", "姓名": "name", "备注": ""}
    done = await import_file("members", path, mapping=mapping)
    assert (done.created, done.rejected) == (1, 0)
    assert [(row["out_id"], row["name"]) for row in await rows(database, member)] == [("M1", "林晓雯")]
