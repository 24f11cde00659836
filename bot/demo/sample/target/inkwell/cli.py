"""The command line: the name of a tool, text on standard input."""

from typing import TextIO

from inkwell.registry import TOOLS, find
from inkwell.stats.summary import summary
from inkwell.text.table import table

USAGE = "usage: python3 -m inkwell TOOL < TEXT\n       python3 -m inkwell summary < TEXT\n       python3 -m inkwell tools"


def main(arguments: list[str], given: TextIO, out: TextIO) -> int:
    """Run one tool; the exit code is 2 for a wrong call."""
    if len(arguments) != 1:
        print(USAGE, file=out)
        return 2
    if arguments == ["tools"]:
        print(table([[name, first_line(TOOLS[name].__doc__)] for name in sorted(TOOLS)]), file=out)
        return 0
    if arguments == ["summary"]:
        print(summary(given.read()), file=out)
        return 0
    try:
        tool = find(arguments[0])
    except KeyError as error:
        print(error.args[0], file=out)
        return 2
    print(tool(given.read()), file=out)
    return 0


def first_line(text: str | None) -> str:
    """The first sentence of a docstring, up to a semicolon or the full stop."""
    return (text or "").strip().split("\n")[0].split(";")[0].rstrip(".")
