"""Closing keywords: `Closes #12`, `fixes owner/repo#3`, `Resolved: https://…/issues/4`.

Source: docs.github.com, "Linking a pull request to an issue using a keyword".
"""

from __future__ import annotations

import re

_KEYWORD = r"(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)"
_REFERENCE = re.compile(
    rf"(?<![\w-]){_KEYWORD}:?\s+(?:(?P<repo>[\w.-]+/[\w.-]+)?#(?P<number>\d+)\b"
    r"|https?://[^\s/]+/(?P<url_repo>[\w.-]+/[\w.-]+)/issues/(?P<url_number>\d+)\b)",
    re.IGNORECASE,
)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


def references(text: str | None, full_name: str) -> list[tuple[str | None, int]]:
    """What a text says it closes: (None, number) in this repository, else (full name, number)."""
    found: dict[tuple[str | None, int], None] = {}
    for match in _REFERENCE.finditer(_CODE.sub(" ", text or "")):
        repo = match["repo"] or match["url_repo"]
        number = int(match["number"] or match["url_number"])
        found[(None if repo is None or repo.lower() == full_name.lower() else repo, number)] = None
    return list(found)
