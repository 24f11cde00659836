"""Objects as one pack with its index, in git's own format: one file for many objects costs one file for each less.

Source: gitformat-pack(5), version 2 of both; whole objects only, no deltas.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping

Object = tuple[int, bytes]
"""Type (1 commit, 2 tree, 3 blob, 4 tag) and content."""


def pack(objects: Mapping[str, Object]) -> tuple[bytes, bytes]:
    """The pack of these objects by their SHAs, and its index."""
    parts = [b"PACK" + struct.pack(">II", 2, len(objects))]
    rows, at = [], len(parts[0])
    for sha, (kind, content) in sorted(objects.items()):
        data = _head(kind, len(content)) + zlib.compress(content, 1)
        rows.append((bytes.fromhex(sha), zlib.crc32(data), at))
        parts.append(data)
        at += len(data)
    body = b"".join(parts)
    trailer = hashlib.sha1(body).digest()  # noqa: S324 (git's own)
    return body + trailer, _index(rows, trailer)


def _head(kind: int, size: int) -> bytes:
    """The type and the size, four bits of it and then seven a byte, the least ones first."""
    byte, size = (kind << 4) | (size & 15), size >> 4
    found = bytearray()
    while size:
        found.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    found.append(byte)
    return bytes(found)


def _index(rows: list[tuple[bytes, int, int]], trailer: bytes) -> bytes:
    firsts = [0] * 256
    for name, _, _ in rows:
        firsts[name[0]] += 1
    for byte in range(1, 256):
        firsts[byte] += firsts[byte - 1]
    body = b"".join(
        (
            b"\xfftOc" + struct.pack(">I", 2),
            struct.pack(">256I", *firsts),
            *(name for name, _, _ in rows),
            *(struct.pack(">I", crc) for _, crc, _ in rows),
            *(struct.pack(">I", at) for _, _, at in rows),  # below 2 GiB, as what waits is never that much
            trailer,
        )
    )
    return body + hashlib.sha1(body).digest()  # noqa: S324
