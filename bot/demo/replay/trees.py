"""Two trees of files and the difference between them. A tree is what git would keep: bytes, mode bit, links."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Mode = Literal["100644", "100755", "120000"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file. For a link (120000) `data` is where it points to."""

    mode: Mode
    data: bytes

    @property
    def lines(self) -> list[bytes] | None:
        """The lines with their ends; None for what is no text to git (a NUL byte) or is a link."""
        if self.mode == "120000" or b"\0" in self.data:
            return None
        return self.data.splitlines(keepends=True) if b"\r" not in self.data else _split(self.data)


Tree = Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class FileChange:
    """What happens to one path. `lines` counts added and removed ones; 1 at least."""

    path: str
    before: Entry | None
    after: Entry | None
    lines: int


def read_tree(root: Path) -> dict[str, Entry]:
    """Every file below `root`, by its path with slashes; `.git` is left out, as are empty folders."""
    found: dict[str, Entry] = {}
    for folder, names, files in os.walk(root):
        names[:] = sorted(n for n in names if n != ".git")
        here = Path(folder)
        links = [n for n in names if (here / n).is_symlink()]
        names[:] = [n for n in names if n not in links]
        for name in sorted([*files, *links]):
            path = here / name
            relative = path.relative_to(root).as_posix()
            if path.is_symlink():
                found[relative] = Entry("120000", os.fsencode(os.readlink(path)))
            elif path.is_file() and name != ".git":
                mode: Mode = "100755" if path.stat().st_mode & 0o100 else "100644"
                found[relative] = Entry(mode, path.read_bytes())
    return dict(sorted(found.items()))


def changes(base: Tree, target: Tree) -> list[FileChange]:
    """Every path that differs in bytes, mode or existence, in order of path."""
    paths = sorted({*base, *target})
    return [
        FileChange(path, base.get(path), target.get(path), _size(base.get(path), target.get(path)))
        for path in paths
        if base.get(path) != target.get(path)
    ]


def under(path: str, places: tuple[str, ...]) -> bool:
    """Whether `path` is one of `places` or lies inside one that ends in a slash."""
    return any(path == place or (place.endswith("/") and path.startswith(place)) for place in places)


def _size(before: Entry | None, after: Entry | None) -> int:
    old = Counter((before.lines or [before.data]) if before else [])
    new = Counter((after.lines or [after.data]) if after else [])
    return max(1, sum((new - old).values()) + sum((old - new).values()))


def _split(data: bytes) -> list[bytes]:
    """Lines by LF alone: a lone CR is part of its line, as it is for git."""
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
