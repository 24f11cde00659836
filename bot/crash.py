"""A test tool: die at a chosen point, as `kill -9` would. Off unless BRANCHWORK_CRASH is set.

`BRANCHWORK_CRASH="before:FileIssue:2"` ends the process with status 137 the second time it is about to do a
`FileIssue`. The phases are `before` and `after`; the names are action types and `turn-save`.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from typing import Literal

VARIABLE = "BRANCHWORK_CRASH"

_seen: Counter[str] = Counter()
_lock = threading.Lock()


def point(phase: Literal["before", "after"], name: str) -> None:
    """Ends the process here if the environment asks for it."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    parts = wanted.split(":")
    if len(parts) != 3 or not parts[2].isdigit():
        raise ValueError(f"{VARIABLE}={wanted!r} is not of the form before:ActionType:1 or after:turn-save:3")
    here = f"{phase}:{name}"
    if ":".join(parts[:2]) != here:
        return
    with _lock:
        _seen[here] += 1
        reached = _seen[here] == int(parts[2])
    if reached:
        os._exit(137)
