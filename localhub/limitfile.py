"""The counters of the limits on the disk, so that a restart does not give an app its hour back.

Written once a second at most, and when the hub is closed: `kill -9` forgets one second of counting.
"""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

if TYPE_CHECKING:
    from localhub.limits import Limits

SECONDS = 1.0
log = logging.getLogger(__name__)


class LimitFile:
    """Keeps `limits` in a file while it is open."""

    def __init__(self, limits: Limits, path: Path) -> None:
        self._limits, self._path = limits, path
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._written: dict[str, Any] = {}

    def load(self) -> None:
        """Take up what an earlier process counted, and the numbers that it was set to."""
        if not self._path.exists():
            return
        try:
            saved = json.loads(self._path.read_text())
            self._limits.change(saved["settings"])
            self._limits.restore(saved["buckets"])
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            log.warning("%s is not understood, so limits are counted from nothing: %s", self._path, error)

    def open(self) -> None:
        self._thread = threading.Thread(target=self._run, name="localhub-limits", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closed.wait(SECONDS):
            self.save()

    def save(self) -> None:
        state = {"settings": self._limits.settings.model_dump(), "buckets": self._limits.snapshot()}
        if state == self._written:
            return
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(state))
        fresh.replace(self._path)
        self._written = state

    def close(self) -> None:
        self._closed.set()
        if self._thread:
            self._thread.join()
            self.save()
