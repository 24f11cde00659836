"""How a worker's change becomes a commit that the trusted side believes in.

In the second sandbox (`script`) hostile files meet git: a pristine GIT_DIR, no token, no network, and out comes a
bundle. Here (`take`) the bundle is data: opened without following links, unpacked into an empty quarantine
repository, checked as git checks (fsck), then by our rules; the commit object is written anew from the caller's
words, so author, message and dates are never the worker's; only then does the mirror fetch it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from pydantic import Field

from worker.git import GitError, git, make_git_dir
from worker.globs import matches
from worker.sandbox import MIB, WORKSPACE, Result
from worker.task import Frozen

WORKFLOWS = ".github/workflows/**"
LINK, SUBMODULE, NOTHING = "120000", "160000", "000000"
REF = "refs/heads/w"


class Identity(Frozen):
    """Who is written into a commit."""

    name: str = Field(pattern=r"^[^<>\x00-\x1f]+$")
    email: str = Field(pattern=r"^[^<>\s\x00-\x1f]+$")


class Change(Frozen):
    """What the caller says about a commit. The same change of the same tree gives the same SHA."""

    message: str
    author: Identity
    at: datetime = Field(description="with time zone; author and committer date")
    committer: Identity | None = None
    merge_parents: tuple[str, ...] = Field(default=(), description="further parents: the commit is a merge")
    include: tuple[str, ...] = Field(default=(), description="paths to commit even where .gitignore leaves them out")


class Rules(Frozen):
    """What a change may be."""

    protect: tuple[str, ...] = Field(default=(), description="globs that must not change")
    allow: tuple[str, ...] = Field(default=(), description="globs that may, in spite of `protect` and of workflows")
    max_files: int = 3_000
    max_bytes: int = Field(default=32 * MIB, description="of the new versions of changed files together")
    max_bundle_bytes: int = 64 * MIB


class Committed(Frozen):
    """It is in the mirror, at refs/branchwork/attempts/ID."""

    sha: str
    files: tuple[str, ...]
    added: int
    deleted: int


class Refused(Frozen):
    """It is not in the mirror; the reason is for the worker and for people."""

    reason: str


class Empty(Frozen):
    """The tree is that of the base."""


class Target(NamedTuple):
    """Where a commit belongs: the mirror, the commit it stands on, and the attempt it is of."""

    mirror: Path
    base: str
    attempt_id: str


class _Refuse(Exception):
    pass


def write_inputs(git_dir: Path, change: Change, tree: Path) -> None:
    """Message and list of files, as files: nothing of them passes through a shell."""
    present = [path for path in change.include if _is_file(tree, path)]
    (git_dir / "MESSAGE").write_text(change.message)
    (git_dir / "INCLUDE").write_bytes(b"".join(os.fsencode(path) + b"\0" for path in present))


def _is_file(tree: Path, path: str) -> bool:
    """Whether it is still a file or link, reached without a link on the way: git refuses all else, and all with it."""
    steps = [tree.joinpath(*path.split("/")[: at + 1]) for at in range(path.count("/") + 1)]
    if any(os.path.islink(step) for step in steps[:-1]) or not os.path.lexists(steps[-1]):
        return False
    mode = steps[-1].lstat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def script(base: str, change: Change, git_dir: str = "/git", tree: str = WORKSPACE) -> str:
    """The shell script of the second sandbox. Its commit only carries the tree; its words do not matter."""
    parents = (base, *change.merge_parents)
    names = "export GIT_{0}_NAME=w GIT_{0}_EMAIL=w@localhost GIT_{0}_DATE='@0 +0000'"
    empty = (
        "" if change.merge_parents else f'[ "$tree" = "$(git rev-parse {base}^{{tree}})" ] && echo EMPTY && exit 0\n'
    )
    return f"""set -eu
