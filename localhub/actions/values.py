"""Values of GitHub's expression language: what is true, equal, smaller, and how a value looks in a string. No I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


class Filtered(list[Any]):
    """What `.*` gives: a property of it is the list of that property of its members."""


def star(value: Any) -> Filtered:
    if isinstance(value, Mapping):
        return Filtered(value.values())
    return Filtered(value) if isinstance(value, list) else Filtered()


def index(value: Any, key: Any) -> Any:
    if isinstance(value, Filtered) and isinstance(key, str):
        found = (_property(item, key) for item in value if isinstance(item, Mapping))
        return Filtered(item for item in found if item is not None)
    if isinstance(value, Mapping):
        return _property(value, text_of(key))
    if isinstance(value, list) and not isinstance(key, str | bool) and isinstance(key, int | float):
        return value[int(key)] if 0 <= key < len(value) else None
    return None


def _property(value: Mapping[str, Any], key: str) -> Any:
    if key in value:
        return value[key]
    return next((item for name, item in value.items() if str(name).lower() == key.lower()), None)


def truthy(value: Any) -> bool:
    """false, 0, NaN, '' and null are false; empty lists and objects are true."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return isinstance(value, Mapping | list) or bool(value)


def text_of(value: Any) -> str:
    """A value inside of a string."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            if math.isnan(value) or math.isinf(value):
                return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
            return f"{value:.15g}"
        case str():
            return value
        case Mapping():
            return "Object"
    return "Array"


def number_of(value: Any) -> float:
    """A value compared as a number; what is none is NaN."""
    match value:
        case None:
            return 0.0
        case bool() | int() | float():
            return float(value)
        case str():
            stripped = value.strip()
            if not stripped:
                return 0.0
            try:
                return float(int(stripped, 0)) if stripped[:2].lower() in ("0x", "0o") else float(stripped)
            except ValueError:
                return math.nan
    return math.nan


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(type(value))
    return "number" if isinstance(value, int | float) else "string" if isinstance(value, str) else "object"


def equal(left: Any, right: Any) -> bool:
    """GitHub's loose equality."""
    if _kind(left) != _kind(right):
        return number_of(left) == number_of(right)
    if isinstance(left, str):
        return left.lower() == str(right).lower()
    return left is right if isinstance(left, Mapping | list) else bool(left == right)


def compare(op: str, left: Any, right: Any) -> bool:
    if op in ("==", "!="):
        return equal(left, right) is (op == "==")
    if isinstance(left, str) and isinstance(right, str):
        one: Any = left.lower()
        two: Any = right.lower()
    else:
        one, two = number_of(left), number_of(right)
    return bool({"<": one < two, "<=": one <= two, ">": one > two, ">=": one >= two}[op])
