"""Durable checkouts per second, and what each costs in CPU: our saga log, and DBOS with the same steps.

``python -m benchmarks.transactions [--json] [--orders 300] [--at-once 16] [--databases sqlite,postgresql]``

A checkout here is: take the idempotency key, reserve a piece, write the order, ask for a prepay, note that the order
waits for its payment. The prepay answers at once and on both sides by the same coroutine, so that only durability is
measured; both reserve and write with the same statements, in the same database, which commits to disk each time. Each
runs in a process of its own, both in this run. DBOS comes with ``make peers``.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import psycopg

from benchmarks.machine import describe
from gateway.database.migrate import upgrade_now
from gateway.database.urls import DatabaseUrl

SERVER = "postgresql://postgres@127.0.0.1:5432/test"
PLAYERS = ("gateway", "dbos")


def main() -> None:
    options = _options()
    found: dict[str, dict[str, Any]] = {}
    for database in options.databases.split(","):
        for player in PLAYERS:
            with _database(database, options.server) as (url, system):
                command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.transactions.on_{player}", url, system]
                command += [str(options.orders), str(options.at_once)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                found[f"{player}_{database}"] = orjson.loads(done.stdout.splitlines()[-1])
                if not options.json:
                    _show(f"{player} on {database}", found[f"{player}_{database}"])
    ratios = {}
    for name in options.databases.split(","):
        ours, theirs = found[f"gateway_{name}"], found[f"dbos_{name}"]
        ratios[f"vs_dbos_{name}"] = round(ours["per_second"] / theirs["per_second"], 2)
        ratios[f"cpu_vs_dbos_{name}"] = round(theirs["cpu_ms"] / ours["cpu_ms"], 2)
    if options.json:
        result = {
            "machine": describe("dbos", "sqlalchemy", "asyncpg", "aiosqlite"),
            "orders": options.orders,
            "at_once": options.at_once,
            "checkouts": found,
            "ratios": ratios,
        }
        print(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())
    else:
        print("ratios", ratios)


def _show(name: str, figures: dict[str, Any]) -> None:
    print(f"{name:24} {figures['per_second']:8.1f} checkouts/s  {figures['cpu_ms']:6.2f} ms CPU each", flush=True)


@contextmanager
def _database(name: str, server: str) -> Iterator[tuple[str, str]]:
    """A migrated database for the gateway's tables, and one for what DBOS itself keeps."""
    if name == "sqlite":
        with tempfile.TemporaryDirectory(prefix="transactions-") as folder:
            url = f"sqlite:///{folder}/gateway.db"
            upgrade_now(DatabaseUrl.parse(url))
            yield url, f"sqlite:///{Path(folder) / 'dbos.db'}"
        return
    schema = f"bench_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
        connection.execute(f'CREATE DATABASE "{schema}"')
    url = f"{server}?options={quote(f'-csearch_path={schema}')}"
    try:
        upgrade_now(DatabaseUrl.parse(url))
        yield url, server.rsplit("/", 1)[0] + f"/{schema}"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
            connection.execute(f'DROP DATABASE "{schema}" WITH (FORCE)')


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transactions")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--orders", type=int, default=300, help="checkouts per measurement")
    parser.add_argument("--at-once", type=int, default=16, help="shoppers who buy at the same time")
    parser.add_argument("--databases", default="sqlite,postgresql", help="of sqlite and postgresql")
    parser.add_argument("--server", default=SERVER, help="the PostgreSQL server")
    return parser.parse_args()


if __name__ == "__main__":
    main()
