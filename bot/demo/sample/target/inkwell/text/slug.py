"""Text for addresses."""

import re
import unicodedata


def slugify(text: str, longest: int = 60) -> str:
    """Lower case ASCII letters, digits and single dashes; cut at a word's end where one fits."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain.lower())
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word
        if len(longer) > longest:
            break
        slug = longer
    return slug or (words[0][:longest] if words else "")
