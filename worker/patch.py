"""V4A patches, the format that coding models are trained on (see OpenAI's apply_patch), as pure functions.

    *** Begin Patch
    *** Update File: path        followed by optional `*** Move to: path` and chunks
    @@ a line above the change   optional, may be repeated: jumps there first
     context, -removed, +added
    *** End of File              optional: the chunk is the file's end
    *** Add File: path           all lines with +
    *** Delete File: path
    *** End Patch

A patch applies whole or not at all. Context is looked for from the last chunk on: exactly, then without trailing
blanks, then without leading ones; the file's own lines are kept where the context differs by blanks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

BEGIN, END, EOF = "*** Begin Patch", "*** End Patch", "*** End of File"
ADD, UPDATE, DELETE, MOVE = "*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: "

Read = Callable[[str], str | None]
"""The text of a file, or None where there is none."""


class PatchError(Exception):
    """The patch cannot be read, or does not fit; the text tells the model what to change."""


@dataclass
class Chunk:
    """One place of a file: where to jump, what is there, what shall be there."""

    anchors: list[str] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    at_end: bool = False

    @property
    def before(self) -> list[str]:
        """The lines that must be in the file."""
        return [text for sign, text in self.lines if sign != "+"]


@dataclass
class Operation:
    """What happens to one file."""

    kind: str
    path: str
    move_to: str | None = None
    added: list[str] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)


def apply(patch: str, read: Read) -> dict[str, str | None]:
    """What each touched path holds afterwards (None: deleted). Touches nothing itself."""
    after: dict[str, str | None] = {}

    def current(path: str) -> str | None:
        return after[path] if path in after else read(path)

    for operation in parse(patch):
        path, text = operation.path, current(operation.path)
        if operation.kind == ADD:
            if text is not None:
                raise PatchError(f"{path} exists already: use `{UPDATE.strip()}`")
            after[path] = "".join(line + "\n" for line in operation.added)
            continue
        if text is None:
            raise PatchError(f"{path} does not exist")
        if operation.kind == DELETE:
            after[path] = None
            continue
        changed = update(path, text, operation.chunks)
        if operation.move_to not in (None, path):
            assert operation.move_to is not None
            if current(operation.move_to) is not None:
                raise PatchError(f"{operation.move_to} exists already: {path} cannot be moved there")
            after[path], after[operation.move_to] = None, changed
        else:
            after[path] = changed
    return after


def parse(patch: str) -> list[Operation]:
    """The operations of a patch."""
    lines = patch.strip("\n").split("\n")
    lines = [line.removesuffix("\r") for line in lines] if all(line.endswith("\r") for line in lines[:-1]) else lines
    if not lines or lines[0].strip() != BEGIN or lines[-1].strip() != END or len(lines) < 2:
        raise PatchError(f"a patch starts with the line `{BEGIN}` and ends with the line `{END}`")
    operations: list[Operation] = []
    for number, line in enumerate(lines[1:-1], start=2):
        kind = next((kind for kind in (ADD, UPDATE, DELETE) if line.startswith(kind)), None)
        if kind is not None:
            operations.append(Operation(kind, line.removeprefix(kind).strip()))
            if not operations[-1].path:
                raise PatchError(f"line {number}: a path is missing")
        elif not operations:
            raise PatchError(
                f"line {number}: expected `{UPDATE}path`, `{ADD}path` or `{DELETE}path`, not {line[:80]!r}"
            )
        else:
            _line(operations[-1], line, number)
    if not operations:
        raise PatchError("the patch holds no operation")
    for operation in operations:
        if operation.kind == UPDATE and not operation.chunks and operation.move_to is None:
            raise PatchError(f"{operation.path}: nothing to update")
        if any(not chunk.lines for chunk in operation.chunks):
            raise PatchError(f"{operation.path}: a chunk without lines")
    return operations


def _line(operation: Operation, line: str, number: int) -> None:
    """One line of an operation's body."""
    if operation.kind == ADD and line.startswith("+"):
        operation.added.append(line[1:])
        return
    if operation.kind != UPDATE:
        what = "lines that start with +" if operation.kind == ADD else "nothing"
        raise PatchError(f"line {number}: `{operation.kind}{operation.path}` takes {what}, not {line[:80]!r}")
    if line.startswith(MOVE) and not operation.chunks:
        operation.move_to = line.removeprefix(MOVE).strip()
        return
    chunks = operation.chunks
    if line.startswith("@@"):
        if not chunks or chunks[-1].lines:
            chunks.append(Chunk())
        if anchor := line[2:].strip():
            chunks[-1].anchors.append(anchor)
        return
    if not chunks or chunks[-1].at_end:
        chunks.append(Chunk())
    if line.rstrip() == EOF:
        chunks[-1].at_end = True
    elif line == "" or line[0] in " +-":
        chunks[-1].lines.append((line[:1] or " ", line[1:]))
    else:
        raise PatchError(f"line {number}: a line of a chunk starts with a blank, + or -, not {line[:80]!r}")


def update(path: str, text: str, chunks: list[Chunk]) -> str:
    """The text with all chunks applied, in order."""
    lines = text.split("\n")
    ends_with_newline = lines[-1] == ""
    if ends_with_newline:
        lines.pop()
    ending = "\r" if lines and sum(line.endswith("\r") for line in lines) * 2 > len(lines) else ""
    result: list[str] = []
    done = 0
    for chunk in chunks:
        start = done
        for anchor in chunk.anchors:
            start = _anchor(path, lines, anchor, start)
        at = _find(lines, chunk, start)
        if at is None:
            wanted = "\n".join(chunk.before[:12])
            raise PatchError(f"{path}: these lines are not there (after line {start}); read the file again:\n{wanted}")
        result += lines[done:at]
        result += _replaced(lines, at, chunk, ending)
        done = at + len(chunk.before)
    result += lines[done:]
    return "\n".join(result) + ("\n" if result and (ends_with_newline or not text) else "")


def _replaced(lines: list[str], at: int, chunk: Chunk, ending: str) -> Iterator[str]:
    for sign, text in chunk.lines:
        if sign == "+":
            yield text + ending
            continue
        if sign == " ":
            yield lines[at]
        at += 1


def _anchor(path: str, lines: list[str], anchor: str, start: int) -> int:
    """The line after the anchor."""
    for at in range(start, len(lines)):
        if lines[at].strip() == anchor:
            return at + 1
    for at in range(start, len(lines)):
        if lines[at].strip().startswith(anchor):
            return at + 1
    raise PatchError(f"{path}: there is no line {anchor!r} after line {start}")


def _find(lines: list[str], chunk: Chunk, start: int) -> int | None:
    before = chunk.before
    last = len(lines) - len(before)
    if not before:
        # Pure insertion: after the anchor, else at the end of the file.
        return start if chunk.anchors and not chunk.at_end else len(lines)
    for same in (_exactly, _but_trailing, _but_blanks):
        for at in (last,) if chunk.at_end else range(start, last + 1):
            if at >= start and all(same(lines[at + i], before[i]) for i in range(len(before))):
                return at
    return None


def _exactly(one: str, other: str) -> bool:
    return one == other


def _but_trailing(one: str, other: str) -> bool:
    return one.rstrip() == other.rstrip()


def _but_blanks(one: str, other: str) -> bool:
    return one.strip() == other.strip()
