"""The full log of an attempt: JSON lines, one for everything that was said, with the time.

Kinds: prompt, message, request, usage, call, result, ignored, invalid, model_error, end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel


def utc_now() -> datetime:
    """The wall clock, the default of `Trajectory`."""
    return datetime.now(UTC)


class Trajectory:
    """A `Record` that appends to a file, line by line, so that a killed attempt leaves all it said."""

    def __init__(self, path: Path, now: Callable[[], datetime] = utc_now) -> None:
        self._file = path.open("a", encoding="utf-8", errors="backslashreplace")
        self._now = now

    def __call__(self, kind: str, data: BaseModel | Mapping[str, Any]) -> None:
        """Write one entry, and flush it."""
        value = data.model_dump(mode="json") if isinstance(data, BaseModel) else dict(data)
        entry = {"at": self._now().isoformat(), "kind": kind, "data": value}
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exit: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of a trajectory; a last line cut off by a crash is left out."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)
