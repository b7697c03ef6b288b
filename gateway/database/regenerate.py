"""``python -m gateway.database.regenerate`` writes migration 0001 again from the MetaData.

Only until the first release: from then on a change is a migration of its own, and 0001 stays as it is.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import Script

from gateway.database.migrate import config, sync_engine
from gateway.database.urls import DatabaseUrl

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


def regenerate(folder: Path = _VERSIONS) -> str:
    """Compare an empty database with the MetaData; write what is missing as 0001 in ``folder``."""
    for old in folder.glob("v0001_*.py"):
        old.unlink()
    with tempfile.TemporaryDirectory() as empty:
        url = DatabaseUrl.parse(f"sqlite:///{empty}/empty.db")
        with sync_engine(url).begin() as connection:
            made = config(connection)
            made.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
            made.set_main_option("version_locations", str(folder).replace("%", "%%"))
            _format_with_ruff(made)
            script = command.revision(made, message="first", autogenerate=True, rev_id="0001")
    assert isinstance(script, Script)  # noqa: S101 - a list only where one command writes several.
    return Path(script.path).read_text()


def _format_with_ruff(made: Config) -> None:
    for option, value in {
        "hooks": "sort, format",
        "sort.type": "module",
        "sort.module": "ruff",
        "sort.options": "check --quiet --select I --fix REVISION_SCRIPT_FILENAME",
        "format.type": "module",
        "format.module": "ruff",
        "format.options": "format --quiet REVISION_SCRIPT_FILENAME",
    }.items():
        made.set_section_option("post_write_hooks", option, value)


if __name__ == "__main__":
    regenerate()
