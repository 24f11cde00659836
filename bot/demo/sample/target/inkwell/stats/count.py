"""How much text there is."""


def count(text: str) -> dict[str, int]:
    """Words, lines and characters; a last line without its end counts as a line."""
    return {
        "words": len(text.split()),
        "lines": len(text.splitlines()),
        "characters": len(text),
    }


def longest(text: str) -> int:
    """The length of the longest line."""
    return max((len(line) for line in text.splitlines()), default=0)


def report(text: str) -> str:
    """The counts, one a line."""
    return "\n".join(f"{name}: {number}" for name, number in count(text).items())
