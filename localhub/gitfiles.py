"""git's own files of objects and refs, written and read in bulk: few objects loose, many as a pack; refs alike."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pygit2

from localhub.gitpack import pack

FEW = 32  # objects, or refs, that get files of their own
HEADER = "# pack-refs with: peeled fully-peeled sorted "
PATIENCE = 10.0  # seconds that another process may hold packed-refs


def write_object(path: str, kind: int, content: bytes) -> str:
    """One loose object; its SHA."""
    return str(pygit2.Repository(path).write(kind, content))


def write_objects(path: str, objects: Mapping[str, tuple[int, bytes]]) -> None:
    """Files for these objects; those that are there already stay."""
    disk: Any = pygit2.Repository(path)
    fresh = {sha: each for sha, each in objects.items() if not disk.odb.exists(pygit2.Oid(hex=sha))}
    if len(fresh) <= FEW:
        for kind, content in fresh.values():
            disk.write(kind, content)
        return
    content, index = pack(fresh)
    folder = Path(path, "objects", "pack")
    folder.mkdir(exist_ok=True)
    name = f"pack-{content[-20:].hex()}"
    for suffix, raw in (("pack", content), ("idx", index)):  # git looks for the index
        made = folder / f"tmp_{secrets.token_hex(8)}"
        made.write_bytes(raw)
        made.chmod(0o444)
        made.replace(folder / f"{name}.{suffix}")


def read_refs(path: str) -> dict[str, str]:
    """Full names and what they point at."""
    found = {}
    for each in pygit2.Repository(path).references.iterator():
        try:
            found[each.name] = str(each.resolve().target)
        except KeyError:
            continue  # a symbolic ref to nothing
    return found


def write_refs(path: str, moved: Mapping[str, str | None], peeled: Callable[[str], str | None]) -> None:
    """Put refs where they are now, None taking one away; `peeled` tells what an annotated tag is of."""
    loose = dict(moved)
    if len(moved) > FEW:
        loose = {name: sha for name, sha in moved.items() if os.path.lexists(f"{path}/{name}")}
    disk: Any = pygit2.Repository(path)
    gone = [name for name, sha in loose.items() if sha is None and name in disk.references]
    with disk.transaction() as transaction:  # first, as they may be in the way of others
        for name in gone:
            transaction.lock_ref(name)
            transaction.remove(name)
    with disk.transaction() as transaction:
        for name, sha in loose.items():
            if sha is not None:
                transaction.lock_ref(name)
                transaction.set_target(name, pygit2.Oid(hex=sha))
    rest = {name: sha for name, sha in moved.items() if name not in loose}
    if rest:
        _repack(path, rest, peeled)


def _repack(path: str, moved: Mapping[str, str | None], peeled: Callable[[str], str | None]) -> None:
    """packed-refs with these moves, under the lock that git takes for it."""
    place, lock = Path(path, "packed-refs"), Path(path, "packed-refs.lock")
    end = time.monotonic() + PATIENCE
    while True:
        try:
            file = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            break
        except FileExistsError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
    try:
        with os.fdopen(file, "w") as out:
            rows = _packed(place.read_text() if place.exists() else "", peeled)
            for name, sha in moved.items():
                if sha is None:
                    rows.pop(name, None)
                else:
                    rows[name] = (sha, peeled(sha))
            out.write(HEADER + "\n")
            for name, (sha, of) in sorted(rows.items(), key=lambda row: row[0].encode()):
                out.write(f"{sha} {name}\n" + (f"^{of}\n" if of else ""))
        lock.replace(place)
    except BaseException:
        lock.unlink(missing_ok=True)
        raise


def _packed(text: str, peeled: Callable[[str], str | None]) -> dict[str, tuple[str, str | None]]:
    """The rows of packed-refs: names with what they point at and, for an annotated tag, what that is of."""
    found: dict[str, tuple[str, str | None]] = {}
    whole = "fully-peeled" in text.partition("\n")[0]
    last = ""
    for line in text.splitlines():
        if line.startswith("^"):
            found[last] = (found[last][0], line[1:])
        elif line and not line.startswith("#"):
            sha, last = line.split(" ", 1)
            found[last] = (sha, None if whole else peeled(sha))
    return found
