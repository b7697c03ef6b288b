"""Where the import of members spends its time on SQLite, and what no Python could save.

``python -m benchmarks.import_profile [--json] [--rows 20000]``

The phases of an import run one after the other here, in CPU microseconds per row: reading and checking, hashing and
sealing, and writing. Then the very statements that it sent are sent again by the bare driver to an empty database
with the same pragmas: that is the floor. Rows are counted by the trees that they touch, a table's own and those of its
indexes, because nothing else explains it.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import UniqueConstraint

from benchmarks.members import settings_for, write_file
from gateway.app import open_gateway
from gateway.bulk.importing import BATCH
from gateway.bulk.kinds import Counts
from gateway.bulk.reading import Source
from gateway.database import upgrade
from gateway.database.schema import metadata

_PRAGMAS = ("synchronous=FULL", "secure_delete=ON", "foreign_keys=ON", "cache_size=-65536", "wal_autocheckpoint=16000")


async def run(rows: int, folder: Path) -> dict[str, Any]:
    """CPU per row, by phase."""
    path, url = folder / "members.csv", f"sqlite:///{folder}/import.db"
    write_file(path, rows)
    phases: Counter[str] = Counter()
    sent: list[list[tuple[str, Any]]] = []
    async with open_gateway(settings_for(url)) as gateway:

        def note(statement: str, parameters: Any) -> None:
            if statement.startswith("INSERT"):
                sent[-1].append((statement, parameters))

        gateway.services.database.watchers.append(note)
        kind = gateway.services.importing.kinds["members"]
        items = kind.items(Source(path, "csv").rows())

        async def commit(_connection: Any, _counts: Counts) -> None:
            return

        while True:
            began = time.process_time()
            batch = list(islice(items, BATCH))
            read = time.process_time()
            if not batch:
                break
            prepared = kind.prepare([item.record for item in batch])
            made = time.process_time()
            sent.append([])
            await kind.write(prepared, "profile", commit)
            phases += Counter(
                {
                    "read": int((read - began) * 1e9),
                    "prepare": int((made - read) * 1e9),
                    "write": int((time.process_time() - made) * 1e9),
                }
            )
    floor = replay(sent, folder)
    found = {name: nanoseconds / rows / 1000 for name, nanoseconds in phases.items()}
    return {
        "rows": rows,
        "cpu_us_per_row": found | {"total": sum(found.values())},
        "sqlite_alone_us_per_row": {name: seconds / rows * 1e6 for name, seconds in floor.items()},
        "tree_inserts_per_row": trees(sent) / rows,
    }


def replay(sent: list[list[tuple[str, Any]]], folder: Path) -> dict[str, float]:
    """Seconds of CPU that SQLite alone needs for the same statements, by table, and for the commits."""
    path = folder / "floor.db"
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    found: Counter[str] = Counter()
    for batch in sent:
        connection.execute("BEGIN IMMEDIATE")
        for statement, parameters in batch:
            began = time.process_time()
            connection.execute(statement, parameters)
            found[_table(statement)] += int((time.process_time() - began) * 1e9)
        began = time.process_time()
        connection.execute("COMMIT")
        found["commit"] += int((time.process_time() - began) * 1e9)
    connection.close()
    seconds = {name: nanoseconds / 1e9 for name, nanoseconds in found.items()}
    return seconds | {"total": sum(seconds.values())}


def trees(sent: list[list[tuple[str, Any]]]) -> int:
    """How many entries the statements put into trees: one for the table, one for each index of it."""
    entries = 0
    for statement, _ in (each for batch in sent for each in batch):
        table = metadata.tables[_table(statement)]
        unique = sum(1 for each in table.constraints if isinstance(each, UniqueConstraint))
        unique += sum(1 for column in table.columns if column.unique)
        has_key = 0 if len(table.primary_key) == 1 and table.primary_key.columns[0].autoincrement is True else 1
        per_row = 1 + has_key + unique + len(table.indexes)
        entries += per_row * (statement.count("(?") or 1)
    return entries


def _table(statement: str) -> str:
    return statement.split(" ", 3)[2].strip('"')


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rows", type=int, default=20_000, help="members in the file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        asyncio.run(upgrade(f"sqlite:///{folder}/floor.db"))
        result = asyncio.run(run(asked.rows, folder))
    print(orjson.dumps(result, option=0 if asked.json else orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
