"""Starting a command in bubblewrap: no network, nothing of this machine but /usr and what is mounted for it.

As root the launcher itself runs under an unprivileged uid (a process in the sandbox can open its launcher's
/proc/PID/exe), one uid for each slot, and with an empty environment (which /proc/1/environ would show).
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localhub.actions import seccomp

_FIRST_UID = 61_000
_USERS = "root:x:0:0:root:/root:/bin/sh\nrunner:x:1000:1000:runner:/home/runner:/bin/bash\n"
_GROUP = "root:x:0:\nrunner:x:1000:\n"
_HOSTS = "127.0.0.1 localhost\n::1 localhost\n"
_HOST_FILES = (
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ssl",
    "/etc/ca-certificates",
    "/etc/python3",
    "/etc/python3.11",
)
TMP, SHM = "/tmp", "/dev/shm"  # noqa: S108 - the sandbox's own
_CANARY = "localhub-canary"
INSTALL = "install bubblewrap (Debian, Ubuntu: `apt-get install bubblewrap`) and restart localhub"


@dataclass(frozen=True)
class Mount:
    """A folder or file of this machine shown at `target`; read-only unless said otherwise."""

    source: Path
    target: str
    writable: bool = False


class Sandbox:
    """A launcher with its own folder `scratch`, which must be reachable for the unprivileged uid."""

    def __init__(self, scratch: Path, toolchain: Path | None = None) -> None:
        self.scratch = scratch
        self.toolchain = toolchain.resolve() if toolchain else None
        self._healthy = False
        own_folder(scratch)
        etc = scratch / "etc"
        etc.mkdir(exist_ok=True)
        for name, text in (("passwd", _USERS), ("group", _GROUP), ("hosts", _HOSTS), (_CANARY, "secret\n")):
            (etc / name).write_text(text)
            (etc / name).chmod(0o644)
        etc.chmod(0o755)

    def environment(self) -> dict[str, str]:
        """The variables every command gets; the toolchain comes first where there is one."""
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        env = {"PATH": path, "HOME": "/home/runner", "LANG": "C.UTF-8", "TMPDIR": TMP, "USER": "runner"}
        if self.toolchain:
            env["PATH"] = f"/toolchain/bin:{path}"
            if (self.toolchain / "lib").is_dir():
                env["PYTHONPATH"] = "/toolchain/lib"
        return env

    def problem(self) -> str | None:
        """Why commands cannot be isolated here, or None; a good answer is kept."""
        if self._healthy:
            return None
        if shutil.which("bwrap") is None:
            return f"Workflow jobs run only inside bubblewrap, which is not installed: {INSTALL}."
        script = (
            'test "$(id -u)" = 1000 || exit 11; '
            'test "$(wc -l < /proc/net/route)" -le 1 || exit 12; '
            f'test ! -e "$1" || exit 13; test ! -e {self.scratch} || exit 13; '
            "if [ -d /toolchain ]; then ls /toolchain > /dev/null || exit 14; fi; exit 0"
        )
        try:
            process = self.start(["/bin/sh", "-c", script, "test", str(self.scratch / "etc" / _CANARY)], [], {}, TMP)
            output = process.communicate(timeout=20)[0].decode("utf-8", "replace").strip()
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"The self-test of the sandbox failed ({error}): {INSTALL}, or allow unprivileged user namespaces."
        if process.returncode == 0:
            self._healthy = True
            return None
        reasons = {11: "it does not drop privileges", 12: "it sees a network", 13: "it can read this machine's files"}
        reasons[14] = f"the toolchain {self.toolchain} cannot be read by other users"
        reason = reasons.get(process.returncode, output or f"exit status {process.returncode}")
        return f"The self-test of the sandbox failed: {reason}. Jobs never run without it; {INSTALL}."

    def start(
        self, command: Sequence[str], mounts: Sequence[Mount], env: Mapping[str, str], cwd: str, slot: int = 0
    ) -> subprocess.Popen[bytes]:
        """Start `command`; stdout and stderr come on one pipe. The calling thread must outlive the process.

        (bubblewrap dies with the thread that started it, not only with the process.)
        """
        handle = seccomp.descriptor()
        argv = ["bwrap", *self._arguments(mounts, env, cwd), "--seccomp", str(handle), "--", *_LIMITS, *command]
        root = os.geteuid() == 0
        try:
            return subprocess.Popen(
                [shutil.which("bwrap") or "bwrap", *argv[1:]],
                env={},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(handle,),
                start_new_session=True,
                cwd="/",
                user=_FIRST_UID + slot if root else None,
                group=_FIRST_UID + slot if root else None,
                extra_groups=[] if root else None,
            )
        finally:
            os.close(handle)

    def give(self, folder: Path, slot: int) -> None:
        """Make `folder` writable for the commands of `slot`."""
        if os.geteuid() == 0:
            os.chown(folder, _FIRST_UID + slot, _FIRST_UID + slot)

    def _arguments(self, mounts: Sequence[Mount], env: Mapping[str, str], cwd: str) -> list[str]:
        args = [
            "--unshare-all",
            "--unshare-user",
            "--disable-userns",
            "--uid",
            "1000",
            "--gid",
            "1000",
            "--cap-drop",
            "ALL",
        ]
        args += ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--ro-bind", "/usr", "/usr"]
        for link in ("/bin", "/sbin", "/lib", "/lib64"):
            if os.path.islink(link):
                args += ["--symlink", os.readlink(link), link]
            elif os.path.isdir(link):
                args += ["--ro-bind", link, link]
        for name in ("passwd", "group", "hosts"):
            args += ["--ro-bind", str(self.scratch / "etc" / name), f"/etc/{name}"]
        for path in _HOST_FILES:
            args += ["--ro-bind-try", path, path]
        args += [
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--size",
            "67108864",
            "--tmpfs",
            SHM,
            "--remount-ro",
            "/dev",
        ]
        args += ["--size", "536870912", "--tmpfs", TMP, "--dir", "/home", "--dir", "/home/runner"]
        if self.toolchain:
            args += ["--ro-bind", str(self.toolchain), "/toolchain"]
        for mount in mounts:
            args += ["--bind" if mount.writable else "--ro-bind", str(mount.source), mount.target]
        args += ["--remount-ro", "/", "--chdir", cwd, "--clearenv"]
        for name, value in {**self.environment(), **env}.items():
            args += ["--setenv", name, value]
        return args


#: Set inside, where the counts are the sandbox's own: processes, size of one file, no core dumps.
_LIMITS = ("/usr/bin/prlimit", "--nproc=1024", "--fsize=4294967296", "--core=0", "--")


def own_folder(path: Path) -> None:
    """Create `path` for us alone to write and others to pass; refuses what somebody else put there."""
    try:
        path.mkdir(mode=0o711)
    except FileExistsError:
        facts = path.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
            raise PermissionError(f"{path} exists and is not this user's folder: remove it") from None
    path.chmod(0o711)
