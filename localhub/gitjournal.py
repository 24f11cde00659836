"""What was written to a repository and is not in git's own files yet: records that are appended with one write each.

A record is whole or not there: what a kill tore off at the end was never acknowledged and is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping

NAME = "localhub.journal"
Record = tuple[int, bytes] | dict[str, str | None]
"""Type and content of an object, or refs with where they went together."""
_REFS = b"refs"
_KINDS = {b"commit": 1, b"tree": 2, b"blob": 3, b"tag": 4}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def written(kind: int, content: bytes) -> bytes:
    """The record of an object."""
    return _record(_NAMES[kind], content)


def moved(refs: Mapping[str, str | None]) -> bytes:
    """The record of refs that moved together, None for one that went."""
    return _record(_REFS, "".join(f"{sha or '-'} {name}\n" for name, sha in refs.items()).encode())


def _record(name: bytes, payload: bytes) -> bytes:
    return b"%b %d\n%b\n" % (name, len(payload), payload)


def header(kind: int, content: bytes) -> bytes:
    """What git puts before an object's content to make its name."""
    return b"%b %d\0" % (_NAMES[kind], len(content))


def read(raw: bytes) -> tuple[list[Record], int]:
    """The whole records in order, and where the last one ends."""
    found: list[Record] = []
    at = 0
    while (end := raw.find(b"\n", at)) >= 0:
        name, _, length = raw[at:end].partition(b" ")
        last = end + 1 + int(length)
        if raw[last : last + 1] != b"\n":
            break
        payload, at = raw[end + 1 : last], last + 1
        if name in _KINDS:
            found.append((_KINDS[name], payload))
        else:
            rows = (line.split(" ", 1) for line in payload.decode().splitlines())
            found.append({ref: None if sha == "-" else sha for sha, ref in rows})
    return found, at
