"""Globs over a repository's paths, as in .gitignore: `*` within a name, `**` across, a pattern without a slash
matches at any depth, and a match of a folder covers all that is in it. Case is ignored: a protected path must not be
reachable by another spelling on a file system that ignores it too.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable


def matches(path: str, patterns: Iterable[str]) -> str | None:
    """The first pattern that covers `path`, or None."""
    parts = path.split("/")
    prefixes = ["/".join(parts[: at + 1]) for at in range(len(parts))]
    for pattern in patterns:
        compiled = _compiled(pattern)
        if any(compiled.fullmatch(prefix) for prefix in prefixes):
            return pattern
    return None


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    text = pattern.strip().rstrip("/")
    anchored = "/" in text
    text = text.lstrip("/")
    out, at = "" if anchored else "(?:.*/)?", 0
    while at < len(text):
        if text.startswith("**/", at):
            out, at = out + "(?:.*/)?", at + 3
        elif text.startswith("**", at):
            out, at = out + ".*", at + 2
        elif text[at] == "*":
            out, at = out + "[^/]*", at + 1
        elif text[at] == "?":
            out, at = out + "[^/]", at + 1
        else:
            out, at = out + re.escape(text[at]), at + 1
    return re.compile(out, re.IGNORECASE | re.DOTALL)
