"""One file's change in several parts, so that several tasks can each bring one of them, in any order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations

from bot.demo.replay.trees import Entry, FileChange

MAX_FREE_PARTS = 8
"""above this many parts only the states in which parts arrived in order are recognised"""


@dataclass(frozen=True, slots=True)
class Atom:
    """The smallest piece of a change: base lines `start:end` give way to `lines`."""

    start: int
    end: int
    lines: tuple[bytes, ...]
    part: int


@dataclass(frozen=True, slots=True)
class Parts:
    """A file's change as numbered parts, from 1 to `count`."""

    base: Entry
    target: Entry
    atoms: tuple[Atom, ...]
    count: int

    def state(self, parts: frozenset[int]) -> bytes:
        """The file's content when exactly these parts are in."""
        lines = self.base.lines or []
        out: list[bytes] = []
        at = 0
        for atom in self.atoms:
            if atom.part not in parts:
                continue
            out += lines[at : atom.start]
            out += atom.lines
            at = atom.end
        return b"".join([*out, *lines[at:]])

    def states(self) -> Iterable[frozenset[int]]:
        """Every set of parts that a checkout may hold, the likelier ones first."""
        numbers = range(1, self.count + 1)
        for end in range(self.count + 1):
            yield frozenset(numbers[:end])
        if self.count <= MAX_FREE_PARTS:
            for size in range(1, self.count):
                for chosen in combinations(numbers, size):
                    yield frozenset(chosen)


def by_words(change: FileChange, words: Sequence[str]) -> Parts:
    """Lines that contain `words[i]` belong to part i+1; a line with none goes with the line before it."""
    marks = [word.encode() for word in words]
    part = 1
    atoms: list[Atom] = []
    for start, end, lines in _edits(change):
        part = next((i for i, mark in enumerate(marks, 1) if any(mark in line for line in lines)), part)
        atoms.append(Atom(start, end, lines, part))
    return _parts(change, atoms, len(words))


def by_size(change: FileChange, most: int) -> Parts | None:
    """Neighbouring edits together, about `most` changed lines a part; None when the file cannot be split."""
    if change.before is None or change.after is None or change.before.mode != change.after.mode:
        return None
    if change.before.lines is None or change.after.lines is None:
        return None
    atoms: list[Atom] = []
    part, size = 1, 0
    for start, end, lines in _edits(change):
        weight = (end - start) + len(lines)
        if size and size + weight > most:
            part, size = part + 1, 0
        atoms.append(Atom(start, end, lines, part))
        size += weight
    return _parts(change, atoms, part) if part > 1 else None


def _parts(change: FileChange, atoms: list[Atom], count: int) -> Parts:
    if change.before is None or change.after is None:
        raise ValueError(f"{change.path}: only a file that is in both trees can be brought in parts")
    return Parts(change.before, change.after, tuple(atoms), count)


def _edits(change: FileChange) -> Iterable[tuple[int, int, tuple[bytes, ...]]]:
    before = (change.before.lines or []) if change.before else []
    after = (change.after.lines or []) if change.after else []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "insert":  # each added line by itself: neighbours may belong to different parts
            yield from ((i1, i1, (line,)) for line in after[j1:j2])
        elif tag != "equal":
            yield i1, i2, tuple(after[j1:j2])
