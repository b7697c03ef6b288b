"""``python -m gateway.database.regenerate`` writes migration 0001 again from the MetaData.

Only until the first release: from then on a change is a migration of its own, and 0001 stays as it is.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from gateway.database.migrate import config, sync_engine
from gateway.database.urls import DatabaseUrl

_FIRST = Path(__file__).parent / "migrations" / "versions" / "v0001_first.py"


def regenerate(target: Path = _FIRST) -> None:
    """Compare an empty database with the MetaData and write what is missing as the first migration."""
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        url = DatabaseUrl.parse(f"sqlite:///{folder}/empty.db")
        with sync_engine(url).begin() as connection:
            made = config(connection)
            made.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
            _format_with_ruff(made)
            command.revision(made, message="first", autogenerate=True, rev_id="0001")


def _format_with_ruff(made: Config) -> None:
    for option, value in {
        "hooks": "sort, format",
        "sort.type": "module",
        "sort.module": "ruff",
        "sort.options": "check --quiet --select I,W --fix REVISION_SCRIPT_FILENAME",
        "format.type": "module",
        "format.module": "ruff",
        "format.options": "format --quiet REVISION_SCRIPT_FILENAME",
    }.items():
        made.set_section_option("post_write_hooks", option, value)


if __name__ == "__main__":
    regenerate()
    sys.stdout.write(f"wrote {_FIRST}\n")
