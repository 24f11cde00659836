"""How branches went on while this process looked: which commits came when, and where heads were seen to leave.

All of it is about commits, which never change, so nothing here ever becomes wrong; it is only forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MOST = 20_000  # commits that are remembered to have come


class Growth:
    """Steps of lines: line number n of a line is where the branch was after n moves."""

    def __init__(self) -> None:
        self._steps: dict[str, tuple[int, int]] = {}
        self._last: dict[int, int] = {}
        self._came: dict[tuple[int, str], int] = {}
        self._forks: dict[tuple[int, str], tuple[int, str]] = {}
        self._brought: dict[str, tuple[str, Mapping[str, str]]] = {}
        self._seen: dict[tuple[str, str], str] = {}
        self._lines = 0

    def grew(self, before: str, after: str, brought: Mapping[str, str]) -> None:
        """The branch went from one commit to another, which brought these that it had not, and no others."""
        if len(self._came) > MOST:
            for each in (self._steps, self._last, self._came, self._forks, self._brought, self._seen):
                each.clear()
        line, step = self._steps.get(before, (0, 0))
        if before not in self._steps or self._last[line] != step:
            self._lines += 1
            line, step = self._lines, 0
            self._steps[before] = (line, 0)
            for (tip, head), fork in self._seen.items():
                if tip == before:
                    self._forks[line, head] = (0, fork)
        self._steps[after] = (line, step + 1)
        self._last[line] = step + 1
        self._came |= {(line, sha): step + 1 for sha in brought}
        self._brought[after] = (before, brought)

    def brought(self, before: str, after: str) -> dict[str, str] | None:
        """What `grew` was told of this move."""
        was, brought = self._brought.get(after, ("", {}))
        return dict(brought) if was == before else None

    def tried(self, tip: str, head: str, fork: str | None) -> None:
        """The merge base of a branch's commit and a head was worked out."""
        if fork is None:
            return
        if tip in self._steps:
            line, step = self._steps[tip]
            self._forks[line, head] = (step, fork)
        else:
            if len(self._seen) > MOST:
                self._seen.clear()
            self._seen[tip, head] = fork

    def fork(self, tip: str, head: str) -> str | None:
        """The merge base of the head and an earlier commit of the tip's line."""
        line, step = self._steps.get(tip, (0, 0))
        at, fork = self._forks.get((line, head), (0, None))
        return fork if at <= step else None

    def came_since(self, tip: str, head: str, own: Iterable[str]) -> bool:
        """Whether one of these commits came to the line after that one."""
        line, _ = self._steps[tip]
        at, _ = self._forks[line, head]
        return any(self._came.get((line, sha), 0) > at for sha in own)
