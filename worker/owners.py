"""Which process owns what lies in a shared folder, and whether it still runs: a lock that the kernel lets go when it
dies. A process id would not do: it is given away again, lasts while nobody has reaped it, and means nothing in another
container.
"""

from __future__ import annotations

import fcntl
import os
import uuid
import weakref
from pathlib import Path


class Owners:
    """`name` is this object's own, alive from now until it is collected or its process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name = uuid.uuid4().hex
        making = folder / f".{self.name}"
        lock = os.open(making, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        weakref.finalize(self, os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        making.rename(folder / self.name)  # only now can others see it, and it is locked

    def alive(self, name: str) -> bool:
        """Whether the owner of this name still runs; False for what is no owner's name."""
        if name == self.name:
            return True
        try:
            with (self._folder / name).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except (FileNotFoundError, IsADirectoryError):
            return False
        return False

    def forget_dead(self) -> None:
        """Remove the locks of those that no longer run, when nothing of theirs is left."""
        for path in self._folder.glob("[!.]*"):
            if not self.alive(path.name):
                path.unlink(missing_ok=True)
