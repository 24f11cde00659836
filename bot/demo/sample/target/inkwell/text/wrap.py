"""Lines of an even length."""


def wrap(text: str, width: int = 72) -> str:
    """Paragraphs, which blank lines part, filled to `width` columns; a longer word keeps its length."""
    if width < 1:
        raise ValueError(f"width must be at least 1, not {width}")
    paragraphs = [part.split() for part in text.split("\n\n")]
    return "\n\n".join("\n".join(_fill(words, width)) for words in paragraphs if words)


def _fill(words: list[str], width: int) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
