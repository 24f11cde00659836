"""Child processes: each in a group of its own, its output in a file, ended by its id when the run ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

START_S = 60.0


class ChildDied(Exception):
    """A process that the run needs is gone; the text has the end of its log."""


class Child:
    """One process that announces its address on a line of its own."""

    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name, self.log = name, log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, start_new_session=True
            )

    def address(self) -> str:
        """The address from the line `… listening on http://…`; waits for it."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            found = re.search(r"listening on (https?://\S+)", self.log.read_text(errors="replace"))
            if found:
                return found[1]
            self.check()
            time.sleep(0.02)
        raise ChildDied(f"{self.name} did not start within {START_S:.0f} s:\n{self.tail()}")

    def check(self) -> None:
        """Raises `ChildDied` when the process is gone."""
        code = self._process.poll()
        if code is not None:
            raise ChildDied(f"{self.name} ended with exit code {code}:\n{self.tail()}")

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def stop(self, patience_s: float = 15.0) -> None:
        """Ask it to end, then make it; its whole group is gone afterwards."""
        self._signal(signal.SIGTERM, group=False)
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
        self._signal(signal.SIGKILL)

    def _signal(self, number: int, *, group: bool = True) -> None:
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(self._process.pid, number)
            elif self._process.poll() is None:
                os.kill(self._process.pid, number)
