"""The default backend: bubblewrap in a user namespace, under a uid that owns nothing but the workspace.

Each argument stands for something that was tried and went wrong without it; `tests/worker/test_escape*.py` try it all.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from worker.sandbox import (
    TOOLCHAIN,
    WORKSPACE,
    Mount,
    Result,
    SandboxCommand,
    SandboxError,
    SandboxUnavailable,
    cgroups,
    seccomp,
)
from worker.sandbox.launch import Launcher, environment, fill, memfd, program, result
from worker.sandbox.supervise import gone, supervise

INSIDE = 1000
PASSWD = b"root:x:0:0::/root:/bin/sh\nsandbox:x:1000:1000::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
GROUP = b"root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n"
HOSTS = b"127.0.0.1 localhost sandbox\n::1 localhost\n"
# What programs of /usr look for in /etc, as globs: public on every machine.
ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "ssl/certs", "ssl/openssl.cnf", "localtime"),
    *("nsswitch.conf", "protocols", "services", "mime.types", "python3*", "java-*-openjdk"),
)
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")

# The limit on processes is set inside, where it counts the sandbox's own user namespace alone. dash says -p, bash -u.
# The command is a file, since an argument could hold 128 KiB only.
COMMAND = "/command"
END_S = 10.0
INNER = "ulimit -p {pids} 2>/dev/null || ulimit -u {pids} || exit 125; exec /bin/sh " + COMMAND


class _Fds(NamedTuple):
    """Open files that bwrap reads from, and one that it writes to."""

    args: int
    filter: int
    passwd: int
    group: int
    hosts: int
    command: int
    status: int


class Bubblewrap:
    """Runs each command in a sandbox of its own.

    Started by root, bwrap runs under the uid that owns the command's workspace (`uid` where there is none), which
    must not be root's; started by someone else, under that user's own uid.
    """

    name = "bubblewrap"

    def __init__(self, *, uid: int = 20_000, gid: int = 20_000, groups: cgroups.Groups | None = None) -> None:
        self._launcher = Launcher(uid, gid, groups)
        self._bwrap = program("bwrap", "bubblewrap")
        self._system = list(itertools.chain.from_iterable(_system()))
        self._filter = seccomp.program(shared_uid=not self._launcher.root)
        _not_ours(self._bwrap, self._launcher.uid)

    @property
    def limits_by(self) -> str:
        """What holds memory and processes down on this machine."""
        return self._launcher.groups.name

    def path(self, source: Path, target: str) -> str:
        """Everything is where its mount says."""
        return target

    def run(self, command: SandboxCommand) -> Result:
        """Run it to its end. Raises SandboxError if the sandbox itself could not be set up."""
        limits = command.limits
        with contextlib.ExitStack() as files:
            group = files.enter_context(self._launcher.group(limits))
            fds = _Fds(
                args=memfd(b"", files),
                filter=memfd(self._filter, files),
                passwd=memfd(PASSWD, files),
                group=memfd(GROUP, files),
                hosts=memfd(HOSTS, files),
                command=memfd(command.command.encode(), files),
                status=memfd(b"", files),
            )
            fill(fds.args, b"\0".join(arg.encode() for arg in self._arguments(command, fds)) + b"\0")
            # Under the other uid from before exec on: /proc/1/exe inside is the host's bwrap, and root could chmod it.
            inner = ["/bin/sh", "-c", INNER.format(pids=limits.pids)]
            ended = supervise(
                [*self._launcher.chain(command, group), self._bwrap, "--args", str(fds.args), *inner],
                limits,
                pass_fds=fds,
                stdin=memfd(command.stdin.encode(), files),
                disk=command.workspace if command.writable else None,
                watch_memory=group is None,
            )
            os.lseek(fds.status, 0, os.SEEK_SET)
            status = _status(os.read(fds.status, 65536))
            ran = "exit-code" in status
            if "child-pid" in status and not gone(status["child-pid"], END_S):
                raise SandboxError("what ran in a sandbox cannot be ended: its first process does not die")
            oom = ended.memory_exceeded or (group is not None and group.oom())
        seen = result(ended, oom=oom)
        if not (ran or seen.oom or seen.timed_out or seen.output_capped or seen.disk_full):
            raise SandboxError(
                f"bwrap could not set the sandbox up (exit code {seen.exit_code}): {seen.output[-2000:]}"
            )
        return seen

    def _arguments(self, command: SandboxCommand, fds: _Fds) -> list[str]:
        """bwrap's own arguments; they go by file descriptor, since /proc/1/cmdline can be read inside."""
        limits = command.limits
        groups: list[list[str]] = [
            ["--unshare-all", "--unshare-user", "--disable-userns", "--uid", str(INSIDE), "--gid", str(INSIDE)],
            ["--cap-drop", "ALL", "--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"],
            *(["--setenv", name, value] for name, value in environment(command, TOOLCHAIN)),
            self._system,
            ["--ro-bind-data", str(fds.passwd), "/etc/passwd", "--ro-bind-data", str(fds.group), "/etc/group"],
            ["--ro-bind-data", str(fds.hosts), "/etc/hosts", "--ro-bind-data", str(fds.command), COMMAND],
            # /dev is a tmpfs of half the machine's memory: its size cannot be set, so nothing may be written there.
            ["--proc", "/proc", "--dev", "/dev", "--size", str(limits.shm_bytes), "--perms", "1777"],
            ["--tmpfs", "/dev/shm", "--remount-ro", "/dev"],  # noqa: S108
            ["--size", str(limits.tmp_bytes), "--perms", "1777", "--tmpfs", "/tmp"],  # noqa: S108
            *_workspace(command),
            *(_bind(mount) for mount in command.mounts),
            *([_bind(Mount(source=command.toolchain, target=TOOLCHAIN))] if command.toolchain else []),
            ["--remount-ro", "/", "--chdir", WORKSPACE if command.workspace else "/"],
            ["--seccomp", str(fds.filter), "--json-status-fd", str(fds.status)],
        ]
        return list(itertools.chain.from_iterable(groups))


