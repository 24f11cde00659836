"""Hidden, signed markers in what the bot writes: how a second start finds what a first one created.

    <!-- branchwork:v1 {base64 of JSON} {HMAC-SHA256 in hex} -->

A marker is bound to the repository, so that it says nothing when it is copied elsewhere. Whoever reads one must still
look at the author: a person can quote our comment, marker and all.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_PATTERN = re.compile(r"<!-- branchwork:v1 ([A-Za-z0-9+/=]+) ([0-9a-f]{64}) -->")
_CONTEXT = b"branchwork:v1\n"


@dataclass(frozen=True, slots=True)
class Marker:
    """What a genuine marker says."""

    repo_id: int
    kind: str
    """what was created: issue, pull, preview, status, reply …"""
    parent: int
    """number of the issue or pull request that it belongs to; 0 without one"""
    key: str
    """key of the action that created it"""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """what else is needed to go on when the database is lost"""


def _sign(key: str, payload: str) -> str:
    return hmac.new(key.encode(), _CONTEXT + payload.encode(), hashlib.sha256).hexdigest()


def make(marker: Marker, keys: Sequence[str]) -> str:
    """The marker as text, signed with the first key."""
    if not keys or not keys[0]:
        raise ValueError("a marker cannot be signed without a key: set BRANCHWORK_SECRET_KEY")
    said = [marker.repo_id, marker.kind, marker.parent, marker.key, dict(marker.facts)]
    payload = base64.b64encode(json.dumps(said, separators=(",", ":")).encode()).decode()
    return f"<!-- branchwork:v1 {payload} {_sign(keys[0], payload)} -->"


def find(text: str | None, keys: Sequence[str], repo_id: int) -> Marker | None:
    """The last genuine marker for this repository in a text, or None. Forged and foreign ones count as absent."""
    for payload, signature in reversed(_PATTERN.findall(text or "")):
        if any(key and hmac.compare_digest(_sign(key, payload), signature) for key in keys):
            marker = _read(payload)
            if marker is not None and marker.repo_id == repo_id:
                return marker
    return None


def _read(payload: str) -> Marker | None:
    """A signed payload is ours, but perhaps from a newer version: one that we cannot read is no marker to us."""
    try:
        said = json.loads(base64.b64decode(payload, validate=True))
        repo_id, kind, parent, key, facts = said
        return Marker(int(repo_id), str(kind), int(parent), str(key), dict(facts))
    except (binascii.Error, ValueError, TypeError):
        return None
