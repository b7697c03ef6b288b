"""The command line: what it prints, and how it ends when something is wrong."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import click
import pytest
from click.testing import CliRunner, Result

from adapters.registry import TOOLS
from gateway.cli import main
from gateway.cli.running import EXIT_FAILED
from gateway.database import Database, Keyring
from gateway.database.tables.privacy import sealed_record
from tests.databases import *  # noqa: F403 - fixtures are found by name.
from tests.databases import MASTER

MASTER_KEY = base64.b64encode(MASTER).decode()
ROOT = Path(__file__).parents[2]
#: Nothing of the machine's own environment.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("RETAIL_GATEWAY_")}
#: The longest that a start or an end may take before the test gives up, seconds; no test measures speed.
PATIENCE = 120


def run(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Result:
    """The command in this process: importing everything again takes longer than most of them."""
    return CliRunner().invoke(main, [str(each) for each in arguments], env=dict(env or {}), catch_exceptions=False)


def failed(result: Result) -> tuple[int, str]:
    """Exit code and the one line on stderr; nothing else may have been printed."""
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    return result.exit_code, result.stderr.strip()


def toml(value: Any) -> str:
    """A JSON value in TOML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)} = {toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """``path = write(port=…)``: a settings file with a master key and a database beside it."""

    def write(**values: Any) -> Path:
        values = {"master_key": MASTER_KEY, "database_url": f"sqlite:///{tmp_path}/gateway.db"} | values
        path = tmp_path / "gateway.toml"
        lines = [f"{name} = {toml(value)}\n" for name, value in values.items() if value is not None]
        path.write_text("".join(lines))
        return path

    return write


def _account(**values: Any) -> dict[str, Any]:
    account = {
        "appid": "wx0123456789abcdef",
        "secret": "s",
        "gh_id": "gh_1",
        "callback_token": "t",
        "aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    }
    kept = {name: value for name, value in (account | values).items() if value is not None}
    return {"official_account": {"accounts": {"main": kept}}}


# Help ---------------------------------------------------------------------------------------------


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _commands(each, (*path, name))


COMMANDS = {" ".join(path): command for path, command in _commands(main)}
LEAVES = [name for name, command in COMMANDS.items() if not isinstance(command, click.Group)]


def test_these_are_all_commands() -> None:
    assert sorted(LEAVES) == [
        "db upgrade", "demo", "events list", "events rebuild", "events replay", "events show", "export",
        "identities rename", "import identities", "import members", "import orders", "import status",
        "import tickets", "jobs cancel", "jobs list", "jobs retry", "keys new", "keys renew", "keys rotate",
        "keys status", "members relabel", "plan", "points expire", "privacy sealed", "quotas clear", "quotas list",
        "reconcile", "recover", "sandbox", "schema print", "serve", "sync", "totals rebuild",
    ]  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert COMMANDS[name].help
    for parameter in COMMANDS[name].params:
        assert isinstance(parameter, click.Option)
        assert parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize("name", ["", *LEAVES])
def test_every_command_has_an_example_that_is_it(name: str) -> None:
    example = COMMANDS[name].epilog or ""
    start = f"Example: retail-gateway {name}".strip()
    assert example.startswith(start)
    assert example in " ".join(run(*name.split(), "--help").output.split())


def test_a_job_that_is_not_there_cannot_be_retried(tmp_path: Path, write: Any) -> None:
    path = str(write())
    assert run("jobs", "list", "--settings", path, "--state", "PARKED").output == ""
    refused = run("jobs", "retry", "--id", "01M75AXRT5F44WG6HKKTJQ6748", "--settings", path)
    assert refused.exit_code == EXIT_FAILED
    assert refused.output.startswith("JOB_UNCHANGED: no job 01M75AXRT5F44WG6HKKTJQ6748")


def test_the_master_key_is_rotated_by_command(write: Any) -> None:
    new = base64.b64encode(bytes(reversed(range(32)))).decode()
    assert run("db", "upgrade", "--settings", write()).exit_code == 0
    status = run("keys", "status", "--settings", write())
    assert (status.exit_code, status.stdout.splitlines()[0].split()[3:]) == (
        0,
        ["CURRENT", "wraps", "2", "data", "keys"],
    )

    both = write(master_key=new, master_keys_accepted=[MASTER_KEY])
    rotated = run("keys", "rotate", "--settings", both)
    assert rotated.exit_code == 0
    assert rotated.stdout.startswith("2 data keys are now wrapped by master key ")
    assert "take it out of master_keys_accepted" in rotated.stdout
    assert rotated.stderr == "2 of 2 data keys wrapped\n"

    code, message = failed(run("keys", "status", "--settings", write()))
    assert (code, message.split(":")[0]) == (4, "DATABASE_MASTER_KEY_WRONG")
    renewed = run("keys", "renew", "--settings", write(master_key=new))
    assert renewed.stdout.startswith("0 values are sealed again under a new shared data key\n")
    assert renewed.stdout.splitlines()[1].startswith("run `keys renew --retire` after 20")
    early = run("keys", "renew", "--retire", "--settings", write(master_key=new))
    assert failed(early)[1].startswith("KEYS_TOO_EARLY: a process may still seal by a former key until 20")
    with sqlite3.connect(write().parent / "gateway.db") as connection:
        connection.execute("UPDATE data_key SET created_at = created_at - 660000000")
    retired = run("keys", "renew", "--retire", "--settings", write(master_key=new))
    assert retired.stdout == "1 former data keys are destroyed\n"
    unknown = run("keys", "renew", "--member", "0193-none", "--settings", write(master_key=new))
    assert failed(unknown) == (EXIT_FAILED, "MEMBER_UNKNOWN: no member has this id")


def test_sealed_records_are_printed_and_that_is_recorded(write: Any, tmp_path: Path) -> None:
    path = write()
    assert run("db", "upgrade", "--settings", path).exit_code == 0

    async def seal() -> None:
        async with Database.open(f"sqlite:///{tmp_path}/gateway.db", Keyring(MASTER)) as database:
            row = {
                "id": "r1",
                "kind": "payment",
                "class_": "ACCOUNTING",
                "natural": "payment:1",
                "record": {"total": 5},
            }
            row |= {"sealed_on": date(2026, 11, 11), "until": date(2057, 1, 1)}
            async with database.write() as connection:
                await connection.execute(sealed_record.insert().values(**row))

    asyncio.run(seal())
    printed = run("privacy", "sealed", "--reason", "audit-2026", "--settings", path)
    assert printed.stdout == (
        '{"id":"r1","kind":"payment","class":"ACCOUNTING","until":"2057-01-01","record":{"total":5}}\n'
    )
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        assert connection.execute("SELECT kind, reason FROM fact").fetchall() == [("privacy.sealed_read", "audit-2026")]


def test_it_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "--help"], capture_output=True, text=True, env=CLEAN, check=True, cwd=ROOT
    )
    assert done.stdout.startswith("Usage: retail-gateway [OPTIONS] COMMAND")
    assert done.stderr == ""


