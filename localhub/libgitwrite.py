"""Objects written and trees merged in this process by libgit2, where git would do just that; see `libgit`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import ObjectType

from localhub.gitcore import SHA
from localhub.libgit import Elsewhere, git, inside
from localhub.libgithistory import line, merge_base


def write(path: Path, kind: ObjectType, content: bytes) -> str:
    """An object of this content, which the caller has made as git would."""
    with inside(path, "hash-object") as home:
        return home.write(kind, content)


def write_tree(path: Path, entries: Mapping[str, tuple[str, str] | None], base: str | None) -> str:
    """A new tree: `base` with each path set to (mode, SHA) or, for None, taken away."""
    nested: dict[str, Any] = {}
    for name, made in entries.items():
        parts = name.split("/")
        if not all(parts) or {".", "..", ".git"} & {part.lower() for part in parts}:
            raise Elsewhere
        place = nested
        for part in parts[:-1]:
            below = place.setdefault(part, {})
            if not isinstance(below, dict):
                raise Elsewhere  # a path below another one of the same list
            place = below
        if parts[-1] in place:
            raise Elsewhere
        place[parts[-1]] = made or ()
    if base is not None and not SHA.match(base):
        raise Elsewhere
    with git(path, "write-tree") as repo:
        top = None if base is None else repo[base].peel(pygit2.Tree)
        made_tree = _build(repo, top, nested)
        return made_tree or str(repo.TreeBuilder().write())


def _build(repo: Any, base: Any, nested: Mapping[str, Any]) -> str | None:
    """The tree with these changes, None when nothing is left in it."""
    builder = repo.TreeBuilder() if base is None else repo.TreeBuilder(base)
    for name, made in nested.items():
        there = base is not None and name in base
        if isinstance(made, dict):
            below = base[name] if there and base[name].type_str == "tree" else None
            sha, mode = _build(repo, below, made), "040000"
        else:
            mode, sha = made or ("", None)
        if sha is None:
            if there:
                builder.remove(name)
        else:
            builder.insert(name, pygit2.Oid(hex=sha), int(mode, 8))
    return str(builder.write()) if len(builder) else None


def plain_merge(path: Path, ours: str, theirs: str) -> str:
    """The tree of merging two commits that touch different files; the rest is for git's own merge.

    The merge base is the only one when their commits since then are a line, and nothing can have been renamed when
    neither side has removed anything.
    """
    base = merge_base(path, ours, theirs)
    if base is None:
        raise Elsewhere
    line(path, theirs, [base])
    with git(path, "merge-tree") as repo:
        trees = [repo[sha].peel(pygit2.Tree) for sha in (base, ours, theirs)]
        return _merged(repo, *trees)


def _merged(repo: Any, base: Any, ours: Any, theirs: Any) -> str:
    if ours.id == theirs.id or (base is not None and base.id == theirs.id):
        for side in (ours, theirs):
            _nothing_gone(repo, base, side)
        return str(ours.id)
    names = set() if base is None else {each.name for each in base}
    if any(name not in ours or name not in theirs for name in names):
        raise Elsewhere
    builder = repo.TreeBuilder(ours)
    for each in theirs:
        own, was = _row(ours, each.name), None if base is None else _row(base, each.name)
        same = own is not None and (own.id, own.filemode) == (each.id, each.filemode)
        if same or (was is not None and (was.id, was.filemode) == (each.id, each.filemode)):
            if own is not None and was is not None and own.type_str == was.type_str == "tree":
                _nothing_gone(repo, was, own)
            continue
        if own is None:
            builder.insert(each.name, each.id, each.filemode)
        elif {own.type_str, each.type_str} == {"tree"} and (was is None or was.type_str == "tree"):
            below = _merged(repo, None if was is None else repo[was.id], repo[own.id], repo[each.id])
            builder.insert(each.name, pygit2.Oid(hex=below), each.filemode)
        elif was is not None and (own.id, own.filemode) == (was.id, was.filemode):
            builder.insert(each.name, each.id, each.filemode)
        else:
            raise Elsewhere
    return str(builder.write())


def _row(tree: Any, name: str) -> Any:
    """The row of a tree, None when it has none; its own `get` would look for a path."""
    return tree[name] if name in tree else None  # noqa: SIM401


def _nothing_gone(repo: Any, base: Any, side: Any) -> None:
    """Every file of `base` is still one in `side`, whatever it holds."""
    if base is None or base.id == side.id:
        return
    for each in base:
        if each.name not in side or side[each.name].type_str != each.type_str:
            raise Elsewhere
        if each.type_str == "tree":
            _nothing_gone(repo, repo[each.id], repo[side[each.name].id])
