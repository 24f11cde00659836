"""Git work against a real server: candidates, moves, heads. Tokens are nowhere to be seen."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.contract import GiveUp
from bot.gitrun import GitFailed
from bot.mirror import clear_locks
from planner.actions import BuildCandidate, DeleteBranch, EnsureBranch, MoveBranch, PrepareHead, Verify, WatchChecks
from planner.events import (
    BranchMoved,
    BranchReady,
    CandidateBuilt,
    ChecksSettled,
    HeadPrepared,
    MoveRefused,
    Verified,
)
from planner.facts import TrainItem

Pushed = Callable[..., str]
LINES = "one\ntwo\nthree\n"


def item(node: str, branch: str, sha: str) -> TrainItem:
    return TrainItem(node=node, kind="task", pull=3, branch=branch, sha=sha, title=f"Do {node}")


def candidate(*items: TrainItem) -> BuildCandidate:
    return BuildCandidate(key="c1", round=1, branch="main", train="branchwork/1/train", items=items)


def test_a_branch_is_made_once_and_deleted_once(stage: Any) -> None:
    ready = stage.event(EnsureBranch(branch="branchwork/1/slice", source="main"))
    assert ready == BranchReady(branch="branchwork/1/slice", sha=stage.gateway.branch_sha("main"))
    assert stage.event(EnsureBranch(branch="branchwork/1/slice", source="main")) == ready
    assert stage.perform(DeleteBranch(branch="branchwork/1/slice")).events == ()
    assert stage.perform(DeleteBranch(branch="branchwork/1/slice")).events == ()
    assert stage.gateway.branch_sha("branchwork/1/slice") is None
    with pytest.raises(GiveUp, match="nowhere does not exist"):
        stage.perform(EnsureBranch(branch="x", source="nowhere"))


def test_a_branch_with_a_persons_commit_is_left_alone(stage: Any, pushed: Pushed) -> None:
    sha = pushed("branchwork/1/t-a", {"mine.txt": "a person's work\n"})
    assert "left alone" in stage.perform(DeleteBranch(branch="branchwork/1/t-a")).note
    assert stage.gateway.branch_sha("branchwork/1/t-a") == sha
    stage.gateway.create_branch("kept", sha)
    stage.perform(DeleteBranch(key="k2", branch="branchwork/1/t-a"))
    assert stage.gateway.branch_sha("branchwork/1/t-a") is None, "its commit is on another branch too"


def test_a_batch_merges_what_merges(stage: Any, pushed: Pushed) -> None:
    base = stage.gateway.branch_sha("main")
    good = pushed("t1", {"b.txt": "b\n"})
    first = pushed("t2", {"a.txt": LINES.replace("two", "2")})
    rival = pushed("t3", {"a.txt": LINES.replace("two", "II")})
    moved = pushed("t4", {"c.txt": "c\n"})
    pushed("t4", {"c.txt": "cc\n"}, start="t4")
    items = (item("a", "t1", good), item("b", "t2", first), item("c", "t3", rival), item("d", "t4", moved))
    built = stage.event(candidate(*items))
    assert isinstance(built, CandidateBuilt)
    assert (built.items, built.conflicts, built.gone) == (("a", "b"), ("c",), ("d",))
    assert built.base == base
    assert not built.tested
    assert stage.gateway.branch_sha("branchwork/1/train") == built.sha
    assert stage.event(candidate(*items)) == built, "the same again makes the same commit"
    assert stage.mirror.parents(built.sha)[1] == first

    move = MoveBranch(key="m1", branch="main", expect=base, sha=built.sha)
    assert stage.event(move) == BranchMoved(branch="main", sha=built.sha)
    assert stage.event(move) == BranchMoved(branch="main", sha=built.sha), "found before it is done again"
    assert stage.gateway.branch_sha("main") == built.sha


def test_a_branch_that_somebody_moved_is_left_alone(stage: Any, pushed: Pushed) -> None:
    base = stage.gateway.branch_sha("main")
    head = pushed("t1", {"b.txt": "b\n"})
    built = stage.event(candidate(item("a", "t1", head)))
    theirs = pushed("main", {"person.txt": "mine\n"})
    refused = stage.event(MoveBranch(key="m1", branch="main", expect=base, sha=built.sha))
    assert isinstance(refused, MoveRefused)
    assert stage.gateway.branch_sha("main") == theirs


def test_a_head_is_brought_up_to_date(stage: Any, pushed: Pushed) -> None:
    head = pushed("s", {"b.txt": "b\n"})
    other = pushed("x", {"a.txt": LINES.replace("two", "2")})
    ask = PrepareHead(key="p1", pull=4, branch="s", target="main", sha=head)
    base = stage.gateway.branch_sha("main")
    assert stage.event(ask) == HeadPrepared(pull=4, sha=head, base_sha=base)
    target = pushed("main", {"a.txt": LINES.replace("two", "II")})
    prepared = stage.event(ask)
    assert prepared.changed
    assert prepared.base_sha == target
    assert stage.gateway.branch_sha("s") == prepared.sha
    assert stage.event(ask) == prepared
    conflict = stage.event(PrepareHead(key="p2", pull=5, branch="x", target="main", sha=other))
    assert conflict == HeadPrepared(pull=5, sha=other, base_sha=target, conflict=True)


def test_no_token_in_the_mirror_or_in_its_processes(stage: Any, pushed: Pushed) -> None:
    pushed("t1", {"b.txt": "b\n"})
    stage.mirror.fetch()
    token = stage.deps.gateways.git_token(stage.scope.installation, stage.scope.repo, write=False)
    found = subprocess.run(["grep", "-rlF", token, str(stage.deps.data_dir)], capture_output=True, check=False)
    assert found.stdout == b""


def test_what_a_killed_git_left_locked_is_free_after_the_start(stage: Any, pushed: Pushed) -> None:
    sha = pushed("topic", {"a.txt": "a\n"})
    stage.mirror.fetch()
    locks = [stage.mirror.path / name for name in ("refs/branchwork/kept/one.lock", "packed-refs.lock")]
    for lock in locks:
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    with pytest.raises(GitFailed, match="Another git process"):
        stage.mirror.keep("kept/one", sha)
    clear_locks(stage.mirror.path.parent)
    stage.mirror.keep("kept/one", sha)
    assert not any(lock.exists() for lock in locks)


def test_commands_run_on_the_committed_tree(stage: Any, pushed: Pushed) -> None:
    sha = pushed("t1", {"b.txt": "b\n"})
    verified = stage.event(Verify(sha=sha, commands=("test -f b.txt", "echo no >&2; exit 3")))
    assert isinstance(verified, Verified)
    assert [(r.exit_code, r.output.strip()) for r in verified.results] == [(0, ""), (3, "no")]


def test_checks_that_nothing_would_start_are_absent_at_once(stage: Any, pushed: Pushed) -> None:
    sha = pushed("t1", {"b.txt": "b\n"})
    settled = stage.event(WatchChecks(sha=sha, event="pull_request", branch="main"))
    assert settled == ChecksSettled(sha=sha, verdict="absent")


def test_the_diff_is_what_the_branch_changes(stage: Any, pushed: Pushed, clone: Path) -> None:
    sha = pushed("t1", {"b.txt": "b\n", "a.txt": LINES + "four\n"})
    stage.mirror.fetch()
    base = stage.mirror.head("main")
    diff = stage.mirror.diffstat(base, sha)
    assert (diff.files, diff.added, diff.deleted) == (("a.txt", "b.txt"), 2, 0)
    assert "+four" in stage.mirror.patch(base, sha)
    assert stage.mirror.patch(base, sha, 20).endswith("more characters]\n")