# Settings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["serve"], ["sync"], ["db", "upgrade"]])
def test_without_a_master_key_nothing_starts(command: list[str], write: Any, tmp_path: Path) -> None:
    status, message = failed(run(*command, "--settings", write(master_key=None)))
    assert status == 3
    assert message == (
        "SETTING_INVALID: master_key is missing: 32 random bytes in base64, as RETAIL_GATEWAY_MASTER_KEY or in the"
        " settings file; make one with `retail-gateway keys new`."
    )
    assert not (tmp_path / "gateway.db").exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"port": "eighty"}, "settings: Expected `int`, got `str` - at `$.port`. See docs/settings.md"),
        ({"datbase_url": "x"}, "settings: Object contains unknown field `datbase_url`. See docs/settings.md"),
        ({"environment": "test"}, "settings: Invalid enum value 'test' - at `$.environment`. See docs/settings.md"),
        (
            {"tools": {"shop": {}}},
            "tools.shop: no such tool; the tools are " + ", ".join(spec.name for spec in TOOLS) + ".",
        ),
        (
            {"tools": _account(appid=None)},
            (
                "tools.official_account.accounts.main: Object missing required field `appid`."
                " adapters/official_account/README.md lists them."
            ),
        ),
        (
            {"tools": _account(app_id="x")},
            (
                "tools.official_account.accounts.main: Object contains unknown field `app_id`."
                " adapters/official_account/README.md lists them."
            ),
        ),
        (
            {"tools": _account(base_url="http://127.0.0.1:8001")},
            (
                "tools.official_account.accounts.main.base_url is http://127.0.0.1:8001: a live profile must not use a"
                " sandbox; remove base_url, or set environment = 'sandbox'."
            ),
        ),
        (
            {"tools": _account(mode="SERVICE_PROVIDER")},
            (
                "tools.official_account.accounts.main.mode is 'SERVICE_PROVIDER': only DIRECT is supported;"
                " service-provider modes (服务商 sub_mchid, third-party platform, 代开发) are not."
            ),
        ),
        ({"clock_offset_seconds": 5.0}, "clock_offset_seconds is for environment = 'sandbox' only; remove it."),
        (
            {"api_keys": [{"id": "a", "key": "short", "audience": "hq"}]},
            "api_keys: the key of 'a' is shorter than 16 characters.",
        ),
        (
            {"api_keys": [{"id": "a", "key": "x" * 16, "audience": "hq"}] * 2},
            "api_keys: the id 'a' is used twice; ids must differ.",
        ),
    ],
)
def test_a_wrong_setting_is_named(values: Mapping[str, Any], message: str, write: Any, tmp_path: Path) -> None:
    status, found = failed(run("serve", "--settings", write(**values)))
    assert (status, found[: len("SETTING_INVALID: ") + len(message)]) == (3, f"SETTING_INVALID: {message}")
    assert not (tmp_path / "gateway.db").exists()


