"""A second sandbox that was taken over: what it leaves is only data, and judged as such."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from worker.intake import Change
from worker.sandbox import Result
from worker.workspace import Refused, Workspace, Workspaces

Run = Callable[..., Result]


def refused(result: object) -> str:
    assert isinstance(result, Refused), result
    return result.reason


def take_over(hostile: Any, shared: Path, workspace: Workspace, change: Change, leave: Callable[[Path], object]) -> str:
    return refused(Workspaces(shared / "data", hostile(leave)).commit(workspace, change))


def bundle(repo: Any, folder: Path, sha: str, *excluded: str, ref: str = "refs/heads/w") -> None:
    repo.git("update-ref", ref, sha)
    repo.git("bundle", "create", "-q", str(folder / "w.bundle"), ref, *(f"^{one}" for one in excluded))
    repo.git("update-ref", "-d", ref)


def commit_of(repo: Any, tree: str, *parents: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    made: str = repo.git(*who, "commit-tree", tree, *(arg for parent in parents for arg in ("-p", parent)), "-m", "x")
    return made.strip()


def raw_tree(repo: Any, *entries: tuple[str, str, str]) -> str:
    raw = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(sha) for mode, name, sha in entries)
    made: str = repo.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
    return made.strip()


def with_base(repo: Any, *entries: tuple[str, str, str]) -> str:
    """The base's tree with more in it, at the end."""
    rows = [row.split() for row in repo.git("ls-tree", repo.base).splitlines()]
    return raw_tree(repo, *((mode.lstrip("0"), name, sha) for mode, _, sha, name in rows), *entries)


def test_a_bundle_that_is_a_link_is_refused(
    hostile: Any, shared: Path, workspace: Workspace, repo: Any, change: Change
) -> None:
    tree = repo.git("rev-parse", f"{repo.base}^{{tree}}").strip()
    bundle(repo, shared, commit_of(repo, raw_tree(repo, ("40000", "dir", tree)), repo.base), repo.base)
    reason = take_over(
        hostile, shared, workspace, change, lambda git: (git / "w.bundle").symlink_to(shared / "w.bundle")
    )
    assert reason == "the bundle cannot be opened: Too many levels of symbolic links"
    reason = take_over(
        hostile, shared, workspace, change, lambda git: (git / "w.bundle").hardlink_to(shared / "w.bundle")
    )
    assert reason == "the bundle is not a plain file"


def test_a_bundle_that_is_a_repository_of_the_host_is_refused(
    hostile: Any, shared: Path, workspace: Workspace, repo: Any, change: Change
) -> None:
    reason = take_over(hostile, shared, workspace, change, lambda git: (git / "w.bundle").symlink_to(repo.mirror))
    assert reason.startswith("the bundle cannot be opened")
    assert (
        take_over(hostile, shared, workspace, change, lambda git: (git / "w.bundle").mkdir())
        == "the bundle is not a plain file"
    )


def test_a_bundle_that_is_a_pipe_or_missing_is_refused(
    hostile: Any, shared: Path, workspace: Workspace, change: Change
) -> None:
    started = time.monotonic()
    assert (
        take_over(hostile, shared, workspace, change, lambda git: os.mkfifo(git / "w.bundle"))
        == "the bundle is not a plain file"
    )
    assert (
        take_over(hostile, shared, workspace, change, lambda git: None)
        == "the bundle cannot be opened: No such file or directory"
    )
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk",
        b"# v2 git bundle\n\n",
        b"# v3 git bundle\n@object-format=sha1\n\nPACK",
        b"# v2 git bundle\nxyz refs/heads/w\n\nPACK",
    ],
)
def test_a_malformed_bundle_is_refused(
    hostile: Any, shared: Path, workspace: Workspace, change: Change, data: bytes
) -> None:
    assert "bundle" in take_over(hostile, shared, workspace, change, lambda git: (git / "w.bundle").write_bytes(data))


@pytest.mark.parametrize("name", [".git", "..", ".", "a/../b", ".GIT", "GIT~1"])
def test_a_tree_with_a_bad_entry_is_refused(
    hostile: Any, shared: Path, workspace: Workspace, repo: Any, change: Change, name: str
) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", stdin=b"evil").strip()
    sha = commit_of(repo, raw_tree(repo, ("100644", name, blob)), repo.base)
    reason = take_over(hostile, shared, workspace, change, lambda git: bundle(repo, git, sha, repo.base))
    assert reason.startswith("git does not accept the change")


def test_a_submodule_in_a_bundle_is_refused(
    hostile: Any, shared: Path, workspace: Workspace, repo: Any, change: Change
) -> None:
    sha = commit_of(repo, with_base(repo, ("160000", "sub", "1" * 40)), repo.base)
    reason = take_over(hostile, shared, workspace, change, lambda git: bundle(repo, git, sha, repo.base))
    assert reason == "sub: submodules and nested repositories are not allowed"


def test_two_commits_or_another_base_are_refused(
    hostile: Any, shared: Path, workspace: Workspace, repo: Any, change: Change
) -> None:
    tree = repo.git("rev-parse", f"{repo.base}^{{tree}}").strip()
    one = commit_of(repo, raw_tree(repo, ("40000", "a", tree)), repo.base)
    two = commit_of(repo, raw_tree(repo, ("40000", "b", tree)), one)
    orphan = commit_of(repo, raw_tree(repo, ("40000", "c", tree)))
    for sha, excluded in ((two, (repo.base,)), (two, (one,)), (orphan, (repo.base,)), (orphan, ())):
        reason = take_over(
            hostile, shared, workspace, change, lambda git, sha=sha, ex=excluded: bundle(repo, git, sha, *ex)
        )
        assert "one commit on the base" in reason or "git does not accept" in reason
    assert repo.git("for-each-ref", "refs/branchwork") == ""


def test_another_branch_than_the_one_asked_for_is_refused(
    hostile: Any, shared: Path, workspace: Workspace, repo: Any, change: Change
) -> None:
    tree = repo.git("rev-parse", f"{repo.base}^{{tree}}").strip()
    sha = commit_of(repo, raw_tree(repo, ("40000", "a", tree)), repo.base)
    reason = take_over(
        hostile, shared, workspace, change, lambda git: bundle(repo, git, sha, repo.base, ref="refs/heads/main2")
    )
    assert "the branch that was asked for" in reason


def test_a_bundle_without_its_objects_is_refused(
    hostile: Any, shared: Path, workspace: Workspace, repo: Any, change: Change
) -> None:
    sha = commit_of(repo, raw_tree(repo, ("100644", "gone", "2" * 40)), repo.base)
    reason = take_over(
        hostile, shared, workspace, change,
        lambda git: repo.git("update-ref", "refs/heads/w", repo.base) or (git / "w.bundle").write_bytes(
            f"# v2 git bundle\n-{repo.base} Start\n{sha} refs/heads/w\n\n".encode() + pack(repo, sha)
        ),
    )  # fmt: skip
    assert reason.startswith("git does not accept the change")


def pack(repo: Any, *shas: str) -> bytes:
    asked = "".join(f"{sha}\n" for sha in shas).encode()
    made: str = repo.git("pack-objects", "--stdout", "-q", stdin=asked)
    return made.encode("utf-8", "surrogateescape")
