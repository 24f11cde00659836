"""GitHub's words for documents that its schema refuses: it is graphql-ruby that speaks there.

Clients read them: gh takes "Field 'x' doesn't exist on type 'T'" for an older server and goes on without the field.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError

Said = tuple[str, dict[str, Any]]

_WORDS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Said]]] = [
    (
        re.compile(r"Cannot query field '(\w+)' on type '(\w+)'"),
        lambda m: (
            f"Field '{m[1]}' doesn't exist on type '{m[2]}'",
            {"code": "undefinedField", "typeName": m[2], "fieldName": m[1]},
        ),
    ),
    (
        re.compile(r"Unknown argument '(\w+)' on field '\w+\.(\w+)'"),
        lambda m: (
            f"Field '{m[2]}' doesn't accept argument '{m[1]}'",
            {"code": "argumentNotAccepted", "name": m[2], "typeName": "Field", "argumentName": m[1]},
        ),
    ),
    (
        re.compile(r"Unknown type '(\w+)'"),
        lambda m: (
            f"No such type {m[1]}, so it can't be a fragment condition",
            {"code": "undefinedType", "typeName": m[1]},
        ),
    ),
    (
        re.compile(r"Field '(\w+)' of type '([^']+)' must have a selection of subfields"),
        lambda m: (
            f"Field must have selections (field '{m[1]}' returns {m[2].strip('[]!')} but has no selections. "
            f"Did you mean '{m[1]} {{ ... }}'?)",
            {"code": "selectionMismatch", "nodeName": f"field '{m[1]}'", "typeName": m[2].strip("[]!")},
        ),
    ),
    (
        re.compile(r"Variable '\$(\w+)' has invalid value: Expected value of type '(\w+)' not to include unknown "
                   r"field '(\w+)'"),
        lambda m: (
            f"Variable ${m[1]} of type {m[2]}! was provided invalid value for {m[3]} (Field is not defined on {m[2]})",
            {"problems": [{"path": [m[3]], "explanation": f"Field is not defined on {m[2]}"}]},
        ),
    ),
]  # fmt: skip


def said(error: GraphQLError) -> Said | None:
    """GitHub's message and extensions for an error of ours, if it has words of its own."""
    for pattern, words in _WORDS:
        match = pattern.match(error.message)
        if match:
            message, extensions = words(match)
            return (_of_variable(error, match[1]) or message), extensions
    return None


def _of_variable(error: GraphQLError, name: str) -> str | None:
    """An unknown type is most often a fragment's; here it is a variable's."""
    places = list(error.positions or ())
    if error.source is None or not places or not error.message.startswith("Unknown type"):
        return None
    variable = re.search(r"\$(\w+)\s*:\s*\[?$", error.source.body[: places[0]])
    return f"{name} isn't a defined input type (on ${variable[1]})" if variable else None


def refused(errors: list[GraphQLError]) -> list[GraphQLError]:
    """The errors of validation that GitHub has too.

    It lets two fragments on different types give one name to fields of different types, as gh does with the state of
    "an issue or pull request".
    """
    return [error for error in errors if "they return conflicting types" not in error.message]
