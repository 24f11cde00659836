"""What a person's comment asks of the bot. No I/O: text in, values out."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Literal, get_args

Word = Literal["approve", "retry", "replan", "help"]
WORDS: tuple[str, ...] = get_args(Word)
USAGE = {
    "approve": "carry out the plan of the newest preview",
    "retry": "try the parked work of this issue again",
    "replan WORDS": "tell this issue's planner what should be different",
    "help": "list these commands",
}


@dataclass(frozen=True)
class Command:
    """A known command; `words` is what followed it, with the lines below."""

    word: Word
    words: str = ""


@dataclass(frozen=True)
class UnknownCommand:
    """A person's slip: answered, never guessed."""

    word: str
    did_you_mean: str | None


@dataclass(frozen=True)
class Free:
    """Plain words addressed to the bot."""

    words: str


Asked = Command | UnknownCommand | Free


def parse(body: str, mention: str) -> Asked | None:
    """What `body` asks of us, or None when it is not addressed to the bot.

    A command stands at the start of a line, outside code and quotes: `/branchwork WORD …` or `@app WORD …`.
    `mention` is the app's slug. The first command of a comment counts.
    """
    lines = spoken(body).splitlines()
    start = re.compile(rf"^\s{{0,3}}(/branchwork|@{re.escape(mention)})(?=[\s,:!.]|$)[,:]?\s*(.*)$", re.IGNORECASE)
    for index, line in enumerate(lines):
        if match := start.match(line):
            rest = "\n".join([match[2], *lines[index + 1 :]]).strip()
            return _asked(rest, slash=match[1].startswith("/"))
    if re.search(rf"(?<![\w/@`-])@{re.escape(mention)}(?![\w-])", "\n".join(lines), re.IGNORECASE):
        return Free(body.strip())
    return None


def spoken(body: str) -> str:
    """The words a person says themselves: without fenced and indented code, quotes, code spans and HTML comments."""
    body = re.sub(r"<!--.*?(-->|\Z)", "", body.replace("\r\n", "\n"), flags=re.DOTALL)
    kept: list[str] = []
    fence: str | None = None
    for line in body.split("\n"):
        mark = re.match(r"^ {0,3}(`{3,}|~{3,})", line)
        if fence is not None:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = None
            continue
        if mark:
            fence = mark[1]
        elif not re.match(r"^( {4,}|\t| {0,3}>)", line):
            kept.append(re.sub(r"(`+)[^`\n]+\1", "", line))
    return "\n".join(kept)


def _asked(rest: str, *, slash: bool) -> Asked:
    first, _, words = rest.partition(" ") if "\n" not in rest.split(" ", 1)[0] else rest.partition("\n")
    word = first.strip().lower().rstrip(".!,:")
    known: dict[str, Word] = {"approve": "approve", "retry": "retry", "replan": "replan", "help": "help"}
    if word in known:
        return Command(known[word], words.strip())
    if not slash and rest:
        return Free(rest)
    if not word:
        return Command("help")
    close = difflib.get_close_matches(word, WORDS, n=1, cutoff=0.5)
    return UnknownCommand(word, close[0] if close else None)
