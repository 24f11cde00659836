"""The same loop on PostgreSQL, with a second process that works and is killed in the middle of it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo import commands, outcome, person, repository
from bot.demo.hub import Hub
from bot.demo.replay.trees import read_tree
from bot.demo.stage import Cast, ModelChoice, Stage

pytestmark = pytest.mark.slow
LIMIT_S = 240.0


@pytest.fixture
def database() -> Iterator[str]:
    """A server of our own on a socket in a temporary folder, as an unprivileged user: it refuses to run as root."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    tools = str(found[-1]) + "/" if found else ""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", user=user if os.getuid() == 0 else None)

    data = str(folder / "data")
    run(f"{tools}initdb", "-D", data, "-U", "branchwork", "-A", "trust", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    run(f"{tools}pg_ctl", "-D", data, "-w", "-o", options, "-l", str(folder / "log"), "start")
    try:
        run(f"{tools}createdb", "-h", str(folder), "-U", "branchwork", "branchwork")
        yield f"postgresql://branchwork@/branchwork?host={folder}"
    finally:
        run(f"{tools}pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def test_a_worker_that_dies_leaves_nothing_undone(database: str) -> None:
    sample = commands.SAMPLE
    folder = Path(tempfile.mkdtemp(prefix="fleet"))
    folder.chmod(0o711)
    source = repository.make(folder / "source.git", read_tree(sample / "base"), "inkwell 1.0")
    model = ModelChoice(base=sample / "base", target=sample / "target", script=sample / "script.yml")
    cast = Cast("ada", "inkwell", source, model, settings={"DATABASE_URL": database})
    with Stage(cast, folder / "stage") as stage, (folder / "worker.log").open("w") as log:
        env = {"PATH": os.environ["PATH"], **stage.bot_environment(0)}
        worker = subprocess.Popen([sys.executable, "-m", "bot.cli", "worker"], env=env, stdout=log, stderr=log)
        hub = Hub(stage.api, stage.full_name, stage.token)
        try:
            who = person.Person(hub, "ada", person.load(sample / "person.yml"), lambda _words: None)
            roots = [who.open(*commands.read_issue(sample / "issues" / name)) for name in ("root.md", "tiny.md")]
            started = time.monotonic()
            while not who.finished():
                stage.check()
                who.step()
                if worker.poll() is None and any(n["attempt"] for t in stage.status()["trees"] for n in t["nodes"]):
                    worker.kill()
                assert time.monotonic() - started < LIMIT_S, stage.status()
                time.sleep(0.3)
            status = stage.status()
            states = Counter(node["state"] for tree in status["trees"] for node in tree["nodes"])
            assert set(states) == {"done", "cancelled"}
            found = outcome.count(outcome.read(hub), roots, status, stage.stats(), [stage.signing_key], stage.repo_id)
            assert found["duplicates"] == 0
            assert found["root_state"] == "closed"
        finally:
            worker.kill()
            worker.wait()
            hub.close()
    shutil.rmtree(folder)
