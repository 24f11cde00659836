"""The tables and what is kept in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st

from bot.store import aggregates, records
from bot.store.database import Database, DatabaseError
from bot.store.records import Spending
from bot.store.tables import metadata
from planner.model import Address

A, B = Address(kind="task", key="a"), Address(kind="task", key="b")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/s.db")
    made.migrate()
    yield made
    made.close()


def ours(name: str | None, kind: str, _names: object) -> bool:
    return kind != "table" or name in metadata.tables


def test_the_migrations_make_the_declared_tables(database: Database) -> None:
    database.migrate()
    with database.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": ours, "version_table": "branchwork_schema"}
        )
        assert compare_metadata(context, metadata) == []


def test_sqlite_is_durable_and_has_one_writer(database: Database) -> None:
    with database.read() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_write_inside_a_write_is_told_and_not_waited_for(database: Database) -> None:
    with (
        database.write(),
        pytest.raises(RuntimeError, match="inside another one"),
        database.write(),
    ):
        raise AssertionError("not reached")
    with database.write() as connection:
        assert records.spent(connection, "t").dollars == 0


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "DATABASE_URL is not a database URL"),
        ("mysql://h/n", "runs on sqlite and postgresql"),
        ("sqlite://", "must name a file"),
    ],
)
def test_a_database_that_cannot_be_used_is_told(url: str, told: str) -> None:
    with pytest.raises(DatabaseError, match=told):
        Database(url)


def test_a_poisoned_aggregate_is_not_looked_after_until_it_is_revived(database: Database) -> None:
    with database.write() as connection:
        aggregates.deliver(database, connection, A, "e", "{}", 1.0)
        assert aggregates.forgotten(connection, 2.0) == [A]
        assert not aggregates.record_failure(database, connection, A, "bug", 2.0, 2, 0.5)
        assert aggregates.forgotten(connection, 2.0) == [], "its retry has a time of its own"
        assert aggregates.next_retry(connection) == 2.5
        assert aggregates.due_for_retry(connection, 2.4) == []
        assert aggregates.due_for_retry(connection, 2.5) == [A]
        assert aggregates.record_failure(database, connection, A, "bug", 3.0, 2, 0.5)
        assert aggregates.forgotten(connection, 9.0) == []
        assert aggregates.revive(connection, B) == []
        assert aggregates.revive(connection) == [A]
        assert aggregates.forgotten(connection, 9.0) == [A]


def test_money_is_booked_once_for_each_model_call(database: Database) -> None:
    call = Spending("attempt-1/1", "t", "n", "attempt-1", "worker", "m", 100, 10, 5, 0.25, 1.0)
    with database.write() as connection:
        assert records.spend(database, connection, call)
        assert not records.spend(database, connection, call)
        assert records.spent(connection, "t") == records.Totals(0.25, 100, 10, 1)
        assert records.spent(connection, "other") == records.Totals(0.0, 0, 0)


def test_creations_are_counted_over_a_day(database: Database) -> None:
    with database.write() as connection:
        for at in (10.0, 20.0, 90_000.0):
            records.note_creation(connection, 1, "comment", at)
        assert records.creations_since(connection, 1, 0.0) == [90_000.0]
        assert records.creations_since(connection, 2, 0.0) == []


@given(cause=st.text(max_size=300), index=st.integers(0, 500), other=st.integers(0, 500))
def test_derived_ids_are_short_and_differ(cause: str, index: int, other: int) -> None:
    one = aggregates.derived_id(cause, A, "/", index)
    assert len(one) <= 100
    assert one == aggregates.derived_id(cause, A, "/", index)
    assert (one == aggregates.derived_id(cause, A, "/", other)) == (index == other)
    assert one != aggregates.derived_id(cause, B, "/", index)
    assert one != aggregates.derived_id(cause, A, "#", index)
