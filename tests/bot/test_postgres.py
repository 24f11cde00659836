"""The same loop on PostgreSQL: several processes, and one that dies is followed by another."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from bot.contract import ActionRow, Hold, Performed
from bot.store.database import Database
from bot.store.tables import metadata
from planner.model import Address

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("initdb") is None, reason="PostgreSQL's server is not installed (initdb)"),
]

NODES = [Address(kind="task", key=f"n{number}") for number in range(3)]
HOPS = 24


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of our own on a socket in a temporary folder, as an unprivileged user: it refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        shutil.chown(folder, user)
    data, sockets = folder / "data", str(folder)
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/", "user": user if os.getuid() == 0 else None}
    subprocess.run(["initdb", "-D", data, "-U", "branchwork", "-A", "trust", "--no-sync"], **run)  # type: ignore[call-overload]
    options = f"-c listen_addresses='' -c unix_socket_directories={sockets} -c fsync=off -c max_connections=150"
    subprocess.run(["pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start"], **run)  # type: ignore[call-overload]
    yield f"postgresql+psycopg://branchwork@/{{}}?host={sockets}"
    subprocess.run(["pg_ctl", "-D", data, "-m", "immediate", "stop"], **run)  # type: ignore[call-overload]
    shutil.rmtree(folder)


@pytest.fixture
def url(server: str, request: pytest.FixtureRequest) -> str:
    """A database of this test's own."""
    name = "t" + "".join(letter for letter in request.node.name.lower() if letter.isalnum())[:50]
    admin = Database(server.format("postgres"))
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    admin.close()
    return server.format(name)


@pytest.fixture
def pg(toy: Any, url: str) -> Any:
    toy.url = url
    return toy


def start(toy: Any, crash: str = "") -> subprocess.Popen[str]:
    script = Path(__file__).with_name("toy_process.py")
    return subprocess.Popen(
        [sys.executable, str(script), toy.url, str(toy.ledger.path), str(HOPS)],
        env={**os.environ, "PYTHONPATH": os.getcwd(), "BRANCHWORK_CRASH": crash},
        stdout=subprocess.PIPE,
        text=True,
    )


def compare(toy: Any) -> None:
    lines = toy.ledger.lines()
    assert len(lines) == len(set(lines)) == HOPS // 2 + 3
    assert sum(toy.state(node).events for node in NODES) == HOPS + 7
    assert sorted(toy.state(NODES[0]).notes) == ["did plan", "did say", "did think"]


def test_the_migrations_make_the_declared_tables(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.migrate()
    with database.read() as connection:
        options = {"include_name": lambda name, kind, _: kind != "table" or name in metadata.tables}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    database.close()


def test_events_become_actions_and_results_become_events(pg: Any) -> None:
    engine = pg.engine()
    engine.apply_external(pg.opening(HOPS))
    pg.settle()
    compare(pg)


def test_holds_and_coalescing(pg: Any) -> None:
    away = [True]

    def perform(row: ActionRow) -> Performed:
        if away[0]:
            raise Hold("no answer", "github")
        performed: Performed = pg.ledger.perform(row)
        return performed

    engine = pg.engine(perform)
    node = NODES[0]
    orders = [pg.Order(name=f"o{number}") for number in range(10)]
    orders += [pg.Order(name="status", coalesce="status") for _ in range(5)]
    engine.apply_external([(node, f"f{number}", order) for number, order in enumerate(orders)])
    pg.until(lambda: pg.counts()["actions"].get("held") == 11)
    away[0] = False
    pg.settle()
    assert sorted(pg.ledger.names()) == sorted(["status", *(f"o{number}" for number in range(10))])
    assert pg.state(pg.TREE).notes == ("held github: no answer", "released github")


@pytest.mark.parametrize("crash", ["after:turn-save:4", "before:Write:3", "after:Write:3", "after:Think:1"])
def test_a_crash_at_a_point(pg: Any, crash: str) -> None:
    with start(pg, crash) as process:
        process.communicate(timeout=60)
    assert process.returncode == 137
    engine = pg.engine()
    engine.apply_external(pg.opening(HOPS))
    pg.settle()
    compare(pg)


def test_another_process_takes_over_what_a_dead_one_was_doing(pg: Any) -> None:
    engine = pg.engine()
    with start(pg) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    engine.apply_external(pg.opening(HOPS))
    pg.settle()
    compare(pg)


def test_two_processes_share_the_work(pg: Any) -> None:
    with start(pg) as first, start(pg) as second:
        assert first.wait(60) == 0
        assert second.wait(60) == 0
    pg.database()
    compare(pg)
