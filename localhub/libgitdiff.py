"""What differs between two trees, found in this process by libgit2 where git would find the same; see `libgit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import DeltaStatus, FileMode, ObjectType

from localhub.gitcore import EMPTY_TREE, SHA
from localhub.libgit import Elsewhere, git, inside
from localhub.libgithistory import LINE

LETTERS = {DeltaStatus.ADDED: "A", DeltaStatus.DELETED: "D", DeltaStatus.MODIFIED: "M"}
FILES = 300
Change = tuple[str, str, str, int, int]


def raw(path: Path, old: str, new: str, *, numbers: bool = True) -> list[Change]:
    """(letter, path, SHA, lines added, lines removed) of each changed file, when none can have been renamed."""
    if not SHA.match(old) or not SHA.match(new):
        raise Elsewhere
    with git(path, "diff-tree") as repo:
        base = None if old == EMPTY_TREE else repo[old].peel(pygit2.Tree)
        diff = _diff(base, repo[new].peel(pygit2.Tree))
        deltas = list(diff.deltas)
        letters = {each.status for each in deltas}
        links = any(FileMode.COMMIT in (each.old_file.mode, each.new_file.mode) for each in deltas)
        if {DeltaStatus.ADDED, DeltaStatus.DELETED} <= letters or not letters <= LETTERS.keys() or links:
            raise Elsewhere
        if len(deltas) > FILES:
            raise Elsewhere
        found = []
        for at, each in enumerate(deltas):
            gone = each.status == DeltaStatus.DELETED
            file = each.old_file if gone else each.new_file
            added, removed = _lines(diff[at]) if numbers else (0, 0)
            found.append((LETTERS[each.status], file.path, str(file.id), added, removed))
        return found


def _diff(base: Any, tree: Any) -> Any:
    return tree.diff_to_tree(swap=True) if base is None else base.diff_to_tree(tree)


def _lines(patch: Any) -> tuple[int, int]:
    if patch is None or patch.delta.is_binary:
        return 0, 0
    _, added, removed = patch.line_stats
    return added, removed


def touched(path: Path, sha: str) -> list[Change]:
    """What a commit changes of its one parent, by names; a merge changes nothing of its own."""
    with git(path, "diff-tree") as repo:
        commit = repo[sha].peel(pygit2.Commit)
        parents = commit.parent_ids
    if len(parents) > 1:
        return []
    return raw(path, str(parents[0]) if parents else EMPTY_TREE, sha, numbers=False)


def brings_none_above(path: Path, new: str, most: int) -> bool:
    """True when no file that `new` brings in is larger than `most` bytes, as far as a few commits tell."""
    with inside(path, "rev-list") as home:
        repo, current = home.repo, new
        for _ in range(LINE):
            if home.refs.pointed_at(current):
                return True
            for _, _, sha, _, _ in touched(path, current):
                kind, size = repo.odb.read_header(pygit2.Oid(hex=sha))
                if kind == ObjectType.BLOB and size > most:
                    return False
            parents = repo[current].peel(pygit2.Commit).parent_ids
            if len(parents) != 1:
                raise Elsewhere
            current = str(parents[0])
    raise Elsewhere
