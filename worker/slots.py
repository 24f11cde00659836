"""Uids for workspaces. As root, each workspace gets one of its own, since the kernel counts inotify instances, pipe
pages and more per uid; as an ordinary user there is that user's only.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Callable
from pathlib import Path

from worker.git import give

FIRST_UID = 20_000
GID = 20_000
SLOTS = 10_000


class NoSlot(Exception):
    """All uids are taken."""


class Unreachable(Exception):
    """A sandbox's uid could not get at a path; the text says what to change."""


class Slots:
    """Claims are links that lead nowhere and name their owner: made in one step, by one of several processes."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder = folder
        self._owner = owner
        self._root = os.geteuid() == 0

    def claim(self, name: str) -> int:
        """The uid for what is called `name`."""
        if not self._root:
            return os.geteuid()
        for slot in range(SLOTS):
            uid = FIRST_UID + slot
            path = self._folder / str(uid)
            if os.path.lexists(path) or _known(uid):
                continue
            with contextlib.suppress(FileExistsError):
                path.symlink_to(f"{self._owner} {name}")
                return uid
        raise NoSlot(f"all {SLOTS} uids from {FIRST_UID} are taken: remove workspaces that are not needed")

    def release(self, name: str) -> None:
        """Free the uid of `name`, if it has one."""
        for path, _, claimed in self._claims():
            if claimed == name:
                path.unlink(missing_ok=True)

    def sweep(self, alive: Callable[[str], bool]) -> None:
        """Free the uids of owners that are not `alive`."""
        for path, owner, _ in self._claims():
            if not alive(owner):
                path.unlink(missing_ok=True)

    def _claims(self) -> list[tuple[Path, str, str]]:
        claims = []
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                owner, _, name = os.readlink(path).partition(" ") if path.is_symlink() else ("", "", "")
                claims.append((path, owner, name))
        return claims

    def give(self, path: Path, uid: int) -> None:
        """Make what we have built so far belong to the uid."""
        if self._root:
            give(path, uid, GID)

    def user(self, uid: int) -> tuple[int, int] | None:
        """The `user` for `git(...)` to run under the uid; None where we are that user already."""
        return (uid, GID) if self._root else None


def _known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def reachable(path: Path, uid: int) -> None:
    """Raise Unreachable if a process of `uid` cannot get to a folder of ours."""
    for folder in (path, *path.parents):
        info = folder.stat()
        if info.st_uid != uid and not info.st_mode & 0o001:
            raise Unreachable(
                f"{path} cannot be reached by the sandbox's uid {uid}, since {folder} has mode "
                f"{info.st_mode & 0o7777:04o}. Set DATA_DIR to a folder outside of it, such as /var/lib/branchwork, "
                f"or run: chmod o+x {folder}"
            )


def readable(folder: Path, uid: int) -> None:
    """Raise Unreachable if a process of `uid` cannot list a folder of ours."""
    reachable(folder, uid)
    info = folder.stat()
    if info.st_uid != uid and not info.st_mode & 0o004:
        raise Unreachable(f"{folder} cannot be read by the sandbox's uid {uid}. Run: chmod -R o+rX {folder}")
