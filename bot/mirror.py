"""The trusted bare mirror of one repository: fetched, merged and pushed by us alone; no worker can write to it."""

from __future__ import annotations

import fcntl
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.gitrun import GitFailed, environment, git, install_askpass
from planner.facts import Diffstat

SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
PATCH_LIMIT = 60_000


@dataclass(frozen=True)
class Identity:
    """Who our commits are by: the app's bot user."""

    name: str
    email: str


class PushRefused(Exception):
    """The remote did not take it. `moved`: the branch was not where we expected it."""

    def __init__(self, reason: str, *, moved: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.moved = moved


def clear_locks(mirrors: Path) -> None:
    """Remove what git left locked when it died with an earlier process of ours: no git ever would.

    Only for the one process that works in this folder.
    """
    for mirror in mirrors.glob("*.git"):
        for lock in (*mirror.glob("*.lock"), *mirror.glob("refs/**/*.lock")):
            lock.unlink(missing_ok=True)


class Mirror:
    """Heads of the remote live in `refs/heads/*` here; what we make ourselves is kept by `refs/branchwork/*`.

    `token(write)` gives a token for git over HTTPS. Safe for threads and processes on one machine.
    """

    def __init__(self, path: Path, url: str, token: Callable[[bool], str], identity: Identity) -> None:
        self.path = path
        self._url = url
        self._token = token
        self._identity = identity
        self._turn = threading.Lock()
        self._fetched = -1.0
        self._askpass = install_askpass(path.parent)
        with self._alone():
            if not (path / "HEAD").exists():
                path.mkdir(parents=True, exist_ok=True)
                git(path.parent, "init", "-q", "--bare", str(path))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._turn, (self.path.parent / f"{self.path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _remote(self, *args: str, write: bool) -> str:
        env = environment(self._askpass, self._token(write))
        return git(self.path, *args, env=env)[1]

    # reading

    def fetch(self) -> None:
        """Bring every branch up to date. Callers that waited for someone else's fetch do not fetch again."""
        asked = time.monotonic()
        with self._alone():
            if self._fetched >= asked:
                return
            started = time.monotonic()
            self._remote(
                "fetch", "-q", "--prune", "--no-tags", "--force", self._url, "+refs/heads/*:refs/heads/*", write=False
            )
            self._fetched = started

    def head(self, branch: str) -> str | None:
        """The head of a branch as last fetched."""
        code, out = git(self.path, "rev-parse", "-q", "--verify", f"refs/heads/{branch}^{{commit}}", codes=(0, 1))
        return out.strip() if code == 0 else None

    def has(self, sha: str) -> bool:
        return SHA.fullmatch(sha) is not None and git(self.path, "cat-file", "-e", sha, codes=(0, 1, 128))[0] == 0

    def contains(self, sha: str, ancestor: str) -> bool:
        """Whether `ancestor` is part of the history of `sha`."""
        return git(self.path, "merge-base", "--is-ancestor", ancestor, sha, codes=(0, 1))[0] == 0

    def tree(self, sha: str) -> str:
        return git(self.path, "rev-parse", "--verify", f"{sha}^{{tree}}")[1].strip()

    def parents(self, sha: str) -> tuple[str, ...]:
        return tuple(git(self.path, "rev-list", "--parents", "-n", "1", sha)[1].split()[1:])

    def changed(self, base: str, head: str) -> tuple[str, ...]:
        """Paths that `head` changes since it left `base`."""
        out = git(self.path, "diff", "--name-only", "-z", "--no-renames", f"{base}...{head}")[1]
        return tuple(p for p in out.split("\0") if p)

    def diffstat(self, base: str, head: str) -> Diffstat:
        """What `head` changes since it left `base`; binary files count no lines."""
        added = deleted = 0
        files: list[str] = []
        out = git(self.path, "diff", "--numstat", "-z", "--no-renames", "--no-ext-diff", f"{base}...{head}")[1]
        for line in out.split("\0"):
            if not line:
                continue
            plus, minus, path = line.split("\t", 2)
            added += int(plus) if plus.isdigit() else 0
            deleted += int(minus) if minus.isdigit() else 0
            files.append(path.encode("utf-8", "replace").decode())
        return Diffstat(files=tuple(files), added=added, deleted=deleted)

    def patch(self, base: str, head: str, limit: int = PATCH_LIMIT) -> str:
        """The diff since `head` left `base`, cut to `limit` characters."""
        out = git(self.path, "diff", "--no-ext-diff", "--no-textconv", "--no-color", f"{base}...{head}")[1]
        out = out.encode("utf-8", "replace").decode()
        return out if len(out) <= limit else out[:limit] + f"\n[cut: {len(out) - limit} more characters]\n"

    def files(self, sha: str, folder: str) -> dict[str, str]:
        """Path → text of the regular files directly in a folder at a commit."""
        found: dict[str, str] = {}
        for line in git(self.path, "ls-tree", "-z", sha, f"{folder.rstrip('/')}/")[1].split("\0"):
            if line and line.split(" ", 1)[0] in ("100644", "100755"):
                meta, path = line.split("\t", 1)
                found[path] = git(self.path, "cat-file", "blob", meta.split(" ")[2])[1]
        return found

    # making

    def merge_tree(self, ours: str, theirs: str) -> str | None:
        """The tree of a merge, None when it conflicts."""
        code, out = git(self.path, "merge-tree", "--write-tree", "--no-messages", ours, theirs, codes=(0, 1))
        return out.split("\n", 1)[0].strip() if code == 0 else None

    def commit(self, tree: str, parents: tuple[str, ...], message: str) -> str:
        """A commit of ours. Its dates come from its newest parent, so that making it again makes the same commit."""
        newest = max(int(git(self.path, "show", "-s", "--format=%ct", p)[1]) for p in parents)
        who = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (
                ("NAME", self._identity.name),
                ("EMAIL", self._identity.email),
                ("DATE", f"{newest + 1} +0000"),
            )
        }
        args = [word for parent in parents for word in ("-p", parent)]
        env = environment(extra=who)
        return git(self.path, "commit-tree", tree, *args, env=env, stdin=message.encode())[1].strip()

    def merge(self, ours: str, theirs: str, message: str) -> str | None:
        """A `--no-ff` merge of `theirs` into `ours`, None when it conflicts."""
        tree = self.merge_tree(ours, theirs)
        return None if tree is None else self.commit(tree, (ours, theirs), message)

    def keep(self, name: str, sha: str) -> None:
        """Hold on to a commit of ours that no branch reaches."""
        git(self.path, "update-ref", f"refs/branchwork/{name}", sha)

    def push(self, branch: str, sha: str, expect: str | None) -> None:
        """Move the remote's branch from `expect` (None: it must not exist) to `sha`.

        A fast-forward unless the caller made `sha` otherwise; the lease holds the expected old value in each case.
        Raises `PushRefused`.
        """
        lease = f"--force-with-lease=refs/heads/{branch}:{expect or ''}"
        try:
            with self._alone():
                refspec = f"{sha}:refs/heads/{branch}"
                self._remote("push", "-q", "--no-verify", lease, self._url, refspec, write=True)
                git(self.path, "update-ref", f"refs/heads/{branch}", sha)
        except GitFailed as error:
            raise _refusal(error) from error

    def holds_others(self, branch: str) -> bool:
        """Whether somebody else's commit is on this branch and on no other: deleting it would lose their work."""
        if self.head(branch) is None:
            return False
        here = f"refs/heads/{branch}"
        out = git(self.path, "log", "--format=%ce", here, "--not", f"--exclude={branch}", "--branches")[1]
        return any(mail != self._identity.email for mail in out.split())

    def delete(self, branch: str) -> None:
        """Delete the remote's branch, if it is there and still where it was last seen. Raises `PushRefused`.

        A push costs none of the REST points that a call to delete a ref costs.
        """
        seen = self.head(branch)
        if seen is None:
            return
        lease = f"--force-with-lease=refs/heads/{branch}:{seen}"
        try:
            with self._alone():
                self._remote("push", "-q", "--no-verify", lease, self._url, f":refs/heads/{branch}", write=True)
                git(self.path, "update-ref", "-d", f"refs/heads/{branch}")
        except GitFailed as error:
            raise _refusal(error) from error


def _refusal(error: GitFailed) -> Exception:
    """A `PushRefused` when the remote said no to this branch, else the error itself."""
    text = error.stderr
    if re.search(r"\[rejected\]|stale info|non-fast-forward|fetch first|cannot lock ref|failed to push", text) is None:
        return error
    if "[remote rejected]" in text and "cannot lock ref" not in text:
        lines = [line for line in text.splitlines() if "remote" in line]
        return PushRefused("; ".join(lines)[-1000:], moved=False)
    return PushRefused(text.strip()[-1000:], moved=True)
