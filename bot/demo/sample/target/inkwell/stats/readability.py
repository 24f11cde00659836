"""How hard a text is to read."""

import re

from inkwell.stats.words import words


def sentences(text: str) -> list[str]:
    """The sentences, without the blanks around them."""
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+", text) if part.strip()]


def syllables(word: str) -> int:
    """About how many syllables a word has: groups of vowels, a silent e at the end left out; 1 at least."""
    groups = len(re.findall(r"[aeiouy]+", word.lower()))
    if word.endswith("e") and not word.endswith("le") and groups > 1:
        groups -= 1
    return max(1, groups)


def ease(text: str) -> float:
    """Flesch's reading ease (R. Flesch, 1948): about 100 is easy, 30 is hard; 0.0 for an empty text."""
    found = words(text)
    if not found:
        return 0.0
    per_sentence = len(found) / len(sentences(text))
    per_word = sum(syllables(word) for word in found) / len(found)
    return round(206.835 - 1.015 * per_sentence - 84.6 * per_word, 1)
