"""Margins."""


def indent(text: str, by: int = 4) -> str:
    """Each line that is not blank moved to the right by `by` spaces."""
    return "\n".join(" " * by + line if line.strip() else line for line in text.split("\n"))


def dedent(text: str) -> str:
    """The margin that all lines share taken away; blank lines do not count."""
    lines = text.split("\n")
    margins = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
    cut = min(margins, default=0)
    return "\n".join(line[cut:] if line.strip() else line for line in lines)
