"""Attempts to get out of the sandbox or to harm the machine from within. Each must fail, visibly."""

from __future__ import annotations

import os
import platform
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyseccomp
import pytest

from worker.sandbox import Result, SandboxCommand, SandboxError
from worker.sandbox.bubblewrap import Bubblewrap
from worker.sandbox.seccomp import DENIED
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


# --- hole 3: socket families; the network


@pytest.mark.parametrize("family", [0, 3, 4, 5, 9, 15, 17, 21, 29, 30, 31, 38, 40, 41, 44, 45])
def test_socket_families_outside_the_list_are_refused(python_inside: Run, family: int) -> None:
    program = f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for value in ({family}, {family} | 1 << 32):
    for call in (libc.socket, ):
        assert libc.syscall({syscall("socket")}, ctypes.c_ulong(value), ctypes.c_ulong(1), ctypes.c_ulong(0)) == -1
        print(os.strerror(ctypes.get_errno()))
"""
    assert python_inside(program).output.splitlines() == ["Address family not supported by protocol"] * 2


def test_netlink_other_than_route_is_refused(python_inside: Run) -> None:
    program = "import socket\nfor p in (4, 9, 12, 15, 16):\n try: socket.socket(16, 3, p)\n except OSError as e: print(e.errno)\n"
    assert python_inside(program).output.split() == ["97"] * 5


def test_a_server_of_the_host_cannot_be_reached(python_inside: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        program = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=2)\nprint('IN')\n"
        assert "IN" not in python_inside(program).output


def test_an_abstract_socket_of_the_host_cannot_be_reached(python_inside: Run) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0branchwork-test")
        server.listen()
        program = "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('\\0branchwork-test')\nprint('IN')\n"
        assert "IN" not in python_inside(program).output


def test_there_is_no_way_out_by_network(inside: Run, python_inside: Run) -> None:
    assert inside(
        "tail -n +2 /proc/net/route; ls /sys/class/net 2>/dev/null; tail -n +3 /proc/net/dev | cut -d: -f1"
    ).output.split() == ["lo"]
    for address in ("169.254.169.254", "8.8.8.8", "10.0.0.1"):
        program = f"import socket\nsocket.create_connection(('{address}', 80), timeout=2)\n"
        assert "unreachable" in python_inside(program).output
    assert not python_inside("import socket\nsocket.getaddrinfo('github.com', 443)\n").ok


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


# --- hole 6: system calls


def syscall(name: str | int) -> int:
    return name if isinstance(name, int) else pyseccomp.resolve_syscall(pyseccomp.system_arch(), name)


def test_denied_system_calls_are_denied(python_inside: Run) -> None:
    numbers = {str(name): syscall(name) for name in DENIED if syscall(name) >= 0}
    assert len(numbers) > 50
    program = f"""
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
for name, number in {numbers!r}.items():
    ctypes.set_errno(0)
    got = libc.syscall(number, *[ctypes.c_ulong(0)] * 6)
    if got != -1 or ctypes.get_errno() != errno.EPERM: print(name, got, ctypes.get_errno())
print('end')
"""
    assert python_inside(program).output == "end\n"


HOLE_SIX = ("add_key", "request_key", "kcmp", "fanotify_init", "memfd_secret", "process_vm_readv", "process_vm_writev",
            "pidfd_getfd", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
            "open_by_handle_at", "ptrace", "io_uring_setup", "bpf", "keyctl", "mount", "userfaultfd", "perf_event_open")  # fmt: skip


def test_the_list_of_denied_calls_holds_what_was_found() -> None:
    assert set(HOLE_SIX) <= set(DENIED)


def test_clone3_is_not_there_and_threads_work_all_the_same(python_inside: Run) -> None:
    program = f"""
import ctypes, os, threading
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall({syscall("clone3")}, 0, 0), os.strerror(ctypes.get_errno()))
thread = threading.Thread(target=print, args=('thread',)); thread.start(); thread.join()
"""
    assert python_inside(program).output.splitlines() == ["-1 Function not implemented", "thread"]


@pytest.mark.parametrize("flag", [0x10000000, 0x00020000, 0x20000000, 0x40000000, 0x10000000 | 1 << 40])
def test_no_new_namespaces(python_inside: Run, flag: int) -> None:
    program = f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
pid = libc.syscall({syscall("clone")}, ctypes.c_ulong({flag} | 17), 0, 0, 0, 0)
if pid == 0: os._exit(0)
print(pid, ctypes.get_errno())
"""
    assert python_inside(program).output.split() == ["-1", "1"]


def test_unshare_is_refused(inside: Run) -> None:
    for kind in ("-U", "-Ur", "-m", "-n", "-p"):
        assert not inside(f"unshare {kind} true").ok


@pytest.mark.parametrize("request_", [0x5412, 0x541C, 0x5412 | 1 << 32, 0x541C | 1 << 40])
def test_typing_into_a_terminal_is_refused(python_inside: Run, request_: int) -> None:
    program = f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
master, slave = os.openpty()
print(libc.syscall({syscall("ioctl")}, slave, ctypes.c_ulong({request_}), ctypes.c_char_p(b'x')), ctypes.get_errno())
"""
    assert python_inside(program).output.split() == ["-1", "1"]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="machine code for x86-64")
def test_32_bit_system_calls_kill(python_inside: Run) -> None:
    program = """
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=7)
code.write(b'\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3')  # mov eax, 20 (getpid); int 0x80; ret
print('got', ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))())
"""
    result = python_inside(program)
    assert "got" not in result.output
    assert result.exit_code == 128 + 31  # SIGSYS


def test_other_processes_cannot_be_traced(python_inside: Run) -> None:
    program = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nprint(libc.ptrace(16, 1, 0, 0), ctypes.get_errno())\n"
    )
    assert python_inside(program).output.split() == ["-1", "1"]


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
