"""The system-call filter of jobs: what an ordinary build needs stays, ways out of the sandbox answer EPERM."""

from __future__ import annotations

import errno
import os
import tempfile
from functools import cache

import pyseccomp

_CLONE_NEWUSER = 0x10000000
#: unix, inet, inet6, netlink: AF_VSOCK and the rest would reach the host in spite of the empty network namespace.
_FAMILIES = (1, 2, 10, 16)
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_DENIED = (
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "kcmp",
    "pidfd_getfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "keyctl",
    "add_key",
    "request_key",
    "memfd_secret",
    "fanotify_init",
    "open_by_handle_at",
    "name_to_handle_at",
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "open_tree",
    "mount_setattr",
    "setns",
    "unshare",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "reboot",
    "swapon",
    "swapoff",
    "acct",
    "quotactl",
)


@cache
def program() -> bytes:
    """The filter as BPF, for bubblewrap's --seccomp."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    deny = pyseccomp.ERRNO(errno.EPERM)
    for name in _DENIED:
        try:
            rules.add_rule(deny, name)
        except ValueError:  # a call that this architecture or libseccomp does not know
            continue
    # glibc falls back to clone when clone3 is missing; clone3 hides its flags from a filter.
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    rules.add_rule(deny, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_NEWUSER, _CLONE_NEWUSER))
    for call in (_TIOCSTI, _TIOCLINUX):
        rules.add_rule(deny, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, call))
    for family in range(64):
        if family not in _FAMILIES:
            rules.add_rule(deny, "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
    rules.add_rule(deny, "socket", pyseccomp.Arg(0, pyseccomp.GE, 64))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def descriptor() -> int:
    """A new file descriptor that holds the filter, at its start; the caller closes it."""
    handle = os.memfd_create("seccomp")
    os.write(handle, program())
    os.lseek(handle, 0, os.SEEK_SET)
    return handle
