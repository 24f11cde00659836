"""How commits descend from each other, found in this process by libgit2 where git would find the same; see `libgit`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import SortMode

from localhub.gitcore import SHA
from localhub.gitfolder import Folder
from localhub.libgit import Elsewhere, git, inside

LINE = 200  # commits that are looked at for a straight line of history
FEW = 8  # ends of a line that are looked at one by one
BASES = 4096  # merge bases that are remembered of each repository


def is_ancestor(path: Path, ancestor: str, descendant: str) -> bool:
    if not SHA.match(ancestor) or not SHA.match(descendant):
        raise Elsewhere
    with git(path, "merge-base") as repo:
        if ancestor == descendant or _is_parent(repo, ancestor, descendant):
            return True
        return bool(repo.descendant_of(descendant, ancestor))


def _is_parent(repo: Any, one: str, other: str) -> bool:
    found = repo.get(pygit2.Oid(hex=other))
    return isinstance(found, pygit2.Commit) and any(str(parent) == one for parent in found.parent_ids)


def merge_base(path: Path, one: str, other: str) -> str | None:
    if not SHA.match(one) or not SHA.match(other):
        raise Elsewhere
    with inside(path, "merge-base") as home:
        pair = (one, other) if one < other else (other, one)
        if pair not in home.bases:
            found = _since(home, one, other) or _since(home, other, one) or _base(home.repo, one, other)
            if len(home.bases) >= BASES:
                home.bases.clear()
            home.bases[pair] = None if found is None else str(found)
            for tip, head in ((one, other), (other, one)):
                home.growth.tried(tip, head, home.bases[pair])
        return home.bases[pair]


def _since(home: Folder, tip: str, head: str) -> str | None:
    """The merge base that an earlier commit of the branch had, if nothing of what came since is the head's own.

    What a branch gets is no ancestor of what it had: as long as it is none of the commits between the old merge base
    and the head either, which must be a line, that one stays the only best of the common ancestors.
    """
    fork = home.growth.fork(tip, head)
    own = None if fork is None else _down(home.repo, head, fork)
    return fork if own is not None and not home.growth.came_since(tip, head, own) else None


def _down(repo: Any, head: str, fork: str) -> set[str] | None:
    """The commits from a head down to a fork point, when they are a line of a few."""
    found: set[str] = set()
    while head != fork:
        parents = repo[pygit2.Oid(hex=head)].peel(pygit2.Commit).parent_ids
        found.add(head)
        if len(parents) != 1 or len(found) > LINE:
            return None
        head = str(parents[0])
    return found


def _base(repo: Any, one: str, other: str) -> Any:
    """The merge base; a commit and its parent are looked at first, as what was just made is mostly asked about."""
    if one == other or _is_parent(repo, one, other):
        return repo[pygit2.Oid(hex=one)].peel(pygit2.Commit).id
    return other if _is_parent(repo, other, one) else repo.merge_base(one, other)


def line(path: Path, tip: str, exclude: Sequence[str]) -> list[str]:
    """The commits from `tip` down to what is reachable from `exclude`, when they are a line of a few."""
    if not exclude or not all(SHA.match(sha) for sha in (tip, *exclude)):
        raise Elsewhere
    with git(path, "rev-list") as repo:
        if len(exclude) > FEW:
            return _walked(repo, tip, exclude)
        ends = set(exclude)
        if tip not in ends:
            ends |= {base for base in (merge_base(path, tip, other) for other in exclude) if base is not None}
        found: list[str] = []
        current = tip
        while current not in ends:
            parents = repo[pygit2.Oid(hex=current)].peel(pygit2.Commit).parent_ids
            found.append(current)
            if len(parents) != 1 or len(found) > LINE:
                raise Elsewhere
            current = str(parents[0])
        return found


def _walked(repo: Any, tip: str, exclude: Sequence[str]) -> list[str]:
    walker = repo.walk(pygit2.Oid(hex=tip), SortMode.TOPOLOGICAL)
    for sha in exclude:
        walker.hide(pygit2.Oid(hex=sha))
    found = []
    for commit in walker:
        found.append(str(commit.id))
        if len(commit.parent_ids) != 1 or len(found) > LINE:
            raise Elsewhere
    return found


def landed(path: Path, before: str, after: str) -> dict[str, str]:
    """For each commit that a branch got when it went on, the commit of its own line that brought it, in the order of
    `git rev-list --reverse --topo-order`.

    When the line goes back to where the branch was and what it merged are lines too.
    """
    if not SHA.match(before) or not SHA.match(after):
        raise Elsewhere
    with inside(path, "rev-list") as home:
        known = home.growth.brought(before, after)
        if known is not None:
            return known
        repo = home.repo
        own: list[Any] = []
        current = after
        while current != before:
            commit = repo[pygit2.Oid(hex=current)].peel(pygit2.Commit)
            own.append(commit)
            if not commit.parent_ids or len(own) > LINE:
                raise Elsewhere
            current = str(commit.parent_ids[0])
        brought: dict[str, str] = {}
        for commit in reversed(own):
            for parent in commit.parent_ids[1:]:
                for sha in reversed(line(path, str(parent), [before])):
                    brought.setdefault(sha, str(commit.id))
            brought.setdefault(str(commit.id), str(commit.id))
        home.growth.grew(before, after, brought)
        return brought
