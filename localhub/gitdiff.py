"""Differences between commits the way GitHub tells them: one row a file, its patch from the first hunk on."""

import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from localhub.gitcore import EMPTY_TREE, text
from localhub.gitstore import GitRepo
from localhub.libgit import Elsewhere
from localhub.libgitdiff import raw, touched

PATCH_LIMIT = 1_000_000  # characters; GitHub leaves a file's patch out when it is too large
KNOWN, KNOWN_SIZE = 256, 100_000  # differences that are remembered, and the most characters of one
FEW = 50  # commits; for more of them git is quicker
STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


@dataclass(frozen=True)
class FileChange:
    """One changed file. `patch` is None for binary files, pure renames and patches too large to show."""

    path: str
    previous: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str | None = None


def changes(repo: GitRepo, old: str | None, new: str, *, patches: bool = True) -> list[FileChange]:
    """Files that differ from `old` (None: from nothing) to `new`, in git's order, renames found.

    Two commits never differ in another way than they did, so the last differences are remembered.
    """
    key = (repo.path, old or EMPTY_TREE, new, patches)
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return list(_known[key])
    found = _changes(repo, old or EMPTY_TREE, new, patches=patches)
    if sum(len(change.path) + len(change.patch or "") for change in found) <= KNOWN_SIZE:
        with _lock:
            _known[key] = tuple(found)
            while len(_known) > KNOWN:
                _known.popitem(last=False)
    return found


_lock = threading.Lock()
_known: OrderedDict[tuple[Path, str, str, bool], tuple[FileChange, ...]] = OrderedDict()


def _changes(repo: GitRepo, base: str, new: str, *, patches: bool) -> list[FileChange]:
    found = _raw(repo, base, new)
    if not patches or not found:
        return found
    sections = _sections(text(repo.git("diff-tree", "-r", "-M", "-p", "--no-color", "--no-ext-diff", base, new)))
    with_patches = []
    at = 0
    for change in found:
        count = 2 if change.status == "changed" else 1  # a change of type is told as a removal and an addition
        patch = "\n".join(part for part in sections[at : at + count] if part)
        at += count
        with_patches.append(replace(change, patch=patch if 0 < len(patch) <= PATCH_LIMIT else None))
    return with_patches


def _raw(repo: GitRepo, old: str, new: str) -> list[FileChange]:
    if not repo.extra:
        with suppress(Elsewhere):
            listed = raw(repo.path, old, new)
            return [FileChange(path, None, STATUS[letter], sha, more, less) for letter, path, sha, more, less in listed]
    rows = text(repo.git("diff-tree", "-r", "-M", "-z", "--raw", "--abbrev=40", old, new)).split("\0")
    numbers = _numbers(text(repo.git("diff-tree", "-r", "-M", "-z", "--numstat", old, new)).split("\0"))
    found = []
    at = 0
    while at < len(rows) and rows[at].startswith(":"):
        _, _, before, after, letter = rows[at].split(" ")
        moved = letter[0] in "RC"
        path, previous = (rows[at + 2], rows[at + 1]) if moved else (rows[at + 1], None)
        at += 3 if moved else 2
        added, deleted = numbers.get(path, (0, 0))
        sha = before if letter == "D" else after
        found.append(FileChange(path, previous, STATUS[letter[0]], sha, added, deleted))
    return found


def _numbers(parts: list[str]) -> dict[str, tuple[int, int]]:
    counts = {}
    at = 0
    while at < len(parts) and "\t" in parts[at]:
        added, deleted, path = parts[at].split("\t", 2)
        if path:
            at += 1
        else:  # a rename: the old and the new name follow as fields of their own
            path = parts[at + 2]
            at += 3
        counts[path] = (int(added) if added.isdigit() else 0, int(deleted) if deleted.isdigit() else 0)
    return counts


def _sections(patch: str) -> list[str]:
    """For each file of a patch, its hunks ("" when it has none)."""
    sections = []
    for part in ("\n" + patch).split("\ndiff --git ")[1:]:
        at = part.find("\n@@ ")
        sections.append(part[at + 1 :].rstrip("\n") if at >= 0 else "")
    return sections


def diff(repo: GitRepo, old: str | None, new: str) -> bytes:
    """The `.diff` of two commits."""
    return repo.git("diff-tree", "-r", "-M", "-p", "--binary", old or EMPTY_TREE, new)


def patch(repo: GitRepo, base: str, head: str) -> bytes:
    """The `.patch` of a range: one mail a commit, merges left out."""
    return repo.git("format-patch", "--stdout", "--binary", "-M", f"{base}..{head}")


def commit_patch(repo: GitRepo, sha: str) -> bytes:
    """The `.patch` of one commit."""
    return repo.git("format-patch", "--stdout", "--binary", "-M", "-1", "--root", sha)


def names(repo: GitRepo, shas: list[str]) -> dict[str, list[FileChange]]:
    """What each commit touches, by names only, in one go; merges touch nothing of their own."""
    if not repo.extra and len(shas) <= FEW:
        with suppress(Elsewhere):
            return {
                sha: [FileChange(row[1], None, STATUS[row[0]], "", 0, 0) for row in touched(repo.path, sha)]
                for sha in shas
            }
    found: dict[str, list[FileChange]] = {sha: [] for sha in shas}
    listed = "".join(f"{sha}\n" for sha in shas).encode()
    out = text(repo.git("diff-tree", "--stdin", "-r", "-M", "-z", "--root", "--name-status", stdin=listed))
    fields = iter(out.split("\0"))
    current = ""
    for mark in fields:
        if mark in found:
            current = mark
        elif mark:
            first = next(fields)
            moved = mark[0] in "RC"
            path, previous = (next(fields), first) if moved else (first, None)
            found[current].append(FileChange(path, previous, STATUS[mark[0]], "", 0, 0))
    return found
