"""The text of plain SQL statements, made once for each table and its columns: names are all that is no value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

MAX = 2**63 - 1
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")


@lru_cache(maxsize=1024)
def insert(table: str, *columns: str) -> str:
    names, marks = ", ".join(map(name, columns)), ", ".join("?" for _ in columns)
    return f"INSERT INTO {name(table)} ({names}) VALUES ({marks})"  # noqa: S608


@lru_cache(maxsize=1024)
def update(table: str, *columns: str) -> str:
    return f"UPDATE {name(table)} SET {', '.join(f'{name(each)} = ?' for each in columns)} WHERE id = ?"  # noqa: S608


@lru_cache(maxsize=1024)
def made(table: str, *columns: str) -> str:
    return f"{insert(table, *columns)} RETURNING *"


@lru_cache(maxsize=1024)
def changed(table: str, *columns: str) -> str:
    return f"{update(table, *columns)} RETURNING *"


@lru_cache(maxsize=1024)
def by_id(table: str) -> str:
    return f"SELECT * FROM {name(table)} WHERE id = ?"  # noqa: S608


def watch(table: str, columns: Sequence[str], function: str) -> list[str]:
    """Triggers of one connection that call `function` whenever rows (or only these columns) of the table change."""
    of = f" OF {', '.join(map(name, columns))}" if columns else ""
    return [
        f"CREATE TEMP TRIGGER watch_{name(table)}_{kind[:6]} AFTER {kind} ON main.{name(table)}"
        f" BEGIN SELECT {name(function)}(); END"
        for kind in ("INSERT", "DELETE", f"UPDATE{of}")
    ]


def fitting(value: object) -> object:
    return max(-MAX, min(MAX, value)) if isinstance(value, int) else value


def name(identifier: str) -> str:
    if not _IDENTIFIER.fullmatch(identifier):
        raise ValueError(f"not an SQL identifier: {identifier!r}")
    return identifier
