"""The commands: a file in, its rejects, how far it is, and out again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.bulk.columns import Columns
from gateway.bulk.people import IDENTITY_COLUMNS, MEMBER_COLUMNS
from gateway.bulk.purchases import ORDER_COLUMNS, TICKET_COLUMNS
from gateway.cli import main
from gateway.cli.running import EXIT_FAILED, EXIT_REJECTS
from tests.gateway.bulk.conftest import EXAMPLES

PAGE = Path(__file__).parents[3] / "docs" / "bulk.md"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    path.write_text(
        f'environment = "sandbox"\ndatabase_url = "sqlite:///{tmp_path}/gateway.db"\nmaster_key = "{key}"\n'
        f'[exports]\nfolder = "{tmp_path}/exports"\n',
        "utf-8",
    )
    return path


def run(settings: Path, *arguments: str | Path) -> Result:
    given = [*map(str, arguments), "--settings", str(settings)]
    return CliRunner().invoke(main, given, catch_exceptions=False)


def test_a_file_in_and_out_again(settings: Path, tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text("会员编号,phone\nM1,13800001001\nM2,none\n", "utf-8")
    done = run(settings, "import", "members", "--file", path, "--mapping", "会员编号=out_id", "--json")
    assert done.exit_code == EXIT_REJECTS
    told = json.loads(done.stdout)
    assert (told["state"], told["rows"], told["created"], told["rejected"]) == ("DONE", 2, 1, 1)
    [reject] = map(json.loads, Path(told["rejects"]).read_text("utf-8").splitlines())
    assert (reject["line"], reject["column"], reject["code"], reject["raw"]) == (
        3,
        "phone",
        "PHONE_INVALID",
        "M2,none\n",
    )

    again = run(settings, "import", "members", "--file", path, "--mapping", "会员编号=out_id")
    assert again.exit_code == EXIT_FAILED
    assert again.stderr.startswith("IMPORT_REJECTS_EXIST: ")
    assert told["id"] in run(settings, "import", "status").stdout

    out = tmp_path / "out.jsonl"
    written = run(settings, "export", "--kind", "members", "--out", out, "--selection", "outId phone", "--unmasked")
    assert (written.exit_code, written.stdout) == (
        0,
        f"{out}: 1 rows, 0 left out, since their member does not allow SERVICE\n",
    )
    assert json.loads(out.read_text("utf-8")) == {"outId": "M1", "phone": "13800001001"}
    assert list((tmp_path / "exports").iterdir()) == []


@pytest.mark.parametrize(
    ("columns", "example"),
    [
        (MEMBER_COLUMNS, "members.csv"),
        (IDENTITY_COLUMNS, "identities.csv"),
        (TICKET_COLUMNS, "tickets.csv"),
        (ORDER_COLUMNS, "orders.jsonl"),
    ],
    ids=["members", "identities", "tickets", "orders"],
)
def test_every_column_stands_in_the_documentation(columns: Columns, example: str) -> None:
    text = PAGE.read_text("utf-8")
    for column in columns.all:
        name = f"{column.name}:…" if column.prefix else column.name
        assert f"| `{name}` | {'yes' if column.required else ''} | {column.what} |" in text
    assert f"examples/import/{example}" in text
    assert (EXAMPLES / example).is_file()
