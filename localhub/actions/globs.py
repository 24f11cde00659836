"""GitHub's filter patterns for branches, tags and paths.

Source: docs.github.com, "Workflow syntax", filter pattern cheat sheet: `*` stops at a slash, `**` does not,
`?` and `+` repeat the character before, `[]` is a set, `!` at the start takes out what an earlier pattern let in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache


@lru_cache(maxsize=1024)
def _regex(pattern: str) -> re.Pattern[str]:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**/", at):
            out.append("(?:.*/)?")
            at += 3
            continue
        if pattern.startswith("**", at):
            out.append(".*")
            at += 2
            continue
        if char == "[" and (end := pattern.find("]", at + 1)) > 0:
            out.append(pattern[at : end + 1])
            at = end + 1
            continue
        if char == "\\" and at + 1 < len(pattern):
            out.append(re.escape(pattern[at + 1]))
            at += 2
            continue
        out.append({"*": "[^/]*", "?": "?", "+": "+"}.get(char, re.escape(char)))
        at += 1
    return re.compile("".join(out))


def _fits(pattern: str, text: str) -> bool:
    try:
        return _regex(pattern).fullmatch(text) is not None
    except re.error:
        return pattern == text


def selects(patterns: Sequence[str], text: str) -> bool:
    """Whether `text` is in by the last pattern that speaks of it."""
    chosen = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if _fits(pattern[1:], text):
                chosen = False
        elif _fits(pattern, text):
            chosen = True
    return chosen


def any_selected(patterns: Sequence[str], texts: Iterable[str]) -> bool:
    """Whether at least one of `texts` is in (the rule of `paths`)."""
    return any(selects(patterns, text) for text in texts)


def all_selected(patterns: Sequence[str], texts: Iterable[str]) -> bool:
    """Whether every one of `texts` is in (the rule of `paths-ignore`, which skips only then)."""
    return all(selects(patterns, text) for text in texts)