export GIT_DIR={quote(git_dir)} GIT_WORK_TREE={quote(tree)} GIT_LITERAL_PATHSPECS=1 GIT_NO_REPLACE_OBJECTS=1
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_ATTR_NOSYSTEM=1 LC_ALL=C.UTF-8
{names.format("AUTHOR")}
{names.format("COMMITTER")}
git read-tree {base}
git add --all -- .
[ ! -s "$GIT_DIR/INCLUDE" ] || git add --force --pathspec-from-file="$GIT_DIR/INCLUDE" --pathspec-file-nul
tree=$(git write-tree)
{empty}commit=$(git commit-tree "$tree" {" ".join(f"-p {parent}" for parent in parents)} -m w)
git update-ref {REF} "$commit"
git bundle create --quiet "$GIT_DIR/w.bundle" {REF} {" ".join(f"^{parent}" for parent in parents)}
"""


def take(target: Target, scratch: Path, result: Result, change: Change, rules: Rules) -> Committed | Refused | Empty:
    """Judge what the second sandbox left in `scratch`/git, and fetch it into the mirror if it is good."""
    if result.ok and result.output.splitlines()[-1:] == ["EMPTY"]:
        return Empty()
    if not result.ok:
        return Refused(reason=f"git could not commit the tree ({result.ending}): {result.output.strip()[-1500:]}")
    try:
        return _Intake(target, scratch / "quarantine", change, rules).run(scratch / "git")
    except _Refuse as refusal:
        return Refused(reason=str(refusal))


def read_bundle(folder: Path, limit: int) -> bytes:
    """The bundle's bytes, if it is a plain file of bounded size: a link would be someone else's repository."""
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fd = os.open("w.bundle", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    except OSError as error:
        raise _Refuse(f"the bundle cannot be opened: {error.strerror}") from error
    finally:
        os.close(at)
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1:
            raise _Refuse("the bundle is not a plain file")
        with os.fdopen(fd, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(fd)
    if len(data) > limit:
        raise _Refuse(f"the change is too large: its bundle has more than {limit} bytes")
    return data


class _Intake:
    def __init__(self, target: Target, quarantine: Path, change: Change, rules: Rules) -> None:
        self.target, self.quarantine, self.change, self.rules = target, quarantine, change, rules
        self.parents = (target.base, *change.merge_parents)

    def run(self, folder: Path) -> Committed:
        carrier, pack = self.header(read_bundle(folder, self.rules.max_bundle_bytes))
        # Shallow at the base: fsck and rev-list need not walk a history that is ours anyway.
        objects = str(self.target.mirror / "objects")
        make_git_dir(self.quarantine, self.target.base, objects, shallow=self.parents)
        try:
            self.git("unpack-objects", "-q", "--strict", stdin=pack)
            self.git("fsck", "--strict", "--no-full", "--no-dangling", "--no-reflogs", "--no-progress", carrier)
            tree, *told = self.git("log", "-n", "1", "--no-show-signature", "--format=%T %P", carrier).split()
        except GitError as error:
            raise _Refuse(f"git does not accept the change: {error}") from error
        if told != list(self.parents):
            raise _Refuse("the bundle does not hold exactly one commit on the base")
        files = self.files(tree)
        added, deleted = self.lines(tree)
        sha = self.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=self.commit_object(tree)).strip()
        self.git("update-ref", REF, sha)
        refspec = f"+{REF}:refs/branchwork/attempts/{self.target.attempt_id}"
        fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")
        git(*fetch, str(self.quarantine), refspec, git_dir=self.target.mirror)
        return Committed(sha=sha, files=files, added=added, deleted=deleted)

    def git(self, *args: str, stdin: bytes = b"") -> str:
        return git(*args, git_dir=self.quarantine, stdin=stdin).decode("utf-8", "surrogateescape")

    def header(self, bundle: bytes) -> tuple[str, bytes]:
        """The commit that a bundle brings, and its pack; git's bundle-format, version 2, and nothing fancy."""
        head, gap, pack = bundle.partition(b"\n\n")
        lines = head.decode("utf-8", "replace").split("\n")
        needs = {line[1:41] for line in lines[1:] if line.startswith("-")}
        refs = [line for line in lines[1:] if not line.startswith("-")]
        if not gap or lines[0] != "# v2 git bundle" or not needs <= set(self.parents) or len(refs) != 1:
            raise _Refuse("the bundle is not one commit on the base")
        carrier, _, ref = refs[0].partition(" ")
        if ref != REF or len(carrier) != 40 or set(carrier) - set("0123456789abcdef"):
            raise _Refuse("the bundle does not bring the branch that was asked for")
        return carrier, pack

    def files(self, tree: str) -> tuple[str, ...]:
        """The changed paths, each judged."""
        changes = list(self.changes(tree))
        if len(changes) > self.rules.max_files:
            raise _Refuse(f"{len(changes)} files changed; at most {self.rules.max_files} may")
        for mode, blob, path in changes:
            self.judge(mode, blob, path)
        asked = "".join(f"{blob}\n" for mode, blob, _ in changes if mode != NOTHING)
        sizes = self.git("cat-file", "--batch-check=%(objectsize)", stdin=asked.encode())
        total = sum(int(size) for size in sizes.split())
        if total > self.rules.max_bytes:
            raise _Refuse(f"the changed files have {total} bytes; at most {self.rules.max_bytes} may be")
        return tuple(path for _, _, path in changes)

    def changes(self, tree: str) -> Iterator[tuple[str, str, str]]:
        """(new mode, new blob, path) of each change."""
        raw = self.git("diff-tree", "-r", "-z", "--raw", "--no-renames", f"{self.target.base}^{{tree}}", tree)
        fields = raw.split("\0")
        for meta, path in zip(fields[0:-1:2], fields[1::2], strict=True):
            _, mode, _, blob, _ = meta.split(" ")
            yield mode, blob, path

    def judge(self, mode: str, blob: str, path: str) -> None:
        shown = path.encode("utf-8", "backslashreplace").decode()
        if any(ord(char) < 32 or ord(char) == 127 or 0xDC80 <= ord(char) <= 0xDCFF for char in path):
            raise _Refuse(f"{shown!r}: control characters or bytes that are not UTF-8 in a file name")
        if mode == SUBMODULE or path == ".gitmodules":
            raise _Refuse(f"{shown}: submodules and nested repositories are not allowed")
        pattern = matches(path, (WORKFLOWS, *self.rules.protect))
        if pattern is not None and matches(path, self.rules.allow) is None:
            raise _Refuse(f"{shown} is protected by {pattern}")
        if mode == LINK:
            size = int(self.git("cat-file", "-s", blob))
            if size > 4096 or leaves(path, self.git("cat-file", "blob", blob)):
                raise _Refuse(f"{shown} is a symbolic link out of the repository")

    def lines(self, tree: str) -> tuple[int, int]:
        """Lines added and deleted; binary files count none."""
        stat_args = ("--numstat", "-z", "-r", "--no-renames", "--no-ext-diff", "--no-textconv")
        out = self.git("diff-tree", *stat_args, f"{self.target.base}^{{tree}}", tree)
        rows = [row.split("\t") for row in out.split("\0") if row]
        counted = [(int(row[0]), int(row[1])) for row in rows if row[0] != "-"]
        return sum(added for added, _ in counted), sum(deleted for _, deleted in counted)

    def commit_object(self, tree: str) -> bytes:
        change = self.change
        committer = change.committer or change.author
        when = f"{int(change.at.timestamp())} +0000"
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in self.parents)]
        lines.append(f"author {change.author.name} <{change.author.email}> {when}")
        lines.append(f"committer {committer.name} <{committer.email}> {when}")
        return ("\n".join(lines) + "\n\n" + change.message.rstrip("\n") + "\n").encode()


def leaves(path: str, target: str) -> bool:
    """Whether a link at `path` could lead out of the repository, or into its .git.

    Only leading `..` are let pass: after a name, `..` would depend on whether that name is itself a link.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    ups = 0
    while ups < len(parts) and parts[ups] == "..":
        ups += 1
    rest = parts[ups:]
    depth = path.count("/")
    into_git = any(part.lower() == ".git" for part in rest)
    return not target or target.startswith("/") or ups > depth or ".." in rest or into_git
