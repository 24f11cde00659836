"""Every tool that the command line offers, by name."""

from collections.abc import Callable

from inkwell.stats.count import report
from inkwell.text.case import title

TOOLS: dict[str, Callable[[str], str]] = {
    "title": title,
    "count": report,
}


def find(name: str) -> Callable[[str], str]:
    """The tool of this name; KeyError names those that there are."""
    if name not in TOOLS:
        raise KeyError(f"no tool {name!r}; there are: {', '.join(sorted(TOOLS))}")
    return TOOLS[name]
