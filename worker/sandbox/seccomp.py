"""The system call filter of a sandbox, as BPF bytes for `bwrap --seccomp`.

All is allowed but: what reaches other processes, keys, mounts, namespaces or kernel interfaces that no build or test
needs (EPERM), socket families outside a short list (EAFNOSUPPORT), and clone3 (ENOSYS, since its flags cannot be seen
by a filter; libraries fall back to clone). Calls of a foreign architecture kill the process (libseccomp's default).
"""

from __future__ import annotations

import errno
import functools
import os
import socket

import pyseccomp

ALLOWED_FAMILIES = frozenset({socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK})
LAST_FAMILY_LISTED = 17
NETLINK_ROUTE = 0

NEW_NAMESPACES = {
    "mnt": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}

# Names where libseccomp 2.5 (2020) knows them; numbers, alike on all architectures since 424, where it does not.
DENIED: tuple[str | int, ...] = (
    # other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd", "perf_event_open",
    # namespaces and mounts
    "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig",
    "fsmount", "fspick", "mount_setattr", "name_to_handle_at", "open_by_handle_at", 457, 458, 467,
    # keys and secret memory
    "add_key", "request_key", "keyctl", "memfd_secret",
    # kernel interfaces with a history
    "io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "userfaultfd", "fanotify_init", "fanotify_mark",
    "lookup_dcookie", "quotactl", "quotactl_fd", "acct", "syslog", "nfsservctl", "vmsplice",
    # the machine (no capability for these anyway)
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff",
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname",
    # memory policy of other nodes and processes
    "move_pages", "migrate_pages", "mbind", "set_mempolicy",
)  # fmt: skip
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
F_SETPIPE_SZ = 1031
INT = 0xFFFFFFFF


@functools.cache
def program(*, shared_uid: bool) -> bytes:
    """The filter. With `shared_uid`, what the kernel counts per host uid (inotify instances) is refused as well."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    eperm = pyseccomp.ERRNO(errno.EPERM)
    for call in DENIED:
        if isinstance(call, str) and pyseccomp.resolve_syscall(pyseccomp.system_arch(), call) == -1:
            continue
        rules.add_rule(eperm, call)
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    for flag in NEW_NAMESPACES.values():
        rules.add_rule(eperm, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    # The kernel looks at 32 bits of these arguments: so must we, or the upper half would be a way around.
    for request in (TIOCSTI, TIOCLINUX):
        rules.add_rule(eperm, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, INT, request))
    rules.add_rule(eperm, "fcntl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, INT, F_SETPIPE_SZ))
    _socket_families(rules)
    if shared_uid:
        for call in ("inotify_init", "inotify_init1"):
            if pyseccomp.resolve_syscall(pyseccomp.system_arch(), call) != -1:
                rules.add_rule(pyseccomp.ERRNO(errno.EMFILE), call)
    return _export(rules)


def _socket_families(rules: pyseccomp.SyscallFilter) -> None:
    refuse = pyseccomp.ERRNO(errno.EAFNOSUPPORT)
    for call in ("socket", "socketpair"):
        for family in range(LAST_FAMILY_LISTED):
            if family not in ALLOWED_FAMILIES:
                rules.add_rule(refuse, call, pyseccomp.Arg(0, pyseccomp.EQ, family))
        rules.add_rule(refuse, call, pyseccomp.Arg(0, pyseccomp.GE, LAST_FAMILY_LISTED))
    netlink = pyseccomp.Arg(0, pyseccomp.EQ, int(socket.AF_NETLINK))
    rules.add_rule(refuse, "socket", netlink, pyseccomp.Arg(2, pyseccomp.NE, NETLINK_ROUTE))


def _export(rules: pyseccomp.SyscallFilter) -> bytes:
    with os.fdopen(os.memfd_create("seccomp"), "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
