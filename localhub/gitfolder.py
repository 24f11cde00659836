"""A bare repository as this process holds it: libgit2's handle, the refs in memory, and what waits for git's own files.

To make a file costs more than everything else that a write over the API does. So an object or a move of a ref is
appended to the repository's journal, which a `kill -9` leaves whole, and kept here; `settle` makes git's own files of
all that waits: before a git process looks, when much waits, and when localhub ends. Who reads through this module sees
what waits as well as what is in the files.

Everything here is used by one thread at a time, the one that is inside `with folder(path)`; nothing else is waited for
inside, so any thread may enter, whatever it holds.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import ConfigLevel, Option

from localhub import gitfiles, gitjournal
from localhub.growth import Growth
from localhub.refindex import RefIndex

log = logging.getLogger(__name__)

LARGE = 1024 * 1024  # bytes of an object that goes to a file of its own at once
MOST, MOST_BYTES = 4096, 32 * 1024 * 1024  # of objects that wait
HANDLES = 128

pygit2.option(Option.SET_OWNER_VALIDATION, False)
for _level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL, ConfigLevel.PROGRAMDATA):
    pygit2.settings.search_path[_level] = ""


class _Waiting(pygit2.OdbBackend):
    """The objects that wait, as libgit2 asks for them and brings them."""

    def __init__(self, home: Folder) -> None:
        super().__init__()
        self._home, self._objects = home, home.objects

    def read_cb(self, oid: Any) -> tuple[int, bytes]:
        return self._objects[str(oid)]

    def read_header_cb(self, oid: Any) -> tuple[int, int]:
        kind, content = self._objects[str(oid)]
        return kind, len(content)

    def exists_cb(self, oid: Any) -> bool:
        return str(oid) in self._objects

    def exists_prefix_cb(self, prefix: Any) -> Any:
        start = str(prefix)
        found = [start] if start in self._objects else [sha for sha in self._objects if sha.startswith(start)]
        if not found:
            raise KeyError(start)
        if len(found) > 1:
            raise ValueError(f"{start} is ambiguous")
        return pygit2.Oid(hex=found[0])

    def read_prefix_cb(self, prefix: Any) -> tuple[int, bytes, Any]:
        oid = self.exists_prefix_cb(prefix)
        return (*self._objects[str(oid)], oid)

    def write_cb(self, oid: Any, content: bytes, kind: int) -> None:
        self._home.keep(str(oid), int(kind), content)

    def refresh_cb(self) -> None:
        """What waits is always known."""

    def __iter__(self) -> Any:
        return iter([pygit2.Oid(hex=sha) for sha in self._objects])


class Folder:
    """One repository's directory; use it as a context."""

    def __init__(self, path: str) -> None:
        self._path, self._config = path, f"{path}/config"
        self._lock = threading.RLock()
        self._depth = 0
        self._place: tuple[int, int] | None = None
        self._journal: int | None = None
        self._end = 0
        self._bytes = 0
        self._moved: dict[str, str | None] = {}
        self._refs: RefIndex | None = None
        self.objects: dict[str, tuple[int, bytes]] = {}
        """Type and content of those that wait."""
        self.bases: dict[tuple[str, str], str | None] = {}
        """Merge bases of two commits, which never change."""
        self.growth = Growth()
        self.repo: Any = None
        """libgit2's handle; with functions of pygit2 that keep the interpreter's lock only."""

    def __enter__(self) -> Folder:
        self._lock.acquire()
        self._depth += 1
        if self._depth > 1:
            return self
        try:
            place = _place(self._config)
            if place != self._place:  # never looked at, or made anew
                self._open(place)
        except BaseException:
            self._depth -= 1
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._depth == 1 and (len(self.objects) > MOST or self._bytes > MOST_BYTES):
                self.settle()
        finally:
            self._depth -= 1
            self._lock.release()

    def _open(self, place: tuple[int, int]) -> None:
        self._drop()
        _make_room(self)
        self.repo = pygit2.Repository(self._path)
        self.repo.odb.add_backend(_Waiting(self), 100)
        journal = Path(self._path, gitjournal.NAME)
        records, self._end = gitjournal.read(journal.read_bytes()) if journal.exists() else ([], 0)
        for each in records:
            if isinstance(each, dict):
                self._moved |= each
            else:
                self._hold(_name(*each), *each)
        self._place = place

    def _drop(self) -> None:
        """Forget everything; what waits stays in the journal."""
        if self._journal is not None:
            os.close(self._journal)
        self._place = self._journal = self._refs = self.repo = None
        self._end = self._bytes = 0
        self._moved, self.objects, self.bases, self.growth = {}, {}, {}, Growth()

    def close_if_free(self) -> bool:
        """Settle and give the handle back; not while another thread is inside, nor when the disk refuses."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self._is_still_there():
                self.settle()
            self._drop()
        except OSError:
            log.exception("%s cannot be settled", self._path)
            return False
        finally:
            self._lock.release()
        return True

    def _is_still_there(self) -> bool:
        """Whether the directory is the one that was opened: neither removed nor made anew since."""
        try:
            return self._place == _place(self._config)
        except FileNotFoundError:
            return False

    def remove(self) -> None:
        """Delete the directory, with what waits."""
        with self._lock:
            self._drop()
            shutil.rmtree(self._path, ignore_errors=True)

    # -- objects

    def write(self, kind: int, content: bytes) -> str:
        """Keep an object; its SHA."""
        if len(content) > LARGE:
            return gitfiles.write_object(self._path, kind, content)
        sha = _name(kind, content)
        self.keep(sha, kind, content)
        return sha

    def keep(self, sha: str, kind: int, content: bytes) -> None:
        """Keep an object of this name."""
        if sha not in self.objects:
            self._append(gitjournal.written(kind, content))
            self._hold(sha, kind, content)

    def _hold(self, sha: str, kind: int, content: bytes) -> None:
        self.objects[sha] = (kind, content)
        self._bytes += len(content)

    # -- refs

    @property
    def refs(self) -> RefIndex:
        """Where refs are; moved by `move` alone."""
        if self._refs is None:
            self._refs = RefIndex(gitfiles.read_refs(self._path))
            for name, sha in self._moved.items():
                self._refs.set(name, sha)
        return self._refs

    def move(self, refs: Mapping[str, str | None]) -> None:
        """Move refs all together, wherever they were; None takes one away."""
        index = self.refs
        self._append(gitjournal.moved(refs))
        self._moved |= refs
        for name, sha in refs.items():
            index.set(name, sha)

    def forget_refs(self) -> None:
        """Another process has moved some."""
        self._refs = None

    # -- the journal

    def _append(self, record: bytes) -> None:
        if self._journal is None:
            self._journal = os.open(f"{self._path}/{gitjournal.NAME}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if os.pwrite(self._journal, record, self._end) != len(record):
            raise OSError(f"the journal of {self._path} takes no more: the disk is full")
        self._end += len(record)

    def settle(self) -> None:
        """Make git's own files of what waits."""
        if not self._end:
            return
        gitfiles.write_objects(self._path, self.objects)
        gitfiles.write_refs(self._path, self._moved, lambda sha: self._peeled(sha))
        os.truncate(f"{self._path}/{gitjournal.NAME}", 0)
        self.objects.clear()
        self._moved = {}
        self._end = self._bytes = 0

    def _peeled(self, sha: str) -> str | None:
        """What an annotated tag is of in the end; None for any other object."""
        found = self.repo[pygit2.Oid(hex=sha)]
        return str(found.peel(None).id) if isinstance(found, pygit2.Tag) else None


