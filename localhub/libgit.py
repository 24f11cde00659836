"""What git does with single objects and refs, done in this process by libgit2: a git process costs milliseconds.

Only where the outcome is git's own, byte for byte. A function raises `Elsewhere` for what it leaves to git: revisions
that are more than a name or a SHA, paths with dots, histories that are not a line. Handles, refs in memory and what
waits to be written are `gitfolder`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import ObjectType

from localhub.gitcore import SHA, ZERO, Entry, GitError, RefChange
from localhub.gitfolder import Folder, folder

TYPES = {ObjectType.COMMIT: "commit", ObjectType.TREE: "tree", ObjectType.BLOB: "blob", ObjectType.TAG: "tag"}
_PEELED = re.compile(r"([0-9a-f]{40})(?:\^\{(tree|commit)\})?\Z")
_SHORT = re.compile(r"[0-9a-f]{4,39}\Z")


class Elsewhere(Exception):
    """git itself has to do this one."""


REFUSED = (pygit2.GitError, KeyError, ValueError, OSError)


class inside:
    """The repository's folder; what libgit2 refuses is a GitError."""

    __slots__ = ("_home", "_what")

    def __init__(self, path: Path, what: str) -> None:
        self._home, self._what = folder(path), what

    def __enter__(self) -> Folder:
        try:
            return self._home.__enter__()
        except REFUSED as error:
            raise GitError([self._what], 128, str(error)) from error

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._home.__exit__(kind, error, trace)
        if isinstance(error, REFUSED):
            raise GitError([self._what], 128, str(error)) from error


class git(inside):
    """libgit2's handle of the repository, likewise."""

    __slots__ = ()

    def __enter__(self) -> Any:
        return super().__enter__().repo


# -- refs


def ref(path: Path, name: str) -> str | None:
    """What a ref of this full name points at."""
    try:
        with folder(path) as home:
            return home.refs.get(name)
    except (pygit2.GitError, OSError):
        return None


def head(path: Path) -> str:
    """The full name of the default branch, which need not exist."""
    with git(path, "symbolic-ref") as repo:
        return str(repo.lookup_reference("HEAD").target)


def refs(path: Path, prefixes: Sequence[str]) -> dict[str, str]:
    """Full names and what they point at, sorted; a prefix ends with a slash or is a whole name."""
    if any(set(prefix) & set("*?[") for prefix in prefixes):
        raise Elsewhere
    with inside(path, "for-each-ref") as home:
        return home.refs.listed(prefixes)


def refs_at(path: Path, sha: str) -> frozenset[str]:
    """The refs that point at an object."""
    with inside(path, "for-each-ref") as home:
        return home.refs.at(sha)


def forget(path: Path) -> None:
    """Another process has moved refs."""
    folder(path).forget_refs()


def valid(name: str) -> bool:
    return "/" in name and bool(pygit2.reference_is_valid_name(name))


def move(path: Path, changes: Sequence[RefChange]) -> None:
    """Move refs all together or not at all; each must still be at its `old`."""
    with inside(path, "update-ref") as home:
        for change in changes:
            _check(home, change)
            if (home.refs.get(change.ref) or ZERO) != change.old:
                raise GitError(["update-ref"], 128, f"cannot lock ref '{change.ref}': it is not at {change.old}")
        home.move({change.ref: None if change.deleted else change.new for change in changes})


def _check(home: Folder, change: RefChange) -> None:
    if change.deleted:
        return
    kind, _ = home.repo.odb.read_header(pygit2.Oid(hex=change.new))
    if change.ref.startswith("refs/heads/") and kind != ObjectType.COMMIT:
        raise GitError(["update-ref"], 128, f"{change.new} is no commit")
    if not change.created:
        return
    parts = change.ref.split("/")
    above = ["/".join(parts[:count]) for count in range(3, len(parts))]
    below = next(home.refs.below(f"{change.ref}/"), None)
    if below is not None or any(home.refs.get(name) for name in above):
        raise GitError(["update-ref"], 128, f"cannot lock ref '{change.ref}': another one is in its way")


