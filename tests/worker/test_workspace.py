"""From a base commit to a commit in the mirror: real git, real sandboxes, hostile trees and hostile bundles."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.worker.outcomes import committed
from worker.intake import Change
from worker.sandbox import Result
from worker.sandbox.bubblewrap import Bubblewrap
from worker.slots import Unreachable
from worker.workspace import Empty, Workspace, Workspaces

Run = Callable[..., Result]


# --- the way of a good change


def test_a_workspace_is_the_base_and_git_can_be_read_in_it(inside: Run, repo: Any) -> None:
    result = inside("git status --porcelain; git rev-parse HEAD; git log --format=%s; cat src/calc.py; git diff")
    assert result.output.splitlines()[:2] == [repo.base, "Start"]
    assert "return a + b" in result.output


def test_a_change_becomes_one_commit_in_the_callers_words(
    inside: Run, workspaces: Workspaces, workspace: Workspace, repo: Any, change: Change
) -> None:
    inside(
        "echo x >> README.md; rm src/calc.py; mkdir d; echo '#!/bin/sh' > d/run; chmod +x d/run; ln -s run d/link; echo l > x.log"
    )
    result = committed(workspaces.commit(workspace, change))
    assert result.files == ("README.md", "d/link", "d/run", "src/calc.py")
    assert (result.added, result.deleted) == (3, 2)
    assert repo.git("rev-parse", f"{result.sha}^").strip() == repo.base
    assert repo.git("rev-parse", "refs/branchwork/attempts/n1-a1").strip() == result.sha
    words = repo.git("log", "-1", "--format=%an|%ae|%cn|%at|%ct|%B", result.sha).strip()
    stamp = int(change.at.timestamp())
    assert words == f"{change.author.name}|{change.author.email}|{change.author.name}|{stamp}|{stamp}|Do the task"
    modes = {row.split("\t")[1]: row[:6] for row in repo.git("ls-tree", "-r", result.sha).splitlines()}
    assert (modes["d/run"], modes["d/link"], modes["README.md"]) == ("100755", "120000", "100644")
    repo.git("fsck", "--strict")


def test_the_same_change_committed_twice_is_the_same_commit(
    inside: Run, workspaces: Workspaces, workspace: Workspace, repo: Any, change: Change
) -> None:
    inside("echo x >> README.md")
    first = committed(workspaces.commit(workspace, change))
    assert committed(workspaces.commit(workspace, change)) == first
    other = workspaces.create(repo.mirror, repo.base, "n1-a2")
    (other.tree / "README.md").write_text("# sample\nx\n")
    assert committed(workspaces.commit(other, change)).sha == first.sha
    later = change.model_copy(update={"at": datetime(2027, 1, 1, tzinfo=UTC)})
    assert committed(workspaces.commit(workspace, later)).sha != first.sha


def test_a_tree_like_the_base_is_empty(
    inside: Run, workspaces: Workspaces, workspace: Workspace, change: Change
) -> None:
    inside("touch README.md; echo x > ignored.log; mkdir empty")
    assert workspaces.commit(workspace, change) == Empty()


def test_named_paths_are_committed_though_ignored(
    inside: Run, workspaces: Workspaces, workspace: Workspace, change: Change
) -> None:
    inside(
        "mkdir build; echo a > build/a; echo b > build/b; echo c > '*.log'; mkdir folder.log; ln -s build way; touch folder.log/x"
    )
    asked = change.model_copy(
        update={"include": ("build/a", "never-written", "*.log", "folder.log", "way/b", "build/a/x")}
    )
    assert committed(workspaces.commit(workspace, asked)).files == ("*.log", "build/a", "way")


def test_the_next_attempt_starts_from_the_last_commit(
    workspaces: Workspaces, workspace: Workspace, repo: Any, change: Change
) -> None:
    (workspace.tree / "README.md").write_text("one\n")
    first = committed(workspaces.commit(workspace, change))
    again = workspaces.create(repo.mirror, first.sha, "n1-a2")
    (again.tree / "README.md").write_text("two\n")
    second = committed(workspaces.commit(again, change))
    assert repo.git("rev-list", second.sha).split() == [second.sha, first.sha, repo.base]


def test_a_resolvers_commit_can_be_a_merge(workspaces: Workspaces, repo: Any, change: Change) -> None:
    sides = []
    for at in (1, 2):
        side = workspaces.create(repo.mirror, repo.base, f"side-{at}")
        (side.tree / "README.md").write_text(f"side {at}\n")
        sides.append(committed(workspaces.commit(side, change)).sha)
    join = workspaces.create(repo.mirror, sides[0], "join")
    (join.tree / "README.md").write_text("side 1\nside 2\n")
    result = committed(workspaces.commit(join, change.model_copy(update={"merge_parents": (sides[1],)})))
    assert repo.git("log", "-1", "--format=%P", result.sha).split() == sides


def test_commits_from_many_threads_all_arrive(workspaces: Workspaces, repo: Any, change: Change) -> None:
    def one(at: int) -> str:
        mine = workspaces.create(repo.mirror, repo.base, f"t{at}")
        (mine.tree / f"file{at}").write_text("x\n")
        return committed(workspaces.commit(mine, change)).sha

    with ThreadPoolExecutor(8) as pool:
        shas = list(pool.map(one, range(16)))
    assert len(set(shas)) == 16
    assert len(repo.git("for-each-ref", "refs/branchwork/attempts").splitlines()) == 16


# --- verification


def test_verify_runs_each_command_on_a_fresh_checkout(
    workspaces: Workspaces, workspace: Workspace, repo: Any, change: Change
) -> None:
    (workspace.tree / "README.md").write_text("mine\n")
    sha = committed(workspaces.commit(workspace, change)).sha
    commands = [
        "cat README.md; echo changed > README.md; touch left",
        "cat README.md; ls left",
        "git rev-parse HEAD",
        "exit 3",
    ]
    first, second, third, fourth = workspaces.verify(repo.mirror, sha, commands)
    assert (first.ok, first.output) == (True, "mine\n")
    assert (second.ok, second.exit_code) == (False, 2)
    assert second.output.startswith("mine\n")
    assert third.output.strip() == sha
    assert (fourth.exit_code, fourth.ending) == (3, "exit code 3")


# --- life and death of workspaces


def test_create_again_is_pristine_and_open_finds_it_as_it_is(
    workspaces: Workspaces, workspace: Workspace, repo: Any
) -> None:
    (workspace.tree / "left").write_text("x")
    assert workspaces.open("n1-a1") == workspace
    assert (workspace.tree / "left").exists()
    again = workspaces.create(repo.mirror, repo.base, "n1-a1")
    assert not (again.tree / "left").exists()
    assert workspaces.open("unknown") is None


def test_each_workspace_has_its_own_uid(workspaces: Workspaces, workspace: Workspace, repo: Any, as_root: bool) -> None:
    other = workspaces.create(repo.mirror, repo.base, "n2-a1")
    assert (other.uid != workspace.uid) == as_root
    assert other.tree.stat().st_mode & 0o077 == 0
    assert {path.lstat().st_uid for path in other.tree.rglob("*")} == {other.uid}


def test_what_a_worker_left_can_be_removed(
    inside: Run, workspaces: Workspaces, workspace: Workspace, shared: Path
) -> None:
    (shared / "keep").mkdir()
    (shared / "keep/file").write_text("x")
    deep = "import os\nfor i in range(3000):\n os.mkdir('d'); os.chdir('d')\n"
    assert inside("python3 -", stdin=deep).ok
    inside(f"mkdir locked; touch locked/f; chmod 0 locked; ln -s {shared}/keep link; mkfifo pipe; chmod 0 .")
    workspaces.remove(workspace.id)
    assert not workspace.folder.exists()
    assert (shared / "keep/file").exists()


CRASHING = """
import os, sys
from pathlib import Path
from worker.sandbox.bubblewrap import Bubblewrap
from worker.workspace import Workspaces
made = Workspaces(Path(sys.argv[1]), Bubblewrap())
made.create(Path(sys.argv[2]), sys.argv[3], "n2-a1")
with made._scratch() as scratch, made._slot(scratch.name):
    (scratch / "workspace").mkdir()
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_sweep_removes_what_a_dead_process_left_and_nothing_of_one_that_lives(
    workspaces: Workspaces, workspace: Workspace, repo: Any
) -> None:
    data = workspace.folder.parents[1]
    command = [sys.executable, "-c", CRASHING, str(data), str(repo.mirror), repo.base]
    names = ("attempts", "scratch", "slots", "owners")
    before = {name: sorted((data / name).iterdir()) for name in names}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        both = {name: sorted((data / name).iterdir()) for name in names}
        assert [len(both[name]) - len(before[name]) for name in names] == [1, 1, 2 if os.geteuid() == 0 else 0, 1]
        assert workspaces.sweep() == ()
        assert {name: sorted((data / name).iterdir()) for name in names} == both
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead and not reaped: it still has a process id
        (data / "slots" / "29999").touch()  # a crash in the middle of a claim, as files once were
        assert workspaces.sweep() == ("n2-a1",)
    assert {name: sorted((data / name).iterdir()) for name in names} == before
    assert workspace.tree.exists()


