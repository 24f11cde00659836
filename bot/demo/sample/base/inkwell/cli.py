"""The command line: the name of a tool, text on standard input."""

from typing import TextIO

from inkwell.registry import find

USAGE = "usage: python3 -m inkwell TOOL < TEXT"


def main(arguments: list[str], given: TextIO, out: TextIO) -> int:
    """Run one tool; the exit code is 2 for a wrong call."""
    if len(arguments) != 1:
        print(USAGE, file=out)
        return 2
    try:
        tool = find(arguments[0])
    except KeyError as error:
        print(error.args[0], file=out)
        return 2
    print(tool(given.read()), file=out)
    return 0
