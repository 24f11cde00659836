"""Attempts to get out of the sandbox by sockets, the network and system calls. Each must fail, visibly."""

from __future__ import annotations

import platform
import socket
from collections.abc import Callable

import pyseccomp
import pytest

from worker.sandbox import Result
from worker.sandbox.seccomp import DENIED

Run = Callable[..., Result]


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
