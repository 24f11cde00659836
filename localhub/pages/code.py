"""Source code with colours, whole files line by line, and diffs as rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup
from pygments import highlight as pygmented
from pygments.formatters.html import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

LIMIT = 400_000  # characters; longer files are shown without colours
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)")


def highlight(text: str, language: str) -> Markup:
    """A code block in a language by its Markdown name."""
    try:
        lexer: Lexer = get_lexer_by_name(language, stripnl=False) if language else TextLexer(stripnl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False)
    return _formatted(text, lexer)


def lines(text: str, path: str) -> list[Markup]:
    """A file's lines, each as HTML by itself."""
    try:
        lexer: Lexer = get_lexer_for_filename(path, stripnl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False)
    if len(text) > LIMIT:
        lexer = TextLexer(stripnl=False)
    rows = _formatted(text, lexer).split("\n")
    return [Markup(row) for row in (rows[:-1] if rows[-1] == "" else rows)]  # noqa: S704


def _formatted(text: str, lexer: Lexer) -> Markup:
    # pygments escapes the text; spans never cross lines (its own line splitting sees to that)
    return Markup(pygmented(text, lexer, HtmlFormatter(nowrap=True)))  # noqa: S704


@lru_cache
def stylesheet() -> str:
    """The classes of highlighted code, for light and for dark."""
    light = HtmlFormatter(style="default").get_style_defs(".code")  # type: ignore[no-untyped-call]
    dark = HtmlFormatter(style="github-dark").get_style_defs(".code")  # type: ignore[no-untyped-call]
    rules = "\n".join(f"  {line}" for line in dark.splitlines() if line.startswith(".code ."))
    plain = "\n".join(line for line in light.splitlines() if line.startswith(".code ."))
    return f"{plain}\n@media (prefers-color-scheme: dark) {{\n{rules}\n}}\n"


@dataclass(frozen=True)
class DiffLine:
    """One row of a diff: kind is hunk, add, del, same or note."""

    kind: str
    old: int | None
    new: int | None
    text: str

    @property
    def side(self) -> str:
        return "LEFT" if self.kind == "del" else "RIGHT"

    @property
    def line(self) -> int | None:
        return self.old if self.kind == "del" else self.new

    @property
    def sign(self) -> str:
        return {"add": "+", "del": "−", "same": " "}.get(self.kind, "")


def diff(patch: str | None) -> list[DiffLine]:
    """The rows of a patch, from its first hunk on."""
    rows: list[DiffLine] = []
    old = new = 0
    for text in (patch or "").split("\n"):
        match = _HUNK.match(text)
        if match:
            old, new = int(match[1]), int(match[2])
            rows.append(DiffLine("hunk", None, None, text))
        elif text.startswith("+"):
            rows.append(DiffLine("add", None, new, text[1:]))
            new += 1
        elif text.startswith("-"):
            rows.append(DiffLine("del", old, None, text[1:]))
            old += 1
        elif text.startswith("\\"):
            rows.append(DiffLine("note", None, None, text[2:]))
        elif text or rows:
            rows.append(DiffLine("same", old, new, text[1:]))
            old, new = old + 1, new + 1
    return rows
