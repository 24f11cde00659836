"""From a base commit to a commit in the mirror: real git, real sandboxes, hostile trees and hostile bundles."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from worker.intake import Change, leaves
from worker.sandbox import Result
from worker.sandbox.bubblewrap import Bubblewrap
from worker.slots import Unreachable
from worker.workspace import Committed, Empty, Refused, Rules, Workspace, Workspaces

Run = Callable[..., Result]


def committed(result: object) -> Committed:
    assert isinstance(result, Committed), result
    return result


def refused(result: object) -> str:
    assert isinstance(result, Refused), result
    return result.reason


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


def test_sweep_removes_what_is_not_kept_and_what_a_crash_left(
    workspaces: Workspaces, workspace: Workspace, repo: Any
) -> None:
    workspaces.create(repo.mirror, repo.base, "n2-a1")
    scratch = workspace.folder.parents[1] / "scratch"
    (scratch / "999999999-0/workspace").mkdir(parents=True)
    (workspace.folder.parents[1] / "slots" / "29999").write_text("999999999 crashed")
    assert workspaces.sweep(keep={"n1-a1"}) == ("n2-a1",)
    assert workspace.tree.exists()
    assert list(scratch.iterdir()) == []
    assert not (workspace.folder.parents[1] / "slots" / "29999").exists()


def test_a_failed_creation_leaves_nothing(workspaces: Workspaces, repo: Any, shared: Path) -> None:
    with pytest.raises(Exception, match="reset failed"):
        workspaces.create(repo.mirror, "f" * 40, "n9-a1")
    assert workspaces.open("n9-a1") is None
    assert [list(path.iterdir()) for path in (shared / "data").iterdir()] == [[], [], []]


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


# --- git as an attack path: what a worker plants in its tree


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


# --- a second sandbox that was taken over: what it leaves is only data


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
