"""What runs next: ready tasks by priority and age; those that overlap running work wait while another is ready."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from planner.model import Value


class Ready(Value):
    node: str
    paths: tuple[str, ...]
    priority: int
    order: int
    passed_over: int = 0
    """how often others went first because of overlap; bounded, so that overlap is a preference and never a lock"""


MAX_PASSED_OVER = 5


def overlap(a: Iterable[str], b: Iterable[str]) -> bool:
    """Same file, or a file inside a folder (a path that ends in `/`) of the other side."""
    left, right = list(a), list(b)
    return any(x == y or (x.endswith("/") and y.startswith(x)) or (y.endswith("/") and x.startswith(y))
               for x in left for y in right)  # fmt: skip


def choose(ready: Sequence[Ready], running: Sequence[tuple[str, ...]], slots: int) -> tuple[list[str], list[Ready]]:
    """The nodes to start now (at most `slots`), and those that stay ready, with their patience counted."""
    order = sorted(ready, key=lambda r: (-r.priority, r.order, r.node))
    busy = list(running)
    started: list[str] = []
    passed: list[Ready] = []
    for task in order:
        patient = task.passed_over < MAX_PASSED_OVER
        if len(started) >= slots or (patient and any(overlap(task.paths, p) for p in busy)):
            passed.append(task)
        else:
            started.append(task.node)
            busy.append(task.paths)
    if not started:  # nothing else is ready: overlap alone holds nobody up
        started = [t.node for t in passed[:slots]]
        return started, passed[slots:]
    return started, [t.model_copy(update={"passed_over": t.passed_over + 1}) for t in passed]
