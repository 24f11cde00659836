"""Attempts to get out of the sandbox by files, processes, devices and privileges. Each must fail, visibly."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from worker.sandbox import Result, SandboxCommand, SandboxError
from worker.sandbox.bubblewrap import Bubblewrap
from worker.workspace import Workspace, Workspaces

Run = Callable[..., Result]


# --- the host's files


@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/root", "/home", "/var", "/etc/hostname", "/boot", "/run", "/work", "/sys"]
)
def test_host_paths_are_not_there(inside: Run, path: str) -> None:
    assert not inside(f"ls -la {path}").ok


def test_a_key_of_the_host_cannot_be_read_by_its_path(inside: Run, shared: Path) -> None:
    key = shared / "id_ed25519"
    key.write_text("PRIVATE")
    key.chmod(0o644)
    for way in (str(key), f"/proc/1/root{key}", f"/proc/1/cwd{key}", f"/workspace/../..{key}", f"/proc/self/root{key}"):
        result = inside(f"cat {way}")
        assert not result.ok
        assert "PRIVATE" not in result.output


def test_another_workspace_cannot_be_reached(inside: Run, workspaces: Workspaces, repo, workspace: Workspace) -> None:  # type: ignore[no-untyped-def]
    other = workspaces.create(repo.mirror, repo.base, "n2-a1")
    (other.tree / "secret").write_text("OTHER")
    assert (
        "OTHER"
        not in inside(f"cat {other.tree}/secret; cat /workspace/../*/secret; grep -rs OTHER / --include=secret").output
    )


def test_system_folders_are_read_only(inside: Run) -> None:
    for path in ("/usr/x", "/etc/x", "/x", "/bin/x", "/lib/x", "/mirror/objects/x", "/outputs/x"):
        assert not inside(f"echo x > {path}").ok


def test_no_open_file_is_inherited(inside: Run) -> None:
    assert inside("ls /proc/self/fd").output.split() == ["0", "1", "2", "3"]  # 3 is ls's own


def test_only_its_own_processes_are_seen(inside: Run) -> None:
    assert len(inside("ls /proc | grep -c '^[0-9]'").output.split()) == 1
    assert int(inside("ls /proc | grep -c '^[0-9]'").output) <= 5


# --- hole 1: bwrap's own environment


def test_no_process_inside_shows_the_launchers_environment(inside: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    result = inside("cat /proc/*/environ | tr '\\0' '\\n'")
    assert "sk-canary" not in result.output
    assert {line.split("=")[0] for line in result.output.splitlines()} <= {
        "PATH", "HOME", "LANG", "PWD", "PYTHONPYCACHEPREFIX", "GIT_OPTIONAL_LOCKS", "OLDPWD", "_", "SHLVL",
    }  # fmt: skip


def test_paths_of_the_host_are_not_in_the_command_lines(inside: Run, shared: Path) -> None:
    assert str(shared) not in inside("cat /proc/*/cmdline").output


# --- hole 2: the host's bwrap through /proc/1/exe


def test_the_hosts_bwrap_cannot_be_changed(inside: Run, python_inside: Run) -> None:
    mode = oct(stat.S_IMODE(os.stat("/usr/bin/bwrap").st_mode))[2:]
    assert not inside(f"chmod {mode} /proc/1/exe").ok
    assert not inside("touch /proc/1/exe").ok
    program = "import os\ntry:\n os.open('/proc/1/exe', os.O_WRONLY)\nexcept OSError as e: print(e.strerror)\n"
    assert "Text file busy" not in python_inside(program).output  # that would mean: permitted, only busy now


def test_commands_of_root_run_under_the_workspaces_uid(inside: Run, workspace: Workspace, as_root: bool) -> None:
    assert inside("touch made-inside").ok
    uid = (workspace.tree / "made-inside").stat().st_uid
    assert uid == workspace.uid
    assert uid != 0 or not as_root


def test_a_workspace_of_root_is_refused(sandbox: Bubblewrap, shared: Path, as_root: bool) -> None:
    if not as_root:
        pytest.skip("only root has such workspaces")
    with pytest.raises(SandboxError, match="belongs to root"):
        sandbox.run(SandboxCommand(command="true", workspace=shared))


# --- hole 4: /dev


def test_dev_cannot_be_filled(inside: Run) -> None:
    assert not inside("echo x > /dev/x").ok
    assert not inside("mkdir /dev/d").ok
    result = inside("head -c 40M /dev/zero > /dev/shm/x", shm_bytes=8 << 20)
    assert "No space left" in result.output


def test_tmp_is_capped(inside: Run) -> None:
    assert "No space left" in inside("head -c 40M /dev/zero > /tmp/x", tmp_bytes=8 << 20).output


# --- hole 5: what the kernel counts per uid


GRAB = """
import ctypes, sys, time
libc = ctypes.CDLL(None)
got = 0
while libc.inotify_init() >= 0: got += 1
print(got, flush=True)
open('/workspace/ready', 'w').close()
while not __import__('os').path.exists('/workspace/stop'): time.sleep(0.05)
"""


def test_one_sandbox_cannot_starve_another_of_inotify(
    sandbox: Bubblewrap,
    workspaces: Workspaces,
    repo,
    workspace: Workspace,
    python_inside: Run,
    as_root: bool,  # type: ignore[no-untyped-def]
) -> None:
    other = workspaces.create(repo.mirror, repo.base, "n2-a1")
    greedy = other.command("python3 -").model_copy(update={"stdin": GRAB})
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(sandbox.run, greedy)
        while not (other.tree / "ready").exists() and not running.done():
            time.sleep(0.02)
        program = "import ctypes\nprint(ctypes.CDLL(None).inotify_init() >= 0)\n"
        mine = python_inside(program).output.strip()
        (other.tree / "stop").touch()
        taken = int(running.result().output)
    assert (mine, taken > 0) == (("True", True) if as_root else ("False", False))


def test_pipes_cannot_be_enlarged(python_inside: Run) -> None:
    program = """
import fcntl, os
r, w = os.pipe()
try: fcntl.fcntl(w, 1031, 1 << 20)
except OSError as e: print(e.strerror)
"""
    assert "not permitted" in python_inside(program).output


# --- privileges


def test_no_privilege_and_no_way_to_one(inside: Run) -> None:
    status = dict(line.split(":\t", 1) for line in inside("cat /proc/self/status").output.splitlines())
    assert {status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert status["Uid"].split() == ["1000"] * 4
    assert status["Groups"].split() in ([], ["1000"], ["65534"])


def test_setuid_programs_give_nothing(inside: Run) -> None:
    assert inside("cp /usr/bin/id . && chmod u+s id && ./id -u && ./id -ru").output.split() == ["1000", "1000"]
    for program in ("su -c id root", "mount -t tmpfs x /tmp", "newgrp root", "chroot / true"):
        assert not inside(f"{program} </dev/null").ok


def test_kernel_settings_cannot_be_changed(inside: Run) -> None:
    for path in ("kernel/core_pattern", "kernel/hostname", "user/max_user_namespaces", "vm/overcommit_memory"):
        assert not inside(f"echo 1 > /proc/sys/{path}").ok
    assert not inside("echo c > /proc/sysrq-trigger").ok


def test_killing_everything_kills_only_the_sandbox(inside: Run) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        inside("kill -9 1; kill -9 -1")
        assert bystander.poll() is None
        bystander.communicate(b"\n")