def set_ref(path: Path, name: str, sha: str | None) -> None:
    with inside(path, "update-ref") as home:
        if sha != home.refs.get(name):
            home.move({name: sha})


# -- reading


def commit_of(path: Path, names: Sequence[str]) -> str | None:
    """The commit that the first of these names means, of those that mean one."""
    with folder(path) as home:
        for name in names:
            try:
                found = home.repo[pygit2.Oid(hex=_meant(home, name))]
                return str(found.id if isinstance(found, pygit2.Commit) else found.peel(pygit2.Commit).id)
            except (KeyError, ValueError, pygit2.GitError):
                continue
    return None


def _meant(home: Folder, name: str) -> str:
    """The SHA of a full ref, a SHA, the start of one, or what else git takes for one."""
    if SHA.match(name):
        return name
    if name.startswith("refs/") or name == "HEAD":
        at = home.refs.get(str(home.repo.lookup_reference("HEAD").target) if name == "HEAD" else name)
        if at is None:
            raise KeyError(name)
        return at
    if _SHORT.match(name):
        return str(home.repo[name].id)
    home.settle()
    return str(home.repo.revparse_single(name).id)


def kinds(path: Path, names: Sequence[str]) -> list[tuple[str, str, int]]:
    """(SHA, type, size) of full refs and SHAs, these maybe peeled (`SHA^{tree}`); the type of nothing is "missing"."""
    found = []
    with folder(path) as home:
        repo = home.repo
        for name in names:
            match = _PEELED.match(name)
            if match is None and not name.startswith("refs/"):
                raise Elsewhere
            try:
                oid = pygit2.Oid(hex=match[1] if match else _meant(home, name))
                if match and match[2]:
                    oid = repo[oid].peel(pygit2.Tree if match[2] == "tree" else pygit2.Commit).id
                kind, size = repo.odb.read_header(oid)
                found.append((str(oid), TYPES[ObjectType(kind)], int(size)))
            except (KeyError, ValueError, pygit2.GitError):
                found.append((name, "missing", 0))
    return found


def objects(path: Path, names: Sequence[str]) -> list[tuple[str, str, bytes] | None]:
    """(SHA, type, content) of SHAs."""
    if not all(SHA.match(name) for name in names):
        raise Elsewhere
    found: list[tuple[str, str, bytes] | None] = []
    with folder(path) as home:
        for name in names:
            try:
                kind, content = home.objects.get(name) or home.repo.read(pygit2.Oid(hex=name))
                found.append((name, TYPES[ObjectType(kind)], content))
            except (KeyError, pygit2.GitError):
                found.append(None)
    return found


def _entry(repo: Any, each: Any, path: str) -> Entry:
    size = repo.odb.read_header(each.id)[1] if each.type_str == "blob" else None
    return Entry(f"{int(each.filemode):06o}", each.type_str, str(each.id), size, path)


def tree(path: Path, sha: str, *, recursive: bool) -> list[Entry]:
    """The rows of a commit's or tree's tree; with `recursive`, trees below it before their rows."""
    if not SHA.match(sha):
        raise Elsewhere
    with git(path, "ls-tree") as repo:

        def rows(top: Any, prefix: str) -> Iterator[Entry]:
            for each in top:
                yield _entry(repo, each, prefix + each.name)
                if recursive and each.type_str == "tree":
                    yield from rows(repo[each.id], f"{prefix}{each.name}/")

        return list(rows(repo[sha].peel(pygit2.Tree), ""))


def entry(path: Path, commit: str, inside: str) -> Entry | None:
    """What is at a path in a commit or tree."""
    parts = inside.split("/")
    if not SHA.match(commit) or not all(parts) or {".", ".."} & set(parts):
        raise Elsewhere
    with git(path, "ls-tree") as repo:
        top = repo[commit].peel(pygit2.Tree)
        try:
            return _entry(repo, top[inside], inside)
        except KeyError:
            return None
