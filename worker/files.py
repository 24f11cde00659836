"""Files of a tree that a worker can write: no link is ever followed, on no step of a path.

Each folder on the way is opened relative to the one before (openat, O_NOFOLLOW), so nothing can be swapped in between,
and only plain files are read (a planted FIFO or device would hang or harm).
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from worker.messages import ToolFailure, ToolMistake
from worker.sandbox import WORKSPACE

MAX_READ = 16 * 1024 * 1024
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Files:
    """Reading and writing below one folder. What is written belongs to the folder's owner."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str) -> bytes | None:
        """The bytes of a plain file; None where there is none."""
        parts = split(path)
        try:
            with self._folder(parts, make=False) as at:
                fd = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refusal(path, error) from error
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ToolMistake(f"{path} is not a plain file")
            with os.fdopen(fd, "rb", closefd=False) as file:
                data = file.read(MAX_READ + 1)
        finally:
            os.close(fd)
        if len(data) > MAX_READ:
            raise ToolMistake(f"{path} is larger than {MAX_READ} bytes: look at it with `run`")
        return data

    def write(self, path: str, data: bytes, *, executable: bool | None = None) -> None:
        """Put a file in place, whole or not at all; `executable` None keeps what it was."""
        parts = split(path)
        try:
            with self._folder(parts, make=True) as at:
                mode = self._mode(at, parts[-1], path)
                if executable is not None:
                    mode = 0o755 if executable else 0o644
                self._replace(at, parts[-1], data, mode)
        except OSError as error:
            raise _refusal(path, error) from error

    def delete(self, path: str) -> None:
        """Remove a file or a link, and the folders that are empty then."""
        parts = split(path)
        try:
            with self._folder(parts, make=False) as at:
                os.unlink(parts[-1], dir_fd=at)
            for depth in range(len(parts) - 1, 0, -1):
                with self._folder(parts[:depth], make=False) as at:
                    os.rmdir(parts[depth - 1], dir_fd=at)
        except FileNotFoundError as error:
            raise ToolMistake(f"{path} does not exist") from error
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # else only a folder that is still in use
                raise _refusal(path, error) from error

    @contextlib.contextmanager
    def _folder(self, parts: list[str], *, make: bool) -> Iterator[int]:
        """The open folder that holds the last of `parts`."""
        fd = os.open(self._root, FOLDER)
        try:
            for part in parts[:-1]:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, 0o755, dir_fd=fd)
                        self._own(part, fd)
                inner = os.open(part, FOLDER, dir_fd=fd)
                os.close(fd)
                fd = inner
            yield fd
        finally:
            os.close(fd)

    def _mode(self, at: int, name: str, path: str) -> int:
        try:
            info = os.stat(name, dir_fd=at, follow_symlinks=False)
        except FileNotFoundError:
            return 0o644
        if not stat.S_ISREG(info.st_mode):
            kind = "a symbolic link: delete it first" if stat.S_ISLNK(info.st_mode) else "not a plain file"
            raise ToolMistake(f"{path} is {kind}")
        return 0o755 if info.st_mode & 0o100 else 0o644

    def _replace(self, at: int, name: str, data: bytes, mode: int) -> None:
        new = f".{secrets.token_hex(8)}.new"
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=at)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                os.fchmod(fd, mode)
            self._own(new, at)
            os.replace(new, name, src_dir_fd=at, dst_dir_fd=at)
        except OSError:
            os.unlink(new, dir_fd=at)
            raise

    def _own(self, name: str, at: int) -> None:
        if os.geteuid() == 0:
            owner = self._root.lstat()
            os.chown(name, owner.st_uid, owner.st_gid, dir_fd=at, follow_symlinks=False)


def split(path: str) -> list[str]:
    """The names of a path below the root; refuses everything that could mean another place."""
    text = path.removeprefix(f"{WORKSPACE}/")
    if text.startswith("/"):
        raise ToolMistake(f"{path[:200]!r} is not in {WORKSPACE}: give a path relative to it")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "\0" in text or len(text) > 1024:
        raise ToolMistake(f"{path[:200]!r} is not a path of a file in {WORKSPACE}")
    if any(part.lower() == ".git" for part in parts):
        raise ToolMistake(".git cannot be reached by this tool")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ToolMistake(f"{path[:200]!r} cannot be a file name") from error
    return parts


def _refusal(path: str, error: OSError) -> ToolMistake | ToolFailure:
    """Whose fault it is: a disk that is full or broken ends the attempt, all else is told to the model."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS):
        return ToolFailure("sandbox", f"the disk of the workspaces: {error.strerror}")
    if error.errno in (errno.ELOOP, errno.ENOTDIR):  # what O_NOFOLLOW says of a link
        return ToolMistake(f"{path}: a symbolic link or a plain file is on the way: use the real path")
    return ToolMistake(f"{path}: {error.strerror or error}")
