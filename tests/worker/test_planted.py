"""Git as an attack path: what a worker plants in its tree does no harm, and what rules forbid is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.worker.outcomes import committed, refused
from worker.intake import Change, leaves
from worker.sandbox import Result
from worker.workspace import Rules, Workspace, Workspaces

Run = Callable[..., Result]


def test_git_cannot_be_written(inside: Run, workspace: Workspace) -> None:
    attempts = ["echo x > .git/config", "echo x > .git/hooks/pre-commit", "mkdir .git/hooks", "rm -rf .git", "mv .git g", "git config a.b c",
                "mount --bind /tmp .git", "ln -sf /tmp .git/objects", "chmod 777 .git", "git commit --allow-empty -m x"]  # fmt: skip
    for attempt in attempts:
        assert not inside(attempt).ok
    before = sorted(path.name for path in workspace.git_dir.iterdir())
    assert before == ["HEAD", "ORIG_HEAD", "config", "index", "info", "objects", "refs"]
    assert list((workspace.tree / ".git").iterdir()) == []


def test_planted_configuration_runs_nothing(
    inside: Run, workspaces: Workspaces, workspace: Workspace, repo: Any, change: Change
) -> None:
    planted = """
printf '* filter=evil diff=evil merge=evil\\n' > .gitattributes
printf '[filter "evil"]\\n\\tclean = touch /workspace/RAN; tr a-z A-Z\\n[core]\\n\\tfsmonitor = touch /workspace/RAN\\n\\thooksPath = /workspace/hooks\\n' > .gitconfig
mkdir hooks; printf '#!/bin/sh\\ntouch /workspace/RAN\\n' > hooks/pre-commit; chmod +x hooks/pre-commit; cp hooks/pre-commit hooks/post-index-change
cp .gitconfig config; mkdir -p .config/git; cp .gitconfig .config/git/config
echo lower > file
"""
    assert inside(planted).ok
    result = committed(workspaces.commit(workspace, change))
    assert repo.git("show", f"{result.sha}:file") == "lower\n"
    assert not (workspace.tree / "RAN").exists()
    assert workspaces.verify(repo.mirror, result.sha, ["git status --porcelain; test ! -e RAN"])[0].output == ""


@pytest.mark.parametrize(
    "plant",
    [
        "git init -q nested && cd nested && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x",
        "git init -q nested && touch nested/f",
        "git init -q nested && printf '[core]\\n\\tfsmonitor = touch /workspace/RAN\\n' >> nested/.git/config && cd nested && git -c user.name=a -c user.email=a@b -c core.fsmonitor=false commit -q --allow-empty -m x",
        "printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = /etc\\n' > .gitmodules",
    ],
)
def test_nested_repositories_and_submodules_are_refused(
    inside: Run, workspaces: Workspaces, workspace: Workspace, repo: Any, change: Change, plant: str
) -> None:
    assert inside(plant).ok
    reason = refused(workspaces.commit(workspace, change))
    assert "submodules" in reason or "does not have a commit" in reason
    assert not (workspace.tree / "RAN").exists()
    assert repo.git("for-each-ref", "refs/branchwork") == ""


@pytest.mark.parametrize(
    ("target", "where"),
    [
        ("/etc/passwd", "l"),
        ("../outside", "l"),
        ("../../x", "d/l"),
        ("d/../../x", "l"),
        (".git/config", "l"),
        ("../.GIT/config", "d/l"),
        ("..", "l"),
    ],
)
def test_links_out_of_the_repository_are_refused(
    inside: Run, workspaces: Workspaces, workspace: Workspace, change: Change, target: str, where: str
) -> None:
    assert inside(f"mkdir -p d; ln -s {target} {where}").ok
    assert refused(workspaces.commit(workspace, change)) == f"{where} is a symbolic link out of the repository"


@pytest.mark.parametrize(
    ("path", "target", "out"),
    [
        ("l", "README.md", False),
        ("d/l", "../README.md", False),
        ("d/l", "..", False),
        ("a/b/l", "../../x/y", False),
        ("l", "", True),
        ("a/l", "./../../x", True),
    ],
)
def test_which_links_leave(path: str, target: str, out: bool) -> None:
    assert leaves(path, target) is out


@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        ("echo x >> .github/workflows/ci.yml", ".github/workflows/ci.yml is protected by .github/workflows/**"),
        ("rm .github/workflows/ci.yml", ".github/workflows/ci.yml is protected by .github/workflows/**"),
        (
            "mkdir -p .GitHub/Workflows; echo x > .GitHub/Workflows/a.yml",
            ".GitHub/Workflows/a.yml is protected by .github/workflows/**",
        ),
        ("mkdir -p db/migrations; echo x > db/migrations/1.sql", "db/migrations/1.sql is protected by migrations"),
        ("echo '*.py' >> .gitignore", ".gitignore is protected by .git*"),
        ("seq 6 | while read i; do echo $i > f$i; done", "6 files changed; at most 5 may"),
        ("head -c 70000 /dev/urandom > big", "the changed files have 70000 bytes; at most 50000 may be"),
        ("touch \"$(printf 'a\\nb')\"", "'a\\nb': control characters or bytes that are not UTF-8 in a file name"),
    ],
)
def test_rules(
    inside: Run, workspaces: Workspaces, workspace: Workspace, change: Change, plant: str, reason: str
) -> None:
    assert inside(plant).ok
    rules = Rules(protect=("migrations", ".git*"), max_files=5, max_bytes=50_000)
    if "workflows" in reason:
        rules = Rules()
    assert refused(workspaces.commit(workspace, change, rules)) == reason


def test_workflows_can_be_allowed(inside: Run, workspaces: Workspaces, workspace: Workspace, change: Change) -> None:
    inside("echo x >> .github/workflows/ci.yml")
    rules = Rules(allow=(".github/workflows/ci.yml",))
    assert committed(workspaces.commit(workspace, change, rules)).files == (".github/workflows/ci.yml",)


def test_a_bundle_beyond_the_cap_is_refused(
    inside: Run, workspaces: Workspaces, workspace: Workspace, change: Change
) -> None:
    inside("head -c 300000 /dev/urandom > big")
    assert "too large" in refused(workspaces.commit(workspace, change, Rules(max_bundle_bytes=100_000)))


def test_special_files_do_not_get_in_the_way(
    inside: Run, workspaces: Workspaces, workspace: Workspace, change: Change
) -> None:
    inside("mkfifo pipe; python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('s')\"; echo x > real")
    assert committed(workspaces.commit(workspace, change)).files == ("real",)