def test_a_settings_file_that_is_not_there_or_not_toml(tmp_path: Path) -> None:
    missing, broken = tmp_path / "none.toml", tmp_path / "broken.toml"
    broken.write_text("port = ")
    assert failed(run("serve", "--settings", missing)) == (
        3,
        f"SETTING_INVALID: settings file {missing}: No such file or directory; give its path with --settings.",
    )
    status, message = failed(run("serve", env={"RETAIL_GATEWAY_SETTINGS": str(broken)}))
    assert status == 3
    assert message.startswith(f"SETTING_INVALID: settings file {broken} is not valid TOML: Invalid value")


def test_the_environment_wins_over_the_file(write: Any) -> None:
    path = write(database_url="sqlite:///somewhere/else.db")
    status, message = failed(run("db", "upgrade", "--settings", path, env={"RETAIL_GATEWAY_PORT": "eighty"}))
    assert (status, "`$.port`" in message) == (3, True)


def test_a_secret_is_never_printed(write: Any) -> None:
    path = write(master_key="not-base64-but-secret!", tools=_account(secret=["hunter2hunter2"]))
    result = run("serve", "--settings", path)
    assert result.exit_code == 3
    assert "hunter2" not in result.output
    assert "not-base64" not in result.output


# Database -----------------------------------------------------------------------------------------


