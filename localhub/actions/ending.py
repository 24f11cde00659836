"""The processes of a job, as those find them who end it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path


def act_of(launcher: int) -> int | None:
    """The process of act below its launcher, which has sandboxes of its own around it."""
    for _ in range(4):
        try:
            children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
            if not children:
                return None
            launcher = int(children[0])
            if Path(f"/proc/{launcher}/comm").read_text().strip() == "act":
                return launcher
        except OSError:
            return None
    return None


def listens(pid: int) -> bool:
    """Whether the process has a handler for SIGINT. Before that it is lost on the first process of a sandbox."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True  # it has ended
    caught = int(status.partition("SigCgt:")[2].split(None, 1)[0], 16)
    return bool(caught >> (signal.SIGINT - 1) & 1)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a launcher with all that it has started."""
    # The sandbox's own process 1 dies with its launcher, and everything in its pid namespace with it.
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
