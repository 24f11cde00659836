"""No isolation of our own: only where the operator states that the machine itself is the disposable sandbox.

A command sees the machine's files and network. Nothing is mounted: workspace, toolchain and the rest are where they
are on the host, nothing is read-only, and `git` is told of its GIT_DIR by the environment. Limits hold as far as
control groups and rlimits go.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from worker.sandbox import Result, SandboxCommand, SandboxError, cgroups
from worker.sandbox.launch import Launcher, environment, memfd, program, result
from worker.sandbox.supervise import supervise

RUN = 'cd "$1" && exec /bin/sh "$2"'


class External:
    """Runs commands as plain processes: a clean environment, another uid than root's, limits."""

    name = "external"

    def __init__(
        self,
        *,
        the_machine_is_disposable: bool,
        uid: int = 20_000,
        gid: int = 20_000,
        groups: cgroups.Groups | None = None,
    ) -> None:
        if not the_machine_is_disposable:
            raise SandboxError("external is for disposable machines alone, and the operator must say that this is one")
        self._launcher = Launcher(uid, gid, groups)
        self._env = program("env", "coreutils")

    def path(self, source: Path, target: str) -> str:
        """Nothing is mounted."""
        return str(source)

    def run(self, command: SandboxCommand) -> Result:
        """Run it to its end."""
        with contextlib.ExitStack() as files:
            group = files.enter_context(self._launcher.group(command.limits))
            script = memfd(command.command.encode(), files)
            variables = dict(environment(command, str(command.toolchain)))
            if command.git_dir is not None and command.workspace is not None:
                variables |= {"GIT_DIR": str(command.git_dir), "GIT_WORK_TREE": str(command.workspace)}
            shell = ["/bin/sh", "-c", RUN, "run", str(command.workspace or "/"), f"/proc/self/fd/{script}"]
            ended = supervise(
                [
                    *self._launcher.chain(command, group),
                    *(self._env, "-i", *(f"{name}={value}" for name, value in variables.items())),
                    *shell,
                ],
                command.limits,
                pass_fds=(script,),
                stdin=memfd(command.stdin.encode(), files),
                disk=command.workspace if command.writable else None,
                watch_memory=group is None,
            )
            oom = ended.memory_exceeded or (group is not None and group.oom())
        return result(ended, oom=oom)
