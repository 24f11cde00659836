"""The commits behind a commit, which never change: a page of a long history costs no walk through all of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from localhub import libgit, libgithistory
from localhub.gitcore import SHA, GitError
from localhub.gitstore import GitRepo

HISTORIES = 32
_lock = threading.Lock()
_known: OrderedDict[tuple[Path, str, str], tuple[str, ...]] = OrderedDict()


def history(git: GitRepo, tip: str, path: str = "") -> tuple[str, ...]:
    """SHAs reachable from a commit (that touch `path`), newest first."""
    key = (git.path, tip, path)
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    found = (None if path else _continued(git, tip)) or tuple(git.log([tip], (), path=path))
    if SHA.match(tip):
        with _lock:
            _known[key] = found
            while len(_known) > HISTORIES:
                _known.popitem(last=False)
    return found


def _continued(git: GitRepo, tip: str) -> tuple[str, ...] | None:
    """The history of a commit that goes on from a known one in a straight line."""
    with _lock:
        own = [(old, shas) for (at, old, inside), shas in _known.items() if at == git.path and not inside]
    for old, shas in own[:-5:-1]:
        with suppress(libgit.Elsewhere, GitError):  # GitError: the known one is gone, as after a restored copy
            fresh = libgithistory.line(git.path, tip, [old])
            last = git.commit(fresh[-1]) if fresh else None
            if last is not None and last.parents == (old,):
                return (*fresh, *shas)
    return None
