"""The functions of expressions that depend on nothing but their arguments."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from localhub.actions.expressions import ExpressionError
from localhub.actions.values import equal, text_of


def _contains(search: Any, item: Any) -> bool:
    if isinstance(search, list):
        return any(equal(each, item) for each in search)
    return False if isinstance(search, Mapping) else text_of(item).lower() in text_of(search).lower()


def _format(pattern: Any, *args: Any) -> str:
    def put(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        if not match[1] or int(match[1]) >= len(args):
            raise ExpressionError(f"The format string is invalid: {text_of(pattern)}")
        return text_of(args[int(match[1])])

    return re.sub(r"\{\{|\}\}|\{(\d*)\}|[{}]", put, text_of(pattern))


def _join(values: Any, separator: Any = ",") -> str:
    if not isinstance(values, list):
        return "" if isinstance(values, Mapping) else text_of(values)
    return text_of(separator).join(text_of(each) for each in values)


def _from_json(text: Any) -> Any:
    try:
        return json.loads(text_of(text))
    except ValueError as error:
        raise ExpressionError(f"Error parsing fromJson: {error}") from None


def _to_json(value: Any) -> str:
    if isinstance(value, float) and (math.isnan(value) or math.isinf(value)):
        return text_of(value)
    return json.dumps(value, indent=2, ensure_ascii=False)


PURE: dict[str, Callable[..., Any]] = {
    "contains": _contains,
    "startswith": lambda text, part: text_of(text).lower().startswith(text_of(part).lower()),
    "endswith": lambda text, part: text_of(text).lower().endswith(text_of(part).lower()),
    "format": _format,
    "join": _join,
    "tojson": _to_json,
    "fromjson": _from_json,
}