def test_a_directory_that_is_not_there(write: Any, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/none/gateway.db"
    for command in (["serve", "--port", "0"], ["sync"], ["db", "upgrade"]):
        status, message = failed(run(*command, "--settings", write(database_url=url)))
        assert status == 4
        assert message.startswith("DATABASE_UNWRITABLE: ")
        assert f"{tmp_path}/none" in message


def test_a_directory_that_may_not_be_written(write: Any, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("this user may write everywhere")
    status, message = failed(run("db", "upgrade", "--settings", write(database_url=f"sqlite:///{closed}/gateway.db")))
    assert (status, message.split(":")[0]) == (4, "DATABASE_UNWRITABLE")


@pytest.mark.long
def test_a_database_that_somebody_holds(write: Any, tmp_path: Path) -> None:
    path = write()
    assert run("db", "upgrade", "--settings", path).exit_code == 0
    holder = sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        status, message = failed(run("sync", "--settings", path))
    finally:
        holder.close()
    assert status == 4
    assert message.startswith("DATABASE_LOCKED: ")
    assert len(message) > len("DATABASE_LOCKED: ") + 40
    assert run("sync", "--settings", path).exit_code == 0


def test_another_master_key(write: Any) -> None:
    assert run("sync", "--settings", write()).exit_code == 0
    other = base64.b64encode(bytes(32)).decode()
    status, message = failed(run("sync", "--settings", write(master_key=other)))
    assert status == 4
    assert message.startswith("DATABASE_MASTER_KEY_WRONG: ")
    assert message.endswith("was made with, or add it to master_keys_accepted")
    assert other not in message


@pytest.mark.parametrize("key", ["k3y with blanks!", base64.b64encode(bytes(16)).decode()])
def test_a_master_key_of_the_wrong_form(key: str, write: Any) -> None:
    status, message = failed(run("sync", "--settings", write(master_key=key)))
    assert (status, message.split(":")[0]) == (4, "DATABASE_MASTER_KEY_INVALID")
    assert key not in message


def test_a_database_server_that_does_not_answer(write: Any) -> None:
    url = "postgresql://somebody:hunter2@127.0.0.1:9/nothing"
    status, message = failed(run("db", "upgrade", "--settings", write(database_url=url)))
    assert (status, message.split(":")[0]) == (4, "DATABASE_UNREACHABLE")
    assert "hunter2" not in message


@pytest.mark.postgresql
def test_on_postgresql_serving_waits_for_the_upgrade(write: Any, empty_postgresql_url: str) -> None:
    path = write(database_url=empty_postgresql_url)
    status, message = failed(run("sync", "--settings", path))
    assert (status, message.split(":")[0]) == (4, "DATABASE_SCHEMA_OLD")
    assert "retail-gateway db upgrade" in message

    for _ in range(2):
        result = run("db", "upgrade", "--settings", path)
        assert (result.exit_code, result.output) == (0, "the database has this release's schema\n")
    result = run("sync", "--settings", path)
    assert (result.exit_code, result.stdout) == (0, "")


# Ports --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["serve"], ["serve", "--sandbox"], ["demo", "--once"]])
def test_a_port_that_is_taken(command: list[str], write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = ["--settings", str(write())] if command == ["serve"] else []
        result = run(*command, *settings, "--port", str(port))
    assert result.exit_code == 5
    assert result.stderr.splitlines()[-1] == (
        f"PORT_IN_USE: port {port} on 127.0.0.1 is taken by another program; choose another with --port."
    )
    assert "Traceback" not in result.output


# Small commands -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sandbox", "--now", "yesterday"], "'yesterday' is not RFC 3339, such as 2026-11-11T20:41:00+08:00"),
        (["sandbox", "--size", "49"], "49 is not in the range x>=50"),
        (["demo", "--size", "49"], "49 is not in the range x>=50"),
        (["sandbox", "--only", "taobao"], "'taobao' is not one of"),
        (["serve", "--port", "eighty"], "'eighty' is not a valid integer"),
        (["fly"], "No such command 'fly'"),
    ],
)
def test_a_wrong_argument_is_explained(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_instant_without_an_offset_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, message = failed(run("sandbox", "--now", "2026-11-11T20:41:00"))
    assert (status, message) == (3, "SETTING_INVALID: sandbox: now must be aware: give it a UTC offset")


def test_a_new_key_is_new_and_fits() -> None:
    one, other = run("keys", "new").stdout, run("keys", "new").stdout
    assert one != other
    assert len(base64.b64decode(one.strip(), validate=True)) == 32
    assert one.endswith("\n")


def test_the_printed_schema_is_the_committed_one() -> None:
    assert run("schema", "print").stdout == (ROOT / "schema.graphql").read_text("utf-8")


# Processes ----------------------------------------------------------------------------------------


class Running:
    """The command in a process of its own, in a folder of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.out, self.err = folder / "stdout", folder / "stderr"
        with self.out.open("w") as out, self.err.open("w") as err:
            command = [sys.executable, "-m", "gateway", *arguments]
            env = CLEAN | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
            self.process = subprocess.Popen(command, stdout=out, stderr=err, cwd=folder, env=env)

    def wait_for(self, path: Path, text: str) -> str:
        """The whole of a stream, once it has the text."""
        deadline = time.monotonic() + PATIENCE
        while text not in (found := path.read_text("utf-8")):
            assert self.process.poll() is None, self.err.read_text("utf-8")
            assert time.monotonic() < deadline, self.err.read_text("utf-8")
            time.sleep(0.05)
        return found

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; nothing may look like a failure."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        printed = self.out.read_text("utf-8") + self.err.read_text("utf-8")
        for word in ("Traceback", "Exception", "Error", "never awaited", "was destroyed"):
            assert word not in printed, printed
        return status


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Running]:
    started = Running(folder, *arguments)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait()


def ask(url: str, body: object = None, **headers: str) -> Any:
    """A request to something on this machine; the JSON of its answer."""
    data = None if body is None else json.dumps(body).encode()
    named = {"Content-Type": "application/json"} | {name.replace("_", "-"): each for name, each in headers.items()}
    try:
        with urlopen(Request(url, data, named), timeout=PATIENCE) as answer:  # noqa: S310 - loopback only.
            return json.load(answer)
    except HTTPError as error:
        return json.load(error)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_tells_all_in_its_first_line_and_ends_quietly(tmp_path: Path, number: signal.Signals) -> None:
    arguments = ("sandbox", "--json", "--size", "50", "--now", "2026-11-11T20:41:00+08:00")
    with running(tmp_path, *arguments) as command:
        first = command.wait_for(command.out, "\n").split("\n")[0]
        described = json.loads(first)
        assert set(described["platforms"]) == {spec.name for spec in TOOLS}
        for platform in described["platforms"].values():
            assert platform["accounts"]
            assert platform["known"]
            assert {each["base_url"] for each in platform["accounts"].values()} == {platform["baseUrl"]}
        assert "PRIVATE KEY" in first
        assert ask(described["control"] + "/control/describe")["brand"] == "屿见 YUJIAN"
        assert len(ask(described["masterData"])["stores"]) == 8
        assert command.end(number) == 0
        assert command.out.read_text("utf-8") == first + "\n"


@pytest.mark.long
def test_only_some_platforms_for_people(tmp_path: Path) -> None:
    with running(tmp_path, "sandbox", "--only", "social_ads", "--size", "50") as command:
        lines = command.wait_for(command.out, "/control/describe").split("\n")
        assert [line.split()[0] for line in lines if line] == ["social_ads", "control"]
        assert command.end(signal.SIGINT) == 0


def test_serving_on_the_sandbox(tmp_path: Path) -> None:
    with running(tmp_path, "serve", "--sandbox", "--port", "0") as command:
        printed = command.wait_for(command.err, "Ctrl-C stops everything")
        assert "environment sandbox: the seven platforms are emulated" in printed
        words = printed.split()
        url = next(word for word in words if word.endswith("/graphql"))
        health = ask(url.replace("/graphql", "/health"))
        assert health["environment"] == "sandbox"
        assert set(health["tools"]) == {spec.name for spec in TOOLS}
        key = words[words.index("(HQ)") + 1]
        answer = ask(url, {"query": "{ stores(first: 1) { nodes { outId } } }"}, X_API_Key=key)
        assert answer == {"data": {"stores": {"nodes": [{"outId": "BJ-SLT"}]}}}
        assert command.end(signal.SIGINT) == 0


@pytest.mark.long
def test_ctrl_c_in_the_middle_of_the_first_sync(tmp_path: Path) -> None:
    with running(tmp_path, "serve", "--sandbox", "--port", "0") as command:
        deadline = time.monotonic() + PATIENCE
        while not (tmp_path / "var/dev/gateway.db").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert command.end(signal.SIGINT) == 0
        assert "Ctrl-C stops everything" not in command.err.read_text("utf-8")


def test_serving_live(tmp_path: Path, write: Any) -> None:
    """A brand that has configured no tool yet: it serves, and says so."""
    with running(tmp_path, "serve", "--settings", str(write()), "--port", "0") as command:
        printed = command.wait_for(command.err, "/graphql")
        assert printed.startswith("environment live; GraphQL on http://127.0.0.1:")
        assert ask(printed.split()[-1].replace("/graphql", "/health")) == {
            "environment": "live",
            "redis": "OFF",
            "tools": {spec.name: "NOT_CONFIGURED" for spec in TOOLS},
            "quotas": {},
            "webhooksOut": {"disabledEndpoints": 0, "parked": 0, "pending": 0},
            "webhooksRefused": {},
        }
        assert command.end(signal.SIGTERM) == 0


@pytest.mark.long
def test_a_sync_by_hand(tmp_path: Path, write: Any) -> None:
    """Against a sandbox in another process, as against the real platforms: only URLs and credentials."""
    with running(tmp_path, "sandbox", "--json", "--size", "50") as sandbox:
        described = json.loads(sandbox.wait_for(sandbox.out, "\n").split("\n")[0])
        path = write(
            environment="sandbox",
            open_platform=described["openPlatform"],
            master_data=described["masterData"],
            clock_offset_seconds=described["clockOffsetSeconds"],
            tools={name: {"accounts": each["accounts"]} for name, each in described["platforms"].items()},
        )
        result = run("sync", "--settings", path, "--only", "official_account", "--only", "payments")
        assert result.exit_code == 0, result.output
        rows = [line.split() for line in result.stdout.splitlines()]
        assert [(row[0], row[2], row[3]) for row in rows] == [
            *([("official_account", each, "DONE") for each in ("blacklist", "followers", "tags")] * 2),
            *([("payments", "bills", "DONE"), ("payments", "coupons", "DONE")] * 2),
        ]
        assert all(row[5] == "rows" and int(row[4]) >= 0 for row in rows)

        fault = {"platform": "social_ads", "kind": "status", "value": 503}
        assert ask(described["control"] + "/control/faults", fault) == {"rules": 1}
        result = run("sync", "--settings", path, "--only", "social_ads")
        assert result.exit_code == 6
        states = {tuple(line.split()[i] for i in (0, 2)): line.split()[3] for line in result.stdout.splitlines()}
        assert {states["social_ads", stream] for stream in ("adgroups", "leads", "reports")} == {"FAILED"}
        assert states["payments", "bills"] == "DONE"
        assert sandbox.end(signal.SIGINT) == 0


def test_master_data_that_cannot_be_read(write: Any, tmp_path: Path) -> None:
    source = tmp_path / "erp.json"
    for content, message in (
        (None, f"MASTER_DATA_INVALID: {source}: No such file or directory; check the setting master_data."),
        ("{}", f"MASTER_DATA_INVALID: {source}: Object missing required field `brand`; docs/master-data.md shows"),
    ):
        if content is not None:
            source.write_text(content)
        status, found = failed(run("sync", "--settings", write(master_data=str(source))))
        assert (status, found[: len(message)]) == (6, message)


# Ledgers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "kind"), [("totals rebuild", "totals.rebuild"), ("points expire", "points.expire")]
)
def test_the_ledgers_are_worked_on_until_nothing_is_left(tmp_path: Path, write: Any, command: str, kind: str) -> None:
    path = write()
    result = run(*command.split(), "--settings", path)
    assert (result.exit_code, result.output) == (0, f"{kind}: done\n")
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        jobs = connection.execute("SELECT kind, state FROM job ORDER BY seq").fetchall()
    # Identities, then members: a slice each, though there are none.
    assert jobs == [(kind, "DONE")] * (2 if kind == "totals.rebuild" else 1)
