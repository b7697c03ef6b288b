"""``identities rename``: what its file may look like, what a bad line does, and that it may be stopped anywhere."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import select

from gateway.bulk.renaming import RENAME_COLUMNS
from gateway.cli.running import EXIT_FAILED
from gateway.database import Database, Keyring
from gateway.database.tables.members import identity, review_case
from gateway.events.projector import Evidence, Handle, Projector
from gateway.members.graph import IdentityGraph
from tests.databases import MASTER, ManualClock
from tests.gateway.bulk.test_command import run
from tests.gateway.bulk.test_command import settings as settings

PAGE = Path(__file__).parents[3] / "docs" / "members.md"
HEADER = "kind,issuer,old,new,newIssuer\n"


def line(number: int, new_issuer: str = "wxnew") -> str:
    return f"OPENID,wxold,old{number},new{number},{new_issuer}\n"


async def _people(path: Path, number: int) -> None:
    """So many members, each with an openid of the old account and a unionid."""
    clock = ManualClock()
    async with Database.open(f"sqlite:///{path}/gateway.db", Keyring(MASTER), clock=clock) as database:
        projector = Projector(database, IdentityGraph(database, clock), clock, "op2018")
        evidence = [
            Evidence((Handle("OPENID", "wxold", f"old{n}"), Handle("UNIONID", "op2018", f"u{n}")), "test", clock.now())
            for n in range(number)
        ]
        async with projector.batch(evidence):
            pass


async def _renamed(path: Path) -> list[tuple[str, str, str, str]]:
    """(old issuer, old, new issuer, new) of each identity that was renamed, whose member is the same."""
    new = identity.alias()
    async with Database.open(f"sqlite:///{path}/gateway.db", Keyring(MASTER), clock=ManualClock()) as database:
        rows = await database.fetch(
            select(identity.c.issuer, identity.c.value, new.c.issuer.label("issuer2"), new.c.value.label("value2"))
            .join(new, (new.c.id == identity.c.superseded_by) & (new.c.member == identity.c.member))
            .order_by(identity.c.id)
        )
        assert await database.fetch(select(review_case)) == []
    return sorted(tuple(row) for row in rows)


def people(path: Path, number: int) -> None:
    """See ``_people``; the commands have loops of their own, so tests of them have none."""
    asyncio.run(_people(path, number))


def renamed(path: Path) -> list[tuple[str, str, str, str]]:
    """See ``_renamed``."""
    return asyncio.run(_renamed(path))


@pytest.fixture(autouse=True)
def migrated(tmp_path: Path, sqlite_template: Path) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "gateway.db")


def rename(settings: Path, path: Path, *more: str) -> Result:
    return run(settings, "identities", "rename", "--file", path, *more)


@pytest.mark.parametrize(
    ("name", "text", "more"),
    [
        ("plain.csv", HEADER + line(0) + line(1), ()),
        ("excel.csv", "\ufeff" + (HEADER + line(0) + line(1)).replace("\n", "\r\n"), ()),
        ("spaces.csv", HEADER.replace(",", " , ") + 'openid, wxold ,"old0", new0,wxnew\n\n' + line(1), ()),
        (
            "theirs.csv",
            "kind,issuer,ori_openid,new_openid,newIssuer,备注\n"
            + line(0).strip() + ",a\n" + line(1).strip() + ",b\n",
            ("--mapping", "ori_openid=old", "--mapping", "new_openid=new", "--mapping", "备注="),
        ),
        (
            "lines.jsonl",
            "\ufeff"
            + "".join(
                json.dumps(dict(zip(HEADER.strip().split(","), line(n).strip().split(","), strict=True))) + "\n\n"
                for n in range(2)
            ),
            (),
        ),
    ],
    ids=["csv", "as Excel writes it", "spaces, quotes, an empty line", "other headers", "JSON lines"],
)  # fmt: skip
def test_what_a_file_may_look_like(settings: Path, tmp_path: Path, name: str, text: str, more: Sequence[str]) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode())
    people(tmp_path, 2)
    done = rename(settings, path, *more)
    assert (done.exit_code, done.stdout) == (0, "done 2, already 0, unknown 0, conflict 0, invalid 0\n")
    assert done.stderr == "2 of 2 lines\n"
    assert renamed(tmp_path) == [("wxold", f"old{n}", "wxnew", f"new{n}") for n in range(2)]


def test_a_file_that_excel_in_china_wrote(settings: Path, tmp_path: Path) -> None:
    path = tmp_path / "gbk.csv"
    path.write_bytes((HEADER.replace("new,", "新名,") + line(0)).encode("gb18030"))
    people(tmp_path, 1)
    refused = rename(settings, path)
    assert (refused.exit_code, refused.stderr) == (
        EXIT_FAILED,
        "IMPORT_FILE_UNUSABLE: the first line of gbk.csv is not utf-8; Excel in China writes gb18030\n",
    )
    done = rename(settings, path, "--encoding", "gb18030", "--mapping", "新名=new")
    assert done.stdout == "done 1, already 0, unknown 0, conflict 0, invalid 0\n"


def test_an_issuer_that_stays(settings: Path, tmp_path: Path) -> None:
    path = tmp_path / "unionids.csv"
    path.write_text("kind,issuer,old,new\nUNIONID,op2018,u0,v0\n", "utf-8")
    people(tmp_path, 1)
    assert rename(settings, path).stdout.startswith("done 1,")
    assert renamed(tmp_path) == [("op2018", "u0", "op2018", "v0")]


BAD = [
    ("short.csv", HEADER + line(0) + "OPENID,wxold,old1\n", "line 3: COLUMN_COUNT"),
    ("late.csv", HEADER + 500 * line(0) + "OPENID,wxold,old1\n", "line 502: COLUMN_COUNT"),
    ("kind.csv", HEADER + line(0) + "WECHAT,wxold,old1,new1,\n", "line 3, column kind: CHOICE_INVALID"),
    ("empty.csv", HEADER + line(0) + "OPENID,wxold,,new1,\n", "line 3, column old: VALUE_MISSING"),
    ("mangled.csv", HEADER + line(0) + "PHONE,brand,1.38E+10,13800001001,\n", "line 3, column old: NUMBER_MANGLED"),
    ("quote.csv", HEADER + line(0) + 'OPENID,wxold,"old1,new1,\n' + line(2), "line 3: QUOTING"),
    ("later.csv", HEADER + '\nOPENID,wxold,"old\n1",new1,\n', "line 3, column old: TEXT_INVALID"),
    ("json.jsonl", '{"kind": "OPENID"\n', "line 1: JSON_INVALID"),
    ("list.jsonl", '["OPENID", "wxold", "old0", "new0"]\n', "line 1: JSON_INVALID"),
    ("typo.jsonl", '{"kind":"OPENID","issuer":"wxold","old":"old0","new":"new0","new_issuer":"wxnew"}\n',
     "line 1, column new_issuer: COLUMN_UNKNOWN"),
    ("nested.jsonl", '{"kind":"OPENID","issuer":"wxold","old":"old0","new":"new0","newIssuer":["wxnew"]}\n',
     "line 1, column newIssuer: TEXT_INVALID"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "where"), BAD, ids=[name for name, _, _ in BAD])
def test_a_bad_line_stops_it_before_anything_is_renamed(
    settings: Path, tmp_path: Path, name: str, text: str, where: str
) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    people(tmp_path, 1)
    refused = rename(settings, path)
    assert (refused.exit_code, refused.stdout) == (EXIT_FAILED, "")
    assert refused.stderr.startswith(f"RENAMES_INVALID: {name}, {where}, ")
    assert refused.stderr.count("\n") == 1
    assert "old0" not in refused.stderr
    assert renamed(tmp_path) == []


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "has no header"),
        ("kind,issuer,old\n", "the header lacks the column 'new'"),
        ("kind,issuer,old,new,new_issuer\n", "column 'new_issuer' means nothing here"),
        ("kind,issuer,old,new,new\n", "has the column 'new' twice"),
        (line(0), "column 'OPENID' means nothing here"),
    ],
    ids=["empty", "missing", "unknown", "twice", "none"],
)
def test_a_wrong_header(settings: Path, tmp_path: Path, header: str, message: str) -> None:
    path = tmp_path / "renames.csv"
    path.write_text(header + (line(0) if header else ""), "utf-8")
    refused = rename(settings, path)
    assert (refused.exit_code, refused.stdout) == (EXIT_FAILED, "")
    assert refused.stderr.startswith("IMPORT_FILE_UNUSABLE: ")
    assert message in refused.stderr


def test_a_dry_run_says_what_would_be_done_and_does_nothing(settings: Path, tmp_path: Path) -> None:
    path = tmp_path / "renames.csv"
    path.write_text(HEADER + line(0) + line(0, "wxelse") + line(9) + "OPENID,wxold,old1,old1,\n", "utf-8")
    people(tmp_path, 2)
    told = "done 1, already 0, unknown 1, conflict 1, invalid 1"
    dry = rename(settings, path, "--dry-run")
    assert (dry.exit_code, dry.stdout) == (0, f"{told} (dry run: nothing was written)\n")
    assert renamed(tmp_path) == []
    assert rename(settings, path).stdout == f"{told}\n"
    assert renamed(tmp_path) == [("wxold", "old0", "wxnew", "new0")]
    again = rename(settings, path)
    assert again.stdout == "done 0, already 1, unknown 1, conflict 1, invalid 1\n"


@pytest.mark.long
def test_killed_and_run_again(settings: Path, tmp_path: Path) -> None:
    """After the first of six transactions; the next run passes over what stands and does the rest."""
    total = 3000
    path = tmp_path / "renames.csv"
    path.write_text(HEADER + "".join(map(line, range(total))), "utf-8")
    people(tmp_path, total)
    command = [
        sys.executable,
        "-m",
        "gateway",
        "identities",
        "rename",
        "--file",
        str(path),
        "--settings",
        str(settings),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"500 of {total} lines\n"
        process.send_signal(signal.SIGKILL)
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        [(stood,)] = connection.execute("SELECT count(*) FROM identity WHERE superseded_by IS NOT NULL")
    assert stood >= 500
    assert stood % 500 == 0

    again = rename(settings, path)
    assert again.stdout == f"done {total - stood}, already {stood}, unknown 0, conflict 0, invalid 0\n"
    assert renamed(tmp_path) == sorted(("wxold", f"old{n}", "wxnew", f"new{n}") for n in range(total))


def test_every_column_stands_in_the_documentation() -> None:
    text = PAGE.read_text("utf-8")
    assert ",".join(column.name for column in RENAME_COLUMNS.all) in text
