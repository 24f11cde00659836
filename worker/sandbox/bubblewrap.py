"""The default backend: bubblewrap in a user namespace, under a uid that owns nothing but the workspace.

Each argument stands for something that was tried and went wrong without it; `tests/worker/test_escape.py` tries it all.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import shutil
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
from worker.sandbox.supervise import supervise

INSIDE = 1000
PASSWD = b"root:x:0:0::/root:/bin/sh\nsandbox:x:1000:1000::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
GROUP = b"root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n"
HOSTS = b"127.0.0.1 localhost sandbox\n::1 localhost\n"
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "ssl/certs", "ssl/openssl.cnf", "localtime")
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
PATH = "/usr/local/bin:/usr/bin:/bin"

# Joins the control groups named after "--", sets limits that each process inherits, then becomes the rest.
LAUNCH = """
while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift
ulimit -c 0 && ulimit -f "$1" && ulimit -n "$2" && ulimit -d "$3" || exit 125
shift 3
exec "$@"
"""
# The limit on processes is set inside, where it counts the sandbox's own user namespace alone. dash says -p, bash -u.
INNER = 'ulimit -p {pids} 2>/dev/null || ulimit -u {pids} || exit 125; exec /bin/sh -c "$0"'


class _Fds(NamedTuple):
    """Open files that bwrap reads from, and one that it writes to."""

    args: int
    filter: int
    passwd: int
    group: int
    hosts: int
    status: int


class Bubblewrap:
    """Runs each command in a sandbox of its own.

    Started by root, bwrap runs under the uid that owns the command's workspace (`uid` where there is none), which
    must not be root's; started by someone else, under that user's own uid.
    """

    name = "bubblewrap"

    def __init__(self, *, uid: int = 20_000, gid: int = 20_000, groups: cgroups.Groups | None = None) -> None:
        self._root = os.geteuid() == 0
        self._uid, self._gid = (uid, gid) if self._root else (os.geteuid(), os.getegid())
        self._bwrap = _program("bwrap", "bubblewrap")
        self._setpriv = _program("setpriv", "util-linux") if self._root else ""
        self._groups = groups if groups is not None else cgroups.detect()
        self._filter = seccomp.program(shared_uid=not self._root)
        _not_ours(self._bwrap, self._uid)

    @property
    def limits_by(self) -> str:
        """What holds memory and processes down on this machine."""
        return self._groups.name

    def run(self, command: SandboxCommand) -> Result:
        """Run it to its end. Raises SandboxError if the sandbox itself could not be set up."""
        uid = self._owner(command.workspace)
        limits = command.limits
        group = self._groups.open(limits)
        try:
            with contextlib.ExitStack() as files:
                fds = _Fds(
                    args=_memfd(b"", files),
                    filter=_memfd(self._filter, files),
                    passwd=_memfd(PASSWD, files),
                    group=_memfd(GROUP, files),
                    hosts=_memfd(HOSTS, files),
                    status=_memfd(b"", files),
                )
                _fill(fds.args, b"\0".join(arg.encode() for arg in self._arguments(command, fds)) + b"\0")
                ended = supervise(
                    self._launch(uid, command, fds.args, group),
                    limits,
                    pass_fds=fds,
                    stdin=_memfd(command.stdin.encode(), files),
                    disk=command.workspace if command.writable else None,
                    watch_memory=group is None,
                )
                os.lseek(fds.status, 0, os.SEEK_SET)
                ran = b'"exit-code"' in os.read(fds.status, 65536) or ended.timed_out or ended.output_capped
            oom = ended.memory_exceeded or (group is not None and group.oom())
        finally:
            if group is not None:
                group.close()
        output = ended.output.decode("utf-8", "replace")
        if not (ran or oom or ended.disk_full):
            raise SandboxError(f"bwrap could not set the sandbox up (exit code {ended.exit_code}): {output[-2000:]}")
        code = ended.exit_code if ended.exit_code >= 0 else 128 - ended.exit_code
        return Result(
            exit_code=code,
            output=output,
            timed_out=ended.timed_out,
            oom=oom,
            output_capped=ended.output_capped,
            disk_full=ended.disk_full,
            wall_s=ended.wall_s,
        )

    def _owner(self, workspace: Path | None) -> int:
        if not self._root or workspace is None:
            return self._uid
        uid = workspace.lstat().st_uid
        if uid == 0:
            raise SandboxError(f"{workspace} belongs to root: give it to the uid that its commands are to run under")
        return uid

    def _launch(self, uid: int, command: SandboxCommand, args_fd: int, group: cgroups.Group | None) -> list[str]:
        """The chain of programs: limits, then another uid, then bwrap, each with an empty environment."""
        limits = command.limits
        join = [str(path) for path in group.join] if group is not None else []
        # RLIMIT_DATA holds for each process by itself: the only one of its kind that node and Java can live with.
        kib = str(limits.memory_bytes // 1024)
        drop = []
        if self._root:
            # Before exec: /proc/1/exe inside is the host's bwrap, and root's sandbox could chmod it.
            drop = [self._setpriv, f"--reuid={uid}", f"--regid={self._gid}", "--clear-groups", "--inh-caps=-all"]
            drop += ["--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs"]
        launch = ["/bin/sh", "-c", LAUNCH, "launch", *join, "--", str(limits.file_bytes // 512), str(limits.open_files)]
        inner = ["/bin/sh", "-c", INNER.format(pids=limits.pids), command.command]
        return [*launch, kib, *drop, self._bwrap, "--args", str(args_fd), *inner]

    def _arguments(self, command: SandboxCommand, fds: _Fds) -> list[str]:
        """bwrap's own arguments; they go by file descriptor, since /proc/1/cmdline can be read inside."""
        limits = command.limits
        groups: list[list[str]] = [
            ["--unshare-all", "--unshare-user", "--disable-userns", "--uid", str(INSIDE), "--gid", str(INSIDE)],
            ["--cap-drop", "ALL", "--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"],
            *(["--setenv", name, value] for name, value in environment(command, TOOLCHAIN)),
            ["--ro-bind", "/usr", "/usr"],
            *_system(),
            ["--perms", "0755", "--dir", "/etc"],
            *(["--ro-bind", f"/etc/{name}", f"/etc/{name}"] for name in ETC if Path("/etc", name).exists()),
            ["--ro-bind-data", str(fds.passwd), "/etc/passwd", "--ro-bind-data", str(fds.group), "/etc/group"],
            ["--ro-bind-data", str(fds.hosts), "/etc/hosts"],
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


def environment(command: SandboxCommand, toolchain: str) -> Iterator[tuple[str, str]]:
    """All that a command sees; the caller's own entries come last, so that they win."""
    yield "PATH", f"{toolchain}/bin:{PATH}" if command.toolchain else PATH
    yield "HOME", "/tmp"  # noqa: S108 - the sandbox's own
    yield "LANG", "C.UTF-8"
    yield "PYTHONPYCACHEPREFIX", "/tmp/pycache"  # noqa: S108 - keeps bytecode out of the change
    yield "GIT_OPTIONAL_LOCKS", "0"
    if command.toolchain and (command.toolchain / "lib").is_dir():
        yield "PYTHONPATH", f"{toolchain}/lib"
    yield from command.env


def _system() -> Iterator[list[str]]:
    """/bin and the like: links into /usr on a merged system, folders of their own on another."""
    for name in SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            yield ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
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


def _memfd(data: bytes, files: contextlib.ExitStack) -> int:
    fd = os.memfd_create("sandbox")
    files.callback(os.close, fd)
    _fill(fd, data)
    return fd


def _fill(fd: int, data: bytes) -> None:
    with os.fdopen(fd, "wb", closefd=False) as file:
        file.write(data)
        file.flush()
        file.seek(0)


def _program(name: str, package: str) -> str:
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin")
    if found is None:
        raise SandboxUnavailable(f"{name} is not installed. Install it: apt-get install {package}")
    return found


def _not_ours(program: str, uid: int) -> None:
    """Through /proc/1/exe a sandbox reaches the host's bwrap, past the read-only mount: it must not be its owner."""
    info = os.stat(program)
    if info.st_uid == uid or info.st_mode & (stat.S_IWOTH | stat.S_ISUID):
        raise SandboxUnavailable(
            f"{shlex.quote(program)} must belong to root, must not be setuid and must not be writable by others: "
            "use the bubblewrap of your distribution"
        )
