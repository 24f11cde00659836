"""Limits hold and nothing outlives a command; and the small promises of a sandbox as a tool."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from worker.sandbox import Result, SandboxError, SandboxLimits
from worker.sandbox.bubblewrap import Bubblewrap
from worker.sandbox.cgroups import NoGroups
from worker.workspace import Workspace

Run = Callable[..., Result]
MARK = f"{os.getpid():08}"  # seconds to sleep that no other process sleeps


def processes_with(marker: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


# --- bombs


def test_a_fork_bomb_is_held_and_gone(inside: Run) -> None:
    program = f"while : ; do sleep 1{MARK} & done"
    result = inside(f"({program}) 2>&1 | head -c 2000", pids=64, wall_s=1.5)
    assert "fork" in result.output.lower() or result.timed_out
    assert processes_with(f"1{MARK}") == []


def test_pids_are_limited(python_inside: Run) -> None:
    program = """
import os, time
count = 0
try:
    while count < 500:
        if os.fork() == 0: time.sleep(30); os._exit(0)
        count += 1
except OSError: pass
print(count)
"""
    assert int(python_inside(program, pids=40).output) < 40


def test_pids_are_limited_without_cgroups(workspace: Workspace) -> None:
    asked = workspace.command(
        "i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i+1)); done; echo all", limits=SandboxLimits(pids=40)
    )
    result = Bubblewrap(groups=NoGroups()).run(asked)
    assert "all" not in result.output
    assert "fork" in result.output.lower()


ALLOCATE = "x = []\nwhile True: x.append(bytearray(8 << 20))\n"
SHARE = """
import os, time
if os.fork() and os.fork() and os.fork():
    for _ in range(3): os.wait()
    raise SystemExit(1)
x = bytearray(60 << 20); time.sleep(3)
"""


def test_memory_is_limited(python_inside: Run) -> None:
    result = python_inside(ALLOCATE, memory_bytes=128 << 20)
    assert not result.ok
    assert result.oom or "MemoryError" in result.output


@pytest.mark.parametrize("groups", [None, NoGroups()], ids=["best", "rlimits"])
def test_memory_of_many_processes_is_added_up(workspace: Workspace, groups: NoGroups | None) -> None:
    asked = workspace.command("python3 -", limits=SandboxLimits(memory_bytes=128 << 20, wall_s=15))
    result = Bubblewrap(groups=groups).run(asked.model_copy(update={"stdin": SHARE}))
    assert result.oom
    assert not result.ok


def test_output_is_capped(inside: Run) -> None:
    result = inside("yes", output_bytes=100_000)
    assert (result.output_capped, len(result.output), result.ok) == (True, 100_000, False)
    assert result.wall_s < 5


def test_files_are_capped(inside: Run) -> None:
    assert not inside("head -c 20M /dev/zero > big", file_bytes=4 << 20).ok


def test_a_command_that_leaves_no_room_on_the_disk_is_killed(inside: Run) -> None:
    result = inside("sleep 60", min_free_bytes=1 << 60)
    assert result.disk_full
    assert result.wall_s < 5


def test_time_is_limited_and_nothing_survives(inside: Run) -> None:
    daemons = f"for i in 1 2 3 4 5; do setsid nohup sleep 2{MARK} >/dev/null 2>&1 & done; sleep 60"
    result = inside(daemons, wall_s=0.5)
    assert result.timed_out
    assert result.wall_s < 3
    assert processes_with(f"2{MARK}") == []


def test_daemons_end_with_their_command(inside: Run) -> None:
    result = inside(f"(setsid sleep 3{MARK} >/dev/null 2>&1 &) ; echo started")
    assert (result.output, result.ok) == ("started\n", True)
    assert processes_with(f"3{MARK}") == []


@pytest.mark.parametrize("last", ["true", "sleep 60"], ids=["ended", "killed"])
def test_nothing_survives_without_cgroups(workspace: Workspace, last: str) -> None:
    """bwrap's outer process is gone before the inner ones are: the answer waits for these."""
    daemons = f"for i in $(seq 60); do setsid nohup sleep 4{MARK} >/dev/null 2>&1 & done; {last}"
    sandbox = Bubblewrap(groups=NoGroups())
    for _ in range(5):
        sandbox.run(workspace.command(daemons, limits=SandboxLimits(wall_s=0.5)))
        assert processes_with(f"4{MARK}") == []


def test_closing_the_output_does_not_end_the_watch(inside: Run) -> None:
    assert inside("exec >&- 2>&-; sleep 60", wall_s=0.5).timed_out


# --- the sandbox as a tool


def test_many_threads_run_commands_at_once(sandbox: Bubblewrap, workspace: Workspace) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda at: sandbox.run(workspace.command(f"sleep 0.2; echo {at}")), range(16)))
    assert [result.output for result in results] == [f"{at}\n" for at in range(16)]


def test_sandboxes_leave_no_control_group(sandbox: Bubblewrap, workspace: Workspace) -> None:
    sandbox.run(workspace.command("true"))
    assert not list(Path("/sys/fs/cgroup").glob(f"**/branchwork-{os.getpid()}-*"))


def test_a_sandbox_that_cannot_be_built_says_so(sandbox: Bubblewrap, workspace: Workspace) -> None:
    asked = workspace.command("echo ran").model_copy(update={"toolchain": Path("/nonexistent/toolchain")})
    with pytest.raises(SandboxError, match="nonexistent"):
        sandbox.run(asked)


def test_the_toolchain_comes_first_and_is_read_only(sandbox: Bubblewrap, workspace: Workspace, shared: Path) -> None:
    (shared / "tools/bin").mkdir(parents=True)
    (shared / "tools/lib").mkdir()
    (shared / "tools/bin/git").write_text("#!/bin/sh\necho mine\n")
    (shared / "tools/bin/git").chmod(0o755)
    asked = workspace.command("git; echo $PYTHONPATH; echo x > /toolchain/bin/y")
    result = sandbox.run(asked.model_copy(update={"toolchain": shared / "tools"}))
    assert result.output.splitlines()[:2] == ["mine", "/toolchain/lib"]
    assert "Read-only" in result.output


@pytest.mark.parametrize("code", [0, 1, 7, 125])
def test_exit_codes_come_through(inside: Run, code: int) -> None:
    assert inside(f"exit {code}").exit_code == code
