"""What the loop watches for: a model that goes in circles, and outputs too long to show."""

from __future__ import annotations

import hashlib
from collections import deque
from typing import Literal

REPEATS = 3


class LoopDetector:
    """Sees the same call with the same result three times, or two alternating three times: warns, then stops."""

    def __init__(self) -> None:
        self._seen: deque[bytes] = deque(maxlen=2 * REPEATS)
        self._warned = False

    def saw(self, name: str, arguments: str, output: str) -> Literal["fine", "warn", "stop"]:
        """Take note of one call and its result."""
        self._seen.append(hashlib.sha256("\0".join((name, arguments, output)).encode("utf-8", "replace")).digest())
        last = list(self._seen)
        same = len(last) >= REPEATS and len(set(last[-REPEATS:])) == 1
        alternating = len(last) == 2 * REPEATS and len(set(last[::2])) == len(set(last[1::2])) == 1
        if not (same or alternating):
            return "fine"
        self._seen.clear()
        if self._warned:
            return "stop"
        self._warned = True
        return "warn"


def clip(text: str, limit: int) -> str:
    """Head and tail of a text, with a line between them that says how much is left out."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters left out …]\n{text[-half:]}"
