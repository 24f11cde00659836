"""What git does with single objects and refs, done in this process by libgit2: a git process costs milliseconds.

Only where the outcome is git's own, byte for byte. A function raises `Elsewhere` for what it leaves to git: revisions
that are more than a name or a SHA, paths with dots, histories that are not a line. Repository handles belong to one
thread each.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import ConfigLevel, ObjectType, Option

from localhub.gitcore import SHA, ZERO, Entry, GitError, RefChange

TYPES = {ObjectType.COMMIT: "commit", ObjectType.TREE: "tree", ObjectType.BLOB: "blob", ObjectType.TAG: "tag"}
HANDLES = 32
LINE = 200  # commits that are looked at for a straight line of history
_PEELED = re.compile(r"([0-9a-f]{40})(?:\^\{(tree|commit)\})?\Z")
_local = threading.local()

pygit2.option(Option.SET_OWNER_VALIDATION, False)
for _level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL, ConfigLevel.PROGRAMDATA):
    pygit2.settings.search_path[_level] = ""


class Elsewhere(Exception):
    """git itself has to do this one."""


def opened(path: Path) -> Any:
    """This thread's handle of a repository."""
    handles: dict[Path, tuple[int, Any]] = _local.__dict__.setdefault("handles", {})
    folder = os.stat(path).st_ino
    found = handles.get(path)
    if found is None or found[0] != folder:
        if len(handles) >= HANDLES:
            handles.clear()
        found = handles[path] = (folder, pygit2.Repository(str(path)))
    return found[1]


@contextmanager
def git(path: Path, what: str) -> Iterator[Any]:
    """The repository; what libgit2 refuses is a GitError."""
    try:
        yield opened(path)
    except (pygit2.GitError, KeyError, ValueError, OSError) as error:
        raise GitError([what], 128, str(error)) from error


# -- refs


def ref(path: Path, name: str) -> str | None:
    """What a ref of this full name points at."""
    try:
        return str(opened(path).lookup_reference(name).resolve().target)
    except (KeyError, ValueError, pygit2.GitError):
        return None


def head(path: Path) -> str:
    """The full name of the default branch, which need not exist."""
    with git(path, "symbolic-ref") as repo:
        return str(repo.lookup_reference("HEAD").target)


def refs(path: Path, prefixes: Sequence[str]) -> dict[str, str]:
    """Full names and what they point at, sorted; a prefix ends with a slash or is a whole name."""
    if any(set(prefix) & set("*?[") for prefix in prefixes):
        raise Elsewhere
    folders = tuple(prefix if prefix.endswith("/") else f"{prefix}/" for prefix in prefixes)
    known = _listing(path)
    if not prefixes:
        return dict(known)
    return {name: sha for name, sha in known.items() if name.startswith(folders) or name in prefixes}


_listings: dict[Path, tuple[tuple[int, int], dict[str, str]]] = {}
_listings_lock = threading.Lock()
_changes = 0


def _listing(path: Path) -> dict[str, str]:
    """All refs of a repository, from memory if they are known: a push would otherwise read a file a branch."""
    about = os.stat(path)
    place = (about.st_ino, about.st_ctime_ns)  # another one when it was made anew
    with _listings_lock:
        known, changes = _listings.get(path), _changes
        if known is not None and known[0] == place:
            return known[1]
    found = {}
    with git(path, "for-each-ref") as repo:
        for each in repo.references.iterator():
            try:
                found[each.name] = str(each.resolve().target)
            except KeyError:
                continue  # a symbolic ref to nothing
    listing = _sorted(found)
    with _listings_lock:
        if changes == _changes:  # nothing has moved while this one looked
            _listings[path] = (place, listing)
    return listing


def _sorted(found: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(found.items(), key=lambda pair: pair[0].encode()))


def forget(path: Path, moved: Mapping[str, str | None] | None = None) -> None:
    """Refs have moved: these, with where they are now, or any."""
    global _changes
    with _listings_lock:
        _changes += 1
        known = _listings.pop(path, None)
        if known is not None and moved is not None:
            after = {**known[1], **moved}
            _listings[path] = (known[0], _sorted({name: sha for name, sha in after.items() if sha is not None}))


def valid(name: str) -> bool:
    return "/" in name and bool(pygit2.reference_is_valid_name(name))