def _status(lines: bytes) -> dict[str, int]:
    """What bwrap reported: an object a line, of which a killed bwrap may have left the last one unfinished."""
    seen: dict[str, int] = {}
    for line in lines.splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            seen |= json.loads(line)
    return seen


def _system() -> Iterator[list[str]]:
    """/usr; /bin and the like: links into it on a merged system, folders of their own on another; a little of /etc."""
    yield ["--ro-bind", "/usr", "/usr"]
    for name in SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            yield ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            yield ["--ro-bind", str(path), str(path)]
    yield ["--perms", "0755", "--dir", "/etc"]
    for path in (path for glob in ETC for path in Path("/etc").glob(glob)):
        if path.exists():
            yield ["--ro-bind", str(path), str(path)]


def _workspace(command: SandboxCommand) -> Iterator[list[str]]:
    if command.workspace is None:
        return
    yield _bind(Mount(source=command.workspace, target=WORKSPACE, writable=command.writable))
    inside = f"{WORKSPACE}/.git"
    if command.git_dir is not None:
        yield _bind(Mount(source=command.git_dir, target=inside))
    elif command.writable or os.path.lexists(command.workspace / ".git"):
        yield ["--size", "4096", "--tmpfs", inside, "--remount-ro", inside]


def _bind(mount: Mount) -> list[str]:
    return ["--bind" if mount.writable else "--ro-bind", str(mount.source), mount.target]


def _not_ours(program: str, uid: int) -> None:
    """Through /proc/1/exe a sandbox reaches the host's bwrap, past the read-only mount: it must not be its owner."""
    info = os.stat(program)
    if info.st_uid == uid or info.st_mode & (stat.S_IWOTH | stat.S_ISUID):
        raise SandboxUnavailable(
            f"{shlex.quote(program)} must belong to root, must not be setuid and must not be writable by others: "
            "use the bubblewrap of your distribution"
        )
