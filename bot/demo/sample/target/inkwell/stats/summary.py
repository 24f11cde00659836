"""Everything that can be measured, on one page."""

from inkwell.stats.count import count
from inkwell.stats.readability import ease
from inkwell.stats.words import common, variety


def summary(text: str) -> str:
    """Counts, reading time, variety, reading ease and the most frequent words, one a line."""
    counted = count(text)
    lines = [f"{name}: {number}" for name, number in counted.items()]
    lines.append(f"minutes to read: {max(1, round(counted['words'] / 230)) if counted['words'] else 0}")
    lines.append(f"variety: {variety(text):.2f}")
    lines.append(f"reading ease: {ease(text)}")
    lines.append("common: " + ", ".join(f"{word} ({times})" for word, times in common(text)))
    return "\n".join(lines)
