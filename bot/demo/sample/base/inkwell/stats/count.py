"""How much text there is."""


def count(text: str) -> dict[str, int]:
    """Words, lines and characters."""
    return {
        "words": len(text.split()),
        "lines": text.count("\n"),
        "characters": len(text),
    }


def report(text: str) -> str:
    """The counts, one a line."""
    return "\n".join(f"{name}: {number}" for name, number in count(text).items())