def move(path: Path, changes: Sequence[RefChange]) -> None:
    """Move refs all together or not at all; each must still be at its `old`."""
    with git(path, "update-ref") as repo:
        for change in changes:
            _check(repo, path, change)
        with repo.transaction() as transaction:
            for change in changes:
                transaction.lock_ref(change.ref)
                if (ref(path, change.ref) or ZERO) != change.old:
                    raise GitError(["update-ref"], 128, f"cannot lock ref '{change.ref}': it is not at {change.old}")
                if change.deleted:
                    transaction.remove(change.ref)
                else:
                    transaction.set_target(change.ref, pygit2.Oid(hex=change.new))
    forget(path, {change.ref: None if change.deleted else change.new for change in changes})


def _check(repo: Any, path: Path, change: RefChange) -> None:
    if change.deleted:
        return
    kind, _ = repo.odb.read_header(pygit2.Oid(hex=change.new))
    if change.ref.startswith("refs/heads/") and kind != ObjectType.COMMIT:
        raise GitError(["update-ref"], 128, f"{change.new} is no commit")
    if not change.created:
        return
    parts = change.ref.split("/")
    above = ["/".join(parts[:count]) for count in range(3, len(parts))]
    packed = path / "packed-refs"
    below = (path / change.ref).is_dir() and any(each.is_file() for each in (path / change.ref).rglob("*"))
    below = below or (packed.exists() and f" {change.ref}/" in packed.read_text(errors="replace"))
    if below or any(ref(path, name) for name in above):
        raise GitError(["update-ref"], 128, f"cannot lock ref '{change.ref}': another one is in its way")


def set_ref(path: Path, name: str, sha: str | None) -> None:
    with git(path, "update-ref") as repo:
        if sha is not None:
            repo.create_reference_direct(name, pygit2.Oid(hex=sha), True)
        elif ref(path, name) is not None:
            repo.lookup_reference(name).delete()
    forget(path, {name: sha})


# -- reading


def commit_of(path: Path, names: Sequence[str]) -> str | None:
    """The commit that the first of these names means, of those that mean one."""
    repo = opened(path)
    for name in names:
        try:
            if name.startswith("refs/"):
                found = repo[repo.lookup_reference(name).resolve().target]
            else:
                found = repo[name] if SHA.match(name) else repo.revparse_single(name)
            return str(found.peel(pygit2.Commit).id)
        except (KeyError, ValueError, pygit2.GitError):
            continue
    return None


def kinds(path: Path, names: Sequence[str]) -> list[tuple[str, str, int]]:
    """(SHA, type, size) of full refs and SHAs, these maybe peeled (`SHA^{tree}`); the type of nothing is "missing"."""
    found = []
    repo = opened(path)
    for name in names:
        match = _PEELED.match(name)
        if match is None and not name.startswith("refs/"):
            raise Elsewhere
        try:
            oid = pygit2.Oid(hex=match[1]) if match else repo.lookup_reference(name).resolve().target
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
    repo = opened(path)
    found: list[tuple[str, str, bytes] | None] = []
    for name in names:
        try:
            kind, content = repo.read(name)
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


def is_ancestor(path: Path, ancestor: str, descendant: str) -> bool:
    if not SHA.match(ancestor) or not SHA.match(descendant):
        raise Elsewhere
    with git(path, "merge-base") as repo:
        return ancestor == descendant or bool(repo.descendant_of(descendant, ancestor))


def merge_base(path: Path, one: str, other: str) -> str | None:
    if not SHA.match(one) or not SHA.match(other):
        raise Elsewhere
    with git(path, "merge-base") as repo:
        found = repo.merge_base(one, other)
        return None if found is None else str(found)


def line(path: Path, tip: str, exclude: Sequence[str]) -> list[str]:
    """The commits from `tip` down to what is reachable from `exclude`, when they are a line of a few."""
    if not exclude or not all(SHA.match(sha) for sha in (tip, *exclude)):
        raise Elsewhere
    with git(path, "rev-list") as repo:
        ends = set(exclude)
        if tip not in ends:
            bases = [repo.merge_base(tip, other) for other in exclude[:8]]
            if len(exclude) > 8 and not any(str(base) == tip for base in bases):
                raise Elsewhere
            ends |= {str(base) for base in bases if base is not None}
        found: list[str] = []
        current = tip
        while current not in ends:
            parents = repo[current].peel(pygit2.Commit).parent_ids
            found.append(current)
            if len(parents) != 1 or len(found) > LINE:
                raise Elsewhere
            current = str(parents[0])
        return found
