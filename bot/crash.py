"""A test tool: die at a chosen point, as `kill -9` would. Off unless BRANCHWORK_CRASH is set.

`BRANCHWORK_CRASH="before:FileIssue:2"` ends the process with status 137 the second time it is about to do a
`FileIssue`. The phases are `before` and `after`; the names are action types and `turn-save`. Of several points with
commas between them the first that is reached ends it. The last line on standard error says which it was.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Literal

VARIABLE = "BRANCHWORK_CRASH"


def read(environment: Mapping[str, str]) -> dict[str, int]:
    """What the environment asks for: point → how often it is passed until the end.

    Told at the start, so that a misspelt point is not a test that passes.
    """
    wanted: dict[str, int] = {}
    for point in filter(None, environment.get(VARIABLE, "").split(",")):
        parts = point.split(":")
        if len(parts) != 3 or parts[0] not in ("before", "after") or not parts[2].isdigit():
            raise ValueError(f"{VARIABLE}: {point!r} is not of the form before:ActionType:1 or after:turn-save:3")
        wanted[":".join(parts[:2])] = int(parts[2])
    return wanted


_left = read(os.environ)
_lock = threading.Lock()


def point(phase: Literal["before", "after"], name: str) -> None:
    """Ends the process here if the environment asks for it."""
    key = f"{phase}:{name}"
    if key not in _left:
        return
    with _lock:
        _left[key] -= 1
        if _left[key] == 0:
            os.write(2, f"\ncrash at {key}\n".encode())
            os._exit(137)
