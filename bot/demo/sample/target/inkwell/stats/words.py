"""Which words a text uses."""

import re
from collections import Counter


def words(text: str) -> list[str]:
    """The words in lower case, in order; an apostrophe may stand inside one."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower())


def common(text: str, most: int = 5) -> list[tuple[str, int]]:
    """The most frequent words with their counts, equal ones in order of the alphabet."""
    counted = Counter(words(text))
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:most]


def variety(text: str) -> float:
    """Different words per word, from 0 for an empty text to 1 where none comes twice."""
    found = words(text)
    return len(set(found)) / len(found) if found else 0.0
