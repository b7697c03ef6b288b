"""Migrations make exactly the MetaData, and personal columns are sealed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, MetaData, String, Table, inspect

from adapters.registry import TOOLS
from gateway.database import Encrypted, KeyedHash, metadata, upgrade
from gateway.database.migrate import head, sync_engine, upgrade_now
from gateway.database.pii import plain_personal_columns
from gateway.database.regenerate import regenerate
from gateway.database.urls import DatabaseUrl

#: The gateway's own tables, and those that tools keep.
ALL = [metadata, *(spec.metadata for spec in TOOLS if spec.metadata is not None)]


async def test_migrating_an_empty_database_makes_exactly_the_metadata(empty_database_url: str) -> None:
    await upgrade(empty_database_url)
    with sync_engine(DatabaseUrl.parse(empty_database_url)).begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, ALL) == []
        assert context.get_current_revision() == head()
        made = set(inspect(connection).get_table_names())
    assert made == {name for each in ALL for name in each.tables} | {"alembic_version"}


async def test_the_partial_indexes_are_partial(database_url: str) -> None:
    # Alembic does not compare an index's condition, and the queue's promises rest on these.
    with sync_engine(DatabaseUrl.parse(database_url)).begin() as connection:
        found = {index["name"]: index for index in inspect(connection).get_indexes("job")}
    dialect = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    conditions = {name: str(found[name]["dialect_options"].get(f"{dialect}_where")) for name in found}
    assert "'RUNNING'" in conditions["uq_job_entity_running"]
    assert "'QUEUED'" not in conditions["uq_job_entity_running"]
    assert found["uq_job_entity_running"]["unique"]
    assert "'QUEUED'" in conditions["uq_job_kind_key_active"]
    assert found["uq_job_kind_key_active"]["unique"]


async def test_upgrading_again_changes_nothing(empty_database_url: str) -> None:
    await upgrade(empty_database_url)
    await upgrade(empty_database_url)


def test_upgrades_at_the_same_time_wait_for_each_other(empty_database_url: str) -> None:
    url = DatabaseUrl.parse(empty_database_url)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            upgrade_now(url)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_the_committed_migration_is_what_regenerating_writes(tmp_path: Path) -> None:
    committed = Path(__file__).parents[3] / "gateway/database/migrations/versions/v0001_first.py"
    assert regenerate(tmp_path) == committed.read_text()


def test_no_personal_value_is_stored_in_the_plain() -> None:
    assert [found for each in ALL for found in plain_personal_columns(each)] == []


def test_the_check_names_a_plain_personal_column() -> None:
    tables = MetaData()
    Table(
        "member",
        tables,
        Column("phone", Encrypted),
        Column("phone_hash", KeyedHash("phone")),
        Column("remark", String),
        Column("receiver_name", String),
        Column("openid", String, info={"not_personal": " "}),
        Column("email_template", String, info={"not_personal": "The name of a template."}),
        Column("hotel", String),
        Column("phone_source", String),
        Column("receiver_city", String),
    )
    assert [line.split()[0] for line in plain_personal_columns(tables)] == [
        "member.remark",
        "member.receiver_name",
        "member.openid",
    ]


@pytest.mark.postgresql
async def test_a_failed_upgrade_leaves_nothing(empty_postgresql_url: str) -> None:
    url = DatabaseUrl.parse(empty_postgresql_url)
    with sync_engine(url).begin() as connection:
        # The migration will meet this table and fail in the middle.
        connection.exec_driver_sql("CREATE TABLE saga (id integer)")
    with pytest.raises(Exception, match="already exists"):
        await upgrade(empty_postgresql_url)
    with sync_engine(url).begin() as connection:
        assert inspect(connection).get_table_names() == ["saga"]
