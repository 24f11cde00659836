"""Upper and lower case."""

SMALL = {"a", "an", "and", "of", "the", "to"}


def title(text: str) -> str:
    """Each word with a capital, small words only at the start."""
    words = text.split()
    return " ".join(
        word if number and word in SMALL else word[:1].upper() + word[1:]
        for number, word in enumerate(words)
    )