def test_a_failed_creation_leaves_nothing(workspaces: Workspaces, repo: Any, shared: Path) -> None:
    with pytest.raises(Exception, match="reset failed"):
        workspaces.create(repo.mirror, "f" * 40, "n9-a1")
    assert workspaces.open("n9-a1") is None
    left = [path for name in ("attempts", "scratch", "slots") for path in (shared / "data" / name).iterdir()]
    assert left == []


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 101, "a\n"])
def test_bad_attempt_ids_are_refused(workspaces: Workspaces, repo: Any, name: str) -> None:
    with pytest.raises(ValueError, match="no attempt id"):
        workspaces.create(repo.mirror, repo.base, name)


def test_a_data_folder_out_of_reach_is_told_at_once(
    shared: Path, repo: Any, sandbox: Bubblewrap, as_root: bool
) -> None:
    if not as_root:
        pytest.skip("an ordinary user reaches its own folders")
    (shared / "private").mkdir(mode=0o700)
    with pytest.raises(Unreachable, match=r"mode 0700.*Set DATA_DIR"):
        Workspaces(shared / "private" / "data", sandbox).create(repo.mirror, repo.base, "a")


def test_a_mirror_that_a_sandbox_could_not_read_is_told_at_once(
    workspaces: Workspaces, repo: Any, as_root: bool
) -> None:
    (repo.mirror / "objects/info/alternates").write_text("/elsewhere\n")
    with pytest.raises(ValueError, match="borrows objects"):
        workspaces.create(repo.mirror, repo.base, "a")
    (repo.mirror / "objects").chmod(0o711)
    if as_root:
        with pytest.raises(Unreachable, match=r"chmod -R o\+rX"):
            workspaces.create(repo.mirror, repo.base, "a")
