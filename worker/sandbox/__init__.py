"""Where commands of a repository run: without network, without secrets, with limits, and gone without a trace.

A backend is one module with one class; `worker` code knows only the `Sandbox` protocol.
Paths inside are the same for every backend that isolates: the checkout at /workspace, the toolchain at /toolchain.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pydantic import Field

from worker.task import Frozen

WORKSPACE = "/workspace"
TOOLCHAIN = "/toolchain"
MIB = 1024 * 1024


class SandboxLimits(Frozen):
    """Caps of one command."""

    wall_s: float = Field(default=600, gt=0, description="then the whole tree of processes is killed")
    memory_bytes: int = Field(default=2048 * MIB, description="of all processes together")
    pids: int = 256
    open_files: int = 4096
    file_bytes: int = Field(default=1024 * MIB, description="of one file")
    tmp_bytes: int = Field(default=512 * MIB, description="of /tmp; it counts as memory")
    shm_bytes: int = 64 * MIB
    output_bytes: int = Field(default=8 * MIB, description="of stdout and stderr; a command that writes more is killed")
    min_free_bytes: int = Field(default=512 * MIB, description="a command that leaves less disk than this is killed")


class Mount(Frozen):
    """One more path of the host inside the sandbox, read-only unless it says otherwise."""

    source: Path
    target: str
    writable: bool = False


class SandboxCommand(Frozen):
    """One shell command, run at the root of the workspace."""

    command: str
    workspace: Path | None = Field(default=None, description="its owner is the uid that the command runs under")
    writable: bool = Field(default=True, description="whether the workspace is")
    git_dir: Path | None = Field(default=None, description="shown read-only as .git; without it, .git is masked")
    mounts: tuple[Mount, ...] = ()
    toolchain: Path | None = None
    env: tuple[tuple[str, str], ...] = ()
    stdin: str = ""
    limits: SandboxLimits = SandboxLimits()


class Result(Frozen):
    """What a command did. stdout and stderr are one stream; what is not UTF-8 in it is replaced."""

    exit_code: int
    output: str
    timed_out: bool = False
    oom: bool = False
    output_capped: bool = False
    disk_full: bool = False
    wall_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Ended by itself, with exit code 0, within all limits."""
        return self.exit_code == 0 and not (self.timed_out or self.oom or self.output_capped or self.disk_full)

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        if self.timed_out:
            return f"killed: time limit, after {self.wall_s:.0f} s"
        if self.oom:
            return "killed: out of memory"
        if self.output_capped:
            return "killed: too much output"
        if self.disk_full:
            return "killed: the disk is nearly full"
        return f"exit code {self.exit_code}"


class Sandbox(Protocol):
    """Runs one command at a time per call; may be called from many threads at once."""

    name: str

    def path(self, source: Path, target: str) -> str:
        """Where a command sees what is at `source` on the host and mounted at `target`."""
        ...

    def run(self, command: SandboxCommand) -> Result:
        """Run it to its end. Raises SandboxError if the sandbox itself could not be set up."""
        ...


class SandboxError(Exception):
    """The sandbox could not be built for this command; nothing was run."""


class SandboxUnavailable(SandboxError):
    """No command can run on this machine as it is; the text says what to install or set."""
