"""Starts a sandbox's outer process, collects its output, and ends it when a limit is hit."""

from __future__ import annotations

import os
import select
import selectors
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from worker.sandbox import SandboxLimits

WATCH_S = 0.1
DRAIN_S = 2.0
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Ended:
    """What the supervisor saw."""

    exit_code: int = 0
    output: bytearray = field(default_factory=bytearray)
    timed_out: bool = False
    memory_exceeded: bool = False
    output_capped: bool = False
    disk_full: bool = False
    wall_s: float = 0.0


def supervise(
    argv: list[str],
    limits: SandboxLimits,
    *,
    pass_fds: tuple[int, ...] = (),
    stdin: int = subprocess.DEVNULL,
    disk: Path | None = None,
    watch_memory: bool = False,
) -> Ended:
    """Run `argv` with an empty environment until it ends or a limit is hit; then all of it is dead.

    `disk` is the folder whose file system must not fill up; `watch_memory` adds up the memory of the tree now and
    then, for machines without cgroups.
    """
    # bwrap's --die-with-parent watches the *thread* that started it: this one, which waits here for its end.
    with subprocess.Popen(
        argv,
        env={},
        cwd="/",
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=pass_fds,
        start_new_session=True,
    ) as process:
        return _Watch(process, limits, disk, watch_memory).until_end()


class _Watch:
    def __init__(self, process: subprocess.Popen[bytes], limits: SandboxLimits, disk: Path | None, memory: bool):
        self.process, self.limits, self.disk, self.memory = process, limits, disk, memory
        self.ended = Ended()
        self.started = time.monotonic()
        assert process.stdout is not None
        self.pipe = process.stdout.fileno()
        os.set_blocking(self.pipe, False)

    def until_end(self) -> Ended:
        pidfd = os.pidfd_open(self.process.pid)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(pidfd, selectors.EVENT_READ)
                selector.register(self.pipe, selectors.EVENT_READ)
                self._loop(selector, pidfd)
        finally:
            self._kill()
            os.close(pidfd)
        self.ended.exit_code = self.process.wait()
        self.ended.wall_s = time.monotonic() - self.started
        return self.ended

    def _loop(self, selector: selectors.BaseSelector, pidfd: int) -> None:
        next_watch = self.started + WATCH_S
        dead_since: float | None = None
        open_pipe = True
        while open_pipe or dead_since is None:
            for key, _ in selector.select(WATCH_S if dead_since is None else 0.01):
                if key.fd == pidfd:
                    dead_since = time.monotonic()
                    selector.unregister(pidfd)
                elif not self._read():
                    open_pipe = False
                    selector.unregister(self.pipe)
            now = time.monotonic()
            if dead_since is not None and now - dead_since > DRAIN_S:
                return
            if dead_since is None and (self._over(now) or (now >= next_watch and self._watch())):
                self._kill()
            if now >= next_watch:
                next_watch = now + WATCH_S

    def _read(self) -> bool:
        """Take what is there; False at the end of the stream."""
        try:
            data = os.read(self.pipe, 65536)
        except BlockingIOError:
            return True
        room = self.limits.output_bytes - len(self.ended.output)
        self.ended.output += data[:room]
        self.ended.output_capped = self.ended.output_capped or len(data) > room
        return bool(data)

    def _over(self, now: float) -> bool:
        if now - self.started >= self.limits.wall_s:
            self.ended.timed_out = True
        return self.ended.timed_out or self.ended.output_capped

    def _watch(self) -> bool:
        if self.disk is not None and shutil.disk_usage(self.disk).free < self.limits.min_free_bytes:
            self.ended.disk_full = True
        if self.memory and tree_memory(self.process.pid) > self.limits.memory_bytes:
            self.ended.memory_exceeded = True
        return self.ended.disk_full or self.ended.memory_exceeded

    def _kill(self) -> None:
        """The outer process; its death takes the sandbox's first process along, and that the whole pid namespace."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)


def gone(pid: int, seconds: float) -> bool:
    """Wait for the end of a sandbox's first process, which comes after that of all others in its pid namespace.

    The outer process does not wait for it: it ends as soon as it knows the exit code, or when it is killed.
    """
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if not _is_first(pid):
            return True  # the number is someone else's by now
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(pidfd)


def _is_first(pid: int) -> bool:
    """Is it the first process of a pid namespace below ours?"""
    try:
        status = Path("/proc", str(pid), "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
    return len(numbers) > 1 and numbers[-1] == "1"


def tree_memory(pid: int) -> int:
    """Bytes of memory that a process and all that descend from it have to themselves."""
    total, waiting = 0, [pid]
    while waiting:
        one = Path("/proc", str(waiting.pop()))
        try:
            _, resident, shared, *_ = (one / "statm").read_text().split()
            total += (int(resident) - int(shared)) * PAGE
            for task in (one / "task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended while we looked
    return total