def _place(config: str) -> tuple[int, int]:
    """What tells a repository's directory from another of the same path."""
    about = os.stat(config)
    return about.st_ino, about.st_ctime_ns


def _name(kind: int, content: bytes) -> str:
    return hashlib.sha1(gitjournal.header(kind, content) + content).hexdigest()  # noqa: S324 (git's own)


_folders: dict[str, Folder] = {}
_open: list[Folder] = []
_guard = threading.Lock()


def folder(path: Path) -> Folder:
    """The one of this path."""
    key = str(path)
    found = _folders.get(key)
    if found is None:
        with _guard:
            found = _folders.setdefault(key, Folder(key))
    return found


def _make_room(for_: Folder) -> None:
    """Close the handle that was opened first when there are many."""
    with _guard:
        if for_ not in _open:
            _open.append(for_)
        oldest = _open.pop(0) if len(_open) > HANDLES else None
    if oldest is not None and not oldest.close_if_free():
        with _guard:
            _open.append(oldest)


def settle(path: Path) -> None:
    """Make git's own files of what waits in this repository, if it is one and anything does."""
    key = str(path)
    if (key in _folders or os.path.exists(f"{key}/{gitjournal.NAME}")) and os.path.exists(f"{key}/config"):
        with folder(path) as home:
            home.settle()


def settle_below(path: Path) -> None:
    """The same for every repository in a directory that this process has opened."""
    above = f"{path}/"
    for key in [key for key in list(_folders) if key.startswith(above)]:
        settle(Path(key))
