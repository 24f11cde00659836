"""What comes before a command, in each backend: control groups, inherited limits, another uid; and what it ended as."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from worker.sandbox import Result, SandboxCommand, SandboxError, SandboxLimits, SandboxUnavailable, cgroups
from worker.sandbox.supervise import Ended

PATH = "/usr/local/bin:/usr/bin:/bin"
TMP = "/tmp"  # noqa: S108 - in most backends the sandbox's own

# Joins the control groups named before "--", sets limits that each process inherits, then becomes the rest.
LIMIT = """
while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift
ulimit -c 0 && ulimit -f "$1" && ulimit -n "$2" && ulimit -d "$3" || exit 125
shift 3
exec "$@"
"""


class Launcher:
    """Knows the uid that commands run under and the groups that hold them.

    Started by root, it is the owner of the command's workspace (`uid` where there is none), and never root; started
    by someone else, that user.
    """

    def __init__(self, uid: int, gid: int, groups: cgroups.Groups | None) -> None:
        self.root = os.geteuid() == 0
        self.uid, self.gid = (uid, gid) if self.root else (os.geteuid(), os.getegid())
        self.groups = groups if groups is not None else cgroups.detect()
        self._setpriv = program("setpriv", "util-linux") if self.root else ""

    @contextlib.contextmanager
    def group(self, limits: SandboxLimits) -> Iterator[cgroups.Group | None]:
        """A group for one command; all that is left in it dies at the end."""
        try:
            group = self.groups.open(limits)
        except OSError as error:
            raise SandboxError(f"no control group could be made: {error}") from error
        try:
            yield group
        finally:
            if group is not None:
                _close(group)

    def chain(self, command: SandboxCommand, group: cgroups.Group | None) -> list[str]:
        """The programs, each becoming the next, that come before the backend's own."""
        limits = command.limits
        join = [str(path) for path in group.join] if group is not None else []
        # RLIMIT_DATA holds for each process by itself: the only one of its kind that node and Java can live with.
        numbers = [str(limits.file_bytes // 512), str(limits.open_files), str(limits.memory_bytes // 1024)]
        drop = []
        if self.root:
            drop = [self._setpriv, f"--reuid={self._owner(command.workspace)}", f"--regid={self.gid}", "--clear-groups"]
            drop += ["--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs"]
        return ["/bin/sh", "-c", LIMIT, "limit", *join, "--", *numbers, *drop]

    def _owner(self, workspace: Path | None) -> int:
        if workspace is None:
            return self.uid
        uid = workspace.lstat().st_uid
        if uid == 0:
            raise SandboxError(f"{workspace} belongs to root: give it to the uid that its commands are to run under")
        return uid


def _close(group: cgroups.Group) -> None:
    try:
        group.close()
    except OSError as error:
        raise SandboxError(f"what ran in a sandbox cannot be ended: {error}") from error


def environment(command: SandboxCommand, toolchain: str) -> Iterator[tuple[str, str]]:
    """All that a command sees; the caller's own entries come last, so that they win."""
    yield "PATH", f"{toolchain}/bin:{PATH}" if command.toolchain else PATH
    yield "HOME", TMP
    yield "LANG", "C.UTF-8"
    yield "PYTHONPYCACHEPREFIX", f"{TMP}/pycache"  # keeps bytecode out of the change
    yield "GIT_OPTIONAL_LOCKS", "0"
    if command.toolchain and (command.toolchain / "lib").is_dir():
        yield "PYTHONPATH", f"{toolchain}/lib"
    yield from command.env


def result(ended: Ended, *, oom: bool) -> Result:
    """What the supervisor saw, in the words of the protocol; a signal is 128 and its number, as in a shell."""
    return Result(
        exit_code=ended.exit_code if ended.exit_code >= 0 else 128 - ended.exit_code,
        output=ended.output.decode("utf-8", "replace"),
        timed_out=ended.timed_out,
        oom=oom,
        output_capped=ended.output_capped,
        disk_full=ended.disk_full,
        wall_s=ended.wall_s,
    )


def memfd(data: bytes, files: contextlib.ExitStack) -> int:
    """An open file in memory, for a child to read; closed with `files`."""
    fd = os.memfd_create("sandbox")
    files.callback(os.close, fd)
    fill(fd, data)
    return fd


def fill(fd: int, data: bytes) -> None:
    """Write it all, and go back to the start."""
    with os.fdopen(fd, "wb", closefd=False) as file:
        file.write(data)
        file.flush()
        file.seek(0)


def program(name: str, package: str) -> str:
    """Where a program is, or what to install."""
    found = shutil.which(name, path=PATH)
    if found is None:
        raise SandboxUnavailable(f"{name} is not installed. Install it: apt-get install {package}")
    return found
