"""Asks a sandbox to prove itself before any work is given to it; the answer holds for the life of the process."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from worker.sandbox import Sandbox, SandboxCommand, SandboxError, SandboxLimits, SandboxUnavailable

_proved: set[str] = set()
_lock = threading.Lock()

PROBE = """
set -u
if cat {canary} >/dev/null 2>&1; then echo "BAD: a file of the host can be read"; fi
if [ -n "$(tail -n +2 /proc/net/route)" ]; then echo "BAD: there is a network route"; fi
if (echo > {canary}.out) 2>/dev/null; then echo "BAD: the file system can be written"; fi
if [ "$(id -u)" = 0 ]; then echo "BAD: commands run as root"; fi
if ! grep -q '^Seccomp:[[:space:]]*2$' /proc/self/status; then echo "BAD: no system call filter"; fi
if ! grep -q '^CapBnd:[[:space:]]*0*$' /proc/self/status; then echo "BAD: capabilities are left"; fi
echo probed
"""


def selftest(sandbox: Sandbox) -> None:
    """Raise SandboxUnavailable, with what to do about it, unless the sandbox holds."""
    with _lock:
        if sandbox.name in _proved:
            return
        with tempfile.TemporaryDirectory(prefix="branchwork-canary-") as folder:
            canary = Path(folder, "canary")
            canary.write_text("seen\n")
            for path in (canary, canary.parent):
                path.chmod(0o755)
            try:
                command = SandboxCommand(command=PROBE.format(canary=canary), limits=SandboxLimits(wall_s=20))
                result = sandbox.run(command)
            except SandboxError as error:
                raise SandboxUnavailable(f"{error}\n{remedy()}") from error
        found = [line.removeprefix("BAD: ") for line in result.output.splitlines() if line.startswith("BAD: ")]
        if found or not result.ok or "probed" not in result.output:
            told = "; ".join(found) or f"the probe ended with {result.ending}: {result.output[-500:]}"
            raise SandboxUnavailable(f"The {sandbox.name} sandbox does not hold on this machine: {told}.")
        _proved.add(sandbox.name)


def remedy(proc: Path = Path("/proc")) -> str:
    """What most likely keeps bubblewrap from working here, and the command that changes it."""

    def value(name: str) -> str:
        path = proc / "sys" / name
        return path.read_text().strip() if path.exists() else ""

    if value("kernel/unprivileged_userns_clone") == "0":
        return "User namespaces are switched off. Run: sysctl -w kernel.unprivileged_userns_clone=1"
    if value("user/max_user_namespaces") == "0":
        return "User namespaces are switched off. Run: sysctl -w user.max_user_namespaces=10000"
    if value("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            "AppArmor forbids user namespaces. Give bwrap a profile (apt-get install apparmor-profiles, then link "
            "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict into /etc/apparmor.d and reload), or run: "
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
        )
    return (
        "In a container, start it with user namespaces allowed: --security-opt seccomp=unconfined "
        "--security-opt apparmor=unconfined --security-opt systempaths=unconfined. "
        "Where the machine itself is a throw-away sandbox, say so: BRANCHWORK_SANDBOX=external."
    )
