"""Upper and lower case."""

import re

SMALL = {"a", "an", "and", "of", "the", "to"}


def title(text: str) -> str:
    """Each word with a capital, small words only at the start."""
    words = text.split()
    return " ".join(
        word if number and word in SMALL else word[:1].upper() + word[1:]
        for number, word in enumerate(words)
    )


def snake(text: str) -> str:
    """Words as a Python name: `HTTPServer name` becomes `http_server_name`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    return "_".join(re.findall(r"[a-z0-9]+", parted.lower()))


def camel(text: str) -> str:
    """Words as a class name: `http server` becomes `HttpServer`."""
    return "".join(word.capitalize() for word in snake(text).split("_"))
