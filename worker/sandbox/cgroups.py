"""Limits on memory and processes of a whole tree: cgroup v2 where we may make one, else v1, else none (`NoGroups`).

Groups are made below our own group, so that whatever holds for us holds for them too; with v2, where ours holds
processes and so may not hand on controllers, beside it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from worker.sandbox import SandboxLimits

PREFIX = "branchwork-"
_counter = itertools.count()


class Group(Protocol):
    """One command's group."""

    join: tuple[Path, ...]
    """A process that writes its pid into each of these files is in."""

    def oom(self) -> bool:
        """Whether a process of it was killed for want of memory."""
        ...

    def close(self) -> None:
        """Kill whatever is left in it and remove it."""
        ...


class Groups(Protocol):
    """Makes groups; None where the machine lets us make none."""

    name: str

    def open(self, limits: SandboxLimits) -> Group | None: ...


class NoGroups:
    """Neither version can be used: rlimits and the watch in `supervise` have to do."""

    name = "rlimits"

    def open(self, limits: SandboxLimits) -> None:
        return None


class V1:
    """Hierarchies for memory and pids, each mounted by itself."""

    name = "cgroup v1"

    def __init__(self, memory: Path, pids: Path) -> None:
        self._memory, self._pids = memory, pids
        for parent in {memory, pids}:
            _sweep(parent)

    def open(self, limits: SandboxLimits) -> Group:
        name = f"{PREFIX}{os.getpid()}-{next(_counter)}"
        memory, pids = self._memory / name, self._pids / name
        memory.mkdir(exist_ok=True)
        pids.mkdir(exist_ok=True)
        (memory / "memory.limit_in_bytes").write_text(str(limits.memory_bytes))
        swap = memory / "memory.memsw.limit_in_bytes"
        if swap.exists():
            swap.write_text(str(limits.memory_bytes))
        (pids / "pids.max").write_text(str(limits.pids))
        return _Group((memory, pids), memory / "memory.oom_control")


class V2:
    """One hierarchy; ours must have memory and pids delegated to it."""

    name = "cgroup v2"

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        _sweep(parent)

    def open(self, limits: SandboxLimits) -> Group:
        group = self._parent / f"{PREFIX}{os.getpid()}-{next(_counter)}"
        group.mkdir(exist_ok=True)
        (group / "memory.max").write_text(str(limits.memory_bytes))
        swap = group / "memory.swap.max"
        if swap.exists():
            swap.write_text("0")
        (group / "pids.max").write_text(str(limits.pids))
        return _Group((group,), group / "memory.events")


class _Group:
    def __init__(self, folders: tuple[Path, ...], events: Path) -> None:
        self._folders, self._events = folders, events
        self.join = tuple(folder / "cgroup.procs" for folder in folders)

    def oom(self) -> bool:
        found = re.search(r"^oom_kill (\d+)$", self._events.read_text(), re.MULTILINE)
        return found is not None and int(found[1]) > 0

    def close(self) -> None:
        for folder in self._folders:
            _remove(folder)


def _remove(folder: Path, seconds: float = 5.0) -> None:
    """Kill until the group is empty; the kernel may need a moment to let go of the dead."""
    until = time.monotonic() + seconds
    while True:
        for pid in (folder / "cgroup.procs").read_text().split():
            if pid != "0":  # a process of another pid namespace: not ours, and kill(0) would hit ourselves
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
        try:
            folder.rmdir()
            return
        except OSError:
            if time.monotonic() > until:
                raise
        time.sleep(0.002)


def _sweep(parent: Path) -> None:
    """Remove what a process that is gone has left, and whatever of it still runs."""
    for folder in parent.glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            with contextlib.suppress(OSError):
                _remove(folder, seconds=0.5)


JOIN = 'for file; do echo $$ > "$file" || exit 1; done'


def detect() -> Groups:
    """The best that this machine lets us use, tried out: a group is made, joined by a process, and removed."""
    candidates: list[Groups] = [*_v2(), *_v1()]
    for candidate in candidates:
        with contextlib.suppress(OSError):
            group = candidate.open(SandboxLimits())
            if group is None:
                continue
            joined = subprocess.run(
                ["/bin/sh", "-c", JOIN, "join", *group.join], env={}, capture_output=True, check=False
            )
            group.close()
            if joined.returncode == 0:
                return candidate
    return NoGroups()


def _ours() -> dict[str, str]:
    """Controller (empty for v2) to the path of our own group."""
    paths = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    return paths


def _mounts(kind: str) -> list[tuple[Path, str, set[str]]]:
    """(mount point, root of the mount, super options) of each mounted hierarchy of a kind."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if rest[0] == kind:
            found.append((Path(fields[4]), fields[3], set(rest[2].split(","))))
    return found


def _folder(mount: Path, root: str, path: str) -> Path:
    """Where our group is under a mount point, which in a container may show a part of the hierarchy only."""
    if path == root or not path.startswith(root.rstrip("/") + "/"):
        return mount
    return mount / path.removeprefix(root).lstrip("/")


def _v1() -> Iterator[V1]:
    ours = _ours()
    folders = {}
    for mount, root, options in _mounts("cgroup"):
        for controller in ("memory", "pids"):
            if controller in options and controller in ours:
                folders[controller] = _folder(mount, root, ours[controller])
    if set(folders) == {"memory", "pids"} and all(os.access(folder, os.W_OK) for folder in folders.values()):
        yield V1(folders["memory"], folders["pids"])


def _v2() -> Iterator[V2]:
    """Below our own group; or beside it, since a group with processes of its own may not hand on controllers."""
    ours = _ours()
    for mount, root, _ in _mounts("cgroup2") if "" in ours else ():
        own = _folder(mount, root, ours[""])
        with contextlib.suppress(OSError):
            if not _hands_on(own):
                (own / "cgroup.subtree_control").write_text("+memory +pids")
        for parent in (own, own.parent):
            if parent.is_relative_to(mount) and _hands_on(parent) and os.access(parent, os.W_OK):
                yield V2(parent)


def _hands_on(group: Path) -> bool:
    return {"memory", "pids"} <= set((group / "cgroup.subtree_control").read_text().split())
