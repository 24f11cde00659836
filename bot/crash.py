"""A test tool: die at a chosen point, as `kill -9` would. Off unless BRANCHWORK_CRASH is set.

`BRANCHWORK_CRASH="before:FileIssue:2"` ends the process with status 137 the second time it is about to do a
`FileIssue`. The phases are `before` and `after`; the names are action types and `turn-save`.
"""

from __future__ import annotations

import os
import threading
from typing import Literal

VARIABLE = "BRANCHWORK_CRASH"


def _read() -> tuple[str, int] | None:
    """What the environment asks for; told at the start, so that a misspelt point is not a test that passes."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return None
    parts = wanted.split(":")
    if len(parts) != 3 or parts[0] not in ("before", "after") or not parts[2].isdigit():
        raise ValueError(f"{VARIABLE}={wanted!r} is not of the form before:ActionType:1 or after:turn-save:3")
    return ":".join(parts[:2]), int(parts[2])


_wanted = _read()
_lock = threading.Lock()
_seen = 0


def point(phase: Literal["before", "after"], name: str) -> None:
    """Ends the process here if the environment asks for it."""
    global _seen
    if _wanted is None or _wanted[0] != f"{phase}:{name}":
        return
    with _lock:
        _seen += 1
        reached = _seen == _wanted[1]
    if reached:
        os._exit(137)
