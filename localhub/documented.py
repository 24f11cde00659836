"""The page of GitHub's documentation that an error points to: that of the operation which was asked for.

`documented.json` is made by `make contract` from GitHub's own description, for the operations that localhub has.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from localhub.errors import DOCS


def page(method: str, path: str) -> str:
    """The page of a request; the front page of the documentation for what is no operation."""
    strict, loose = _patterns().get(method, ([], []))
    for pattern, where in (*strict, *loose):
        if pattern.fullmatch(path):
            return f"{DOCS}/{where}"
    return DOCS


_Patterns = list[tuple[re.Pattern[str], str]]


@cache
def _patterns() -> dict[str, tuple[_Patterns, _Patterns]]:
    """For each method, and once more for names that have slashes in them: of refs and files."""
    found: dict[str, tuple[_Patterns, _Patterns]] = {}
    pages: dict[str, str] = json.loads(Path(__file__).with_suffix(".json").read_text())
    for operation, where in sorted(pages.items(), key=lambda each: (-each[0].count("/"), each[0].count("{}"))):
        method, template = operation.split(" ", 1)
        for patterns, name in zip(found.setdefault(method, ([], [])), ("[^/]+", ".+"), strict=True):
            patterns.append((re.compile(re.escape(template).replace(r"\{\}", name)), where))
    return found
